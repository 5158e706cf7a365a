"""The stack as an operator gets it: built and deployed with SAM's command line, at work, and deleted.

ministack is AWS here, with its own Parameter Store, table, queues and schedules; EC2 is moto. Nothing is created by the
test that the template creates: what it looks at it finds by the stack's outputs. Template, samconfig.toml, SAM's workflow and
cargo-lambda are the real ones; only where cargo-lambda calls the compiler it is given what `./tests/run` has built (see
`compiled.py`)."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import auxiliary_stacks, aws, compiled, environment, prewarm, reconciler, servers
from .checks import Checks
from .simulated import Bridge, Management, fetch

ROOT = Path(__file__).resolve().parents[2]
STACK = "spillway-nine"
FUNCTIONS = ("evaluator", "prewarm", "reconciler")
# What SAM and the stack use of ministack.
SERVICES = "cloudformation,dynamodb,ec2,events,iam,lambda,logs,monitoring,s3,scheduler,sns,sqs,ssm,sts"
SKIPPED = ["2098-12-24", "2098-12-25"]
PARAMETERS = {"Platform": environment.PLATFORM, "WindowSkip": ",".join(SKIPPED), "TagValue": environment.TAG_VALUE, "ProtectTable": "false",
              # ministack runs the binary on this machine, whatever it is; it believes what it is told.
              "Architecture": "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"}
# The schedule's first minute, and a cycle's work.
FIRST_TICK_S = 100
# The batch window of ten seconds, and the reconciler's work. The sweep, which would set the address as well, comes five
# minutes after the deployment: this whole part is shorter.
EVENT_S = 45


class Sam:
    """SAM's command line, in a folder that shows it the project: what it builds there replaces nothing in the project's own."""

    def __init__(self, sam: Path, system: environment.Environment, binaries: Path) -> None:
        self._sam, self._root = sam, system.directory / "project"
        self._root.mkdir()
        for name in ("samconfig.toml", "infra", "functions"):
            (self._root / name).symlink_to(ROOT / name)
        self._compiled = compiled.Compiled(system.directory, binaries)
        # A home of its own: no profile of whoever runs this, and nothing is left in theirs. Rust is where it was.
        rust = {name: os.environ.get(name, str(Path.home() / folder))
                for name, folder in {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup"}.items()}
        env = {**os.environ, **servers.CREDENTIALS, **rust, "AWS_ENDPOINT_URL": system.ministack,
               "HOME": str(system.directory), "SAM_CLI_TELEMETRY": "0",
               "PATH": os.pathsep.join([str(sam.parent), os.environ["PATH"]])}
        # SAM builds optimised unless this says otherwise, which is for debugging.
        env.pop("SAM_BUILD_MODE", None)
        self._env = self._compiled.environment(env)

    @property
    def compilations(self) -> list[compiled.Asked]:
        return self._compiled.asked

    def __call__(self, *words: str) -> bool:
        print(f"    $ sam {' '.join(words)}", flush=True)
        done = subprocess.run([str(self._sam), *words], cwd=self._root, env=self._env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
        if done.returncode != 0:
            print(done.stdout[-5000:], flush=True)
        return done.returncode == 0


class Account:
    """Everything in ministack's account that a stack can leave behind."""

    def __init__(self, endpoint: str) -> None:
        names = ("cloudformation", "cloudwatch", "dynamodb", "events", "iam", "lambda", "logs", "s3", "scheduler", "sns",
                 "sqs", "ssm")
        self.clients = {name: aws.client(name, endpoint, retries=0) for name in names}

    def __getitem__(self, service: str):
        return self.clients[service]

    def stack(self) -> dict | None:
        found = self["cloudformation"].describe_stacks()["Stacks"]
        return next((each for each in found if each["StackName"] == STACK), None)

    def holds(self) -> dict[str, list[str]]:
        """By kind: the names of what is there."""
        lists = {
            "function": ("lambda", "list_functions", "Functions", "FunctionName"),
            "event source": ("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
            "schedule": ("scheduler", "list_schedules", "Schedules", "Arn"),
            "schedule group": ("scheduler", "list_schedule_groups", "ScheduleGroups", "Name"),
            "rule": ("events", "list_rules", "Rules", "Name"),
            "log group": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
            "role": ("iam", "list_roles", "Roles", "RoleName"),
            "topic": ("sns", "list_topics", "Topics", "TopicArn"),
            "alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
            "dashboard": ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
            "parameter": ("ssm", "describe_parameters", "Parameters", "Name"),
        }
        found = {kind: [each[name] for each in getattr(self[service], call)()[rows]]
                 for kind, (service, call, rows, name) in lists.items()}
        found["policy"] = [each["PolicyName"] for each in self["iam"].list_policies(Scope="Local")["Policies"]]
        found["table"] = self["dynamodb"].list_tables()["TableNames"]
        found["queue"] = self["sqs"].list_queues().get("QueueUrls", [])
        return {kind: sorted(names) for kind, names in found.items()}


def run(binaries: Path, sam: Path, checks: Checks) -> None:
    with platform(binaries) as system:
        account, command = Account(system.ministack), Sam(sam, system, binaries)
        before = account.holds()
        with Bridge(system.ec2, system.control, system.fleet) as bridge:
            # Before there is a stack, so that its first tick finds it: every call that the always-on node can take.
            busy = next(n["name"] for n in fetch(f"{system.control}/sim/world")["nodes"] if not n["overflow"])
            seated = fetch(f"{system.control}/sim/calls", {"node": busy, "count": 500, "lasts_s": 3600})["seated"]
            checks.that("the platform is short of HD calls, and nobody starts a node", seated > 0 and not bridge.changes,
                        (seated, bridge.changes))
            # In a VPC, as is the default. Only templates are told of it: ministack's functions are where it is.
            with auxiliary_stacks.network(system.ministack, account["cloudformation"], checks) as network:
                outputs = deploy(command, account, network, checks)
                tick(system, outputs, bridge, checks)
                state_change(system, account, outputs, bridge, checks)
                window(system, account, outputs, checks)
                check_whole(system, account, outputs, bridge, checks)
                delete(command, account, outputs, before, checks)
            auxiliary_stacks.region(system.ministack, checks)


def deploy(command: Sam, account: Account, network: dict[str, str], checks: Checks) -> dict[str, str]:
    architecture = PARAMETERS["Architecture"]
    checks.that("sam build", command("build", "--parameter-overrides", f"Architecture={architecture}"))
    target = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}[architecture]
    asked = command.compilations
    checks.that("cargo-lambda compiles each function once, optimised, for the architecture that was asked for",
                sorted(one.package for one in asked) == sorted(FUNCTIONS)
                and {(one.target, one.profile) for one in asked} == {(target, "release")}, asked)
    overrides = [f"{name}={value}" for name, value in {**PARAMETERS, **network}.items()]
    deployed = command("deploy", "--stack-name", STACK, "--no-confirm-changeset", "--parameter-overrides", *overrides)
    stack = account.stack() or {}
    if not checks.that("sam deploy creates the stack", deployed and stack.get("StackStatus") == "CREATE_COMPLETE", stack):
        raise RuntimeError("there is no stack to look at")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    checks.that("every output has a value", outputs and all(outputs.values()), outputs)
    found = account["ssm"].get_parameter(Name=f"/spillway/{environment.PLATFORM}/stack")["Parameter"]["Value"]
    facts = json.loads(found)
    checks.that("the stack's parameter names table, schedules and function, as the command line reads them",
                (facts["table"], facts["schedule_group"], facts["prewarm_function"], facts["scheduler_role"])
                == (outputs["TableName"], outputs["ScheduleGroup"], outputs["PrewarmFunctionArn"],
                    outputs["WindowRoleArn"]), found)
    roles = [each["RoleName"] for each in account["iam"].list_roles()["Roles"]]
    attached = {name for role in roles for name in [role.split("-")[2]]
                if account["iam"].list_attached_role_policies(RoleName=role)["AttachedPolicies"]}
    checks.that("the functions' roles, and no other, may make network interfaces",
                attached == {"EvaluatorRole", "PrewarmRole", "ReconcilerRole"}, (roles, attached))
    return outputs


def tick(system: environment.Environment, outputs: dict[str, str], bridge: Bridge, checks: Checks) -> None:
    """Nobody invokes the evaluator here but the stack's own schedule."""
    with contextlib.suppress(RuntimeError):
        servers.wait_until("the schedule's cycle", lambda: events(system, outputs, "start"), FIRST_TICK_S)
    started = events(system, outputs, "start")
    for event in started:
        print(f"    {event['node']}: {event['reason']}")
    overflow = {instance.id: instance.name for instance in system.fleet.overflow}
    checks.that("the schedule fires the evaluator, which starts a stopped tagged instance for the missing HD calls",
                started and all(event["instance"] in overflow and "HD call" in event["reason"] for event in started),
                started)
    wanted = {event["instance"] for event in started}
    with contextlib.suppress(RuntimeError):
        servers.wait_until("EC2's states", lambda: {i for i, s in bridge.seen.items() if s == "running"} == wanted, 20)
    running = {instance for instance, state in bridge.seen.items() if state == "running"}
    checks.that("EC2 runs what the table's history says was started, and not every node",
                running == wanted and 0 < len(running) < len(overflow), (running, wanted))


def state_change(system: environment.Environment, account: Account, outputs: dict[str, str], bridge: Bridge, checks: Checks) -> None:
    """EC2's own event. Only AWS may send one that is from `aws.ec2`, and ministack's EventBridge refuses it as the real one
    does: so the rule is asked whether it matches, and the event goes where the rule's target says."""
    instance = next((each for each in system.fleet.overflow if bridge.seen[each.id] == "running"), None)
    if not checks.that("there is an instance whose state has changed", instance is not None, bridge.seen):
        return
    rule = next(each for each in account["events"].list_rules()["Rules"] if each["Name"].startswith(STACK))
    event = reconciler.state_change(instance.id, "running")
    checks.that("the stack's rule takes EC2's state change", account["events"].test_event_pattern(
        EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"], rule["EventPattern"])
    other = json.dumps(reconciler.state_change(instance.id, "pending"))
    checks.that("and no state change that needs no work", not account["events"].test_event_pattern(
        EventPattern=rule["EventPattern"], Event=other)["Result"], rule["EventPattern"])
    queue = outputs["StateChangesQueueUrl"]
    arn = account["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    targets = account["events"].list_targets_by_rule(Rule=rule["Name"])["Targets"]
    checks.that("its target is the queue", [target["Arn"] for target in targets] == [arn], targets)

    def stored() -> str | None:
        rows = system.management.list("configuration/v1/worker_vm")
        return next(row["static_nat_address"] for row in rows if row["address"] == instance.address)

    public = aws.instances(system.ec2)[instance.id].get("PublicIpAddress")
    checks.that("the Management Node does not have the instance's public address yet",
                public and stored() != public, (public, stored()))
    account["sqs"].send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    with contextlib.suppress(RuntimeError):
        servers.wait_until("the address", lambda: stored() == public, EVENT_S)
    checks.that("the reconciler gets it from the queue and sets the static NAT address", stored() == public,
                (stored(), public))
    with contextlib.suppress(RuntimeError):
        servers.wait_until("its history", lambda: events(system, outputs, "address_changed"), 10)
    changed = events(system, outputs, "address_changed")
    checks.that("the change is in the history once", [each["instance"] for each in changed] == [instance.id], changed)


def window(system: environment.Environment, account: Account, outputs: dict[str, str], checks: Checks) -> None:
    """The input of the stack's own window, with what Scheduler fills in: ministack hands it over as it stands."""
    schedule = account["scheduler"].get_schedule(Name="weekday-morning", GroupName=outputs["ScheduleGroup"])
    now = dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0)
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    text = schedule["Target"]["Input"]
    for name, value in {"attempt-number": "1", "execution-id": "d32c5kddcf5bb8c3", "schedule-arn": schedule["Arn"],
                        "scheduled-time": at}.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    checks.that("the window's input has the keys that the pre-warm is tested with",
                set(json.loads(text)) == set(prewarm.payload(now)), text)
    checks.that("and the dates to skip that were deployed", json.loads(text)["skip"] == SKIPPED, text)
    reply = account["lambda"].invoke(FunctionName=schedule["Target"]["Arn"], Payload=text)
    answer = json.loads(reply["Payload"].read())
    wanted = f"weekday-morning@{at}"
    checks.that("the pre-warm answers with its hold", not reply.get("FunctionError") and answer.get("hold") == wanted,
                answer)
    held = [item["id"] for item in items(system, outputs) if item["sk"].startswith("HOLD#")]
    checks.that("the hold is in the stack's table", held == [wanted], held)
    ids = [instance.id for instance in system.fleet.overflow]

    def up() -> list[str]:
        found = aws.instances(system.ec2)
        return [each for each in ids if found[each]["State"]["Name"] in ("pending", "running")]

    # If the evaluator's tick came into the middle of it, that cycle or the next one starts them.
    with contextlib.suppress(RuntimeError):
        servers.wait_until("the nodes of the hold", lambda: up() == ids, FIRST_TICK_S)
    checks.that("every overflow node is started for it", up() == ids, (up(), answer))


def check_whole(system: environment.Environment, account: Account, outputs: dict[str, str], bridge: Bridge, checks: Checks) -> None:
    kept = items(system, outputs)
    history = [item for item in kept if item["pk"].startswith("EVENT#")]
    started = [item["instance"] for item in history if item["kind"] == "start"]
    checks.that("the history has one start of each instance, with its reason",
                sorted(started) == sorted(i.id for i in system.fleet.overflow) and all(i["reason"] for i in history),
                history)
    states = aws.instances(system.ec2)
    touched = [each.name for each in system.fleet.not_ours if states[each.id]["State"]["Name"] != "stopped"]
    checks.that("instances of others, without the tag, or without a node were not touched", not touched, touched)
    dead = account["sqs"].get_queue_attributes(
        QueueUrl=outputs["DeadLettersQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    checks.that("the dead-letter queue is empty", dead["ApproximateNumberOfMessages"] == "0", dead)
    checks.that("the bridge between moto and the simulated world never failed", not bridge.errors, bridge.errors[:3])
    log = (system.directory / "ministack.log").read_text(errors="replace")
    checks.that("the password is in no log and no item",
                environment.PASSWORD not in log and environment.PASSWORD not in json.dumps(kept, default=str))


def delete(command: Sam, account: Account, outputs: dict[str, str], before: dict, checks: Checks) -> None:
    during = account.holds()
    missing = [kind for kind, names in during.items() if len(names) <= len(before[kind])]
    checks.that("the stack had something of every kind that is looked for", not missing, missing)
    checks.that("sam delete", command("delete", "--stack-name", STACK, "--region", servers.REGION, "--no-prompts"))
    checks.that("the stack is gone", account.stack() is None, account.stack())
    after = account.holds()
    for kind, names in after.items():
        left = sorted(set(names) - set(before[kind]))
        checks.that(f"{kind}: none is left of {len(during[kind]) - len(before[kind])}", not left, left)
    checks.that("the operator's settings are kept", after["parameter"] == before["parameter"] and after["parameter"],
                after["parameter"])
    buckets = [bucket["Name"] for bucket in account["s3"].list_buckets()["Buckets"]]
    left = [each["Key"] for bucket in buckets for each in account["s3"].list_objects_v2(Bucket=bucket).get("Contents", [])]
    # SAM's bucket stays, for whoever deploys next; the packages in it do not.
    checks.that("no package is left in SAM's bucket", len(buckets) == 1 and not left, (buckets, left))


def items(system: environment.Environment, outputs: dict[str, str]) -> list[dict]:
    return aws.items(system.table, outputs["TableName"])


def events(system: environment.Environment, outputs: dict[str, str], kind: str) -> list[dict]:
    return [item for item in items(system, outputs) if item["pk"].startswith("EVENT#") and item["kind"] == kind]


@contextlib.contextmanager
def platform(binaries: Path) -> Iterator[environment.Environment]:
    """Servers up, a platform whose settings are stored, and no stack. The directory with the logs is kept if anything fails."""
    directory = Path(tempfile.mkdtemp(prefix="spillway-deploy-"))
    try:
        with contextlib.ExitStack() as stack:
            moto = stack.enter_context(servers.moto_ec2(sys.executable, directory, pending_s=2, stopping_s=2))
            ministack = stack.enter_context(
                servers.ministack(Path(sys.prefix), directory, services=SERVICES, functions_ec2=moto))
            url, control, ca = stack.enter_context(
                environment.simulated(binaries, directory, None, overflow=3, always_on=1))
            ec2, ssm, table = aws.client("ec2", moto), aws.client("ssm", ministack), aws.client("dynamodb", ministack)
            nodes = {n["name"]: n["address"] for n in fetch(f"{control}/sim/world")["nodes"] if n["overflow"]}
            fleet = aws.build_fleet(ec2, environment.TAG_VALUE, nodes)
            servers.wait_until("all instances stopped", lambda: all(
                each["State"]["Name"] == "stopped" for each in aws.instances(ec2).values()), 20)
            built = environment.Environment(directory, Path(sys.prefix), moto, ministack, ministack, url, control, ca, ec2, ssm, table,
                                 Management(url, environment.USERNAME, environment.PASSWORD, ca), fleet)
            built.put_parameters()
            yield built
    except BaseException:
        print(f"    the servers' logs are in {directory}", flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)
