"""A template broken in one way each, and the rule that has to say so. A rule that nothing here breaks is no rule."""

from __future__ import annotations

import copy
from collections.abc import Callable

Break = Callable[[dict], object]


def properties(template: dict, name: str) -> dict:
    return template["Resources"][name]["Properties"]


def statement(template: dict, role: str, sid: str) -> dict:
    for policy in properties(template, role)["Policies"]:
        for one in policy["PolicyDocument"]["Statement"]:
            if one.get("Sid") == sid:
                return one
    raise KeyError(f"{role} has no statement {sid}")


def target(template: dict, name: str) -> dict:
    return properties(template, name)["Target"]


def drop(template: dict, name: str) -> object:
    return template["Resources"].pop(name)


def drop_alarm(template: dict, name: str) -> None:
    drop(template, name)
    # The dashboard shows every alarm.
    drop(template, "PlatformDashboard")
    del template["Outputs"]["DashboardUrl"]


# (what is wrong, how, which rule has to complain, what its complaint must hold)
CASES: list[tuple[str, Break, str, str]] = [
    ("start and stop on everything",
     lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances").update(Resource="*"),
     "only_describes_are_allowed_on_everything", "ec2:StartInstances"),
    ("a wildcard action",
     lambda t: statement(t, "PrewarmRole", "Ledger").update(Action=["dynamodb:*"]),
     "only_describes_are_allowed_on_everything", "wildcard"),
    ("start and stop without the tag",
     lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances").pop("Condition"),
     "changes_to_instances_and_addresses_need_the_tag", "ec2:StopInstances"),
    ("an interface without the tag",
     lambda t: statement(t, "ReconcilerRole", "WithTaggedNetworkInterface").pop("Condition"),
     "changes_to_instances_and_addresses_need_the_tag", "ec2:AssociateAddress"),
    ("one role for two functions",
     lambda t: properties(t, "PrewarmFunction").update(Role=properties(t, "EvaluatorFunction")["Role"]),
     "every_function_has_a_role_of_its_own", "shares"),
    ("a role for anybody's scheduler",
     lambda t: properties(t, "TimerRole")["AssumeRolePolicyDocument"]["Statement"][0].pop("Condition"),
     "every_function_has_a_role_of_its_own", "any account"),
    ("a managed policy of AWS",
     lambda t: properties(t, "EvaluatorRole").update(
         ManagedPolicyArns=["arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"]),
     "every_function_has_a_role_of_its_own", "managed policy"),
    ("a schedule without dead letters",
     lambda t: target(t, "Window").pop("DeadLetterConfig"),
     "every_asynchronous_source_has_dead_letters", "Window has no"),
    ("a schedule whose role may not give up",
     lambda t: statement(t, "WindowRole", "DeadLetters").update(Action=["sqs:GetQueueUrl"]),
     "every_asynchronous_source_has_dead_letters", "Window: its role"),
    ("a rule without dead letters",
     lambda t: properties(t, "StateChangeRule")["Targets"][0].pop("DeadLetterConfig"),
     "every_asynchronous_source_has_dead_letters", "StateChangeRule has no"),
    ("dead letters of a rule without a policy", lambda t: drop(t, "DeadLettersPolicy"),
     "every_asynchronous_source_has_dead_letters", "dead-letter queue has no policy"),
    ("a queue that the rule may not write to", lambda t: drop(t, "StateChangesPolicy"),
     "every_asynchronous_source_has_dead_letters", "its queue has no policy"),
    ("a queue policy for anybody's rule",
     lambda t: properties(t, "StateChangesPolicy")["PolicyDocument"]["Statement"][0].pop("Condition"),
     "every_asynchronous_source_has_dead_letters", "its queue has no policy"),
    ("a function without a destination for failures",
     lambda t: properties(t, "ReconcilerFunction")["EventInvokeConfig"].pop("DestinationConfig"),
     "every_asynchronous_source_has_dead_letters", "ReconcilerFunction has no"),
    ("a function whose role may not give up",
     lambda t: statement(t, "EvaluatorRole", "DeadLetters").update(Action=["sqs:GetQueueUrl"]),
     "every_asynchronous_source_has_dead_letters", "EvaluatorFunction: its role"),
    ("a queue that never gives up", lambda t: properties(t, "StateChanges").pop("RedrivePolicy"),
     "every_asynchronous_source_has_dead_letters", "its queue has no dead-letter queue"),
    ("an evaluation tried again", lambda t: target(t, "EvaluatorSchedule").pop("RetryPolicy"),
     "retries_are_where_they_help", "EvaluatorSchedule: a timer"),
    ("an evaluation that may be old",
     lambda t: target(t, "EvaluatorSchedule")["RetryPolicy"].update(MaximumEventAgeInSeconds=3600),
     "retries_are_where_they_help", "older than a minute"),
    ("a pre-warm that is not tried again",
     lambda t: properties(t, "PrewarmFunction")["EventInvokeConfig"].update(MaximumRetryAttempts=0),
     "retries_are_where_they_help", "not tried again"),
    ("a schedule in another group", lambda t: properties(t, "Window").update(GroupName="default"),
     "retries_are_where_they_help", "not in the stack's group"),
    ("state changes one by one",
     lambda t: properties(t, "ReconcilerFunction")["Events"]["StateChanges"]["Properties"].pop("MaximumBatchingWindowInSeconds"),
     "state_changes_are_handled_in_batches", "MaximumBatchingWindowInSeconds"),
    ("a failed message takes the batch with it",
     lambda t: properties(t, "ReconcilerFunction")["Events"]["StateChanges"]["Properties"].pop("FunctionResponseTypes"),
     "state_changes_are_handled_in_batches", "FunctionResponseTypes"),
    ("a message shown again too early", lambda t: properties(t, "StateChanges").update(VisibilityTimeout=60),
     "state_changes_are_handled_in_batches", "again before"),
    ("a state that is not listened to",
     lambda t: properties(t, "StateChangeRule")["EventPattern"]["detail"]["state"].remove("stopped"),
     "state_changes_are_handled_in_batches", "listens"),
    ("a log that never ends", lambda t: properties(t, "PrewarmLog").pop("RetentionInDays"),
     "every_function_is_watched_and_its_log_ends", "PrewarmFunction has no log group"),
    ("a function that nobody watches", lambda t: drop_alarm(t, "ReconcilerErrorsAlarm"),
     "every_function_is_watched_and_its_log_ends", "ReconcilerFunction has no alarm"),
    ("a timeout beyond the lease", lambda t: t["Globals"]["Function"].update(Timeout=60),
     "every_function_is_watched_and_its_log_ends", "timeout"),
    ("a function that does not know its table",
     lambda t: t["Globals"]["Function"]["Environment"]["Variables"].pop("SPILLWAY_TABLE"),
     "every_function_is_watched_and_its_log_ends", "platform and table"),
    ("the log level set twice",
     lambda t: properties(t, "EvaluatorFunction")["LoggingConfig"].update(LogFormat="JSON", ApplicationLogLevel="INFO"),
     "every_function_is_watched_and_its_log_ends", "twice"),
    ("a managed runtime", lambda t: t["Globals"]["Function"].update(Runtime="provided.al2"),
     "every_function_is_watched_and_its_log_ends", "runs on"),
    ("an alarm too few", lambda t: drop_alarm(t, "DroppedByUsAlarm"),
     "alarms_wake_somebody_and_only_when_needed", "DroppedByUs"),
    ("an alarm that tells nobody", lambda t: properties(t, "DeadLettersAlarm").pop("AlarmActions"),
     "alarms_wake_somebody_and_only_when_needed", "DeadLettersAlarm tells nobody"),
    ("a lost window among letters that heal themselves",
     lambda t: target(t, "Window").update(DeadLetterConfig={"Arn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}),
     "alarms_wake_somebody_and_only_when_needed", "Window shares its dead letters"),
    ("nobody told of a lost window", lambda t: drop_alarm(t, "PrewarmDeadLettersAlarm"),
     "alarms_wake_somebody_and_only_when_needed", "no alarm on the dead letters of Window"),
    ("an alarm for a failed start",
     lambda t: properties(t, "RefusedStartsAlarm").update(MetricName="FailedStarts"),
     "alarms_wake_somebody_and_only_when_needed", "wakes somebody for FailedStarts"),
    ("an alarm on a metric that nobody emits",
     lambda t: properties(t, "DroppedByUsAlarm").update(MetricName="CallsDropped"),
     "alarms_wake_somebody_and_only_when_needed", "no function emits CallsDropped"),
    ("an alarm on every platform at once", lambda t: properties(t, "NoGoodCycleAlarm").update(Dimensions=[]),
     "alarms_wake_somebody_and_only_when_needed", "another platform"),
    ("silence taken for health",
     lambda t: properties(t, "NoGoodCycleAlarm").update(TreatMissingData="notBreaching"),
     "alarms_wake_somebody_and_only_when_needed", "silence must wake"),
    ("a sweep that never comes taken for right addresses",
     lambda t: properties(t, "AddressesWrongAlarm").update(TreatMissingData="notBreaching"),
     "alarms_wake_somebody_and_only_when_needed", "AddressesWrongAlarm: 900 s of silence"),
    ("nobody told of wrong addresses", lambda t: drop_alarm(t, "AddressesWrongAlarm"),
     "alarms_wake_somebody_and_only_when_needed", "AddressesWrongNow"),
    ("an alarm that does not say what silence means",
     lambda t: properties(t, "UncoveredShortfallAlarm").pop("TreatMissingData"),
     "alarms_wake_somebody_and_only_when_needed", "what silence means"),
    ("an alarm that the runbook does not know",
     lambda t: properties(t, "DeadLettersAlarm").update(AlarmName="letters"),
     "the_runbook_has_one_heading_per_alarm", "no heading `## letters`"),
    ("a table without point-in-time recovery",
     lambda t: properties(t, "Table").pop("PointInTimeRecoverySpecification"),
     "the_table_is_safe", "PointInTimeRecovery"),
    ("a table that can be deleted", lambda t: properties(t, "Table").update(DeletionProtectionEnabled=False),
     "the_table_is_safe", "DeletionProtectionEnabled"),
    ("a table whose items never expire", lambda t: properties(t, "Table").pop("TimeToLiveSpecification"),
     "the_table_is_safe", "TimeToLive"),
    ("a table that a replacement would delete", lambda t: t["Resources"]["Table"].pop("UpdateReplacePolicy"),
     "the_table_is_safe", "replacement"),
    ("a fixed function name", lambda t: properties(t, "EvaluatorFunction").update(FunctionName="spillway-evaluator"),
     "two_stacks_share_no_name", "spillway-evaluator"),
    ("a fixed schedule name outside the stack's group", lambda t: properties(t, "Window").update(GroupName="default"),
     "two_stacks_share_no_name", "weekday-morning"),
    ("a fixed queue name", lambda t: properties(t, "DeadLetters").update(QueueName="dead-letters"),
     "two_stacks_share_no_name", "dead-letters"),
    ("a VPC without subnets", lambda t: t.pop("Rules"), "what_cannot_be_is_refused", "without subnets"),
    ("a platform's name with a slash", lambda t: t["Parameters"]["Platform"].pop("AllowedPattern"),
     "what_cannot_be_is_refused", "a/b"),
    ("a tag value that is a wildcard", lambda t: t["Parameters"]["TagValue"].pop("AllowedPattern"),
     "what_cannot_be_is_refused", "'*'"),
    ("dead letters that are not there",
     lambda t: properties(t, "EvaluatorSchedule")["Target"].update(
         DeadLetterConfig={"Arn": {"Fn::GetAtt": ["NoSuchQueue", "Arn"]}}),
     "resolves", "NoSuchQueue"),
]

# Broken rights, and what the policy evaluation has to say.
RIGHTS: list[tuple[str, Break, str]] = [
    ("the tag's condition is gone",
     lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances").pop("Condition"),
     "EvaluatorRole may stop an instance without the tag"),
    ("another tag's condition",
     lambda t: statement(t, "PrewarmRole", "StartAndStopTaggedInstances").update(
         Condition={"StringEquals": {"ec2:ResourceTag/team": "mgr"}}),
     "PrewarmRole may not start a tagged instance"),
    ("terminate beside stop",
     lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances")["Action"].append("ec2:TerminateInstances"),
     "EvaluatorRole may TerminateInstances"),
    ("tags beside stop",
     lambda t: statement(t, "PrewarmRole", "StartAndStopTaggedInstances")["Action"].append("ec2:CreateTags"),
     "PrewarmRole may CreateTags"),
    ("run", lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances")["Action"].append("ec2:RunInstances"),
     "EvaluatorRole may RunInstances"),
    ("every table",
     lambda t: statement(t, "ReconcilerRole", "Ledger").update(Resource={"Fn::Sub": "arn:aws:dynamodb:*:*:table/*"}),
     "ReconcilerRole may Query on another table"),
    ("too few rights on the table",
     lambda t: statement(t, "EvaluatorRole", "Ledger")["Action"].remove("dynamodb:ConditionCheckItem"),
     "EvaluatorRole may not ConditionCheckItem on the table"),
    ("a scan", lambda t: statement(t, "EvaluatorRole", "Ledger")["Action"].append("dynamodb:Scan"),
     "EvaluatorRole may Scan"),
    ("every parameter",
     lambda t: statement(t, "EvaluatorRole", "Settings").update(Resource={"Fn::Sub": "arn:aws:ssm:*:*:parameter/*"}),
     "EvaluatorRole may read another path"),
    ("a path whose end is open",
     lambda t: statement(t, "EvaluatorRole", "Settings").update(
         Resource={"Fn::Sub": "arn:aws:ssm:${AWS::Region}:${AWS::AccountId}:parameter/spillway/${Platform}*"}),
     "EvaluatorRole may read another platform's settings"),
    ("an address without the tag",
     lambda t: statement(t, "ReconcilerRole", "AssociateTaggedAddress").pop("Condition"),
     "ReconcilerRole may associate an address without the tag"),
    ("an interface without the tag",
     lambda t: statement(t, "ReconcilerRole", "WithTaggedNetworkInterface").pop("Condition"),
     "ReconcilerRole may associate with an interface without the tag"),
    ("an interface that is forgotten",
     lambda t: statement(t, "ReconcilerRole", "WithTaggedNetworkInterface").update(Effect="Deny"),
     "ReconcilerRole may not ... and its tagged network interface"),
    ("instances of any account",
     lambda t: statement(t, "EvaluatorRole", "StartAndStopTaggedInstances").update(Resource="arn:aws:ec2:*:*:instance/*"),
     "EvaluatorRole may start a tagged instance of another account"),
    ("interfaces by the function's own code",
     lambda t: properties(t, "NetworkPolicy")["PolicyDocument"]["Statement"].pop(),
     "EvaluatorRole may CreateNetworkInterface by the function's own code"),
    ("one role for all schedules",
     lambda t: statement(t, "WindowRole", "Invoke")["Resource"].append({"Fn::GetAtt": ["EvaluatorFunction", "Arn"]}),
     "WindowRole may invoke the evaluator"),
]


def broken(template: dict, how: Break) -> dict:
    copied = copy.deepcopy(template)
    how(copied)
    return copied
