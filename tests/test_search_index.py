"""The search's index: made when no visitor waits, empty of what is deleted, and what a database without one does."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, event, select

from benchmarks.many_tickets import fill, index_all
from flask_kapa_handoff.delivery.housekeeping import Housekeeping
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import postgresql, search, search_postgresql, search_sqlite, ticket_list
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.removal import delete_tickets, erase_visitor
from flask_kapa_handoff.storage.search_text import MOST_TEXT, terms_of, text_of
from flask_kapa_handoff.storage.tables import search as search_table
from flask_kapa_handoff.storage.tables import ticket
from flask_kapa_handoff.storage.ticket_list import NEWEST, Criteria
from tests.helpers.commands import invoke
from tests.helpers.deliveries import rewrite
from tests.helpers.made_once import upgrade_by_alembic
from tests.helpers.postgres import Postgres
from tests.helpers.sites import file_of
from tests.helpers.tickets import send_ticket

RARE = "☃☄★"
LIMITS = ("KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR", "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR")


def found(database: Database, words: str) -> list[str | None]:
    """The references that a search finds."""
    with database.read() as connection:
        return [one.reference for one in ticket_list.page(connection, Criteria(search=words), NEWEST, 50)]


@pytest.mark.parametrize(
    ("typed", "terms"),
    [
        ("Maria  KEY", ("maria", "key")),
        ('"rotate a Key" now', ("rotate a key", "now")),
        ('"open end', ("open end",)),
        ("ＡＢＣ straße", ("abc", "strasse")),
        ("a a A", ("a",)),
        ('  "" ', ()),
        ("a\u202eb", ("ab",)),
        (" ".join(map(str, range(20))), tuple(map(str, range(8)))),
        ("x" * 1000, ("x" * 200,)),
    ],
)
def test_what_is_typed_becomes_terms(typed: str, terms: tuple[str, ...]) -> None:
    """Words, or several in quotes; without case and invisible characters; not more than can be looked for quickly."""
    assert terms_of(typed) == terms


@pytest.mark.only("sqlite")
def test_a_long_conversation_is_searched_up_to_a_limit(app: Flask, database: Database) -> None:
    """Its questions always are."""
    reference = send_ticket(app.test_client())
    with database.read() as connection:
        row = connection.execute(select(ticket)).one()
    pairs = [{"question": "first", "answer": "x" * 2 * MOST_TEXT}, {"question": "last question", "answer": "y"}]
    text = text_of(row, json.dumps(pairs))
    assert reference.casefold() in text
    assert "last question" in text
    assert len(text) <= MOST_TEXT + 2
    assert reference.casefold() in text_of(row, "{damaged")
    assert reference.casefold() in text_of(row, None)


def test_a_submit_adds_nothing_to_the_index(app: Flask, database: Database) -> None:
    """The delivering process does, in short steps, and again for what comes later."""
    send_ticket(app.test_client(), note=RARE)
    assert found(database, RARE) == []
    housekeeping = Housekeeping(database, None, 365)
    housekeeping.do_some()
    assert len(found(database, RARE)) == 1
    fill(database, 60, words=1)
    housekeeping = Housekeeping(database, None, 365)
    assert housekeeping.do_some()
    while housekeeping.do_some():
        pass
    assert len(found(database, "example")) == 50
    with database.read() as connection:
        assert not search.missing(connection)


def test_deliver_makes_tickets_searchable(app: Flask, database: Database) -> None:
    """Where a command delivers, it does this, too."""
    send_ticket(app.test_client(), note=RARE)
    invoke(app, "deliver")
    assert len(found(database, RARE)) == 1


def test_new_and_old_tickets_are_indexed_while_others_come_and_go(app: Flask, database: Database) -> None:
    """Newest first; whatever is deleted in between, no ticket is left out and none is there twice."""
    fill(database, 120, words=1)
    assert search.index_some(database, 30) == 30
    client = app.test_client()
    late = send_ticket(client, note=RARE)
    with database.read() as connection:
        newest = ticket_list.page(connection, Criteria(), NEWEST, 40)
        assert search.missing(connection).newest
    delete_tickets(database, [str(one.reference) for one in newest[5:35]])
    index_all(database)
    assert found(database, RARE) == [late]
    with database.read() as connection:
        texts = connection.execute(select(search_table.c.ticket_id).where(search_table.c.body != "")).scalars().all()
        assert sorted(texts) == sorted(connection.execute(select(ticket.c.id)).scalars())
        assert not search.missing(connection)


def grams_in(database: Database, path: Path) -> bool:
    """Whether the index still has the rare words in any of its blocks."""
    with sqlite3.connect(path) as connection:
        blocks = connection.execute(f"SELECT block FROM {search_sqlite.NAME}_data").fetchall()  # noqa: S608
    connection.close()
    return any(RARE.encode() in block for (block,) in blocks)


@pytest.mark.only("sqlite")
def test_what_is_deleted_leaves_the_index(make_app: Callable[..., Flask]) -> None:
    """FTS5 only marks it; the housekeeping, and the command that erases, write the index without it."""
    app = make_app(**dict.fromkeys(LIMITS, 1000))
    database = state_of(app).database
    client = app.test_client()
    for way in ("housekeeping", "command"):
        fill_index(app, database)
        send_ticket(client, email="rare@example.com", note=RARE)
        index_all(database)
        assert grams_in(database, file_of(app))
        if way == "command":
            assert invoke(app, "erase", "rare@example.com", "--yes").exit_code == 0
        else:
            erase_visitor(database, "rare@example.com")
            assert found(database, RARE) == []
            housekeeping = Housekeeping(database, None, 365)
            housekeeping.is_due_now()
            while housekeeping.do_some():
                pass
        assert not grams_in(database, file_of(app)), way
        with database.read() as connection:
            assert connection.execute(select(search_table).where(search_table.c.ticket_id.is_(None))).all() == []
        assert len(found(database, "visitor")) > 0


def fill_index(app: Flask, database: Database) -> None:
    """Some tickets of others, in several steps, so that the index has several parts."""
    for _ in range(6):
        send_ticket(app.test_client())
        index_all(database)


def test_a_changed_ticket_is_found_by_what_it_says_now(app: Flask, database: Database) -> None:
    """As when its visitor corrects the address; one that cannot be searched yet stays so."""
    reference = send_ticket(app.test_client(), email="typo@wrong.example", note="as before")
    rewrite(app, reference, visitor_email="typo@right.example")
    with database.write() as connection:
        one = connection.execute(select(ticket.c.id)).scalar_one()
        search.renew(connection, one)
        assert search.missing(connection)
    index_all(database)
    rewrite(app, reference, visitor_email="fixed@right.example")
    with database.write() as connection:
        search.renew(connection, one)
    assert found(database, "fixed@right before") == [reference]
    assert found(database, "typo@right") == []


@pytest.mark.only("sqlite")
def test_the_last_ticket_leaves_the_index_empty_and_whole(app: Flask, database: Database) -> None:
    """FTS5's own check finds nothing, and the next ticket is found."""
    for _ in range(2):
        send_ticket(app.test_client(), email="rare@example.com", note=RARE)
        index_all(database)
        assert len(found(database, RARE)) == 1
        assert invoke(app, "erase", "rare@example.com", "--yes").exit_code == 0
        assert found(database, RARE) == []
        with database.write() as connection:
            name = search_sqlite.NAME
            connection.exec_driver_sql(f"INSERT INTO {name}({name}) VALUES ('integrity-check')")  # noqa: S608


def test_an_earlier_version_that_deletes_a_ticket_leaves_no_text(app: Flask, database: Database) -> None:
    """It does not know the search's table: the foreign key and a trigger do it."""
    send_ticket(app.test_client(), note=RARE)
    index_all(database)
    with database.write() as connection:
        connection.execute(delete(ticket))
        assert connection.execute(select(search_table)).all() == []
    assert found(database, RARE) == []
    send_ticket(app.test_client(), note=RARE)
    index_all(database)
    assert len(found(database, RARE)) == 1


@pytest.mark.only("sqlite")
def test_without_fts5_all_texts_are_compared(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    """An SQLite that has no FTS5, or an early one: the same results."""
    monkeypatch.setattr(search_sqlite, "_CREATE", ("CREATE VIRTUAL TABLE x USING no_such_module(body)",))
    monkeypatch.setattr("alembic.command.upgrade", upgrade_by_alembic)
    app = make_app(name="without")
    database = state_of(app).database
    first = send_ticket(app.test_client(), note=f"{RARE} one")
    send_ticket(app.test_client(), email="rare@example.com", note=f"{RARE} two")
    index_all(database)
    with database.read() as connection:
        assert not search_sqlite.exists(connection)
    assert len(found(database, RARE)) == 2
    assert found(database, f"{RARE} one") == [first]
    erase_visitor(database, "rare@example.com")
    assert found(database, RARE) == [first]
    with database.read() as connection:
        assert len(connection.execute(select(search_table)).all()) == 1


@pytest.mark.only("postgresql")
def test_without_pg_trgm_words_are_found_by_their_beginnings(
    make_app: Callable[..., Flask], postgres: Postgres
) -> None:
    """Half an address is found from the start of any of its words, and what is typed is still compared exactly."""
    app = make_app(KAPA_HANDOFF_DATABASE_URI=postgres.new_database())
    database = state_of(app).database
    client = app.test_client()
    wanted = send_ticket(client, email="maria.gonzalez@acme.example", note="It's 100% (broken): foo:bar & !baz")
    other = send_ticket(client)
    index_all(database)
    assert found(database, "gonzalez@ac") == [wanted]
    with database.write() as connection:
        assert not search_postgresql.has_words_only(connection)
        connection.exec_driver_sql(f"DROP INDEX {search_postgresql.TRIGRAMS}")
        connection.exec_driver_sql(
            f"CREATE INDEX {search_postgresql.WORDS} ON kapa_handoff_search USING gin (({search_postgresql.VECTOR}))"
        )
        assert search_postgresql.has_words_only(connection)
    for words in ("gonzalez@ac", "maria.gon", wanted, "100%", "(broken):", "foo:bar", "& !b", "it's"):
        assert found(database, words) == [wanted], words
    assert found(database, "example rotat") == [other, wanted]
    assert found(database, "acme tuesdays") == []


@pytest.mark.only("postgresql")
def test_short_words_of_chinese_are_found_in_their_index(make_app: Callable[..., Flask], postgres: Postgres) -> None:
    """Their characters are, and the texts are still compared; without that index, all texts are."""
    app = make_app(KAPA_HANDOFF_DATABASE_URI=postgres.new_database())
    database, client = state_of(app).database, app.test_client()
    wanted = send_ticket(client, note="日本語で")
    other = send_ticket(client, note="本日は")
    index_all(database)
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        if statement.startswith("WITH hits"):
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plans.extend(row[0] for row in cursor.fetchall())

    with database.read() as connection:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        event.listen(connection, "before_cursor_execute", explain)
        rows = ticket_list.page(connection, Criteria(search="日本"), NEWEST, 10)
    assert [one.reference for one in rows] == [wanted]
    assert any(search_postgresql.CHARACTERS in line for line in plans), plans
    for _ in range(2):
        assert found(database, "日本") == [wanted]
        assert found(database, "日 本") == [other, wanted]
        assert found(database, "語") == [wanted]
        assert found(database, "本 語で") == [wanted]
        with database.write() as connection:
            connection.exec_driver_sql(f"DROP INDEX IF EXISTS {search_postgresql.CHARACTERS}")


@pytest.mark.only("postgresql")
def test_a_server_that_gives_no_pg_trgm_has_an_index_of_words(
    make_app: Callable[..., Flask], postgres: Postgres
) -> None:
    """A user who may not create extensions gets the tables nevertheless."""
    database = state_of(make_app(KAPA_HANDOFF_DATABASE_URI=postgres.new_database())).database
    with database.write() as connection:
        connection.exec_driver_sql("DROP EXTENSION pg_trgm CASCADE")
    statements: list[str] = []
    with database.write() as connection:

        @event.listens_for(connection, "before_cursor_execute", retval=True)
        def refuse(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> tuple[str, Any]:
            statements.append(statement)
            return statement.replace("CREATE EXTENSION pg_trgm", "CREATE EXTENSION no_such_extension"), parameters

        search.create_index(connection)
        assert search_postgresql.has_words_only(connection)
    assert "CREATE EXTENSION pg_trgm" in statements


@pytest.mark.only("sqlite")
def test_a_damaged_ticket_does_not_stop_the_others(app: Flask, database: Database) -> None:
    """It is found by what can be read of it."""
    client = app.test_client()
    damaged, other = send_ticket(client, note=RARE), send_ticket(client)
    rewrite(app, damaged, attempts=-1, fields=None)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_transcript SET conversation = x'ff00'")
        change = "UPDATE kapa_handoff_ticket SET created_at = 'never' WHERE reference = ?"
        connection.exec_driver_sql(change, (damaged,))
    index_all(database)
    assert found(database, RARE) == [damaged]
    assert found(database, other) == [other]


@pytest.mark.only("postgresql")
def test_one_process_at_a_time_makes_texts(app: Flask, database: Database) -> None:
    """Another one does not wait for it, but delivers meanwhile."""
    send_ticket(app.test_client())
    with database.write(alone=False) as connection:
        assert postgresql.may_index(connection)
        assert search.index_some(database) == 0
    assert search.index_some(database) == 1
