"""`python -m infra --sam tests/.venv-sam/bin/sam`: called by ./tests/run."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from e2e.checks import Checks

from . import access, broken, rules
from .expansion import INFRA, REGION, ROOT, Stack, expand, refusals, source, stack

# Parameters under which the expansion is another one.
VARIANTS = {
    "in a VPC": {},
    "outside a VPC": {"Network": "public", "SubnetIds": "", "SecurityGroupIds": ""},
    "with everything": {"SettingsKeyArn": f"arn:aws:kms:{REGION}:111122223333:key/a",
                        "VolumeKeyArns": f"arn:aws:kms:{REGION}:111122223333:key/v,arn:aws:kms:us-east-1:111122223333:key/w", "AlarmEmail": "noc@example.com",
                        "ReservedConcurrency": "3", "Architecture": "x86_64"},
    "with nothing": {"ProtectTable": "false", "Dashboard": "false", "WindowState": "DISABLED"},
}


def ran(command: list[str]) -> str:
    """Empty if it succeeded, else what it said."""
    env = {**os.environ, "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0", "AWS_ACCESS_KEY_ID": "test",
           "AWS_SECRET_ACCESS_KEY": "test"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-3000:]


def linted(checks: Checks, sam: Path) -> None:
    lint = str(Path(sys.prefix) / "bin/cfn-lint")
    said = ran([str(sam), "validate"])
    checks.that("sam validate --lint, as samconfig.toml asks for it", not said, said)
    for path in sorted(INFRA.glob("*.yaml")):
        said = ran([lint, str(path)])
        checks.that(f"cfn-lint on {path.name}", not said, said)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "expanded.json"
        path.write_text(json.dumps(expand(source())))
        said = ran([lint, str(path)])
        checks.that("cfn-lint on the expansion of template.yaml", not said, said)
        # What the source's lint lets pass: the expansion's has to see it.
        wrong = source()
        wrong["Globals"]["Function"]["Runtime"] = "provided.al1999"
        path.write_text(json.dumps(expand(wrong)))
        checks.that("cfn-lint sees a runtime that does not exist", "provided.al1999" in ran([lint, str(path)]))


# What parliament does not know. Each is AWS's own text (Lambda developer guide, *Giving Lambda functions access to
# resources in an Amazon VPC*), and has to be found, so that this list does not outlive its reasons.
UNKNOWN_TO_PARLIAMENT = {
    "NetworkPolicy: UNKNOWN_CONDITION_FOR_ACTION: lambda:SourceFunctionArn",
    "NetworkPolicy: RESOURCE_MISMATCH: network-interface",
}


def policies_of(built: Stack) -> dict[str, dict]:
    found = {f"{name}/{policy['PolicyName']}": policy["PolicyDocument"]
             for name, properties in built.of("AWS::IAM::Role").items() for policy in properties.get("Policies", [])}
    found |= {name: properties["PolicyDocument"] for name, properties in built.of("AWS::IAM::ManagedPolicy").items()}
    return found


def parliament_findings(document: dict) -> list[str]:
    with warnings.catch_warnings():
        # It reads its data through pkg_resources.
        warnings.simplefilter("ignore", UserWarning)
        import parliament
    policy = parliament.analyze_policy_string(json.dumps(document))
    return sorted({f"{finding.issue}: {told(finding.detail)}" for finding in policy.findings})


def told(detail: object) -> str:
    """A finding in few words: the types of resource that did not match, or the condition that is not known."""
    if isinstance(detail, list):
        return ", ".join(sorted({one["required_format"].split(":")[-1].removesuffix("/*") for one in detail}))
    found = re.search(r"Unknown condition (\S+) for action", str(detail))
    return found[1] if found else str(detail)


def policies(checks: Checks, variants: dict[str, Stack]) -> None:
    for variant, built in variants.items():
        said = {f"{name}: {finding}" for name, document in policies_of(built).items()
                for finding in parliament_findings(document)}
        known = UNKNOWN_TO_PARLIAMENT if "NetworkPolicy" in policies_of(built) else set()
        checks.that(f"parliament finds nothing in {len(policies_of(built))} policies, {variant}", said == known,
                    said ^ known)
    wrong = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:StartInstance", "Resource": "*"}]}
    checks.that("parliament sees an action that does not exist", parliament_findings(wrong))


def rights(checks: Checks, variants: dict[str, Stack]) -> None:
    built = variants["in a VPC"]
    said = access.complaints(built)
    checks.that(f"each role may what its function does and nothing else: {access.count(built)} calls evaluated",
                not said, said)
    with_key = variants["with everything"]
    key = access.Call("decrypt", "kms:Decrypt", str(with_key.parameters["SettingsKeyArn"]),
                      {"kms:viaservice": f"ssm.{REGION}.amazonaws.com"})
    for role in ("EvaluatorRole", "PrewarmRole", "ReconcilerRole"):
        checks.that(f"{role} decrypts with the settings' own key, through Parameter Store only",
                    access.may(with_key.policies(role), key, role)
                    and not access.may(with_key.policies(role), access.Call(key.what, key.action, key.resource), role)
                    and not access.may(built.policies(role), key, role))
    through_ec2 = {"kms:viaservice": "ec2.us-east-1.amazonaws.com", "kms:grantisforawsresource": "true"}
    for role, may in {"EvaluatorRole": True, "PrewarmRole": True, "ReconcilerRole": False}.items():
        def grant(key: str, context: dict[str, str], variant: Stack) -> bool:
            call = access.Call("grant", "kms:CreateGrant", f"arn:aws:kms:us-east-1:111122223333:key/{key}", context)
            return access.may(variant.policies(role), call, role)
        checks.that(f"{role} {'lets EC2 use' if may else 'has no right to'} the volumes' keys, through EC2 only",
                    grant("w", through_ec2, with_key) == may and not grant("other", through_ec2, with_key)
                    and not grant("w", {}, with_key) and not grant("w", through_ec2, built)
                    and not grant("w", {**through_ec2, "kms:grantisforawsresource": "false"}, with_key))
    for what, how, wanted in broken.RIGHTS:
        said = access.complaints(stack(broken.broken(source(), how)))
        checks.that(f"broken rights are seen: {what}", any(line.startswith(wanted) for line in said), said[:5])


def ours(checks: Checks, variants: dict[str, Stack]) -> None:
    for rule in rules.OF_A_STACK:
        for variant, built in variants.items():
            said = rule(built)
            checks.that(f"{rule.__name__.replace('_', ' ')}, {variant}", not said, said)
    for rule in rules.OF_A_TEMPLATE:
        said = rule(source())
        checks.that(rule.__name__.replace("_", " "), not said, said)
    files(checks)
    shown = set()
    for what, how, rule, wanted in broken.CASES:
        said = rules.all_complaints(broken.broken(source(), how)).get(rule, [])
        checks.that(f"a broken template is seen: {what}", any(wanted in line for line in said), said)
        shown.add(rule)
    never = {rule.__name__ for rule in rules.OF_A_STACK + rules.OF_A_TEMPLATE} - shown
    checks.that("every rule was broken at least once", not never, never)


def files(checks: Checks) -> None:
    said = rules.no_yaml_aliases(rules.templates())
    checks.that("no template uses a YAML alias", not said, said)
    checks.that("a YAML alias is seen", rules.no_yaml_aliases({"t": "a: &one [1]\nb: *one\n"}))
    config = (ROOT / "samconfig.toml").read_text()
    said = rules.samconfig_is_whole(config)
    checks.that("samconfig.toml has what SAM needs", not said, said)
    for what, (old, new) in {
        "a missing environment": ("[prod.", "[production."),
        "a template under deploy": ("resolve_s3 = true", 'resolve_s3 = true\ntemplate_file = "infra/template.yaml"'),
        "a cached build": ("cached = false", "cached = true"),
        "two environments with one stack": ("spillway-prod", "spillway-staging"),
        "a build without the template": ('template_file = "infra/template.yaml"', ""),
        "a deployment without its capability": ('capabilities = "CAPABILITY_IAM"', ""),
    }.items():
        checks.that(f"a broken samconfig.toml is seen: {what}", rules.samconfig_is_whole(config.replace(old, new)))


def further_region(checks: Checks) -> None:
    template = source("region.yaml")
    built = stack(template, {"HomeRegion": "us-east-1"}, "spillway-region")
    for rule in (rules.only_describes_are_allowed_on_everything, rules.every_function_has_a_role_of_its_own,
                 rules.every_asynchronous_source_has_dead_letters):
        said = rule(built)
        checks.that(f"region.yaml: {rule.__name__.replace('_', ' ')}", not said, said)
    home = stack(source())
    patterns = [list(one.of("AWS::Events::Rule").values())[0]["EventPattern"] for one in (built, home)]
    checks.that("region.yaml forwards what template.yaml listens to", patterns[0] == patterns[1], patterns)


def network(checks: Checks) -> None:
    template = source("network.yaml")
    given = {"VpcId": "vpc-1", "SubnetIds": "subnet-1", "RouteTableIds": "rtb-1"}
    checks.that("network.yaml: endpoints that lock out the VPC are refused", len(refusals(template, given)) == 1)
    checks.that("network.yaml: the security group alone needs no range",
                not refusals(template, {**given, "Endpoints": "false"}))
    groups = stack(template, {**given, "VpcCidr": "10.0.0.0/16"}, "spillway-network").of("AWS::EC2::SecurityGroup")
    admitted = [rule.get("CidrIp") for rule in groups["EndpointSecurityGroup"]["SecurityGroupIngress"]]
    checks.that("network.yaml: the endpoints let the VPC in", "10.0.0.0/16" in admitted, admitted)
    ports = {(rule["IpProtocol"], rule["FromPort"]) for rule in groups["FunctionSecurityGroup"]["SecurityGroupEgress"]}
    checks.that("network.yaml: the functions reach HTTPS and DNS servers, nothing else",
                ports == {("tcp", 443), ("udp", 53), ("tcp", 53)}, ports)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sam", type=Path, required=True, help="SAM's command line")
    options = parser.parse_args()
    # The transform asks for a region, and warns of metrics that nobody collects.
    logging.getLogger("samtranslator.metrics.metrics").setLevel(logging.ERROR)
    os.environ["AWS_DEFAULT_REGION"] = REGION
    checks = Checks()
    linted(checks, options.sam)
    variants = {name: stack(source(), given) for name, given in VARIANTS.items()}
    policies(checks, variants)
    rights(checks, variants)
    ours(checks, variants)
    further_region(checks)
    network(checks)
    print(f"template: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
