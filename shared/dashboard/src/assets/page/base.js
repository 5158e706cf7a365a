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
    throw new Error(error.name === "TimeoutError" ? "spillway dashboard did not answer within a minute." : "spillway dashboard does not answer. Check that it still runs.");
  }
  const answer = await response.json().catch(() => ({ error: `the answer could not be read (status ${response.status})` }));
  if (!response.ok) throw new Error(told([answer.error, answer.remedy].filter(Boolean).join(". ")));
  return answer;
}
