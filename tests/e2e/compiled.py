"""What cargo-lambda calls in place of the compiler: `cargo spillway-compiled`, which hands over binaries that are there.

Compiled for `sam build`, the three functions would take longer than everything else that runs on two cores: cargo-lambda
names a target, so that nothing of what `cargo build` has made is used again, the EC2 SDK included. So it is real but for
this one command, which is put in the place of `cargo build` by cargo-lambda's own variable. Which binary, which target and
which profile it was asked for is written down, for the test to look at.

Started as a program it is that command; standard library only."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

SUBCOMMAND = "spillway-compiled"
BINARIES, LOG = "SPILLWAY_COMPILED_BINARIES", "SPILLWAY_COMPILED_LOG"


@dataclasses.dataclass(frozen=True)
class Asked:
    """One call of the compiler."""

    package: str
    target: str
    profile: str


class Compiled:
    """Puts the command where cargo finds it, and remembers what it was asked for."""

    def __init__(self, directory: Path, binaries: Path) -> None:
        self._folder, self._binaries, self._log = directory / "compiled", binaries, directory / "compiled.jsonl"
        self._folder.mkdir()
        script = self._folder / f"cargo-{SUBCOMMAND}"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$@"\n')
        script.chmod(0o755)

    def environment(self, env: dict[str, str]) -> dict[str, str]:
        return {
            **env, "PATH": os.pathsep.join([str(self._folder), env["PATH"]]),
            # Nothing is put into the target directory of whoever runs this.
            "CARGO_TARGET_DIR": str(self._folder / "target"),
            "CARGO_LAMBDA_COMPILER": "cargo", "CARGO_LAMBDA_COMPILER_SUBCOMMAND": SUBCOMMAND,
            BINARIES: str(self._binaries), LOG: str(self._log),
        }

    @property
    def asked(self) -> list[Asked]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        return [Asked(**json.loads(line)) for line in lines]


def strip(binary: Path, into: Path) -> None:
    """Without the debug build's symbols, which make nothing but the upload slow. A linker without `strip` beside it does no harm."""
    found = shutil.which("strip")
    if not found or subprocess.run([found, "-o", str(into), str(binary)], check=False).returncode != 0:
        shutil.copy2(binary, into)


def main(arguments: list[str]) -> None:
    # As cargo has it: a package is built from its own folder, and here package, folder and binary have one name.
    asked = Asked(Path.cwd().name, arguments[arguments.index("--target") + 1],
                  "release" if "--release" in arguments else "debug")
    place = Path(os.environ["CARGO_TARGET_DIR"]) / asked.target / asked.profile
    place.mkdir(parents=True, exist_ok=True)
    strip(Path(os.environ[BINARIES]) / asked.package, place / asked.package)
    with open(os.environ[LOG], "a") as log:
        log.write(json.dumps(dataclasses.asdict(asked)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
