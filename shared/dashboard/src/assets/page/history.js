// The history, with its filters.

const past = { events: [], seen: undefined, loading: false, failed: null };
const KINDS = { start: "start", start_refused: "start refused", ready: "ready", start_failed: "start failed", start_seen: "start seen", drain_began: "drain began", drain_cancelled: "drain cancelled", drain_vetoed: "drain vetoed", stop: "stop", stop_refused: "stop refused", stopped: "stopped", maintenance_cleared: "maintenance cleared", address_changed: "address changed", cycle_refused: "cycle refused", request_done: "request done", asked: "asked", operated: "operated", overridden: "overridden", retired: "retired", withheld: "withheld" };
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
