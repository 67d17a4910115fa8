"""The database fails during a submit: the text is kept, and the same form opens one ticket later."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.faults.cutting_proxy import CuttingProxy
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.postgres import Postgres, restart, stop
from tests.helpers.tickets import ticket_fields

NOTE = "It does not work on Tuesdays."
MOST = 60
PATIENT = {"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1_000, "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1_000}


@pytest.fixture(params=["page", "json"])
def shape(request: pytest.FixtureRequest) -> str:
    """The requested kind of response."""
    return str(request.param)


def post(client: FlaskClient, shape: str, fields: dict[str, Any]) -> TestResponse:
    return client.post("/handoff/tickets", data=fields, headers=JSON if shape == "json" else {})


def form_of_refusal(answer: TestResponse, shape: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Holds a 503 against the contract; returns the form to send again, as the visitor has it."""
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    if shape == "json":
        assert json_of(answer)["error"]["code"] == "unavailable"
        return fields
    page = Page(answer.text)
    assert page.fields["note"] == NOTE
    assert page.fields["submission_id"] == fields["submission_id"]
    return {**page.fields, "conversation": fields["conversation"]}


def stored(app: Flask) -> list[str]:
    """The references of all tickets."""
    with state_of(app).database.read() as connection:
        return [ticket.reference for ticket in latest_tickets(connection, limit=1_000)]


def engine_of(app: Flask) -> Engine:
    database = state_of(app).database
    with database.read():
        return database.engine


class Fault:
    """Something that happens before the n-th statement of a submit; its commit counts as one."""

    def __init__(self, engine: Engine, number: int, happen: Callable[[Connection], None]) -> None:
        self._engine = engine
        self._left = number
        self._happen = happen
        self._thread = threading.get_ident()
        self.happened = False

    @contextmanager
    def armed(self) -> Iterator[Fault]:
        """Arm the fault, which happens once."""
        event.listen(self._engine, "before_cursor_execute", self._statement)
        event.listen(self._engine, "commit", self._count)
        try:
            yield self
        finally:
            event.remove(self._engine, "before_cursor_execute", self._statement)
            event.remove(self._engine, "commit", self._count)

    def _statement(self, connection: Connection, *details: Any) -> None:
        self._count(connection)

    def _count(self, connection: Connection) -> None:
        if threading.get_ident() != self._thread:
            return  # such as the one that stores the number of refusals
        self._left -= 1
        if self._left == 0:
            self.happened = True
            self._happen(connection)


@pytest.fixture
def lose(backend: str, request: pytest.FixtureRequest) -> Callable[[Connection], None]:
    """Makes a connection useless, as a real failure does."""

    def close_file(connection: Connection) -> None:
        connection.connection.dbapi_connection.close()  # type: ignore[union-attr]

    def terminate(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        server: Postgres = request.getfixturevalue("postgres")
        server.execute(f"SELECT pg_terminate_backend({driver.info.backend_pid}, 10000)")

    return close_file if backend == "sqlite" else terminate


def know_the_desks_address(app: Flask) -> None:
    """Fill the process's cache of settings: a submit reads them on their own, and can do without."""
    state = state_of(app)
    state.settings_cache.clear()
    assert state.settings_cache.get(state.database, state.config)


def test_a_connection_lost_at_any_statement_costs_a_second_attempt_but_no_text(
    make_app: Callable[..., Flask], shape: str, lose: Callable[[Connection], None]
) -> None:
    """503 with the text, nothing stored; the same form then opens one ticket, however often it is sent."""
    app = make_app(**PATIENT)
    engine, client = engine_of(app), app.test_client()
    for number in range(1, MOST):
        before, fields = stored(app), ticket_fields(client)
        know_the_desks_address(app)
        with Fault(engine, number, lose).armed() as fault:
            answer = post(client, shape, fields)
        if not fault.happened:
            assert answer.status_code == 201
            break
        again = form_of_refusal(answer, shape, fields)
        assert stored(app) == before
        assert [post(client, shape, again).status_code for _ in range(2)] == [201, 200]
        assert len(stored(app)) == len(before) + 1
    assert fault.happened is False, "a submit has an end"
    assert number > 5


@pytest.mark.only("sqlite")
def test_a_file_that_is_away_from_some_statement_on_holds_the_ticket_once(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """Its folder is moved at the first statement, the second, ...; back again, the same form opens no other ticket."""
    app = make_app(**PATIENT)
    engine, client = engine_of(app), app.test_client()
    folder, elsewhere = Path(app.instance_path), tmp_path / "elsewhere"

    def move_away(connection: Connection) -> None:
        folder.rename(elsewhere)

    for number in range(1, MOST):
        before, fields = stored(app), ticket_fields(client)
        know_the_desks_address(app)
        with Fault(engine, number, move_away).armed() as fault:
            answer = post(client, "json", fields)
        if not fault.happened:
            break
        if folder.exists():  # it was created again meanwhile
            folder.rename(tmp_path / f"stray-{number}")
        elsewhere.rename(folder)
        answers = [post(client, "json", fields) for _ in range(3)]
        assert {again.status_code for again in answers} <= {200, 201, 503}
        assert answers[-1].status_code == 200
        (reference,) = set(stored(app)) - set(before)
        assert json_of(answers[-1])["reference"] == reference
        if answer.status_code == 201:
            assert json_of(answer)["reference"] == reference
        else:
            assert answer.status_code == 503
    assert not fault.happened, "a submit has an end"
    assert number > 5


@pytest.mark.only("postgresql")
def test_a_server_that_was_stopped_is_used_again(app: Flask, shape: str, postgres: Postgres) -> None:
    """While it is stopped, every attempt gets 503; started again, the form goes through at the next one, once."""
    client = app.test_client()
    fields = ticket_fields(client)
    server: Any = postgres.server
    stop(server)
    try:
        for _ in range(2):
            again = form_of_refusal(post(client, shape, fields), shape, fields)
    finally:
        server.ensure_postgres_running()
    answers = [post(client, shape, again) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert len(stored(app)) == 1


@pytest.mark.only("postgresql")
def test_a_server_that_restarted_between_two_submits_is_not_noticed(
    app: Flask, shape: str, postgres: Postgres
) -> None:
    """The connections that were kept open are gone: they are replaced, and no visitor has to try again."""
    client = app.test_client()
    fields = [ticket_fields(client) for _ in range(2)]
    assert post(client, shape, fields[0]).status_code == 201
    restart(postgres.server)
    assert post(client, shape, fields[1]).status_code == 201
    assert len(stored(app)) == 2


@pytest.mark.only("postgresql")
def test_a_server_that_restarts_in_the_middle_costs_a_second_attempt(
    make_app: Callable[..., Flask], shape: str, postgres: Postgres
) -> None:
    """Between the first statement and the commit: nothing is stored, and the same form goes through, once."""
    app = make_app(**PATIENT)
    engine, client = engine_of(app), app.test_client()
    fields = ticket_fields(client)
    with Fault(engine, 6, lambda connection: restart(postgres.server)).armed() as fault:
        answer = post(client, shape, fields)
    assert fault.happened
    again = form_of_refusal(answer, shape, fields)
    assert [post(client, shape, again).status_code for _ in range(2)] == [201, 200]
    assert len(stored(app)) == 1


@pytest.mark.only("postgresql")
@pytest.mark.parametrize("arrives", [True, False], ids=["reply lost", "commit lost"])
def test_a_commit_with_an_unknown_outcome_opens_one_ticket(
    make_app: Callable[..., Flask],
    database_of_app: Callable[[str], dict[str, str]],
    shape: str,
    arrives: bool,
) -> None:
    """The connection is cut around the commit: 503, as the outcome is unknown. The same form gets one reference."""
    uri = make_url(database_of_app("site")["KAPA_HANDOFF_DATABASE_URI"])
    with CuttingProxy(f"{uri.query['host']}/.s.PGSQL.5432") as proxy:
        through = uri.difference_update_query(["host"]).set(host="127.0.0.1", port=proxy.port)
        app = make_app(KAPA_HANDOFF_DATABASE_URI=through.render_as_string(hide_password=False))
        client = app.test_client()
        fields = ticket_fields(client)
        proxy.cut_next_commit(arrives=arrives)
        again = form_of_refusal(post(client, shape, fields), shape, fields)
        assert proxy.has_cut
        kept = stored(app)
        assert len(kept) == arrives
        answers = [post(client, shape, again) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200 if arrives else 201, 200]
        (reference,) = stored(app)
        for answer in answers:
            assert reference in answer.text
        assert kept in ([], [reference])
        state_of(app).database.close()
