"""What the admin's pages call the settings of the form."""

from __future__ import annotations

from ..form_settings import REPLY_UNITS, FormSettings, names_of
from ..locale_formats import language_name
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


def rows(one: FormSettings, other: FormSettings) -> list[tuple[str, str, str]]:
    """What either form settings say: the label, and the value in each."""
    tags = dict.fromkeys(("", *one.languages, *other.languages))
    found = [
        (
            _(TEXTS[name])
            if not tag
            else _("%(label)s (%(language)s)", label=_(TEXTS[name]), language=language_name(tag)),
            *(form.texts.get(tag, {}).get(name, "") for form in (one, other)),
        )
        for tag in tags
        for name in names_of(tag)
    ]
    found += [
        (_("Usual time to reply"), _reply(one), _reply(other)),
        (_("Office hours"), _hours(one), _hours(other)),
        (_("Visitors may ask directly"), _flag(one.open_directly), _flag(other.open_directly)),
        (_("Files"), _flag(one.attachments), _flag(other.attachments)),
        (_("Show your address"), _flag(one.show_address), _flag(other.show_address)),
        (_("Accent colour"), one.accent, other.accent),
        (_("Corners"), _radius(one), _radius(other)),
    ]
    return [(label, mine or _("default"), theirs or _("default")) for label, mine, theirs in found if mine or theirs]


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
