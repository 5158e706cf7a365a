// The loop: fetches, shows, and waits. It starts the page, so it is the last part.

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
