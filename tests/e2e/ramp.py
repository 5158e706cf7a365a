"""The nine-o'clock ramp: callers cut out of a real trace and laid over the minutes of the test.

The arrivals are the trace's own, call for call or spread inside its intervals, at their own speed; they are
thinned by keeping each with one probability, never by dividing counts. Only the length of a call is ours: a test of
minutes has no room for calls of forty, so they are drawn short, with a fixed seed."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import random
from pathlib import Path

TRACE = "bank-na-2003-03-to-08-5min.csv"
STEP = dt.timedelta(minutes=5)


@dataclasses.dataclass(frozen=True)
class Ramp:
    arrivals: list[tuple[dt.datetime, int]]
    source: str

    def write(self, path: Path) -> None:
        with path.open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["start", "duration_s"])
            writer.writerows((at.isoformat(timespec="seconds"), seconds) for at, seconds in self.arrivals)


def cut(traces: Path, begin: dt.datetime, minutes: float, keep: float, mean_s: float, longest_s: float,
        seed: int = 9) -> Ramp:
    """The callers of the busiest Monday's ramp at nine, from `begin` on; a synthetic ramp where there is no trace."""
    dice = random.Random(seed)
    trace = traces / TRACE
    if trace.exists():
        day, counts = busiest_monday(trace)
        # From a few minutes before nine: the ramp's foot, then its face.
        start = dt.datetime.combine(day, dt.time(8, 58))
        times = spread(counts, dice)
        source = f"{TRACE}, {day}, from {start:%H:%M}"
    else:
        start = dt.datetime(2000, 1, 3, 8, 58)
        times = synthetic(start, dice)
        source = f"a synthetic ramp ({traces / TRACE} is not there)"
    end = start + dt.timedelta(minutes=minutes)
    arrivals = [
        (begin + (at - start), max(5, round(min(dice.expovariate(1 / mean_s), longest_s))))
        for at in times if start <= at < end and dice.random() < keep
    ]
    return Ramp(arrivals, f"{source}, {minutes:g} minutes, each caller kept with probability {keep:g}")


def busiest_monday(trace: Path) -> tuple[dt.date, dict[dt.datetime, int]]:
    with trace.open(newline="") as lines:
        counts = {dt.datetime.fromisoformat(row["start"]): int(row["calls"]) for row in csv.DictReader(lines)}
    at_nine: dict[dt.date, int] = {}
    for at, calls in counts.items():
        if at.weekday() == 0 and at.hour == 9:
            at_nine[at.date()] = at_nine.get(at.date(), 0) + calls
    day = max(at_nine, key=at_nine.__getitem__)
    return day, {at: calls for at, calls in counts.items() if at.date() == day}


def spread(counts: dict[dt.datetime, int], dice: random.Random) -> list[dt.datetime]:
    return sorted(at + STEP * dice.random() for at, calls in counts.items() for _ in range(calls))


def synthetic(start: dt.datetime, dice: random.Random) -> list[dt.datetime]:
    """A foot of 35 calls a minute, then a face that climbs to 95 within a minute and a half: as many callers as the trace has."""
    times = []
    for second in range(600):
        rate = 35 + min(60, max(0, second - 60) / 1.5)
        times += [start + dt.timedelta(seconds=second + dice.random()) for _ in range(int(rate / 60 + dice.random()))]
    return sorted(times)
