"""What an admin writes about a desk's form, as visitors read it: before and after sending, in their language."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, tickets
from flask_kapa_handoff.web.form_words import form_words
from tests.helpers.mails import body
from tests.helpers.offers import signed_offer
from tests.helpers.pages import Page, json_of
from tests.helpers.tickets import NOTE, post, post_json, refused, send_ticket, ticket_fields

pytestmark = pytest.mark.only("sqlite")

AGREE = "I agree that Acme stores this, see the privacy policy."
STIMME_ZU = "Ich stimme zu."
TEXTS = {
    "title": "Ask <us>",
    "lead": "Ada and Sam read every message.",
    "note_label": "Tell us more",
    "consent": "I agree that Acme stores this, see the [privacy policy].",
    "privacy": "We delete it after [90 days] & tell nobody.",
    "privacy_url": "https://example.com/privacy?a=1&b=2",
    "thanks": "Got it!",
}
FORM = {
    "texts": {"": TEXTS, "de": {"title": "Fragen", "consent": STIMME_ZU, "button_text": "Hilfe"}},
    "reply_within": 1,
    "reply_unit": "business-days",
    "accent": "#ffd400",
    "radius": "soft",
}
GERMAN = {"Accept-Language": "de-AT,de"}


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    app = make_app()
    change_settings(app, form=FORM)
    return app


@pytest.fixture
def visitor(site: Flask) -> FlaskClient:
    return site.test_client()


def opened(client: FlaskClient, **headers: str) -> str:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get("/handoff/form", query_string={"offer": signed_offer(client)}, headers=sent).text


def words_of(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", markup)).split())


@pytest.mark.parametrize("headers", [{}, {"X_Kapa_Handoff": "fragment"}])
def test_the_form_says_what_the_admin_wrote(visitor: FlaskClient, headers: dict[str, str]) -> None:
    """Title, introduction, label, consent, privacy line with its link, and how quickly they reply."""
    form = opened(visitor, **headers)
    text = words_of(form)
    for words in ("Ask <us>", f"{TEXTS['lead']} We usually reply within 1 business day.", "Tell us more", AGREE):
        assert words in text
    link = '<a href="https://example.com/privacy?a=1&amp;b=2" target="_blank" rel="noopener">'
    assert f"We delete it after {link}90 days</a> &amp; tell nobody." in form
    assert f"see the {link}privacy policy</a>." in form
    assert "Someone at site" not in text


def test_each_text_is_in_the_visitors_language_where_there_is_one(visitor: FlaskClient) -> None:
    """German where the admin wrote German, else what is for everybody, else the package's German."""
    text = words_of(opened(visitor, Accept_Language="de-AT,de"))
    for words in ("Fragen", STIMME_ZU, TEXTS["lead"], "Ihre E-Mail-Adresse", "innerhalb von 1 Werktag."):
        assert words in text
    assert ">Hilfe " in visitor.get("/handoff/offer?pairs=1", headers=GERMAN).text
    assert ">Create ticket " in visitor.get("/handoff/offer?pairs=1").text


def test_after_sending_the_admin_thanks(visitor: FlaskClient) -> None:
    """And says again how quickly a reply comes."""
    answer = post(visitor, "page", ticket_fields(visitor, consent=AGREE))
    assert answer.status_code == 201
    assert "Got it! We'll reply to visitor@example.com. We usually reply within 1 business day." in words_of(
        answer.text
    )


def test_a_desk_without_words_has_the_packages(client: FlaskClient) -> None:
    """No box, no line, no link, no style."""
    page = Page(opened(client))
    assert "consent" not in page.fields
    assert not [tag for tag, found in page.elements if "data-look" in found or "data-radius" in found]
    assert not [found for tag, found in page.elements if tag == "a"]
    assert "look.css" not in opened(client)


# --- consent ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("consent", [None, "", "yes", "I agree to everything."])
@pytest.mark.parametrize("shape", ["page", "fragment", "json"])
def test_without_consent_nothing_is_stored(visitor: FlaskClient, shape: str, consent: str | None) -> None:
    """The error is at the box, and what was typed stays."""
    answer = post(visitor, shape, ticket_fields(visitor, consent=consent))
    page = refused(answer, shape, 422, "invalid")
    told = "Please tick this box to continue." if not consent else "The text of this box has changed."
    if shape == "json":
        assert told in json_of(answer)["error"]["fields"]["consent"][0]
    else:
        assert page.fields["note"] == NOTE
        assert told in answer.text
    assert tickets(visitor.application) == []


def test_the_text_that_was_agreed_to_is_in_the_ticket(visitor: FlaskClient, write: Callable[..., bytes]) -> None:
    """As it was read, in its language; also where the form was sent in another one. The agent sees it in the mail."""
    assert post(visitor, "page", ticket_fields(visitor, consent=STIMME_ZU)).status_code == 201
    sent = {
        **ticket_fields(visitor, consent=AGREE),
        "conversation": [{"question": "How?", "answer": "So.", "id": "a1"}],
    }
    assert post_json(visitor, sent).status_code == 201
    assert [dict(ticket.fields) for ticket in tickets(visitor.application)] == [
        {"consent": STIMME_ZU},
        {"consent": AGREE},
    ]
    for kind in ("plain", "html"):
        told = words_of(body(write(fields={"consent": STIMME_ZU}), kind))
        assert re.search(rf"Agreed to:?[ |]*{STIMME_ZU}", told)


def test_sending_again_opens_no_second_ticket(visitor: FlaskClient) -> None:
    """The same text is the same content; a ticked box stays ticked beside an error."""
    fields = ticket_fields(visitor, consent=AGREE)
    assert post(visitor, "json", fields).status_code == 201
    assert post(visitor, "json", fields).status_code == 200
    again = Page(post(visitor, "page", ticket_fields(visitor, consent=AGREE, email="ada")).text)
    assert again.fields["consent"] == AGREE


def test_a_text_that_has_changed_must_be_read_again(visitor: FlaskClient) -> None:
    """What a visitor agreed to is what they read."""
    fields = ticket_fields(visitor, consent=AGREE)
    change_settings(visitor.application, form={"texts": {"": {"consent": "I agree to more."}}})
    answer = post(visitor, "page", fields)
    assert answer.status_code == 422
    assert "The text of this box has changed. Please read it and tick it again." in answer.text
    assert "consent" not in Page(answer.text).fields
    change_settings(visitor.application, form={})
    assert post(visitor, "page", fields).status_code == 201
    assert [dict(ticket.fields) for ticket in tickets(visitor.application)] == [{}]


def test_a_program_sends_the_text_and_a_test_of_the_site_too(visitor: FlaskClient) -> None:
    """`consent` is a field like the others."""
    assert send_ticket(visitor, consent=AGREE)


# --- hours -----------------------------------------------------------------------------------------------------------


def hours_around(moment: datetime, *, is_open: bool) -> dict[str, Any]:
    """Office hours in UTC that hold at a moment, or on the next two days only."""
    days = [moment.weekday()] if is_open else [(moment.weekday() + 1) % 7, (moment.weekday() + 2) % 7]
    return {"office_days": days, "opens": "00:00", "closes": "00:00", "time_zone": "UTC"}


def test_outside_office_hours_the_form_and_the_thanks_say_when_they_are_back(make_app: Callable[..., Flask]) -> None:
    """Instead of the time that a reply takes while they are there."""
    app = make_app()
    client, now = app.test_client(), datetime.now(timezone.utc)
    # A day further on, so that midnight during the test changes nothing.
    closed = {**hours_around(now + timedelta(days=1), is_open=False), "reply_within": 2}
    change_settings(app, form=closed)
    for text in (opened(client), post(client, "page", ticket_fields(client)).text):
        assert "We're back " in words_of(text)
        assert "We usually reply" not in text


def test_during_office_hours_the_form_says_how_quickly_they_reply(app: Flask) -> None:
    """At any moment, since the moment is given."""
    moment = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
    open_then = {**hours_around(moment, is_open=True), "reply_within": 2}
    settings = change_settings(app, form=open_then)
    assert form_words(settings, moment).reply == "We usually reply within 2 hours."
    assert str(form_words(settings, moment + timedelta(days=1)).reply).startswith("We're back Monday 12:00")
    assert form_words(change_settings(app, form={**open_then, "reply_unit": "days"}), moment).reply == (
        "We usually reply within 2 days."
    )


# --- address, colours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("show", [True, False])
def test_the_desks_address_is_shown_only_where_nothing_else_helps(make_app: Callable[..., Flask], show: bool) -> None:
    """Beyond a limit, and when no response comes; not beside a mistake that a visitor can correct, and not unless the
    admin says so."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    client = app.test_client()
    change_settings(app, form={"show_address": show})
    assert "support@example.com" not in opened(client)
    assert "support@example.com" not in post(client, "page", ticket_fields(client, email="ada")).text
    send_ticket(client)
    answer = post(client, "page", ticket_fields(client))
    assert answer.status_code == 429
    assert ('<a href="mailto:support@example.com">support@example.com</a>' in answer.text) is show
    alert = Page(opened(client, X_Kapa_Handoff="fragment")).one("div", role="alert")
    for failure in ("unreachable", "timeout", "offline", "413", "429", "503"):
        assert alert[f"data-{failure}"].endswith(" You can also write to support@example.com.") is show


def test_the_look_comes_without_inline_style(visitor: FlaskClient) -> None:
    """For handoff.js in attributes; for the form's own page in a style sheet. A pale ring is the text's colour."""
    look = (
        "--kapa-handoff-accent:#ffd400;--kapa-handoff-on-accent:#000000;--kapa-handoff-mark:var(--kapa-handoff-text)"
    )
    for fragment in (visitor.get("/handoff/offer?pairs=1").text, opened(visitor, X_Kapa_Handoff="fragment")):
        (found,) = [found for _, found in Page(fragment).elements if "data-look" in found]
        assert (found["data-look"], found["data-radius"]) == (look, "soft")
    page = opened(visitor)
    assert not re.search(r"<style|style=", page)
    (link,) = [found["href"] for tag, found in Page(page).elements if "look.css" in found.get("href", "")]
    sheet = visitor.get(link)
    assert (sheet.mimetype, sheet.text) == ("text/css", f".kapa-handoff-page{{{look}}}")
    assert 'class="kapa-handoff-panel" data-radius="soft"' in page
    change_settings(visitor.application, form={"accent": "#5b7bff"})
    assert "mark" not in visitor.get("/handoff/look.css").text


def test_a_moment_old_settings_are_enough_for_the_thanks(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the ticket is stored, no failure of the settings tells the visitor otherwise."""
    state = state_of(visitor.application)
    asked = [state.settings_cache.get] * 2
    monkeypatch.setattr(state.settings_cache, "get", lambda *given: asked.pop()(*given) if asked else None)
    answer = post(visitor, "fragment", ticket_fields(visitor, consent=AGREE))
    assert answer.status_code == 201
    assert "Thanks, we've got your question" in words_of(answer.text)
