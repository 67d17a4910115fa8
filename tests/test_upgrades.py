"""Upgrades: what an earlier version wrote, on SQLite and on PostgreSQL, is upgraded, and everything in it works.

The data in ``tests/data`` are those of real releases; its README says how they were made.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import DateTime, MetaData, Table, create_engine, insert, inspect, select, update
from sqlalchemy.engine import make_url

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.storage import PREFIX, VERSION_TABLE, schema, search_postgresql
from flask_kapa_handoff.storage.indexes import metadata
from tests.helpers.history import restore
from tests.helpers.offers import signed_offer
from tests.helpers.servers import MailServer
from tests.helpers.sites import is_made_by_us
from tests.helpers.tickets import send_ticket

DATA = Path(__file__).parent / "data"
SEARCH_INDEXES = (search_postgresql.TRIGRAMS, search_postgresql.WORDS, search_postgresql.CHARACTERS)
RELEASES = sorted(path.stem for path in DATA.glob("schema_*.json"))

OFFERS_BY_POSITION = {"schema_0002"}
"""Whose offers say what they say by position: they are decided again, as if they were too old."""

SHOWN = {"queued": "Waiting", "sending": "Waiting", "delivered": "Delivered", "failed": "Failed", "held": "Held"}


class Release:
    """What an old version wrote into one kind of database, and what it said of it."""

    def __init__(self, name: str, backend: str) -> None:
        self.name, self.backend = name, backend
        self.document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
        said = self.document[backend]
        self.written_at = datetime.fromisoformat(said["written_at"])
        self.tickets: list[dict[str, Any]] = said["export"]
        self.settings: list[dict[str, Any]] = said["settings"]
        self.health: dict[str, Any] = said["health"]

    def references(self, *names: str) -> set[str]:
        """Those of the tickets of these visitors."""
        return {one["reference"] for one in self.tickets if one["visitor_email"].partition("@")[0] in names}


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, backend: str) -> Release:
    return Release(request.param, backend)


@pytest.fixture
def database(release: Release, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a database as the old version left it."""
    if release.backend == "sqlite":
        path = tmp_path / "old.sqlite3"
        path.write_bytes((DATA / f"{release.name}.sqlite3").read_bytes())
        yield f"sqlite:///{path}"
        return
    postgres = request.getfixturevalue("postgres")
    uri = postgres.new_database(template="template0")
    address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute((DATA / f"{release.name}.sql").read_bytes())
    yield uri
    postgres.drop_database(uri)


@pytest.fixture
def old_site(
    release: Release, database: str, make_app: Callable[..., Flask], mail_server: MailServer
) -> Callable[..., Flask]:
    """Builds the site that goes on with the old data."""

    def build(*, age: timedelta | None = timedelta(0), upgraded: bool = True, **config: Any) -> Flask:
        """``age``: how long ago the old version wrote last; None leaves its times as they are."""
        if age is not None:
            make_older(database, age - (datetime.now(timezone.utc) - release.written_at))
        app = make_app(
            handoff=KapaHandoff(admin_required=lambda view: view),
            SECRET_KEY=release.document["secret_key"],
            KAPA_HANDOFF_DATABASE_URI=database,
            KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1_000,
            MAIL_SERVER="127.0.0.1",
            MAIL_PORT=mail_server.port,
            **config,
        )
        if upgraded and release.backend == "postgresql":  # the file upgrades at its first use
            run(app, "db", "upgrade")
        return app

    return build


def make_older(uri: str, by: timedelta) -> None:
    """Move every time in a database to the past: the tests run on another day than the old version did."""
    engine = create_engine(uri)
    tables = MetaData()
    with engine.begin() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            times = [column for column in table.columns if isinstance(column.type, DateTime)]
            key = list(table.primary_key)
            for row in connection.execute(select(table)).mappings().all() if times else ():
                moved = {time.name: row[time] - by for time in times if row[time] is not None}
                connection.execute(update(table).where(*(column == row[column] for column in key)).values(moved))
    engine.dispose()


def run(app: Flask, *words: str, exit_code: int = 0) -> str:
    """Run a command; returns what it prints."""
    result = app.test_cli_runner().invoke(args=["kapa-handoff", *words])
    assert result.exit_code == exit_code, (result.output, result.exception)
    return result.output


def exported(app: Flask, *words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(app, "export", *words).splitlines()]


def statuses(app: Flask) -> dict[str, str]:
    """The status of each ticket by its reference."""
    return {one["reference"]: one["status"] for one in exported(app)}


class Forms(HTMLParser):
    """The forms of a page; ``found`` has the fields of each one as a browser would send them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[dict[str, list[str]]] = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append({})
            self._open = True
        elif tag == "input" and self._open and given.get("name"):
            is_sent = given.get("type") not in ("checkbox", "radio") or "checked" in given
            self.found[-1].setdefault(str(given["name"]), []).extend([given.get("value") or ""] if is_sent else [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False


def settings_forms(client: FlaskClient) -> list[dict[str, list[str]]]:
    """The forms of the settings page that have settings; the first one has what holds now."""
    page = client.get("/handoff/admin/")
    assert page.status_code == 200
    return [form for form in Forms(page.text).found if {"version", "button_text"} <= form.keys()]


def asked(form: dict[str, list[str]]) -> dict[str, Any]:
    """What a form of the settings asks for."""
    return {
        "enabled": form["enabled"][-1] == "true",
        "email": form["email"][-1] or None,
        "button_text": form["button_text"][-1],
        "triggers": [name for value in form["triggers"] for name in value.split(",") if name],
        "threshold": int(form["threshold"][-1]),
    }


def press(client: FlaskClient, address: str) -> None:
    """Send a form of the admin that has a token alone."""
    token = settings_forms(client)[0]["csrf_token"]
    assert client.post(address, data={"csrf_token": token}).status_code == 303


# --- the tables ------------------------------------------------------------------------------------------------------


def test_the_upgrade_makes_the_tables_that_the_code_describes(
    old_site: Callable[..., Flask], release: Release, database: str
) -> None:
    """From those of the old version, with its rows in them: Alembic finds no difference, and nobody ends between."""
    app = old_site(upgraded=False)
    said = run(app, "db", "upgrade")
    if release.document["schema"] != schema.HEAD:
        assert release.document["schema"] in said
    engine = create_engine(database)
    options = {
        "compare_type": True,
        "version_table": VERSION_TABLE,
        # The search has the indexes that its server can have; the code describes none of them.
        "include_name": lambda name, kind, parents: (
            is_made_by_us(name) if kind == "table" else name not in SEARCH_INDEXES
        ),
    }
    with engine.connect() as connection:
        assert schema.version(engine) == schema.HEAD
        assert compare_metadata(MigrationContext.configure(connection, opts=options), metadata) == []
    assert set(filter(is_made_by_us, inspect(engine).get_table_names())) == {*metadata.tables, VERSION_TABLE}
    engine.dispose()


@pytest.mark.only("sqlite")
def test_the_file_upgrades_at_its_first_use(old_site: Callable[..., Flask], database: str) -> None:
    """By a visitor's request; nothing has to be run before."""
    assert old_site().test_client().get("/handoff/offer?pairs=1&uncertain=true").status_code == 200
    engine = create_engine(database)
    assert schema.version(engine) == schema.HEAD
    engine.dispose()


def test_a_process_of_the_old_version_goes_on_inserting(
    old_site: Callable[..., Flask], release: Release, database: str
) -> None:
    """While a deploy goes on: its tickets have only the columns that it knows, and are delivered like all others."""
    engine = create_engine(database)
    with engine.connect() as connection:
        known = MetaData()
        ticket = Table(f"{PREFIX}ticket", known, autoload_with=connection)
        transcript = Table(f"{PREFIX}transcript", known, autoload_with=connection)
        (reference,) = release.references("queued")
        row = connection.execute(select(ticket).where(ticket.c.reference == reference)).mappings().one()
        words = connection.execute(select(transcript).where(transcript.c.ticket_id == row["id"])).mappings().one()
    app = old_site()
    app.test_client().get("/handoff/offer?pairs=1")
    ids = {name: uuid.uuid4() for name in ("id", "submission_id")}
    new: dict[str, Any] = {name: one.hex if release.backend == "sqlite" else one for name, one in ids.items()}
    own = {**new, "reference": "T-222222"} | ({"offer_id": "another"} if "offer_id" in row else {})
    with engine.begin() as connection:
        connection.execute(insert(ticket).values({**row, **own}))
        connection.execute(insert(transcript).values({**words, "ticket_id": new["id"]}))
    engine.dispose()
    run(app, "deliver")
    assert statuses(app)["T-222222"] == "delivered"


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_settings_hold_as_they_were_saved(old_site: Callable[..., Flask], release: Release) -> None:
    """For visitors and on the admin's page."""
    client = old_site().test_client()
    last = release.settings[-1]
    offered = client.get(
        "/handoff/offer", query_string={"pairs": last["threshold"]}, headers={"Accept": "application/json"}
    )
    said = json.loads(offered.text)
    assert (said["button_text"], said["triggers"]) == (last["button_text"], ["conversation-length"])
    assert client.get("/handoff/offer?pairs=1").status_code == 204
    now = settings_forms(client)[0]
    assert asked(now).items() <= last.items()
    assert now["version"] == [str(last["version"])]


def test_every_version_of_the_settings_is_shown_and_can_be_restored(
    old_site: Callable[..., Flask], release: Release
) -> None:
    """With who made it, also where that person was erased; and once one is brought back it holds."""
    client = old_site().test_client()
    page = client.get("/handoff/admin/history").text
    for saved in release.settings:
        assert saved["changed_by"] in page
        assert saved["button_text"] in page
    for saved in release.settings[-2::-1]:
        wanted = {name: saved[name] for name in asked(settings_forms(client)[0])}
        if asked(settings_forms(client)[0]) == wanted:
            continue  # the page of two equal versions has no button
        assert restore(client, saved["version"]).status_code == 303
        assert asked(settings_forms(client)[0]) == wanted


# --- tickets ---------------------------------------------------------------------------------------------------------


def test_nothing_of_a_ticket_is_lost_or_changed(old_site: Callable[..., Flask], release: Release) -> None:
    """Every field, conversation and attempt that the old version exported is exported now."""
    now = {one["reference"]: one for one in exported(old_site(age=None))}
    assert list(now) == [one["reference"] for one in release.tickets]
    for before in release.tickets:
        after = now[before["reference"]]
        attempts = zip(before.pop("delivery_attempts"), after["delivery_attempts"], strict=True)
        assert all(old == {name: new[name] for name in old} for old, new in attempts)
        pairs = zip(before.pop("conversation"), after["conversation"], strict=True)
        assert all(old == {name: new[name] for name in old} for old, new in pairs)
        assert before == {name: after[name] for name in before}


def test_every_ticket_is_shown(old_site: Callable[..., Flask], release: Release) -> None:
    """In the list and on its own page: status, note, conversation, what it follows, and each attempt."""
    client = old_site().test_client()
    listed = client.get("/handoff/admin/tickets").text
    by_id = {one["id"]: one["reference"] for one in release.tickets}
    for ticket in release.tickets:
        assert ticket["reference"] in listed
        found = client.get(f"/handoff/admin/tickets/{ticket['reference']}")
        assert found.status_code == 200
        page = Text(found.text).text
        assert SHOWN[ticket["status"]] in page
        fields = ticket.get("fields", {}).values()
        for text in (ticket["note"], ticket["visitor_name"], ticket.get("flag"), ticket["page"], *fields):
            assert " ".join((text or "").split()) in page
        for pair in ticket["conversation"]:
            assert pair["question"] in page
            for source in pair["sources"]:
                assert source["title"] in page
        for attempt in ticket["delivery_attempts"]:
            assert attempt["recipient"] in page
            assert " ".join((attempt["detail"] or "").split()) in page
        assert by_id.get(ticket["follows"], "") in page


class Text(HTMLParser):
    """The text of a page without its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self._parts: list[str] = []
        self.feed(page)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_data(self, data: str) -> None:
        self._parts.append(data)


def test_the_delivery_goes_on(
    old_site: Callable[..., Flask], release: Release, database: str, mail_server: MailServer
) -> None:
    """What is due goes out; what failed, waits or is held does when an admin says so; what is being sent waits."""
    app = old_site()
    run(app, "deliver")
    due = release.references("queued", "cut", "unreachable")
    assert {reference for reference, status in statuses(app).items() if status == "delivered"} >= due
    client = app.test_client()
    for reference, status in statuses(app).items():
        if status in ("queued", "failed", "held"):
            press(client, f"/handoff/admin/tickets/{reference}/send-again")
    run(app, "deliver")
    sending = release.references("sending")
    assert {reference for reference, status in statuses(app).items() if status != "delivered"} == sending
    make_older(database, timedelta(hours=1))  # its lease runs out: the old version's process was killed
    run(app, "deliver")
    assert set(statuses(app).values()) == {"delivered"}
    undelivered = [one for one in release.tickets if one["status"] != "delivered"]
    mails = {mail.message["X-Kapa-Handoff-Ticket"]: mail for mail in mail_server.received}
    assert mails.keys() == {one["reference"] for one in undelivered}
    for one in undelivered:
        mail = mails[one["reference"]]
        assert mail.recipients == ["help@example.com"]
        assert one["visitor_email"] in mail.message["Reply-To"]
        assert one["note"] in mail.body("plain")
        typed = "\n".join(one.get("fields", {}).values())
        assert all(line in mail.body("plain") for line in typed.split("\n"))
        assert one["conversation"][-1]["question"] in mail.body("plain")
        (attached,) = mail.message.iter_attachments()
        pairs = json.loads(attached.get_content())["conversation"]
        assert [pair["answer"] for pair in pairs] == [pair["answer"] for pair in one["conversation"]]


def test_what_waited_for_months_goes_out(old_site: Callable[..., Flask], release: Release) -> None:
    """A site that comes back after a long time: nothing that waited is forgotten or stuck."""
    app = old_site(age=timedelta(days=200))
    run(app, "deliver")
    assert set(statuses(app).values()) <= {"delivered", "failed", "held"}
    delivered = {reference for reference, status in statuses(app).items() if status == "delivered"}
    assert delivered >= release.references(
        "queued", "delayed", "unreachable", "unknown", "cut-twice", "cut", "sending"
    )


def test_a_new_ticket_follows_an_old_one(
    old_site: Callable[..., Flask], release: Release, mail_server: MailServer
) -> None:
    """Of the same visitor and thread; the mail names the old one's, so a helpdesk puts them together."""
    app = old_site()
    client = app.test_client()
    offer = signed_offer(client, thread_id="t-1", pairs=1, uncertain="true")
    reference = send_ticket(client, offer=offer, email="thread@example.com")
    after = {one["reference"]: one for one in exported(app)}
    latest = max((one for one in release.tickets if one["thread_id"] == "t-1"), key=lambda one: one["created_at"])
    assert after[reference]["follows"] == latest["id"]
    run(app, "deliver")
    (mail,) = [mail for mail in mail_server.received if mail.message["X-Kapa-Handoff-Ticket"] == reference]
    assert latest["id"].replace("-", "") in mail.message["In-Reply-To"].replace("-", "")


def test_health_and_check_up_count_the_old_tickets(old_site: Callable[..., Flask], release: Release) -> None:
    """As the old version did; and what was refused, where it counted that."""
    app = old_site()
    client = app.test_client()
    found = json.loads(client.get("/handoff/admin/health").text)
    for name, nothing in (("queued", 0), ("failed", 0), ("held", 0), ("refused_by_reason", {})):
        assert found[name] == release.health.get(name, nothing)
    told = run(app, "doctor")
    assert "retry --failed" in told
    assert ("retry --held" in told) is bool(release.references("held"))
    assert client.get("/handoff/admin/doctor").status_code == 200


def test_a_person_of_the_old_data_is_erased(old_site: Callable[..., Flask], release: Release) -> None:
    """With every ticket; those of others stay."""
    app = old_site()
    assert {one["reference"] for one in exported(app, "--email", "THREAD@example.com")} == release.references("thread")
    run(app, "erase", "thread@example.com", "--yes")
    assert statuses(app).keys() == {one["reference"] for one in release.tickets} - release.references("thread")
    assert exported(app, "--email", "thread@example.com") == []


def test_old_data_are_purged(old_site: Callable[..., Flask], release: Release) -> None:
    """What was delivered or failed long ago; what waits stays."""
    app = old_site(age=timedelta(days=3), KAPA_HANDOFF_RETENTION_DAYS=2)
    run(app, "purge")
    ended = {one["reference"] for one in release.tickets if one["status"] in ("delivered", "failed")}
    assert statuses(app).keys() == {one["reference"] for one in release.tickets} - ended


# --- offers ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, release: Release) -> Callable[[timedelta], None]:
    """Sets the clock to so much time after the old version signed its offers."""
    return lambda after: monkeypatch.setattr(time, "time", lambda: (release.written_at + after).timestamp())


def fields_of(offered: dict[str, Any], **fields: str) -> dict[str, str]:
    """A form that a visitor has filled in."""
    return {
        "offer": offered["offer"],
        "submission_id": str(uuid.uuid4()),
        "email": "visitor@example.com",
        "note": "Typed before the upgrade.",
        "conversation": json.dumps(offered["conversation"]),
        "website": "",
        **fields,
    }


@pytest.mark.parametrize("release", [name for name in RELEASES if name not in OFFERS_BY_POSITION], indirect=True)
def test_forms_that_are_open_during_the_upgrade_can_be_sent(
    old_site: Callable[..., Flask], release: Release, at: Callable[[timedelta], None]
) -> None:
    """And buttons that are on a page open the form."""
    client = old_site().test_client()
    at(timedelta(hours=1))
    for number, offered in enumerate(release.document["offers"]):
        form = client.get("/handoff/form", query_string={"offer": offered["offer"]})
        assert form.status_code == 200, offered["name"]
        sent = client.post("/handoff/tickets", data=fields_of(offered, email=f"visitor{number}@example.com"))
        assert sent.status_code == 201, (offered["name"], sent.text)


def test_offers_that_are_too_old_are_decided_again(
    old_site: Callable[..., Flask], release: Release, at: Callable[[timedelta], None]
) -> None:
    """The form comes back with what was typed and a fresh offer, if the answer still qualifies."""
    app = old_site()
    client = app.test_client()
    at(timedelta(hours=1 if release.name in OFFERS_BY_POSITION else 25))
    for number, offered in enumerate(release.document["offers"]):
        opened = client.get("/handoff/form", query_string={"offer": offered["offer"]})
        fields = fields_of(offered, email=f"visitor{number}@example.com")
        refused = client.post("/handoff/tickets", data=fields)
        assert (opened.status_code, refused.status_code) == (409, 409), offered["name"]
        assert fields["note"] in refused.text
        told = client.post("/handoff/tickets", json=fields)
        assert (told.status_code, json.loads(told.text)["error"]["code"]) == (409, "offer_expired")
        if not offered["qualifies"]:
            continue
        for page in (opened, refused):
            (fresh,) = re.findall(r'name="offer" value="([^"]+)"', page.text)
            again = fields_of(offered, offer=fresh, email=f"visitor{number}@example.com")
            sent = client.post("/handoff/tickets", data=again)
            assert sent.status_code == 201, (offered["name"], sent.text)
