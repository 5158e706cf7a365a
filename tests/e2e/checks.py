"""Checks that are all made, counted and said, also after one has failed."""

from __future__ import annotations


class Checks:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, claim: str, holds: object, otherwise: object = "") -> bool:
        if holds:
            self.passed += 1
            print(f"    ok      {claim}", flush=True)
        else:
            self.failed += 1
            print(f"    FAILED  {claim}: {otherwise}", flush=True)
        return bool(holds)
