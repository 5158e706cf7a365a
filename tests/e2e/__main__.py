"""`python -m e2e --binaries target/debug`: called by ./tests/run.

With SPILLWAY_TRACES, a folder of recorded traces, the ramp is played a second time, with recorded callers. What is seen then
is printed and not counted."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import bad_input, cli, deploy, evaluator, node_operations, operations, prewarm, ramp, reconciler, servers
from .checks import Checks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binaries", type=Path, required=True, help="where cargo put the binaries")
    parser.add_argument("--only", choices=["ramp", "recorded", "bad-input", "cli", "operations", "nodes", "prewarm", "reconciler", "deploy"])
    parser.add_argument("--sam", type=Path, help="SAM's command line: deploys the stack, which is a part of its own")
    options = parser.parse_args()
    binaries = options.binaries.resolve()
    servers.die_with_us()
    checks = Checks()
    parts = {"bad-input": lambda: bad_input.run(binaries, checks),
             "cli": lambda: cli.run(binaries, checks),
             "operations": lambda: operations.run(binaries, checks),
             "nodes": lambda: node_operations.run(binaries, checks),
             "prewarm": lambda: prewarm.run(binaries, checks),
             "reconciler": lambda: reconciler.run(binaries, checks),
             "ramp": lambda: evaluator.run(binaries, ramp.generated(), checks)}
    if callers := ramp.recorded():
        parts["recorded"] = lambda: evaluator.run(binaries, callers, Checks(counted=False))
    if options.sam:
        parts = {"deploy": lambda: deploy.run(binaries, options.sam, checks)}
    for name, part in parts.items():
        if options.only in (None, name):
            began = time.monotonic()
            print(f"--- {name}", flush=True)
            try:
                part()
            except Exception as error:  # noqa: BLE001  counted, so that the other part runs too
                checks.that(f"{name} ran to its end", False, f"{type(error).__name__}: {error}")
            print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"end to end: {checks.passed} passed, {checks.failed} failed")
    # Of recorded callers nothing is counted.
    return 1 if checks.failed or not (checks.passed or options.only == "recorded") else 0


if __name__ == "__main__":
    sys.exit(main())
