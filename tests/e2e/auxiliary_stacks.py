"""The two templates beside the stack's own, as infra/DEPLOY.md deploys them: the VPC's security group and endpoints, whose outputs
are the stack's parameters, and the forwarding of a further region's events."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from . import aws, servers
from .checks import Checks

INFRA = Path(__file__).resolve().parents[2] / "infra"
FURTHER_REGION = "us-east-1"


@contextlib.contextmanager
def deployed(cloudformation, template: str, parameters: dict[str, str], checks: Checks) -> Iterator[dict[str, str]]:
    """The outputs of a stack that is deleted at the end, if it came that far."""
    name = f"spillway-{template.removesuffix('.yaml')}"
    cloudformation.create_stack(
        StackName=name, TemplateBody=(INFRA / template).read_text(), Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()])

    def stack() -> dict:
        found = [each for each in cloudformation.describe_stacks()["Stacks"] if each["StackName"] == name]
        return found[0] if found else {}

    with contextlib.suppress(RuntimeError):
        servers.wait_until(name, lambda: not stack()["StackStatus"].endswith("IN_PROGRESS"), 30)
    made = stack()
    if not checks.that(f"{template} is deployed", made.get("StackStatus") == "CREATE_COMPLETE", made):
        raise RuntimeError(f"{name} is not there")
    outputs = {each["OutputKey"]: each["OutputValue"] for each in made["Outputs"]}
    checks.that(f"{template}: every output has a value", outputs and all(outputs.values()), outputs)
    yield outputs
    cloudformation.delete_stack(StackName=name)
    with contextlib.suppress(RuntimeError):
        servers.wait_until(name, lambda: not stack(), 30)
    checks.that(f"{template} is deleted", not stack(), stack())


@contextlib.contextmanager
def network(endpoint: str, cloudformation, checks: Checks) -> Iterator[dict[str, str]]:
    """A VPC of ministack's with two private subnets; gives the parameters that the stack takes from the template's outputs."""
    ec2 = aws.client("ec2", endpoint, retries=0)
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"{servers.REGION}{zone}")
               ["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
    routes = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]

    def endpoints() -> list[str]:
        rows = ec2.describe_vpc_endpoints()["VpcEndpoints"]
        return sorted(row["ServiceName"].split(".")[-1] for row in rows if row["VpcId"] == vpc and row["State"] != "deleted")

    given = {"VpcId": vpc, "VpcCidr": "10.9.0.0/16", "SubnetIds": ",".join(subnets), "RouteTableIds": routes}
    with deployed(cloudformation, "network.yaml", given, checks) as outputs:
        checks.that("the VPC has what a function without a way out calls",
                    endpoints() == ["dynamodb", "ec2", "ssm"], endpoints())
        checks.that("the outputs are what the stack's parameters take", outputs["SubnetIds"].split(",") == subnets
                    and outputs["SecurityGroupIds"].startswith("sg-"), outputs)
        admitted = {row["CidrIp"] for group in ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])
                    ["SecurityGroups"] for rule in group["IpPermissions"] for row in rule["IpRanges"]}
        checks.that("the endpoints let every host of the VPC in, and nobody else", admitted == {"10.9.0.0/16"}, admitted)
        yield {"SubnetIds": outputs["SubnetIds"], "SecurityGroupIds": outputs["SecurityGroupIds"]}
    checks.that("no endpoint is left", endpoints() == [], endpoints())


def region(endpoint: str, checks: Checks) -> None:
    cloudformation = aws.client("cloudformation", endpoint, retries=0, region=FURTHER_REGION)
    with deployed(cloudformation, "region.yaml", {"HomeRegion": servers.REGION}, checks):
        events = aws.client("events", endpoint, retries=0, region=FURTHER_REGION)
        rules = [rule["Name"] for rule in events.list_rules()["Rules"]]
        targets = [target["Arn"].split(":")[3] for rule in rules
                   for target in events.list_targets_by_rule(Rule=rule)["Targets"]]
        checks.that("the other region's events are forwarded to the home region", targets == [servers.REGION], (rules, targets))
