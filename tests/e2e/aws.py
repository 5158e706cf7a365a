"""The AWS of the test: moto (EC2, SSM), an embedded DynamoDB, ministack (Lambda, Scheduler), set up as an operator
and the stack would. Everything the evaluator has to leave alone is here too: see `Fleet.not_ours`."""

from __future__ import annotations

import base64
import dataclasses
import ipaddress
import io
import json
import tempfile
import threading
import time
import zipfile
from pathlib import Path

import boto3
from botocore.config import Config

from . import compiled
from .servers import CREDENTIALS, REGION

TAG = "pexip-cloud"


def client(service: str, endpoint: str, retries: int = 3, region: str = REGION):
    return boto3.client(
        service, endpoint_url=endpoint, region_name=region, aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": retries}, read_timeout=120, max_pool_connections=20),
    )


@dataclasses.dataclass(frozen=True)
class Instance:
    id: str
    name: str
    address: str


@dataclasses.dataclass(frozen=True)
class Fleet:
    """The platform's overflow instances, stopped, and instances that are none of the evaluator's business."""

    vpc: str
    overflow: list[Instance]
    not_ours: list[Instance]

    @property
    def addresses(self) -> dict[str, str]:
        return {instance.id: instance.address for instance in self.overflow}


def build_fleet(ec2, tag_value: str, nodes: dict[str, str]) -> Fleet:
    """One stopped instance per overflow node (name to private address), each in a reservation of its own."""
    network = ipaddress.ip_network(f"{next(iter(nodes.values()))}/16", strict=False)
    vpc = ec2.create_vpc(CidrBlock=str(network))["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=str(network), AvailabilityZone=f"{REGION}a")["Subnet"]["SubnetId"]
    # Every start gives a public address, and each start another one.
    ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})

    def launch(name: str, address: str, tags: dict[str, str]) -> Instance:
        tags = {"Name": name, **tags}
        reply = ec2.run_instances(
            ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="c5.2xlarge", SubnetId=subnet,
            PrivateIpAddress=address,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}],
        )
        return Instance(reply["Instances"][0]["InstanceId"], name, address)

    overflow = [launch(name, address, {TAG: tag_value}) for name, address in sorted(nodes.items())]
    # Another platform's node, one without the tag, and one with the tag whose address no node has.
    addresses_left = [network.broadcast_address - n for n in (10, 11, 12)]
    not_ours = [
        launch("other-platform", str(addresses_left[0]), {TAG: "another-management-node"}),
        launch("untagged", str(addresses_left[1]), {}),
        launch("no-node", str(addresses_left[2]), {TAG: tag_value}),
    ]
    ec2.stop_instances(InstanceIds=[i.id for i in overflow + not_ours])
    return Fleet(vpc, overflow, not_ours)


def instances(ec2) -> dict[str, dict]:
    """Every instance by id, as EC2 describes it."""
    pages = ec2.get_paginator("describe_instances").paginate()
    return {i["InstanceId"]: i for page in pages for r in page["Reservations"] for i in r["Instances"]}


def put_parameters(ssm, platform: str, parameters: dict[str, str]) -> None:
    for name, value in parameters.items():
        kind = "SecureString" if name == "credentials" else "String"
        ssm.put_parameter(Name=f"/spillway/{platform}/{name}", Value=value, Type=kind, Overwrite=True)


def create_table(dynamodb, name: str) -> None:
    """As the stack does."""
    dynamodb.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"})


def items(dynamodb, table: str) -> list[dict]:
    """Every item of the table, in plain values."""
    from boto3.dynamodb.types import TypeDeserializer

    read = TypeDeserializer().deserialize
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [{key: read(value) for key, value in item.items()} for page in pages for item in page["Items"]]


@dataclasses.dataclass(frozen=True)
class Reply:
    """What one invocation gave."""

    at: float
    took_s: float
    error: str | None
    payload: object
    log: str

    @property
    def text(self) -> str:
        return json.dumps(self.payload) + "\n" + self.log


class Function:
    """A function as Lambda sees it: a zip with a `bootstrap`, an environment, invocations."""

    def __init__(self, endpoint: str, name: str, bootstrap: Path, environment: dict[str, str]) -> None:
        self.name = name
        # An invocation is at most once: Lambda's own clients retry, we must not.
        self._lambda = client("lambda", endpoint, retries=0)
        self._scheduler = client("scheduler", endpoint)
        self._lock = threading.Lock()
        self.replies: list[Reply] = []
        self.arn = self._lambda.create_function(
            FunctionName=name, Runtime="provided.al2023", Handler="bootstrap", MemorySize=256, Timeout=55,
            Role="arn:aws:iam::000000000000:role/evaluator", Code={"ZipFile": zipped(bootstrap)},
            Environment={"Variables": environment},
        )["FunctionArn"]

    def schedule_every_minute(self, event: dict) -> None:
        self._scheduler.create_schedule(
            Name=f"{self.name}-tick", ScheduleExpression="rate(1 minute)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": self.arn, "RoleArn": "arn:aws:iam::000000000000:role/scheduler",
                    "Input": json.dumps(event), "RetryPolicy": {"MaximumRetryAttempts": 0}},
        )

    def set_environment(self, environment: dict[str, str]) -> None:
        """A new configuration: the next invocation is a cold start."""
        self._lambda.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": environment})

    def invoke(self, event: dict) -> Reply:
        began = time.time()
        reply = self._lambda.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail")
        body = reply["Payload"].read()
        result = Reply(
            began, time.time() - began, reply.get("FunctionError"), json.loads(body) if body else None,
            base64.b64decode(reply.get("LogResult", "")).decode("utf-8", "replace"),
        )
        with self._lock:
            self.replies.append(result)
        return result


def stripped(binary: Path) -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        smaller = Path(directory) / "bootstrap"
        compiled.strip(binary, smaller)
        return smaller.read_bytes()


def zipped(bootstrap: Path) -> bytes:
    """The package: one executable file named `bootstrap`."""
    content = stripped(bootstrap)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as package:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        package.writestr(entry, content, compresslevel=1)
    return buffer.getvalue()
