// The table of overflow nodes, with its filters and its buttons.

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
