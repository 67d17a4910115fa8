"""A visitor asks a person without asking the AI first: no answer, no conversation, on desks that allow it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, Field, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.delivery.mail.bodies import MAX_HTML, MAX_TEXT
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import (
    Rejected,
    change_settings,
    conversation_of,
    deliver,
    make_offer,
    record_mails,
    send_ticket,
    tickets,
)
from tests.helpers.admin import let_pass, save
from tests.helpers.commands import invoke
from tests.helpers.offers import DAY, sign_earlier
from tests.helpers.pages import Page, json_of
from tests.helpers.tickets import ticket_fields

pytestmark = pytest.mark.only("sqlite")

NOTE = "\n  Do you offer   training?\nWe are 40 people."
EMPTY = Conversation(())


@pytest.fixture
def build(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """A site that allows it."""

    def build_one(**options: Any) -> Flask:
        return make_app(KAPA_HANDOFF_FORM={"open_directly": True}, **options)

    return build_one


@pytest.fixture
def app(build: Callable[..., Flask]) -> Flask:
    return build()


def ask(app: Flask, **fields: Any) -> Any:
    return send_ticket(app.test_client(), **{"note": NOTE, "conversation": EMPTY, **fields})


def test_a_desk_does_not_allow_it_unless_an_admin_says_so(make_app: Callable[..., Flask]) -> None:
    """Not even with the trigger always: without an answer there is nothing that it could be under."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="always,conversation-length", KAPA_HANDOFF_CONVERSATION_LENGTH_THRESHOLD=1)
    client = app.test_client()
    assert client.get("/handoff/offer?pairs=0").status_code == 204
    with pytest.raises(Rejected, match="gets no button"):
        make_offer(client, pairs=0)
    with app.test_request_context():
        assert app.jinja_env.globals["kapa_handoff_button"](EMPTY) == ""  # type: ignore[operator]


@pytest.mark.parametrize("off", [{"enabled": False}, {"email": None}])
def test_a_desk_that_takes_no_tickets_is_not_asked(off: dict[str, Any], app: Flask) -> None:
    """Switched off, or without an address."""
    change_settings(app, **off)
    assert app.test_client().get("/handoff/offer?pairs=0").status_code == 204


@pytest.mark.parametrize("fragment", [True, False])
def test_the_form_asks_for_the_question_and_does_not_speak_of_a_conversation(
    client: FlaskClient, fragment: bool
) -> None:
    """The note is the question, and required; also after an error, and if the form was open for too long."""
    headers = {"X-Kapa-Handoff": "fragment"} if fragment else {}
    offer = make_offer(client, pairs=0)
    page = Page(client.get("/handoff/form", query_string={"offer": offer}, headers=headers).text)
    note = page.one("textarea", name="note")
    assert note["aria-required"] == "true"
    assert "How can we help?" in page.text
    assert "conversation" not in page.text
    assert "optional" not in page.text
    sent = client.post("/handoff/tickets", data={**page.fields, "email": "visitor@example.com"}, headers=headers)
    again = Page(sent.text)
    assert sent.status_code == 422
    assert again.one("textarea", name="note")["aria-invalid"] == "true"
    assert "Please fill this in." in again.text
    assert "conversation" not in again.text
    assert tickets(client.application) == []


def test_an_expired_form_is_renewed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As every form is, while the desk still allows it."""
    offer = sign_earlier(monkeypatch, DAY + 5, lambda: make_offer(client, pairs=0))
    fields = ticket_fields(client, offer=offer, note=NOTE, conversation="")
    late = client.post("/handoff/tickets", data=fields)
    assert late.status_code == 409
    page = Page(late.text)
    assert "conversation" not in page.text
    assert client.post("/handoff/tickets", data=page.fields).status_code == 201
    change_settings(client.application, form={"open_directly": False})
    offer = sign_earlier(monkeypatch, DAY + 5, lambda: offer_of(client))
    gone = client.post("/handoff/tickets", data=ticket_fields(client, offer=offer, note=NOTE, conversation=""))
    assert gone.status_code == 409
    assert len(tickets(client.application)) == 1


def offer_of(client: FlaskClient) -> str:
    """A direct offer, from when the desk allowed it."""
    from flask_kapa_handoff.offers import Offer
    from flask_kapa_handoff.triggers import Facts

    with client.application.test_request_context():
        return state_of(client.application).offer_signer().sign(Offer((), Facts(0)))


def test_a_ticket_without_a_conversation_goes_all_the_way(build: Callable[..., Flask]) -> None:
    """Stored, mailed as text, HTML and JSON, shown to admins, exported; the note's first line is its subject."""
    app = build(handoff=KapaHandoff(admin_required=let_pass), MAIL_SUPPRESS_SEND=True)
    ticket = ask(app)
    assert (ticket.subject, ticket.pairs, ticket.triggers, ticket.thread_id) == ("Do you offer training?", 0, "", None)
    assert conversation_of(app, ticket) == EMPTY
    with record_mails(app) as mails:
        assert [sent.status for sent in deliver(app)] == ["delivered"]
    (mail,) = mails
    assert "Do you offer training?" in mail["Subject"]
    for kind in ("plain", "html"):
        part = mail.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert "We are 40 people." in text
        assert "The visitor wrote directly, so there is no conversation with the AI." in text
        for words in ("Asked for help here", "QUESTION", "ANSWER", "Why the button appeared", "transcript", "None"):
            assert words not in text
    attached = json.loads(next(part.get_content() for part in mail.iter_attachments()))
    assert (attached["conversation"], attached["triggers"]) == ([], [])
    client = app.test_client()
    listed, page = (client.get(f"/handoff/admin/tickets{path}") for path in ("", f"/{ticket.reference}"))
    assert (listed.status_code, page.status_code) == (200, 200)
    assert "asked directly" in listed.text
    assert "Do you offer training?" in listed.text
    for words in ("Asked for help here", "Why the button appeared", ">Conversation<"):
        assert words not in page.text
    exported = json.loads(invoke(app, "export").output)
    assert exported["conversation"] == []
    assert ticket.reference in invoke(app, "tickets").output
    assert state_of(app).app.test_client().get("/handoff/admin/doctor").status_code == 200


def test_its_mail_stays_small(build: Callable[..., Flask]) -> None:
    """With as much text as a form may have."""
    names = [f"field{number}" for number in range(20)]
    app = build(KAPA_HANDOFF_FIELDS=[Field(name, name, "textarea") for name in names], MAIL_SUPPRESS_SEND=True)
    ask(app, note="n" * 5000, **dict.fromkeys(names, "w " * 2500))
    with record_mails(app) as mails:
        deliver(app)
    for kind, most in (("plain", MAX_TEXT), ("html", MAX_HTML)):
        part = mails[0].get_body((kind,))
        assert part is not None
        assert len(part.get_content().encode()) <= most


def test_a_secret_in_the_first_line_is_not_in_the_subject(app: Flask) -> None:
    """The subject is of what is stored."""
    ticket = ask(app, note="My key is ghp_16C7e42F292c6912E7710c838347Ae178B4a\nHelp")
    assert "ghp_" not in ticket.subject
    assert "hidden" in ticket.subject


def test_sending_it_twice_opens_one_ticket(client: FlaskClient) -> None:
    """Other content under the same id is a conflict, as for every ticket."""
    fields = ticket_fields(client, offer=make_offer(client, pairs=0), note=NOTE, conversation="")
    first, second = (client.post("/handoff/tickets", data=fields) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    other = client.post("/handoff/tickets", data={**fields, "note": "Something else"})
    assert other.status_code == 409
    assert len(tickets(client.application)) == 1


def test_limits_and_follow_ups_are_as_for_every_ticket(build: Callable[..., Flask]) -> None:
    """It counts for the client, and follows nothing, since it belongs to no thread."""
    app = build(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=2)
    assert [ask(app).follows, ask(app).follows] == [None, None]
    with pytest.raises(Rejected) as rejected:
        ask(app)
    assert rejected.value.code == "rate_limited"


def test_no_conversation_can_be_slipped_in(app: Flask) -> None:
    """The form did not speak of one, so the visitor does not expect to send it."""
    client = app.test_client()
    with pytest.raises(Rejected) as rejected:
        send_ticket(client, offer=make_offer(client, pairs=0), note=NOTE)
    assert list(rejected.value.fields) == ["conversation"]


def test_a_conversation_whose_answer_does_not_qualify_is_included(build: Callable[..., Flask]) -> None:
    """A site's own button asks directly: with an answer on the page, the form and the ticket are about it."""
    app = build(KAPA_HANDOFF_TRIGGERS="downvote")
    client = app.test_client()
    with pytest.raises(Rejected, match="gets no button"):
        make_offer(client, answer_id="a1", thread_id="t1")
    offer = make_offer(client, answer_id="a1", thread_id="t1", direct=True)
    form = client.get("/handoff/form", query_string={"offer": offer}).text
    assert "We'll include your conversation" in Page(form).text.replace("’", "'")
    ticket = send_ticket(client, offer=offer)
    assert (ticket.pairs, ticket.thread_id, ticket.subject) == (1, "t1", "How do I rotate a key?")


def test_where_the_site_keeps_the_threads_too(build: Callable[..., Flask]) -> None:
    """Without an answer there is no thread to ask the loader for."""
    handoff, asked = KapaHandoff(), []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        asked.append(thread_id)
        return Conversation([QuestionAnswer("Why?", "So.", "a1")], thread_id)

    app = build(handoff=handoff)
    ticket = ask(app)
    assert (ticket.pairs, ticket.transcript_source, asked) == (0, "browser", [])


def test_a_server_rendered_button_asks_directly(app: Flask) -> None:
    """With a conversation that has no pairs yet; it works without script."""
    with app.test_request_context("/"):
        button = Page(app.jinja_env.globals["kapa_handoff_button"](EMPTY))  # type: ignore[operator]
    client = app.test_client()
    form = Page(client.post("/handoff/form", data=button.fields).text)
    sent = client.post("/handoff/tickets", data={**form.fields, "email": "visitor@example.com", "note": NOTE})
    assert sent.status_code == 201
    assert tickets(app)[0].subject == "Do you offer training?"


def test_channels_and_signals_get_a_conversation_without_pairs(build: Callable[..., Flask]) -> None:
    """As an empty one, not None."""
    handoff, got = KapaHandoff(), []
    handoff.channel("desk", label="Desk")(lambda ticket, conversation: got.append((ticket.subject, conversation)))
    app = build(handoff=handoff, KAPA_HANDOFF_CHANNEL="desk")
    ask(app)
    deliver(app)
    assert got == [("Do you offer training?", EMPTY)]


def test_a_stored_conversation_that_is_damaged_does_not_pass_for_none(app: Flask) -> None:
    """Only a ticket that was sent without one may have none."""
    ticket = ask(app)
    damaged = send_ticket(app.test_client())
    with state_of(app).database.write() as connection:
        from flask_kapa_handoff.storage.tables import transcript

        connection.execute(transcript.update().values(conversation="[]"))
    assert conversation_of(app, ticket) == EMPTY
    with pytest.raises(ValueError, match="no question-answer pair"):
        conversation_of(app, damaged)


def test_json_programs_are_told(make_app: Callable[..., Flask]) -> None:
    """Offered or not, and without triggers."""
    app = make_app()
    client = app.test_client()
    asked = {"query_string": {"pairs": 0}, "headers": {"Accept": "application/json"}}
    assert json_of(client.get("/handoff/offer", **asked)) == {"offered": False}
    change_settings(app, form={"open_directly": True})
    said = json_of(client.get("/handoff/offer", **asked))
    assert (said["offered"], said["triggers"], said["button_text"]) == (True, [], "Ask us directly")


def test_an_admins_words_win_where_they_fit(build: Callable[..., Flask]) -> None:
    """Title and button text do; the note's label is about an answer, and stays away from the question."""
    app = build()
    change_settings(app, form={"open_directly": True, "texts": {"": {"title": "Ask Acme", "note_label": "More?"}}})
    client = app.test_client()
    form = Page(client.get("/handoff/form", query_string={"offer": make_offer(client, pairs=0)}).text).text
    assert "Ask Acme" in form
    assert "How can we help?" in form
    assert "More?" not in form


def is_ticked(client: FlaskClient) -> bool:
    (box,) = re.findall(
        r'<input type="checkbox"[^>]* name="form_open_directly"[^>]*>', client.get("/handoff/admin/").text
    )
    return bool(box.endswith(" checked>"))


def test_an_admin_allows_it_on_the_settings_page(make_app: Callable[..., Flask]) -> None:
    """It is off until the box is ticked, and the history says so."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass))
    client = app.test_client()
    assert not is_ticked(client)
    assert save(client, form_open_directly="true").status_code in (200, 303)
    assert is_ticked(client)
    assert "Visitors may ask directly" in client.get("/handoff/admin/").text
    assert client.get("/handoff/offer?pairs=0").status_code == 200
