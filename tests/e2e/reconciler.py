"""The real reconciler binary with the events that it gets on AWS: state changes through a queue, and a sweep. Static NAT
addresses follow, an Elastic IP is associated, the table holds the history, and what cannot be done comes again."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

from . import aws, environment, servers
from .checks import Checks

NOBODY = "i-0123456789abcdef0"


def state_change(instance: str, state: str) -> dict:
    """As EventBridge writes it (EC2 user guide: State change events for your instances)."""
    return {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2", "account": "123456789012", "time": "2026-03-02T08:50:04Z", "region": servers.REGION,
        "resources": [f"arn:aws:ec2:{servers.REGION}:123456789012:instance/{instance}"],
        "detail": {"instance-id": instance, "state": state},
    }


def batch(bodies: dict[str, object]) -> dict:
    """As Lambda reads it from the queue (Lambda developer guide: Using Lambda with Amazon SQS). By message id."""
    return {"Records": [{
        "messageId": message, "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1772441404000",
                       "SenderId": "events.amazonaws.com", "ApproximateFirstReceiveTimestamp": "1772441404009"},
        "messageAttributes": {}, "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{servers.REGION}:123456789012:state-changes", "awsRegion": servers.REGION,
    } for message, body in bodies.items()]}


def again(reply: aws.Reply) -> list[str]:
    answer = reply.payload
    return sorted(item["itemIdentifier"] for item in answer["batchItemFailures"])


def run(binaries: Path, checks: Checks) -> None:
    with environment.running(binaries, overflow=3, always_on=1) as system:
        play(system, binaries / "reconciler", checks)


def play(system: environment.Environment, binary: Path, checks: Checks) -> None:
    function = aws.Function(system.ministack, "reconciler", binary, system.variables)
    first, second, third = system.fleet.overflow
    not_ours = system.fleet.not_ours[0]

    def starts(*instances: aws.Instance) -> None:
        ids = [instance.id for instance in instances]
        system.ec2.start_instances(InstanceIds=ids)
        servers.wait_until("they run", lambda: all(
            aws.instances(system.ec2)[each]["State"]["Name"] == "running" for each in ids), 30)

    def public(instance: aws.Instance) -> str | None:
        return aws.instances(system.ec2)[instance.id].get("PublicIpAddress")

    def stored(instance: aws.Instance) -> str | None:
        rows = system.management.list("configuration/v1/worker_vm")
        return next(row["static_nat_address"] for row in rows if row["address"] == instance.address)

    def events(kind: str) -> list[dict]:
        items = aws.items(system.table, environment.TABLE)
        return [item for item in items if item["pk"].startswith("EVENT#") and item["kind"] == kind]

    starts(first, not_ours)
    reply = function.invoke(batch({
        "m-1": state_change(first.id, "running"), "m-2": state_change(not_ours.id, "running"),
        "m-3": state_change(NOBODY, "running"), "m-4": "not an event", "m-5": state_change(first.id, "running")}))
    checks.that("a batch with another's instance, an unknown one and an invalid message is handled",
                not reply.error and again(reply) == [], reply.text)
    checks.that("the static NAT address is the instance's public address",
                public(first) and stored(first) == public(first), (stored(first), public(first)))
    checks.that("what is not understood is in the log with its id", "m-4" in reply.log, reply.log)
    checks.that("the change is in the history once", len(events("address_changed")) == 1, events("address_changed"))

    allocated = system.ec2.allocate_address(Domain="vpc", TagSpecifications=[
        {"ResourceType": "elastic-ip", "Tags": [{"Key": aws.TAG, "Value": environment.TAG_VALUE}]}])
    system.ec2.create_tags(Resources=[second.id, third.id],
                          Tags=[{"Key": "spillway-allocation", "Value": allocated["AllocationId"]}])
    starts(second)
    reply = function.invoke(batch({"m-6": state_change(second.id, "running")}))
    checks.that("a free Elastic IP is associated with the instance that asks for it, and is the node's address",
                stored(second) == public(second) == allocated["PublicIp"], (stored(second), public(second), reply.text))
    starts(third)
    reply = function.invoke(batch({"m-7": state_change(third.id, "running")}))
    checks.that("it is not taken from there for another one: that one's dynamic address is used",
                public(second) == allocated["PublicIp"] and stored(third) == public(third) != allocated["PublicIp"],
                (public(second), stored(third), public(third), reply.text))

    system.put_parameters(management=json.dumps(
        {"addresses": [f"https://{servers.HOST}:{servers.free_port()}"], "authentication": "basic"}))
    function.set_environment({**system.variables, "CASE": "no Management Node"})
    reply = function.invoke(batch({"m-8": state_change(first.id, "running"), "m-9": "not an event"}))
    checks.that("without the Management Node the message comes again, and the other one does not",
                not reply.error and again(reply) == ["m-8"], reply.text)
    system.put_parameters()
    function.set_environment({**system.variables, "CASE": "all well"})

    system.ec2.stop_instances(InstanceIds=[first.id])
    servers.wait_until("it is stopped", lambda: aws.instances(system.ec2)[first.id]["State"]["Name"] == "stopped", 30)
    reply = function.invoke(batch({"m-10": state_change(first.id, "stopped")}))
    reply = function.invoke(batch({"m-11": state_change(first.id, "stopped")}))
    checks.that("its run is closed in the history, once", again(reply) == [] and len(events("stopped")) == 1, events("stopped"))
    checks.that("its stale address stays", stored(first) is not None, stored(first))

    reply = function.invoke({"source": "spillway.sweep"})
    answer = reply.payload
    checks.that("a sweep finds nothing to do and says so", not reply.error and answer.get("outcome") == "no_op"
                and answer.get("schema") == 1, reply.text)
    metrics = [json.loads(line) for line in reply.log.splitlines() if '"AddressesWrongNow"' in line]
    checks.that("no address is wrong, by its metric", metrics and metrics[-1]["AddressesWrongNow"] == 0, reply.log)
    checks.that("no secret is in any answer or log",
                not any(environment.PASSWORD in each.text for each in function.replies))
    checks.that("nothing of others' instances is in the table",
                not any(each.id in json.dumps(item, default=str) for item in aws.items(system.table, environment.TABLE)
                        for each in system.fleet.not_ours[:2]))
