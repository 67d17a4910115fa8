"""In other people's applications: their databases, and every way to set up Flask-Mail."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask, render_template_string
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import inspect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.pages import JSON, PLAIN
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, ticket_fields, whole_way

# --- databases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_sites_flask_sqlalchemy_engine_is_used(make_app: Callable[..., Flask], tmp_path: Path, order: str) -> None:
    """Our tables are in the site's database once it is upgraded, and its own session is not disturbed."""
    app = make_app(mount=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3")
    database = SQLAlchemy()

    class Article(database.Model):  # type: ignore[name-defined,misc]
        id = database.Column(database.Integer, primary_key=True)
        title = database.Column(database.Text)

    if order == "before":
        database.init_app(app)
    KapaHandoff(app)
    if order == "after":
        database.init_app(app)

    @app.get("/page")
    def page() -> str:
        database.session.add(Article(title="not committed"))
        database.session.flush()
        with database.session.no_autoflush:
            found = database.session.query(Article).count()
        return render_template_string("{{ n }}", n=found)

    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 503
    state_of(app).database.upgrade()
    with app.app_context():
        database.create_all()
        names = inspect(database.engine).get_table_names()
        assert "article" in names
        assert "kapa_handoff_ticket" in names
        assert "kapa_handoff_ticket" not in database.metadata.tables
    whole_way(client)
    assert client.get("/page").text == "1"
    assert client.get("/page").text == "1"
    assert not (Path(app.instance_path) / "kapa_handoff.sqlite3").exists()
    connection = sqlite3.connect(tmp_path / "site.sqlite3")
    assert connection.execute("SELECT count(*) FROM kapa_handoff_ticket").fetchone() == (1,)
    connection.close()
    with app.app_context():
        database.engine.dispose()


def test_our_own_uri_comes_before_the_sites_flask_sqlalchemy(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """KAPA_HANDOFF_DATABASE_URI decides."""
    app = make_app(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3",
        KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/ours.sqlite3",
    )
    SQLAlchemy(app)
    whole_way(app.test_client())
    assert (tmp_path / "ours.sqlite3").exists()
    assert not (tmp_path / "site.sqlite3").exists()


@pytest.mark.only("sqlite")
def test_a_flask_sqlalchemy_with_binds_alone_has_no_engine_for_us(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """It has no default engine: the package's own file is used."""
    app = make_app(SQLALCHEMY_BINDS={"other": f"sqlite:///{tmp_path}/other.sqlite3"})
    SQLAlchemy(app)
    whole_way(app.test_client())
    assert (Path(app.instance_path) / "kapa_handoff.sqlite3").exists()


def test_the_sites_open_transaction_does_not_delay_a_page_with_a_button(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """A view that has written, but not committed, renders the button at once."""
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3")
    database = SQLAlchemy(app)
    state_of(app).database.upgrade()

    @app.get("/page")
    def page() -> str:
        database.session.execute(database.text("CREATE TABLE IF NOT EXISTS visit (n INTEGER)"))
        database.session.execute(database.text("INSERT INTO visit VALUES (1)"))
        return render_template_string("{{ kapa_handoff_button(c) }}", c=PLAIN)

    assert "data-kapa-handoff-open" in app.test_client().get("/page").text
    with app.app_context():
        database.engine.dispose()


# --- mail ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mail", ["before", "after", "never", "given", "given and later set up"])
def test_a_mail_arrives_however_the_site_sets_flask_mail_up(
    make_app: Callable[..., Flask], mail_server: MailServer, mail: str
) -> None:
    """Before this package, after it, not at all, or handed over."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="inline", MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    if mail == "before":
        Mail(app)
    given = Mail(app) if mail == "given" else Mail() if mail == "given and later set up" else None
    KapaHandoff(app, mail=given)
    if mail == "after":
        Mail(app)
    if mail == "given and later set up":
        assert given is not None
        given.init_app(app)
    reference = send_ticket(app.test_client())
    (received,) = mail_server.wait_for(1)
    assert received.recipients == ["support@example.com"]
    assert reference in received.message["Subject"]
    assert received.message["Reply-To"] == "visitor@example.com"
    assert "It does not work on Tuesdays." in received.body("plain")


def test_a_mail_server_that_is_down_costs_the_visitor_nothing(make_app: Callable[..., Flask]) -> None:
    """Even inline: 201, and the ticket waits for its next attempt."""
    app = make_app(KAPA_HANDOFF_DELIVERY="inline", MAIL_SERVER="127.0.0.1", MAIL_PORT=9)
    answer = app.test_client().post("/handoff/tickets", data=ticket_fields(app.test_client()), headers=JSON)
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    assert (str(ticket.status), ticket.attempts) == ("queued", 1)
    assert answer.json == {"reference": ticket.reference, "status": "queued"}


def test_a_site_without_any_mail_configuration_loses_no_ticket(make_app: Callable[..., Flask]) -> None:
    """Neither MAIL_SERVER nor a sender: it is stored, and waits."""
    app = make_app(KAPA_HANDOFF_DELIVERY="inline", MAIL_DEFAULT_SENDER=None)
    send_ticket(app.test_client())
    assert str(tickets(app)[0].status) == "queued"
