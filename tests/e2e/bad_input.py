"""What an operator gets wrong, each put before the real evaluator: the invocation fails or its cycle is refused, the
text names the thing and what to do, no secret is shown, and nothing on EC2 or the Management Node is touched."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

from . import aws, environment, servers
from .checks import Checks

WRONG_PASSWORD = "not-the-passw0rd"


@dataclasses.dataclass(frozen=True)
class Case:
    """`parameters` replace the right ones (`None`: left out), `environment` likewise; the answer holds every text."""

    name: str
    says: tuple[str, ...]
    parameters: dict[str, str | None] = dataclasses.field(default_factory=dict)
    environment: dict[str, str | None] = dataclasses.field(default_factory=dict)


def policy(system: environment.Environment, **changed: object) -> str:
    return json.dumps({**json.loads(system.parameters["policy"]), **changed})


def cases(system: environment.Environment) -> list[Case]:
    path = f"/spillway/{environment.PLATFORM}"
    closed = f"https://{servers.HOST}:{servers.free_port()}"
    address = {"addresses": [closed], "authentication": "basic"}
    return [
        Case("no policy", (f"{path}/policy", "put-parameter"), {"policy": None}),
        Case("no addresses", (f"{path}/management", "put-parameter"), {"management": None}),
        Case("no credentials", (f"{path}/credentials", "put-parameter", "SecureString"), {"credentials": None}),
        Case("a policy that is not JSON", ("policy", "JSON"), {"policy": "threshold: 5"}),
        Case("a misspelt key", ("treshold", "unknown"), {"policy": policy(system, treshold=5)}),
        Case("a value out of range", ("threshold", "1 to 10000"), {"policy": policy(system, threshold=0)}),
        Case("an invalid duration", ("boot_limit",), {"policy": policy(system, boot_limit="soon")}),
        Case("an unknown key beside the addresses", ("management", "insecure"),
             {"management": json.dumps({**address, "insecure": True})}),
        Case("a wrong password", ("401", "credentials"),
             {"credentials": json.dumps({"username": environment.USERNAME, "password": WRONG_PASSWORD})}),
        Case("an address where nobody listens", (closed,), {"management": json.dumps(address)}),
        Case("a CA that did not sign the certificate", (system.management_url, "certificate"),
             {"ca": another_ca()}),
        Case("a CA that is no certificate", ("ca",), {"ca": "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----"}),
        Case("a platform's name that cannot be one", ("SPILLWAY_PLATFORM",), environment={"SPILLWAY_PLATFORM": "a/b"}),
        Case("no platform's name", ("SPILLWAY_PLATFORM",), environment={"SPILLWAY_PLATFORM": None}),
        Case("no table's name", ("SPILLWAY_TABLE",), environment={"SPILLWAY_TABLE": None}),
        Case("an unknown table", ("no-such-table",), environment={"SPILLWAY_TABLE": "no-such-table"}),
    ]


def run(binaries: Path, checks: Checks) -> None:
    # A platform in need: with a threshold above what is free the evaluator would start nodes, if it could.
    with environment.running(binaries, overflow=2, always_on=1) as system:
        play(system, binaries / "evaluator", checks)


def play(system: environment.Environment, binary: Path, checks: Checks) -> None:
    before = snapshot(system)
    needy = policy(system, threshold=100)
    function = aws.Function(system.ministack, "evaluator", binary, system.variables)
    for case in cases(system):
        system.put_parameters(**{"policy": needy, **case.parameters})
        variables = {**system.variables, **case.environment, "CASE": case.name}
        function.set_environment({name: value for name, value in variables.items() if value is not None})
        log = system.directory / "ministack.log"
        already = log.stat().st_size
        reply = function.invoke({})
        # A function that ends before its first invocation says why in its log only.
        said = reply.text + log.read_bytes()[already:].decode("utf-8", "replace")
        outcome = reply.payload.get("outcome") if isinstance(reply.payload, dict) else None
        checks.that(f"{case.name}: the invocation fails, or its cycle does not act",
                    reply.error or outcome in ("refused", "outage", "ledger_down"), said[:600])
        missing = [text for text in case.says if text not in said]
        checks.that(f"{case.name}: the text names it ({', '.join(case.says)})", not missing,
                    f"{missing} not in {said[:900]}")
        if "SPILLWAY_TABLE" in case.environment and case.environment["SPILLWAY_TABLE"]:
            # Without its ledger the evaluator may start one node per location in need, and no more.
            up = [i for i in aws.instances(system.ec2).values() if i["State"]["Name"] in ("pending", "running")]
            checks.that(f"{case.name}: at most one node was started", len(up) <= 1, up)
            settle(system)
        else:
            checks.that(f"{case.name}: nothing was touched", snapshot(system) == before, (before, snapshot(system)))
    log = (system.directory / "ministack.log").read_text(errors="replace")
    said = log + "".join(reply.text for reply in function.replies)
    for secret in (environment.PASSWORD, WRONG_PASSWORD):
        checks.that("no password was shown", secret not in said)
    # The proof that the cases above did keep it from acting.
    system.put_parameters(policy=needy)
    function.set_environment({**system.variables, "CASE": "everything right"})
    reply = function.invoke({})
    checks.that("with everything right, the same platform's nodes are started",
                reply.error is None and snapshot(system) != before, reply.text[:600])


def snapshot(system: environment.Environment) -> dict[str, object]:
    fleet = {i: (d["State"]["Name"], str(d["LaunchTime"])) for i, d in aws.instances(system.ec2).items()}
    return {"fleet": fleet, "maintenance": system.management.maintenance()}


def settle(system: environment.Environment) -> None:
    """Back to the beginning: everything stopped."""
    up = [i for i, d in aws.instances(system.ec2).items() if d["State"]["Name"] in ("pending", "running")]
    if up:
        system.ec2.stop_instances(InstanceIds=up)
    servers.wait_until("all instances stopped", lambda: all(
        d["State"]["Name"] == "stopped" for d in aws.instances(system.ec2).values()), 20)


def another_ca() -> str:
    """A certificate authority that signed nothing here."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Another CA")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
