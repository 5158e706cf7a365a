"""`python -m browser --binaries target/debug`: called by ./tests/run.

    --shots DIR     also keep screenshots of everything that was looked at
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from e2e import servers
from e2e.checks import Checks

from . import chromium, demo, page, other_origins
from .environment import running


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="where cargo put the binaries")
    parser.add_argument("--shots", type=Path, help="folder for screenshots")
    options = parser.parse_args()
    servers.die_with_us()
    checks = Checks()
    print(f"    browser: {chromium.find()}", flush=True)
    with running(options.binaries.resolve()) as platform, chromium.opened() as browser:
        parts = {"other origins": lambda: other_origins.run(browser, platform, checks),
                 "page": lambda: page.run(browser, platform, checks, options.shots),
                 "demo": lambda: demo.run(browser, options.binaries.resolve(), checks)}
        for name, part in parts.items():
            began = time.monotonic()
            print(f"--- {name}", flush=True)
            try:
                part()
            except Exception as error:  # noqa: BLE001  counted, so that the other part runs too
                checks.that(f"{name} ran to its end", False, f"{type(error).__name__}: {error}")
            print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"browser: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
