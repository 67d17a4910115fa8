"""What the server gives to a script that keeps drafts and sent tickets. See also tests/browser/test_drafts.py."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Visitor
from flask_kapa_handoff.testing import tickets
from tests.helpers.offers import old_offer, signed_offer
from tests.helpers.pages import FRAGMENT, Page, render
from tests.helpers.tickets import PAIR, send_ticket

pytestmark = pytest.mark.only("sqlite")

FIRST, SECOND = QuestionAnswer("How?", "So."), QuestionAnswer("And then?", "Thus.")


def thread_key(app: Flask, conversation: Conversation) -> str | None:
    form = Page(render(app, "{{ kapa_handoff_button(conversation) }}", conversation=conversation)).one("form")
    return form.get("data-thread-key")


def test_a_thread_without_an_id_has_a_key_that_stays(app: Flask) -> None:
    """It follows from the first pair alone: not from later ones, votes or the signed offer."""
    key = thread_key(app, Conversation((FIRST,)))
    assert key
    assert thread_key(app, Conversation((FIRST, SECOND))) == key
    assert thread_key(app, Conversation((QuestionAnswer("How?", "So.", reaction="downvote"),))) == key
    assert thread_key(app, Conversation((SECOND,))) != key
    assert thread_key(app, Conversation((QuestionAnswer("How?", "So.", "a1"),))) != key
    assert thread_key(app, Conversation((QuestionAnswer("\ud800", "\0"),))) != key
    assert "How" not in key
    assert thread_key(app, Conversation((FIRST,), "thread-1")) is None


@pytest.mark.parametrize("language", ["en", "de"])
def test_the_button_has_the_words_for_later(client: FlaskClient, language: str) -> None:
    """In the visitor's language; none of them is shown before the script has found something."""
    page = client.get(f"/handoff/offer?pairs=1&thread_id=t1&language={language}").text
    draft, again = {"en": ("Draft saved", "Add something"), "de": ("Entwurf gespeichert", "Etwas ergänzen")}[language]
    assert page.count(f'<span class="kapa-handoff-draft" data-text="{draft}"></span>') == 2
    assert "hidden" in Page(page).one("div", **{"class": "kapa-handoff-sent"})
    assert again in page


def test_one_button_opens_a_form_for_each_follow_up(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each form has an offer and a submission id of its own, even if the button is of yesterday."""
    for offer in (signed_offer(client), old_offer(client, monkeypatch)):
        for _ in range(2):
            form = Page(client.get("/handoff/form", query_string={"offer": offer}, headers=FRAGMENT).text).fields
            own = {name: form[name] for name in ("offer", "submission_id")}
            send_ticket(client, **own, conversation=json.dumps([PAIR]))
    sent = tickets(app)
    assert [ticket.follows for ticket in sent[1:]] == [ticket.id for ticket in sent[:-1]]
    assert [ticket.earlier_pairs for ticket in sent] == [0, 1, 1, 1]


def test_only_the_dialog_of_a_visitor_who_types_the_address_offers_to_remember_it(
    client: FlaskClient, make_app: Callable[..., Flask]
) -> None:
    """The box is hidden without the script, is not sent, and is not there for an address that the account has."""

    def boxes(client: FlaskClient, headers: dict[str, str]) -> list[dict[str, str]]:
        page = client.get("/handoff/form", query_string={"offer": signed_offer(client)}, headers=headers)
        return [box for box in Page(page.text).all("input") if "data-kapa-handoff-remember" in box]

    (box,) = boxes(client, FRAGMENT)
    assert "name" not in box
    assert boxes(client, {}) == []
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor("ada@example.com", "Ada"))
    assert boxes(make_app(handoff=handoff, name="account").test_client(), FRAGMENT) == []
