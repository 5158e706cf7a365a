"""What an invocation takes, for `cost.py`: the real functions against local servers behind stated delays,
with a meter before the table. First a burst, in which each overflow node runs once from a window's start to the stop;
then idle invocations, with everything that the burst left in the table."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import shutil
import statistics
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

import cost
import meter
from e2e import environment, prewarm, reconciler
from e2e.simulated import Bridge
from latency import delayed_port
from replay import replay
from runtime import Invocation, Stopwatch

# Seconds from a request to its answer, where network and server are AWS's and Pexip's. Nobody publishes them: these are
# on the long side of what is usual inside a region, so that the result is too.
ROUND_TRIPS = {"Management Node": 0.2, "EC2": 0.2, "DynamoDB": 0.01, "Parameter Store": 0.05}
OVERFLOW = 7
WARM = 10
# A boot, a minute's lifetime, a drain with its two readings 30 s apart: real time, none of which can be made shorter.
LIFE_LIMIT_S = 400
DECRYPTING = "AmazonSSM.GetParameters"


class Bench:
    """A platform whose every outside call is delayed; `meter` counts what its table is asked."""

    def __init__(self, stack: contextlib.ExitStack, binaries: Path, servers: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="spillway-bench-"))
        stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.binaries = binaries
        self.system = stack.enter_context(environment.running(servers, overflow=OVERFLOW, always_on=3))
        self.meter = stack.enter_context(meter.meter(self.system.dynamodb))
        # moto is Python: what it takes to think is in the delay already.
        self.replay = stack.enter_context(replay(self.system.moto))

        def delayed(what: str, url: str) -> str:
            parts = urllib.parse.urlsplit(url)
            port = stack.enter_context(delayed_port(parts.hostname, parts.port, ROUND_TRIPS[what]))
            return f"{parts.scheme}://{parts.hostname}:{port}"

        management = delayed("Management Node", self.system.management_url)
        self.system.put_parameters(
            policy=json.dumps({**environment.POLICY, "vpcs": [self.system.fleet.vpc], "drains_at_once": OVERFLOW}),
            management=json.dumps({"addresses": [management], "authentication": "basic"}))
        self.live_ec2, self.still_ec2 = delayed("EC2", self.system.moto), delayed("EC2", self.replay.url)
        self.variables = {
            **self.system.variables, "AWS_ENDPOINT_URL_DYNAMODB": delayed("DynamoDB", self.meter.url),
            "AWS_ENDPOINT_URL_SSM": delayed("Parameter Store", self.replay.url)}

    def invoke(self, name: str, *events: dict, live: bool = False) -> list[Invocation]:
        ec2 = self.live_ec2 if live else self.still_ec2
        answers = Stopwatch(self.binaries / name, {**self.variables, "AWS_ENDPOINT_URL_EC2": ec2}, *events).run()
        for answer in answers:
            if answer.failed:
                sys.exit(f"{name} failed: {answer.body.decode(errors='replace')}")
        return answers

    def idle(self, name: str) -> cost.Function:
        """Ten warm invocations after a cold one, each of which finds nothing to do."""
        cold = self.invoke(name, {})[0]
        before = self.meter.units
        answers = self.invoke(name, *([{}] * (WARM + 1)))
        used = self.meter.units - before
        for answer in answers:
            if json.loads(answer.body).get("outcome") != "no_op":
                sys.exit(f"{name} did not do what is measured: {answer.body.decode(errors='replace')}")
        warm = answers[1:]
        return cost.Function(
            cold.init_ms + cold.took_ms - cold.init_cpu_ms - cold.cpu_ms, cold.init_cpu_ms + cold.cpu_ms,
            statistics.median(one.took_ms - one.cpu_ms for one in warm), statistics.median(one.cpu_ms for one in warm),
            statistics.median(one.log_bytes for one in warm),
            meter.Units(used.reads / len(answers), used.writes / len(answers), used.requests, used.refused))

    def burst(self) -> tuple[Invocation, meter.Units, meter.Units, int]:
        """A window's invocation with its units; then the units until every node was up and is stopped again, and the number
        of evaluations that took. The reconciler gets each state change as it comes."""
        now = dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0)
        with Bridge(self.system.ec2, self.system.control, self.system.fleet) as bridge:
            before = self.meter.units
            window = self.invoke("prewarm", prewarm.payload(now, lead_minutes=0, hold_minutes=2), live=True)[0]
            started = self.meter.units
            evaluations, told, stopped, until = 0, 0, set(), time.monotonic() + LIFE_LIMIT_S
            while len(stopped) < OVERFLOW:
                if time.monotonic() > until:
                    sys.exit(f"after {LIFE_LIMIT_S} s only {len(stopped)} of {OVERFLOW} nodes had stopped: {bridge.seen}")
                self.invoke("evaluator", {}, live=True)
                evaluations += 1
                changes = [(node, state) for _, node, state in bridge.changes[told:]
                           if state in ("running", "stopping", "stopped")]
                told = len(bridge.changes)
                if changes:
                    self.invoke("reconciler", reconciler.batch({
                        f"{n}": reconciler.state_change(*change) for n, change in enumerate(changes)}), live=True)
                stopped |= {node for node, state in changes if state == "stopped"}
            # What is left of the drains: maintenance mode off, the last records.
            for _ in range(3):
                time.sleep(2 * environment.REPLICATION_S)
                self.invoke("evaluator", {}, live=True)
                evaluations += 1
        return window, started - before, self.meter.units - started, evaluations

    def bytes_kept(self) -> tuple[float, float]:
        """Of a minute's load, and of all that the history has of one node, as DynamoDB counts them."""
        pages = self.system.table.get_paginator("scan").paginate(TableName=environment.TABLE, ConsistentRead=True)
        rows = [item for page in pages for item in page["Items"]]
        load = [size(item) for item in rows if item["pk"]["S"].startswith("LOAD#")]
        history = [size(item) for item in rows if item["pk"]["S"].startswith("EVENT#")]
        return statistics.mean(load), sum(history) / OVERFLOW


def size(item: dict) -> float:
    """Names and values in UTF-8; numbers are smaller on AWS than their text."""
    return cost.ITEM_OVERHEAD + sum(len(name.encode()) + size_of(value) for name, value in item.items())


def size_of(value: dict) -> int:
    kind, content = next(iter(value.items()))
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + size_of(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + size_of(each) for each in content)
    return len(str(content).encode())


def measure(binaries: Path, servers: Path) -> cost.Measured:
    with contextlib.ExitStack() as stack:
        bench = Bench(stack, binaries, servers)
        # The first of each writes the records of what it sees for the first time.
        bench.invoke("evaluator", {})
        bench.invoke("reconciler", {})
        print(f"one life of {OVERFLOW} nodes, in real time: some minutes", flush=True)
        window, window_units, life_units, evaluations = bench.burst()
        # EC2 is another one now than it was when its answers were learnt.
        bench.replay.known.clear()
        asked = bench.replay.asked[DECRYPTING]
        evaluator = bench.idle("evaluator")
        # A cold invocation, and a process with a cold one and warm ones, which read nothing again.
        decrypts = (bench.replay.asked[DECRYPTING] - asked) / 2
        sweep = bench.idle("reconciler")
        load, history = bench.bytes_kept()
    beside = meter.Units(max(0.0, life_units.reads - evaluations * evaluator.units.reads),
                         max(0.0, life_units.writes - evaluations * evaluator.units.writes))
    return cost.Measured(
        evaluator, sweep, cost.Function(
            window.init_ms + window.took_ms - window.init_cpu_ms - window.cpu_ms, window.init_cpu_ms + window.cpu_ms,
            0.0, 0.0, 0.0, window_units).billed_s(cold=True), window_units, decrypts,
        meter.Units(beside.reads / OVERFLOW, beside.writes / OVERFLOW), history, load, OVERFLOW)
