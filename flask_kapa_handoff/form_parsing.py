"""Reads the settings of a desk's form: what an admin typed, what a site configures, what is stored."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .colours import read_colour
from .form_settings import DEFAULTS, RADII, REPLY_UNITS, TEXTS, UNTAGGED, FormSettings, as_text, key, names_of
from .office_hours import find_zone
from .text import clean_text
from .translation import gettext as _
from .unknown import log_once
from .urls import parse_url

MAX_LANGUAGES = 30
MAX_REPLY = 99

_DAYS = ("0", "1", "2", "3", "4", "5", "6")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_STAYS = ("email", "note", "consent")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


class FormErrors(ValueError):
    """Some values are not allowed.

    Arguments:
        by_name: a sentence for each, by the name that :meth:`FormSettings.flat` uses.
        right: the other values.
    """

    def __init__(self, by_name: Mapping[str, str], right: FormSettings) -> None:
        super().__init__("; ".join(f"{name}: {told}" for name, told in by_name.items()))
        self.by_name, self.right = by_name, right


def is_link(text: str) -> bool:
    """Whether visitors can be sent there: an https address, or a path of the site."""
    if text.startswith("/"):
        return not text.startswith(("//", "/\\"))
    return text.lower().startswith("https://") and parse_url(text) is not None


def languages_of(flat: Mapping[str, str]) -> list[str]:
    """The tags of the languages in flat values, without what is no tag."""
    named = (tag.strip() for tag in flat.get("languages", "").split(","))
    return [*dict.fromkeys(tag for tag in named if _TAG.fullmatch(tag))][:MAX_LANGUAGES]


def parse_flat(flat: Mapping[str, str], stored: FormSettings | None = None) -> FormSettings:
    """Read values as :meth:`FormSettings.flat` writes them.

    Arguments:
        flat: the values; a missing one is the default.
        stored: what is stored: its values are allowed, even if a later version has stored them.

    Raises:
        FormErrors: with a sentence for each wrong value.
    """
    known = stored.flat() if stored is not None else {}
    errors: dict[str, str] = {}
    texts: dict[str, dict[str, str]] = {}
    for tag in (UNTAGGED, *languages_of(flat)):
        for name in names_of(tag):
            named = key(name, tag)
            text = _one_line(flat.get(named, ""))
            if text and text != known.get(named) and (wrong := _wrong_text(name, text)):
                errors[named] = wrong
            elif text:
                texts.setdefault(tag, {})[name] = text
    found: dict[str, Any] = {}
    for name, parse in _PARTS.items():
        if stored is not None and flat.get(name) == known[name]:
            found[name] = getattr(stored, name)
        elif name in flat:
            try:
                found[name] = parse(flat[name].strip())
            except ValueError as error:
                errors[name] = str(error)
    if found.get("office_days") and any(flat.get(name) != known.get(name) for name in _HOURS):
        errors = {**_wrong_hours(found), **errors}
    if "consent" not in texts.get(UNTAGGED, {}) and any("consent" in said for said in texts.values()):
        errors.setdefault("consent", _("Write this text for all other languages as well."))
    read = FormSettings(texts, **found, others=stored.others if stored is not None else {})
    if errors:
        raise FormErrors(errors, read)
    return read


def parse_form(value: Any) -> FormSettings:
    """A site's own defaults, from a mapping as :meth:`FormSettings.as_json` writes it.

    Raises:
        ValueError: the message names what is wrong and what is allowed.
    """
    if not isinstance(value, Mapping):
        raise ValueError('use a dict such as {"texts": {"": {"title": "Ask us"}}, "accent": "#0b5fff"}')
    allowed = ("texts", *_PARTS)
    for name in value:
        if name not in allowed:
            raise ValueError(f"there is no {name!r}; use any of {', '.join(allowed)}")
    texts = value.get("texts", {})
    if not isinstance(texts, Mapping) or not all(isinstance(said, Mapping) for said in texts.values()):
        raise ValueError('texts: use a dict of languages such as {"": {"title": "Ask us"}, "de": {"title": "…"}}')
    for tag, said in texts.items():
        if tag != UNTAGGED and not (isinstance(tag, str) and _TAG.fullmatch(tag)):
            raise ValueError(f'texts: {tag!r} is no language; use "" for all, or a tag such as "de" or "pt-BR"')
        for name, text in said.items():
            if name not in names_of(tag):
                raise ValueError(f"texts: there is no {name!r}; use any of {', '.join(names_of(tag))}")
            if not isinstance(text, str):
                raise ValueError(f"texts: {name}: use text")
    return parse_flat(_flattened(value))


def read_form(value: Any) -> FormSettings:
    """What is stored, maybe by a later version or damaged: each value that cannot be read is the default."""
    if not isinstance(value, Mapping):
        return DEFAULTS
    stored = value.get("texts")
    texts: dict[str, dict[str, str]] = {}
    for tag, said in stored.items() if isinstance(stored, Mapping) else ():
        for name, text in said.items() if isinstance(said, Mapping) else ():
            # A later version may allow longer texts, but what is stored as a link must be one.
            is_fine = isinstance(text, str) and (name != "privacy_url" or is_link(text))
            if name in TEXTS and is_fine and (read := _one_line(text)):
                texts.setdefault(tag, {})[name] = read
    parts: dict[str, Any] = {}
    for name, parse in _STORED_PARTS.items():
        if name in value:
            try:
                parts[name] = parse(as_text(value[name]))
            except ValueError:
                log_once(f"form setting {name}", value[name])
    others = {name: said for name, said in value.items() if name != "texts" and name not in _PARTS}
    return FormSettings(texts, **parts, others=others)


def _flattened(value: Mapping[str, Any]) -> dict[str, str]:
    texts = value.get("texts", {})
    flat = {key(name, tag): text for tag, said in texts.items() for name, text in said.items()}
    parts = {name: as_text(value[name]) for name in _PARTS if name in value}
    return {"languages": ",".join(tag for tag in texts if tag), **flat, **parts}


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())


def _wrong_text(name: str, text: str) -> str | None:
    if len(text) > TEXTS[name]:
        return _("This is %(length)s characters long. The limit is %(limit)s.", length=len(text), limit=TEXTS[name])
    if name == "privacy_url" and not is_link(text):
        return _("Use an address that begins with https://, or a path such as /privacy.")
    return None


def _wrong_hours(found: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong about office hours as a whole."""
    errors = {}
    if not found.get("time_zone"):
        errors["time_zone"] = _("Choose the time zone of these hours.")
    opens, closes = found.get("opens", DEFAULTS.opens), found.get("closes", DEFAULTS.closes)
    if closes <= opens and closes != "00:00":
        errors["closes"] = _("The end must be later than the beginning. For midnight, use 00:00.")
    return errors


def _reply(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= MAX_REPLY or len(text) > 3:
        raise ValueError(_("Use a whole number from 1 to %(limit)s, or leave it empty.", limit=MAX_REPLY))
    return int(text)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(_("Choose one of the options."))
        return text

    return parse


def _days(text: str) -> tuple[int, ...]:
    chosen = [day.strip() for day in text.split(",") if day.strip()]
    if any(day not in _DAYS for day in chosen):
        raise ValueError(_("Choose one of the options."))
    return tuple(sorted({int(day) for day in chosen}))


def _time(text: str) -> str:
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(_("Use a time such as 09:00."))
    return f"{int(found[1]):02}:{found[2]}"


def _zone(text: str) -> str:
    if text and find_zone(text) is None:
        if find_zone("Europe/Berlin") is None:
            raise ValueError(
                _("This server has no time zones. Install them with “pip install tzdata”, then restart it.")
            )
        raise ValueError(_("There is no such time zone. Use a name such as Europe/Berlin."))
    return text


def _flag(text: str) -> bool:
    if text not in ("true", "false", ""):
        raise ValueError(_("Choose one of the options."))
    return text == "true"


def _field_names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if any(_FIELD.fullmatch(name) is None or name in _STAYS for name in names):
        raise ValueError(_("Choose one of the options."))
    return names


def _accent(text: str) -> str:
    if not text:
        return ""
    colour = read_colour(text)
    if colour is None:
        raise ValueError(_("Use a colour such as #3451d1."))
    return colour


_PARTS: Mapping[str, Callable[[str], Any]] = {
    "reply_within": _reply,
    "reply_unit": _one_of(REPLY_UNITS),
    "office_days": _days,
    "opens": _time,
    "closes": _time,
    "time_zone": _zone,
    "open_directly": _flag,
    "attachments": _flag,
    "show_address": _flag,
    "unasked": _field_names,
    "accent": _accent,
    "radius": _one_of(RADII),
}
_STORED_PARTS: Mapping[str, Callable[[str], Any]] = {**_PARTS, "time_zone": str}
"""Without a search for the time zone, which a server may have lost."""

_HOURS = ("office_days", "opens", "closes", "time_zone")
