"""POST /tickets on a site with conversations of its own: what it knows counts, and not the browser's word."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.testing import conversation_of, tickets
from tests.helpers.offers import offer_without_database
from tests.helpers.pages import json_of
from tests.helpers.tickets import PAIR, SECRET, post, refused, send_ticket, ticket_fields

OWN_RECORD = Conversation((QuestionAnswer("Own question", "Own answer", "a1"),), "thread-1")


@pytest.mark.parametrize("conversation", [None, json.dumps([PAIR]), "not json"], ids=["none", "other", "broken"])
def test_the_sites_own_record_counts_and_the_browsers_word_does_not(
    make_app: Callable[..., Flask], conversation: str | None
) -> None:
    """With a conversation_loader the transcript is the site's, whatever the browser sends."""
    handoff, asked = KapaHandoff(), []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        asked.append(thread_id)
        return OWN_RECORD

    app = make_app(handoff=handoff)
    client = app.test_client()
    send_ticket(client, conversation=conversation)
    (ticket,) = tickets(app)
    assert ticket.transcript_source == "site"
    assert conversation_of(app, ticket).pairs == OWN_RECORD.pairs
    assert ticket.subject == "Own question"
    assert set(asked) == {"thread-1"}


def test_a_thread_that_the_site_does_not_know_is_the_browsers_word(make_app: Callable[..., Flask]) -> None:
    """None: what the browser sent counts and is marked as such; without it the form says what is missing."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: None)
    app = make_app(handoff=handoff)
    client = app.test_client()
    send_ticket(client)
    assert tickets(app)[0].transcript_source == "browser"
    answer = post(client, "json", ticket_fields(client, conversation=None))
    assert answer.status_code == 422
    assert list(json_of(answer)["error"]["fields"]) == ["conversation"]


def test_a_loader_that_raises_leaves_the_browsers_word(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """The ticket is taken with what the browser sent, and the log has the error."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        raise RuntimeError("the chat's database is down")

    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), offer=offer_without_database(app))
    assert tickets(app)[0].transcript_source == "browser"
    assert ".load) raised RuntimeError in load (" in caplog.text


def test_a_loader_that_raises_with_nothing_from_the_browser_is_unavailable(
    make_app: Callable[..., Flask], shape: str
) -> None:
    """503 with the text kept: it may work in a moment."""
    handoff = KapaHandoff()
    works: list[bool] = []

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        if not works:
            raise RuntimeError("the chat's database is down")
        return OWN_RECORD

    app = make_app(handoff=handoff)
    client = app.test_client()
    fields = ticket_fields(client, offer=offer_without_database(app), conversation=None)
    answer = post(client, shape, fields)
    refused(answer, shape, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    works.append(True)
    assert post(client, shape, fields).status_code == 201


def test_a_submission_that_is_retried_after_the_thread_has_grown_is_the_same(make_app: Callable[..., Flask]) -> None:
    """The site's record may change between two attempts; that does not count as other content."""
    handoff, pairs = KapaHandoff(), [QuestionAnswer("One", "1")]
    handoff.conversation_loader(lambda thread_id: Conversation(tuple(pairs), thread_id))
    client = make_app(handoff=handoff).test_client()
    fields = ticket_fields(client, conversation=None)
    assert post(client, "json", fields).status_code == 201
    pairs.append(QuestionAnswer("Two", "2"))
    assert post(client, "json", fields).status_code == 200


def test_odd_characters_in_the_sites_own_record_do_no_harm(make_app: Callable[..., Flask]) -> None:
    """What a site kept as it came is cleaned like what a browser sends."""
    handoff = KapaHandoff()
    handoff.conversation_loader(
        lambda thread_id: Conversation((QuestionAnswer("nul \x00 half \ud83d", "e\u0301"),), thread_id)
    )
    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), conversation=None)
    (pair,) = conversation_of(app, tickets(app)[0]).pairs
    assert (pair.question, pair.answer) == ("nul  half \ufffd", "\u00e9")


def test_secrets_in_the_sites_own_record_are_masked(make_app: Callable[..., Flask]) -> None:
    """Masking does not depend on who kept the transcript."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: Conversation((QuestionAnswer(f"q {SECRET}", "a"),), thread_id))
    app = make_app(handoff=handoff)
    send_ticket(app.test_client(), conversation=None)
    assert SECRET not in repr(conversation_of(app, tickets(app)[0]))
