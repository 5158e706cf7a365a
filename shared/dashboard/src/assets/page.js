// The status page. One request each refresh; what has changed is changed in place, so that focus, scroll position and
// open things stay. Text from outside becomes text nodes and nothing else; the page's policy makes the browser refuse
// markup made from strings. No address of another server is known here.

const $ = (id) => document.getElementById(id);

// The token comes in the fragment, which no server sees, and is taken out of the address bar: a screenshot of the page
// gives nothing away. It stays with this tab, so that a reload works.
const token = (() => {
  const given = location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(given)) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem("token") ?? "";
})();

const view = { data: null, zone: undefined, every: 15000, receivedAt: 0, age: 0, failed: null, unread: null, nodesShown: innerWidth < 760 ? 12 : 60, historyShown: 25 };
const SVG = "http://www.w3.org/2000/svg";
const natural = new Intl.Collator(undefined, { numeric: true });

// --- small things -----------------------------------------------------------------------------------------------

/** An element: attributes by name, then children; strings become text nodes. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

function s(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Rebuilds an element's inside only when what it shows has changed. */
function fill(element, signature, build) {
  if (element.shown === signature) return;
  element.shown = signature;
  const focused = element.contains(document.activeElement);
  element.replaceChildren(...build());
  if (focused) element.querySelector("button, a, input, select")?.focus({ preventScroll: true });
}

function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

function ago(seconds) {
  const value = Math.max(0, Math.round(seconds));
  if (value < 90) return `${value} s`;
  if (value < 90 * 60) return `${Math.round(value / 60)} min`;
  if (value < 36 * 3600) return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
  return `${Math.round(value / 86400)} days`;
}

/** A moment, in the browser's zone or the one that was asked for; the date only where it is another day. */
function clock(second, withSeconds = false) {
  const date = new Date(second * 1000);
  const zone = { timeZone: view.zone };
  const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(withSeconds ? { second: "2-digit" } : {}), ...zone });
  const day = (when) => when.toLocaleDateString("en-GB", zone);
  const today = view.data ? new Date(view.data.at * 1000) : new Date();
  if (day(date) === day(today)) return time;
  return `${date.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", ...zone })} ${time}`;
}

/** The same value with the instants in its sentences shown by the clock that the rest of the page goes by. */
function told(value) {
  if (typeof value === "string") return value.replace(/(^|\s)(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z(?=[\s,;:.)]|$)/g, (_, before, at) => `${before}${clock(Date.parse(`${at}Z`) / 1000)}`);
  if (Array.isArray(value)) return value.map(told);
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, told(inner)]));
  return value;
}

async function ask(path, body) {
  const options = { headers: { "X-Spillway-Token": token }, cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(60000) };
  if (body !== undefined) {
    options.method = "POST";
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw new Error(error.name === "TimeoutError" ? "spillway dashboard did not answer within a minute." : "spillway dashboard does not answer. Does it still run?");
  }
  const answer = await response.json().catch(() => ({ error: `the answer made no sense (${response.status})` }));
  if (!response.ok) throw new Error(told([answer.error, answer.remedy].filter(Boolean).join(". ")));
  return answer;
}

// --- tables -----------------------------------------------------------------------------------------------------

/** Columns are `{label, kind, sig, build}`; rows are kept by key, so that a row that only moved is the same element. */
function table(element, columns, rows, key) {
  if (!element.body) {
    const heads = columns.map((column) => h("th", { scope: "col", role: "columnheader", class: column.kind === "num" ? "num" : null }, column.hidden ? h("span", { class: "visually-hidden" }, column.label) : column.label));
    element.body = h("tbody", { role: "rowgroup" });
    element.append(h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...heads)), element.body);
    element.rows_ = new Map();
    const label = element.closest("section")?.getAttribute("aria-labelledby");
    if (label) element.setAttribute("aria-labelledby", label);
  }
  const active = document.activeElement;
  const kept = new Map();
  let cursor = element.body.firstElementChild;
  for (const row of rows) {
    const name = key(row);
    let line = element.rows_.get(name);
    if (!line) {
      line = h("tr", { role: "row" }, ...columns.map((column) => h("td", { role: column.kind === "name" ? "rowheader" : "cell", class: column.kind, "data-label": column.label })));
    }
    kept.set(name, line);
    if (line === cursor) cursor = cursor.nextElementSibling;
    else element.body.insertBefore(line, cursor);
    columns.forEach((column, index) => {
      const cell = line.children[index];
      const signature = column.sig(row);
      cell.classList.toggle("blank", signature === "");
      fill(cell, signature, () => (column.build ? column.build(row) : [h("span", {}, signature)]));
    });
  }
  for (const [name, line] of element.rows_) if (!kept.has(name)) line.remove();
  element.rows_ = kept;
  if (active !== document.activeElement && active?.isConnected) active.focus({ preventScroll: true });
  element.hidden = rows.length === 0;
  const empty = element.parentElement.querySelector(":scope > .empty");
  if (empty) empty.hidden = rows.length > 0;
}

function state(word, tone) {
  return h("span", { class: `state ${tone}` }, word);
}

function meter(used, max) {
  const part = max > 0 ? Math.min(100, Math.round((100 * used) / max)) : 0;
  const fillBar = h("span", { class: "fill" });
  fillBar.style.display = "block";
  fillBar.style.width = `${part}%`;
  return h("span", { class: "track", "aria-hidden": "true" }, fillBar);
}

// --- the sections -----------------------------------------------------------------------------------------------

const WORDS = ["", "approaching threshold", "bursting threshold reached"];
const WORD_TONES = ["normal", "warn", "bad"];

const principalColumns = [
  { label: "Location", kind: "name", sig: (r) => r.name },
  { label: "Free HD calls", kind: "num", sig: (r) => `${r.free} of ${r.max}`, build: (r) => [h("span", { class: "meter" }, meter(r.max - r.free, r.max), h("span", {}, h("b", {}, String(r.free)), ` of ${r.max}`))] },
  { label: "Bursting threshold", kind: "num", sig: (r) => String(r.threshold) },
  { label: "State", kind: "half", sig: (r) => WORDS[r.word] || "above the threshold", build: (r) => [state(WORDS[r.word] || "above the threshold", WORD_TONES[r.word])] },
  { label: "Overflows to", kind: "half", sig: (r) => r.overflow },
];

const overflowColumns = [
  { label: "Location", kind: "name", sig: (r) => r.name },
  { label: "Nodes ready", kind: "num", sig: (r) => `${r.ready} of ${r.nodes}` },
  { label: "Free HD calls", kind: "num", sig: (r) => `${r.free} of ${r.max}`, build: (r) => [h("span", { class: "meter" }, meter(r.max - r.free, r.max), h("span", {}, h("b", {}, String(r.free)), ` of ${r.max}`))] },
  { label: "Booting", kind: "num", sig: (r) => (r.booting ? `+${r.booting}` : "0") },
  { label: "Why", kind: "", sig: (r) => r.why },
];

const TONES = { "failed start": "bad", degraded: "bad", maintenance: "warn", "backing off": "warn", retired: "warn", ready: "ready", booting: "booting", draining: "draining", stopping: "stopping" };
const OFF = new Set(["stopped", "backing off", "failed start", "retired", "gone"]);
const TROUBLE = new Set(["failed start", "degraded", "maintenance", "backing off"]);
const CAN_START = new Set(["stopped", "backing off", "failed start"]);
const CAN_STOP = new Set(["ready", "booting", "degraded", "running", "failed start"]);

const nodeColumns = [
  { label: "Node", kind: "name", sig: (r) => `${r.name}\n${r.location}`, build: (r) => [h("span", {}, r.name, h("span", { class: "sub" }, r.location || "location not known"))] },
  { label: "State", kind: "short", sig: (r) => r.state, build: (r) => [state(r.state, TONES[r.state] ?? "")] },
  { label: "Since", kind: "short", sig: (r) => (r.since === null ? "" : `${clock(r.at - r.since)}\n${ago(r.since)}`), build: (r) => (r.since === null ? [] : [h("span", {}, clock(r.at - r.since), h("span", { class: "sub" }, `${ago(r.since)} ago`))]) },
  { label: "Free HD calls", kind: "num", sig: (r) => (r.state === "ready" ? `${r.free} of ${r.max}` : `of ${r.max}`), build: (r) => [h("span", {}, r.state === "ready" ? h("b", {}, String(r.free)) : "–", ` of ${r.max}`)] },
  { label: "Hosting", kind: "", sig: (r) => (r.hosting ? `${r.hosting}\n${r.conferences.join("\n")}` : ""), build: (r) => (r.hosting ? [h("span", {}, plural(r.hosting, "conference"), r.conferences.length ? h("span", { class: "sub" }, r.conferences.join(", ") + (r.hosting > r.conferences.length ? ", …" : "")) : null)] : []) },
  { label: "Held until", kind: "short", sig: (r) => (r.held === null ? "" : clock(r.at + r.held)) },
  { label: "Why", kind: "", sig: (r) => `${r.why}\n${r.started}`, build: (r) => (r.why || r.started ? [h("span", {}, r.why || "", r.started ? h("span", { class: "sub" }, `started by ${r.started}`) : null)] : []) },
  {
    label: "Action", hidden: true, kind: "act",
    sig: (r) => (actionOf(r) ? `${actionOf(r)} ${r.name}` : ""),
    build: (r) => {
      const what = actionOf(r);
      if (!what) return [];
      const button = h("button", { type: "button", "data-instance": r.instance }, what === "start" ? "Start" : "Stop", h("span", { class: "visually-hidden" }, ` ${r.name}`));
      button.addEventListener("click", () => openDialog(what, r.instance, r.name));
      return [button];
    },
  },
];

function actionOf(row) {
  if (CAN_START.has(row.state) && row.since === null) return "start";
  if (CAN_STOP.has(row.state)) return "stop";
  return CAN_START.has(row.state) ? "start" : "";
}

function unpackNodes(data) {
  return data.nodes.map((row) => {
    const [name, id, location, word, why, max = 0, free = 0, since = 0, started = 0, held = 0, hosting = 0, conferences = []] = row;
    // 0 is "none" where a number is one more than a place among the texts.
    const text = (number) => (number ? data.texts[number - 1] : "");
    return { at: data.at, name, instance: /^[0-9a-f]+$/.test(id) ? `i-${id}` : id, location: text(location), state: data.texts[word], since: since || null, max, free, why: data.texts[why], started: text(started), held: held || null, hosting, conferences };
  });
}

function showNodes() {
  const all = unpackNodes(view.data);
  const show = $("nodes-show").value;
  const name = $("nodes-name").value.trim().toLowerCase();
  // The server's order of states: trouble first. Within one, 2 comes before 10.
  const rank = new Map();
  for (const row of all) if (!rank.has(row.state)) rank.set(row.state, rank.size);
  all.sort((a, b) => rank.get(a.state) - rank.get(b.state) || natural.compare(a.name, b.name));
  const fits = all.filter((row) => {
    if (show === "on" && OFF.has(row.state)) return false;
    if (show === "off" && !OFF.has(row.state)) return false;
    if (show === "trouble" && !TROUBLE.has(row.state)) return false;
    return !name || row.name.toLowerCase().includes(name) || row.instance.includes(name) || row.location.toLowerCase().includes(name);
  });
  const byState = new Map();
  for (const row of all) byState.set(row.state, (byState.get(row.state) ?? 0) + 1);
  const counts = [...byState].map(([word, count]) => `${count.toLocaleString("en")} ${word}`).join(", ");
  setText($("nodes-count"), all.length ? `${plural(all.length, "overflow node")}: ${counts}` : "");
  table($("nodes"), nodeColumns, fits.slice(0, view.nodesShown), (row) => row.instance);
  const more = $("nodes-more");
  more.hidden = fits.length <= view.nodesShown;
  setText(more, `Show all ${fits.length.toLocaleString("en")}`);
}

function showFigures(data) {
  const { first } = data;
  const unknown = first.room === null;
  const figures = [
    ["Room now", unknown ? "?" : first.room.toLocaleString("en"), unknown ? "not known" : "HD calls", unknown ? "bad" : ""],
    ["Room in 5 minutes", first.soon === null ? "?" : first.soon.toLocaleString("en"), first.soon === null ? "not known" : "HD calls", ""],
    unknown && data.holds.some((hold) => hold.from <= 0 && hold.until > 0) ? ["Held nodes", "?", "not known", "bad"] : heldFigure(first.held),
    ["Licences left", first.licences === null ? "–" : first.licences.toLocaleString("en"), first.licences === null ? "not known" : `of ${first.licences_total.toLocaleString("en")}`, first.licences !== null && first.licences < 10 ? "warn" : ""],
    ["Age of the data", first.data_age === null ? "–" : ago(first.data_age), first.data_age === null ? "no node reports" : "oldest report", first.data_age !== null && first.data_age > 180 ? "bad" : ""],
  ];
  const texts = [
    ["Last cycle", first.cycle ? `${ago(first.cycle.age)} ago: ${first.cycle.outcome ? `${first.cycle.outcome.replace("_", " ")}, ` : ""}${first.cycle.summary}` : "no cycle has run yet", !first.cycle || first.cycle.age > 300 ? "bad" : ""],
    ["Last refusal", first.refusal ? `${ago(first.refusal.age)} ago: ${first.refusal.what}` : "none", first.refusal ? "warn" : ""],
  ];
  const box = $("figures");
  if (!box.children.length) {
    for (const [title] of [...figures, ...texts]) box.append(h("div", {}, h("dt", {}, title), h("dd", {})));
  }
  [...figures].forEach(([, value, unit, tone], index) => {
    const dd = box.children[index].lastElementChild;
    dd.className = tone;
    fill(dd, `${value} ${unit}`, () => [value, " ", h("span", { class: "unit" }, unit)]);
  });
  texts.forEach(([, value, tone], index) => {
    const part = box.children[figures.length + index];
    part.classList.add("whole");
    part.lastElementChild.className = `text ${tone}`;
    setText(part.lastElementChild, value);
  });
}

function heldFigure(held) {
  if (!held.asked) return ["Held nodes", "0", "nothing is held", ""];
  const parts = [[held.booting, "booting"], [held.late, "late"], [held.failed, "failed"]].filter(([count]) => count).map(([count, word]) => `${count} ${word}`);
  const tone = held.failed ? "bad" : held.late ? "warn" : "";
  return ["Held nodes", `${held.ready}/${held.asked}`, ["ready", ...parts].join(", "), tone];
}

function showNotices() {
  const notices = [];
  if (!token) notices.push(["bad", "This page was opened without its token", "Open the address that the command printed, with everything after the #."]);
  if (view.failed && token) notices.push(["bad", view.failed, view.data ? `What is shown is ${ago(ageNow())} old.` : ""]);
  if (view.unread) notices.push(["bad", view.unread.what, [view.unread.remedy, view.data ? `What is shown is ${ago(ageNow())} old.` : ""].filter(Boolean).join(" ")]);
  for (const { what, remedy } of view.data?.trouble ?? []) {
    const paused = what.startsWith("paused");
    notices.push([paused ? "" : "bad", paused ? `Spillway is ${what}` : what, paused ? "Nothing is started, drained or stopped meanwhile. spillway resume ends the pause." : remedy]);
  }
  // The age is not part of it: an alert is read out again only when something else has happened.
  const signature = JSON.stringify(notices.map(([tone, what]) => [tone, what]));
  fill($("notices"), signature, () => notices.map(([tone, what, remedy]) => h("p", { class: `notice ${tone}` }, h("strong", {}, what), remedy ? h("span", {}, remedy) : null)));
}

function showIssues(data) {
  const list = $("issues");
  fill(list, JSON.stringify(data.issues), () => data.issues.map((issue) => h("li", {}, h("b", {}, issue.about), `: ${issue.what}`, issue.remedy ? h("span", { class: "sub" }, issue.remedy) : null)));
  list.nextElementSibling.hidden = data.issues.length > 0;
  // What could not be read says nothing about what is wrong.
  setText(list.nextElementSibling, data.first.room === null ? "Not known: not everything could be read." : "Nothing keeps a node from being used.");
  setText($("issues-title"), data.issues.length ? `Issues (${data.issues.length})` : "Issues");
  $("next-section").hidden = data.next.length === 0;
  const rest = data.next_all - data.next.length;
  fill($("next"), JSON.stringify([data.next, rest]), () => [...data.next.map((line) => h("li", {}, line)), ...(rest > 0 ? [h("li", {}, `and ${rest} more: spillway plan`)] : [])]);
}

// --- charts -----------------------------------------------------------------------------------------------------

function hours(data, labels) {
  // Whole hours of the zone that is shown, or every second or third where there is no room for all.
  const { past, ahead } = data.chart;
  const step = [1, 2, 3, 4].find((each) => (past + ahead) / 3600 / each <= labels) ?? 6;
  const marks = [];
  for (let second = Math.ceil((data.at - past) / 1800) * 1800; second < data.at + ahead; second += 1800) {
    const [hour, minute] = new Date(second * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: view.zone }).split(":");
    if (minute === "00" && Number(hour) % step === 0) marks.push([second - data.at, `${hour}:00`]);
  }
  return marks;
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10].map((each) => each * power).find((top) => top >= value) ?? value;
}

function showLoad(data) {
  const box = $("load");
  const { base, step } = data.chart;
  // The middle of each stretch; the last one has just begun.
  const when = (index) => Math.min(0, base + (index + 0.5) * step);
  const charts = data.chart.locations
    .map(([name, threshold, principal, used, max]) => [name, threshold, principal, used.map((value, index) => [when(index), value, max[index]]).filter(([, value]) => value !== null)])
    .filter(([, , , points]) => points.some(([, , max]) => max > 0));
  box.nextElementSibling.hidden = charts.length > 0;
  while (box.children.length > charts.length) box.lastElementChild.remove();
  charts.forEach(([name, threshold, principal, points], index) => {
    if (!box.children[index]) box.append(h("figure", { class: "chart" }, h("figcaption", {}, h("b", {}), h("span", {}))));
    const figure = box.children[index];
    const title = data.texts[name];
    const width = Math.round(figure.clientWidth) || 480;
    const [, used, max] = points.at(-1);
    setText(figure.firstElementChild.firstElementChild, title);
    setText(figure.firstElementChild.lastElementChild, `${used} of ${max} HD calls in use`);
    const signature = JSON.stringify([data.at, width, points, threshold, title]);
    if (figure.shown === signature) return;
    figure.shown = signature;
    figure.querySelector("svg")?.remove();
    figure.append(chart(data, title, threshold, principal, points, width));
  });
}

function chart(data, title, threshold, principal, points, width) {
  const [left, top, height, bottom] = [34, 8, 120, 20];
  const { past, ahead } = data.chart;
  const most = niceTop(Math.max(...points.map(([, used, max]) => Math.max(used, max))));
  // A chart of the past ends now; what is to come is drawn with the holds.
  const x = (second) => left + ((second + past) / past) * (width - left - 6);
  const y = (value) => top + height - (value / most) * height;
  const peak = points.reduce((best, point) => (point[1] > best[1] ? point : best));
  const last = points.at(-1);
  const label = `${title}: ${last[1]} of ${last[2]} HD calls in use now; most in ${Math.round(past / 3600)} hours ${peak[1]}, at ${clock(data.at + peak[0])}`;
  const svg = s("svg", { viewBox: `0 0 ${width} ${top + height + bottom}`, role: "img", "aria-label": label });
  for (const value of [0, most / 2, most]) {
    svg.append(s("line", { class: "grid", x1: left, x2: width - 6, y1: y(value), y2: y(value) }));
    svg.append(s("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, String(Math.round(value * 10) / 10)));
  }
  for (const [second, text] of hours({ ...data, chart: { past, ahead: 0 } }, width / 60)) {
    svg.append(s("line", { class: "grid", x1: x(second), x2: x(second), y1: top, y2: top + height }));
    svg.append(s("text", { x: x(second), y: top + height + 15, "text-anchor": x(second) < left + 14 ? "start" : x(second) > width - 26 ? "end" : "middle" }, text));
  }
  // Where minutes are missing nothing is drawn: no cycle ran, or nothing could be read.
  const gap = 3.5 * data.chart.step;
  const runs = [];
  for (const point of points) {
    const run = runs.at(-1);
    if (run && point[0] - run.at(-1)[0] <= gap) run.push(point);
    else runs.push([point]);
  }
  const at = (value) => Math.round(value * 10) / 10;
  for (const run of runs) {
    // Capacity comes and goes in steps, load slides.
    let step = `M${at(x(run[0][0]))} ${at(y(run[0][2]))}`;
    for (const [second, , max] of run.slice(1)) step += `H${at(x(second))}V${at(y(max))}`;
    svg.append(s("path", { class: "k-capacity", d: `${step}V${at(y(0))}H${at(x(run[0][0]))}Z` }));
    svg.append(s("path", { class: "k-capacity-top", d: step }));
    if (principal && threshold !== null) {
      let line = `M${at(x(run[0][0]))} ${at(y(Math.max(0, run[0][2] - threshold)))}`;
      for (const [second, , max] of run.slice(1)) line += `H${at(x(second))}V${at(y(Math.max(0, max - threshold)))}`;
      svg.append(s("path", { class: "k-threshold", d: line }));
    }
    svg.append(s("path", { class: "k-load", d: run.map(([second, used], index) => `${index ? "L" : "M"}${at(x(second))} ${at(y(used))}`).join("") }));
  }
  return svg;
}

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
  setText(note, `The latest ${data.chart.runs.length} of ${data.chart.runs_all} runs; all of them: spillway history`);
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

const percent = (value) => (value === null ? "–" : `${Math.round(value)} %`);
const edgeColumns = [
  { label: "Location", kind: "name", sig: (r) => r.name },
  { label: "Proxying nodes", kind: "num", sig: (r) => (r.reporting === r.nodes ? String(r.nodes) : `${r.reporting} of ${r.nodes} report`) },
  { label: "Media load", kind: "num", sig: (r) => percent(r.load) },
  { label: "Highest", kind: "num", sig: (r) => percent(r.highest) },
];

// --- history ----------------------------------------------------------------------------------------------------

const past = { events: [], seen: undefined, loading: false, failed: null };
const KINDS = { start: "start", start_refused: "start refused", ready: "ready", start_failed: "start failed", start_seen: "start seen", drain_began: "drain began", drain_cancelled: "drain cancelled", drain_vetoed: "drain vetoed", stop: "stop", stop_refused: "stop refused", stopped: "stopped", maintenance_cleared: "maintenance cleared", address_changed: "address changed", cycle_refused: "cycle refused", request_done: "request done", asked: "asked", operated: "operated", overridden: "overridden", retired: "retired" };
const KIND_TONES = { start_refused: "bad", start_failed: "bad", stop_refused: "bad", cycle_refused: "bad", overridden: "warn", drain_vetoed: "warn" };

const historyColumns = [
  { label: "When", kind: "short", sig: (e) => clock(e.at, true) },
  { label: "What", kind: "short", sig: (e) => KINDS[e.kind] ?? e.kind, build: (e) => [h("span", { class: KIND_TONES[e.kind] ? `state ${KIND_TONES[e.kind]}` : "" }, KINDS[e.kind] ?? e.kind)] },
  { label: "Node", kind: "half", sig: (e) => e.node ?? e.instance ?? "", build: (e) => [h("span", {}, e.node ?? e.instance ?? "", e.location ? h("span", { class: "sub" }, e.location) : null)] },
  { label: "By", kind: "half", sig: (e) => e.by },
  { label: "Why", kind: "", sig: (e) => e.why },
];

async function loadHistory() {
  if (past.loading) return;
  past.loading = true;
  try {
    const { events } = await ask(`/api/history?hours=${$("history-hours").value}`);
    past.events = told(events).reverse();
    past.failed = null;
    choices($("history-kind"), [...new Set(events.map((event) => event.kind))].map((kind) => [kind, KINDS[kind] ?? kind]));
    choices($("history-location"), [...new Set(events.map((event) => event.location).filter(Boolean))].map((name) => [name, name]));
  } catch (error) {
    past.failed = error.message;
    past.seen = undefined;
  }
  past.loading = false;
  showHistory();
}

function choices(select, values) {
  values.sort((a, b) => natural.compare(a[1], b[1]));
  const signature = JSON.stringify(values);
  if (select.shown === signature) return;
  select.shown = signature;
  const chosen = select.value;
  while (select.options.length > 1) select.remove(1);
  if (chosen && !values.some(([value]) => value === chosen)) values.push([chosen, KINDS[chosen] ?? chosen]);
  for (const [value, text] of values) select.add(new Option(text, value));
  select.value = chosen;
}

function showHistory() {
  const [kind, place, text] = [$("history-kind").value, $("history-location").value, $("history-text").value.trim().toLowerCase()];
  const fits = past.events.filter((event) => (!kind || event.kind === kind) && (!place || event.location === place) && (!text || [event.node, event.instance, event.by, event.why].some((each) => each?.toLowerCase().includes(text))));
  setText($("history-count"), past.failed ?? `${plural(fits.length, "line")}${fits.length === past.events.length ? "" : ` of ${past.events.length}`}`);
  table($("history"), historyColumns, fits.slice(0, view.historyShown), (event) => `${event.at} ${event.kind} ${event.instance} ${event.why}`);
  const more = $("history-more");
  more.hidden = fits.length <= view.historyShown;
  setText(more, `Show all ${fits.length.toLocaleString("en")}`);
}

// --- start and stop ---------------------------------------------------------------------------------------------

const dialog = { what: "", instance: "", plan: null, turn: 0 };

function openDialog(what, instance, name) {
  Object.assign(dialog, { what, instance, plan: null });
  setText($("ask-title"), what === "start" ? `Start ${name}?` : `Drain and stop ${name}?`);
  $("ask-options").hidden = false;
  $("ask-hold-label").hidden = what !== "start";
  $("ask-reason").value = "";
  $("ask-yes").hidden = false;
  setText($("ask-yes"), what === "start" ? "Start" : "Drain and stop");
  setText($("ask-no"), "Cancel");
  setText($("ask-what"), "The plan");
  $("ask").showModal();
  plan();
}

/** Shows what would be done. Each change of what is asked for makes a new plan, and only the last one counts. */
async function plan() {
  const turn = ++dialog.turn;
  dialog.plan = null;
  $("ask-yes").disabled = true;
  note("Asking for the plan…");
  try {
    const { id, plan: lines, refused } = told(await ask("/api/preview", wish()));
    if (turn !== dialog.turn) return;
    $("ask-plan").replaceChildren(...lines.map((line) => h("li", {}, line)));
    note(refused ? `Not possible: ${refused}` : "");
    dialog.plan = id;
    $("ask-yes").disabled = !id;
  } catch (error) {
    if (turn !== dialog.turn) return;
    $("ask-plan").replaceChildren();
    note(error.message);
  }
}

function wish() {
  const reason = $("ask-reason").value;
  return dialog.what === "start" ? { do: "start", instance: dialog.instance, hold_minutes: Number($("ask-hold").value), reason } : { do: "stop", instance: dialog.instance, reason };
}

function note(text) {
  $("ask-note").hidden = !text;
  setText($("ask-note"), text);
}

async function carryOut() {
  $("ask-yes").disabled = true;
  const turn = ++dialog.turn;
  let id = dialog.plan;
  note("At work…");
  try {
    // The reason may have been typed after the plan was made.
    ({ id } = await ask("/api/preview", wish()));
    if (!id) return plan();
    const { done, lines } = told(await ask("/api/act", { id }));
    if (turn !== dialog.turn) return;
    setText($("ask-what"), "The result");
    $("ask-plan").replaceChildren(...lines.map((line) => h("li", {}, line)));
    note(done ? "Done." : "Not all of it was done.");
  } catch (error) {
    if (turn !== dialog.turn) return;
    note(error.message);
  }
  $("ask-options").hidden = true;
  $("ask-yes").hidden = true;
  setText($("ask-no"), "Close");
  $("ask-no").focus();
  refresh();
}

// --- the loop ---------------------------------------------------------------------------------------------------

function ageNow() {
  return view.age + (performance.now() - view.receivedAt) / 1000;
}

function showFresh() {
  const age = ageNow();
  const old = Boolean(view.failed || view.unread) || age * 1000 > 3 * view.every + 5000;
  $("fresh").classList.toggle("old", old);
  if (view.data) setText($("fresh-text"), `${clock(view.data.at, true)}, read ${ago(age)} ago`);
  else setText($("fresh-text"), view.failed ? "nothing was read yet" : "Reading…");
}

function show() {
  showNotices();
  showFresh();
  const data = view.data;
  if (!data) return;
  const text = (index) => data.texts[index];
  document.title = `${data.first.room ?? "?"} free · ${data.platform} · Spillway`;
  setText($("platform"), data.platform);
  const modes = [data.mode === "assist" ? "assist: Pexip's own bursting decides" : "", data.dry_run ? "dry run" : "", data.trouble.some(({ what }) => what.startsWith("paused")) ? "paused" : ""].filter(Boolean);
  fill($("modes"), JSON.stringify(modes), () => modes.map((mode) => h("span", { class: "badge" }, mode)));
  // Read out when something changes, not because time goes by.
  const line = data.line.replace(/^\d\d:\d\d /, "").replace(/ \| data [^|]* old/, "");
  setText($("line"), line);
  $("content").hidden = false;
  showFigures(data);
  for (const element of document.querySelectorAll("[data-as-of]")) {
    element.hidden = data.locations_age <= 0;
    setText(element, data.locations_age > 0 ? `As read ${ago(data.locations_age)} ago: the Management Node cannot be read now.` : "");
  }
  table($("principal"), principalColumns, data.principal.map(([name, free, max, threshold, word, overflow]) => ({ name: text(name), free, max, threshold, word, overflow: text(overflow) })), (row) => `${row.name}\n${row.overflow}`);
  table($("overflow"), overflowColumns, data.overflow.map(([name, free, max, booting, threshold, ready, nodes, why]) => ({ name: text(name), free, max, booting, threshold, ready, nodes, why: text(why) })), (row) => row.name);
  showNodes();
  showIssues(data);
  showLoad(data);
  showRuns(data);
  showHolds(data);
  $("edge-section").hidden = data.edge.length === 0;
  table($("edge"), edgeColumns, data.edge, (row) => row.name);
  setText($("foot"), `Times in ${view.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone}. Refreshed every ${Math.round(view.every / 100) / 10} s. Served by this machine to itself.`);
  if (past.seen !== data.last_event || past.failed) {
    past.seen = data.last_event;
    loadHistory();
  } else if (!past.events.length) showHistory();
}

let timer;
async function refresh() {
  clearTimeout(timer);
  try {
    const answer = await ask("/api/page");
    view.failed = null;
    view.every = answer.every_ms;
    view.zone = answer.zone ?? undefined;
    view.age = answer.age_s ?? 0;
    view.receivedAt = performance.now();
    view.data = answer.data ?? view.data;
    // Which day is today is known only now.
    view.data = told(view.data);
    view.unread = told(answer.unread);
  } catch (error) {
    view.failed = error.message;
  }
  show();
  clearTimeout(timer);
  // A page that nobody looks at asks nothing.
  if (!document.hidden) timer = setTimeout(refresh, view.every);
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
setInterval(showFresh, 1000);
let resizing;
window.addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(() => view.data && show(), 150);
});
for (const id of ["nodes-show", "nodes-name"]) $(id).addEventListener("input", () => view.data && showNodes());
$("nodes-more").addEventListener("click", () => { view.nodesShown = Infinity; showNodes(); });
for (const id of ["history-kind", "history-location", "history-text"]) $(id).addEventListener("input", showHistory);
$("history-hours").addEventListener("input", loadHistory);
$("history-more").addEventListener("click", () => { view.historyShown = Infinity; showHistory(); });
$("ask-hold").addEventListener("input", plan);
$("ask-no").addEventListener("click", () => $("ask").close());
$("ask-yes").addEventListener("click", carryOut);
$("ask").addEventListener("close", () => { dialog.turn += 1; });
refresh();
