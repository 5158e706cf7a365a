"""Our own rules over a resolved stack. Each gives a list of complaints, and broken.py shows that each can complain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import yaml

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

from .expansion import INFRA, ROOT, Stack, Unresolved, arn_of, refusals, source, stack as resolved

# A list of schedules has no narrower resource either.
DESCRIBES = re.compile(r"ec2:Describe[A-Za-z]+|scheduler:ListSchedules")
FUNCTION_TIMEOUT_S = 45


def statements(stack: Stack) -> Iterator[tuple[str, dict]]:
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        for name, properties in stack.of(kind).items():
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
            for document in documents:
                for statement in document["Statement"]:
                    yield name, statement


def listed(value: object) -> list:
    return value if isinstance(value, list) else [value]


def only_describes_are_allowed_on_everything(stack: Stack) -> list[str]:
    said = []
    for name, statement in statements(stack):
        if statement["Effect"] != "Allow":
            continue
        actions = listed(statement.get("Action", "NotAction"))
        said += [f"{name}: {action} has a wildcard" for action in actions if "*" in action or action == "NotAction"]
        if "*" in listed(statement.get("Resource", "*")):
            said += [f"{name}: {action} is allowed on every resource" for action in actions
                     if not DESCRIBES.fullmatch(action)]
    return said


def changes_to_instances_and_addresses_need_the_tag(stack: Stack) -> list[str]:
    said = []
    for name, statement in statements(stack):
        if statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            if action in ("ec2:StartInstances", "ec2:StopInstances", "ec2:AssociateAddress"):
                wanted = {"StringEquals": {"ec2:ResourceTag/pexip-cloud": stack.parameters["TagValue"]}}
                if statement.get("Condition") != wanted:
                    said.append(f"{name}: {action} without the condition on the tag")
    return said


def every_function_has_a_role_of_its_own(stack: Stack) -> list[str]:
    said, seen = [], {}
    for name, function in stack.of("AWS::Lambda::Function").items():
        role = function["Role"]
        if role in seen:
            said.append(f"{name} shares a role with {seen[role]}")
        seen[role] = name
    for name, properties in stack.of("AWS::IAM::Role").items():
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            service = statement["Principal"].get("Service") if isinstance(statement["Principal"], dict) else None
            if service not in ("lambda.amazonaws.com", "scheduler.amazonaws.com", "events.amazonaws.com"):
                said.append(f"{name} trusts {statement['Principal']}")
            if service != "lambda.amazonaws.com" and "aws:SourceAccount" not in json.dumps(statement):
                said.append(f"{name} trusts {service} of any account")
        for arn in properties.get("ManagedPolicyArns", []):
            if ":iam::aws:" in arn:
                said.append(f"{name} has a managed policy of AWS: {arn}")
    return said


def queue_accepts(stack: Stack, queue_arn: str, rule_arn: str) -> bool:
    for properties in stack.of("AWS::SQS::QueuePolicy").values():
        for statement in properties["PolicyDocument"]["Statement"]:
            if (statement["Effect"] == "Allow" and statement["Principal"] == {"Service": "events.amazonaws.com"}
                    and statement["Action"] == "sqs:SendMessage" and statement["Resource"] == queue_arn
                    and statement.get("Condition") == {"ArnEquals": {"aws:SourceArn": rule_arn}}):
                return True
    return False


def role_sends(stack: Stack, role_arn: str, queue_arn: str) -> bool:
    for name in stack.of("AWS::IAM::Role"):
        if arn_of(stack, name) == role_arn:
            return any("sqs:SendMessage" in listed(statement["Action"]) and queue_arn in listed(statement["Resource"])
                       for document in stack.policies(name) for statement in document["Statement"])
    return False


def every_asynchronous_source_has_dead_letters(stack: Stack) -> list[str]:
    queues = {arn_of(stack, name): properties for name, properties in stack.of("AWS::SQS::Queue").items()}
    said = []
    for name, properties in stack.of("AWS::Scheduler::Schedule").items():
        target = properties["Target"]
        dead = target.get("DeadLetterConfig", {}).get("Arn")
        if dead not in queues:
            said.append(f"{name} has no dead-letter queue")
        elif not role_sends(stack, target["RoleArn"], dead):
            said.append(f"{name}: its role may not write to the dead-letter queue")
    for name, properties in stack.of("AWS::Events::Rule").items():
        rule = arn_of(stack, name)
        for target in properties["Targets"]:
            dead = target.get("DeadLetterConfig", {}).get("Arn")
            if dead not in queues:
                said.append(f"{name} has no dead-letter queue")
            elif not queue_accepts(stack, dead, rule):
                said.append(f"{name}: the dead-letter queue has no policy for it")
            if target["Arn"] in queues and not queue_accepts(stack, target["Arn"], rule):
                said.append(f"{name}: its queue has no policy for it")
    invoked = stack.of("AWS::Lambda::EventInvokeConfig")
    for name, function in stack.of("AWS::Lambda::Function").items():
        config = next((value for value in invoked.values() if value["FunctionName"] == function["FunctionName"]), None)
        dead = (config or {}).get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if dead not in queues:
            said.append(f"{name} has no destination for failed invocations")
        elif not role_sends(stack, function["Role"], dead):
            said.append(f"{name}: its role may not write to the dead-letter queue")
    for name, mapping in stack.of("AWS::Lambda::EventSourceMapping").items():
        dead = queues.get(mapping["EventSourceArn"], {}).get("RedrivePolicy", {}).get("deadLetterTargetArn")
        if dead not in queues:
            said.append(f"{name}: its queue has no dead-letter queue")
    return said


def retries_are_where_they_help(stack: Stack) -> list[str]:
    """Timers: the next tick is the retry. The pre-warm: its next tick is tomorrow."""
    said = []
    functions = {arn_of(stack, name): name for name in stack.of("AWS::Lambda::Function")}
    configs = stack.of("AWS::Lambda::EventInvokeConfig")
    for name, properties in stack.of("AWS::Scheduler::Schedule").items():
        retry = properties["Target"].get("RetryPolicy", {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400})
        function = functions[properties["Target"]["Arn"]]
        config = configs[f"{function}EventInvokeConfig"]
        attempts = (retry["MaximumRetryAttempts"], config["MaximumRetryAttempts"])
        if function == "PrewarmFunction":
            if 0 in attempts:
                said.append(f"{name}: the pre-warm is not tried again")
        elif attempts != (0, 0):
            said.append(f"{name}: a timer is tried again")
        if function == "EvaluatorFunction" and {retry["MaximumEventAgeInSeconds"], config["MaximumEventAgeInSeconds"]} != {60}:
            said.append(f"{name}: an evaluation may be older than a minute")
        if properties.get("GroupName") != stack.name:
            said.append(f"{name} is not in the stack's group")
    return said


def state_changes_are_handled_in_batches(stack: Stack) -> list[str]:
    said = []
    queues = {arn_of(stack, name): properties for name, properties in stack.of("AWS::SQS::Queue").items()}
    mappings = stack.of("AWS::Lambda::EventSourceMapping")
    if len(mappings) != 1:
        return [f"{len(mappings)} event source mappings"]
    for name, mapping in mappings.items():
        for key, wanted in {"MaximumBatchingWindowInSeconds": 10, "ScalingConfig": {"MaximumConcurrency": 2},
                            "FunctionResponseTypes": ["ReportBatchItemFailures"]}.items():
            if mapping.get(key) != wanted:
                said.append(f"{name}: {key} is {mapping.get(key)}, not {wanted}")
        queue = queues[mapping["EventSourceArn"]]
        least = 6 * FUNCTION_TIMEOUT_S + mapping.get("MaximumBatchingWindowInSeconds", 0)
        if queue.get("VisibilityTimeout", 30) < least:
            said.append(f"{name}: the queue shows a message again before {least} s")
        if queue.get("RedrivePolicy", {}).get("maxReceiveCount", 0) < 5:
            said.append(f"{name}: the queue gives up before five attempts")
    states = [properties["EventPattern"]["detail"]["state"] for properties in stack.of("AWS::Events::Rule").values()]
    if states != [["running", "stopping", "stopped", "terminated"]]:
        said.append(f"the rule listens to {states}")
    return said


def every_function_is_watched_and_its_log_ends(stack: Stack) -> list[str]:
    said = []
    groups = {properties["LogGroupName"]: properties for properties in stack.of("AWS::Logs::LogGroup").values()}
    watched = {dimension["Value"] for properties in stack.of("AWS::CloudWatch::Alarm").values()
               if (properties["Namespace"], properties["MetricName"]) == ("AWS/Lambda", "Errors")
               for dimension in properties["Dimensions"]}
    for name, function in stack.of("AWS::Lambda::Function").items():
        group = groups.get(function.get("LoggingConfig", {}).get("LogGroup"))
        if not group or not group.get("RetentionInDays"):
            said.append(f"{name} has no log group with retention")
        if function["FunctionName"] not in watched:
            said.append(f"{name} has no alarm on its errors")
        variables = function["Environment"]["Variables"]
        if function["Timeout"] != FUNCTION_TIMEOUT_S or variables.get("SPILLWAY_TIMEOUT_SECONDS") != str(FUNCTION_TIMEOUT_S):
            said.append(f"{name}: its timeout is not {FUNCTION_TIMEOUT_S} s, or not what it is told")
        if not {"SPILLWAY_PLATFORM", "SPILLWAY_TABLE"} <= set(variables):
            said.append(f"{name} is not told its platform and table")
        if "RUST_LOG" in variables and set(function["LoggingConfig"]) & {"ApplicationLogLevel", "SystemLogLevel"}:
            said.append(f"{name} has its log level set twice")
        if (function["Runtime"], function["Handler"]) != ("provided.al2023", "bootstrap"):
            said.append(f"{name} runs on {function['Runtime']}")
    return said


# Metrics that nothing may wake anybody for.
QUIET = {"FailedStarts", "LeaseBusyCycles", "FreeHdCalls", "Throttles", "NodesFailedStart"}
WANTED = {"StuckDrains", "RefusedStops", "StuckUpgrades", "NodesWithoutUse", "UncoveredShortfall", "RefusedStartsWithStoppedNodes", "GoodCycles", "DroppedByUs",
          "AddressesWrongNow", "ApproximateNumberOfMessagesVisible"}


def alarms_wake_somebody_and_only_when_needed(stack: Stack) -> list[str]:
    alarms = stack.of("AWS::CloudWatch::Alarm")
    topics = {arn_of(stack, name) for name in stack.of("AWS::SNS::Topic")}
    emitted = "".join(path.read_text() for path in [*ROOT.glob("shared/*/src/**/*.rs"), *ROOT.glob("functions/*/src/**/*.rs")])
    said = [f"no alarm on {metric}" for metric in sorted(WANTED - {alarm["MetricName"] for alarm in alarms.values()})]
    for name, alarm in alarms.items():
        if not set(alarm.get("AlarmActions", [])) & topics:
            said.append(f"{name} tells nobody")
        if "TreatMissingData" not in alarm:
            said.append(f"{name} does not say what silence means")
        if alarm["MetricName"] in QUIET:
            said.append(f"{name} wakes somebody for {alarm['MetricName']}")
        if alarm["Namespace"] == "Spillway":
            if f'"{alarm["MetricName"]}"' not in emitted:
                said.append(f"{name}: no function emits {alarm['MetricName']}")
            if alarm["Dimensions"] != [{"Name": "Platform", "Value": stack.parameters["Platform"]}]:
                said.append(f"{name} watches another platform")
    # A letter that the next tick heals must not hide a lost window.
    queues = {properties["Target"]["DeadLetterConfig"]["Arn"]: name
              for name, properties in stack.of("AWS::Scheduler::Schedule").items()
              if name != "Window" and "DeadLetterConfig" in properties["Target"]}
    lost = stack.of("AWS::Scheduler::Schedule")["Window"]["Target"].get("DeadLetterConfig", {}).get("Arn")
    if lost in queues:
        said.append(f"Window shares its dead letters with {queues[lost]}")
    watched = {alarm["Dimensions"][0]["Value"] for alarm in alarms.values() if alarm["Namespace"] == "AWS/SQS"}
    if lost and lost.rsplit(":", 1)[-1] not in watched:
        said.append("no alarm on the dead letters of Window")
    # Two things happen by the clock. Where they do not, nothing else says so.
    for name, seconds in {"NoGoodCycleAlarm": 300, "AddressesWrongAlarm": 900}.items():
        silent = alarms.get(name, {})
        if silent.get("TreatMissingData") != "breaching" or silent.get("Period", 0) * silent.get("EvaluationPeriods", 0) != seconds:
            said.append(f"{name}: {seconds} s of silence must wake somebody")
    return said


def the_runbook_has_one_heading_per_alarm(stack: Stack) -> list[str]:
    headings = re.findall(r"^## (.+)$", (INFRA / "RUNBOOK.md").read_text(), re.MULTILINE)
    names = [alarm["AlarmName"].removeprefix(f"{stack.name} ") for alarm in stack.of("AWS::CloudWatch::Alarm").values()]
    said = [f"infra/RUNBOOK.md has no heading `## {name}`" for name in names if name not in headings]
    said += [f"infra/RUNBOOK.md: no alarm is called `{heading}`" for heading in headings if heading not in names]
    return said + [f"infra/RUNBOOK.md has `## {heading}` twice" for heading in set(headings) if headings.count(heading) > 1]


def the_table_is_safe(stack: Stack) -> list[str]:
    tables = list(stack.resources[name] for name in stack.of("AWS::DynamoDB::Table"))
    if len(tables) != 1:
        return [f"{len(tables)} tables"]
    properties, said = tables[0]["Properties"], []
    for key, wanted in {
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "DeletionProtectionEnabled": stack.parameters["ProtectTable"] == "true",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    }.items():
        if properties.get(key) != wanted:
            said.append(f"the table's {key} is {properties.get(key)}")
    if tables[0].get("UpdateReplacePolicy") != "Retain":
        said.append("a replacement of the table would delete the old one")
    return said


def two_stacks_share_no_name(template: dict) -> list[str]:
    one = resolved(template)
    other = resolved(template, {"Platform": "acme-2"}, "spillway-acme-2")
    said = []
    for key, resource in one.resources.items():
        if resource["Type"] == "AWS::Scheduler::Schedule" and resource["Properties"]["GroupName"] == one.name:
            continue
        for name in ("Name", "FunctionName", "LogGroupName", "AlarmName", "DashboardName", "RoleName", "QueueName",
                     "TableName", "TopicName", "ManagedPolicyName"):
            value = resource.get("Properties", {}).get(name)
            if value is not None and value == other.resources[key]["Properties"].get(name):
                # Not a name of its own but a reference to another resource's.
                said.append(f"{key}: two stacks would share the name {value}")
    return said


def what_cannot_be_is_refused(template: dict) -> list[str]:
    given = {"Platform": "acme", "TagValue": "mgr"}
    said = []
    if len(refusals(template, given)) != 2:
        said.append("a VPC without subnets is not refused")
    if refusals(template, {**given, "Network": "public"}):
        said.append("being outside a VPC is refused")
    for wrong in ({"Platform": "a/b"}, {"Platform": "A"}, {"TagValue": "*"}, {"TagValue": ""}, {"SubnetIds": "subnet a"},
                  {"SettingsKeyArn": "alias/mine"}, {"Architecture": "riscv"},
                  {"ReservedConcurrency": "1"}, {"ReservedConcurrency": "2"}, {"VolumeKeyArns": "alias/mine"}):
        try:
            resolved(template, wrong)
        except Unresolved:
            continue
        said.append(f"{wrong} is accepted")
    return said


def templates() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(INFRA.glob("*.yaml"))}


def no_yaml_aliases(texts: dict[str, str]) -> list[str]:
    """CloudFormation does not read them; SAM does, so nothing else would notice."""
    return [f"{name} uses a YAML alias: {token.value}" for name, text in texts.items()
            for token in yaml.scan(text) if isinstance(token, (yaml.AliasToken, yaml.AnchorToken))]


def samconfig_is_whole(text: str) -> list[str]:
    config = tomllib.loads(text)
    said = []
    for name in ("default", "staging", "prod"):
        environment = config.get(name)
        if environment is None:
            said.append(f"there is no environment {name}")
            continue
        build, validate, deploy = (environment.get(part, {}).get("parameters", {})
                                   for part in ("build", "validate", "deploy"))
        if any(part.get("template_file") != "infra/template.yaml" for part in (build, validate)):
            said.append(f"{name} does not name the template for build and validate")
        if "template_file" in deploy or "template" in deploy:
            said.append(f"{name} would deploy sources that were not built")
        if build.get("cached") is not False:
            said.append(f"{name} caches builds, which keeps an old binary")
        if deploy.get("capabilities") != "CAPABILITY_IAM" or not deploy.get("stack_name"):
            said.append(f"{name} lacks its stack's name or capability")
    names = [config[name]["deploy"]["parameters"].get("stack_name") for name in config
             if "deploy" in (config[name] if isinstance(config[name], dict) else {})]
    return said + (["two environments have one stack"] if len(set(names)) != len(names) else [])


OF_A_STACK: list[Callable[[Stack], list[str]]] = [
    only_describes_are_allowed_on_everything, changes_to_instances_and_addresses_need_the_tag,
    every_function_has_a_role_of_its_own, every_asynchronous_source_has_dead_letters, retries_are_where_they_help,
    state_changes_are_handled_in_batches, every_function_is_watched_and_its_log_ends,
    alarms_wake_somebody_and_only_when_needed, the_runbook_has_one_heading_per_alarm, the_table_is_safe,
]
OF_A_TEMPLATE: list[Callable[[dict], list[str]]] = [two_stacks_share_no_name, what_cannot_be_is_refused]


def all_complaints(template: dict) -> dict[str, list[str]]:
    """By rule; a template that does not even resolve is one complaint."""
    try:
        stack = resolved(template)
    except Unresolved as error:
        return {"resolves": [str(error)]}
    return {rule.__name__: rule(stack) for rule in OF_A_STACK} | {rule.__name__: rule(template) for rule in OF_A_TEMPLATE}


