"""Reads the corpora of tests/data/redaction, and makes the secrets that they describe."""

from __future__ import annotations

import gzip
import random
import re
import string
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent.parent / "data" / "redaction"

_ALPHABETS = {
    "w": string.ascii_letters + string.digits,
    "l": string.ascii_lowercase + string.digits,
    "c": string.ascii_uppercase + "234567",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "u": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "d": string.digits,
    "a": string.ascii_lowercase,
}
_BODY = re.compile(r"\{([wlcHhubda])(\d+)\}")


class Sample(NamedTuple):
    """A text, and the secrets in it."""

    text: str
    secrets: tuple[str, ...]

    def leaks(self, masked: str) -> list[str]:
        """The secrets of which a masked text still shows two thirds."""
        return [secret for secret in self.secrets if any(part in masked for part in _parts(secret))]


def _parts(secret: str) -> list[str]:
    size = max(4, len(secret) * 2 // 3)
    return [secret[at : at + size] for at in range(max(1, len(secret) - size + 1))]


def lines(name: str) -> list[str]:
    """The texts of a corpus; those that begin with ``# `` are comments."""
    rows = (FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [row.replace("⏎", "\n") for row in rows if row and not row.startswith("# ")]


def samples() -> list[Sample]:
    """The texts that must be masked, with the same random bodies each time."""
    return [_sample(line) for line in lines("masked.txt")]


def _sample(line: str) -> Sample:
    chance = random.Random(line)  # noqa: S311 - the same each time

    def body(match: re.Match[str]) -> str:
        alphabet, length = match[1], int(match[2])
        made = "".join(chance.choice(_ALPHABETS[alphabet]) for _ in range(length))
        return chance.choice("123456789") + made[1:] if alphabet == "d" else made

    filled = _BODY.sub(body, line)
    return Sample(re.sub("[⟦⟧]", "", filled), tuple(re.findall(r"⟦(.*?)⟧", filled, re.DOTALL)))


class Readme(NamedTuple):
    """What a README says about passwords, tokens and keys."""

    name: str
    text: str


def readmes() -> list[Readme]:
    """The documents that collect_readmes.py collected."""
    documents = gzip.decompress((FOLDER / "readmes.txt.gz").read_bytes()).decode().split("\f")[1:]
    return [
        Readme(head.split(" | ")[0], text) for head, _, text in (document.partition("\n") for document in documents)
    ]
