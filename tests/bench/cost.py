"""A month of one platform at one evaluation a minute: measured units times published prices. us-east-1, on-demand, without
free tiers; as AWS's pricing pages of each service had them in November 2026 to the best of our knowledge: look before you rely."""

from __future__ import annotations

MINUTES = 730 * 60
SWEEPS = MINUTES // 5
WINDOWS = 22

# USD.
LAMBDA_REQUEST, LAMBDA_GB_SECOND = 0.20e-6, 0.0000133334  # arm64
DYNAMODB_READ, DYNAMODB_WRITE = 0.125e-6, 0.625e-6
SCHEDULER, SQS, LOG_GB = 1.00e-6, 0.40e-6, 0.50
METRIC, ALARM, DASHBOARD, ENDPOINT_HOUR = 0.30, 0.10, 3.00, 0.01

MEMORY_GB = 0.25
# An idle cycle is some 10 ms of processor time here; what it waits for the Management Node and AWS is not measurable here,
# and this is many times what eight calls take.
BILLED_S = 1.0
# START, END and REPORT, which Lambda itself writes.
PLATFORM_LINES = 350
# Two items in one transaction, each written twice as transactions are: lease with digest, and the minute's load.
IDLE_WRITES = 4
# Lambda asks an empty queue for us: five long polls of 20 s at once.
POLLS = 5 * 3 * MINUTES
METRICS_PER_PLATFORM, LOCATIONS, ALARMS = 20, 2, 10


def report(logged: dict[str, int], state_read_units: float) -> None:
    invocations = MINUTES + SWEEPS + WINDOWS
    log_bytes = (MINUTES * (logged["evaluator"] + PLATFORM_LINES) + SWEEPS * (logged["reconciler"] + PLATFORM_LINES))
    reads = (MINUTES + SWEEPS) * max(1.0, state_read_units)
    run = {
        "Lambda": invocations * (LAMBDA_REQUEST + BILLED_S * MEMORY_GB * LAMBDA_GB_SECOND),
        "DynamoDB": reads * DYNAMODB_READ + MINUTES * IDLE_WRITES * DYNAMODB_WRITE,
        "Scheduler": invocations * SCHEDULER,
        "SQS": POLLS * SQS,
        "logs": log_bytes / 1e9 * LOG_GB,
    }
    beside = {
        "metrics": (METRICS_PER_PLATFORM + LOCATIONS) * METRIC,
        "alarms": ALARMS * ALARM,
        "dashboard (an account's first three are free)": DASHBOARD,
        "two interface endpoints in two zones, where the VPC has none": 4 * 730 * ENDPOINT_HOUR,
    }
    print(f"measured: {logged['evaluator']} bytes of log per idle evaluation, {logged['reconciler']} per sweep; "
          f"{state_read_units:g} read units for the state of 7 nodes")
    print(f"{invocations:,} invocations a month, {BILLED_S:g} s of {MEMORY_GB * 1024:.0f} MB allowed for each\n")
    for what, usd in run.items():
        print(f"{what:64} {usd:6.2f} USD")
    print(f"{'together':64} {sum(run.values()):6.2f} USD\n")
    for what, usd in beside.items():
        print(f"{what:64} {usd:6.2f} USD")
