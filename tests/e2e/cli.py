"""What an operator reads and sets with `spillway`, by the real binary: text and JSON, effects in Parameter Store and in the
history, exit codes, and what is said to somebody who gets something wrong. moto is EC2, SSM, STS and Scheduler."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import subprocess
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import aws, bad_input, environment, servers, skewed
from .checks import Checks
from .documented import undocumented
from .simulated import Bridge, fetch

DONE, FAILED, USAGE, REFUSED, PARTLY = range(5)
WHO = "user/moto"
NEW_PASSWORD = "a-new-passw0rd-of-the-operator"
GROUP = "spillway-nine"


class Cli:
    """`spillway` as a person in a pipe runs it: no terminal, so no colour and nobody to ask."""

    def __init__(self, system: environment.Environment, binary: Path) -> None:
        self._binary = binary
        self.env = {**os.environ, **system.variables, "AWS_ENDPOINT_URL_STS": system.moto,
                    "AWS_ENDPOINT_URL_SCHEDULER": system.moto, "TZ": "Europe/Oslo"}
        for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "COLUMNS"):
            self.env.pop(name, None)
        self.said: list[str] = []
        self.printed: list[str] = []

    def __call__(self, *words: str, stdin: str | None = None, **env: str | None) -> subprocess.CompletedProcess:
        print(f"    $ spillway {' '.join(words)}", flush=True)
        wanted = {name: value for name, value in {**self.env, **env}.items() if value is not None}
        reply = subprocess.run([str(self._binary), *words], input=stdin or "", text=True, capture_output=True,
                               env=wanted, timeout=120)
        self.said += [reply.stdout, reply.stderr]
        return reply

    def value(self, *words: str, **env: str | None) -> dict:
        reply = self(*words, "--json", **env)
        self.printed.append(reply.stdout)
        try:
            return json.loads(reply.stdout.splitlines()[-1])
        except (IndexError, json.JSONDecodeError):
            raise RuntimeError(f"no JSON from {words}: {reply.stdout!r} {reply.stderr!r}") from None


def run(binaries: Path, checks: Checks) -> None:
    with environment.running(binaries, overflow=3, always_on=1) as system:
        cli = Cli(system, binaries / "spillway")
        offline(cli, system, checks)
        mistakes(cli, system, checks)
        quiet(cli, checks)
        policy(cli, system, checks)
        settings(cli, system, checks)
        windows(cli, system, checks)
        doctor(cli, system, checks)
        clocks(cli, system, checks)
        certificates(cli, system, checks)
        at_work(cli, system, checks)
        unknown = undocumented(cli.printed)
        checks.that("every key of the JSON that was printed is in shared/cli/README.md", not unknown, unknown)
        secrets(cli, checks)


def says(checks: Checks, what: str, reply: subprocess.CompletedProcess, code: int, *texts: str) -> None:
    said = reply.stdout + reply.stderr
    missing = [text for text in texts if text not in said]
    checks.that(f"{what}: ends with {code}" + (f" and says {', '.join(texts)}" if texts else ""),
                reply.returncode == code and not missing, (reply.returncode, missing, said[:900]))


def offline(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    """What needs no AWS at all works without any."""
    nothing = {"AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:1", "SPILLWAY_PLATFORM": None}
    commands = ("status", "history", "plan", "doctor", "cost", "compare", "prewarm", "policy", "settings", "completions")
    says(checks, "help", cli("--help", **nothing), DONE, *commands, "Exit codes")
    says(checks, "no command", cli(**nothing), USAGE, "Usage")
    says(checks, "an unknown command", cli("stattus", **nothing), USAGE, "status")
    for shell, mark in (("bash", "complete -F"), ("zsh", "#compdef spillway"), ("fish", "complete -c spillway")):
        says(checks, f"completions for {shell}", cli("completions", shell, **nothing), DONE, mark, "prewarm")
    file = system.directory / "policy.json"
    for content, code, texts in (
        ('{"tag_value": "mgr"}', DONE, ("valid",)),
        ('{"tag_value": "mgr", "threshold": 0}', USAGE, ("threshold", "1 to 10000")),
        ('{"tag_value": "mgr", "treshold": 5}', USAGE, ("treshold",)),
        ("threshold: 5", USAGE, ("JSON",)),
    ):
        file.write_text(content)
        says(checks, f"policy validate {content}", cli("policy", "validate", str(file), **nothing), code, *texts)
    says(checks, "policy validate of no file", cli("policy", "validate", "/nowhere.json", **nothing), USAGE, "/nowhere.json")
    reply = cli("policy", "validate", "-", stdin='{"tag_value": "mgr"}', **nothing)
    says(checks, "policy validate from standard input", reply, DONE, "valid")
    # Of several runs the best: other processes share this machine.
    best = min(timed(cli) for _ in range(10))
    checks.that("--help takes less than 100 ms in a debug build", best < 0.1, f"{best * 1000:.0f} ms")
    print(f"    --help: {best * 1000:.1f} ms, the best of ten, debug build")


def timed(cli: Cli) -> float:
    began = time.perf_counter()
    subprocess.run([str(cli._binary), "--help"], stdout=subprocess.DEVNULL, env=cli.env, check=True)
    return time.perf_counter() - began


def mistakes(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    says(checks, "no platform", cli("status", SPILLWAY_PLATFORM=None), USAGE, "--platform", "SPILLWAY_PLATFORM")
    says(checks, "an unknown platform", cli("status", "--platform", "nobody"), USAGE,
         "/spillway/nobody/policy", "put-parameter")
    says(checks, "an invalid name", cli("status", "--platform", "a/b"), USAGE, "a/b")
    says(checks, "no region", cli("status", AWS_REGION=None, AWS_DEFAULT_REGION=None), USAGE, "--region")
    # The environment has keys, and they must not be taken instead.
    says(checks, "an unknown profile", cli("whoami", "--profile", "nobody"), USAGE, "the AWS profile nobody was not found")
    says(checks, "no table", cli("history", SPILLWAY_TABLE=None), USAGE, "--table")
    says(checks, "an unknown table", cli("history", "--table", "no-such-table"), FAILED, "no-such-table")
    says(checks, "an invalid time", cli("history", "--since", "yesterday-ish"), USAGE, "yesterday-ish", "24h")
    says(checks, "a period that ends before it begins", cli("cost", "--since", "1h", "--until", "2h"), USAGE, "--since")
    says(checks, "an unknown kind", cli("history", "--kind", "begin"), USAGE, "start refused")
    says(checks, "Parameter Store that does not answer",
         cli("status", AWS_ENDPOINT_URL_SSM="http://127.0.0.1:1"), FAILED, "SSM")
    closed = f"https://{servers.HOST}:{servers.free_port()}"
    system.put_parameters(management=json.dumps({"addresses": [closed], "authentication": "basic"}))
    reply = cli("status")
    says(checks, "status without the Management Node", reply, FAILED, closed, "room not known",
         # Which of the tagged instances are nodes only the Management Node knows: here one is not.
         "4 overflow nodes stopped")
    value = cli.value("status")
    checks.that("status without the Management Node, as JSON: room is null and the error is given",
                value["first"]["room_now"] is None and any(closed in each["what"] for each in value["trouble"]), value)
    says(checks, "doctor without the Management Node", cli("doctor"), FAILED, "BAD", closed)
    system.put_parameters(credentials=json.dumps({"username": environment.USERNAME, "password": bad_input.WRONG_PASSWORD}))
    says(checks, "status with a wrong password", cli("status"), FAILED, "401", "credentials")
    system.put_parameters()
    value = cli.value("status", "--platform", "nobody")
    checks.that("an error is JSON too, with its exit code and what to do",
                value["schema"] == 1 and value["error"]["exit"] == USAGE and value["error"]["remedy"], value)
    reply = cli("status", "--platform", "nine", "--platform", "nobody")
    says(checks, "one of two platforms", reply, PARTLY, "nine: NO CYCLE RUNS | room for 17 HD calls", "nobody")


def quiet(cli: Cli, checks: Checks) -> None:
    never = cli("status")
    says(checks, "status before any cycle is no success, and says so first", never, FAILED, "nine: NO CYCLE RUNS | room for 17",
         "no cycle has ever run")
    says(checks, "and doctor", cli("doctor"), DONE, "no cycle has run yet")
    says(checks, "a cycle with nothing to do", cli("apply", "--yes"), DONE, "nothing")
    reply = cli("status")
    says(checks, "status", reply, DONE, "room for 17 HD calls now, 17 in 5 min", "licences left", "PRINCIPAL LOCATION",
         "London", "AWS burst", "0 of 3", "3 overflow nodes stopped", "no Conferencing Node has its private address")
    checks.that("and no escape sequence goes into a pipe", "\x1b" not in reply.stdout, reply.stdout[:200])
    now = dt.datetime.now(dt.timezone.utc)
    checks.that("times are in the operator's zone", " CE" in reply.stdout.splitlines()[-1], reply.stdout)
    utc = cli("status", "--utc").stdout
    checks.that("and in UTC when asked", "UTC" in utc.splitlines()[-1] and f"{now:%Y}" in utc, utc[-200:])
    says(checks, "status --all", cli("status", "--all"), DONE, "aws-burst-3", "stopped")
    value = cli.value("status")
    checks.that("status as JSON has schema 1, three nodes, and the age of the data",
                value["schema"] == 1 and len(value["nodes"]) == 3 and value["first"]["oldest_report_s"] is not None, value)
    says(checks, "plan", cli("plan"), DONE, "nothing", "not needed")
    says(checks, "whoami", cli("whoami"), DONE, WHO)
    says(checks, "history of nothing", cli("history"), DONE, "no events")
    checks.that("cost of nothing is nothing", cli.value("cost")["cost"]["node_hours"] == 0)
    watch = subprocess.Popen([str(cli._binary), "status", "--watch"], env=cli.env, text=True, stdout=subprocess.PIPE)
    line = watch.stdout.readline()
    watch.send_signal(2)
    watch.communicate(timeout=20)
    checks.that("status --watch shows the same and ends well when interrupted",
                "room for 17" in line and watch.returncode == 0, (line, watch.returncode))


def stored(system: environment.Environment, name: str) -> dict:
    return system.ssm.get_parameter(Name=f"/spillway/{environment.PLATFORM}/{name}", WithDecryption=True)["Parameter"]


def policy(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    before = stored(system, "policy")["Value"]
    checks.that("policy get prints what is stored", cli("policy", "get").stdout.strip() == before)
    file = system.directory / "policy.json"
    wanted = {**json.loads(before), "threshold": 100, "price_per_hour": {"c5.2xlarge": 0.5}}
    file.write_text(json.dumps({**wanted, "threshold": 0}))
    says(checks, "policy set out of range", cli("policy", "set", str(file), "--yes"), USAGE, "threshold", "1 to 10000")
    file.write_text(json.dumps(wanted))
    says(checks, "policy diff", cli("policy", "diff", str(file)), DONE, "threshold: 5 -> 100", "price_per_hour")
    says(checks, "policy set with nobody to ask", cli("policy", "set", str(file)), REFUSED, "--yes",
         f"platform nine in AWS account 123456789012, region {servers.REGION}, as {WHO}")
    checks.that("until then nothing was changed", stored(system, "policy")["Value"] == before)
    says(checks, "policy set", cli("policy", "set", str(file), "--yes", "--reason", "more room"), DONE, "threshold: 5 -> 100",
         "4 instances with the tag")
    other = system.directory / "other.json"
    other.write_text(json.dumps({**wanted, "tag_value": "nobody", "thresholds": {"Londom": 5}}))
    says(checks, "policy set with a tag that no instance has and an unknown location", cli("policy", "set", str(other)), REFUSED,
         "0 instances match", "Londom")
    checks.that("the policy is stored", json.loads(stored(system, "policy")["Value"]) == wanted)
    says(checks, "policy set again", cli("policy", "set", str(file), "--yes"), DONE, "no difference")
    events = cli.value("history", "--since", "1h")["events"]
    checks.that("it is in the history, with the operator and the reason",
                any(e["kind"] == "operated" and e["by"] == {"person": WHO} and "more room" in e["reason"]
                    and "threshold" in e["reason"] for e in events), events)


def settings(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    credentials = system.directory / "credentials.json"
    credentials.write_text(json.dumps({"username": environment.USERNAME, "passwort": NEW_PASSWORD}))
    says(checks, "credentials with a misspelt key", cli("settings", "put", "credentials", str(credentials), "--yes"), USAGE,
         "password")
    credentials.write_text(json.dumps({"username": environment.USERNAME, "password": NEW_PASSWORD}))
    says(checks, "credentials with nobody to ask", cli("settings", "put", "credentials", str(credentials), "--without-login"),
         REFUSED)
    checks.that("until then nothing was changed", NEW_PASSWORD not in stored(system, "credentials")["Value"])
    says(checks, "credentials that the Management Node refuses", cli("settings", "put", "credentials", str(credentials), "--yes"),
         USAGE, "401", "nothing was stored", "--without-login")
    checks.that("and they were not stored", NEW_PASSWORD not in stored(system, "credentials")["Value"])
    says(checks, "settings put credentials all the same",
         cli("settings", "put", "credentials", str(credentials), "--without-login", "--yes"), DONE, "stored")
    found = stored(system, "credentials")
    checks.that("they are stored encrypted", found["Type"] == "SecureString" and NEW_PASSWORD in found["Value"], found["Type"])
    reply = cli("settings", "put", "credentials", "-", "--yes", stdin=system.parameters["credentials"])
    says(checks, "credentials from standard input", reply, DONE, "stored", "logged in at")
    credentials.write_text(system.parameters["credentials"])
    says(checks, "an invalid address", cli("settings", "put", "management", "--address", "http://mgr.example.com", "--yes"), USAGE,
         "addresses[0]", "plain HTTP")
    says(checks, "settings put management", cli("settings", "put", "management", "--address", system.management_url, "--yes",
                                                "--reason", "moved"), DONE, "stored")
    checks.that("the address is stored", json.loads(stored(system, "management")["Value"])["addresses"]
                == [system.management_url])
    says(checks, "a secret on the command line", cli("settings", "put", "credentials", "--password", "x"), USAGE)
    ca = system.directory / "new-ca.pem"
    ca.write_text("no certificate")
    says(checks, "a CA that is no certificate", cli("settings", "put", "ca", str(ca), "--yes"), USAGE, "ca")
    ca.write_text(system.ca)
    says(checks, "settings put ca", cli("settings", "put", "ca", str(ca), "--yes"), DONE, "stored")
    # A platform that is being set up: each parameter by itself, in the order of infra/DEPLOY.md.
    for words, text in ((("put", "management", "--address", system.management_url), "credentials"),
                        (("put", "ca", str(ca)), ""), (("put", "credentials", str(credentials)), "stored")):
        says(checks, f"settings {words[1]} of a new platform", cli("settings", *words, "--yes", "--platform", "fresh"), DONE, text)
    says(checks, "with all parameters status works", cli("status"), DONE, "room for 17")


def windows(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    says(checks, "windows of a platform without a stack", cli("prewarm", "list"), USAGE, "/spillway/nine/stack")
    scheduler = aws.client("scheduler", system.moto)
    scheduler.create_schedule_group(Name=GROUP)
    day = dt.datetime.now(dt.timezone.utc).date() + dt.timedelta(days=3)
    while day.weekday() > 4:
        day += dt.timedelta(days=1)
    payload = {"window": "weekday-morning", "time_zone": "Europe/Oslo", "amount": {"nodes": 2}, "skip": [str(day)],
               "scheduled_time": "<aws.scheduler.scheduled-time>"}
    target = {"Arn": "arn:aws:lambda:eu-central-1:123456789012:function:prewarm",
              "RoleArn": "arn:aws:iam::123456789012:role/scheduler"}
    for name, text in (("weekday-morning", json.dumps(payload)), ("tick", "{}"),
                       ("broken", json.dumps({**payload, "window": "broken", "amount": "some"}))):
        scheduler.create_schedule(Name=name, GroupName=GROUP, ScheduleExpression="cron(50 8 ? * MON-FRI *)",
                                  ScheduleExpressionTimezone="Europe/Oslo", FlexibleTimeWindow={"Mode": "OFF"},
                                  Target={**target, "Input": text})
    stack = {"table": environment.TABLE, "schedule_group": GROUP}
    system.ssm.put_parameter(Name=f"/spillway/{environment.PLATFORM}/stack", Value=json.dumps(stack), Type="String")
    reply = cli("prewarm", "list")
    says(checks, "prewarm list", reply, PARTLY, "weekday-morning", "cron(50 8 ? * MON-FRI *)", "2 nodes", "broken", "amount")
    scheduler.delete_schedule(Name="broken", GroupName=GROUP)
    value = cli.value("prewarm", "list")
    checks.that("prewarm list as JSON has the window and nothing else", [w["name"] for w in value["windows"]]
                == ["weekday-morning"], value)
    says(checks, "prewarm preview", cli("prewarm", "preview"), DONE, "08:50:00 CE", "2 of 3 nodes for 34 HD calls",
         "skipped on this date")
    firings = cli.value("prewarm", "preview", "--days", "14")["firings"]
    checks.that("ten firings in two weeks, one of them skipped",
                len(firings) == 10 and sum(f["skipped"] for f in firings) == 1, firings)
    says(checks, "the table is found through the stack's own parameter", cli("history", SPILLWAY_TABLE=None), DONE)
    system.ssm.put_parameter(Name=f"/spillway/{environment.PLATFORM}/stack", Type="String", Overwrite=True,
                             Value=json.dumps({**stack, "window": "weekday-morning"}))
    for words, parameter in ((("skip", "weekday-morning", str(day)), "WindowSkip"),
                             (("remove", "weekday-morning"), "WindowState=DISABLED")):
        says(checks, f"prewarm {words[0]} of the stack's own window", cli("prewarm", *words, "--reason", "r", "--yes"), USAGE, parameter)
    system.ssm.put_parameter(Name=f"/spillway/{environment.PLATFORM}/stack", Value=json.dumps(stack), Type="String",
                             Overwrite=True)


def doctor(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    says(checks, "doctor", cli("doctor"), DONE, "ok", WHO, "London overflows to AWS burst", "1 of 1 enabled",
         "the last one ended")
    good = stored(system, "policy")["Value"]
    system.put_parameters(policy=json.dumps({**json.loads(good), "thresholds": {"Londom": 5}, "mode": "assist"}))
    says(checks, "doctor with a location that is not there and the wrong mode", cli("doctor"), FAILED,
         "Londom", "thresholds", "bursting is disabled")
    value = cli.value("doctor")
    checks.that("doctor as JSON: the verdict, and each finding has a remedy",
                value["verdict"] == "bad" and all(c["remedy"] for c in value["checks"] if c["verdict"] != "good"), value)
    system.put_parameters(policy=good)


def clocks(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    """What acts writes times and runs a cycle by this machine's clock."""
    pause = ("pause", "--for", "1h", "--reason", "by a wrong clock", "--yes")
    with skewed.sts(system.moto, ahead_s=330) as sts:
        says(checks, "a command that acts with a clock that is behind AWS's", cli(*pause, AWS_ENDPOINT_URL_STS=sts), REFUSED,
             "this machine's clock is 5 min behind AWS's", "NTP")
        says(checks, "and doctor", cli("doctor", AWS_ENDPOINT_URL_STS=sts), FAILED, "AWS clock", "5 min behind")
        says(checks, "what only reads goes on", cli("status", AWS_ENDPOINT_URL_STS=sts), DONE, "room for 17")
    with skewed.sts(system.moto, ahead_s=-30) as sts:
        says(checks, "half a minute does not matter", cli(*pause, AWS_ENDPOINT_URL_STS=sts), DONE, "paused until")
    says(checks, "and is over", cli("resume", "--yes"), DONE, "resumed")


def certificates(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    """A certificate that ended yesterday, uploaded as Pexip's own page would and assigned to the always-on node."""
    pem, key = pems(dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1, minutes=5))
    base = "/api/admin/configuration/v1"
    made = system.management.send("POST", f"{base}/tls_certificate/", {"certificate": pem, "private_key": key})
    node = system.management.list("configuration/v1/worker_vm")[-1]
    system.management.send("PATCH", node["resource_uri"], {"tls_certificate": made})
    text = "its TLS certificate (*.example.com) ended a day ago"
    says(checks, "status with a certificate that has ended", cli("status"), DONE, node["name"], text)
    says(checks, "and doctor", cli("doctor"), DONE, text, "Certificates > TLS Certificates")
    system.management.send("PATCH", node["resource_uri"], {"tls_certificate": None})
    checks.that("and not when the node has it no more", text not in cli("status").stdout)


def pems(ends: dt.datetime) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "*.example.com")])
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(ends - dt.timedelta(days=365))
            .not_valid_after(ends).sign(key, hashes.SHA256()))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def at_work(cli: Cli, system: environment.Environment, checks: Checks) -> None:
    """With a threshold above what is free the platform is in need: nodes are started, and everything tells of it."""
    value = cli.value("plan")
    starts = [action for action in value["plan"]["actions"] if action["action"] == "start"]
    checks.that("plan would start the three nodes", len(starts) == 3 and value["withheld"] is None, value)
    rest = cli("plan", "--all")
    says(checks, "plan --all", rest, DONE, "start aws-burst-1 in AWS burst")
    says(checks, "plan in words", cli("plan"), DONE, "start aws-burst-1 in AWS burst: needed: London has 17 HD calls free")
    states = {i["State"]["Name"] for i in aws.instances(system.ec2).values()}
    checks.that("and has started none", states == {"stopped"}, states)
    with Bridge(system.ec2, system.control, system.fleet) as bridge:
        reply = cli("apply", "--yes", "--reason", "for the test")
        checks.that("a cycle starts them", reply.returncode == DONE, reply.stdout + reply.stderr)
        servers.wait_until("booting nodes in the status", lambda: states_of(cli) == {"booting"}, 30)
        says(checks, "status while they boot", cli("status"), DONE, "booting", "needed: London has 17 HD calls free",
             "68 in 5 min")
        servers.wait_until("ready nodes in the status", lambda: states_of(cli) == {"ready"}, 60)
        # The cycle that sees them ready writes it down.
        cli("apply", "--yes", "--reason", "for the test")
        fetch(f"{system.control}/sim/calls", {"node": "aws-burst-2", "count": 2, "lasts_s": 300})
        servers.wait_until("a node that hosts", lambda: any(n["hosting"] for n in cli.value("status")["nodes"]), 30)
        value = cli.value("status")
        hosting = [node["name"] for node in value["nodes"] if node["hosting"]]
        checks.that("status names the node that hosts, who started it and why", hosting == ["aws-burst-2"]
                    and all(n["started_by"] == "spillway" and "needed" in n["started_why"] for n in value["nodes"]), value)
        checks.that("room now counts what is free on them",
                    value["first"]["room_now"] == value["first"]["room_in_5_minutes"] > 51, value["first"])
        checks.that("and the last cycle is told", value["first"]["last_cycle"]["outcome"] in ("acted", "no_op"), value["first"])
        history(cli, checks)
    checks.that("the bridge between moto and the simulated world never failed", not bridge.errors, bridge.errors[:3])


def states_of(cli: Cli) -> set[str]:
    return {node["state"] for node in cli.value("status")["nodes"]}


def history(cli: Cli, checks: Checks) -> None:
    events = cli.value("history", "--since", "1h")["events"]
    kinds = [event["kind"] for event in events]
    checks.that("the history has three starts and three nodes that became ready",
                kinds.count("start") == 3 and kinds.count("ready") == 3, kinds)
    one = cli.value("history", "--node", "aws-burst-1", "--kind", "start")["events"]
    checks.that("filtered by node and kind", [event["node"] for event in one] == ["aws-burst-1"], one)
    checks.that("filtered by a location that has nothing", not cli.value("history", "--location", "Nowhere")["events"])
    later = (dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    checks.that("filtered by time", not cli.value("history", "--since", "3h", "--until", later)["events"])
    rows = list(csv.DictReader(io.StringIO(cli("history", "--csv").stdout)))
    checks.that("and as comma-separated values", len(rows) >= len(events) and {"at", "kind", "node", "by", "reason"}
                <= set(rows[0]), rows[:1])
    says(checks, "history in words", cli("history"), DONE, "start", "aws-burst-1", "Spillway", "needed: London")
    cost = cli.value("cost", "--since", "1h")["cost"]
    need = next((line for line in cost["lines"] if line["reason"] == "need"), {})
    checks.that("cost: three runs for need in AWS burst, at half the hours in money",
                need.get("starts") == 3 and need["location"] == "AWS burst" and need["node_hours"] > 0
                and abs(need["money"] - need["node_hours"] / 2) < 1e-9, cost)
    says(checks, "cost in words", cli("cost", "--since", "1h"), DONE, "AWS burst", "need", "NODE-HOURS")
    value = cli.value("compare", "--since", "1h")["comparison"]
    checks.that("compare: three nodes started by Spillway, none by Pexip", value["ours"]["starts"] == 3
                and value["theirs"]["starts"] == 0, value)
    says(checks, "compare in words", cli("compare", "--since", "1h"), DONE, "started by Spillway: 3 nodes")


def secrets(cli: Cli, checks: Checks) -> None:
    said = "".join(cli.said)
    for secret in (environment.PASSWORD, bad_input.WRONG_PASSWORD, NEW_PASSWORD):
        checks.that("no command showed a password", secret not in said)
