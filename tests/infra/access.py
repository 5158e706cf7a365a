"""What each role may do, asked of a real policy evaluation: ministack's, used as a library. It follows AWS's algorithm
(an explicit Deny wins, an Allow is needed, conditions on keys that are absent do not match); what a request looks like
is ours to say, call by call."""

from __future__ import annotations

import dataclasses

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from .expansion import ACCOUNT, REGION, Stack, arn_of

TAGGED = {"ec2:resourcetag/pexip-cloud": "mgr", "aws:resourcetag/pexip-cloud": "mgr"}
OTHERS = {"ec2:resourcetag/pexip-cloud": "another", "aws:resourcetag/pexip-cloud": "another"}
UNTAGGED: dict[str, str] = {}


@dataclasses.dataclass(frozen=True)
class Call:
    """One permission that a request needs."""

    what: str
    action: str
    resource: str
    context: dict[str, str] = dataclasses.field(default_factory=dict)


def ec2(kind: str, identifier: str, region: str = REGION, account: str = ACCOUNT) -> str:
    return f"arn:aws:ec2:{region}:{account}:{kind}/{identifier}"


INSTANCE, ADDRESS, INTERFACE = ec2("instance", "i-0a"), ec2("elastic-ip", "eipalloc-0a"), ec2("network-interface", "eni-0a")


def parameter(name: str, platform: str = "acme") -> str:
    return f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/spillway/{platform}/{name}"


def table(stack: Stack) -> str:
    return arn_of(stack, "Table")


POWER = [
    Call("start a tagged instance", "ec2:StartInstances", INSTANCE, TAGGED),
    Call("stop a tagged instance", "ec2:StopInstances", INSTANCE, TAGGED),
    Call("start a tagged instance in another region", "ec2:StartInstances", ec2("instance", "i-0a", "us-east-1"), TAGGED),
]
ASSOCIATE = [
    Call("associate a tagged address", "ec2:AssociateAddress", ADDRESS, TAGGED),
    Call("... with a tagged instance", "ec2:AssociateAddress", INSTANCE, TAGGED),
    Call("... and its tagged network interface", "ec2:AssociateAddress", INTERFACE, TAGGED),
]
DESCRIBE = [Call("describe instances", "ec2:DescribeInstances", "*")]
ADDRESSES = [Call("describe addresses", "ec2:DescribeAddresses", "*")]
SETTINGS = [Call(f"read {name}", "ssm:GetParameters", parameter(name))
            for name in ("policy", "management", "credentials", "ca")]


def ledger(stack: Stack, *actions: str) -> list[Call]:
    return [Call(f"{action} on the table", f"dynamodb:{action}", table(stack)) for action in actions]


def needed(stack: Stack) -> dict[str, list[Call]]:
    """Every call that a function makes, and that its surroundings make with its role; by role."""
    dead = Call("give up into the dead letters", "sqs:SendMessage", arn_of(stack, "DeadLetters"))
    lost = Call("give up a window", "sqs:SendMessage", arn_of(stack, "PrewarmDeadLetters"))

    def log(function: str) -> list[Call]:
        stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/{stack.name}-{function}:log-stream:a"
        return [Call("write its log", action, stream) for action in ("logs:CreateLogStream", "logs:PutLogEvents")]

    # What Lambda does with a function's role in a VPC. It is Lambda that asks: there is no lambda:SourceFunctionArn.
    network = [Call(f"Lambda: {action}", f"ec2:{action}", resource) for action, resource in (
        ("CreateNetworkInterface", ec2("subnet", "subnet-0a")),
        ("CreateNetworkInterface", ec2("subnet", "subnet-0b", account="444455556666")),
        ("CreateNetworkInterface", ec2("security-group", "sg-0a")),
        ("CreateNetworkInterface", ec2("network-interface", "eni-0a")),
        ("DeleteNetworkInterface", ec2("network-interface", "eni-0a")),
        ("AssignPrivateIpAddresses", ec2("network-interface", "eni-0a")),
        ("UnassignPrivateIpAddresses", ec2("network-interface", "eni-0a")),
        ("DescribeNetworkInterfaces", "*"), ("DescribeSubnets", "*"))]
    cycle = ledger(stack, "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")
    queue = arn_of(stack, "StateChanges")
    return {
        "EvaluatorRole": [*DESCRIBE, *POWER, *cycle, *SETTINGS, *log("evaluator"), dead, *network],
        "PrewarmRole": [*DESCRIBE, *POWER, *cycle, *SETTINGS, *log("prewarm"), lost, *network],
        "ReconcilerRole": [
            *DESCRIBE, *ADDRESSES, *ASSOCIATE, *ledger(stack, "Query", "PutItem"), *SETTINGS,
            *log("reconciler"), dead, *network,
            *(Call(f"Lambda: {action} from the queue", f"sqs:{action}", queue)
              for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))],
        "TimerRole": [Call("invoke", "lambda:InvokeFunction", arn_of(stack, name))
                      for name in ("EvaluatorFunction", "ReconcilerFunction")] + [dead],
        "WindowRole": [Call("invoke", "lambda:InvokeFunction", arn_of(stack, "PrewarmFunction")), dead, lost],
    }


def forbidden(stack: Stack) -> dict[str, list[Call]]:
    """What must be denied; by role."""
    stranger = [
        Call("start an instance without the tag", "ec2:StartInstances", INSTANCE, UNTAGGED),
        Call("stop an instance without the tag", "ec2:StopInstances", INSTANCE, UNTAGGED),
        Call("start another platform's instance", "ec2:StartInstances", INSTANCE, OTHERS),
        Call("stop another platform's instance", "ec2:StopInstances", INSTANCE, OTHERS),
        Call("start a tagged instance of another account", "ec2:StartInstances",
             ec2("instance", "i-0a", account="444455556666"), TAGGED),
    ]
    creation = [Call(f"{action} on a tagged instance", f"ec2:{action}", INSTANCE, TAGGED) for action in (
        "TerminateInstances", "RunInstances", "CreateTags", "DeleteTags", "RebootInstances", "ModifyInstanceAttribute")]
    elsewhere = [
        *(Call(f"{action} on another table", f"dynamodb:{action}", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/other")
          for action in ("Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem")),
        *(Call(f"{action} on its own table", f"dynamodb:{action}", table(stack))
          for action in ("Scan", "DeleteTable", "UpdateTable", "CreateBackup", "ExportTableToPointInTime")),
        Call("read another platform's settings", "ssm:GetParameters", parameter("credentials", "acme-2")),
        Call("read another path", "ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/other/secret"),
        Call("write its own settings", "ssm:PutParameter", parameter("policy")),
        Call("write another function's log", "logs:PutLogEvents",
             f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/other:log-stream:a"),
        Call("invoke a function", "lambda:InvokeFunction", arn_of(stack, "EvaluatorFunction")),
        Call("decrypt with any key", "kms:Decrypt", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/other",
             {"kms:viaservice": f"ssm.{REGION}.amazonaws.com"}),
        Call("pass a role", "iam:PassRole", arn_of(stack, "EvaluatorRole")),
    ]
    addresses = [
        Call("associate an address without the tag", "ec2:AssociateAddress", ADDRESS, UNTAGGED),
        Call("associate with an instance without the tag", "ec2:AssociateAddress", INSTANCE, UNTAGGED),
        Call("associate with an interface without the tag", "ec2:AssociateAddress", INTERFACE, UNTAGGED),
        Call("associate another platform's address", "ec2:AssociateAddress", ADDRESS, OTHERS),
        Call("release an address", "ec2:ReleaseAddress", ADDRESS, TAGGED),
        Call("allocate an address", "ec2:AllocateAddress", ADDRESS, TAGGED),
        Call("disassociate an address", "ec2:DisassociateAddress", ADDRESS, TAGGED),
    ]
    # The function's own code, told apart by the key that Lambda sets.
    inside = {"lambda:sourcefunctionarn": arn_of(stack, "EvaluatorFunction")}
    interfaces = [Call(f"{action} by the function's own code", f"ec2:{action}", INTERFACE, inside)
                  for action in ("CreateNetworkInterface", "DeleteNetworkInterface", "AssignPrivateIpAddresses",
                                 "UnassignPrivateIpAddresses")]
    elsewhere_in_the_network = [Call(f"{action}, which only who configures a function needs", f"ec2:{action}", "*")
                                for action in ("DescribeVpcs", "DescribeSecurityGroups")]
    functions = [*stranger, *creation, *elsewhere, *addresses, *interfaces, *elsewhere_in_the_network]
    schedules = [
        Call("invoke any function", "lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:other"),
        Call("start a tagged instance", "ec2:StartInstances", INSTANCE, TAGGED),
        Call("read the settings", "ssm:GetParameters", parameter("credentials")),
    ]
    return {
        "EvaluatorRole": [*functions, *ASSOCIATE, *ADDRESSES],
        "PrewarmRole": [*functions, *ASSOCIATE, *ADDRESSES],
        # Static addresses have nothing to do with power.
        "ReconcilerRole": [*functions, *POWER, *ledger(stack, "UpdateItem", "DeleteItem")],
        "TimerRole": [*schedules, Call("invoke the pre-warm", "lambda:InvokeFunction", arn_of(stack, "PrewarmFunction"))],
        "WindowRole": [*schedules, Call("invoke the evaluator", "lambda:InvokeFunction", arn_of(stack, "EvaluatorFunction"))],
    }


def may(policies: list[dict], call: Call, role: str) -> bool:
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session", principal_type="AssumedRole",
        principal_account=ACCOUNT, action=call.action, resource_arn=call.resource, region=REGION,
        source_ip="10.0.0.1", secure_transport=True, service_context=dict(call.context))
    return evaluate(context, [parse_policy_document(document) for document in policies]).decision == "Allow"


def complaints(stack: Stack) -> list[str]:
    """Where a role may too little or too much."""
    said = []
    for role, calls in needed(stack).items():
        said += [f"{role} may not {call.what} ({call.action})" for call in calls
                 if not may(stack.policies(role), call, role)]
    for role, calls in forbidden(stack).items():
        said += [f"{role} may {call.what} ({call.action})" for call in calls if may(stack.policies(role), call, role)]
    return said


def count(stack: Stack) -> int:
    return sum(len(calls) for side in (needed(stack), forbidden(stack)) for calls in side.values())
