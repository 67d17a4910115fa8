"""Writes readmes.txt.gz: what the READMEs of freely licensed packages say about passwords, tokens and keys.

    python collect_readmes.py FOLDER… [REPORT.json…]

A folder is searched for Python packages (``*.dist-info/METADATA``) and for npm packages (``package.json`` beside
``README.md``). A report is what ``pip install --dry-run --report`` writes. Of each README, the lines are kept that
could make a rule look at all, so that the file stays small.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator
from email import message_from_string
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

TARGET = Path(__file__).parent / "readmes.txt.gz"
FREE = re.compile(r"(?:(?:the )?mit|bsd|apache|isc|0bsd|unlicense|modified bsd|new bsd)\b(?!.*\bgpl)", re.IGNORECASE)
TELLING = re.compile(
    r"pass|pwd|\bpw|secret|token|key|auth|bearer|basic|cookie|sess|sig=|curl |mysql|redis-cli|hook|-----|://[^\s/]*@"
    r"|[A-Za-z0-9_-]{24,}|(?:\d[ -]?){13}",
    re.IGNORECASE,
)
# Links to package indexes and badges say nothing.
LEFT_OUT = re.compile(r"pypi\.|pythonhosted|npmjs|//npm\.|nodei\.|badge\.fury|debian\.")
LONGEST_LINE, MOST_LINES = 300, 150


class Readme(NamedTuple):
    """A package, who wrote it under which licence, and its README."""

    name: str
    version: str
    licence: str
    author: str
    text: str


def _from_metadata(path: Path) -> Readme:
    message: Message = message_from_string(path.read_text(errors="replace"))
    classifiers = [
        row.split("::")[-1].strip() for row in message.get_all("Classifier", []) if row.startswith("License")
    ]
    licence = message["License-Expression"] or (message["License"] or "").strip() or ", ".join(classifiers)
    text = message.get_payload() or message["Description"] or ""
    author = message["Author"] or message["Author-email"] or ""
    return Readme(f"pypi {message['Name']}", message["Version"], licence, author, str(text))


def _from_report(row: dict[str, Any]) -> Readme:
    classifiers = [item.split("::")[-1].strip() for item in row.get("classifier", []) if item.startswith("License")]
    licence = row.get("license_expression") or row.get("license", "").strip() or ", ".join(classifiers)
    author = row.get("author") or row.get("author_email") or ""
    return Readme(f"pypi {row['name']}", row["version"], licence, author, row.get("description") or "")


def _from_npm(path: Path) -> Readme:
    package = json.loads(path.read_text())
    author = package.get("author") or ""
    author = author.get("name", "") if isinstance(author, dict) else author
    text = path.with_name("README.md").read_text(errors="replace")
    return Readme(f"npm {package['name']}", package.get("version", ""), str(package.get("license")), author, text)


def _found(source: Path) -> Iterator[Readme]:
    if source.is_file():
        yield from (_from_report(row["metadata"]) for row in json.loads(source.read_text())["install"])
        return
    yield from map(_from_metadata, sorted(source.rglob("*.dist-info/METADATA")))
    for path in sorted(source.rglob("node_modules/**/README.md")):
        if path.with_name("package.json").exists() and "name" in json.loads(
            path.with_name("package.json").read_text()
        ):
            yield _from_npm(path.with_name("package.json"))


def _telling(text: str) -> list[str]:
    rows = [row[:LONGEST_LINE].rstrip() for row in text.splitlines() if not LEFT_OUT.search(row)]
    return [
        row
        for row, before in zip(rows, ["", *rows], strict=False)
        if TELLING.search(row) or before.endswith((":", ":**"))
    ][:MOST_LINES]


def main(sources: list[str]) -> None:
    """Collect the READMEs of these folders and reports."""
    found: dict[str, str] = {}
    for source in sources:
        for readme in _found(Path(source)):
            name = readme.name.lower().replace("_", "-")
            first_line = readme.licence.split("\n")[0].strip()
            if name not in found and len(readme.text) > 300 and FREE.match(first_line):
                author = " ".join(re.sub(r"<[^>]*>|\S+@\S+", "", readme.author).split())[:60]
                head = f"\f{name} | {readme.version} | {first_line[:40]} | {author}"
                found[name] = "\n".join([head, *_telling(readme.text)])
    data = "\n".join(found[name] for name in sorted(found)).encode()
    TARGET.write_bytes(gzip.compress(data, 9, mtime=0))
    print(f"{len(found)} documents, {len(data):,} octets, {TARGET.stat().st_size:,} compressed")


if __name__ == "__main__":
    main(sys.argv[1:])
