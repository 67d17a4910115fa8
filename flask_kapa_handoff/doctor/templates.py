"""Checks the templates that a site has put in place of the package's: are they named right, and do they render?"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from jinja2 import FileSystemLoader

from ..delivery.sample import sample_conversation, sample_ticket
from ..lazy_text import lazy_gettext as _
from ..offer_signing import OfferSigner
from ..settings import DEFAULT_DESK
from ..template_environment import TEMPLATES, render
from ..web.form_words import FormWords
from ..web.ticket_form import TicketForm
from ..web.urls import static_url, visitor_url
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State

FOLDER = "kapa_handoff/"
SIMILAR = 0.8
"""How similar a name must be to be a slip: ``_forms.html``, but not a site's own ``_form_captcha.html``."""

ADDRESS = "visitor@example.com"


def examine_templates(state: State) -> list[Finding]:
    """Compile the site's templates, and render samples with them."""
    shipped = [name.removeprefix(FOLDER) for name in FileSystemLoader(TEMPLATES).list_templates()]
    own = _own_templates(state)
    findings = [
        Finding(
            Level.WARNING,
            _(
                "Your template %(name)s takes the place of none: did you mean %(close)s?",
                name=FOLDER + name,
                close=FOLDER + close[0],
            ),
            _("Visitors see the package's own."),
            _("Rename the file."),
        )
        for name in own
        if name not in shipped and (close := get_close_matches(name, set(shipped) - set(own), 1, SIMILAR))
    ]
    replaced = [name for name in own if name in shipped]
    for name in replaced:
        _note_failure(state, state.templates.get_template, f"{FOLDER}{name}")
    if replaced:
        _render_samples(state)
    return findings + [
        Finding(
            Level.WARNING,
            _("A template of yours in %(folder)s fails: %(place)s.", folder=FOLDER, place=place),
            _("The package's own takes its place; a mail goes out without its HTML."),
            _("Fix the template, then restart the site. `flask kapa-handoff test-mail` shows a mail."),
        )
        for place in sorted(state.templates.failures | state.mail_templates.failures)
    ]


def _own_templates(state: State) -> list[str]:
    """The site's templates for visitors and mails, by their names in the folder."""
    loader = state.app.jinja_env.loader
    try:
        names = loader.list_templates() if loader is not None else []
    except TypeError:
        return []  # a loader that cannot list its templates
    own = (name.removeprefix(FOLDER) for name in names if name.startswith(FOLDER))
    return [name for name in own if not name.startswith("admin/")]


def _render_samples(state: State) -> None:
    from ..delivery.mail.bodies import Letterhead
    from ..delivery.mail.message import compose  # imports what only a delivering process needs

    with state.app.test_request_context(f"{state.config.url_prefix}/form"):
        everywhere = {
            "button_text": state.config.button_text,
            "nonce": None,
            "site_name": state.site_name,
            "static_url": static_url,
            "words": FormWords(),
        }
        button = {"form_url": visitor_url("form"), "offer": "", "conversation": None, "desk": DEFAULT_DESK}
        fields = state.config.fields
        form = TicketForm.empty(OfferSigner([b"sample"]), "", desk=DEFAULT_DESK, site_fields=fields)
        opened = {"form": form, "tickets_url": visitor_url("tickets"), "pairs": 1}
        confirmed = {"reference": "T-SAMPLE", "visitor_email": ADDRESS}
        refused = {"problem": "A sample.", "title": "A sample"}
        samples: list[tuple[str, dict[str, Any]]] = [("_button", button), ("_dialog", confirmed), ("_dialog", refused)]
        samples += [("confirmation_page", confirmed), ("problem_page", refused)]
        samples += [("_dialog", opened), ("form_page", opened)]
        for name, context in samples:
            values = {**everywhere, **context}
            # What also fails with the package's templates is not the fault of the site's.
            if _note_failure(state, render, state.shipped_templates, name, values, is_own=False):
                _note_failure(state, render, state.templates, name, values)
    letterhead = Letterhead(state.site_name, ADDRESS, site_fields=state.config.fields)
    ticket = sample_ticket(ADDRESS, DEFAULT_DESK)
    _note_failure(state, compose, state.mail_templates, letterhead, ticket, sample_conversation())


def _note_failure(state: State, work: Any, *arguments: Any, is_own: bool = True) -> bool:
    """Call a function; returns whether it worked. A failure is kept with those of the site's templates."""
    try:
        work(*arguments)
    except Exception as error:
        if is_own:
            state.templates.note(error)
        return False
    return True
