"""Holds the JSON that commands really print to shared/cli/README.md: a key that is printed is a key that is described."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "shared" / "cli" / "README.md"
# Values of other interfaces, whose keys are described where those are: the planner's, the policy's, a window's input.
ELSEWHERE = {"plan", "policy", "spec", "action", "in_place_of", "end", "from", "to"}


def undocumented(printed: Iterable[str]) -> list[str]:
    """Keys of the JSON lines among what was printed that the README does not name."""
    text = README.read_text(encoding="utf-8").split("\n## JSON")[1]
    # `"key"` in an example counts as `key` in a table.
    named = set(re.findall(r"`([a-z0-9_]+)`", text)) | set(re.findall(r'"([a-z0-9_]+)"', text)) | {"schema", "platform"}
    found: set[str] = set()
    for lines in printed:
        for line in lines.splitlines():
            if line.startswith("{"):
                _collect(json.loads(line), "", found)
    return sorted(path for path in found if path.rsplit(".", 1)[-1] not in named)


def _collect(value: object, path: str, found: set[str]) -> None:
    if isinstance(value, list):
        for each in value:
            _collect(each, path, found)
    elif isinstance(value, dict):
        for key, inner in value.items():
            here = f"{path}.{key}".lstrip(".")
            found.add(here)
            if key not in ELSEWHERE:
                _collect(inner, here, found)
