"""What `spillway status` asks on a platform with many overflow nodes, and how long after the last reply it is done: a proxy
before each server counts the requests and notes when the last byte of an answer left."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import json
import os
import shutil
import ssl
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import replay
from e2e import aws, environment, servers
from e2e.simulated import fetch


@dataclasses.dataclass
class Record:
    """What went through the proxies since `clear`."""

    calls: list[str] = dataclasses.field(default_factory=list)
    pages: int = 0
    last: float = 0.0

    def clear(self) -> None:
        self.calls, self.pages, self.last = [], 0, 0.0


class _Handler(replay._Handler):  # noqa: SLF001  one server, told in two files
    # The Management Node's clock, by which the ages of reports are measured.
    dropped = replay.OWN - {"date"}

    def do_POST(self) -> None:  # noqa: N802
        super().do_POST()
        server, record = self.server, self.server.record
        with server.lock:
            record.last = max(record.last, time.perf_counter())
            if any(mark in f"{self.path} {self.body!r}" for mark in ("offset=", "NextToken", "ExclusiveStartKey")):
                record.pages += 1
            else:
                record.calls.append(self.named())

    do_GET = do_PATCH = do_POST  # noqa: N815

    def answer(self, body: bytes):
        self.body = body
        return super().answer(body) if self.server.remembers else self.ask(body)

    def named(self) -> str:
        target = self.headers.get("X-Amz-Target", "")
        if target:
            return target.split(".")[-1]
        action = urllib.parse.parse_qs(self.body.decode(errors="replace")).get("Action")
        return action[0] if action else f"{self.command} {urllib.parse.urlsplit(self.path).path}"


@contextlib.contextmanager
def counting(record: Record, behind: str, *, ca: str | None = None, remembers: bool = False) -> Iterator[str]:
    with replay.proxy(behind, _Handler) as server:
        server.record, server.remembers, server.lock = record, remembers, threading.Lock()
        server.trust = ssl.create_default_context(cadata=ca) if ca else None
        yield server.url


def measure(servers_in: Path, spillway: Path, nodes: int, running: int, times: int) -> None:
    directory = Path(tempfile.mkdtemp(prefix="spillway-bench-"))
    record = Record()
    with contextlib.ExitStack() as stack:
        system = stack.enter_context(environment.running(servers_in, overflow=nodes, always_on=3))
        start(system, running)
        management = stack.enter_context(counting(record, system.management_url, ca=system.ca))
        dynamodb = stack.enter_context(counting(record, system.dynamodb))
        # moto is Python: what it takes to think about a thousand instances is not what is measured.
        moto = stack.enter_context(counting(record, system.moto, remembers=True))
        system.put_parameters(
            management=json.dumps({"addresses": [management], "authentication": "basic"}), ca=None)
        env = {**os.environ, **system.variables, "AWS_ENDPOINT_URL_EC2": moto, "AWS_ENDPOINT_URL_SSM": moto,
               "AWS_ENDPOINT_URL_DYNAMODB": dynamodb, "AWS_ENDPOINT_URL_STS": system.moto}
        # A cycle has to have seen the platform, as one does each minute.
        run(spillway, env, "apply", "--yes", "--reason", "for the measurement")
        run(spillway, env, "status")
        for words in (("status",), ("status", "--json")):
            after, sizes = [], []
            for _ in range(times):
                record.clear()
                process = subprocess.Popen([str(spillway), *words], env=env, stdout=subprocess.PIPE)
                said = process.stdout.read()
                done = time.perf_counter()
                if process.wait() != 0:
                    raise SystemExit(f"{' '.join(words)} ended with {process.returncode}")
                after.append((done - record.last) * 1e3)
                sizes.append(len(said))
            calls = collections.Counter(record.calls)
            print(f"spillway {' '.join(words)}: {sum(calls.values())} outside calls and {record.pages} more pages; "
                  f"{statistics.median(after):.0f} ms from the last reply to the end (of {times}: {min(after):.0f} to "
                  f"{max(after):.0f}); {sizes[-1] / 1000:.0f} KB printed")
        for call, count in sorted(calls.items()):
            print(f"    {count} {call}")
    shutil.rmtree(directory, ignore_errors=True)


def run(spillway: Path, env: dict[str, str], *words: str) -> None:
    reply = subprocess.run([str(spillway), *words], env=env, text=True, capture_output=True, check=False)
    if reply.returncode != 0:
        raise SystemExit(f"{' '.join(words)} ended with {reply.returncode}:\n{reply.stdout}{reply.stderr}")


def start(system: environment.Environment, running: int) -> None:
    """Starts the first of the overflow nodes, in EC2 and in the simulated world, and waits until they are ready."""
    started = system.fleet.overflow[:running]
    if not started:
        return
    for at in range(0, len(started), 50):
        system.ec2.start_instances(InstanceIds=[instance.id for instance in started[at:at + 50]])
    addresses = {instance.address for instance in started}

    def up() -> bool:
        fetch(f"{system.control}/sim/instances", {address: "running" for address in addresses})
        nodes = [n for n in fetch(f"{system.control}/sim/world")["nodes"] if n["address"] in addresses]
        return all(node["service"] == "ready" for node in nodes)

    servers.wait_until("the started nodes to be ready", up, 120)
    described = aws.instances(system.ec2)
    if sum(i["State"]["Name"] == "running" for i in described.values()) < running:
        raise SystemExit("moto did not start them")
