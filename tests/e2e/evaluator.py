"""The nine-o'clock ramp in real time: the evaluator starts nodes, waits for them, drains them and stops them, and
nobody's call is dropped for it. Then everything it did is compared with what EC2, the table, the Management Node and
the callers saw."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from . import aws, environment, ramp
from .checks import Checks
from .simulated import Bridge, Run

# An invocation every few seconds stands for the schedule's one a minute, as all durations are shortened; the schedule
# itself fires as well, once a minute, into the middle of them.
EVERY_S = 4.0
ALWAYS_ON, OVERFLOW = 1, 5
# The ramp, the calls' ends, a minimum lifetime, two idle readings 30 s apart; and as much again.
LIMIT_S = 600.0

GOOD = {"no_op", "acted", "lease_busy"}


def run(binaries: Path, callers: ramp.Ramp, checks: Checks) -> None:
    print(f"    callers: {len(callers.callers)} of {callers.source}")
    with environment.running(binaries, overflow=OVERFLOW, always_on=ALWAYS_ON, callers=callers) as system:
        play(system, binaries / "evaluator", checks, len(callers.callers))


def play(system: environment.Environment, binary: Path, checks: Checks, callers: int) -> None:
    before = aws.instances(system.ec2)
    function = aws.Function(system.ministack, "evaluator", binary, system.variables)
    with Bridge(system.ec2, system.control, system.fleet) as bridge:
        function.schedule_every_minute({"source": "aws.scheduler"})
        began, finished = time.monotonic(), False
        while time.monotonic() - began < LIMIT_S and not finished:
            tick = time.monotonic()
            reply = function.invoke({})
            show(time.monotonic() - began, reply, bridge)
            finished = is_over(bridge, system)
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - tick)))
        # The schedule's own invocation may be in the middle of one: that one ends as lease_busy.
        last = [reply for reply in (function.invoke({}) for _ in range(6)) if outcome(reply) != "lease_busy"]
    checks.that("the ramp ended: nodes were started, drained and stopped, and no caller is left",
                finished, f"not after {LIMIT_S:.0f} s; states {Counter(bridge.seen.values())}, "
                          f"in progress {bridge.world['in_progress'] if bridge.worlds else '?'}")
    checks.that("the bridge between moto and the simulated world never failed", not bridge.errors, bridge.errors[:3])
    check_replies(function.replies, last, checks)
    check_callers(bridge, callers, checks)
    check_fleet(system, bridge, before, checks)
    check_history(system, bridge, checks)
    check_schedule(system, checks)
    check_secrets(system, function.replies, checks)


def is_over(bridge: Bridge, system: environment.Environment) -> bool:
    if not bridge.worlds or not any(run.ended for run in bridge.runs):
        return False
    world = bridge.world
    quiet = world["in_progress"] == 0 and world["callers_to_come"] == 0 and world["redialling"] == 0
    if not quiet or set(bridge.seen.values()) != {"stopped"}:
        return False
    return not any(system.management.maintenance().values())


def show(at_s: float, reply: aws.Reply, bridge: Bridge) -> None:
    """One line per cycle: what a person would want to watch."""
    if not bridge.worlds:
        return
    world = bridge.world
    states = Counter(node["service"] for node in world["nodes"] if node["overflow"])
    nodes = " ".join(f"{count} {state}" for state, count in sorted(states.items()))
    said = f"{outcome(reply)}: {summary(reply)}" if reply.error is None else f"ERROR {reply.payload}"
    print(f"    {at_s:5.0f} s  calls {world['in_progress']:3}  {nodes:<34} {said}", flush=True)


def outcome(reply: aws.Reply) -> str:
    return reply.payload.get("outcome", "?") if isinstance(reply.payload, dict) else "?"


def summary(reply: aws.Reply) -> str:
    return reply.payload.get("summary", "") if isinstance(reply.payload, dict) else ""


def log_lines(reply: aws.Reply) -> list[dict]:
    lines = []
    for line in reply.log.splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [line for line in lines if isinstance(line, dict)]


def check_replies(replies: list[aws.Reply], last: list[aws.Reply], checks: Checks) -> None:
    errors = [reply.payload for reply in replies if reply.error]
    checks.that(f"none of {len(replies)} invocations failed", not errors, errors[:2])
    outcomes = Counter(outcome(reply) for reply in replies)
    print(f"    outcomes: {dict(outcomes)}")
    checks.that("every cycle's outcome was no_op, acted or lease_busy", set(outcomes) <= GOOD, outcomes)
    checks.that("some cycles acted and most did not", 0 < outcomes["acted"] < len(replies) / 2, outcomes)
    checks.that("it converged: the last cycles have nothing to do",
                len(last) >= 2 and {outcome(reply) for reply in last} == {"no_op"}, [reply.payload for reply in last])
    # The runtime waits a moment for the log and then answers: a line that is late comes with a later answer, or not at
    # all. So the lines are counted over the whole run; a cycle that wrote none or two would show in the sum.
    summaries = sum("cycle.outcome" in line for reply in replies for line in log_lines(reply))
    checks.that("the cycles wrote one summary line each, as JSON",
                0.9 * len(replies) <= summaries <= 1.1 * len(replies), f"{summaries} lines, {len(replies)} cycles")
    metrics = [line for reply in replies for line in log_lines(reply) if "_aws" in line]
    unlike = [line for line in metrics for group in line["_aws"]["CloudWatchMetrics"]
              for metric in group["Metrics"] if metric["Name"] not in line]
    checks.that("and its metrics, each with a value", metrics and not unlike, unlike[:1])
    slow = [round(reply.took_s, 1) for reply in replies if reply.took_s > 10]
    checks.that("no invocation took more than 10 s", not slow, slow)


def check_callers(bridge: Bridge, callers: int, checks: Checks) -> None:
    world = bridge.world
    print(f"    callers: {world['offered']} offered, {world['refused']} refused after redials, "
          f"{world['completed']} completed, dropped {world['dropped']}")
    checks.that("every caller of the ramp came", world["offered"] == callers, f"{world['offered']} of {callers}")
    checks.that("no call was dropped", not any(world["dropped"].values()), world["dropped"])
    ended = world["completed"] + world["refused"]
    checks.that("every caller was served or gave up", ended == world["offered"], world)
    most = max(sum(node["service"] == "ready" and node["overflow"] for node in w["nodes"]) for w in bridge.worlds)
    checks.that("overflow nodes were up, at least two at once", most >= 2, most)
    told = most_at_once(bridge.runs)
    checks.that("EC2 had at least as many instances up at once", told >= most, (told, most))
    busy = max(sum(node["busy"] and node["overflow"] for node in w["nodes"]) for w in bridge.worlds)
    checks.that("calls ran on overflow nodes", busy >= 1, busy)


def most_at_once(runs: list[Run]) -> int:
    """How many instances EC2 had up at the same time."""
    return max((sum(other.launched <= run.launched and (other.ended is None or other.ended > run.launched)
                    for other in runs) for run in runs), default=0)


def check_fleet(system: environment.Environment, bridge: Bridge, before: dict, checks: Checks) -> None:
    after = aws.instances(system.ec2)
    started = {run.instance for run in bridge.runs}
    checks.that("at least two instances were started", len(started) >= 2, bridge.runs)
    # EC2's own launch time; that the end is seen by polling makes a run look longer, by a second at most.
    short = [run for run in bridge.runs if run.ended and run.ended - run.launched < environment.MIN_LIFETIME_S]
    checks.that(f"no instance was stopped before its minimum lifetime of {environment.MIN_LIFETIME_S} s", not short, short)
    checks.that("in the end every overflow instance is stopped",
                all(after[i.id]["State"]["Name"] == "stopped" for i in system.fleet.overflow), bridge.seen)
    touched = [i.name for i in system.fleet.not_ours if after[i.id]["LaunchTime"] != before[i.id]["LaunchTime"]
               or after[i.id]["State"]["Name"] != "stopped"]
    checks.that("instances of others, without the tag, or without a node were not touched", not touched, touched)
    kept = system.management.maintenance()
    checks.that("in the end no node is in maintenance mode", not any(kept.values()), kept)


def check_history(system: environment.Environment, bridge: Bridge, checks: Checks) -> None:
    items = aws.items(system.table, environment.TABLE)
    events = sorted((item for item in items if item["pk"].startswith("EVENT#")),
                    key=lambda item: (item["at"], item["id"]))
    kinds = Counter(event["kind"] for event in events)
    print(f"    history: {dict(kinds)}")
    by_ec2 = Counter(run.instance for run in bridge.runs)
    starts, stops = (Counter(event["instance"] for event in events if event["kind"] == kind) for kind in ("start", "stop"))
    checks.that("the history has every start that EC2 saw, once", starts == by_ec2, (starts, by_ec2))
    by_ec2 = Counter(run.instance for run in bridge.runs if run.ended)
    checks.that("and every stop", stops == by_ec2, (stops, by_ec2))
    checks.that("no event is there twice", len({event["id"] for event in events}) == len(events), kinds)
    checks.that("every event says why and names node and location",
                all(event["reason"] and event.get("node") and event.get("location") for event in events),
                [event for event in events if not (event["reason"] and event.get("node"))][:2])
    wrong = []
    for instance in system.fleet.overflow:
        story = [event["kind"] for event in events if event.get("instance") == instance.id]
        if story and not is_whole(story):
            wrong.append((instance.name, story))
    checks.that("each node's history is whole: start, ready, drain, stop, stopped, maintenance cleared",
                not wrong, wrong)
    cycle = next((item for item in items if (item["pk"], item["sk"]) == ("STATE", "CYCLE")), {})
    checks.that("the lease was given back", cycle and not cycle.get("owner"), cycle)
    drains = [item["sk"] for item in items if item["sk"].startswith("NODE#") and item.get("drain")]
    checks.that("no drain is left in the ledger", not drains, drains)
    loads = [item for item in items if item["pk"].startswith("LOAD#")]
    checks.that("the load of the minutes was recorded", len(loads) >= 2, len(loads))


def is_whole(story: list[str]) -> bool:
    """Lives one after another: start, ready, drains begun and cancelled, then the last drain, stop, stopped, cleared."""
    expected = {"": {"start"}, "start": {"ready"}, "ready": {"drain_began"},
                "drain_began": {"drain_cancelled", "stop"}, "drain_cancelled": {"drain_began"},
                "stop": {"stopped", "maintenance_cleared"}, "stopped": {"maintenance_cleared", "start"},
                "maintenance_cleared": {"start", "stopped"}}
    last = ""
    for kind in story:
        if kind not in expected.get(last, set()):
            return False
        last = kind
    return {"stop", "stopped", "maintenance_cleared"} <= set(story) and last in ("stopped", "maintenance_cleared")


def check_schedule(system: environment.Environment, checks: Checks) -> None:
    log = (system.directory / "ministack.log").read_text(errors="replace")
    fired = log.count("Lambda evaluator: dispatched")
    checks.that("the schedule invoked the function too, once a minute", fired >= 2, fired)


def check_secrets(system: environment.Environment, replies: list[aws.Reply], checks: Checks) -> None:
    log = (system.directory / "ministack.log").read_text(errors="replace")
    said = log + "".join(reply.text for reply in replies) + json.dumps(
        aws.items(system.table, environment.TABLE), default=str)
    checks.that("the password is in no reply, no log and no item", environment.PASSWORD not in said)
