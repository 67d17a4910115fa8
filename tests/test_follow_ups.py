"""Further tickets of a thread: their headers keep it together, and what is new stands first."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text, update

from flask_kapa_handoff import QuestionAnswer
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tables import transcript
from flask_kapa_handoff.storage.tickets import Ticket, find_conversation
from flask_kapa_handoff.submission import MAX_ANCESTORS
from flask_kapa_handoff.testing import tickets
from tests.helpers.mails import LETTERHEAD, body, read
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket


def pairs(*numbers: int, **values: Any) -> list[dict[str, Any]]:
    return [
        {"id": f"a{number}", "question": f"Question {number}?", "answer": f"Answer {number}.", **values}
        for number in numbers
    ]


def send(app: Flask, conversation: list[dict[str, Any]], **fields: Any) -> Ticket:
    client = app.test_client()
    offer = signed_offer(client, pairs=len(conversation), answer_id=conversation[-1]["id"])
    reference = send_ticket(client, offer=offer, conversation=json.dumps(conversation), **fields)
    return next(ticket for ticket in tickets(app) if ticket.reference == reference)


def mail(app: Flask, ticket: Ticket) -> bytes:
    state = state_of(app)
    with state.database.read() as connection:
        conversation = find_conversation(connection, ticket)
    return compose(state.templates, LETTERHEAD, ticket, conversation).data


def test_references_carry_the_whole_chain(app: Flask) -> None:
    """From the first Message-ID to the previous one: mails still belong together if one of them was refused, or if the
    provider has changed all of their Message-IDs: the first mail has a reference that all others have, too."""
    sent = [send(app, pairs(*range(1, last + 1))) for last in (1, 2, 3, 4)]
    ids = [f"<{ticket.id}@example.com>" for ticket in sent]
    for number, ticket in enumerate(sent):
        message = read(mail(app, ticket))
        assert message["Message-ID"] == ids[number]
        assert message["References"].split() == [f"<thread-{sent[0].id}@example.com>", *ids[:number]]
        assert message["In-Reply-To"] == (ids[number - 1] if number else None)


def test_a_long_chain_keeps_its_beginning_and_its_end(app: Flask) -> None:
    """Headers stay short: the first one, and the latest."""
    first = send(app, pairs(1))
    known = tuple(str(uuid.UUID(int=number)) for number in range(1, MAX_ANCESTORS + 1))
    with state_of(app).database.write() as connection:
        connection.execute(update(ticket_table).values(ancestors=known))
    second = send(app, pairs(1, 2))
    assert second.ancestors == (known[0], *known[2:], str(first.id))
    assert len(second.ancestors) == MAX_ANCESTORS


def test_a_chain_of_an_earlier_version_goes_on(app: Flask) -> None:
    """It stored only the previous ticket, and no ids of others."""
    sent = [send(app, pairs(1)), send(app, pairs(1, 2))]
    with state_of(app).database.write() as connection:
        connection.execute(update(ticket_table).values(ancestors=None))
    (second,) = [ticket for ticket in tickets(app) if ticket.id == sent[1].id]
    assert read(mail(app, second))["References"].split()[1:] == [f"<{sent[0].id}@example.com>"]
    third = send(app, pairs(1, 2, 3))
    assert third.ancestors == (str(sent[0].id), str(sent[1].id))


def test_the_chain_outlives_the_first_ticket(app: Flask) -> None:
    """A purge deletes old tickets; the agent's mailbox still has their mails."""
    first, second = send(app, pairs(1)), send(app, pairs(1, 2))
    with state_of(app).database.write() as connection:
        for table, column in ((transcript, transcript.c.ticket_id), (ticket_table, ticket_table.c.id)):
            connection.execute(update(ticket_table).where(ticket_table.c.follows == first.id).values(follows=None))
            connection.execute(table.delete().where(column == first.id))
    (left,) = tickets(app)
    assert left.id == second.id
    assert read(mail(app, left))["References"].split()[1:] == [f"<{first.id}@example.com>"]


def test_another_visitor_of_the_thread_starts_a_chain_of_their_own(app: Flask) -> None:
    """Only a visitor's own tickets belong together: a browser can name any thread."""
    send(app, pairs(1))
    other = send(app, pairs(1, 2), email="other@example.com")
    assert (other.ancestors, other.earlier_pairs, other.follows) == ((), 0, None)


@pytest.mark.parametrize(
    ("earlier", "later", "count"),
    [
        (pairs(1, 2), pairs(1, 2, 3, 4), 2),
        (pairs(1, 2), pairs(1, 2), 2),
        (pairs(1, 2), pairs(2, 3), 1),
        (pairs(1, 2), pairs(3, 4), 0),
        (pairs(1, 2, id=None), pairs(1, 2, 3, id=None), 2),
        (pairs(1, answer="half", stopped=True), pairs(1, 2), 1),
        (pairs(1), pairs(1, 2, reaction="downvote"), 1),
    ],
)
def test_what_an_earlier_ticket_had_is_known(
    app: Flask, earlier: list[dict[str, Any]], later: list[dict[str, Any]], count: int
) -> None:
    """By the answers' ids, else by what was said; a long conversation may come without its beginning."""
    send(app, earlier)
    assert send(app, later).earlier_pairs == count


def test_a_damaged_earlier_ticket_costs_nothing(app: Flask) -> None:
    """All pairs count as new then."""
    first = send(app, pairs(1))
    with state_of(app).database.write() as connection:
        connection.execute(text("UPDATE kapa_handoff_transcript SET conversation = '{'"))
    second = send(app, pairs(1, 2))
    assert (second.ancestors, second.earlier_pairs) == ((str(first.id),), 0)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_new_pairs_come_first_and_earlier_ones_below_a_line(write: Callable[..., bytes], kind: str) -> None:
    """The agent has read the earlier ones."""
    conversation = [QuestionAnswer(pair["question"], pair["answer"], pair["id"]) for pair in pairs(1, 2, 3, 4, 5)]
    said = body(write(pairs=conversation, answer_id="a5", earlier_pairs=2), kind)
    line = said.index("already in the previous ticket")
    new = said.index("New in this conversation")
    assert said.index("Answer 5.") < new < said.index("Answer 3.") < said.index("Answer 4.") < line
    assert line < said.index("Answer 1.") < said.index("Answer 2.")
    if kind == "html":
        assert "<hr" in said[new:line]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize(("answer_id", "known"), [("a2", 1), ("a1", 2)])
def test_no_heading_has_nothing_below_it(write: Callable[..., bytes], kind: str, answer_id: str, known: int) -> None:
    """If the pressed pair is the only new one, or nothing is new."""
    conversation = [QuestionAnswer(pair["question"], pair["answer"], pair["id"]) for pair in pairs(1, 2)]
    said = body(write(pairs=conversation, answer_id=answer_id, earlier_pairs=known), kind)
    assert "New in this conversation" not in said
    assert "The conversation" not in said
    assert said.count("already in the previous ticket") == 1
    assert [said.count(f"Answer {number}.") for number in (1, 2)] == [1, 1]
