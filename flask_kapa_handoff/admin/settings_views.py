"""The settings page: show, preview, save, and send a test mail."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ..config_values import MAIL
from ..delivery.sample import SampleAttempt, send_sample
from ..desk_directory import read_desks
from ..errors import Invalid
from ..fields import NOTE
from ..form_parsing import languages_of
from ..locale_formats import language_name
from ..settings import (
    DEFAULT_DESK,
    DeskSettings,
    SettingsConflict,
    current_settings,
)
from ..settings_api import store
from ..state import State, current_state
from ..storage.arrivals import desk_arrival
from ..storage.engine import now
from ..template_environment import render
from ..translation import gettext as _
from ..translation import noop as N_
from ..translation import speak
from ..triggers import TABLE
from ..web.form_words import consent_row, form_words, look
from ..web.language import shown_button_text
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from ..web.team import arrival_sentences
from ..web.ticket_form import TicketForm
from .desk_parts import LABEL_TAKEN, is_unreached, named
from .form_input import PREVIEW_LANGUAGE, addable_languages, language_named, usual_texts
from .forms import EXPIRED, EXPIRED_ACTION, AdminForm, SettingsForm
from .history import latest_history
from .identity import changed_by
from .labels import SETTINGS
from .responses import fragment_response, page_response
from .settings_conflict import conflict_page, resolved
from .simulation import simulation_of

SAVED = N_("Saved. Live now.")
SAVED_UNREACHED = N_("Saved.")
UNDONE = N_("Undone. Live now.")
UNCHANGED = N_("No changes to save.")

_NOTICES = {"saved": SAVED, "undone": UNDONE, "unchanged": UNCHANGED}
"""What the page says at first, by the parameter that has the version which it says that about."""

STAGES = ("button", "form", "thanks")
"""What the preview shows of a desk."""


def settings() -> ResponseReturnValue:
    """Show the page."""
    state = current_state()
    current = _current(state)
    told = {request.args.get(name): notice for name, notice in _NOTICES.items()}
    return _settings_page(state, _showing(state, current), notice=told.get(str(current.version)))


def save() -> ResponseReturnValue:
    """Save. Without htmx, the response redirects to the page, so that reloading it does not save twice."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    form = SettingsForm.submitted(request.form, _current(state), state.config, state.registered.channels)
    valid = form.validate()
    if not form.has_token:
        return _settings_page(state, form, 400, problem=EXPIRED)
    if not valid:
        return _settings_page(state, form, 422)
    wanted = resolved(state, form, request.form)
    try:
        before, after = store(state, wanted, changed_by=changed_by())
    except SettingsConflict as conflict:
        return conflict_page(state, form, wanted, conflict.current)
    except Invalid as error:
        if "label" not in error.fields:
            raise
        form.label.errors = [_(LABEL_TAKEN)]
        return _settings_page(state, form, 422)
    told = "unchanged" if before == after else "undone" if "undoes" in request.form else "saved"
    if not wants_fragment():
        said: dict[str, Any] = {told: after.version}
        return redirect(url_for("kapa_handoff_admin.settings", desk=named(after), **said), 303)
    shown = _showing(state, after)
    return _settings_page(
        state,
        shown,
        notice=_NOTICES[told],
        stays_open="form" in before.differences(after),
    )


def preview() -> ResponseReturnValue:
    """Show a preview of the typed settings, and their errors. Stores nothing."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    form = SettingsForm.submitted(request.form, _current(state), state.config, state.registered.channels)
    form.validate()
    form.csrf_token.errors = []  # nothing is changed here
    if form.adds_language or not wants_fragment():
        return _settings_page(state, form, notice=N_("This is a preview. Nothing is saved yet."), neutral=True)
    return fragment_response("preview", form=form, alone=True, **_preview_context(state, form))


def simulate() -> ResponseReturnValue:
    """Show what the typed settings would have done; without htmx, on the whole page. Stores nothing."""
    if not wants_fragment():
        return preview()
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    form = SettingsForm.submitted(request.form, _current(state), state.config, state.registered.channels)
    form.validate()
    return fragment_response("simulation", **simulation_of(state, form))


def test_mail() -> ResponseReturnValue:
    """Send a sample ticket to the saved address now, and show the result."""
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    token = AdminForm(request.form)
    current = _current(state)
    if not token.validate():
        return _test_mail_page(state, current, 400, problem=EXPIRED_ACTION)
    if not current.email:
        return _test_mail_page(state, current, 422, problem=N_("Save an address first."))
    state.admin_address = f"{request.host_url.rstrip('/')}{state.mount}"
    tried = send_sample(state, current.email, desk=current.desk, visitor=current.recipients[0])
    return _test_mail_page(state, current, tried=tried)


def _showing(state: State, current: DeskSettings) -> SettingsForm:
    return SettingsForm.showing(current, state.config, state.registered.channels)


def _current(state: State) -> DeskSettings:
    with state.database.read() as connection:
        return current_settings(connection, state.config, request.values.get("desk") or DEFAULT_DESK)


def _test_mail_page(
    state: State,
    current: DeskSettings,
    status: int = 200,
    *,
    tried: SampleAttempt | None = None,
    problem: str | None = None,
) -> Response:
    if wants_fragment():
        return fragment_response("test_mail_outcome", status, tried=tried, test_mail_problem=problem)
    form = _showing(state, current)
    return _settings_page(state, form, status, tried=tried, test_mail_problem=problem)


def _settings_page(state: State, form: SettingsForm, status: int = 200, **context: Any) -> Response:
    with state.database.read() as connection:
        desks = read_desks(connection, state.config)
        history = latest_history(connection, desks, form.current.desk)
        arrival = desk_arrival(connection, form.current.desk, form.current.recipients)
        said = arrival_sentences(arrival, now(connection))
    last_change = history.last_change
    was_undone = context.get("notice") == UNDONE
    can_undo = was_undone or context.get("notice") == SAVED
    undone_by = last_change.before if can_undo and last_change is not None else None
    unreached = is_unreached(state, desks, form.current)
    if unreached and context.get("notice") == SAVED:
        context["notice"] = SAVED_UNREACHED
    context = {
        "form": form,
        "unreached": unreached,
        "arrival": said if form.current.channel == MAIL else [],
        "current": form.current,
        "pinned": state.config.pinned,
        "channel": state.label_of_channel(form.current.channel),
        "is_channel_configured": form.current.channel == state.config.channel,
        "channels": [(name, state.label_of_channel(name) or _("Mail")) for name in form.usable_channels],
        "desks": desks.present.values(),
        "this_desk": named(form.current),
        "can_link": state.ticket_url("T-SAMPLE") is not None,
        "site_fields": [field for field in state.config.fields if field.is_for(form.current.desk)],
        "all_triggers": TABLE.values(),
        "history": history,
        "last_change": last_change,
        "undone_by": undone_by,
        "undone_names": [_(SETTINGS[name]) for name in undone_by.differences(form.current)] if undone_by else (),
        "was_undone": was_undone,
        **_preview_context(state, form),
        **simulation_of(state, form),
        **context,
    }
    return (fragment_response if wants_fragment() else page_response)("settings", status, **context)


def _preview_context(state: State, form: SettingsForm) -> dict[str, Any]:
    shown = form.wanted
    tag = request.form.get(PREVIEW_LANGUAGE, "")
    with speak(language_named(state, tag)):
        stages = {stage: _stage(state, shown, stage) for stage in STAGES}
    present = languages_of(form.typed)
    return {
        "shown": shown,
        "stages": stages,
        "preview_language": tag,
        "unsaved": bool(shown.differences(form.current)) or bool(form.errors),
        "form_languages": [("", ""), *((tag, language_name(tag)) for tag in present)],
        "addable_languages": addable_languages(state, present),
        "usual_texts": {tag: usual_texts(state, tag, shown) for tag in ("", *present)},
    }


def _stage(state: State, shown: DeskSettings, stage: str) -> Markup:
    """One of the things that a visitor sees, in the current language."""
    site_fields = state.config.fields
    handoff_form = TicketForm.empty(state.offer_signer(), "", desk=shown.desk, site_fields=site_fields)
    handoff_form.unasked = shown.form.unasked
    handoff_form.ask_consent(consent_row(shown.form))
    context = {
        "stage": stage,
        "words": form_words(shown),
        "look": look(shown.form),
        "radius": shown.form.radius,
        "button_text": shown_button_text(shown),
        "form": handoff_form,
        "is_helpless": False,
        "note_max": NOTE.max_length,
        "files": handoff_form.files if shown.form.attachments else None,
        "site_name": state.site_name,
    }
    # The form before it has the heading with this id.
    html = render(state.templates, "admin/_stage", context)
    return Markup(html.replace(' id="kapa-handoff-title"', "") if stage == "thanks" else html)  # noqa: S704 - rendered
