"""Everything the evaluator meets, set up and running: the servers, the platform, its parameters, its table."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from . import aws, servers
from .ramp import Ramp
from .simulated import Management, fetch

PLATFORM = "nine"
TABLE = "spillway-nine"
TAG_VALUE = "mgr"
# Of what the callers' trace does not say: who calls whom.
SEED = 4
# From the start of the simulated platform to the first caller.
LEAD_S = 15
USERNAME, PASSWORD = "spillway", "s3cret-of-the-test"

# Real durations would make a test of hours. Each is a fraction of the real one; the order in which things happen
# is the same. What cannot be shortened (two idle readings are 30 s apart) is not.
BOOT_S = (8, 12)
REPLICATION_S = 2
MIN_LIFETIME_S = 60
POLICY = {
    "tag_value": TAG_VALUE, "threshold": 5, "min_lifetime": f"{MIN_LIFETIME_S}s", "boot_limit": "90s",
    "replication": f"{REPLICATION_S}s", "back_off": {"first": "10s", "longest": "60s"},
}


@dataclasses.dataclass
class Environment:
    directory: Path
    venv: Path
    moto: str
    dynamodb: str
    ministack: str
    management_url: str
    control: str
    ca: str
    ec2: object
    ssm: object
    table: object
    management: Management
    fleet: aws.Fleet

    @property
    def parameters(self) -> dict[str, str]:
        """As an operator would store them."""
        return {
            "policy": json.dumps({**POLICY, "vpcs": [self.fleet.vpc]}),
            "management": json.dumps({"addresses": [self.management_url], "authentication": "basic"}),
            "credentials": json.dumps({"username": USERNAME, "password": PASSWORD}),
            "ca": self.ca,
        }

    @property
    def variables(self) -> dict[str, str]:
        """As the stack would set it, and where AWS is."""
        return {
            "SPILLWAY_PLATFORM": PLATFORM, "SPILLWAY_TABLE": TABLE,
            "AWS_ENDPOINT_URL_EC2": self.moto, "AWS_ENDPOINT_URL_SSM": self.moto,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb, **servers.CREDENTIALS,
        }

    def put_parameters(self, **changed: str | None) -> None:
        """Stores the parameters, with some of them changed; `None` leaves one out."""
        wanted = {**self.parameters, **changed}
        for name in wanted:
            with contextlib.suppress(self.ssm.exceptions.ParameterNotFound):
                self.ssm.delete_parameter(Name=f"/spillway/{PLATFORM}/{name}")
        aws.put_parameters(self.ssm, PLATFORM, {name: value for name, value in wanted.items() if value is not None})


@contextlib.contextmanager
def running(binaries: Path, *, overflow: int, always_on: int, callers: Ramp | None = None,
            services: str = servers.FUNCTIONS_ALONE) -> Iterator[Environment]:
    """Servers up, platform built, parameters stored. The directory with the logs is kept if anything fails."""
    directory = Path(tempfile.mkdtemp(prefix="spillway-e2e-"))
    venv = Path(sys.prefix)
    try:
        with contextlib.ExitStack() as stack:
            moto = stack.enter_context(servers.moto_ec2(sys.executable, directory, pending_s=2, stopping_s=2))
            ministack = stack.enter_context(servers.ministack(venv, directory, services))
            port = servers.free_port()
            dynamodb = stack.enter_context(servers.server(
                "dynamodb", [str(binaries / "dynamodb"), "--port", str(port)], f"http://{servers.HOST}:{port}",
                log_dir=directory))
            management_url, control, ca = stack.enter_context(
                simulated(binaries, directory, callers, overflow=overflow, always_on=always_on))
            yield assemble(directory, venv, moto, dynamodb, ministack, management_url, control, ca)
    except BaseException:
        print(f"    the servers' logs are in {directory}", flush=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def simulated(binaries: Path, directory: Path, callers: Ramp | None, *, overflow: int, always_on: int
              ) -> Iterator[tuple[str, str, str]]:
    """The served Management Node, over HTTPS with a certificate authority of its own, and its control address."""
    listen, control = (f"{servers.HOST}:{servers.free_port()}" for _ in range(2))
    scenario, password, ca, trace = (directory / name for name in ("scenario.json", "password", "ca.pem", "callers.csv"))
    if callers:
        # This is the last server to start. What is left to do before the first cycle takes less than the lead; where it
        # takes longer, the beginning of the ramp is missed, and its plateau is not.
        callers.write(trace, dt.datetime.now(dt.timezone.utc).replace(tzinfo=None) + dt.timedelta(seconds=LEAD_S))
    scenario.write_text(json.dumps({
        "seed": SEED, "tag_value": TAG_VALUE,
        "locations": [{"name": "London", "overflow": "AWS burst", "share": 1.0}, {"name": "AWS burst"}],
        "nodes": [{"location": "London", "kind": "always_on", "count": always_on},
                  {"location": "AWS burst", "kind": "overflow", "count": overflow}],
        # A run over midnight needs the second day's callers.
        **({"load": {"trace": {"file": str(trace), "days": 2}}} if callers else {}),
        # Pexip's own bursting is off: the policy's mode is `control`.
        "bursting": {"enabled": False},
        "timing": {"pending_s": [1, 2], "ready_s": BOOT_S, "stopping_s": [1, 2], "report_s": [1, 3],
                   "never_ready": 0.0, "replication_s": REPLICATION_S, "upgrade_s": [4, 2]},
        # An invocation every few seconds instead of one a minute.
        "api": {"rate_limit": 0},
    }))
    password.write_text(PASSWORD)
    command = [str(binaries / "simulate"), "--listen", listen, "--control", control, "--ca-out", str(ca),
               "--platform", str(scenario), "--user", USERNAME, "--password-file", str(password)]
    with servers.server("simulate", command, f"http://{control}", log_dir=directory, probe="/sim/world") as url:
        yield f"https://{listen}", url, ca.read_text()


def assemble(directory: Path, venv: Path, moto: str, dynamodb: str, ministack: str, management_url: str,
             control: str, ca: str) -> Environment:
    ec2, ssm, table = (aws.client(*pair) for pair in (("ec2", moto), ("ssm", moto), ("dynamodb", dynamodb)))
    management = Management(management_url, USERNAME, PASSWORD, ca)
    nodes = {n["name"]: n["address"] for n in fetch(f"{control}/sim/world")["nodes"] if n["overflow"]}
    fleet = aws.build_fleet(ec2, TAG_VALUE, nodes)
    aws.create_table(table, TABLE)
    servers.wait_until(
        "all instances stopped",
        lambda: all(i["State"]["Name"] == "stopped" for i in aws.instances(ec2).values()), 20)
    built = Environment(directory, venv, moto, dynamodb, ministack, management_url, control, ca, ec2, ssm, table,
                  management, fleet)
    built.put_parameters()
    return built
