"""The real prewarm binary with the payload that EventBridge Scheduler hands over: the hold is in the table, the nodes are
started, and what must not be overlooked fails the invocation."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from . import aws, environment, servers
from .checks import Checks


def payload(scheduled: dt.datetime, **changed: object) -> dict:
    """The input of the stack's window, as Scheduler fills it in."""
    return {
        "amount": "all_nodes", "attempt": "1", "execution_id": "d32c5kddcf5bb8c3", "hold_minutes": 70,
        "ignore_licences": False, "lead_minutes": 10, "location": None, "reason": "",
        "schedule_arn": f"arn:aws:scheduler:{servers.REGION}:123456789012:schedule/spillway/weekday-morning",
        "scheduled_time": scheduled.strftime("%Y-%m-%dT%H:%M:%SZ"), "skip": [], "time_zone": "Europe/Oslo",
        "window": "weekday-morning", **changed,
    }


def run(binaries: Path, checks: Checks) -> None:
    with environment.running(binaries, overflow=3, always_on=1) as system:
        play(system, binaries / "prewarm", checks)


def play(system: environment.Environment, binary: Path, checks: Checks) -> None:
    function = aws.Function(system.ministack, "prewarm", binary, system.variables)
    now = dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0)

    def up() -> int:
        states = aws.instances(system.ec2)
        return sum(states[each.id]["State"]["Name"] in ("pending", "running") for each in system.fleet.overflow)

    def holds() -> list[dict]:
        return [item for item in aws.items(system.table, environment.TABLE) if item["sk"].startswith("HOLD#")]

    # Yesterday, today and tomorrow: one of them is the date in Oslo.
    dates = [(now + dt.timedelta(days=days)).strftime("%Y-%m-%d") for days in (-1, 0, 1)]
    reply = function.invoke(payload(now, skip=dates))
    checks.that("on a date to skip nothing is done, and the answer says so",
                not reply.error and "skip" in reply.payload["summary"] and not holds(), reply.text)
    reply = function.invoke(payload(now - dt.timedelta(minutes=71)))
    checks.that("an invocation after the end of its hold does nothing, and the answer says so",
                not reply.error and "came too late" in reply.payload["summary"] and not holds(), reply.text)
    reply = function.invoke(payload(now, hold_minuts=5))
    checks.that("an unknown key fails the invocation and is named", reply.error and "hold_minuts" in reply.text, reply.text)
    reply = function.invoke(payload(now, location="Bergen"))
    checks.that("an unknown location fails the invocation, names the known ones, and leaves no hold",
                reply.error and "AWS burst" in reply.text and not holds(), reply.text)
    checks.that("nothing was started by any of these", up() == 0, up())

    reply = function.invoke(payload(now, amount={"nodes": 2}))
    answer = reply.payload
    wanted = f"weekday-morning@{now.strftime('%Y-%m-%dT%H:%M:%SZ')}"
    checks.that("a window becomes a hold by its name and time", not reply.error and answer["hold"] == wanted, reply.text)
    checks.that("the hold is in the table", [item["id"] for item in holds()] == [wanted], holds())
    checks.that("as many nodes as asked are started", answer["outcome"] == "acted" and up() == 2, (reply.text, up()))
    checks.that("licences were checked", "port licences are left" in answer["licences"], reply.text)
    checks.that("everything could be checked", answer["unchecked"] == [], reply.text)
    reply = function.invoke(payload(now, amount={"nodes": 2}, attempt="2"))
    checks.that("a repeated invocation is the same hold, and starts nothing",
                not reply.error and reply.payload["hold"] == wanted and len(holds()) == 1 and up() == 2, reply.text)

    # The spike of this window is less than three minutes away: how ready its nodes are is said in every cycle.
    reply = function.invoke(payload(now, window="soon", lead_minutes=3, hold_minutes=30))
    metrics = [json.loads(line) for line in reply.log.splitlines() if '"PrewarmReady"' in line]
    checks.that("how ready the nodes are is a metric in the last minutes",
                metrics and 0 <= metrics[-1]["PrewarmReady"] <= 100, reply.log)
    checks.that("and a line in the log", "soon@" in reply.log and "% ready" in reply.log, reply.log)
    checks.that("the other hold's nodes count, and the third is started", up() == 3, up())

    system.put_parameters(management=json.dumps(
        {"addresses": [f"https://{servers.HOST}:{servers.free_port()}"], "authentication": "basic"}))
    function.set_environment({**system.variables, "CASE": "no Management Node"})
    reply = function.invoke(payload(now, window="blind"))
    answer = reply.payload
    checks.that("without the Management Node the hold is written and what could not be checked is named",
                not reply.error and answer["outcome"] == "outage" and "licences" in answer["unchecked"]
                and any("bursting" in each for each in answer["unchecked"]), reply.text)
    system.put_parameters(policy=None)
    function.set_environment({**system.variables, "CASE": "no policy"})
    reply = function.invoke(payload(now))
    checks.that("without a policy the invocation fails, so that it is tried again",
                reply.error and "put-parameter" in reply.text, reply.text)
    checks.that("no secret is in any answer or log",
                not any(environment.PASSWORD in each.text for each in function.replies))
