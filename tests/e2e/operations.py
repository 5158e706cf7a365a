"""What an operator types, run against the simulated world: each command by the real binary, its effect seen in EC2, on the
Management Node, in the ledger and on the callers. moto is EC2, SSM and STS; the Management Node is the served one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from . import aws, servers, stage as stages
from .checks import Checks
from .documented import undocumented
from .simulated import Bridge, fetch

ALWAYS_ON, OVERFLOW = 2, 4
# Who moto's STS says that everybody is.
WHO = "user/moto"
GROUP = "spillway-nine"
DONE, FAILED, USAGE, REFUSED, PARTLY = range(5)


@dataclasses.dataclass
class Answer:
    code: int
    value: dict
    notes: str


class Operator:
    """`spillway` as a person or a script runs it."""

    def __init__(self, stage: stages.Stage, binary: Path) -> None:
        self._stage, self._binary = stage, binary
        self.said: list[str] = []
        self.printed: list[str] = []

    def start(self, *words: str) -> subprocess.Popen:
        # Durations on this platform are fractions of real ones, so it is looked at more often.
        env = {**os.environ, **self._stage.environment, "AWS_ENDPOINT_URL_STS": self._stage.moto,
               "AWS_ENDPOINT_URL_SCHEDULER": self._stage.moto, "SPILLWAY_POLL_SECONDS": "2"}
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
            env.pop(name, None)
        return subprocess.Popen([str(self._binary), "--json", *words], stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)

    def end(self, process: subprocess.Popen, limit_s: float = 240) -> Answer:
        try:
            out, err = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise RuntimeError(f"{process.args} did not end in {limit_s} s\n{out}\n{err}") from None
        self.said += [out, err]
        self.printed.append(out)
        lines = [line for line in out.splitlines() if line.startswith("{")]
        return Answer(process.returncode, json.loads(lines[-1]) if lines else {}, err)

    def __call__(self, *words: str, limit_s: float = 240) -> Answer:
        print(f"    $ spillway {' '.join(words)}", flush=True)
        return self.end(self.start(*words), limit_s)


class Platform:
    """The platform as it really is, whatever the command line says."""

    def __init__(self, stage: stages.Stage, bridge: Bridge) -> None:
        self._stage, self._bridge = stage, bridge
        self._scheduler = aws.client("scheduler", stage.moto)

    def instance(self, name: str) -> dict:
        known = {i.name: i.id for i in self._stage.fleet.overflow}
        return aws.instances(self._stage.ec2)[known[name]]

    def state(self, name: str) -> str:
        return self.instance(name)["State"]["Name"]

    def tags(self, name: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.instance(name).get("Tags", [])}

    def world(self) -> dict:
        return fetch(f"{self._stage.control}/sim/world")

    def node(self, name: str) -> dict:
        return next((node for node in self.world()["nodes"] if node["name"] == name), {})

    def configured(self, name: str) -> dict:
        rows = self._stage.management.list("configuration/v1/worker_vm")
        return next((row for row in rows if row["name"] == name), {})

    def location(self, name: str) -> str:
        uri = self.configured(name)["system_location"]
        rows = self._stage.management.list("configuration/v1/system_location")
        return next(row["name"] for row in rows if row["resource_uri"] == uri)

    def events(self, kind: str | None = None) -> list[dict]:
        items = [item for item in aws.items(self._stage.table, stages.TABLE) if item["pk"].startswith("EVENT#")]
        return [item for item in items if kind in (None, item["kind"])]

    def upgrade_platform(self) -> str:
        """As an administrator begins one."""
        return fetch(f"{self._stage.control}/sim/upgrade", {"version": "39 (78000.0.0)"})["upgrading_to"]

    def version_of(self, name: str) -> str:
        with contextlib.suppress(OSError):
            rows = self._stage.management.list("status/v1/worker_vm")
            return next((row["version"] for row in rows if row["name"] == name), "")
        return "the Management Node restarts"

    def is_upgrading(self) -> bool:
        with contextlib.suppress(OSError):
            return any(row["upgrade_status"] != "IDLE" for row in self._stage.management.list("status/v1/management_vm"))
        return True

    def asked(self, text: str) -> bool:
        """Whether the history has it, under the operator's identity."""
        return any(text in event["reason"] and event["by"] == {"person": WHO} for event in self.events())

    def holds(self) -> list[dict]:
        return [item for item in aws.items(self._stage.table, stages.TABLE) if item["sk"].startswith("HOLD#")]

    def pauses(self) -> list[dict]:
        items = aws.items(self._stage.table, stages.TABLE)
        return [item for item in items if item["sk"].startswith("REQUEST#") and "pause" in item["wish"]]

    def set_clock_ahead(self, pause: dict, hours: int) -> None:
        """As if the pause had been asked for at a machine whose clock is that much ahead."""
        at = dt.datetime.fromisoformat(pause["at"]) + dt.timedelta(hours=hours)
        self._stage.table.update_item(
            TableName=stages.TABLE, Key={"pk": {"S": pause["pk"]}, "sk": {"S": pause["sk"]}},
            UpdateExpression="SET #at = :at", ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":at": {"S": at.strftime("%Y-%m-%dT%H:%M:%SZ")}})

    def record(self, name: str) -> dict:
        wanted = f"NODE#{self.instance(name)['InstanceId']}"
        return next((i for i in aws.items(self._stage.table, stages.TABLE) if i["sk"] == wanted), {})

    def call(self, name: str, count: int, lasts_s: int) -> int:
        body = {"node": name, "count": count, "lasts_s": lasts_s}
        return fetch(f"{self._stage.control}/sim/calls", body)["seated"]

    def rows(self) -> list[str]:
        return [row["name"] for row in self._stage.management.list("configuration/v1/worker_vm")]

    def addresses(self) -> list[dict]:
        return self._stage.ec2.describe_addresses()["Addresses"]

    def schedules(self) -> dict[str, dict]:
        """By name, whole."""
        names = [s["Name"] for s in self._scheduler.list_schedules(GroupName=GROUP)["Schedules"]]
        return {name: self._scheduler.get_schedule(GroupName=GROUP, Name=name) for name in names}

    def until(self, what: str, done, limit_s: float = 60) -> None:
        servers.wait_until(what, done, limit_s)


def run(binaries: Path, checks: Checks) -> None:
    with platform(binaries) as stage, Bridge(stage.ec2, stage.control, stage.fleet) as bridge:
        operator, seen = Operator(stage, binaries / "spillway"), Platform(stage, bridge)
        parts = [start_and_stop, stop_held, stop_now, pause, holds, rivals, retire_and_reinstate, convert, change, address,
                 remove, upgrade, windows]
        for part in parts:
            print(f"    -- {part.__name__}", flush=True)
            part(operator, seen, checks)
        checks.that("the bridge between moto and the simulated world never failed", not bridge.errors, bridge.errors[:3])
        unknown = undocumented(operator.printed)
        checks.that("every key of the JSON that was printed is in shared/cli/README.md", not unknown, unknown)
        said = "".join(operator.said)
        checks.that("the password is in nothing that was printed", stages.PASSWORD not in said)


def start_and_stop(operator: Operator, seen: Platform, checks: Checks) -> None:
    who = operator("whoami")
    checks.that("STS says who acts", who.value.get("actor") == {"person": WHO}, who)
    nobody = operator("start", "no-such-node", "--yes")
    checks.that("a node that is none is wrong usage, and the overflow nodes are named",
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
    checks.that("and no sooner", time.monotonic() - began > 14, time.monotonic() - began)
    checks.that("its own hold was released, so that nothing starts it again", not seen.holds(), seen.holds())
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
    checks.that("a node of a hold on several, and no answer: it stays",
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
    checks.that("and an answer", unasked.code == REFUSED and seen.state("aws-burst-2") == "running", unasked)
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
    checks.that("and a reason", unreasoned.code == USAGE, unreasoned)
    paused = operator("pause", "--for", "30m", "--reason", "change freeze", "--yes")
    checks.that("pause", paused.code == DONE, paused)
    cycle = operator("apply", "--yes")
    checks.that("a cycle obeys, and says who paused it and why",
                cycle.code == REFUSED and WHO in cycle.value["cycle"]["summary"]
                and "change freeze" in cycle.value["cycle"]["summary"], cycle)
    refused = operator("start", "--nodes", "1", "--yes")
    checks.that("nothing is started in a pause", refused.code == REFUSED and not seen.holds(), refused)
    operator("pause", "--for", "144h", "--reason", "freeze of the year", "--yes")
    for pause in seen.pauses():
        seen.set_clock_ahead(pause, hours=2)
    checks.that("two pauses, of a machine whose clock is ahead", len(seen.pauses()) == 2, seen.pauses())
    checks.that("resume", operator("resume", "--reason", "over", "--yes").code == DONE)
    checks.that("no pause is left that could come back", not seen.pauses(), seen.pauses())
    checks.that("a cycle acts again", operator("apply", "--yes").code == DONE)
    checks.that("both are in the history", seen.asked("change freeze") and seen.asked("resume: over"))


def up(seen: Platform) -> list[str]:
    names = [f"aws-burst-{n}" for n in range(1, OVERFLOW + 1)]
    return [name for name in names if seen.state(name) in ("pending", "running")]


def all_down(operator: Operator, seen: Platform) -> None:
    """Nothing runs, nothing is held, nothing is left over: what the next part begins with."""
    for hold in seen.holds():
        operator("release", hold["sk"].removeprefix("HOLD#"), "--yes")
    while running := up(seen):
        seen.until("they are ready", lambda: all(seen.node(name)["service"] in ("ready", "maintenance") for name in running))
        operator("apply", "--yes")
        operator("stop", *running, "--wait", "--yes")
    # A node that was removed has no maintenance mode.
    seen.until("maintenance modes are cleared", lambda: operator("apply", "--yes").code == DONE
               and not any(seen.configured(f"aws-burst-{n}").get("maintenance_mode") for n in range(1, OVERFLOW + 1)))


def holds(operator: Operator, seen: Platform, checks: Checks) -> None:
    # A drain of a node with calls has another one started in its place: that is the start rule.
    all_down(operator, seen)
    later = operator("hold", "--hd-calls", "20", "--location", "AWS burst", "--from", "23:59", "--for", "1h",
                     "--reason", "late show", "--yes")
    checks.that("a hold for later starts nothing now", later.code == DONE and len(seen.holds()) == 1 and not up(seen),
                (later, seen.holds(), up(seen)))
    first = seen.holds()[0]["sk"].removeprefix("HOLD#")
    nowhere = operator("hold", "--all", "--location", "London", "--yes")
    checks.that("a location without overflow nodes is wrong usage", nowhere.code == USAGE, nowhere)
    checks.that("release by its id", operator("release", first, "--yes").code == DONE and not seen.holds(), seen.holds())
    started = operator("start", "--hd-calls", "20", "--for", "20m", "--wait", "--reason", "webinar", "--yes")
    checks.that("20 HD calls are two nodes", started.code == DONE and len(up(seen)) == 2, (started, up(seen)))
    all_down(operator, seen)
    checks.that("released and stopped, nothing is up", not up(seen))


def rivals(operator: Operator, seen: Platform, checks: Checks) -> None:
    """Two operators at once: the ledger decides, and nothing is done twice."""
    before = len(seen.events("start"))
    both = [operator.start("start", "--nodes", "1", "--for", "10m", "--reason", f"rival {n}", "--yes") for n in (1, 2)]
    ended = [operator.end(process) for process in both]
    checks.that("neither fails: what is asked is kept", [answer.code for answer in ended] == [DONE, DONE], ended)
    lost = [answer for answer in ended if answer.value.get("won")]
    print(f"    {len(lost)} of them lost the race: {[answer.value['won'] for answer in lost]}")
    operator("apply", "--yes")
    started = len(seen.events("start")) - before
    checks.that("one node meets both", len(up(seen)) == 1 and started == 1, (up(seen), started))
    all_down(operator, seen)


def retire_and_reinstate(operator: Operator, seen: Platform, checks: Checks) -> None:
    retired = operator("node", "retire", "aws-burst-3", "--reason", "noisy fan", "--yes")
    row = seen.configured("aws-burst-3")
    checks.that("retire: stopped, in maintenance mode with the reason and the operator",
                retired.code == DONE and row["maintenance_mode"] and "noisy fan" in row["maintenance_mode_reason"]
                and WHO in row["maintenance_mode_reason"], (retired, row["maintenance_mode_reason"]))
    again = operator("node", "retire", "aws-burst-3", "--yes")
    checks.that("again: nothing to do", again.code == DONE and again.value["nodes"][0]["done"] == [], again)
    refused = operator("start", "aws-burst-3", "--yes")
    checks.that("a retired node is not started", refused.code == REFUSED and "retired" in refused.value["error"]["message"],
                refused)
    back = operator("node", "reinstate", "aws-burst-3", "--reason", "repaired", "--yes")
    row, instance = seen.configured("aws-burst-3"), seen.instance("aws-burst-3")
    checks.that("reinstate: it runs, its static NAT address is its public address, maintenance mode is off",
                back.code == DONE and instance["State"]["Name"] == "running" and not row["maintenance_mode"]
                and row["static_nat_address"] == instance["PublicIpAddress"], (back, row))
    checks.that("the address came before the calls",
                [step["step"] for step in back.value["nodes"][0]["done"]] == ["nat", "take_calls"], back.value)
    all_down(operator, seen)


def convert(operator: Operator, seen: Platform, checks: Checks) -> None:
    nowhere = operator("node", "convert", "london-2", "--to", "overflow", "--location", "Mars", "--yes")
    checks.that("a location that is none is refused", nowhere.code == REFUSED and "Mars" in nowhere.value["error"]["message"],
                nowhere)
    # Interrupted while it waits for the drain, and given again.
    first = operator.start("node", "convert", "london-2", "--to", "overflow", "--location", "AWS burst", "--yes")
    seen.until("it is set aside", lambda: seen.configured("london-2")["maintenance_mode"])
    first.send_signal(signal.SIGINT)
    stopped = operator.end(first)
    checks.that("interrupted, it says how to go on", stopped.code == FAILED
                and "run the same command again" in stopped.value["error"]["remedy"], stopped)
    done = operator("node", "convert", "london-2", "--to", "overflow", "--location", "AWS burst", "--ignore-lifetime",
                    "--reason", "more headroom", "--yes")
    row = seen.configured("london-2")
    checks.that("convert --to overflow: tagged, moved, distributed database off, stopped, maintenance mode off",
                done.code == DONE and seen.tags("london-2").get("pexip-cloud") == stages.TAG_VALUE
                and seen.location("london-2") == "AWS burst" and not row["enable_distributed_database"]
                and seen.state("london-2") == "stopped" and not row["maintenance_mode"], (done, row))
    back = operator("node", "convert", "london-2", "--to", "always-on", "--location", "London", "--yes")
    row, instance = seen.configured("london-2"), seen.instance("london-2")
    checks.that("convert --to always-on: untagged, started, moved, distributed database on, address right, taking calls",
                back.code == DONE and "pexip-cloud" not in seen.tags("london-2") and seen.location("london-2") == "London"
                and row["enable_distributed_database"] and instance["State"]["Name"] == "running"
                and row["static_nat_address"] == instance["PublicIpAddress"] and not row["maintenance_mode"], (back, row))


def change(operator: Operator, seen: Platform, checks: Checks) -> None:
    without = operator("node", "resize", "aws-burst-4", "--type", "c5.4xlarge", "--yes")
    checks.that("a type that needs ENA is refused without it", without.code == REFUSED
                and "ENA" in without.value["error"]["message"], without)
    ena = operator("node", "enable-ena", "aws-burst-4", "--leave-stopped", "--reason", "c5", "--yes")
    checks.that("enable-ena: EC2 shows it", ena.code == DONE and seen.instance("aws-burst-4")["EnaSupport"] is True, ena)
    resized = operator("node", "resize", "aws-burst-4", "--type", "c5.4xlarge", "--reason", "c5", "--yes")
    checks.that("resize: EC2 shows the type, and the node takes calls", resized.code == DONE
                and seen.instance("aws-burst-4")["InstanceType"] == "c5.4xlarge"
                and not seen.configured("aws-burst-4")["maintenance_mode"], resized)
    all_down(operator, seen)


def address(operator: Operator, seen: Platform, checks: Checks) -> None:
    given = operator("node", "address", "london-2", "--reason", "dmz rule", "--yes")
    elastic = [a for a in seen.addresses() if a.get("InstanceId") == seen.instance("london-2")["InstanceId"]]
    checks.that("address: an Elastic IP is allocated, tagged, associated, and is the static NAT address",
                given.code == DONE and len(elastic) == 1
                and {"Key": "pexip-cloud", "Value": stages.TAG_VALUE} in elastic[0]["Tags"]
                and seen.tags("london-2").get("spillway-allocation") == elastic[0]["AllocationId"]
                and seen.configured("london-2")["static_nat_address"] == elastic[0]["PublicIp"], (given, elastic))
    taken = operator("node", "address", "aws-burst-1", "--allocation", elastic[0]["AllocationId"], "--yes")
    checks.that("it is never taken from another", taken.code == REFUSED and len(seen.addresses()) == 1, taken)


def remove(operator: Operator, seen: Platform, checks: Checks) -> None:
    mine, other = (seen.instance(f"aws-burst-{n}")["InstanceId"] for n in (4, 3))
    wrong = operator("node", "remove", "aws-burst-4", "--terminate", other, "--yes")
    checks.that("another instance's id is refused", wrong.code == REFUSED and seen.configured("aws-burst-4"), wrong)
    gone = operator("node", "remove", "aws-burst-4", "--terminate", mine, "--reason", "end of life", "--yes")
    checks.that("remove: deleted from the Management Node, and terminated", gone.code == DONE
                and not seen.configured("aws-burst-4") and seen.state("aws-burst-4") == "terminated", gone)
    checks.that("no other node was deleted", len(seen.rows()) == ALWAYS_ON + OVERFLOW - 1, seen.rows())
    checks.that("the history has it under the operator's name", seen.asked("end of life"))
    current = operator("node", "upgrade", "--yes")
    checks.that("upgrade: every node runs the Management Node's version", current.code == DONE
                and current.value["upgraded"] == [], current)


def upgrade(operator: Operator, seen: Platform, checks: Checks) -> None:
    all_down(operator, seen)
    version = seen.upgrade_platform()
    seen.until("the platform is upgraded", lambda: seen.version_of("london-1") == version and not seen.is_upgrading())
    checks.that("stopped overflow nodes missed the upgrade", seen.version_of("aws-burst-1") != version)
    # The evaluator's next cycle writes the new version down; the status goes by it.
    operator("apply", "--yes")
    issues = operator("status").value["issues"]
    checks.that("which is an issue in the status", any(
        issue["about"].startswith("aws-burst-") and "not the Management Node's version" in issue["what"]
        for issue in issues), issues)
    process = operator.start("node", "upgrade", "aws-burst-1", "aws-burst-2", "--reason", "release 39", "--yes")
    seen.until("both take part", lambda: all(seen.node(f"aws-burst-{n}")["service"] == "ready" for n in (1, 2)))
    checks.that("both are held for it", len(seen.holds()) == 2 and process.poll() is None, seen.holds())
    # The Management Node upgrades what it reaches, and restarts first: the command waits for it.
    seen.upgrade_platform()
    done = operator.end(process)
    checks.that("upgrade: both run the Management Node's version, and are let go", done.code == DONE
                and sorted(done.value["upgraded"]) == ["aws-burst-1", "aws-burst-2"] and not seen.holds()
                and all(seen.version_of(f"aws-burst-{n}") == version for n in (1, 2)), (done, seen.holds()))
    checks.that("the one that was not named still stands stopped", seen.state("aws-burst-3") == "stopped")
    seen.until("the upgrade is over", lambda: not seen.is_upgrading())
    all_down(operator, seen)


def windows(operator: Operator, seen: Platform, checks: Checks) -> None:
    words = ("--schedule", "cron(50 8 ? * MON-FRI *)", "--zone", "Europe/Oslo", "--yes")
    added = operator("prewarm", "add", "weekdays", "--nodes", "2", "--reason", "nine o'clock", *words)
    checks.that("prewarm add", added.code == DONE and operator("prewarm", "list").value["windows"], added)
    checks.that("a name that is there is refused", operator("prewarm", "add", "weekdays", *words).code == USAGE)
    wrong = operator("prewarm", "add", "other", "--schedule", "cron(99 8 ? * * *)", "--zone", "Europe/Oslo", "--yes")
    checks.that("a schedule that could not fire is refused", wrong.code == USAGE, wrong)
    skipped = operator("prewarm", "skip", "weekdays", "2027-05-17", "--yes")
    listed = json.dumps(operator("prewarm", "list").value)
    checks.that("prewarm skip", skipped.code == DONE and "2027-05-17" in listed, (skipped, listed))
    extra_dates(operator, seen, checks)
    removed = operator("prewarm", "remove", "weekdays", "--yes")
    checks.that("prewarm remove", removed.code == DONE and not operator("prewarm", "list").value["windows"], removed)
    checks.that("again: there is none", operator("prewarm", "remove", "weekdays", "--yes").code == USAGE)
    checks.that("all of it is in the history", seen.asked("window weekdays added") and seen.asked("weekdays removed"))


def extra_dates(operator: Operator, seen: Platform, checks: Checks) -> None:
    today = dt.datetime.now(dt.timezone.utc).date()
    saturday = today + dt.timedelta(days=(5 - today.weekday()) % 7 + 7)
    monday, other = saturday + dt.timedelta(days=2), saturday + dt.timedelta(days=7)
    unasked = operator("prewarm", "extra", "weekdays", str(saturday))
    checks.that("an extra date with nobody to ask changes nothing",
                unasked.code == REFUSED and len(seen.schedules()) == 1, (unasked, seen.schedules()))
    for date, text in ((monday, "anyway"), (today - dt.timedelta(days=7 + today.weekday() - 5), "past"),
                       (dt.date(2027, 5, 17), "--undo")):
        refused = operator("prewarm", "extra", "weekdays", str(date), "--yes")
        checks.that(f"an extra date is refused where it would do nothing: {text}", refused.code == USAGE
                    and text in json.dumps(refused.value["error"]) and len(seen.schedules()) == 1, refused)
    checks.that("of a window that is none", operator("prewarm", "extra", "nobody", str(saturday), "--yes").code == USAGE)
    added = operator("prewarm", "extra", "weekdays", str(saturday), str(other), "--reason", "fair", "--yes")
    name = f"weekdays-extra-{saturday:%Y%m%d}-0850"
    made = seen.schedules().get(name, {})
    checks.that("an extra date is a schedule that fires once, at the window's local time, and is deleted then",
                added.code == DONE and made.get("ScheduleExpression") == f"at({saturday}T08:50:00)"
                and made["ScheduleExpressionTimezone"] == "Europe/Oslo"
                and made.get("ActionAfterCompletion") == "DELETE", (added, made))
    window = seen.schedules()["weekdays"]["Target"]
    payload = {**json.loads(window["Input"]), "skip": []}
    checks.that("it invokes the same function with the same input, without dates to skip",
                json.loads(made["Target"]["Input"]) | {"skip": []} == payload
                and made["Target"]["Arn"] == window["Arn"] and made["Target"]["RoleArn"] == window["RoleArn"], made)
    listed = {w["name"]: w["extra_of"] for w in operator("prewarm", "list").value["windows"]}
    checks.that("prewarm list shows whose extra date it is", listed.get(name) == "weekdays" and listed["weekdays"] is None,
                listed)
    firings = [f["scheduled"][:10] for f in operator("prewarm", "preview", "--days", "16").value["firings"]
               if f["window"] == name]
    checks.that("prewarm preview shows when it fires", firings == [str(saturday)], firings)
    again = operator("prewarm", "extra", "weekdays", str(saturday), "--yes")
    checks.that("twice is refused", again.code == USAGE and "already" in again.value["error"]["message"], again)
    skipped = operator("prewarm", "skip", "weekdays", str(saturday), "--yes")
    checks.that("an extra date cannot be skipped as well", skipped.code == USAGE
                and "extra" in skipped.value["error"]["remedy"], skipped)
    undone = operator("prewarm", "extra", "weekdays", str(saturday), "--undo", "--yes")
    checks.that("--undo takes it back, and only it", undone.code == DONE and sorted(seen.schedules())
                == ["weekdays", f"weekdays-extra-{other:%Y%m%d}-0850"], (undone, sorted(seen.schedules())))
    checks.that("again: it is none", operator("prewarm", "extra", "weekdays", str(saturday), "--undo", "--yes").code == USAGE)
    checks.that("both are in the history", seen.asked(f"also fires on {saturday}")
                and seen.asked(f"no longer fires on {saturday}"))


@contextlib.contextmanager
def platform(binaries: Path) -> Iterator[stages.Stage]:
    """Servers up, platform built, without callers. The directory with the logs is kept if anything fails."""
    directory = Path(tempfile.mkdtemp(prefix="spillway-operations-"))
    try:
        with contextlib.ExitStack() as stack:
            moto = stack.enter_context(servers.moto_ec2(sys.executable, directory, pending_s=1, stopping_s=1))
            port = servers.free_port()
            dynamodb = stack.enter_context(servers.server(
                "dynamodb", [str(binaries / "dynamodb"), "--port", str(port)], f"http://{servers.HOST}:{port}",
                log_dir=directory))
            url, control, ca = stack.enter_context(
                stages.simulated(binaries, directory, None, overflow=OVERFLOW, always_on=ALWAYS_ON))
            built = stages.assemble(directory, Path(sys.prefix), moto, dynamodb, "", url, control, ca)
            # As short as the policy allows: what waits for a lifetime here waits for nothing else.
            policy = {**stages.POLICY, "vpcs": [built.fleet.vpc], "min_lifetime": "5s"}
            arn = f"arn:aws:lambda:{servers.REGION}:123456789012:function:prewarm"
            stack_facts = {"table": stages.TABLE, "schedule_group": GROUP, "prewarm_function": arn,
                           "scheduler_role": "arn:aws:iam::123456789012:role/scheduler"}
            built.put_parameters(policy=json.dumps(policy), stack=json.dumps(stack_facts))
            aws.client("scheduler", moto).create_schedule_group(Name=GROUP)
            yield dataclasses.replace(built, fleet=with_an_always_on_instance(built))
    except BaseException:
        print(f"    the servers' logs are in {directory}", flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def with_an_always_on_instance(stage: stages.Stage) -> aws.Fleet:
    """One always-on node is an EC2 instance too, without the tag: the others are elsewhere."""
    node = next(n for n in fetch(f"{stage.control}/sim/world")["nodes"] if n["name"] == "london-2")
    subnet = stage.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [stage.fleet.vpc]}])["Subnets"][0]
    reply = stage.ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="c5.2xlarge", SubnetId=subnet["SubnetId"],
        PrivateIpAddress=node["address"],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "london-2"}]}])
    instance = aws.Instance(reply["Instances"][0]["InstanceId"], "london-2", node["address"])
    return dataclasses.replace(stage.fleet, overflow=[*stage.fleet.overflow, instance])
