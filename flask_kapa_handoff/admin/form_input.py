"""Reads what an admin typed about the form. Its inputs are named ``form_`` and as in :meth:`.FormSettings.flat`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from zoneinfo import available_timezones

from werkzeug.datastructures import MultiDict

from ..fields import NOTE
from ..form_parsing import languages_of
from ..form_settings import FormSettings, key, names_of
from ..locale_formats import language_name
from ..settings import DeskSettings
from ..state import State
from ..translation import Language, current_language, speak
from ..translation import gettext as _
from ..web.language import shown_button_text

FALSE = ("false", "off", "no", "0", "")
"""What an unticked box sends."""

PREFIX = "form_"
ADD = "form_add"
"""The button that adds a language, and the list of languages that can be added."""

PREVIEW_LANGUAGE = "form_preview_language"


def typed_values(fields: MultiDict[str, str], stored: FormSettings) -> dict[str, str]:
    """The form's values as they were typed; what a request leaves out keeps its stored value."""
    flat = stored.flat()
    for name in fields:
        if name.startswith(PREFIX):
            values = fields.getlist(name)
            own = name.removeprefix(PREFIX)
            if own not in flat and "--" not in own:
                continue
            flat[own] = ",".join(filter(None, values)) if own in ("office_days", "unasked") else values[-1]
    added = fields.get("form_added", "") if ADD in fields else ""
    flat["languages"] = ",".join(languages_of({"languages": f"{flat['languages']},{added}"}))
    for tag in languages_of(flat):
        for name in names_of(tag):
            flat.setdefault(key(name, tag), "")
    return flat


def language_named(state: State, tag: str) -> Language:
    """The language with this tag; the one of this request, if there is no such language."""
    return state.languages.best([tag] if tag else []) or current_language()


def addable_languages(state: State, present: Iterable[str]) -> list[tuple[str, str]]:
    """The tags and names of the languages that texts can still be written for."""
    tags = {name.replace("_", "-") for name in state.languages.names} - set(present)
    return sorted(((tag, language_name(tag)) for tag in tags), key=lambda pair: pair[1])


def usual_texts(state: State, tag: str, settings: DeskSettings) -> dict[str, str]:
    """What the form says where an admin writes nothing, for those whose language this is."""
    with speak(language_named(state, tag)):
        return {
            "button_text": shown_button_text(replace(settings, form=FormSettings())),
            "title": shown_button_text(settings),
            "lead": _("Someone at %(site)s will read this and reply by email.", site=state.site_name),
            "note_label": _(NOTE.label),
            "thanks": _("Thanks, we've got your question"),
            "privacy_url": "https://",
            "time_zone": "Europe/Berlin",
        }


@lru_cache(maxsize=1)
def zone_names() -> tuple[str, ...]:
    """The time zones that this server knows, without outdated spellings."""
    groups = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
    return (*sorted(name for name in available_timezones() if name.startswith(groups)), "UTC")
