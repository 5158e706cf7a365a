"""What an operator types, run against the simulated world: each command by the real binary, its effect seen in EC2, on the
Management Node, in the ledger and on the callers."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path

from . import windows
from .checks import Checks
from .operator_platform import DONE, REFUSED, USAGE, WHO, Operator, Platform, all_down, perform, up


def run(binaries: Path, checks: Checks) -> None:
    perform(binaries, [start_and_stop, stop_held, stop_now, pause, holds, rivals, windows.added_and_removed], checks)


def start_and_stop(operator: Operator, seen: Platform, checks: Checks) -> None:
    who = operator("whoami")
    checks.that("STS says who acts", who.value.get("actor") == {"person": WHO}, who)
    nobody = operator("start", "no-such-node", "--yes")
    checks.that("an unknown node is wrong usage, and the overflow nodes are named",
                nobody.code == USAGE and "aws-burst-1" in nobody.value["error"]["remedy"], nobody)
    unasked = operator("start", "aws-burst-1")
    checks.that("without a terminal and --yes nothing is changed",
                unasked.code == REFUSED and seen.state("aws-burst-1") == "stopped" and not seen.holds(), unasked)

    started = operator("start", "aws-burst-2", "--for", "20m", "--reason", "town hall", "--wait", "--yes")
    checks.that("start names a node, and waits until it is ready", started.code == DONE, started)
    checks.that("it runs on EC2 and takes calls; no other was started",
                seen.state("aws-burst-2") == "running" and seen.node("aws-burst-2")["service"] == "ready"
                and [seen.state(f"aws-burst-{n}") for n in (1, 3, 4)] == ["stopped"] * 3, seen.world())
    checks.that("the history has it under the operator's name and reason", seen.asked("town hall"))

    seen.call("aws-burst-2", 3, lasts_s=15)
    began = time.monotonic()
    stopped = operator("stop", "aws-burst-2", "--reason", "done early", "--wait", "--yes")
    checks.that("stop drains: it waits for the calls, then stops", stopped.code == DONE, stopped)
    checks.that("and stop did not end before the calls", time.monotonic() - began > 14, time.monotonic() - began)
    checks.that("its own hold was released, so that nothing starts it again, and the command says so",
                not seen.holds() and len(stopped.value["released"]) == 1, (seen.holds(), stopped))
    seen.until("its maintenance mode is cleared", lambda: operator("apply", "--yes").code == DONE
               and not seen.configured("aws-burst-2")["maintenance_mode"])
    checks.that("the stop is in the history under the operator's name",
                any(e["by"] == {"person": WHO} and "done early" in e["reason"] for e in seen.events("stop")),
                seen.events("stop"))


def stop_held(operator: Operator, seen: Platform, checks: Checks) -> None:
    held = operator("start", "--nodes", "1", "--for", "30m", "--reason", "a rehearsal", "--wait", "--yes")
    name = next(iter(up(seen)), "")
    (hold,) = [item["sk"].removeprefix("HOLD#") for item in seen.holds()]
    unasked = operator("stop", name)
    checks.that("without --yes a node that a hold needs is not stopped",
                held.code == DONE and unasked.code == REFUSED and not seen.record(name).get("drain"), (held, unasked))
    stopped = operator("stop", name, "--now", "--reason", "rehearsal over", "--yes")
    told = [(each["node"], each["hold"]) for each in stopped.value.get("held_by", [])]
    checks.that("stop says which hold would start the node again", stopped.code == DONE and told == [(name, hold)], stopped)
    all_down(operator, seen)


def stop_now(operator: Operator, seen: Platform, checks: Checks) -> None:
    operator("start", "aws-burst-2", "--for", "20m", "--wait", "--yes")
    seen.call("aws-burst-2", 2, lasts_s=600)
    unreasoned = operator("stop", "aws-burst-2", "--now", "--yes")
    checks.that("a stop that drops calls needs a reason", unreasoned.code == USAGE, unreasoned)
    unasked = operator("stop", "aws-burst-2", "--now", "--reason", "fire drill")
    checks.that("and --yes", unasked.code == REFUSED and seen.state("aws-burst-2") == "running", unasked)
    before = seen.node("aws-burst-2")["busy"]
    stopped = operator("stop", "aws-burst-2", "--now", "--reason", "fire drill", "--yes")
    checks.that("stop --now stops at once", stopped.code == DONE and stopped.value["stopped"] == ["aws-burst-2"], stopped)
    seen.until("it stops", lambda: seen.state("aws-burst-2") == "stopped")
    after = seen.node("aws-burst-2")["busy"]
    checks.that("the calls on it were dropped", (before, after) == (True, False), (before, after))
    told = [e for e in seen.events("overridden") if "fire drill" in e["reason"]]
    checks.that("the override is in the history: who, why, and what it cost",
                len(told) == 1 and told[0]["by"] == {"person": WHO} and "2 participants" in told[0]["reason"], told)


def pause(operator: Operator, seen: Platform, checks: Checks) -> None:
    endless = operator("pause", "--reason", "change freeze", "--yes")
    checks.that("a pause needs an end", endless.code == USAGE, endless)
    unreasoned = operator("pause", "--for", "30m", "--yes")
    checks.that("a pause needs a reason", unreasoned.code == USAGE, unreasoned)
    paused = operator("pause", "--for", "30m", "--reason", "change freeze", "--yes")
    checks.that("pause", paused.code == DONE, paused)
    cycle = operator("apply", "--yes")
    checks.that("a cycle is refused, and says who paused it and why",
                cycle.code == REFUSED and WHO in cycle.value["cycle"]["summary"]
                and "change freeze" in cycle.value["cycle"]["summary"], cycle)
    refused = operator("start", "--nodes", "1", "--yes")
    checks.that("nothing is started in a pause", refused.code == REFUSED and not seen.holds(), refused)
    operator("pause", "--for", "144h", "--reason", "freeze of the year", "--yes")
    for pause in seen.pauses():
        seen.set_clock_ahead(pause, hours=2)
    checks.that("two pauses, of a machine whose clock is ahead", len(seen.pauses()) == 2, seen.pauses())
    checks.that("resume", operator("resume", "--reason", "over", "--yes").code == DONE)
    checks.that("no pause is left", not seen.pauses(), seen.pauses())
    checks.that("a cycle is carried out again", operator("apply", "--yes").code == DONE)
    checks.that("both are in the history", seen.asked("change freeze") and seen.asked("resume: over"))


def holds(operator: Operator, seen: Platform, checks: Checks) -> None:
    # A drain of a node with calls has another one started in its place: that is the start rule.
    all_down(operator, seen)
    later = operator("hold", "--hd-calls", "20", "--location", "AWS burst", "--from", "23:59", "--for", "1h",
                     "--reason", "late show", "--yes")
    checks.that("a hold for later starts nothing now", later.code == DONE and len(seen.holds()) == 1 and not up(seen),
                (later, seen.holds(), up(seen)))
    first = seen.holds()[0]["sk"].removeprefix("HOLD#")
    never = operator("release", "aws-burst-1", "--yes")
    checks.that("a node that is neither draining nor retired is not said to be released",
                never.code == DONE and never.value["released"] is None and "neither draining nor retired" in never.notes, never)
    by = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=2)
    early = operator("hold", "--nodes", "1", "--ready-by", f"{by:%Y-%m-%dT%H:%M:%SZ}", "--for", "1h", "--yes")
    (hold,) = early.value["holds"]
    from_, spike, until = (dt.datetime.fromisoformat(hold[key]) for key in ("from", "spike_at", "until"))
    checks.that("--ready-by starts ten minutes before and counts the hour from there",
                spike - from_ == dt.timedelta(minutes=10) and until - spike == dt.timedelta(hours=1), early)
    operator("release", hold["id"], "--yes")
    nowhere = operator("hold", "--all", "--location", "London", "--yes")
    checks.that("a location without overflow nodes is wrong usage", nowhere.code == USAGE, nowhere)
    checks.that("release by its id", operator("release", first, "--yes").code == DONE and not seen.holds(), seen.holds())
    started = operator("start", "--hd-calls", "20", "--for", "20m", "--wait", "--reason", "webinar", "--yes")
    checks.that("20 HD calls are two nodes", started.code == DONE and len(up(seen)) == 2, (started, up(seen)))
    all_down(operator, seen, drained=True)
    checks.that("released and stopped, nothing is up", not up(seen))


def rivals(operator: Operator, seen: Platform, checks: Checks) -> None:
    """Two operators at once: the ledger decides, and nothing is done twice."""
    before = len(seen.events("start"))
    both = [operator.start("start", "--nodes", "1", "--for", "10m", "--reason", f"rival {n}", "--yes") for n in (1, 2)]
    ended = [operator.end(process) for process in both]
    checks.that("neither fails: both holds are stored", [answer.code for answer in ended] == [DONE, DONE], ended)
    lost = [answer for answer in ended if answer.value.get("lease_holder")]
    print(f"    {len(lost)} of them lost the race: {[answer.value['lease_holder'] for answer in lost]}")
    operator("apply", "--yes")
    started = len(seen.events("start")) - before
    checks.that("one node meets both holds", len(up(seen)) == 1 and started == 1, (up(seen), started))
    all_down(operator, seen)
