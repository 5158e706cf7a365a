"""A month of one platform at one evaluation a minute: measured units times published prices.

us-east-1, on demand, without free tiers. What is measured: invocations' durations, request units, log and item bytes, reads
of the settings; see `invocations.py`. What is assumed has a name here, and is printed beside the result."""

from __future__ import annotations

import dataclasses
import sys

from meter import Units


@dataclasses.dataclass(frozen=True)
class Price:
    usd: float
    # AWS's own page. It fills in its figures by script, so that they could not be read there: each was compared with
    # what others published of it in 2026, and is marked where nobody was found.
    page: str
    found: bool = True


AWS = "https://aws.amazon.com/"
COMPARED = "25 November 2026"
PRICES = {
    "Lambda request": Price(0.20e-6, f"{AWS}lambda/pricing/"),
    "Lambda GB-second, arm64": Price(0.0000133334, f"{AWS}lambda/pricing/"),
    "DynamoDB read request unit": Price(0.125e-6, f"{AWS}dynamodb/pricing/on-demand/"),
    "DynamoDB write request unit": Price(0.625e-6, f"{AWS}dynamodb/pricing/on-demand/"),
    "DynamoDB GB-month": Price(0.25, f"{AWS}dynamodb/pricing/on-demand/"),
    "DynamoDB GB-month, point-in-time recovery": Price(0.20, f"{AWS}dynamodb/pricing/on-demand/", found=False),
    # The first 14 million a month are free.
    "Scheduler invocation": Price(1.00e-6, f"{AWS}eventbridge/pricing/"),
    # The first million a month is free.
    "SQS request": Price(0.40e-6, f"{AWS}sqs/pricing/"),
    "log GB taken in": Price(0.50, f"{AWS}cloudwatch/pricing/"),
    "log GB-month": Price(0.03, f"{AWS}cloudwatch/pricing/", found=False),
    # The first 20,000 a month are free, in all regions together. A key of AWS's own, such as alias/aws/ssm, costs nothing
    # else; one of your own (SettingsKeyArn) one USD a month.
    "KMS request": Price(0.03 / 10_000, f"{AWS}kms/pricing/"),
    "metric": Price(0.30, f"{AWS}cloudwatch/pricing/"),
    "alarm": Price(0.10, f"{AWS}cloudwatch/pricing/"),
    "dashboard": Price(3.00, f"{AWS}cloudwatch/pricing/"),
    "interface endpoint hour and zone": Price(0.01, f"{AWS}privatelink/pricing/"),
}
MINUTES = 730 * 60
SWEEPS = MINUTES // 5
# A window on each weekday, and in each some nodes that live for a while: started, ready, drained, stopped.
WINDOWS, LIVES_A_DAY = 22, 20
HISTORY_DAYS = 400

MEMORY_GB = 0.25
# Lambda gives processor time in proportion to memory, one processor at 1,769 MB (Lambda developer guide, *Configure Lambda
# function memory*). So what took a millisecond of processor here takes seven there.
PROCESSOR_SHARE = MEMORY_GB * 1024 / 1769
# AWS does not say for how long an environment is kept. An hour is short for one that is used every minute.
COLD_STARTS = 2 * 730
# Settings are read again after five minutes.
SETTINGS_READS = MINUTES // 5 + SWEEPS + WINDOWS
# START, END and REPORT, which Lambda itself writes.
PLATFORM_LINES = 350
# DynamoDB adds this to each item that it stores.
ITEM_OVERHEAD = 100
# Lambda asks an empty queue for us: five long polls of 20 s at once, also where two batches at once are the most.
POLLS = 5 * 3 * MINUTES
# Each state change is sent, received and deleted; three in a life: running, stopping, stopped.
REQUESTS_A_LIFE, STATES_A_LIFE = 9, 3
METRICS_PER_PLATFORM, LOCATIONS, ALARMS = 20, 2, 11
# What Spillway promises for Lambda, DynamoDB, Scheduler, SQS and logs together.
LIMIT_USD = 1.00


@dataclasses.dataclass(frozen=True)
class Function:
    """One function on a timer: its first invocation in a process, with all that comes before it, and a later one."""

    cold_wait_ms: float
    cold_cpu_ms: float
    wait_ms: float
    cpu_ms: float
    log_bytes: float
    units: Units

    def billed_s(self, *, cold: bool) -> float:
        wait, cpu = (self.cold_wait_ms, self.cold_cpu_ms) if cold else (self.wait_ms, self.cpu_ms)
        return (wait + cpu / PROCESSOR_SHARE) / 1000


@dataclasses.dataclass(frozen=True)
class Measured:
    evaluator: Function
    reconciler: Function
    window_s: float
    window_units: Units
    decrypts_a_read: float
    life_units: Units
    life_bytes: float
    load_bytes: float
    nodes: int


def month(measured: Measured) -> dict[str, float]:
    """USD by service."""
    usd = {name: price.usd for name, price in PRICES.items()}
    evaluator, reconciler, lives = measured.evaluator, measured.reconciler, WINDOWS * LIVES_A_DAY
    passes = SWEEPS + lives * STATES_A_LIFE
    invocations = MINUTES + passes + WINDOWS
    seconds = (MINUTES * evaluator.billed_s(cold=False) + passes * reconciler.billed_s(cold=False)
               + COLD_STARTS / 2 * (evaluator.billed_s(cold=True) + reconciler.billed_s(cold=True))
               + WINDOWS * measured.window_s)
    reads = MINUTES * evaluator.units.reads + SWEEPS * reconciler.units.reads + lives * measured.life_units.reads
    writes = MINUTES * evaluator.units.writes + SWEEPS * reconciler.units.writes + lives * measured.life_units.writes
    reads, writes = reads + WINDOWS * measured.window_units.reads, writes + WINDOWS * measured.window_units.writes
    kept = HISTORY_DAYS * (24 * 60 * measured.load_bytes + lives / 30.4 * measured.life_bytes)
    logs = (MINUTES * (evaluator.log_bytes + PLATFORM_LINES) + passes * (reconciler.log_bytes + PLATFORM_LINES)) / 1e9
    return {
        "Lambda": invocations * usd["Lambda request"] + seconds * MEMORY_GB * usd["Lambda GB-second, arm64"],
        "DynamoDB": reads * usd["DynamoDB read request unit"] + writes * usd["DynamoDB write request unit"]
        + kept / 1e9 * (usd["DynamoDB GB-month"] + usd["DynamoDB GB-month, point-in-time recovery"]),
        "Scheduler": (MINUTES + SWEEPS + WINDOWS) * usd["Scheduler invocation"],
        "SQS": (POLLS + lives * REQUESTS_A_LIFE) * usd["SQS request"],
        "logs": logs * (usd["log GB taken in"] + usd["log GB-month"]),
        "KMS": SETTINGS_READS * measured.decrypts_a_read * usd["KMS request"],
    }


def report(measured: Measured, round_trips: dict[str, float]) -> None:
    print("assumed: " + ", ".join(f"{what} answers in {took * 1000:.0f} ms" for what, took in round_trips.items()))
    print(f"         {PROCESSOR_SHARE:.3f} of a processor, {COLD_STARTS:,} cold starts a month, {WINDOWS} windows, "
          f"{WINDOWS * LIVES_A_DAY} lives of nodes")
    for name, one in (("an idle evaluation", measured.evaluator), ("a sweep", measured.reconciler)):
        print(f"{name}: billed {one.billed_s(cold=False) * 1000:.0f} ms ({one.wait_ms:.0f} of waiting, {one.cpu_ms:.1f} of "
              f"processor time), cold {one.billed_s(cold=True) * 1000:.0f} ms; "
              f"{units(one.units)}; {one.log_bytes:.0f} bytes of log")
    print(f"a window over {measured.nodes} nodes: billed {measured.window_s * 1000:.0f} ms, cold; "
          f"{units(measured.window_units)}")
    print(f"a node's life from start to stop, beside that: {units(measured.life_units)}, {measured.life_bytes:.0f} bytes kept")
    print(f"a minute's load: {measured.load_bytes:.0f} bytes kept for {HISTORY_DAYS} days")
    print(f"settings: {measured.decrypts_a_read:g} decryption for each reading, {SETTINGS_READS:,} readings a month\n")
    services = month(measured)
    for what, usd in services.items():
        note = "  (the first 20,000 requests a month are free)" if what == "KMS" else ""
        print(f"{what:64} {usd:6.2f} USD{note}")
    limited = sum(usd for what, usd in services.items() if what != "KMS")
    print(f"{'together, without KMS':64} {limited:6.2f} USD")
    print(f"{'together':64} {sum(services.values()):6.2f} USD\n")
    price = {name: each.usd for name, each in PRICES.items()}
    for what, usd in {
        f"{METRICS_PER_PLATFORM + LOCATIONS} metrics: {METRICS_PER_PLATFORM}, and one per location":
            (METRICS_PER_PLATFORM + LOCATIONS) * price["metric"],
        f"{ALARMS} alarms": ALARMS * price["alarm"],
        "dashboard (an account's first three are free)": price["dashboard"],
        "two interface endpoints in two zones, where the VPC has none": 4 * 730 * price["interface endpoint hour and zone"],
    }.items():
        print(f"{what:64} {usd:6.2f} USD")
    print(f"\nprices, compared on {COMPARED}:")
    for name, each in PRICES.items():
        print(f"  {name:44} {each.usd:<14.10g} {each.page}{'' if each.found else '  (not found elsewhere)'}")
    if limited > LIMIT_USD:
        sys.exit(f"{limited:.2f} USD are more than the {LIMIT_USD:.2f} that Spillway promises")


def units(some: Units) -> str:
    return f"{some.reads:.3g} read and {some.writes:.3g} write units"
