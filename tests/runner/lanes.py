"""The order of sections. One after another, in the table's order; and beside them, two at a time, those that mostly sleep, each
as soon as what it needs is done. Their output is printed whole when they are over, between two sections, so that it stays
readable."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable

from .process import Counts, Failed

AT_ONCE = 2


@dataclasses.dataclass(frozen=True)
class Section:
    check: Callable[[Counts], None]
    # What has to have passed before.
    needs: tuple[str, ...] = ()
    # Sleeps more than it computes, and owns its ports and files.
    beside: bool = False
    # Takes minutes of real time: `--fast` leaves it out.
    slow: bool = False

    @property
    def title(self) -> str:
        return self.check.__doc__ or ""


@dataclasses.dataclass(frozen=True)
class Result:
    name: str
    verdict: str
    seconds: float
    counts: Counts
    beside: bool = False

    @property
    def line(self) -> str:
        return f"{self.name:13} {self.verdict:7} {self.seconds:7.1f} s{'  beside others' if self.beside else ''}"


def perform(name: str, section: Section, live: bool) -> Result:
    counts, began, verdict = Counts(live), time.monotonic(), "ok"
    counts.say(f"\n=== {name}: {section.title}")
    try:
        section.check(counts)
        if counts.failed:
            verdict = "FAILED"
    except Exception as error:  # noqa: BLE001  of whatever kind, the other sections go on
        counts.say(f"    FAILED: {error.args[0] if isinstance(error, Failed) else repr(error)}")
        verdict = "FAILED"
        # A runner that counted its failures has said so already; any other failed section is one.
        if not counts.failed:
            counts.add(0, 1)
    result = Result(name, verdict, time.monotonic() - began, counts, not live)
    counts.say(f"=== {result.line}")
    return result


class Lanes:
    """Plays sections. `results` are in the order in which they ended."""

    def __init__(self, sections: dict[str, Section]) -> None:
        self._sections = sections
        self._waiting = [name for name, section in sections.items() if section.beside]
        self._running: set[str] = set()
        self._changed = threading.Condition()
        self._unprinted: list[Result] = []
        self.results: list[Result] = []

    def play(self) -> None:
        for _ in range(AT_ONCE):
            # Daemons: whoever is told to stop does not wait for them.
            threading.Thread(target=self._beside, daemon=True).start()
        for name, section in self._sections.items():
            if not section.beside:
                missing = self._missing(name)
                self._record(self._not_run(name, missing) if missing else perform(name, section, live=True))
                self._print_ended()
        while self._waiting or self._running or self._unprinted:
            with self._changed:
                self._changed.wait_for(lambda: self._unprinted)
            self._print_ended()

    def _beside(self) -> None:
        while name := self._next():
            print(f"--- {name} begins, beside", flush=True)
            self._record(perform(name, self._sections[name], live=False))

    def _next(self) -> str | None:
        """The next section that may run beside others, waited for; none when all have begun."""
        with self._changed:
            while self._waiting:
                for name in list(self._waiting):
                    if missing := self._missing(name):
                        self._waiting.remove(name)
                        self._record(self._not_run(name, missing))
                    elif all(self._verdict(need) for need in self._needs(name)):
                        self._waiting.remove(name)
                        self._running.add(name)
                        return name
                if self._waiting:
                    self._changed.wait()
            return None

    def _needs(self, name: str) -> list[str]:
        """Of what is played: a section run alone is given what it needs."""
        return [need for need in self._sections[name].needs if need in self._sections]

    def _verdict(self, name: str) -> str | None:
        return next((result.verdict for result in self.results if result.name == name), None)

    def _missing(self, name: str) -> list[str]:
        return [need for need in self._needs(name) if self._verdict(need) not in (None, "ok")]

    @staticmethod
    def _not_run(name: str, missing: list[str]) -> Result:
        counts = Counts(live=False)
        counts.add(0, 1)
        counts.say(f"\n=== {name}: not run, because it needs {' and '.join(missing)}")
        return Result(name, "NOT RUN", 0.0, counts)

    def _record(self, result: Result) -> None:
        with self._changed:
            self.results.append(result)
            self._unprinted.append(result)
            self._running.discard(result.name)
            self._changed.notify_all()

    def _print_ended(self) -> None:
        """What was kept of sections that are over; of those that were live there is nothing."""
        with self._changed:
            ended, self._unprinted = self._unprinted, []
        for line in (line for result in ended for line in result.counts.kept):
            print(line, flush=True)
