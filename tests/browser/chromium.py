"""Finds the machine's own Chromium and opens it with an empty profile. Debian's package is what is meant: the browsers
that Playwright would download are not pinned by hash."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Quiet: a test browser has nothing to say to anybody but the page. No sandbox: CI runs as root in a container.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-dev-shm-usage",
         "--no-default-browser-check", "--disable-domain-reliability", "--metrics-recording-only",
         # No name is looked up; the attacker's is this machine's.
         "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]


def find() -> str | None:
    """The browser's path: what SPILLWAY_CHROMIUM names, else the first that is installed."""
    named = os.environ.get("SPILLWAY_CHROMIUM")
    if named:
        return named
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextlib.contextmanager
def opened() -> Iterator[object]:
    """A browser; each context that is made of it has an empty profile of its own."""
    from playwright.sync_api import sync_playwright

    path = find()
    if path is None:
        raise RuntimeError("no Chromium is installed: apt-get install chromium, or set SPILLWAY_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
