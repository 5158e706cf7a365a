"""A template as CloudFormation would carry it out: SAM's transform, then conditions and references resolved for given
parameters. Offline, and small on purpose: what the templates do not use is refused instead of guessed."""

from __future__ import annotations

import copy
import dataclasses
import re
from pathlib import Path

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
ACCOUNT, REGION = "111122223333", "eu-central-1"

# What a person has to say; everything else has a default.
GIVEN = {"Platform": "acme", "TagValue": "mgr", "SubnetIds": "subnet-0a,subnet-0b", "SecurityGroupIds": "sg-0a"}

# What `Ref` gives where it is the resource's own name, and what is an ARN.
NAMED = {"AWS::Serverless::Function": "FunctionName", "AWS::Lambda::Function": "FunctionName",
         "AWS::Scheduler::ScheduleGroup": "Name", "AWS::CloudWatch::Alarm": "AlarmName",
         "AWS::CloudWatch::Dashboard": "DashboardName", "AWS::Logs::LogGroup": "LogGroupName"}
ARNS = {
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::Scheduler::ScheduleGroup": "scheduler:{region}:{account}:schedule-group/{name}",
    "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{name}",
}
ABSENT = object()


def source(name: str = "template.yaml") -> dict:
    return yaml_parse((INFRA / name).read_text())


def expand(template: dict) -> dict:
    """SAM's own transform, with the packages that a build would have uploaded."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket-of-packages/package"

    class NoManagedPolicies:
        def load(self) -> dict:
            return {}

    # The transform changes what it is given, and asks for a region.
    return transform(template, {}, NoManagedPolicies())


@dataclasses.dataclass
class Stack:
    """A template's expansion, resolved. `resources` are those whose condition holds."""

    name: str
    parameters: dict[str, object]
    resources: dict[str, dict]

    def of(self, kind: str) -> dict[str, dict]:
        """Properties by logical id."""
        return {key: value.get("Properties", {}) for key, value in self.resources.items() if value["Type"] == kind}

    def policies(self, role: str) -> list[dict]:
        """Every policy document of a role, attached ones too."""
        properties = self.resources[role]["Properties"]
        own = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        attached = {arn_of(self, key): value["PolicyDocument"]
                    for key, value in self.of("AWS::IAM::ManagedPolicy").items()}
        # One of AWS's own is not known here; a rule refuses it.
        return own + [attached[arn] for arn in properties.get("ManagedPolicyArns", []) if arn in attached]


def arn_of(stack: Stack, logical: str) -> str:
    return Resolver(stack.name, stack.parameters, {"Resources": stack.resources}).arn(logical)


class Unresolved(Exception):
    """A reference to nothing: what CloudFormation would refuse."""


class Resolver:
    def __init__(self, name: str, parameters: dict[str, object], template: dict) -> None:
        self.name, self.parameters = name, parameters
        self.conditions = template.get("Conditions", {})
        self.declared = template["Resources"]

    def resolve(self, value: object) -> object:
        if isinstance(value, list):
            return [item for item in map(self.resolve, value) if item is not ABSENT]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            (key, argument), = value.items()
            if key == "Ref" or key.startswith("Fn::"):
                return self.intrinsic(key, argument)
        resolved = {key: self.resolve(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not ABSENT}

    def intrinsic(self, key: str, argument: object) -> object:
        if key == "Ref":
            return self.ref(argument)
        if key == "Fn::GetAtt":
            return self.attribute(*(argument if isinstance(argument, list) else argument.split(".", 1)))
        if key == "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            values = {name: self.resolve(value) for name, value in own.items()}

            def one(found: re.Match[str]) -> str:
                name = found[1]
                return str(values[name] if name in values else self.substitute(name))

            return re.sub(r"\$\{([^!}]+)\}", one, text)
        if key == "Fn::If":
            return self.resolve(argument[1] if self.holds(argument[0]) else argument[2])
        if key == "Fn::Join":
            return argument[0].join(map(str, self.resolve(argument[1])))
        raise Unresolved(f"{key} is not used in these templates: teach it to tests/infra/expansion.py")

    def substitute(self, name: str) -> object:
        return self.attribute(*name.split(".", 1)) if "." in name else self.ref(name)

    def ref(self, name: str) -> object:
        pseudo = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws",
                  "AWS::StackName": self.name, "AWS::NoValue": ABSENT}
        for known in (pseudo, self.parameters):
            if name in known:
                return known[name]
        self.must_exist(name)
        if self.declared[name]["Type"] in ("AWS::SNS::Topic", "AWS::IAM::ManagedPolicy"):
            return self.arn(name)
        if self.declared[name]["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.physical(name)}"
        return self.physical(name)

    def attribute(self, name: str, attribute: str) -> object:
        self.must_exist(name)
        if attribute == "Arn":
            return self.arn(name)
        if attribute in ("QueueName", "GroupId"):
            return self.physical(name)
        raise Unresolved(f"{name}.{attribute}: teach it to tests/infra/expansion.py")

    def must_exist(self, name: str) -> None:
        if name not in self.declared:
            raise Unresolved(f"{name} is neither a parameter nor a resource")
        condition = self.declared[name].get("Condition")
        if condition and condition in self.conditions and not self.holds(condition):
            raise Unresolved(f"{name} does not exist without the condition {condition}")

    def physical(self, name: str) -> str:
        own = self.declared[name].get("Properties", {}).get(NAMED.get(self.declared[name]["Type"], ""))
        return str(self.resolve(own)) if own is not None else f"{self.name}-{name}"

    def arn(self, name: str) -> str:
        kind = self.declared[name]["Type"]
        if kind not in ARNS:
            raise Unresolved(f"the ARN of {name} ({kind}): teach it to tests/infra/expansion.py")
        return "arn:aws:" + ARNS[kind].format(region=REGION, account=ACCOUNT, name=self.physical(name))

    def holds(self, condition: object) -> bool:
        if isinstance(condition, str):
            return self.holds(self.conditions[condition])
        (key, argument), = condition.items()
        if key == "Fn::Not":
            return not self.holds(argument[0])
        if key == "Fn::Equals":
            one, other = (self.resolve(side) for side in argument)
            return str(one) == str(other)
        if key == "Fn::EachMemberEquals":
            values, wanted = (self.resolve(side) for side in argument)
            return all(value == wanted for value in values)
        if key == "Condition":
            return self.holds(argument)
        raise Unresolved(f"{key} in a condition: teach it to tests/infra/expansion.py")


def parameters_of(template: dict, given: dict[str, str]) -> dict[str, object]:
    """Defaults and what was given; each held to its own pattern, as CloudFormation does."""
    values: dict[str, object] = {}
    for name, about in template.get("Parameters", {}).items():
        value = given.get(name, about.get("Default", ABSENT))
        if value is ABSENT:
            raise Unresolved(f"the parameter {name} has no default")
        parts = str(value).split(",") if about["Type"] in ("CommaDelimitedList", "List<AWS::EC2::Subnet::Id>") else None
        for part in parts if parts is not None else [str(value)]:
            if "AllowedPattern" in about and not re.fullmatch(about["AllowedPattern"], part):
                raise Unresolved(f"{name}: {part!r} is refused by its pattern")
        if "AllowedValues" in about and str(value) not in map(str, about["AllowedValues"]):
            raise Unresolved(f"{name}: {value!r} is none of {about['AllowedValues']}")
        values[name] = value if parts is None else parts
    return values


def refusals(template: dict, given: dict[str, str]) -> list[str]:
    """What the template's own Rules say against these parameters."""
    resolver = Resolver("any", parameters_of(template, given), template)
    said = []
    for rule in template.get("Rules", {}).values():
        if "RuleCondition" in rule and not resolver.holds(rule["RuleCondition"]):
            continue
        said += [assertion["AssertDescription"] for assertion in rule["Assertions"]
                 if not resolver.holds(assertion["Assert"])]
    return said


def stack(template: dict, given: dict[str, str] | None = None, name: str = "spillway-acme") -> Stack:
    """The expansion resolved for these parameters, as a deployed stack would be."""
    parameters = parameters_of(template, {**GIVEN, **(given or {})})
    expanded = expand(template) if "Transform" in template else template
    resolver = Resolver(name, parameters, expanded)
    resources = {}
    for key, resource in expanded["Resources"].items():
        if "Condition" in resource and not resolver.holds(resource["Condition"]):
            continue
        resources[key] = resolver.resolve(resource)
    for output in expanded.get("Outputs", {}).values():
        if "Condition" not in output or resolver.holds(output["Condition"]):
            resolver.resolve(output["Value"])
    return Stack(name, parameters, resources)
