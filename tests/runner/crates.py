"""Rules for the crates of the workspace: what each may not reach, and that each names what it depends on.

The layout of the workspace is in the table: a crate that is not there yet has no rule to break."""

from __future__ import annotations

import re
from pathlib import Path

TOKIO = r"tokio"
HTTP_CLIENT = r"reqwest|hyper"
HTTP_SERVER = r"axum|axum-server|hyper|tiny_http"
AWS = r"aws-(?!lc-).*|lambda_runtime|dynoxide-rs"
TLS = r"rustls|tokio-rustls|aws-lc-.*|ring|native-tls|openssl"
OURS = r"spillway-.*"
OUTSIDE = "|".join((TOKIO, HTTP_CLIENT, HTTP_SERVER, AWS, TLS))

# Folder of a crate, and what no dependency of it, however far away, may be.
FORBIDDEN = {
    "shared/core": OUTSIDE,
    # A forecast knows days and minutes, and nothing of a platform.
    "shared/forecast": "|".join((OUTSIDE, OURS)),
    "shared/view": OUTSIDE,
    "shared/audit": OUTSIDE,
    "shared/sim/world": OUTSIDE,
    "shared/sim/harness": "|".join((AWS, TLS, HTTP_SERVER)),
    "tests/proof": "|".join((AWS, TLS, HTTP_SERVER)),
    # The rows that the server and a platform exchange are the simulator's own, and know nothing of Spillway either.
    "shared/sim/pexip-model": "|".join((OUTSIDE, OURS)),
    "shared/sim/pexip-server": r"spillway-(?!pexip-model$).*",
}
# Crates whose sources hold no `async`, once what waits has a crate of its own.
SYNCHRONOUS, SINCE = ("shared/core", "shared/forecast", "shared/view", "shared/audit", "shared/sim/world"), "shared/engine"
ASYNC = re.compile(r"\basync\b|\.await\b")


def folder(package: dict, root: Path) -> str:
    return Path(package["manifest_path"]).parent.relative_to(root).as_posix()


def members(metadata: dict) -> list[dict]:
    return [package for package in metadata["packages"] if package["id"] in metadata["workspace_members"]]


def reached(tree: str, pattern: str) -> list[str]:
    """Of a `cargo tree --prefix none`, without its root, the crates that the pattern names. What cargo says beside the tree, such
    as that it waits for another cargo's lock, is no crate."""
    crates = [line.split(" ")[0] for line in tree.splitlines() if re.match(r"\S+ v\d", line)]
    names = set(crates[1:])
    return sorted(name for name in names if re.fullmatch(pattern, name))


def waiting(source: str) -> bool:
    return bool(ASYNC.search(without_comments(source)))


def unnamed(metadata: dict) -> list[str]:
    """Dependencies that the sources of their crate never name: `crate: dependency`.

    A dependency of the crate itself has to be named under `src`, one of its tests anywhere, one of its build script there. One
    that is wanted without being named is excused as cargo-machete has it: `[package.metadata.cargo-machete] ignored`."""
    names = {package["id"]: package["name"] for package in metadata["packages"]}
    # As the compiler knows them: a renamed one by its new name, any other by its library's, which may not be the package's.
    called = {node["id"]: {names[each["pkg"]]: each["name"] for each in node["deps"]} for node in metadata["resolve"]["nodes"]}
    found = []
    for package in members(metadata):
        texts = sources(Path(package["manifest_path"]).parent)
        excused = ((package["metadata"] or {}).get("cargo-machete") or {}).get("ignored", [])
        for dependency in package["dependencies"]:
            name, kind = dependency["rename"] or dependency["name"], dependency["kind"]
            word = (dependency["rename"] or called[package["id"]].get(dependency["name"], name)).replace("-", "_")
            if name not in excused and not is_named(word, texts[kind or "normal"]):
                found.append(f"{package['name']}: {name}{f' ({kind})' if kind else ''}")
    return sorted(found)


def sources(directory: Path) -> dict[str, str]:
    """The Rust of a crate, without comments, by what kind of dependency may be named in it. Crates below it are not it."""
    texts = {"normal": "", "dev": "", "build": ""}
    below = [path.parent for path in directory.glob("*/**/Cargo.toml")]
    for path in sorted(directory.rglob("*.rs")):
        if any(path.is_relative_to(other) for other in below) or "target" in path.relative_to(directory).parts:
            continue
        text = without_comments(path.read_text(encoding="utf-8"))
        texts["dev"] += text
        texts["normal"] += text if path.is_relative_to(directory / "src") else ""
        texts["build"] += text if path == directory / "build.rs" else ""
    return texts


def without_comments(source: str) -> str:
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", source, flags=re.DOTALL)


def is_named(word: str, text: str) -> bool:
    """As a path, a macro's path or an import; not as a method or a variable."""
    return bool(re.search(rf"(?<![\w.]){word}(?=\s*::)|\b(?:use|extern\s+crate)\s+(?:::)?{word}\b", text))
