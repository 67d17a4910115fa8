"""What happens when the disk is full. Run by test_disk_full.py, in a process with its own small disk."""

from __future__ import annotations

import json
import logging
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from flask_kapa_handoff.delivery.engines.threads import DeliveryThreads
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tables import transcript
from flask_kapa_handoff.storage.tickets import Status
from tests.faults.small_disk import SmallDisk, small_disk
from tests.helpers.couriers import courier_of
from tests.helpers.pages import JSON, Page, json_of
from tests.helpers.postgres import Postgres
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.tickets import send_ticket, ticket_fields

NOTE = " ".join(uuid.uuid4().hex for _ in range(120))
ROOM = 1_000_000
MANY = 10_000
PAGE = 4096


@pytest.fixture
def disk() -> Iterator[SmallDisk]:
    with small_disk() as found:
        yield found


@pytest.fixture
def uri(backend: str, disk: SmallDisk, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URI of an empty database on the small disk."""
    if backend == "sqlite":
        yield f"sqlite:///{disk.folder / 'k.sqlite3'}"
    elif not disk.is_mounted:
        pytest.skip("the limit on file sizes is this process's, not the server's")
    else:
        yield from _on_a_small_tablespace(request.getfixturevalue("postgres"), disk.folder / "tablespace")


def _on_a_small_tablespace(postgres: Postgres, folder: Path) -> Iterator[str]:
    server: Any = postgres.server
    folder.mkdir()
    if server.system_user is not None:
        shutil.chown(folder, server.system_user)
    postgres.execute(f"CREATE TABLESPACE small LOCATION '{folder}'")
    uri = postgres.new_database()
    postgres.execute(f"ALTER DATABASE {make_url(uri).database} SET TABLESPACE small")
    yield uri
    postgres.drop_database(uri)
    postgres.execute("DROP TABLESPACE small")
    folder.rmdir()


@pytest.fixture
def build(make_app: Callable[..., Flask], uri: str) -> Callable[..., Flask]:
    """Builds the site, with its database on the small disk."""
    limits = ("CLIENT", "EMAIL")
    config: dict[str, Any] = {f"KAPA_HANDOFF_TICKETS_PER_{limit}_PER_HOUR": MANY for limit in limits}

    def build(**more: Any) -> Flask:
        return make_app(KAPA_HANDOFF_DATABASE_URI=uri, **config, **more)

    return build


def references(app: Flask) -> set[str]:
    """The references of all tickets, each of which must be complete."""
    database = state_of(app).database
    with database.read() as connection:
        found = set(connection.execute(select(ticket_table.c.reference)).scalars())
        whole = select(func.count()).select_from(ticket_table.join(transcript))
        assert connection.execute(whole).scalar_one() == len(found)
        assert connection.execute(select(func.count()).select_from(transcript)).scalar_one() == len(found)
    if database.engine.dialect.name == "sqlite":
        file = database.engine.url.database
        assert file is not None
        other = sqlite3.connect(file)
        assert other.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        other.close()
    return found


def test_a_full_disk_causes_503_and_loses_no_text(build: Callable[..., Flask], disk: SmallDisk) -> None:
    """Nothing is half-written, what was acknowledged stays, and with room again the same form goes through once."""
    app = build()
    client = app.test_client()
    acknowledged = {send_ticket(client)}
    disk.fill(leave=ROOM)
    for _ in range(500):
        fields = ticket_fields(client, note=NOTE)
        answer = client.post("/handoff/tickets", data=fields, headers=JSON)
        if answer.status_code != 201:
            break
        acknowledged.add(json_of(answer)["reference"])
    assert len(acknowledged) > 5, "there was room for some"
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    disk.fill()
    refused = 0
    while refused < 3:
        answer = client.post("/handoff/tickets", data=fields)
        if answer.status_code == 201:  # it needed a little less than the one before
            (reference,) = references(app) - acknowledged
            acknowledged.add(reference)
            fields = ticket_fields(client, note=NOTE)
            continue
        refused += 1
        assert answer.status_code == 503
        page = Page(answer.text)
        assert page.fields["note"].strip() == NOTE.strip()
        assert page.fields["submission_id"] == fields["submission_id"]
    assert references(app) == acknowledged
    disk.free()
    answers = [client.post("/handoff/tickets", data=fields, headers=JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert references(app) == acknowledged | {json_of(answers[0])["reference"]}


def test_wherever_the_room_ends_a_ticket_is_stored_whole_or_not_at_all(
    build: Callable[..., Flask], disk: SmallDisk
) -> None:
    """With room for one page, two, three, ... of what a ticket needs."""
    app = build()
    client = app.test_client()
    # PostgreSQL compresses what repeats itself.
    long = json.dumps([{"question": "How?", "answer": " ".join(uuid.uuid4().hex for _ in range(750))}])
    acknowledged, refused = {send_ticket(client)}, 0
    for pages in range(40):
        disk.fill(leave=pages * PAGE)
        answer = client.post("/handoff/tickets", data=ticket_fields(client, conversation=long), headers=JSON)
        if answer.status_code == 201:
            acknowledged.add(json_of(answer)["reference"])
        else:
            refused += 1
            assert answer.status_code == 503
        assert references(app) == acknowledged
    assert refused > 5
    assert len(acknowledged) > 5


@pytest.mark.only("sqlite")
def test_a_mail_that_went_out_while_the_disk_filled_up_is_not_sent_again(
    build: Callable[..., Flask], disk: SmallDisk
) -> None:
    """Its end cannot be recorded then; the courier keeps it in mind, and does so before anything else."""

    def fill() -> str:
        disk.fill()
        return "250 taken"

    with ScriptedServer({"END": [fill]}) as server:
        app = build(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port)
        sent = [send_ticket(app.test_client()) for _ in range(2)]
        courier = courier_of(app)
        for _ in range(3):
            with pytest.raises(Unavailable):
                courier.deliver_next()
        assert len(server.mails) == 1
        disk.free()
        while courier.deliver_next() is not None:
            pass
        courier.close()
        assert len(server.mails) == len(sent)
    assert set(statuses(app)) == {Status.DELIVERED}


@pytest.mark.only("sqlite")
def test_threads_wait_for_room_without_a_busy_loop(
    build: Callable[..., Flask], disk: SmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    """A claim needs room, too. When there is some again, everything goes out once."""
    with ScriptedServer() as server:
        app = build(MAIL_SERVER="127.0.0.1", MAIL_PORT=server.port)
        sent = [send_ticket(app.test_client()) for _ in range(5)]
        disk.fill()
        threads = DeliveryThreads(state_of(app))
        noticed = _Noticed()
        logging.getLogger("flask_kapa_handoff.storage.engine").addHandler(noticed)
        try:
            threads.start(beside_visitors=False)
            assert noticed.first.wait(30)
            noticed.enough.wait(2)  # nothing is to come, however long one waits
            assert noticed.count <= 2
            disk.free()
            threads.wake()
            threads.wake()
            server.wait_for(lambda: len(server.mails) == len(sent), 40)
        finally:
            logging.getLogger("flask_kapa_handoff.storage.engine").removeHandler(noticed)
            threads.stop(30)
        assert len(server.mails) == len(sent)
    assert set(statuses(app)) == {Status.DELIVERED}


def statuses(app: Flask) -> list[Status]:
    """The statuses of all tickets."""
    with state_of(app).database.read() as connection:
        return [Status(found) for found in connection.execute(select(ticket_table.c.status)).scalars()]


class _Noticed(logging.Handler):
    """Counts log records."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.first = threading.Event()
        self.enough = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1
        self.first.set()
        if self.count > 2:
            self.enough.set()
