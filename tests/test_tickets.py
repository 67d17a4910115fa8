"""Opening a ticket without HTTP: ids, subjects, and what is in the row."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from flask import Flask
from sqlalchemy import event

from flask_kapa_handoff import Conversation, QuestionAnswer, Trigger
from flask_kapa_handoff.errors import Conflict, Disabled
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.quotas import keys_of
from flask_kapa_handoff.settings import DeskSettings, current_settings, default_settings, save_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status, Ticket, latest_tickets
from flask_kapa_handoff.submission import Submission, open_ticket
from flask_kapa_handoff.triggers import Facts
from tests.helpers.tickets import send_ticket

SECRET = b"a secret"


def submission(question: str = "How?", **changes: object) -> Submission:
    made = Submission(
        submission_id=uuid.uuid4(),
        offer=Offer((Trigger.UNCERTAINTY, Trigger.DOWNVOTE), Facts(1, True, True), "default", "t1", "a1", None),
        email="visitor@example.com",
        note="",
        conversation=Conversation((QuestionAnswer(question, "So."),)),
        transcript_source="browser",
        keys=keys_of("192.0.2.7", "visitor@example.com", SECRET),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def opened(app: Flask, made: Submission) -> Ticket:
    state = state_of(app)
    ticket, _ = open_ticket(state.database, state.config, made)
    return ticket


def test_the_row_is_the_ticket_that_is_given_back(app: Flask) -> None:
    """What is stored and what the caller has are equal, to the microsecond."""
    ticket = opened(app, submission(name="Ada", locale="de-AT"))
    with state_of(app).database.read() as connection:
        assert latest_tickets(connection) == [ticket]
    assert ticket.status is Status.QUEUED
    assert (ticket.visitor_name, ticket.locale) == ("Ada", "de-AT")
    assert ticket.triggers == "uncertainty,downvote"
    assert ticket.next_attempt_at is not None
    assert ticket.next_attempt_at <= datetime.now(timezone.utc) + timedelta(seconds=1)


def test_ids_are_ordered_by_time(make_app: Callable[..., Flask]) -> None:
    """UUIDv7 (RFC 9562): version, variant and the time of creation, so that the newest is the greatest."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=99, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=99)
    made = [opened(app, submission()) for _ in range(12)]
    for ticket in made:
        assert ticket.id.version == 7
        assert ticket.id.variant == uuid.RFC_4122
        stamp = datetime.fromtimestamp((ticket.id.int >> 80) / 1000, timezone.utc)
        assert abs(stamp - ticket.created_at) < timedelta(milliseconds=2)
    stamps = [ticket.id.int >> 80 for ticket in made]
    assert stamps == sorted(stamps)
    assert len({ticket.id for ticket in made}) == 12


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("How do I?", "How do I?"),
        ("  How\n do\tI?  ", "How do I?"),
        ("x" * 100, "x" * 100),
        ("x" * 101, "x" * 99 + "…"),
        ("a " * 200, "a " * 49 + "a…"),
    ],
)
def test_the_subject_is_the_first_question_on_one_line(app: Flask, question: str, subject: str) -> None:
    """Shortened to what a list and a mail's subject can show."""
    assert opened(app, submission(question)).subject == subject


def test_the_subject_of_a_thread_without_a_first_question_is_the_next_one(app: Flask) -> None:
    """A chat that opens with a greeting has its first question later; one without any has an empty subject."""
    greeting = QuestionAnswer("", "Hello, I am a machine.")
    later = Conversation((greeting, QuestionAnswer("How?", "So.")))
    assert opened(app, submission(conversation=later)).subject == "How?"
    assert opened(app, submission(conversation=Conversation((greeting,)))).subject == ""


def test_the_same_submission_gives_the_same_ticket_and_another_text_a_conflict(app: Flask) -> None:
    """Whether it is new is told."""
    state, made = state_of(app), submission()
    first, is_new = open_ticket(state.database, state.config, made)
    again, is_new_again = open_ticket(state.database, state.config, made)
    assert (is_new, is_new_again) == (True, False)
    assert first == again
    with pytest.raises(Conflict):
        opened(app, replace(made, note="other"))


def test_moving_a_text_from_one_field_to_the_next_is_other_content(app: Flask) -> None:
    """The parts are told apart."""
    made = submission(email="a@example.com", note="bc")
    opened(app, made)
    for email, note in (("a@example.comb", "c"), ("a@example.co", "mbc")):
        with pytest.raises(Conflict):
            opened(app, replace(made, email=email, note=note))


def test_a_desk_that_takes_no_tickets_refuses(make_app: Callable[..., Flask]) -> None:
    """Nothing is stored."""
    app = make_app(KAPA_HANDOFF_EMAIL=None)
    with pytest.raises(Disabled):
        opened(app, submission())


def settings(app: Flask, **changes: object) -> DeskSettings:
    """The default desk's settings, after an admin has saved these changes."""
    state = state_of(app)
    with state.database.write() as connection:
        wanted = replace(current_settings(connection, state.config), **changes)  # type: ignore[arg-type]
        return save_settings(connection, state.config, wanted, changed_by="ada")[1]


@pytest.mark.parametrize("saved_before", [False, True], ids=["first change", "second change"])
def test_settings_that_have_changed_since_they_were_read_are_read_again(app: Flask, saved_before: bool) -> None:
    """No ticket goes where an admin no longer wants it, however old the settings are that the process knows."""
    state = state_of(app)
    known = settings(app, email="earlier@example.com") if saved_before else default_settings(state.config)
    assert open_ticket(state.database, state.config, submission(), known)[0].recipient == known.email
    settings(app, email="later@example.com")
    later = submission(offer=replace(submission().offer, id="another"))
    assert open_ticket(state.database, state.config, later, known)[0].recipient == "later@example.com"
    settings(app, enabled=False)
    with pytest.raises(Disabled):
        open_ticket(state.database, state.config, submission(offer=replace(later.offer, id="a third")), known)


def test_settings_of_another_desk_are_read(app: Flask) -> None:
    """A process may know only the default desk's, such as after a desk was added."""
    state = state_of(app)
    elsewhere = replace(default_settings(state.config), desk="sales", email="sales@example.com")
    assert open_ticket(state.database, state.config, submission(), elsewhere)[0].recipient == state.config.email


def test_settings_that_are_current_are_not_read(app: Flask) -> None:
    """Their version is part of the query that asks for the limits."""
    state = state_of(app)
    statements: list[str] = []
    known = settings(app, email="known@example.com")
    event.listen(state.database.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    open_ticket(state.database, state.config, submission(), known)
    assert not any(text.startswith("SELECT kapa_handoff_desk.") for text in statements)
    open_ticket(state.database, state.config, submission(offer=replace(submission().offer, id="another")))
    assert any(text.startswith("SELECT kapa_handoff_desk.") for text in statements)


def test_a_ticket_follows_only_the_same_visitors(app: Flask) -> None:
    """A browser may name any thread: somebody else's ticket of the same name is not what this one follows."""
    client = app.test_client()
    first = send_ticket(client, email="alice@example.com")
    other = send_ticket(client, email="mallory@example.com")
    again = send_ticket(client, email="Alice@example.com")
    with state_of(app).database.read() as connection:
        found = {ticket.reference: ticket for ticket in latest_tickets(connection)}
    assert found[other].follows is None
    assert found[again].follows == found[first].id
