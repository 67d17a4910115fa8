"""GET /form: the page, the dialog's fragment, and what is in the form."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor
from flask_kapa_handoff.fields import PACKAGE_FIELDS
from flask_kapa_handoff.testing import tickets
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import FRAGMENT, HTMX, JSON, Page, json_of
from tests.helpers.tickets import send_ticket, ticket_fields


def get_form(client: FlaskClient, offer: str, headers: dict[str, str] | None = None) -> TestResponse:
    return client.get("/handoff/form", query_string={"offer": offer}, headers=headers)


def sent_by_hand(client: FlaskClient, page: Page, **typed: str) -> TestResponse:
    """Sends the form that a page shows, as a browser without script does."""
    form = page.one("form")
    assert form["method"] == "post"
    return client.post(form["action"], data={**page.fields, **typed})


def test_the_form_is_a_whole_page(client: FlaskClient) -> None:
    """Without script, the offer's link opens a complete document with a form that posts to /tickets."""
    answer = get_form(client, signed_offer(client))
    assert answer.status_code == 200
    assert answer.mimetype == "text/html"
    assert answer.text.lstrip().lower().startswith("<!doctype html>")
    page = Page(answer.text)
    assert page.one("form", method="post")["action"] == "/handoff/tickets"
    assert page.one("html")["lang"]
    assert not page.all("dialog")
    shown = {row.name for row in PACKAGE_FIELDS}
    assert {"offer", "submission_id", "conversation", "website"} | shown == set(page.fields)


@pytest.mark.parametrize("headers", [FRAGMENT, HTMX], ids=["X-Kapa-Handoff", "HX-Request"])
def test_the_fragment_is_the_dialog_alone(client: FlaskClient, headers: dict[str, str]) -> None:
    """With either header there is one dialog element and no document around it."""
    answer = get_form(client, signed_offer(client), headers)
    assert answer.status_code == 200
    assert answer.text.strip().startswith("<dialog")
    assert answer.text.strip().endswith("</dialog>")
    page = Page(answer.text)
    assert page.elements[0][0] == "dialog"
    assert page.one("form", method="post")["action"] == "/handoff/tickets"
    assert not page.all("html")
    assert not page.all("body")


@pytest.mark.parametrize("value", ["page", "", "Fragment2"])
def test_another_value_of_our_header_gives_the_page(client: FlaskClient, value: str) -> None:
    """Only the value of the contract asks for the fragment."""
    answer = get_form(client, signed_offer(client), {"X-Kapa-Handoff": value})
    assert "<!doctype html>" in answer.text.lower()


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_the_form_carries_the_offer_and_a_fresh_submission_id(client: FlaskClient, headers: dict[str, str]) -> None:
    """Each form that is opened is a submission of its own."""
    offer = signed_offer(client)
    first, second = (Page(get_form(client, offer, headers).text) for _ in range(2))
    assert len({offer, first.fields["offer"], second.fields["offer"]}) == 3
    assert uuid.UUID(first.fields["submission_id"]) != uuid.UUID(second.fields["submission_id"])
    assert first.fields["email"] == first.fields["note"] == first.fields["website"] == ""


def test_every_field_that_is_typed_into_has_a_label(client: FlaskClient) -> None:
    """A label names each visible field, and each description that is pointed at exists."""
    page = Page(get_form(client, signed_offer(client), FRAGMENT).text)
    labels = {label["for"] for label in page.all("label")}
    for _, attributes in page.elements:
        if attributes.get("name") in ("email", "note", "website"):
            assert attributes["id"] in labels
        for name in ("aria-describedby", "aria-labelledby"):
            assert set(attributes.get(name, "").split()) <= page.texts.keys()


def test_the_form_that_is_shown_can_be_sent_as_it_is(make_app: Callable[..., Flask]) -> None:
    """Where the site knows the transcript, a browser without script gets from the link to the reference."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff)
    handoff.conversation_loader(lambda thread_id: Conversation((QuestionAnswer("How?", "So."),), thread_id))
    client = app.test_client()
    page = Page(get_form(client, signed_offer(client)).text)
    answer = sent_by_hand(client, page, email="visitor@example.com", note="Hello")
    assert answer.status_code == 201
    assert "T-" in answer.text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("offer", ["", "forged", "a.b.c", "\x00", "é"])
@pytest.mark.parametrize("headers", [{}, FRAGMENT, JSON], ids=["page", "fragment", "json"])
def test_a_forged_offer_is_refused(client: FlaskClient, offer: str, headers: dict[str, str]) -> None:
    """403, in the shape that was asked for, and without a form to send."""
    answer = get_form(client, offer, headers)
    assert answer.status_code == 403
    if headers == JSON:
        assert json_of(answer)["error"]["code"] == "offer_invalid"
        assert json_of(answer)["error"]["message"]
    else:
        page = Page(answer.text)
        assert not page.all("form")
        assert bool(page.all("dialog")) is (headers == FRAGMENT)


def test_a_missing_offer_is_refused(client: FlaskClient) -> None:
    """Nobody opens the form out of nothing."""
    assert client.get("/handoff/form").status_code == 403


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_an_expired_offer_gives_a_form_that_works(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    """409 for programs; a person gets a form with a fresh offer and no reproach: nothing was typed yet."""
    expired = old_offer(client, monkeypatch)
    answer = get_form(client, expired, headers)
    assert answer.status_code == 409
    page = Page(answer.text)
    assert page.fields["offer"] not in ("", expired)
    assert "more than a day" not in page.text
    typed = {"email": "visitor@example.com", "conversation": ticket_fields(client)["conversation"]}
    assert sent_by_hand(client, page, **typed).status_code == 201


def test_an_expired_offer_is_named_in_json(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program learns the code."""
    answer = get_form(client, old_offer(client, monkeypatch), JSON)
    assert answer.status_code == 409
    assert json_of(answer)["error"]["code"] == "offer_expired"


def test_a_desk_without_an_email_has_no_form(make_app: Callable[..., Flask]) -> None:
    """An offer from before the address was taken away opens a page that says so: 409, disabled."""
    offer = signed_offer(make_app().test_client())
    client = make_app(KAPA_HANDOFF_EMAIL=None).test_client()
    assert get_form(client, offer).status_code == 409
    answer = get_form(client, offer, JSON)
    assert answer.status_code == 409
    assert json_of(answer)["error"]["code"] == "disabled"
    fragment = get_form(client, offer, FRAGMENT)
    assert fragment.status_code == 409
    assert Page(fragment.text).elements[0][0] == "dialog"


@pytest.fixture
def signed_in(make_app: Callable[..., Flask]) -> Flask:
    """A site with a signed-in visitor."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", 'Ada "Countess" <Lovelace>'))
    return make_app(handoff=handoff)


@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_signed_in_visitors_email_is_filled_in_and_locked(signed_in: Flask, headers: dict[str, str]) -> None:
    """The field shows the address and cannot be typed into; the name is escaped."""
    client = signed_in.test_client()
    answer = get_form(client, signed_offer(client), headers)
    field = Page(answer.text).one("input", name="email")
    assert field["value"] == "ada@example.com"
    assert "readonly" in field
    assert "disabled" not in field  # a disabled field would not be sent
    assert "<Lovelace>" not in answer.text


@pytest.mark.parametrize("email", ["mallory@example.com", "", None, "not an address"])
def test_a_signed_in_visitors_email_is_locked_on_the_server_too(signed_in: Flask, email: str | None) -> None:
    """Whatever the browser sends, the ticket has the address of the one who is signed in."""
    client = signed_in.test_client()
    reference = send_ticket(client, email=email)
    (ticket,) = tickets(signed_in)
    assert ticket.reference == reference
    assert ticket.visitor_email == "ada@example.com"
    assert ticket.visitor_name == 'Ada "Countess" <Lovelace>'


def test_a_visitor_loader_that_returns_none_leaves_the_field_free(make_app: Callable[..., Flask]) -> None:
    """An anonymous visitor types an address."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: None)
    client = make_app(handoff=handoff).test_client()
    field = Page(get_form(client, signed_offer(client)).text).one("input", name="email")
    assert field["value"] == ""
    assert "readonly" not in field


def test_a_signed_in_visitor_without_a_usable_address_can_type_one(make_app: Callable[..., Flask]) -> None:
    """A locked field with an address that is refused would be a dead end."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada", "Ada"))
    client = make_app(handoff=handoff).test_client()
    page = Page(get_form(client, signed_offer(client)).text)
    assert "readonly" not in page.one("input", name="email")
    answer = client.post("/handoff/tickets", data=ticket_fields(client, email="ada@example.com"), headers=JSON)
    assert answer.status_code == 201, answer.text


def test_a_visitor_loader_that_raises_does_not_take_the_form_away(make_app: Callable[..., Flask]) -> None:
    """A broken login service leaves visitors as anonymous ones, and their text is not lost."""
    handoff = KapaHandoff()

    @handoff.visitor_loader
    def broken() -> None:
        raise RuntimeError("the login service is down")

    client = make_app(handoff=handoff).test_client()
    offer = signed_offer(client)
    assert get_form(client, offer).status_code == 200
    answer = client.post("/handoff/tickets", data=ticket_fields(client, offer=offer))
    assert answer.status_code == 201 or "It does not work on Tuesdays." in answer.text


@pytest.mark.parametrize("headers", [{}, FRAGMENT, JSON], ids=["page", "fragment", "json"])
def test_no_cookie_is_set_and_nothing_is_kept(client: FlaskClient, headers: dict[str, str]) -> None:
    """The form belongs to anyone who has the offer; no cache keeps it and no cookie is tied to it."""
    for offer in (signed_offer(client), "forged"):
        answer = get_form(client, offer, headers)
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")


def test_the_sites_name_and_the_buttons_text_are_escaped(make_app: Callable[..., Flask]) -> None:
    """What an admin or a site calls itself is text, never markup."""
    client = make_app(KAPA_HANDOFF_SITE_NAME="<b>A&B</b>", KAPA_HANDOFF_BUTTON_TEXT="<i>Talk</i> & more").test_client()
    for headers in ({}, FRAGMENT):
        answer = get_form(client, signed_offer(client), headers)
        assert "<b>" not in answer.text
        assert "<i>" not in answer.text
        assert "<b>A&B</b>" in Page(answer.text).text
        assert "<i>Talk</i> & more" in Page(answer.text).text
