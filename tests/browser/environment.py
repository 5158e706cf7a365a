"""A platform behind `spillway dashboard`: the command itself, with moto for AWS (EC2, SSM, STS), an embedded DynamoDB and a
simulated Management Node. Names and reasons are as hostile as an attacker could make them."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from e2e import aws, servers
from e2e.simulated import Bridge, Management, fetch

PLATFORM = "acme"
TABLE = "spillway-acme"
TAG_VALUE = "mgr"
USERNAME, PASSWORD = "spillway", "s3cret-of-the-page"
# Runs if it ever becomes markup, and is long enough to break a layout that does not wrap.
HOSTILE = "<img src=x onerror=window.pwned=1>"
REASON = "\"><script>window.pwned=2</script><svg onload=window.pwned=3>"
OVERFLOW = "AWS burst"


@dataclasses.dataclass
class Environment:
    url: str
    process: object
    ec2: object
    table: object
    fleet: aws.Fleet
    bridge: Bridge
    management: Management
    simulate: object

    @property
    def port(self) -> int:
        return int(self.url.split("/")[2].rsplit(":", 1)[1])

    @property
    def token(self) -> str:
        return self.url.split("#")[1]

    def state(self, name: str) -> str:
        """What EC2 says of a node's instance."""
        instance = next(i for i in self.fleet.overflow if i.name == name)
        return aws.instances(self.ec2)[instance.id]["State"]["Name"]

    def items(self, prefix: str) -> list[dict]:
        return [item for item in aws.items(self.table, TABLE) if item["pk"].startswith(prefix.split("|")[0])
                and item["sk"].startswith(prefix.split("|")[1])]


def _scenario(ready_s: tuple[float, float]) -> dict:
    return {
        "seed": 4, "tag_value": TAG_VALUE,
        "locations": [{"name": "London", "overflow": OVERFLOW, "share": 1.0}, {"name": OVERFLOW}, {"name": "Edge"}],
        "nodes": [{"location": "London", "kind": "always_on", "count": 3},
                  {"location": OVERFLOW, "kind": "overflow", "count": 3, "prefix": "aws-burst"},
                  {"location": OVERFLOW, "kind": "overflow", "count": 1, "prefix": HOSTILE},
                  {"location": "Edge", "kind": "proxying", "count": 2}],
        "calls": [{"location": "London", "count": 20}],
        "bursting": {"enabled": False},
        "timing": {"pending_s": [1, 2], "ready_s": list(ready_s), "stopping_s": [1, 2], "report_s": [1, 3],
                   "never_ready": 0.0, "replication_s": 2},
        "api": {"rate_limit": 0},
    }


def _seed(table, now: dt.datetime) -> None:
    """What the functions would have written: some hours of load, a hold and a line of history with a hostile reason."""

    def text(value: str) -> dict:
        return {"S": value}

    def number(value: int) -> dict:
        return {"N": str(value)}

    later = int(now.timestamp()) + 86_400
    for minute in range(0, 240, 2):
        at = now - dt.timedelta(minutes=minute)
        used = 20 + (minute * 7) % 25
        stamp = at.strftime("%Y-%m-%dT%H:%M")
        table.put_item(TableName=TABLE, Item={
            "pk": text(f"LOAD#{at:%Y-%m-%d}"), "sk": text(f"{stamp}Z"), "schema": number(1), "expires_at": number(later),
            "at": text(f"{stamp}:00Z"),
            "locations": {"M": {"London": {"M": {"free": number(51 - used), "max": number(51)}}}}})
    stamp = now.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    table.put_item(TableName=TABLE, Item={
        "pk": text(f"EVENT#{now:%Y-%m}"), "sk": text(f"{stamp}#hostile"), "schema": number(1), "expires_at": number(later),
        "id": text("hostile"), "at": text(stamp), "kind": text("drain_vetoed"), "instance": text("i-0"),
        "node": text(HOSTILE), "location": text(OVERFLOW), "by": {"M": {"person": text(REASON)}}, "reason": text(REASON)})


def add_pause(table, minutes: int) -> None:
    """As `spillway pause` stores it."""
    now = dt.datetime.now(dt.timezone.utc)
    until = now + dt.timedelta(minutes=minutes)
    table.put_item(TableName=TABLE, Item={
        "pk": {"S": "STATE"}, "sk": {"S": "REQUEST#pause-test"}, "schema": {"N": "1"}, "id": {"S": "pause-test"},
        "by": {"M": {"person": {"S": "user/anna"}}}, "at": {"S": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "reason": {"S": REASON}, "command": {"M": {"pause": {"M": {"until": {"S": until.strftime("%Y-%m-%dT%H:%M:%SZ")}}}}}})


def remove_pause(table) -> None:
    table.delete_item(TableName=TABLE, Key={"pk": {"S": "STATE"}, "sk": {"S": "REQUEST#pause-test"}})


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[Environment]:
    directory = Path(tempfile.mkdtemp(prefix="spillway-page-"))
    try:
        with contextlib.ExitStack() as stack:
            yield _build(binaries, directory, stack)
    except BaseException:
        print(f"    the servers' logs are in {directory}", flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def _build(binaries: Path, directory: Path, stack: contextlib.ExitStack) -> Environment:
    moto = stack.enter_context(servers.moto_ec2(sys.executable, directory, pending_s=1, stopping_s=1))
    port = servers.free_port()
    dynamodb = stack.enter_context(servers.server(
        "dynamodb", [str(binaries / "dynamodb"), "--port", str(port)], f"http://{servers.HOST}:{port}",
        log_dir=directory))
    listen, control = (f"{servers.HOST}:{servers.free_port()}" for _ in range(2))
    scenario, password, ca = (directory / name for name in ("scenario.json", "password", "ca.pem"))
    scenario.write_text(json.dumps(_scenario((3, 5))))
    password.write_text(PASSWORD)
    simulate = stack.enter_context(_process(
        "simulate", [str(binaries / "simulate"), "--listen", listen, "--control", control, "--ca-out", str(ca),
                     "--platform", str(scenario), "--user", USERNAME, "--password-file", str(password)], directory))
    servers.wait_until("simulate", lambda: servers.answers(f"http://{control}/sim/world"), 30, simulate)

    ec2, ssm, table = (aws.client(*pair) for pair in (("ec2", moto), ("ssm", moto), ("dynamodb", dynamodb)))
    nodes = {n["name"]: n["address"] for n in fetch(f"http://{control}/sim/world")["nodes"] if n["overflow"]}
    fleet = aws.build_fleet(ec2, TAG_VALUE, nodes)
    aws.create_table(table, TABLE)
    servers.wait_until(
        "all instances stopped",
        lambda: all(i["State"]["Name"] == "stopped" for i in aws.instances(ec2).values()), 20)
    _seed(table, dt.datetime.now(dt.timezone.utc))
    aws.put_parameters(ssm, PLATFORM, {
        "policy": json.dumps({"tag_value": TAG_VALUE, "threshold": 5, "min_lifetime": "60s", "boot_limit": "90s",
                              "replication": "2s", "vpcs": [fleet.vpc]}),
        "management": json.dumps({"addresses": [f"https://{listen}"], "authentication": "basic"}),
        "credentials": json.dumps({"username": USERNAME, "password": PASSWORD}),
        "ca": ca.read_text(),
    })
    environment = {
        "SPILLWAY_PLATFORM": PLATFORM, "SPILLWAY_TABLE": TABLE, "AWS_ENDPOINT_URL": moto,
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb, **servers.CREDENTIALS,
    }
    log = directory / "dashboard.log"
    process = stack.enter_context(_process(
        "dashboard", [str(binaries / "spillway"), "dashboard", "--json"], directory, environment))
    line = servers.wait_until(
        "spillway dashboard", lambda: (log.read_text().splitlines() or [""])[0], 30, process, log)
    bridge = stack.enter_context(Bridge(ec2, f"http://{control}", fleet))
    management = Management(f"https://{listen}", USERNAME, PASSWORD, ca.read_text())
    return Environment(json.loads(line)["url"], process, ec2, table, fleet, bridge, management, simulate)


@contextlib.contextmanager
def _process(name: str, command: list[str], directory: Path, environment: dict[str, str] | None = None
             ) -> Iterator[object]:
    with (directory / f"{name}.log").open("wb") as out, (directory / f"{name}.err").open("wb") as errors:
        process = servers.spawn(command, cwd=directory, env={**os.environ, **(environment or {})}, stdout=out,
                                stderr=errors)
    try:
        yield process
    finally:
        servers.end(process)
