"""The list of tickets: search and filters, page by page, held against a plain loop over all tickets."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert, select

from benchmarks.many_tickets import LATEST, fill
from flask_kapa_handoff.storage import search, ticket_list
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.removal import delete_tickets
from flask_kapa_handoff.storage.tables import delivery_attempt, ticket, transcript
from flask_kapa_handoff.storage.ticket_filters import STATUSES, different
from flask_kapa_handoff.storage.ticket_list import NEWEST, Criteria, Place
from flask_kapa_handoff.storage.tickets import Ticket, before_time

NUMBER = 300
ENDS = ("failed", "delivered", "delivered")


@pytest.fixture
def filled(database: Database) -> Database:
    """A database of 300 tickets in every state, of several desks, languages and days, which can be searched."""
    fill(database, NUMBER)
    with database.write() as connection:
        # Of every fourth ticket, nobody knows what the first attempt has done; most of them have a second one.
        tickets = connection.execute(select(ticket.c.id).order_by(ticket.c.id)).scalars().all()
        attempts = delivery_attempt.c
        for number, one in enumerate(tickets[::4]):
            connection.execute(delivery_attempt.delete().where(attempts.ticket_id == one))
            outcomes = ("unknown" if number % 2 else None, ENDS[number % 3])[: 1 if number % 5 == 0 else 2]
            for place, outcome in enumerate(outcomes, 1):
                values = {"ticket_id": one, "number": place, "recipient": "a@example.com", "started_at": LATEST}
                connection.execute(insert(delivery_attempt).values(**values, outcome=outcome))
    assert search.index_some(database, 10_000) == NUMBER
    return database


def everything(connection: Connection) -> list[tuple[Ticket, str, bool]]:
    """All tickets, newest first, with all their words, and whether they may have been delivered twice."""
    rows = connection.execute(select(ticket).order_by(ticket.c.id.desc())).all()
    texts = {row.ticket_id: row.conversation for row in connection.execute(select(transcript))}
    outcomes: dict[Any, list[str | None]] = {}
    for row in connection.execute(select(delivery_attempt).order_by(delivery_attempt.c.number)):
        outcomes.setdefault(row.ticket_id, []).append(row.outcome)
    found = []
    for row in rows:
        one = Ticket.from_row(row)
        assert isinstance(one, Ticket)
        words = " ".join([one.reference, one.visitor_email, one.visitor_name or "", one.note, texts[one.id]])
        first, *later = outcomes[one.id]
        found.append((one, words.casefold(), first in (None, "unknown") and "delivered" in later))
    return found


def is_wanted(criteria: Criteria, one: Ticket, words: str, twice: bool) -> bool:
    """The same in plain words."""
    day = one.created_at.date()
    return (
        all(word in words for word in criteria.search.casefold().split())
        and (not criteria.status or (twice if criteria.status == "twice" else one.status in STATUSES[criteria.status]))
        and criteria.desk in ("", one.desk)
        and (not criteria.trigger or criteria.trigger in one.triggers.split(","))
        and criteria.language in ("", (one.locale or "").partition("-")[0])
        and (criteria.since is None or day >= criteria.since)
        and (criteria.until is None or day <= criteria.until)
    )


def walk(connection: Connection, criteria: Criteria, length: int) -> list[str]:
    """The references of all pages, one after another, there and back."""
    found: list[str] = []
    place = NEWEST
    while page := ticket_list.page(connection, criteria, place, length):
        assert all(isinstance(one, Ticket) for one in page)
        found += [str(one.reference) for one in page]
        place = Place(page[-1].id)
    back: list[str] = []
    while page := ticket_list.page(connection, criteria, replace(place, newer=True), length):
        back = [str(one.reference) for one in page] + back
        place = Place(page[0].id)
    assert back == found[: len(back)]
    assert len(back) >= len(found) - 1
    return found


DAY = date(2026, 10, 31)
CHOICES: dict[str, tuple[Any, ...]] = {
    "status": ("", *STATUSES),
    "desk": ("", "sales", "no-such-desk"),
    "trigger": ("", "uncertainty", "always", "no-such-trigger"),
    "language": ("", "en", "de", "ja", "xx"),
    "since": (None, DAY, date(2026, 11, 5)),
    "until": (None, DAY, date(1969, 1, 1), date.max),
    "search": ("", "example1", "@EXAMPLE42.com", "t-00001", "e a", "zzzzzz", "ex", "le1 com"),
}


def test_each_filter_and_any_of_them_together_find_what_a_loop_finds(filled: Database) -> None:
    """Also with a search, and page by page."""
    source = random.Random(7)  # noqa: S311 - the same choices in every run
    single = [Criteria(**{name: value}) for name, values in CHOICES.items() for value in values]
    pairs = [Criteria(**{name: source.choice(values) for name, values in CHOICES.items()}) for _ in range(60)]
    with filled.read() as connection:
        tickets = everything(connection)
        for criteria in [*single, *pairs]:
            wanted = [one.reference for one, words, twice in tickets if is_wanted(criteria, one, words, twice)]
            assert walk(connection, criteria, 37) == wanted, criteria
            assert ticket_list.count(connection, criteria).number == len(wanted), criteria
        assert any(wanted for wanted in [walk(connection, one, 50) for one in pairs])


def test_counting_ends_at_its_limit(filled: Database) -> None:
    """More are "more"."""
    with filled.read() as connection:
        assert vars(ticket_list.count(connection, Criteria(), most=NUMBER)) == {"number": NUMBER, "more": False}
        assert vars(ticket_list.count(connection, Criteria(), most=NUMBER - 1)) == {"number": NUMBER - 1, "more": True}
        # Of those with the narrowest filter, so many are looked at.
        both = ticket_list.count(connection, Criteria(status="failed", desk="default"), most=10)
        assert 0 < both.number < 10
        assert both.more


def test_a_page_goes_on_where_the_last_one_ended_whatever_comes_and_goes(filled: Database) -> None:
    """With tickets that arrive, and without the very ticket at which it ended."""
    with filled.read() as connection:
        for criteria in (Criteria(), Criteria(search="example"), Criteria(status="delivered")):
            first = ticket_list.page(connection, criteria, NEWEST, 10)
            following = [one.id for one in ticket_list.page(connection, criteria, Place(first[-1].id), 10)]
            assert len(following) == 10
            delete_tickets(filled, [str(first[-1].reference)])
            assert [one.id for one in ticket_list.page(connection, criteria, Place(first[-1].id), 10)] == following


def test_the_different_values_of_a_column(filled: Database) -> None:
    """Each once, in order."""
    with filled.read() as connection:
        assert different(connection, ticket.c.desk) == ["bugs", "default", "sales"]
        assert different(connection, ticket.c.locale, "en-", "en.") == ["en-GB", "en-US"]


PLAIN = ("status", "delivered"), ("status", "waiting"), ("status", "twice"), ("desk", "sales"), ("language", "en")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("name", "value"), [*PLAIN, ("trigger", "downvote"), ("since", DAY), ("search", "example")])
def test_no_page_and_no_count_scans_or_sorts_the_table(filled: Database, name: str, value: Any) -> None:
    """SQLite's own plan of each statement: only searches in an index, and the merge of a few first rows is sorted."""
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            driver = connection.connection.driver_connection
            plans.extend(row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with filled.read() as connection:
        event.listen(connection, "before_cursor_execute", explain)
        ticket_list.page(connection, Criteria(**{name: value}), Place(before_time(datetime.now(timezone.utc))), 50)
        ticket_list.count(connection, Criteria(**{name: value}))
    steps = {plan for plan in plans if plan.startswith(("SCAN", "USE TEMP"))}
    # Of what other steps have found, of FTS5's matches, and of the few attempts whose result is not known.
    index = ("SCAN kapa_handoff_search_text VIRTUAL", "SCAN uncertain USING INDEX")
    few = (*index, "SCAN walk", "SCAN anon", "SCAN (", "SCAN CONSTANT", "SCAN sqlite_master")
    assert {step for step in steps if not step.startswith(few)} <= {"USE TEMP B-TREE FOR ORDER BY"}, plans
