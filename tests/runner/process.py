"""Commands of a section: how they are run, where their output goes, and what was counted in it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from e2e import servers

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
VENV = TESTS / ".venv"
# SAM's command line pins another boto3 than ministack does.
SAM_VENV = TESTS / ".venv-sam"


class Failed(Exception):
    """A section did not pass. The message is the last line of its output; the output may follow as a second argument."""

    @property
    def output(self) -> str:
        return self.args[1] if len(self.args) > 1 else ""


class Counts:
    """Real counts: tests as their runners counted them, every other check as one. Output is shown as it comes, or, of a
    section that runs beside another one, kept until it is over."""

    def __init__(self, live: bool = True) -> None:
        self.passed = 0
        self.failed = 0
        self.skipped = 0
        self.kept: list[str] = []
        self._live = live

    def add(self, passed: int, failed: int, skipped: int = 0) -> None:
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def say(self, line: str) -> None:
        if self._live:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        else:
            self.kept.append(line)


def environment() -> dict[str, str]:
    env = dict(os.environ)
    env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env['PATH']}"
    env.setdefault("CARGO_TERM_COLOR", "always" if sys.stdout.isatty() else "never")
    # A snapshot that differs is a failure here; it is accepted by a person, with `cargo insta review`.
    env["INSTA_UPDATE"] = "no"
    env["AWS_EC2_METADATA_DISABLED"] = "true"
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "RUST_LOG"):
        env.pop(name, None)
    return env


def run(counts: Counts, *command: str, env: dict[str, str] | None = None, quiet: bool = False, polite: bool = False) -> str:
    """Runs a command and gives its output back. A polite one leaves the processor to what runs beside it: those sections
    mostly sleep, and have deadlines."""
    if not quiet:
        counts.say(f"    $ {' '.join(command)}")
    process = servers.spawn(
        [*(("nice", "-n", "10") if polite else ()), *command], cwd=ROOT, env={**environment(), **(env or {})},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    output = []
    for raw in process.stdout:
        output.append(raw.decode("utf-8", "replace"))
        if not quiet:
            counts.say(output[-1].rstrip("\n"))
    servers.forget(process)
    if process.returncode != 0:
        raise Failed(f"exit code {process.returncode}: {' '.join(command)}", "".join(output))
    return "".join(output)


def counted(name: str, counts: Counts, *arguments: str) -> None:
    """Runs a test program of ours, which ends with `name: N passed, N failed`."""
    env = {"PYTHONPATH": str(TESTS), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    output = ""
    try:
        output = run(counts, str(VENV / "bin/python"), *arguments, env=env)
    except Failed as failure:
        output = failure.output
        raise
    finally:
        summary = re.search(rf"^{name}: (\d+) passed, (\d+) failed", output, re.MULTILINE)
        counts.add(int(summary[1]), int(summary[2])) if summary else counts.add(0, 1)


def counted_by_nextest(output: str, counts: Counts) -> None:
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    summary = re.search(r"Summary \[.*?\] .*?run: (.*)", plain)
    if not summary:
        counts.add(0, 1)
        return
    found = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|timed out|skipped)", summary[1])}
    counts.add(found.get("passed", 0), found.get("failed", 0) + found.get("timed out", 0), found.get("skipped", 0))
