"""The served simulated Management Node: what it is asked for the test's sake, and the bridge that lets its nodes
follow moto's instances. The evaluator knows nothing of either: it speaks the Management API and EC2."""

from __future__ import annotations

import base64
import dataclasses
import json
import ssl
import threading
import time
import urllib.request

from . import aws


def fetch(url: str, body: object = None, headers: dict[str, str] | None = None,
          trust: ssl.SSLContext | None = None) -> dict:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=10, context=trust) as reply:
        return json.loads(reply.read())


class Management:
    """The Management API, as any client would read it."""

    def __init__(self, base: str, username: str, password: str, ca: str) -> None:
        self._base = base
        self._trust = ssl.create_default_context(cadata=ca)
        token = base64.b64encode(f"{username}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}

    def list(self, path: str) -> list[dict]:
        rows, path = [], f"/api/admin/{path}/?limit=500"
        while path:
            page = fetch(self._base + path, headers=self._headers, trust=self._trust)
            rows += page["objects"]
            path = page["meta"]["next"]
        return rows

    def send(self, method: str, path: str, body: dict) -> str:
        """A change; gives the address of what was made, where something was."""
        request = urllib.request.Request(
            self._base + path, data=json.dumps(body).encode(), method=method,
            headers={"Content-Type": "application/json", **self._headers})
        with urllib.request.urlopen(request, timeout=10, context=self._trust) as reply:
            return reply.headers.get("Location", "")

    def maintenance(self) -> dict[str, bool]:
        return {row["name"]: row["maintenance_mode"] for row in self.list("configuration/v1/worker_vm")}


UP = ("pending", "running")


@dataclasses.dataclass
class Run:
    """One run of an instance, from its start to its stop."""

    instance: str
    launched: float
    ended: float | None = None


class Bridge:
    """Every half second: what EC2 says of the platform's instances is told to the simulated world, and kept.

    The log of what was seen, with times, is what the test's checks on EC2 are made of. Of a short state, such as `pending`,
    a busy machine may see nothing; of a run it sees all."""

    INTERVAL_S = 0.5

    def __init__(self, ec2, control: str, fleet: aws.Fleet) -> None:
        self._ec2, self._control, self._fleet = ec2, control, fleet
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bridge", daemon=True)
        self.seen: dict[str, str] = {instance.id: "stopped" for instance in fleet.overflow}
        self.changes: list[tuple[float, str, str]] = []
        self.runs: list[Run] = []
        self.worlds: list[dict] = []
        self.errors: list[str] = []

    def __enter__(self) -> Bridge:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.INTERVAL_S):
            try:
                self._once()
            except Exception as error:  # noqa: BLE001  kept, and failed on at the end
                self.errors.append(f"{type(error).__name__}: {error}")

    def _once(self) -> None:
        described = aws.instances(self._ec2)
        told = {}
        for instance in self._fleet.overflow:
            state = described[instance.id]["State"]["Name"]
            if (state in UP) != (self.seen[instance.id] in UP):
                self._began_or_ended(described[instance.id], state)
            if state != self.seen[instance.id]:
                self.seen[instance.id] = state
                self.changes.append((time.time(), instance.id, state))
            told[instance.address] = state
        # What is refused (a start while the world still stops the node) is told again next time.
        fetch(f"{self._control}/sim/instances", told)
        self.worlds.append(fetch(f"{self._control}/sim/world"))

    def _began_or_ended(self, described: dict, state: str) -> None:
        if state in UP:
            self.runs.append(Run(described["InstanceId"], described["LaunchTime"].timestamp()))
        else:
            next(run for run in self.runs if run.instance == described["InstanceId"] and not run.ended).ended = time.time()

    @property
    def world(self) -> dict:
        return self.worlds[-1]
