// Bars on a time axis: the runs of nodes, holds, and windows to come.

/** Rows of bars on one time axis: `{key, who, segments: [{from, until, kind, title}], why}`; seconds from now. */
function lanes(box, data, rows) {
  box.lanes_ ??= new Map();
  const { past, ahead } = data.chart;
  const place = (second) => (100 * (Math.min(ahead, Math.max(-past, second)) + past)) / (past + ahead);
  if (!box.axis) {
    box.axis = h("div", { class: "lane-axis", "aria-hidden": "true" }, h("span", {}), h("span", { class: "track" }), h("span", {}));
    box.append(box.axis);
  }
  box.axis.hidden = rows.length === 0;
  const marks = hours(data, (box.clientWidth || 900) < 700 ? 8 : 9);
  fill(box.axis.children[1], JSON.stringify(marks), () => marks.filter(([second]) => place(second) > 2 && place(second) < 98).map(([second, text]) => {
    const mark = h("span", {}, text);
    mark.style.left = `${place(second)}%`;
    return mark;
  }));
  const kept = new Map();
  let cursor = box.axis.nextElementSibling;
  for (const row of rows) {
    let lane = box.lanes_.get(row.key);
    if (!lane) lane = h("div", { class: "lane", role: "group" }, h("span", { class: "who" }), h("span", { class: "track" }), h("span", { class: "why" }));
    kept.set(row.key, lane);
    if (lane === cursor) cursor = cursor.nextElementSibling;
    else box.insertBefore(lane, cursor);
    setText(lane.children[0], row.who);
    setText(lane.children[2], row.why);
    const track = lane.children[1];
    fill(track, JSON.stringify([data.at, row.segments]), () => {
      const bars = row.segments.filter(({ from, until }) => until >= -past && from <= ahead).map(({ from, until, kind, title }) => {
        const bar = h("span", { class: `seg ${kind}`, title });
        bar.style.left = `${place(from)}%`;
        bar.style.width = `${Math.max(0, place(until) - place(from))}%`;
        return bar;
      });
      const now = h("span", { class: "now", title: "now" });
      now.style.left = `${place(0)}%`;
      return [...bars, now];
    });
    lane.setAttribute("aria-label", `${row.who}: ${row.segments.filter(({ title }) => title).map(({ title }) => title).join("; ")}. ${row.why}`);
  }
  for (const [name, lane] of box.lanes_) if (!kept.has(name)) lane.remove();
  box.lanes_ = kept;
}

function showRuns(data) {
  const byNode = new Map();
  for (const [place, from, ready, drain, until, failed, began, ended] of data.chart.runs) {
    const node = typeof place === "number" ? data.nodes[place][0] : place;
    if (!byNode.has(node)) byNode.set(node, []);
    byNode.get(node).push({ from: from ?? -data.chart.past, ready, drain, until, failed, known: from !== null, began: data.texts[began], ended: data.texts[ended] });
  }
  const span = (from, until) => `${clock(data.at + from)} to ${until === null ? "now" : clock(data.at + until)}`;
  const rows = [...byNode].map(([node, runs]) => {
    runs.sort((a, b) => a.from - b.from);
    const segments = runs.flatMap(({ from, ready, drain, until, failed }) => {
      const end = until ?? 0;
      if (failed) return [{ from, until: end, kind: "failed", title: `failed start ${span(from, until)}` }];
      const up = ready ?? (drain === null ? end : from);
      const down = drain ?? end;
      return [
        { from, until: up, kind: "booting", title: `booting ${span(from, ready)}` },
        { from: up, until: down, kind: "ready", title: `ready ${span(up, drain ?? until)}` },
        { from: down, until: end, kind: "draining", title: `draining ${span(down, until)}` },
      ].filter((bar) => bar.until > bar.from);
    });
    const last = runs.at(-1);
    const why = [last.began && `started by ${last.began}`, last.until !== null && !last.failed && last.ended && `stopped by ${last.ended}`, last.failed && last.ended].filter(Boolean).join("; ");
    return { key: node, who: node, segments, why };
  });
  rows.sort((a, b) => natural.compare(a.who, b.who));
  lanes($("runs"), data, rows);
  const hidden = data.chart.runs_all - data.chart.runs.length;
  const note = $("runs-more");
  note.hidden = hidden <= 0;
  setText(note, `The latest ${data.chart.runs.length} of ${data.chart.runs_all} runs; spillway history has all of them`);
  note.nextElementSibling.hidden = rows.length > 0;
}

function showHolds(data) {
  const spike = (at) => (at === null || at === undefined ? [] : [{ from: at, until: at, kind: "spike", title: `spike expected ${clock(data.at + at)}` }]);
  const rows = data.holds.map((hold) => ({
    key: `hold ${hold.id}`, who: hold.where,
    segments: [{ from: hold.from, until: hold.until, kind: "hold", title: `hold ${clock(data.at + hold.from)} to ${clock(data.at + hold.until)}` }, ...spike(hold.spike)],
    why: `${hold.amount}, ${clock(data.at + hold.from)} to ${clock(data.at + hold.until)}, by ${hold.by}: ${hold.why}`,
  }));
  for (const window of data.windows) {
    rows.push({
      key: `window ${window.name} ${window.from + data.at}`, who: window.name,
      segments: window.skipped ? [] : [{ from: window.from, until: window.until, kind: "window", title: `window ${clock(data.at + window.from)} to ${clock(data.at + window.until)}` }, ...spike(window.spike)],
      why: `${window.skipped ? "skipped: " : ""}${window.what}, ${clock(data.at + window.from)} to ${clock(data.at + window.until)}`,
    });
  }
  lanes($("holds"), data, rows);
  $("holds").nextElementSibling.hidden = rows.length > 0;
}
