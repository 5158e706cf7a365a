"""The page as an operator uses it: it loads, it refreshes in place, a start and a drain work, what is down is said, and all
of it by keyboard, on a desk and on a telephone, in light and in dark."""

from __future__ import annotations

import re
import time
from pathlib import Path

from e2e import servers
from e2e.checks import Checks

from .environment import HOSTILE, REASON, Environment, add_pause, remove_pause

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# A refresh is due every 15 s.
REFRESH_MS = 40_000

# Text must stand out from what is behind it (WCAG 2.1, 1.4.3): 4.5 to 1, 3 to 1 where it is large.
CONTRAST = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { for (let e = element; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0.99) return c; } return [255, 255, 255]; };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.disabled || element.closest(".visually-hidden, .skip, noscript")) continue;
    const style = getComputedStyle(element);
    const color = element.namespaceURI.endsWith("svg") ? style.fill : style.color;
    const [a, b] = [light(parse(color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) weak.push(`${element.textContent.trim().slice(0, 30)} ${ratio.toFixed(2)}`);
  }
  return weak;
}"""


class Watched:
    """A page whose console, errors and requests are kept."""

    def __init__(self, browser, **options) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))

    def open(self, system: Environment):
        self.page.goto(system.url)
        self.page.wait_for_selector("#nodes tbody tr")
        return self.page


def run(browser, system: Environment, checks: Checks, shots: Path | None) -> None:
    watched = Watched(browser, viewport=WIDE, timezone_id="Europe/Oslo", reduced_motion="reduce")
    page = watched.open(system)
    loads(page, watched, system, checks)
    keyboard(page, checks)
    starts(page, watched, system, checks)
    refreshes(page, watched, checks)
    drains(page, system, checks)
    looks(browser, system, checks, shots)
    paused(page, system, checks)
    checks.that("the console stayed empty", not watched.said, watched.said[:5])
    # The last of it that is silent: what follows is meant to be complained about.
    made = page.evaluate("""() => { try { document.createElement("div").innerHTML = "<b>x</b>"; return true; }
      catch { return false; } }""")
    checks.that("the browser itself refuses markup made from text", not made)
    down(page, system, checks, shots)
    watched.context.close()


def loads(page, watched: Watched, system: Environment, checks: Checks) -> None:
    checks.that("it loads, and shows the principal location with the guide's figures",
                "London" in page.inner_text("#principal") and "of 51" in page.inner_text("#principal"),
                page.inner_text("#principal"))
    checks.that("the token is out of the address bar", system.token not in page.url, page.url)
    page.reload()
    page.wait_for_selector("#nodes tbody tr")
    checks.that("a reload works", "aws-burst-1" in page.inner_text("#nodes"))
    page.wait_for_selector("#history tbody tr")
    own = f"http://127.0.0.1:{system.port}/"
    foreign = [url for url in watched.asked if not url.startswith(own)]
    checks.that("it sends no request to another server", not foreign, foreign[:3])
    shown = [HOSTILE in page.inner_text("#nodes"), REASON in page.inner_text("#history")]
    checks.that("a hostile name and a hostile reason are shown as they are written", all(shown), shown)
    harmless = page.evaluate("() => [window.pwned === undefined, document.images.length, document.scripts.length]")
    checks.that("and they are text: nothing ran, no element was made", harmless == [True, 0, 1], harmless)
    landmarks = page.evaluate("""() => [document.querySelectorAll("main, header, footer").length,
      document.querySelectorAll("section:not([aria-labelledby])").length,
      [...document.querySelectorAll("th")].filter((th) => th.scope !== "col").length,
      document.getElementById("line").getAttribute("aria-live"), document.documentElement.lang]""")
    checks.that("a screen reader finds landmarks, named sections, column heads and a first line that is read out",
                landmarks == [3, 0, 0, "polite", "en"], landmarks)


def focused(page) -> str:
    return page.evaluate("() => document.activeElement?.innerText?.trim() || document.activeElement?.id || ''")


def tab_to(page, text: str, most: int = 60) -> bool:
    for _ in range(most):
        page.keyboard.press("Tab")
        if focused(page).replace("\n", " ") == text:
            return True
    return False


def keyboard(page, checks: Checks) -> None:
    page.evaluate("() => document.activeElement.blur()")
    checks.that("Tab reaches the start button of a node", tab_to(page, "Start aws-burst-2"), focused(page))
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    checks.that("and it can be seen where the focus is", outline == "solid", outline)
    page.keyboard.press("Enter")
    page.wait_for_selector("#ask[open]")
    inside = page.evaluate("() => document.getElementById('ask').contains(document.activeElement)")
    checks.that("Enter opens the question, with the focus inside", inside)
    page.keyboard.press("Escape")
    page.wait_for_selector("#ask", state="hidden")
    checks.that("Escape closes it and gives the focus back",
                focused(page).replace("\n", " ") == "Start aws-burst-2", focused(page))


def starts(page, watched: Watched, system: Environment, checks: Checks) -> None:
    page.get_by_role("button", name="Start aws-burst-1").click()
    page.wait_for_selector("#ask-yes:not([disabled])")
    plan = page.inner_text("#ask-plan")
    checks.that("a start shows its plan first", "Start aws-burst-1" in plan and "The next cycle: start" in plan, plan)
    checks.that("and has not done anything yet",
                system.state("aws-burst-1") == "stopped" and not system.items("STATE|HOLD#"))
    page.select_option("#ask-hold", "120")
    page.wait_for_function("() => document.getElementById('ask-plan').innerText.includes('120 minutes')")
    page.fill("#ask-reason", f"a talk {REASON}")
    page.click("#ask-yes")
    page.wait_for_function("() => document.getElementById('ask-what').innerText === 'The result'", timeout=20_000)
    result = page.inner_text("#ask")
    checks.that("the result is shown", "Done." in result and "start aws-burst-1" in result, result)
    checks.that("the instance starts in EC2", system.state("aws-burst-1") in ("pending", "running"),
                system.state("aws-burst-1"))
    holds = system.items("STATE|HOLD#")
    checks.that("its hold is in the ledger with the operator's AWS identity and the reason",
                len(holds) == 1 and "person" in holds[0]["by"] and holds[0]["reason"] == f"a talk {REASON}", holds)
    asked = [event for event in system.items("EVENT#|") if event.get("kind") == "asked"]
    checks.that("who asked is in the history", len(asked) == 1 and "person" in asked[0]["by"], asked)
    page.click("#ask-no")
    page.wait_for_function("() => document.getElementById('nodes').innerText.includes('booting')")
    checks.that("the node is shown booting, and held", "AWS burst" in page.inner_text("#holds") or
                "aws-burst-1" in page.inner_text("#holds") or "i-" in page.inner_text("#holds"),
                page.inner_text("#holds"))


def refreshes(page, watched: Watched, checks: Checks) -> None:
    page.fill("#nodes-name", "aws")
    page.evaluate("""() => { for (const row of document.querySelectorAll("#nodes tbody tr")) row.mark = true;
      window.scrollTo(0, 300); document.getElementById("nodes-name").focus(); }""")
    before = len([url for url in watched.asked if url.endswith("/api/page")])
    at = page.evaluate("() => scrollY")
    page.wait_for_function("() => document.getElementById('nodes').innerText.includes('ready')", timeout=REFRESH_MS)
    asked = len([url for url in watched.asked if url.endswith("/api/page")]) - before
    checks.that("it refreshes by itself until the node is ready, one request each time", 1 <= asked <= 3, asked)
    kept = page.evaluate("""() => [[...document.querySelectorAll("#nodes tbody tr")].every((row) => row.mark), scrollY,
      document.activeElement.id, document.getElementById("nodes-name").value]""")
    checks.that("a refresh keeps rows, scroll position, focus and filter",
                kept == [True, at, "nodes-name", "aws"], kept)
    page.fill("#nodes-name", "")
    checks.that("the node's run is a bar with its reason", "a talk" in page.inner_text("#runs"),
                page.inner_text("#runs"))
    page.select_option("#history-kind", "asked")
    lines = page.inner_text("#history")
    checks.that("the history can be filtered", "asked" in lines and "drain vetoed" not in lines, lines)
    page.select_option("#history-kind", "")


def drains(page, system: Environment, checks: Checks) -> None:
    page.get_by_role("button", name="Stop aws-burst-1").click()
    page.wait_for_selector("#ask-yes:not([disabled])")
    plan = page.inner_text("#ask-plan")
    checks.that("a stop is a drain, and its plan says so",
                "maintenance mode" in plan and "No call is dropped" in plan, plan)
    page.fill("#ask-reason", "the talk is over")
    page.click("#ask-yes")
    page.wait_for_function("() => document.getElementById('ask-what').innerText === 'The result'", timeout=20_000)
    result = page.inner_text("#ask-plan")
    checks.that("its own hold is released and the drain begins",
                "is released" in result and "drain aws-burst-1" in result, result)
    checks.that("nothing is stopped at once", system.state("aws-burst-1") == "running", system.state("aws-burst-1"))
    checks.that("the Management Node has it in maintenance mode", system.management.maintenance()["aws-burst-1"])
    page.click("#ask-no")
    page.wait_for_function("() => document.getElementById('nodes').innerText.includes('draining')",
                           timeout=REFRESH_MS)
    checks.that("the node is shown draining", True)


def looks(browser, system: Environment, checks: Checks, shots: Path | None) -> None:
    for scheme in ("light", "dark"):
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            watched = Watched(browser, viewport=size, color_scheme=scheme, timezone_id="Europe/Oslo",
                              reduced_motion="reduce")
            page = watched.open(system)
            page.wait_for_selector("#history tbody tr")
            overflow = page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
            checks.that(f"{scheme}, {name}: nothing is wider than the screen", overflow <= 0, f"{overflow} px")
            weak = page.evaluate(CONTRAST)
            checks.that(f"{scheme}, {name}: text has enough contrast", not weak, weak[:6])
            checks.that(f"{scheme}, {name}: the console stayed empty", not watched.said, watched.said[:3])
            if shots:
                shots.mkdir(parents=True, exist_ok=True)
                page.screenshot(path=shots / f"{scheme}-{name}.png", full_page=True)
                page.get_by_role("button", name="Start aws-burst-2").click()
                page.wait_for_selector("#ask-yes:not([disabled])")
                page.screenshot(path=shots / f"{scheme}-{name}-start.png")
            watched.context.close()


def paused(page, system: Environment, checks: Checks) -> None:
    add_pause(system.table, 30)
    page.wait_for_function("() => document.getElementById('notices').innerText.includes('paused')",
                           timeout=REFRESH_MS)
    checks.that("a paused platform is shown, with who and why", "user/anna" in page.inner_text("#notices") and
                REASON in page.inner_text("#notices"), page.inner_text("#notices"))
    page.get_by_role("button", name="Start aws-burst-2").click()
    page.wait_for_selector("#ask-note:not([hidden])")
    page.wait_for_function("() => document.getElementById('ask-note').innerText.includes('Not possible')")
    checks.that("and nothing can be started meanwhile", page.is_disabled("#ask-yes") and
                "paused" in page.inner_text("#ask-note"), page.inner_text("#ask-note"))
    utc = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
    said = page.inner_text("#notices") + page.inner_text("#ask-note")
    checks.that("its end is shown in the page's time zone, and not in UTC",
                not utc.search(said) and len(re.findall(r"paused until .{0,14}?\d\d:\d\d by", said)) == 2, said)
    page.click("#ask-no")
    remove_pause(system.table)


def down(page, system: Environment, checks: Checks, shots: Path | None) -> None:
    servers.end(system.simulate)
    page.wait_for_function("() => document.getElementById('notices').innerText.includes('Management Node')",
                           timeout=REFRESH_MS)
    as_of = page.inner_text("#principal-title + .as-of")
    checks.that("a Management Node that is down is named, and the locations are shown as last read, with their age",
                "As read" in as_of and "London" in page.inner_text("#principal"), as_of)
    if shots:
        page.screenshot(path=shots / "management-node-down.png", full_page=True)
    servers.end(system.process)
    page.wait_for_function("() => document.getElementById('notices').innerText.includes('does not answer')",
                           timeout=REFRESH_MS)
    age = page.inner_text("#fresh-text")
    time.sleep(2.5)
    checks.that("a dashboard that has ended is reported, and the age of what is shown grows",
                page.inner_text("#fresh-text") != age and page.is_visible("#fresh.old"), age)
