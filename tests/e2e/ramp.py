"""The callers of the nine-o'clock ramp. The project makes them itself, from a seed: the same callers everywhere.

A recorded trace can be played as well: `SPILLWAY_TRACES` names the folder that holds it. It is an option, and no check that
the project counts on needs it."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import os
import random
from pathlib import Path

TRACES = "SPILLWAY_TRACES"
RECORDED = "bank-na-2003-03-to-08-5min.csv"
SEED = 9

# The generated ramp, in seconds: quiet, then a face, then a plateau. Both rates are callers per minute. The plateau asks for
# the always-on node and more than two overflow nodes, for much longer than a node needs to boot on a slow machine.
FOOT_S, FACE_S, PLATEAU_S = 10, 20, 60
FOOT_RATE, PLATEAU_RATE = 30.0, 80.0
SHORTEST_S, LONGEST_S = 40, 70
# Of a recorded trace: so much of it, with calls short enough for a test of minutes.
RECORDED_S, RECORDED_MEAN_S, RECORDED_LONGEST_S = 150, 50.0, 90.0

# The simulated platform draws the conferences of each quarter of an hour by itself, and its quarters begin at ten minutes to
# the hour. A ramp inside one quarter has the same conferences, whenever it is played.
QUARTER_S, FIRST_QUARTER_S = 900, 600


@dataclasses.dataclass(frozen=True)
class Ramp:
    """Callers: seconds from the beginning, and how many seconds each call lasts."""

    callers: list[tuple[float, int]]
    source: str

    def write(self, path: Path, earliest: dt.datetime) -> None:
        """The trace as the simulated platform reads it, from the earliest time on that has the ramp in one quarter."""
        begin = within_a_quarter(earliest, self.callers[-1][0])
        with path.open("w", newline="") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["start", "duration_s"])
            for offset, seconds in self.callers:
                at = begin + dt.timedelta(seconds=int(offset))
                writer.writerow([at.strftime("%Y-%m-%dT%H:%M:%S"), seconds])


def within_a_quarter(earliest: dt.datetime, length_s: float) -> dt.datetime:
    begin = earliest.replace(microsecond=0) + dt.timedelta(seconds=1)
    since_midnight = (begin - begin.replace(hour=0, minute=0, second=0)).seconds
    into = (since_midnight - FIRST_QUARTER_S) % QUARTER_S
    wait = QUARTER_S - into if into + length_s >= QUARTER_S else 0
    return begin + dt.timedelta(seconds=wait)


def generated() -> Ramp:
    dice = random.Random(SEED)
    callers = []
    for second in range(FOOT_S + FACE_S + PLATEAU_S):
        climbed = min(1.0, max(0.0, (second - FOOT_S) / FACE_S))
        rate = FOOT_RATE + (PLATEAU_RATE - FOOT_RATE) * climbed
        callers += [(second, SHORTEST_S + int((LONGEST_S - SHORTEST_S) * dice.random()))
                    for _ in range(int(rate / 60 + dice.random()))]
    return Ramp(callers, f"a generated ramp, seed {SEED}")


def recorded() -> Ramp | None:
    """The callers of the busiest recorded Monday's ramp at nine, where the variable says that there are recordings."""
    folder = os.environ.get(TRACES)
    if not folder:
        return None
    dice = random.Random(SEED)
    trace = Path(folder) / RECORDED
    day, counts = busiest_monday(trace)
    # From a few minutes before nine: the ramp's foot, then its face.
    start = dt.datetime.combine(day, dt.time(8, 58))
    offsets = sorted((at - start).total_seconds() + 300 * dice.random() for at, calls in counts.items() for _ in range(calls))
    callers = [(offset, max(5, round(min(dice.expovariate(1 / RECORDED_MEAN_S), RECORDED_LONGEST_S))))
               for offset in offsets if 0 <= offset < RECORDED_S]
    return Ramp(callers, f"{RECORDED}, {day}, from {start:%H:%M}")


def busiest_monday(trace: Path) -> tuple[dt.date, dict[dt.datetime, int]]:
    with trace.open(newline="") as lines:
        counts = {dt.datetime.fromisoformat(row["start"]): int(row["calls"]) for row in csv.DictReader(lines)}
    at_nine: dict[dt.date, int] = {}
    for at, calls in counts.items():
        if at.weekday() == 0 and at.hour == 9:
            at_nine[at.date()] = at_nine.get(at.date(), 0) + calls
    day = max(at_nine, key=at_nine.__getitem__)
    return day, {at: calls for at, calls in counts.items() if at.date() == day}
