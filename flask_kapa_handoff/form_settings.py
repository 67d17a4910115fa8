"""What an admin writes about a desk's form: its texts in several languages, office hours, look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import fields as attributes_of
from datetime import time
from typing import Any

from .office_hours import OfficeHours, find_zone
from .unknown import log_once

TEXTS: Mapping[str, int] = {
    "button_text": 60,
    "title": 100,
    "lead": 300,
    "note_label": 100,
    "consent": 500,
    "privacy": 300,
    "privacy_url": 1_000,
    "thanks": 300,
}
"""The texts, each with the most characters that it may have. The button's own setting is its untagged text."""

UNTAGGED = ""
"""The language of the texts for everybody whose language has none."""

REPLY_UNITS = ("hours", "days", "business-days")
RADII = ("", "square", "soft", "round", "pill")


@dataclass(frozen=True)
class FormSettings:
    """What a desk's form says and how it looks. An empty value leaves the package's own.

    Arguments:
        texts: by language tag, then by name, see :data:`TEXTS`; :data:`UNTAGGED` is for all other languages.
        reply_within: after how many ``reply_unit`` visitors usually get a reply; None: the form does not say.
        reply_unit: one of :data:`REPLY_UNITS`.
        office_days: the days on which the desk is there, 0 is Monday; empty: the form does not say.
        opens, closes: on these days, as ``HH:MM``.
        time_zone: of both, such as ``Europe/Berlin``.
        open_directly: whether visitors may open the form without an answer that qualifies.
        attachments: whether visitors can attach files.
        show_address: whether the desk's address is shown where nothing else helps.
        unasked: the names of the site's fields that this desk's form does not ask for.
        accent: the colour of buttons, as ``#rrggbb``; empty: the site's style sheet says it.
        radius: how round corners are, one of :data:`RADII`; empty: the site's style sheet says it.
        others: what a later version has stored; it is kept.
    """

    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    reply_within: int | None = None
    reply_unit: str = REPLY_UNITS[0]
    office_days: tuple[int, ...] = ()
    opens: str = "09:00"
    closes: str = "17:00"
    time_zone: str = ""
    open_directly: bool = False
    attachments: bool = False
    show_address: bool = False
    unasked: tuple[str, ...] = ()
    accent: str = ""
    radius: str = ""
    others: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have texts of their own."""
        return tuple(tag for tag in self.texts if tag)

    @property
    def hours(self) -> OfficeHours | None:
        """The office hours; None: there are none, or their time zone could not be found."""
        if not self.office_days:
            return None
        zone = find_zone(self.time_zone)
        if zone is None:
            log_once("time zone", self.time_zone)
            return None
        return OfficeHours(self.office_days, time.fromisoformat(self.opens), time.fromisoformat(self.closes), zone)

    def text(self, name: str, language: str) -> str | None:
        """A text for a reader: in their language, else in its base language, else the untagged one; None: none.

        Arguments:
            language: a BCP 47 tag.
        """
        tag = language
        while tag:
            if found := self.texts.get(tag, {}).get(name):
                return found
            tag = tag.rpartition("-")[0]
        return self.texts.get(UNTAGGED, {}).get(name)

    def all_of(self, name: str) -> tuple[str, ...]:
        """A text in every language that has it."""
        return tuple(dict.fromkeys(texts[name] for texts in self.texts.values() if name in texts))

    def as_json(self) -> dict[str, Any]:
        """What differs from the defaults."""
        different = {name: getattr(self, name) for name in PARTS if getattr(self, name) != getattr(DEFAULTS, name)}
        parts = {name: [*value] if isinstance(value, tuple) else value for name, value in different.items()}
        texts = {"texts": {tag: dict(texts) for tag, texts in self.texts.items()}} if self.texts else {}
        return {**self.others, **texts, **parts}

    def flat(self) -> dict[str, str]:
        """Every value as the text of one input: ``languages``, ``title``, ``title--de``, ``accent`` and so on."""
        texts = {
            key(name, tag): self.texts.get(tag, {}).get(name, "")
            for tag in (UNTAGGED, *self.languages)
            for name in names_of(tag)
        }
        return {
            "languages": ",".join(self.languages),
            **texts,
            **{name: as_text(getattr(self, name)) for name in PARTS},
        }


def key(name: str, tag: str) -> str:
    """The name of the input for a text in a language."""
    return f"{name}--{tag}" if tag else name


def names_of(tag: str) -> tuple[str, ...]:
    """The names of the texts that there can be in a language."""
    return tuple(name for name in TEXTS if tag or name != "button_text")


def as_text(value: Any) -> str:
    """A value as the text of an input."""
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


DEFAULTS = FormSettings()

PARTS = tuple(attribute.name for attribute in attributes_of(FormSettings) if attribute.name not in ("texts", "others"))
"""The names of the values beside the texts."""
