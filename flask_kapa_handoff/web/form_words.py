"""Chooses what a desk's form says, in the language of this request: an admin's words, else the package's own."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone

from markupsafe import Markup, escape

from ..colours import is_seen_everywhere, text_on
from ..fields import CONSENT, Field
from ..form_settings import FormSettings
from ..settings import DeskSettings
from ..translation import current_language, ngettext
from ..translation import gettext as _

_LINKED = re.compile(r"\[([^\[\]]+)\]")
"""The part of a text that is its link, in brackets."""


@dataclass(frozen=True)
class FormWords:
    """What the templates of the form and the confirmation show; None: the package's own text, or nothing.

    Arguments:
        title, lead, note_label, thanks: texts that an admin wrote.
        privacy, consent: the same, with their link.
        reply: when visitors can expect a reply, as a sentence.
        address: the desk's address, if it is shown where nothing else helps.
        look: CSS custom properties, ``name:value`` with semicolons between them; empty: there are none.
        radius: see :class:`.FormSettings`.
    """

    title: str | None = None
    lead: str | None = None
    note_label: str | None = None
    thanks: str | None = None
    privacy: Markup | None = None
    consent: Markup | None = None
    reply: str | None = None
    address: str | None = None
    look: str = ""
    radius: str = ""


def form_words(settings: DeskSettings | None, moment: datetime | None = None) -> FormWords:
    """The words of a desk.

    Arguments:
        settings: None: they are not known, so all words are the package's own.
        moment: for which the office hours count; None: now.
    """
    if settings is None:
        return FormWords()
    form = settings.form
    url, consent = _text(form, "privacy_url"), _consent(form)
    privacy = _text(form, "privacy") or (_("How we use your data") if url else None)
    return FormWords(
        **{name: _text(form, name) for name in ("title", "lead", "note_label", "thanks")},
        privacy=_linked(privacy, url, whole=True) if privacy else None,
        consent=_linked(consent, url) if consent else None,
        reply=_reply(form, moment or datetime.now(timezone.utc)),
        address=next(iter(settings.recipients), None) if form.show_address else None,
        look=look(form),
        radius=form.radius,
    )


def consent_row(form: FormSettings) -> Field | None:
    """The box that visitors tick to agree, labelled in the language of this request; None: there is none."""
    text = _consent(form)
    if text is None:
        return None
    # A form that was opened in another language stays valid.
    return replace(CONSENT, label=_plain(text), choices=tuple(map(_plain, form.all_of("consent"))))


def look(form: FormSettings) -> str:
    """The colours as CSS custom properties, ``name:value`` with semicolons between them; empty: there are none."""
    if not form.accent:
        return ""
    properties = {"accent": form.accent, "on-accent": text_on(form.accent)}
    if not is_seen_everywhere(form.accent):
        properties["mark"] = "var(--kapa-handoff-text)"
    return ";".join(f"--kapa-handoff-{name}:{value}" for name, value in properties.items())


def _text(form: FormSettings, name: str) -> str | None:
    return form.text(name, current_language().tag)


def _consent(form: FormSettings) -> str | None:
    return _text(form, "consent") or next(iter(form.all_of("consent")), None)


def _plain(text: str) -> str:
    return _LINKED.sub(r"\1", text)


def _linked(text: str, url: str | None, *, whole: bool = False) -> Markup:
    """A text with its link: the part in brackets, else the whole text if it may be one."""
    part = _LINKED.search(text)
    if url is None or (part is None and not whole):
        return escape(_plain(text))
    before, words, after = (text[: part.start()], part[1], text[part.end() :]) if part else ("", text, "")
    # In a tab of its own: what was typed stays.
    link = Markup('<a href="{}" target="_blank" rel="noopener">{}</a>').format(url, words)
    return escape(before) + link + escape(_plain(after))


def _reply(form: FormSettings, moment: datetime) -> str | None:
    """When the desk is back; while it is there, how quickly it replies."""
    back = form.hours and form.hours.when_back(moment)
    if back or form.reply_within is None:
        return back or None
    number = form.reply_within
    if form.reply_unit == "hours":
        return ngettext(
            "We usually reply within %(number)s hour.", "We usually reply within %(number)s hours.", number
        )
    if form.reply_unit == "days":
        return ngettext("We usually reply within %(number)s day.", "We usually reply within %(number)s days.", number)
    return ngettext(
        "We usually reply within %(number)s business day.",
        "We usually reply within %(number)s business days.",
        number,
    )
