"""After sending: the receipt on the confirmation corrects the address once, and gives the visitor a copy."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from flask_kapa_handoff import Field, Flag, KapaHandoff, Visitor, testing
from flask_kapa_handoff.receipts import MAX_AGE, Receipt
from flask_kapa_handoff.signals import ticket_created
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import change_settings, tickets
from tests.helpers.mails import body
from tests.helpers.offers import own_offer, sign_earlier, signed_offer
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.tickets import PAIR, SECRET, SHAPES, post, ticket_fields

pytestmark = pytest.mark.only("sqlite")

WRONG, RIGHT = "ada@gmial.com", "ada@gmail.com"


@pytest.fixture
def app(make_app: Callable[..., Flask]) -> Flask:
    """An app whose mails a test reads."""
    return make_app(MAIL_SUPPRESS_SEND=True)


def confirmed(client: FlaskClient, shape: str = "page", **fields: Any) -> Page:
    """What a visitor sees after sending."""
    answer = post(client, shape, ticket_fields(client, **{"email": WRONG, **fields}))
    assert answer.status_code == 201, answer.text
    return Page(answer.text)


def correct(
    client: FlaskClient, receipt: str, email: str = RIGHT, shape: str = "page", **headers: str
) -> TestResponse:
    sent = {**SHAPES[shape], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post("/handoff/address", data={"receipt": receipt, "email": email}, headers=sent)


def copied(client: FlaskClient, receipt: str, shape: str = "page", **headers: str) -> TestResponse:
    sent = {**SHAPES[shape], **{name.replace("_", "-"): value for name, value in headers.items()}}
    return client.post("/handoff/copy", data={"receipt": receipt}, headers=sent)


def receipt_of(client: FlaskClient, **fields: Any) -> str:
    return confirmed(client, **fields).fields["receipt"]


def sign(app: Flask, receipt: Receipt) -> str:
    with app.test_request_context():
        return state_of(app).receipt_signer().sign(receipt)


# --- the address -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["page", "fragment", "htmx"])
def test_the_confirmation_corrects_the_address_once(client: FlaskClient, shape: str) -> None:
    """Folded, with the address that was typed; then it confirms the new one, and asks no more."""
    page = confirmed(client, shape)
    assert "open" not in page.one("details")
    form = page.one("form", action="/handoff/address")
    assert (form["method"], page.fields["email"]) == ("post", WRONG)
    answer = correct(client, page.fields["receipt"], shape=shape)
    assert answer.status_code == 200
    again = Page(answer.text)
    assert "We've corrected your address" in again.text
    assert f"We'll reply to {RIGHT}." in again.text
    assert not again.all("details")
    (ticket,) = tickets(client.application)
    assert (ticket.visitor_email, ticket.reference in again.text) == (RIGHT, True)
    assert correct(client, again.fields["receipt"], "eve@example.com", shape).status_code == 403
    assert correct(client, page.fields["receipt"], "eve@example.com", shape).status_code == 409
    assert tickets(client.application) == [ticket]


def test_json_gets_the_reference(client: FlaskClient) -> None:
    """As for a ticket."""
    receipt = receipt_of(client)
    (ticket,) = tickets(client.application)
    assert correct(client, receipt, shape="json").json == {"reference": ticket.reference, "status": "queued"}
    assert json_of(correct(client, receipt, "ada@", shape="json"))["error"]["fields"]["email"]


ADDRESSES = {
    "": "Please enter your email address so that we can reply.",
    "ada@": "Check the address: the part after the @ is missing.",
    "support@example.com": "This is our own address.",
    "mailer-daemon@example.org": "Nobody reads replies to this address.",
    "a" * 300 + "@example.org": "it is too long",
}


@pytest.mark.parametrize("typed", ADDRESSES)
def test_the_address_is_checked_as_the_forms(client: FlaskClient, typed: str, shape: str) -> None:
    """The visitor reads why beside the field, which has what was typed; nothing is changed."""
    answer = correct(client, receipt_of(client), typed, shape)
    assert answer.status_code == 422
    if shape == "json":
        assert ADDRESSES[typed] in json_of(answer)["error"]["fields"]["email"][0]
    else:
        page = Page(answer.text)
        assert ADDRESSES[typed] in page.said_at("email")
        assert (page.fields["email"], "open" in page.one("details")) == (typed, True)
        assert "We've corrected" not in page.text
    assert [ticket.visitor_email for ticket in tickets(client.application)] == [WRONG]


def test_once_it_is_delivered_a_further_ticket_has_the_right_address(app: Flask, client: FlaskClient) -> None:
    """Its reference is confirmed, and it is told of as every new ticket: once."""
    receipt = receipt_of(client)
    heard: list[str] = []
    with (
        ticket_created.connected_to(lambda sender, ticket: heard.append(ticket.reference), app),
        testing.record_mails(app) as mails,
    ):
        testing.deliver(app)
        answers = [correct(client, receipt) for _ in range(2)]
        testing.deliver(app)
    assert [answer.status_code for answer in answers] == [201, 200]
    first, second = tickets(app)
    for answer in answers:
        assert second.reference in Page(answer.text).text
    assert heard == [second.reference]
    assert [mail["Reply-To"] for mail in mails] == [WRONG, RIGHT]
    assert f"Corrects the address of: | {first.reference}" in " ".join(body(bytes(mails[1]), "plain").split())


def test_the_form_sent_again_after_the_correction_confirms_the_corrected_address(client: FlaskClient) -> None:
    """A browser may repeat it; it opens no second ticket, and there is nothing left to correct."""
    fields = ticket_fields(client, email=WRONG)
    receipt = Page(post(client, "page", fields).text).fields["receipt"]
    correct(client, receipt)
    answer = post(client, "page", fields)
    assert answer.status_code == 200
    assert f"We'll reply to {RIGHT}." in Page(answer.text).text
    assert not Page(answer.text).all("details")
    assert len(tickets(client.application)) == 1


def test_a_signed_in_visitors_address_is_not_corrected(make_app: Callable[..., Flask]) -> None:
    """The site knows it; the copy is theirs as well."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", "Ada"))
    client = make_app(handoff=handoff).test_client()
    page = confirmed(client)
    assert not page.all("details")
    assert correct(client, page.fields["receipt"]).status_code == 403
    assert copied(client, page.fields["receipt"]).status_code == 200
    assert [ticket.visitor_email for ticket in tickets(client.application)] == ["ada@example.com"]


def test_a_limit_is_said_beside_the_button(make_app: Callable[..., Flask]) -> None:
    """With the desk's address where the desk shows it; the confirmation and what was typed stay."""
    client = make_app(KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1).test_client()
    change_settings(client.application, form={"show_address": True})
    confirmed(client, email=RIGHT)
    receipt = receipt_of(client)
    for shape in ("page", "fragment"):
        answer = correct(client, receipt, shape=shape)
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)
        page = Page(answer.text)
        assert "We can't take more messages for this email address right now." in page.text
        assert "You can also write to support@example.com." in page.text
        assert (page.fields["email"], "open" in page.one("details")) == (RIGHT, True)
    assert json_of(correct(client, receipt, shape="json"))["error"]["code"] == "rate_limited"


def test_a_database_that_cannot_be_written_costs_nothing(app: Flask, client: FlaskClient) -> None:
    """The visitor reads it beside the button, and tries again; nothing is half changed."""
    receipt = receipt_of(client)

    def fail(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE kapa_handoff_ticket"):
            raise OperationalError(statement, None, Exception("disk I/O error"))

    engine = state_of(app).database.engine
    event.listen(engine, "before_cursor_execute", fail)
    for shape in ("page", "fragment"):
        answer = correct(client, receipt, shape=shape)
        assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)
        assert Page(answer.text).fields["email"] == RIGHT
        assert "try again in a moment" in Page(answer.text).text
    event.remove(engine, "before_cursor_execute", fail)
    assert [ticket.visitor_email for ticket in tickets(app)] == [WRONG]
    assert correct(client, receipt).status_code == 200


# --- the copy --------------------------------------------------------------------------------------------------------


def test_the_copy_is_the_mails_text_without_what_is_for_agents(make_app: Callable[..., Flask]) -> None:
    """Its transcript, note and fields to the letter, masked; not the site's remarks, nor the admin page's address."""
    handoff = KapaHandoff(admin_required=lambda view: view)
    handoff.context_loader(lambda: {"Plan": "Enterprise"})
    handoff.ticket_filter(lambda submission: Flag("looks odd"))
    app = make_app(
        handoff=handoff,
        MAIL_SUPPRESS_SEND=True,
        KAPA_HANDOFF_TRUSTED_HOSTS="docs.example.com",
        KAPA_HANDOFF_FIELDS=[Field("order", "Order number")],
    )
    client = app.test_client()
    conversation = [{**PAIR, "answer": f"Use {SECRET}.", "sources": [{"url": "https://a.example/k"}]}]
    conversation.append(
        {**PAIR, "id": "a2", "question": "And then?", "answer": "| it\n\nends", "reaction": "downvote"}
    )
    receipt = receipt_of(
        client, note="Please\nhelp.", order="42", conversation=json.dumps(conversation), offer=signed_offer(client)
    )
    answer = copied(client, receipt)
    (ticket,) = tickets(app)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{ticket.reference}.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    with testing.record_mails(app) as mails:
        testing.deliver(app)
    (mail,) = mails
    told, whole = answer.text, body(bytes(mail), "plain")
    start, end = whole.index("======== Asked for help here"), whole.index("The visitor's browser sent this transcript")
    assert told[told.index("======== Asked") :].strip() == whole[start:end].strip()
    # Nothing is in the copy but lines of the mail.
    assert set(told.splitlines()) <= set(whole.splitlines())
    for words in ("| Please\n| help.", "Order number: | 42", WRONG, ticket.reference, f"{ticket.created_at:%Y-%m-%d}"):
        assert words in told
    for words in ("Enterprise", "looks odd", "/admin/", "Why the button appeared", SECRET):
        assert words not in told
    assert "[hidden: " in told


def test_a_long_conversation_is_copied_whole(client: FlaskClient) -> None:
    """A mail shows only the latest of it."""
    pairs = [{"id": f"a{n}", "question": f"Question {n}?", "answer": f"Answer {n}. " * 100} for n in range(100)]
    offer = signed_offer(client, pairs=100, answer_id="a99")
    told = copied(client, receipt_of(client, conversation=json.dumps(pairs), offer=offer)).text
    assert all(f"| Question {n}?" in told for n in range(100))


def test_the_copy_is_of_the_corrected_ticket(client: FlaskClient) -> None:
    """It is the mail as it goes out."""
    receipt = receipt_of(client)
    correct(client, receipt)
    assert f"Reply to: {RIGHT}" in copied(client, receipt).text


def test_the_script_gets_the_same_text_as_a_fragment(client: FlaskClient) -> None:
    """With every character as it is."""
    receipt = receipt_of(client, note="<b>1 & 2</b>\n\nEnd")
    page = Page(copied(client, receipt, "fragment").text)
    assert page.elements == [("pre", {"data-kapa-handoff-copy": ""})]
    assert page.text == copied(client, receipt).text
    assert "| <b>1 & 2</b>" in page.text


def test_a_sites_own_mail_template_does_not_write_the_copy(app: Flask, tmp_path: Path) -> None:
    """It may say what is for agents only."""
    template = tmp_path / "templates/kapa_handoff/mail/ticket.txt"
    template.parent.mkdir(parents=True)
    template.write_text("For agents only.")
    app.template_folder = str(tmp_path / "templates")
    client = app.test_client()
    told = copied(client, receipt_of(client)).text
    with testing.record_mails(app) as mails:
        testing.deliver(app)
    assert body(bytes(mails[0]), "plain").strip() == "For agents only."
    assert "For agents only." not in told
    assert PAIR["question"] in told


# --- who may ---------------------------------------------------------------------------------------------------------


def both(client: FlaskClient, receipt: str, **headers: str) -> list[TestResponse]:
    return [correct(client, receipt, **headers), copied(client, receipt, **headers)]


def test_only_a_fresh_receipt_of_this_site_counts(
    app: Flask, client: FlaskClient, make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a forged one, another app's, an offer, one of an hour ago, or one of a ticket that is gone."""
    good = receipt_of(client)
    (ticket,) = tickets(app)
    other = make_app(name="other")
    receipt = Receipt(ticket.id, may_correct=True)
    bad = {
        "none": "",
        "cut": good[:-1],
        "changed": good[:10] + ("A" if good[10] != "A" else "B") + good[11:],
        "not ASCII": "é" + good,
        "an offer": signed_offer(client),
        "another app's": sign(other, receipt),
        "old": sign_earlier(monkeypatch, MAX_AGE + 5, lambda: sign(app, receipt)),
        "of nothing": sign(app, Receipt(uuid.uuid4(), may_correct=True)),
    }
    for name, token in bad.items():
        for answer in both(client, token):
            assert answer.status_code == 403, name
            assert "You can correct your address and get a copy only within an hour of sending." in answer.text
        assert json_of(correct(client, token, shape="json"))["error"]["code"] == "receipt_invalid"
    assert tickets(app) == [ticket]
    assert [answer.status_code for answer in both(client, good)] == [200, 200]


def test_a_receipt_outlives_a_change_of_the_key(app: Flask, client: FlaskClient) -> None:
    """SECRET_KEY_FALLBACKS has the old one."""
    receipt = receipt_of(client)
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "quite another key of some length"
    assert [answer.status_code for answer in both(client, receipt)] == [200, 200]


def test_another_sites_page_may_not(client: FlaskClient) -> None:
    """The same rules as for a ticket: a page without a known origin may if its receipt was made for it."""
    receipt = receipt_of(client)
    for headers in ({"Sec_Fetch_Site": "cross-site"}, {"Origin": "https://evil.example"}):
        assert [answer.status_code for answer in both(client, receipt, **headers)] == [403, 403]
    assert [ticket.visitor_email for ticket in tickets(client.application)] == [WRONG]
    assert [answer.status_code for answer in both(client, receipt, Origin="null")] == [200, 200]


def test_behind_a_proxy_that_rewrites_the_host_it_works_as_the_form_does(client: FlaskClient) -> None:
    """The receipt keeps the origin that the form's offer had."""
    offer = signed_offer(client, page="http://docs.example.com/keys")
    headers = {"Origin": "http://docs.example.com"}
    fields = ticket_fields(client, offer=own_offer(client, offer), email=WRONG)
    receipt = Page(post(client, "page", fields, **headers).text).fields["receipt"]
    assert [answer.status_code for answer in both(client, receipt, **headers)] == [200, 200]


def test_the_sites_own_csrf_protection_leaves_them_alone(make_app: Callable[..., Flask]) -> None:
    """They have no cookie and no session, but a signed receipt."""
    app = make_app(mount=False)
    CSRFProtect(app)
    KapaHandoff(app)
    client = app.test_client()
    answers = both(client, receipt_of(client))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not any("Set-Cookie" in answer.headers for answer in answers)


def test_they_speak_the_language_of_the_page(client: FlaskClient) -> None:
    """As the form did."""
    offered = client.get("/handoff/offer?pairs=1&answer_id=a1&language=de", headers=JSON)
    receipt = receipt_of(client, offer=json_of(offered)["offer"])
    assert 'lang="de"' in correct(client, receipt, "ada@").text
    assert 'lang="de"' in correct(client, receipt, shape="fragment").text


def test_without_an_answer_there_is_a_copy_of_the_note(make_app: Callable[..., Flask]) -> None:
    """For a visitor who asked directly."""
    client = make_app(KAPA_HANDOFF_FORM={"open_directly": True}).test_client()
    offer = signed_offer(client, pairs=0, thread_id="", answer_id="")
    told = copied(client, receipt_of(client, offer=offer, conversation=None, note="How do I pay?")).text
    assert "| How do I pay?" in told
    assert "========" not in told
