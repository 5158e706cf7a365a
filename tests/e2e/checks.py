"""Checks that are all made, counted and said, also after one has failed."""

from __future__ import annotations


class Checks:
    def __init__(self, counted: bool = True) -> None:
        """What is not counted is printed and decides nothing: it looks at data that the project does not come with."""
        self.passed = 0
        self.failed = 0
        self._counted = counted

    def that(self, claim: str, holds: object, otherwise: object = "") -> bool:
        if not self._counted:
            print(f"    {'yes' if holds else 'NO'}, not counted  {claim}{'' if holds else f': {otherwise}'}", flush=True)
        elif holds:
            self.passed += 1
            print(f"    ok      {claim}", flush=True)
        else:
            self.failed += 1
            print(f"    FAILED  {claim}: {otherwise}", flush=True)
        return bool(holds)
