"""That the sources name nothing outside the clone: what is there for one person is not there for the next."""

from __future__ import annotations

import re
from pathlib import Path

SUFFIXES = {".rs", ".py", ".toml", ".yaml", ".sh", ".js", ".json", ""}
UPWARD = re.compile(r"(?<![\w/.])(?:\.\./)+[\w./-]*")
PARENT = re.compile(r"__file__\)\.resolve\(\)\.parents\[(\d+)\]")


def outside(root: Path, files: list[str]) -> list[str]:
    """Paths upward that lead out of the root, and are not the same path from a crate's folder: `file: path`."""
    found = []
    for name in files:
        path = root / name
        if path.suffix not in SUFFIXES or not path.is_file() or path.is_symlink():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        crate = next((each for each in path.parents if (each / "Cargo.toml").exists()), path.parent)
        for upward in sorted(set(UPWARD.findall(text))):
            if not any(is_there(root, base / upward) for base in (path.parent, crate)):
                found.append(f"{name}: {upward}")
        for steps in sorted(set(PARENT.findall(text))):
            if not path.parents[int(steps)].is_relative_to(root):
                found.append(f"{name}: parents[{steps}]")
    return found


def is_there(root: Path, path: Path) -> bool:
    resolved = path.resolve()
    return resolved.is_relative_to(root) and resolved.exists()
