"""What the rules for crates and paths have to find, planted, and what they have to let be."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import crates, enclosed

SOURCES = {
    "Cargo.toml": "",
    # A word in a comment, a method and a variable of a dependency's name are no use of it.
    "src/lib.rs": "// rand::random()\nuse serde::Serialize;\nfn f() { let rand = 1; x.rand(); tracing::info!(\"{rand}\"); new::g(); }\n",
    "tests/all.rs": "use proptest::prelude::*;\nfn g() { reqwest::get(); }\n",
    "build.rs": "fn main() { cc::Build::new(); }\n",
    "below/Cargo.toml": "",
    "below/src/lib.rs": "use csv::Reader;\n",
}
# Name in the lock, name in the code, new name, kind; and whether it has to be found.
DEPENDENCIES = [
    ("serde", "serde", None, None, False),
    ("tracing", "tracing", None, None, False),
    # Named in a comment only.
    ("rand", "rand", None, None, True),
    # Renamed, and named so; renamed, and named as it was.
    ("old-name", "new", "new", None, False),
    ("tracing-too", "other", "other", None, True),
    # Its library has another name than its package.
    ("dynoxide-rs", "serde", None, None, False),
    # Of the crate itself, and named in its tests only.
    ("reqwest", "reqwest", None, None, True),
    ("proptest", "proptest", None, "dev", False),
    ("insta", "insta", None, "dev", True),
    ("cc", "cc", None, "build", False),
    # Named in a crate that lies below this one.
    ("csv", "csv", None, None, True),
    ("excused", "excused", None, None, False),
]


def failures() -> list[str]:
    """What a rule missed or found wrongly."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in SOURCES.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        ours = {"id": "ours", "name": "ours", "manifest_path": f"{directory}/Cargo.toml",
                "metadata": {"cargo-machete": {"ignored": ["excused"]}},
                "dependencies": [{"name": name, "rename": rename, "kind": kind}
                                 for name, _, rename, kind, _ in DEPENDENCIES]}
        metadata = {
            "workspace_members": ["ours"],
            "packages": [ours, *({"id": name, "name": name} for name, *_ in DEPENDENCIES)],
            "resolve": {"nodes": [{"id": "ours", "deps": [{"pkg": name, "name": word} for name, word, *_ in DEPENDENCIES]}]}}
        found = crates.unnamed(metadata)
    wanted = sorted(f"ours: {rename or name}{f' ({kind})' if kind else ''}"
                    for name, _, rename, kind, is_found in DEPENDENCIES if is_found)
    wrong = [] if found == wanted else [f"dependencies: found {found}, planted {wanted}"]
    tree = "spillway-core v0.1.0\nserde v1.0.0\naws-sdk-ec2 v1.0.0\ntokio v1.0.0 (*)\ntokio-macros v2.0.0 (proc-macro)\n"
    reached = crates.reached(tree, crates.OUTSIDE)
    if reached != ["aws-sdk-ec2", "tokio"]:
        wrong.append(f"what a crate reaches: {reached}")
    asynchronous = [crates.waiting(text) for text in ("async fn f() {}", "g().await;", "// async fn\nfn f() {}")]
    if asynchronous != [True, True, False]:
        wrong.append(f"async: {asynchronous}")
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory).resolve() / "clone"
        # Put together here, so that this file does not name them.
        up = "." * 2 + "/"
        texts = {"crate/Cargo.toml": "", "data.csv": "", "crate/src/lib.rs": f'"{up * 3}traces" "{up}data.csv" "{up * 2}data.csv" "..=3"',
                 "tool.py": "Path(__file__).resolve().parents[0] Path(__file__).resolve().parents[1]"}
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        outside = enclosed.outside(root, sorted(texts))
        if outside != [f"crate/src/lib.rs: {up * 3}traces", "tool.py: parents[1]"]:
            wrong.append(f"paths: {outside}")
    return wrong
