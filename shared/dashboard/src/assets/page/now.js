// What is true now: figures, notices, locations, issues, and what the next cycle would do.

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

function showFigures(data) {
  const { first } = data;
  const unknown = first.room === null;
  const figures = [
    ["Room now", unknown ? "?" : first.room.toLocaleString("en"), unknown ? "not known" : "HD calls", unknown ? "bad" : ""],
    ["Room in 5 minutes", first.soon === null ? "?" : first.soon.toLocaleString("en"), first.soon === null ? "not known" : "HD calls", ""],
    !first.ledger_read || (unknown && data.holds.some((hold) => hold.from <= 0 && hold.until > 0)) ? ["Held nodes", "?", "not known", "bad"] : heldFigure(first.held),
    ["Licences left", first.licences === null ? "–" : first.licences.toLocaleString("en"), first.licences === null ? "not known" : `of ${first.licences_total.toLocaleString("en")}`, first.licences !== null && first.licences < 10 ? "warn" : ""],
    ["Age of the data", first.data_age === null ? "–" : ago(first.data_age), first.data_age === null ? "no node reports" : "oldest report", first.data_age !== null && first.data_age > 180 ? "bad" : ""],
  ];
  const texts = [
    ["Last cycle", first.cycle ? `${ago(first.cycle.age)} ago: ${first.cycle.outcome ? `${first.cycle.outcome.replace("_", " ")}, ` : ""}${first.cycle.summary}` : first.ledger_read ? "no cycle has run yet" : "not known", !first.cycle || first.cycle.age > 300 ? "bad" : ""],
    ["Last refusal", first.refusal ? `${ago(first.refusal.age)} ago: ${first.refusal.what}` : first.ledger_read ? "none" : "not known", first.refusal ? "warn" : ""],
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
  fill($("next"), JSON.stringify([data.next, rest]), () => [...data.next.map((line) => h("li", {}, line)), ...(rest > 0 ? [h("li", {}, `and ${rest} more: spillway plan lists them`)] : [])]);
}

const percent = (value) => (value === null ? "–" : `${Math.round(value)} %`);
const edgeColumns = [
  { label: "Location", kind: "name", sig: (r) => r.name },
  { label: "Proxying nodes", kind: "num", sig: (r) => (r.reporting === r.nodes ? String(r.nodes) : `${r.reporting} of ${r.nodes} reporting`) },
  { label: "Media load", kind: "num", sig: (r) => percent(r.load) },
  { label: "Highest", kind: "num", sig: (r) => percent(r.highest) },
];
