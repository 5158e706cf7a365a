"""`spillway node …` on the real platform, each operation in few steps. That each one comes to its end from any interruption,
waits for calls, and names what is in its way is swept in tests/tests/proof/operations.rs; that EC2 does what it is asked is in
the adapter's tests against moto. Here it is the command line, and convert, remove and upgrade in real time."""

from __future__ import annotations

import signal
from pathlib import Path

from . import environment
from .checks import Checks
from .operator_platform import ALWAYS_ON, DONE, FAILED, OVERFLOW, REFUSED, WHO, Operator, Platform, all_down, perform


def run(binaries: Path, checks: Checks) -> None:
    perform(binaries, [retire_and_reinstate, convert, change, address, remove, upgrade], checks)


def retire_and_reinstate(operator: Operator, seen: Platform, checks: Checks) -> None:
    retired = operator("node", "retire", "aws-burst-3", "--reason", "noisy fan", "--yes")
    row = seen.configured("aws-burst-3")
    checks.that("retire: stopped, in maintenance mode with the reason and the operator",
                retired.code == DONE and row["maintenance_mode"] and "noisy fan" in row["maintenance_mode_reason"]
                and WHO in row["maintenance_mode_reason"], (retired, row["maintenance_mode_reason"]))
    again = operator("node", "retire", "aws-burst-3", "--yes")
    checks.that("a second retire has nothing to do", again.code == DONE and again.value["nodes"][0]["done"] == [], again)
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
    checks.that("an unknown location is refused", nowhere.code == REFUSED and "Mars" in nowhere.value["error"]["message"],
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
                done.code == DONE and seen.tags("london-2").get("pexip-cloud") == environment.TAG_VALUE
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
    unknown = operator("node", "resize", "aws-burst-4", "--type", "c5.17xlarge")
    checks.that("a type that EC2 does not have is refused before anybody is asked", unknown.code == REFUSED
                and "c5.17xlarge" in unknown.value["error"]["message"], unknown)
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
                and {"Key": "pexip-cloud", "Value": environment.TAG_VALUE} in elastic[0]["Tags"]
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
    checks.that("their version is an issue in the status", any(
        issue["about"].startswith("aws-burst-") and "not the Management Node's version" in issue["what"]
        for issue in issues), issues)
    idle = operator("node", "upgrade", "--yes")
    checks.that("without an upgrade it says so at once, and starts nothing", idle.code == REFUSED and not seen.holds()
                and "no upgrade runs" in idle.value["error"]["message"], idle)
    process = operator.start("node", "upgrade", "aws-burst-1", "aws-burst-2", "--before-upgrade", "--reason", "release 39",
                             "--yes")
    seen.until("both take part", lambda: all(seen.node(f"aws-burst-{n}")["service"] == "ready" for n in (1, 2)))
    checks.that("both are held for it", len(seen.holds()) == 2 and process.poll() is None, seen.holds())
    # The Management Node upgrades what it reaches, and restarts first: the command waits for it.
    seen.upgrade_platform()
    done = operator.end(process)
    checks.that("upgrade: both run the Management Node's version, and their holds are released", done.code == DONE
                and sorted(done.value["upgraded"]) == ["aws-burst-1", "aws-burst-2"] and not seen.holds()
                and all(seen.version_of(f"aws-burst-{n}") == version for n in (1, 2)), (done, seen.holds()))
    # While the others are upgraded they are no room: Spillway may start it for callers, and the command may not.
    run = seen.record("aws-burst-3").get("run") or {}
    reason = run.get("reason", "")
    checks.that(f"the one that was not named has no part in it: {reason or 'stopped'}",
                seen.state("aws-burst-3") == "stopped"
                or (run.get("by") == "spillway" and "release 39" not in reason and not reason.startswith("hold ")), run)
    seen.until("the upgrade is over", lambda: not seen.is_upgrading())
    all_down(operator, seen)
