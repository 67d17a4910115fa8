"""PostgreSQL as the database of several web machines: what the tests for both databases don't cover."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.engine import make_url

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.errors import SchemaError, Unavailable
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import removal, schema
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from tests.helpers.offers import own_offer, signed_offer
from tests.helpers.postgres import Postgres
from tests.helpers.tickets import send_ticket, ticket_fields

pytestmark = pytest.mark.only("postgresql")


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """A database without tables."""
    uri = postgres.new_database(template="template0")
    yield uri
    postgres.drop_database(uri)


def test_claims_do_not_wait_for_each_other(app: Flask, database: Database) -> None:
    """While one worker's claim is not yet committed, another one takes the next ticket at once, and not the same."""
    first, second = (send_ticket(app.test_client()) for _ in range(2))
    with database.write(alone=False) as connection:
        query = select(ticket_table.c.reference).where(ticket_table.c.reference == first).with_for_update()
        connection.execute(query).one()
        claimed = outbox.claim(database, 30)
        assert claimed is not None
        assert claimed.ticket.reference == second
        assert outbox.claim(database, 30) is None


def test_many_workers_take_each_ticket_once(app: Flask, database: Database) -> None:
    """Eight couriers on one database: nobody gets a ticket that another one has."""
    references = {send_ticket(app.test_client()) for _ in range(10)}
    taken: list[str] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait(30)
        while claimed := outbox.claim(database, 30):
            taken.append(claimed.ticket.reference)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # A claim ends if others are at work on everything that is due: the next claim takes what is left.
    while claimed := outbox.claim(database, 30):
        taken.append(claimed.ticket.reference)
    assert sorted(taken) == sorted(references)


def test_a_claim_does_not_wait_for_a_submit(app: Flask, database: Database) -> None:
    """Only those who count before they write wait for each other: delivery goes on beside them."""
    reference = send_ticket(app.test_client())
    with database.write():
        claimed = outbox.claim(database, 30)
        assert claimed is not None
        assert claimed.ticket.reference == reference
        assert outbox.complete(database, claimed, "250 ok") is not None


def test_a_visitor_is_erased_while_the_end_of_a_delivery_is_recorded(app: Flask, database: Database) -> None:
    """Both lock the ticket first, so that neither holds what the other one waits for."""
    reference = send_ticket(app.test_client())
    claimed = outbox.claim(database, 30)
    assert claimed is not None
    erased: list[removal.Erased] = []
    eraser = threading.Thread(target=lambda: erased.append(removal.erase_visitor(database, "visitor@example.com")))

    def erase(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("UPDATE") and eraser.ident is None:
            eraser.start()
            with database.engine.connect() as watcher:
                for _ in range(500):  # until it waits for a row that the delivery has locked
                    if watcher.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one():
                        return
                    eraser.join(0.02)
            pytest.fail("nobody waits")

    event.listen(database.engine, "after_cursor_execute", erase)
    assert outbox.complete(database, claimed, "250 ok") is not None
    eraser.join(30)
    assert [found.references for found in erased] == [(reference,)]
    assert erased[0].attempts == 1
    assert erased[0].being_sent == ()


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
def test_limits_hold_whatever_the_sites_isolation_level(
    make_app: Callable[..., Flask], postgres: Postgres, level: str
) -> None:
    """A submit that waited for its turn counts what the one before it has stored, on a site's own engine, too."""
    uri = postgres.new_database()
    engine = create_engine(uri, isolation_level=level)
    app = make_app(mount=False, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    KapaHandoff(app, engine=engine)
    offer = signed_offer(app.test_client())
    state = state_of(app)
    waiting = threading.Event()
    answers: list[int] = []

    def submit() -> None:
        fields = ticket_fields(app.test_client(), offer=own_offer(app.test_client(), offer))
        answers.append(app.test_client().post("/handoff/tickets", data=fields).status_code)

    def watch(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if "pg_advisory_xact_lock" in statement:
            waiting.set()

    with ExitStack() as stack:
        stack.enter_context(state.database.write())
        event.listen(engine, "before_cursor_execute", watch)
        threads = [threading.Thread(target=submit) for _ in range(5)]
        for thread in threads:
            thread.start()
        assert waiting.wait(30)
    for thread in threads:
        thread.join()
    assert sorted(answers) == [201, 429, 429, 429, 429]
    engine.dispose()
    postgres.drop_database(uri)


def test_a_writer_does_not_wait_forever(app: Flask, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a transaction that does not end, a submit is refused with 503."""
    offer = signed_offer(app.test_client())
    monkeypatch.setattr("flask_kapa_handoff.storage.postgresql.BUSY_TIMEOUT", 1)
    with database.write():
        answer = app.test_client().post("/handoff/tickets", data=ticket_fields(app.test_client(), offer=offer))
    assert answer.status_code == 503


def test_a_new_database_asks_for_its_tables(make_app: Callable[..., Flask], empty: str) -> None:
    """A shared database is not migrated automatically: the error names the command, which then makes the tables."""
    app = make_app(KAPA_HANDOFF_DATABASE_URI=empty)
    database = state_of(app).database
    with pytest.raises(SchemaError, match="flask kapa-handoff db upgrade"), database.read():
        pass
    told = app.test_cli_runner().invoke(args=["kapa-handoff", "db", "upgrade"])
    assert told.exit_code == 0, told.output
    assert schema.HEAD in told.output
    assert send_ticket(app.test_client()).startswith("T-")


def test_upgrades_at_once_make_the_tables_once(empty: str) -> None:
    """Several machines are deployed at the same moment: one makes the tables, the others wait for it."""
    databases = [Database(lambda: empty) for _ in range(4)]
    errors: list[BaseException] = []

    def upgrade(database: Database) -> None:
        try:
            database.upgrade()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=upgrade, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert schema.version(databases[0].engine) == schema.HEAD
    for database in databases:
        database.close()


def test_a_url_without_a_driver_gets_psycopg(make_app: Callable[..., Flask], postgres: Postgres) -> None:
    """The addresses that hosting services hand out work as they are."""
    uri = postgres.borrow_database()
    for scheme in ("postgres", "postgresql", "postgresql+psycopg"):
        written = uri.replace("postgresql+psycopg", scheme, 1)
        app = make_app(name=scheme.replace("+", "-"), KAPA_HANDOFF_DATABASE_URI=written)
        assert state_of(app).database.engine.driver == "psycopg"
        state_of(app).database.close()
    postgres.give_back(uri)


def test_the_password_is_not_logged(make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture) -> None:
    """A server that cannot be reached is reported without the password of its address."""
    app = make_app(KAPA_HANDOFF_DATABASE_URI="postgresql://app:qz-secret@127.0.0.1:1/app")
    with pytest.raises(Unavailable), state_of(app).database.read():
        pass
    assert "cannot be used" in caplog.text
    assert "qz-secret" not in caplog.text


def test_connections_that_went_away_are_replaced(app: Flask, database: Database, postgres: Postgres) -> None:
    """The database server was restarted while nobody looked: the next visitor does not notice."""
    send_ticket(app.test_client())
    name = make_url(app.config["KAPA_HANDOFF_DATABASE_URI"]).database
    postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
    send_ticket(app.test_client())
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(ticket_table)).scalar_one() == 2


def test_the_sites_own_level_is_left_as_it_is(postgres: Postgres) -> None:
    """What a write sets for itself is gone when the site gets the connection back."""
    uri = postgres.borrow_database()
    engine: Engine = create_engine(uri, isolation_level="SERIALIZABLE", pool_size=1, max_overflow=0)
    database = Database(lambda: engine)
    with database.write(survives_power_cut=False):
        pass
    with engine.connect() as connection:
        values = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SETTINGS]
    assert values == ["serializable", "0", "on"]
    engine.dispose()
    postgres.give_back(uri)


SETTINGS = ("transaction_isolation", "lock_timeout", "synchronous_commit")
