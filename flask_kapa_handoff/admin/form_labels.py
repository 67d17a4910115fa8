"""What the admin's pages call the settings of the form."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..form_settings import REPLY_UNITS, FormSettings
from ..locale_formats import language_name
from ..state import current_state
from ..translation import current_language, ngettext
from ..translation import gettext as _
from ..translation import noop as N_

TEXTS = {
    "button_text": N_("Button text"),
    "title": N_("Title"),
    "lead": N_("Introduction"),
    "note_label": N_("Label of the note"),
    "consent": N_("Consent box"),
    "privacy": N_("Privacy line"),
    "privacy_url": N_("Privacy link"),
    "thanks": N_("Thank-you line"),
}

UNITS = dict(zip(REPLY_UNITS, (N_("hours"), N_("days"), N_("business days")), strict=True))

RADII = {
    "": N_("As on your site"),
    "square": N_("Square"),
    "soft": N_("Slightly rounded"),
    "round": N_("Round"),
    "pill": N_("Very round"),
}


def units() -> list[tuple[str, str]]:
    """The units of a time to reply, with their names."""
    return [(unit, _(name)) for unit, name in UNITS.items()]


def radii() -> list[tuple[str, str]]:
    """The kinds of corners, with their names."""
    return [(radius, _(name)) for radius, name in RADII.items()]


def day_names() -> list[str]:
    """Monday to Sunday, abbreviated, in the language of this request."""
    from babel.dates import get_day_names

    names = get_day_names("abbreviated", "stand-alone", locale=current_language().locale)
    return [names[day] for day in range(7)]


def label(name: str) -> str:
    """What a form setting is called, by its name in :meth:`.FormSettings.flat`."""
    if name in PARTS:
        return _(PARTS[name][0])
    text, _dash, tag = name.partition("--")
    told = _(TEXTS[text])
    return _("%(label)s (%(language)s)", label=told, language=language_name(tag)) if tag else told


def value(form: FormSettings, name: str) -> str:
    """A form setting as text; empty: the form does not say it."""
    if name in PARTS:
        return PARTS[name][1](form)
    text, _dash, tag = name.partition("--")
    return form.texts.get(tag, {}).get(text, "")


def _reply(form: FormSettings) -> str:
    number = form.reply_within
    if number is None:
        return ""
    if form.reply_unit == "hours":
        return ngettext("%(number)s hour", "%(number)s hours", number)
    if form.reply_unit == "days":
        return ngettext("%(number)s day", "%(number)s days", number)
    return ngettext("%(number)s business day", "%(number)s business days", number)


def _hours(form: FormSettings) -> str:
    if not form.office_days:
        return ""
    names = day_names()
    days = ", ".join(names[day] for day in form.office_days)
    return f"{days} {form.opens}–{form.closes} {form.time_zone}"


def _flag(is_on: bool) -> str:
    return _("on") if is_on else ""


def _radius(form: FormSettings) -> str:
    return _(RADII[form.radius]) if form.radius else ""


def _field_labels(form: FormSettings) -> str:
    known = {field.name: field.label for field in current_state().config.fields}
    return ", ".join(known.get(name, name) for name in form.unasked)


PARTS: Mapping[str, tuple[str, Callable[[FormSettings], str]]] = {
    "reply_within": (N_("Usual time to reply"), _reply),
    "office_days": (N_("Office hours"), _hours),
    "open_directly": (N_("Visitors may ask directly"), lambda form: _flag(form.open_directly)),
    "attachments": (N_("Files"), lambda form: _flag(form.attachments)),
    "unasked": (N_("Fields left out of the form"), _field_labels),
    "show_address": (N_("Show your address"), lambda form: _flag(form.show_address)),
    "accent": (N_("Accent colour"), lambda form: form.accent),
    "radius": (N_("Corners"), _radius),
}
"""What is not a text: the label, and what says the value."""
