"""A language that nobody speaks: each message with accents and 40 % longer, as translations often are."""

from __future__ import annotations

import re
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from flask_kapa_handoff.translation import CATALOGS, DOMAIN

LANGUAGE = "eo"
"""Its name: a language that has rules for numbers and dates, and no catalog here."""

LONGER = 1.4

_ACCENTS = str.maketrans("aceginosuyACEGINOSUY", "áčéğíñóšúýÁČÉĞÍÑÓŠÚÝ")
_PLACEHOLDER = re.compile(r"%\(\w+\)s")
_WORD = "ßlängťhëner "


def lengthened(message: str) -> str:
    """The message with its placeholders, and further words until it is long enough."""
    kept = _PLACEHOLDER.findall(message)
    parts = [part.translate(_ACCENTS) for part in _PLACEHOLDER.split(message)]
    text = "".join(part + name for part, name in zip(parts, [*kept, ""], strict=True))
    missing = round(len(message) * LONGER) - len(text)
    return text + " " + (_WORD * missing)[:missing].strip() if missing > 0 else text


def write_pseudo_locale(folder: Path) -> None:
    """Put the catalog into a folder, as a site does that adds a language."""
    with (CATALOGS / "de" / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        complete = read_po(file)
    catalog = Catalog(locale=LANGUAGE)
    for message in complete:
        if message.id:
            texts = (message.id,) if isinstance(message.id, str) else tuple(message.id)
            longer = tuple(map(lengthened, texts))
            catalog.add(message.id, longer if len(longer) > 1 else longer[0])
    path = folder / LANGUAGE / "LC_MESSAGES" / f"{DOMAIN}.po"
    path.parent.mkdir(parents=True)
    with path.open("wb") as written:
        write_po(written, catalog)
