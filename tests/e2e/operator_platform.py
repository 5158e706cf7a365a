"""An operator with the real `spillway`, and the platform as it really is, for the checks of operations. moto is EC2, SSM and STS;
the Management Node is the served one."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from . import aws, environment, servers
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

    def __init__(self, system: environment.Environment, binary: Path) -> None:
        self._system, self._binary = system, binary
        self.said: list[str] = []
        self.printed: list[str] = []

    def start(self, *words: str) -> subprocess.Popen:
        # Durations on this platform are fractions of real ones, so it is looked at more often.
        env = {**os.environ, **self._system.variables, "AWS_ENDPOINT_URL_STS": self._system.moto,
               "AWS_ENDPOINT_URL_SCHEDULER": self._system.moto, "SPILLWAY_POLL_SECONDS": "2"}
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

    def __init__(self, system: environment.Environment, bridge: Bridge) -> None:
        self._system, self._bridge = system, bridge
        self._scheduler = aws.client("scheduler", system.moto)

    def instance(self, name: str) -> dict:
        known = {i.name: i.id for i in self._system.fleet.overflow}
        return aws.instances(self._system.ec2)[known[name]]

    def state(self, name: str) -> str:
        return self.instance(name)["State"]["Name"]

    def tags(self, name: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.instance(name).get("Tags", [])}

    def world(self) -> dict:
        return fetch(f"{self._system.control}/sim/world")

    def node(self, name: str) -> dict:
        return next((node for node in self.world()["nodes"] if node["name"] == name), {})

    def configured(self, name: str) -> dict:
        rows = self._system.management.list("configuration/v1/worker_vm")
        return next((row for row in rows if row["name"] == name), {})

    def location(self, name: str) -> str:
        uri = self.configured(name)["system_location"]
        rows = self._system.management.list("configuration/v1/system_location")
        return next(row["name"] for row in rows if row["resource_uri"] == uri)

    def events(self, kind: str | None = None) -> list[dict]:
        items = [item for item in aws.items(self._system.table, environment.TABLE) if item["pk"].startswith("EVENT#")]
        return [item for item in items if kind in (None, item["kind"])]

    def upgrade_platform(self) -> str:
        """As an administrator begins one."""
        return fetch(f"{self._system.control}/sim/upgrade", {"version": "39 (78000.0.0)"})["upgrading_to"]

    def version_of(self, name: str) -> str:
        with contextlib.suppress(OSError):
            rows = self._system.management.list("status/v1/worker_vm")
            return next((row["version"] for row in rows if row["name"] == name), "")
        return "the Management Node restarts"

    def is_upgrading(self) -> bool:
        with contextlib.suppress(OSError):
            return any(row["upgrade_status"] != "IDLE" for row in self._system.management.list("status/v1/management_vm"))
        return True

    def asked(self, text: str) -> bool:
        """Whether the history has it, under the operator's identity."""
        return any(text in event["reason"] and event["by"] == {"person": WHO} for event in self.events())

    def holds(self) -> list[dict]:
        return [item for item in aws.items(self._system.table, environment.TABLE) if item["sk"].startswith("HOLD#")]

    def pauses(self) -> list[dict]:
        items = aws.items(self._system.table, environment.TABLE)
        return [item for item in items if item["sk"].startswith("REQUEST#") and "pause" in item["command"]]

    def set_clock_ahead(self, pause: dict, hours: int) -> None:
        """As if the pause had been asked for at a machine whose clock is that much ahead."""
        at = dt.datetime.fromisoformat(pause["at"]) + dt.timedelta(hours=hours)
        self._system.table.update_item(
            TableName=environment.TABLE, Key={"pk": {"S": pause["pk"]}, "sk": {"S": pause["sk"]}},
            UpdateExpression="SET #at = :at", ExpressionAttributeNames={"#at": "at"},
            ExpressionAttributeValues={":at": {"S": at.strftime("%Y-%m-%dT%H:%M:%SZ")}})

    def record(self, name: str) -> dict:
        wanted = f"NODE#{self.instance(name)['InstanceId']}"
        return next((i for i in aws.items(self._system.table, environment.TABLE) if i["sk"] == wanted), {})

    def call(self, name: str, count: int, lasts_s: int) -> int:
        body = {"node": name, "count": count, "lasts_s": lasts_s}
        return fetch(f"{self._system.control}/sim/calls", body)["seated"]

    def rows(self) -> list[str]:
        return [row["name"] for row in self._system.management.list("configuration/v1/worker_vm")]

    def addresses(self) -> list[dict]:
        return self._system.ec2.describe_addresses()["Addresses"]

    def schedules(self) -> dict[str, dict]:
        """By name, whole."""
        names = [s["Name"] for s in self._scheduler.list_schedules(GroupName=GROUP)["Schedules"]]
        return {name: self._scheduler.get_schedule(GroupName=GROUP, Name=name) for name in names}

    def until(self, what: str, done, limit_s: float = 60) -> None:
        servers.wait_until(what, done, limit_s)


def up(seen: Platform) -> list[str]:
    names = [f"aws-burst-{n}" for n in range(1, OVERFLOW + 1)]
    return [name for name in names if seen.state(name) in ("pending", "running")]


def all_down(operator: Operator, seen: Platform, drained: bool = False) -> None:
    """Nothing runs, nothing is held, nothing is left over: what the next part begins with. Without a drain, which takes two
    readings 30 s apart, unless the part is about drains."""
    how = ("--wait",) if drained else ("--now", "--reason", "the end of a part")
    for hold in seen.holds():
        operator("release", hold["sk"].removeprefix("HOLD#"), "--yes")
    while running := up(seen):
        seen.until("they are ready", lambda: all(seen.node(name)["service"] in ("ready", "maintenance") for name in running))
        operator("apply", "--yes")
        operator("stop", *running, *how, "--yes")
        seen.until("they stop", lambda: not set(running) & set(up(seen)))
    # A node that was removed has no maintenance mode.
    seen.until("maintenance modes are cleared", lambda: operator("apply", "--yes").code == DONE
               and not any(seen.configured(f"aws-burst-{n}").get("maintenance_mode") for n in range(1, OVERFLOW + 1)))


def perform(binaries: Path, parts: list[Callable[[Operator, Platform, Checks], None]], checks: Checks) -> None:
    """Plays parts one after another on one platform."""
    with platform(binaries) as system, Bridge(system.ec2, system.control, system.fleet) as bridge:
        operator, seen = Operator(system, binaries / "spillway"), Platform(system, bridge)
        for part in parts:
            print(f"    -- {part.__name__}", flush=True)
            part(operator, seen, checks)
        checks.that("the bridge between moto and the simulated world never failed", not bridge.errors, bridge.errors[:3])
        unknown = undocumented(operator.printed)
        checks.that("every key of the JSON that was printed is in shared/cli/README.md", not unknown, unknown)
        said = "".join(operator.said)
        checks.that("the password is in nothing that was printed", environment.PASSWORD not in said)


@contextlib.contextmanager
def platform(binaries: Path) -> Iterator[environment.Environment]:
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
                environment.simulated(binaries, directory, None, overflow=OVERFLOW, always_on=ALWAYS_ON))
            built = environment.assemble(directory, Path(sys.prefix), moto, dynamodb, "", url, control, ca)
            # As short as the policy allows: what waits for a lifetime here waits for nothing else.
            policy = {**environment.POLICY, "vpcs": [built.fleet.vpc], "min_lifetime": "5s"}
            arn = f"arn:aws:lambda:{servers.REGION}:123456789012:function:prewarm"
            stack_facts = {"table": environment.TABLE, "schedule_group": GROUP, "prewarm_function": arn,
                           "scheduler_role": "arn:aws:iam::123456789012:role/scheduler"}
            built.put_parameters(policy=json.dumps(policy), stack=json.dumps(stack_facts))
            aws.client("scheduler", moto).create_schedule_group(Name=GROUP)
            yield dataclasses.replace(built, fleet=with_an_always_on_instance(built))
    except BaseException:
        print(f"    the servers' logs are in {directory}", flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def with_an_always_on_instance(system: environment.Environment) -> aws.Fleet:
    """One always-on node is an EC2 instance too, without the tag: the others are elsewhere."""
    node = next(n for n in fetch(f"{system.control}/sim/world")["nodes"] if n["name"] == "london-2")
    subnet = system.ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [system.fleet.vpc]}])["Subnets"][0]
    reply = system.ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="c5.2xlarge", SubnetId=subnet["SubnetId"],
        PrivateIpAddress=node["address"],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "london-2"}]}])
    instance = aws.Instance(reply["Instances"][0]["InstanceId"], "london-2", node["address"])
    return dataclasses.replace(system.fleet, overflow=[*system.fleet.overflow, instance])
