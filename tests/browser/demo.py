"""`cargo demo --serve`: the same page, while a simulated day is played."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path

from e2e import servers
from e2e.checks import Checks

from .page import Watched


def run(browser, binaries: Path, checks: Checks) -> None:
    with tempfile.TemporaryDirectory(prefix="spillway-demo-") as directory, served(binaries, Path(directory)) as url:
        watched = Watched(browser)
        page = watched.page
        page.goto(url)
        page.wait_for_selector("#nodes tbody tr", timeout=30_000)
        # The empty night is played at once; the first calls come in the morning.
        page.wait_for_function("() => document.getElementById('fresh-text').innerText >= '06:'", timeout=60_000)
        clock = page.inner_text("#fresh-text")[:5]
        page.wait_for_function(f"() => document.getElementById('fresh-text').innerText.slice(0, 5) > '{clock}'",
                               timeout=30_000)
        checks.that("the day goes on while the page is open", True)
        checks.that("it is the demo's platform", "London" in page.inner_text("#principal") and
                    "AWS burst" in page.inner_text("#overflow"), page.inner_text("#principal"))
        checks.that("the window to come is shown", "weekday-morning" in page.inner_text("#holds"),
                    page.inner_text("#holds"))
        page.get_by_role("button", name="Start aws-burst-11").click()
        page.wait_for_selector("#ask-yes:not([disabled])")
        page.click("#ask-yes")
        page.wait_for_function("() => document.getElementById('ask-what').innerText === 'The result'",
                               timeout=20_000)
        page.click("#ask-no")
        page.wait_for_function("""() => [...document.querySelectorAll("#nodes tbody tr")].some((row) =>
            row.innerText.includes("aws-burst-11") && /booting|ready/.test(row.innerText))""", timeout=20_000)
        checks.that("the page of the demo starts a node, and shows it boot", True)
        # A line with a long reason: the other columns have to stand their ground.
        page.wait_for_function("() => document.getElementById('history').innerText.includes('address changed')",
                               timeout=60_000)
        broken = page.evaluate("""() => [...document.querySelectorAll("#history td.half > span, #nodes td.name > span")]
            .flatMap((span) => [span.firstChild].filter((node) => node?.nodeType === 3).map((text) => {
              const range = document.createRange(); range.selectNodeContents(text);
              return range.getClientRects().length > 1 ? text.data : null; })).filter(Boolean)""")
        checks.that("no ordinary name is broken into lines", not broken, broken[:5])
        checks.that("the console stayed empty", not watched.said, watched.said[:3])
        watched.context.close()


@contextlib.contextmanager
def served(binaries: Path, directory: Path, speed: int = 60):
    log = directory / "demo.log"
    with log.open("wb") as out:
        process = servers.spawn([str(binaries / "demo"), "--serve", "--speed", str(speed), "--no-report"], cwd=directory,
                                stdout=out, stderr=out)
    try:
        found = servers.wait_until("cargo demo --serve", lambda: re.search(r"http://127\S+", log.read_text()), 60,
                                   process, log)
        yield found[0]
    finally:
        servers.end(process)
