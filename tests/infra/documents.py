"""`python -m infra.documents`: the documents held to the repository. Every relative link leads to a file that is there, and every
anchor to a heading; README.md stays short; shared/DESIGN.md names every crate. Standard library only."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from e2e.checks import Checks

ROOT = Path(__file__).resolve().parents[2]
README_BYTES = 10 * 1024

FENCE = re.compile(r"^ {0,3}(```|~~~)")
HEADING = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$")
ITEM = re.compile(r"^\s*(?:[*+-]|\d+[.)])\s+")
# `[text](target)` and `![text](target "title")`; the text may hold one level of brackets, as a picture that is a link does.
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^\s)>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[[^\]]+\]:\s+<?(\S+?)>?(?:\s|$)", re.MULTILINE)
HTML = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=\"([^\"]+)\"")
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def prose(text: str) -> Iterator[str]:
    """The lines that are no code block, fenced or indented, with their code spans emptied."""
    fence, blank, code, item = "", True, False, 0
    for line in text.splitlines():
        mark = FENCE.match(line)
        if mark and fence in ("", mark[1]):
            fence = "" if fence else mark[1]
            continue
        if fence:
            continue
        # Four spaces more than the text around it has, after an empty line, are code.
        indent = len(line) - len(line.lstrip())
        if line.strip():
            code = indent >= item + 4 and (blank or code)
            bullet = None if code else ITEM.match(line)
            if bullet:
                item = len(bullet[0])
            elif blank and not code:
                item = min(item, indent)
        blank = not line.strip()
        if not code:
            yield re.sub(r"`+[^`]*`+", "``", line)


def targets(text: str) -> list[str]:
    """Where the links of a document lead, as they are written."""
    # A link's text may go on in the next line.
    whole = "\n".join(prose(text))
    return LINK.findall(whole) + HTML.findall(whole) + REFERENCE.findall(whole)


def anchor(heading: str) -> str:
    """GitHub's rule: the words in lower case, without punctuation but `-` and `_`, blanks as hyphens."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"(?<!\w)[*_]{1,3}(?=\S)(.+?)(?<=\S)[*_]{1,3}(?!\w)", r"\1", text)
    kept = "".join(each for each in text.lower() if each.isalnum() or each in " -_")
    return kept.replace(" ", "-")


def anchors(text: str) -> set[str]:
    """The anchors of a document: of each heading one, those that come again with a number, and those set by hand."""
    found: set[str] = set()
    fenced = False
    for line in text.splitlines():
        if FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else HEADING.match(line)
        if heading:
            name = anchor(heading[2])
            number = 0
            while (name if not number else f"{name}-{number}") in found:
                number += 1
            found.add(name if not number else f"{name}-{number}")
        elif not fenced:
            found |= set(re.findall(r"<a\s+(?:name|id)=\"([^\"]+)\"", line))
    return found


def dead_links(root: Path, documents: list[str]) -> list[str]:
    """Relative links that lead to no file of the repository, or to no heading of it."""
    said = []
    for document in documents:
        path = root / document
        for target in targets(path.read_text(encoding="utf-8")):
            if ELSEWHERE.match(target):
                continue
            where, _, name = target.partition("#")
            there = (path.parent / unquote(where)).resolve() if where else path
            if where.startswith("/") or not there.is_relative_to(root.resolve()):
                said.append(f"{document}: {target} leads out of the repository")
            elif not there.exists():
                said.append(f"{document}: {target} is not there")
            elif name and there.suffix == ".md" and unquote(name) not in anchors(there.read_text(encoding="utf-8")):
                said.append(f"{document}: {target}: no heading has that anchor")
    return said


def too_long(text: bytes) -> list[str]:
    return [f"README.md has {len(text)} bytes, more than {README_BYTES}"] if len(text) >= README_BYTES else []


def named(design: str) -> set[str]:
    """The folders that shared/DESIGN.md names, each at the beginning of an indented line."""
    return {line.split()[0].rstrip("/") for line in design.splitlines() if line.startswith("    ") and line.strip()}


def misnamed(folders: list[str], design: str, root: Path = ROOT) -> list[str]:
    """Crates that shared/DESIGN.md does not name, and folders that it names and that are not there."""
    said = [f"shared/DESIGN.md does not name {folder}" for folder in folders if folder not in named(design)]
    return said + [f"shared/DESIGN.md names {folder}, which is not there" for folder in sorted(named(design))
                   if not (root / folder).is_dir()]


def tracked(*patterns: str) -> list[str]:
    """Files of the repository; those that are new too, so that a page is checked before it is committed."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).exists()})


def crates() -> list[str]:
    manifests = [name for name in tracked("*Cargo.toml") if "/" in name]
    return [name.rsplit("/", 1)[0] for name in manifests
            if re.search(r"^\[package\]", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)]


def sees_what_is_wrong(checks: Checks) -> None:
    """A check that finds nothing has to be shown that it could."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "there.md").write_text("# One `two`: three\n\n## Again\n\n## Again\n\n```\n# not one\n```\n")
        for what, text, complaints in (
            ("links that lead somewhere", "[a](there.md) [b](there.md#one-two-three) [c](there.md#again-1) [d](https://x.y/z)", 0),
            ("a link in code", "`[a](no.md)`\n\n    [b](no.md)\n\n```\n[c](no.md)\n```\n", 0),
            ("a file that is missing", "[a](no.md)", 1),
            ("a link over two lines, and one by reference", "[a\nb](no.md) [c][d]\n\n[d]: no.md", 2),
            ("a picture that is missing", '![a](no.png) <img src="no.png" alt="b">', 2),
            ("a link in a list", "1. one\n\n    [a](no.md)\n* x\n  [b](no.md)", 2),
            ("a link in code in a list", "1. one\n\n       [a](no.md)\n\n       [b](no.md)\n\n2. two\n\nthree\n\n    [c](no.md)\n", 0),
            ("a heading that is missing", "[a](there.md#four) [b](#nowhere)", 2),
            ("a heading in code", "[a](there.md#not-one)", 1),
            ("a link out of the repository", "[a](../..)", 1),
        ):
            (root / "page.md").write_text(text)
            said = dead_links(root, ["page.md"])
            checks.that(f"seen as it is: {what}", len(said) == complaints, said)
        (root / "shared/a").mkdir(parents=True)
        said = misnamed(["shared/a", "shared/b"], "    shared/a   decides\nshared/b\n    shared/c   runs", root)
        checks.that("a crate without a line is seen, and a line without a folder", said == [
            "shared/DESIGN.md does not name shared/b", "shared/DESIGN.md names shared/c, which is not there"], said)
    checks.that("a long README is seen", too_long(b"x" * README_BYTES))


def main() -> int:
    checks = Checks()
    sees_what_is_wrong(checks)
    documents = tracked("*.md")
    for document in documents:
        said = dead_links(ROOT, [document])
        checks.that(f"every link of {document} leads somewhere", not said, said)
    said = too_long((ROOT / "README.md").read_bytes())
    checks.that(f"README.md is shorter than {README_BYTES} bytes", not said, said)
    folders = crates()
    said = misnamed(folders, (ROOT / "shared/DESIGN.md").read_text(encoding="utf-8"))
    checks.that(f"shared/DESIGN.md names each of {len(folders)} crates, and nothing else", folders and not said, said)
    print(f"documents: {checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    sys.exit(main())
