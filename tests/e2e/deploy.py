"""The stack as an operator deploys it: built and deployed by SAM to a stand-in for AWS, with the real binaries in it; fired by
its own schedules and its own queue; and deleted, with nothing left.

EC2 is moto, which knows public addresses; everything else of AWS is ministack. The template is the real one; what is changed
in the copy that is deployed is in `copy_of_template`, each with its reason."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import time
from pathlib import Path

from . import aws, prewarm, ramp, reconciler, servers, stage as stages
from .checks import Checks

ROOT = Path(__file__).resolve().parents[2]
STACK = "spillway-e2e"
FUNCTIONS = ("evaluator", "prewarm", "reconciler")
SERVICES = "lambda,scheduler,events,iam,sts,logs,cloudformation,s3,dynamodb,ssm,sqs,sns,cloudwatch,monitoring,kms,ec2"


def run(binaries: Path, checks: Checks) -> None:
    trace = Path(binaries) / "e2e-deploy-nobody.csv"
    ramp.Ramp([(dt.datetime(2030, 1, 1), 5)], "").write(trace)
    try:
        with stages.stage(binaries, trace, overflow=3, always_on=1, services=SERVICES) as stage:
            Deployment(stage, binaries, checks).play()
    finally:
        trace.unlink(missing_ok=True)


class Deployment:
    def __init__(self, stage: stages.Stage, binaries: Path, checks: Checks) -> None:
        self.stage, self.binaries, self.checks = stage, binaries, checks
        self.folder = stage.directory / "project"
        self.env = {**os.environ, **servers.CREDENTIALS, "AWS_ENDPOINT_URL": stage.ministack,
                    "SAM_CLI_TELEMETRY": "0", "AWS_EC2_METADATA_DISABLED": "true"}

    def client(self, service: str):
        return aws.client(service, self.stage.ministack)

    def sam(self, *words: str) -> subprocess.CompletedProcess:
        print(f"    $ sam {' '.join(words)}", flush=True)
        sam = ROOT / "tests/.venv-sam/bin/sam"
        return subprocess.run([str(sam), *words], cwd=self.folder, env=self.env, text=True, capture_output=True, timeout=300)

    def copy_of_template(self) -> None:
        """The project as SAM sees it, with binaries that are built already."""
        infra = self.folder / "infra"
        infra.mkdir(parents=True)
        (self.folder / "samconfig.toml").write_text((ROOT / "samconfig.toml").read_text())
        text = (ROOT / "infra/template.yaml").read_text()
        # cargo-lambda would build everything again, in another profile: the tests' own binaries are packed instead.
        text = text.replace("    Metadata: {BuildMethod: rust-cargolambda}\n", "")
        for name in FUNCTIONS:
            (infra / f"{name}.zip").write_bytes(aws.zipped(self.binaries / name))
            text = text.replace(f"CodeUri: ../functions/{name}\n", f"CodeUri: {name}.zip\n")
        # On AWS the SDK knows where AWS is.
        variables = {"AWS_ENDPOINT_URL": self.stage.ministack, "AWS_ENDPOINT_URL_EC2": self.stage.moto, **servers.CREDENTIALS}
        lines = "".join(f'        {key}: "{value}"\n' for key, value in variables.items())
        anchor = '        SPILLWAY_TIMEOUT_SECONDS: "45"\n'
        assert anchor in text
        text = text.replace(anchor, anchor + lines, 1)
        (infra / "template.yaml").write_text(text)

    def play(self) -> None:
        checks, stage = self.checks, self.stage
        self.copy_of_template()
        built = self.sam("build")
        checks.that("sam build", built.returncode == 0, built.stdout + built.stderr)
        overrides = [f"Platform={stages.PLATFORM}", f"TagValue={stages.TAG_VALUE}", "Network=public", "ProtectTable=false",
                     "Architecture=x86_64", "TimeZone=Europe/Oslo"]
        deployed = self.sam("deploy", "--stack-name", STACK, "--no-confirm-changeset", "--parameter-overrides", *overrides)
        checks.that("sam deploy", deployed.returncode == 0, deployed.stdout[-3000:] + deployed.stderr[-3000:])
        if deployed.returncode != 0:
            return
        stack = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        self.settings()
        self.evaluator_fires()
        self.reconciler_follows()
        self.prewarm_holds()
        self.history()
        self.delete()

    def items(self) -> list[dict]:
        return aws.items(self.client("dynamodb"), self.outputs["TableName"])

    def events(self, kind: str) -> list[dict]:
        return [each for each in self.items() if each["pk"].startswith("EVENT#") and each["kind"] == kind]

    def up(self) -> list[str]:
        states = aws.instances(self.stage.ec2)
        return [each.id for each in self.stage.fleet.overflow
                if states[each.id]["State"]["Name"] in ("pending", "running")]

    def settings(self) -> None:
        """What the stack wrote for the command line, and what an operator writes."""
        ssm = self.client("ssm")
        stack = json.loads(ssm.get_parameter(Name=f"/spillway/{stages.PLATFORM}/stack")["Parameter"]["Value"])
        self.checks.that("the stack says where the table, the windows and the pre-warm are",
                         stack["table"] == self.outputs["TableName"] and stack["schedule_group"] == STACK
                         and stack["prewarm_function"] == self.outputs["PrewarmFunctionArn"], stack)
        self.checks.that("nothing is started before there are settings", self.up() == [], self.up())
        # One node of 17 HD calls is always on: at a threshold of 17 it is short of HD calls, and with a node up it is not.
        policy = {**json.loads(self.stage.parameters["policy"]), "threshold": 17, "thresholds": {"AWS burst": 1}}
        aws.put_parameters(ssm, stages.PLATFORM, {**self.stage.parameters, "policy": json.dumps(policy)})

    def evaluator_fires(self) -> None:
        began = time.monotonic()
        servers.wait_until("the schedule has the evaluator start a node", lambda: self.up(), 150)
        took = time.monotonic() - began
        self.checks.that("the schedule fires the evaluator, which starts one stopped node", len(self.up()) == 1, self.up())
        print(f"    that took {took:.0f} s", flush=True)
        states = aws.instances(self.stage.ec2)
        self.checks.that("and nothing of strangers", all(states[each.id]["State"]["Name"] == "stopped"
                                                         for each in self.stage.fleet.strangers))

    def reconciler_follows(self) -> None:
        """Nobody but AWS may put an event of `aws.ec2` on the bus, here too. So the rule is asked whether it takes the event,
        and the event goes where the rule would have put it: into the queue, which invokes the function."""
        started = self.up()[0]
        node = next(each for each in self.stage.fleet.overflow if each.id == started)
        servers.wait_until("it runs", lambda: aws.instances(self.stage.ec2)[started]["State"]["Name"] == "running", 30)
        event = reconciler.state_change(started, "running")
        events = self.client("events")
        rule = events.list_rules(NamePrefix=STACK)["Rules"][0]
        taken = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(event))["Result"]
        other = {**event, "detail": {**event["detail"], "state": "pending"}}
        left = events.test_event_pattern(EventPattern=rule["EventPattern"], Event=json.dumps(other))["Result"]
        self.checks.that("the rule takes a state change that matters, and no other", taken and not left, rule)
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        queue = self.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["StateChangesQueueUrl"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.checks.that("the rule's target is the queue", [each["Arn"] for each in targets] == [queue], targets)
        self.client("sqs").send_message(QueueUrl=self.outputs["StateChangesQueueUrl"], MessageBody=json.dumps(event))

        def stored() -> str | None:
            rows = self.stage.management.list("configuration/v1/worker_vm")
            return next(row["static_nat_address"] for row in rows if row["address"] == node.address)

        def public() -> str | None:
            return aws.instances(self.stage.ec2)[started].get("PublicIpAddress")

        servers.wait_until("the static NAT address follows", lambda: stored() == public() is not None, 90)
        self.checks.that("the event sets the node's static NAT address to the public one", stored() == public(),
                         (stored(), public()))

    def prewarm_holds(self) -> None:
        """The window's own input, as Scheduler would fill it in."""
        window = self.client("scheduler").get_schedule(GroupName=self.outputs["ScheduleGroup"], Name="weekday-morning")
        now = dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0)
        payload = json.loads(window["Target"]["Input"])
        payload |= {key: value for key, value in prewarm.payload(now).items()
                    if key in ("schedule_arn", "scheduled_time", "execution_id", "attempt")}
        # ministack's CloudFormation forgets ScheduleExpressionTimezone: the zone is read from the payload.
        self.checks.that("the window is the guide's example in the operator's zone",
                         (window["ScheduleExpression"], payload["time_zone"]) == ("cron(50 8 ? * MON-FRI *)", "Europe/Oslo"),
                         window)
        reply = self.client("lambda").invoke(FunctionName=self.outputs["PrewarmFunctionName"], Payload=json.dumps(payload))
        answer = json.loads(reply["Payload"].read())
        holds = [each for each in self.items() if each["sk"].startswith("HOLD#")]
        self.checks.that("the pre-warm writes its hold", [each["id"] for each in holds] == [answer.get("hold")], answer)
        servers.wait_until("all nodes are up", lambda: len(self.up()) == 3, 90)
        self.checks.that("and all overflow nodes are started", len(self.up()) == 3, answer)

    def history(self) -> None:
        self.checks.that("the history has each start once", len({each["instance"] for each in self.events("start")}) == 3
                         and len(self.events("start")) == 3, self.events("start"))
        self.checks.that("and the address", len(self.events("address_changed")) >= 1, self.events("address_changed"))

    def delete(self) -> None:
        deleted = self.sam("delete", "--stack-name", STACK, "--no-prompts", "--region", servers.REGION)
        self.checks.that("sam delete", deleted.returncode == 0, deleted.stdout[-2000:] + deleted.stderr[-2000:])
        left = {
            "stacks": [each["StackName"] for each in self.client("cloudformation").list_stacks()["StackSummaries"]
                       if each["StackName"] == STACK and each["StackStatus"] != "DELETE_COMPLETE"],
            "functions": [each["FunctionName"] for each in self.client("lambda").list_functions()["Functions"]],
            "tables": self.client("dynamodb").list_tables()["TableNames"],
            "queues": self.client("sqs").list_queues().get("QueueUrls", []),
            "topics": self.client("sns").list_topics()["Topics"],
            "schedules": [each["Name"] for each in self.client("scheduler").list_schedules()["Schedules"]],
            "rules": [each["Name"] for each in self.client("events").list_rules()["Rules"]],
            "log groups": [each["logGroupName"] for each in self.client("logs").describe_log_groups(
                logGroupNamePrefix=f"/aws/lambda/{STACK}")["logGroups"]],
            "roles": [each["RoleName"] for each in self.client("iam").list_roles()["Roles"] if STACK in each["RoleName"]],
            "alarms": [each["AlarmName"] for each in self.client("cloudwatch").describe_alarms()["MetricAlarms"]],
            "the stack's parameter": [each["Name"] for each in self.client("ssm").describe_parameters()["Parameters"]
                                      if each["Name"].endswith("/stack")],
        }
        found = {what: names for what, names in left.items() if names}
        self.checks.that("nothing is left of the stack", not found, found)
