"""`python -m browser.screenshots --binaries target/debug`: the screenshots of shared/dashboard/README.md, from the demo's morning. Not a test; run it
when the page looks different."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from e2e import servers

from . import chromium
from .demo import served

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "dashboard" / "screenshots"
# Just before the spike: some held nodes are ready and some boot. And the first calls of it.
BEFORE, DURING = "08:55", "09:20"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True)
    binaries = parser.parse_args().binaries.resolve()
    servers.die_with_us()
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, chromium.opened() as browser:
        with served(binaries, Path(directory), speed=60) as url:
            pages = {}
            for scheme, width, height in (("light", 1280, 850), ("dark", 390, 780)):
                context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme,
                                              reduced_motion="reduce")
                pages[scheme] = context.new_page()
                pages[scheme].goto(url)
            wait(pages["light"], BEFORE)
            pages["light"].screenshot(path=FOLDER / "wide-light.png")
            pages["dark"].screenshot(path=FOLDER / "narrow-dark.png")
            wait(pages["light"], DURING)
            pages["light"].locator("#load-title").scroll_into_view_if_needed()
            pages["light"].evaluate("() => window.scrollTo(0, document.getElementById('load-title').offsetTop - 70)")
            pages["light"].set_viewport_size({"width": 1280, "height": 860})
            pages["light"].wait_for_timeout(500)
            pages["light"].screenshot(path=FOLDER / "charts-light.png")
    for file in sorted(FOLDER.iterdir()):
        print(f"{file.name}: {file.stat().st_size // 1000} KB")


def wait(page, clock: str) -> None:
    page.wait_for_function(f"() => document.getElementById('fresh-text').innerText.slice(0, 5) >= '{clock}'",
                           timeout=400_000)


if __name__ == "__main__":
    main()
