"""Proof that mails arrive: the test mail's link, its page, and what the admin's pages say about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select, update

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.sample import send_sample
from flask_kapa_handoff.hooks import Visitor
from flask_kapa_handoff.mail_links import LinkKind
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.arrivals import delete_outdated_arrivals
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.removal import erase_from_history
from flask_kapa_handoff.storage.tables import arrival
from tests.helpers.admin import fields, let_pass, shown
from tests.helpers.arrivals import ADDRESS, key_of, link_in, mailing_app, press, with_desk
from tests.helpers.servers import MailServer

MakeApp = Callable[..., Flask]


@pytest.fixture
def site(admin_app: MakeApp, mail_server: MailServer) -> Flask:
    return mailing_app(admin_app, mail_server)


def send_test_mail(client: FlaskClient, server: MailServer, count: int = 1) -> str:
    """Send a test mail, and return the token of its link."""
    answer = client.post(
        "/handoff/admin/test-mail", data={"csrf_token": fields(client)["csrf_token"], "desk": "default"}
    )
    assert 'data-outcome="accepted"' in answer.text
    return key_of(link_in(server.wait_for(count)[-1], "arrived"))


def of_settings(client: FlaskClient) -> str:
    return shown(client.get("/handoff/admin/"))


def test_a_test_mail_is_confirmed(site: Flask, mail_server: MailServer) -> None:
    """The link leads to a page with a button. Opening it, as mail scanners do, changes nothing."""
    client = site.test_client()
    assert "Nobody has confirmed yet that mails arrive at support@example.com." in of_settings(client)
    doctor = client.get("/handoff/admin/doctor")
    assert "Nobody has confirmed yet that mails arrive at support@example.com." in shown(doctor)
    assert "Do mails arrive?" in doctor.text
    assert 'data-level="note"' in doctor.text
    assert '<a href="#kapa-handoff-admin-arrive-title">Send a test mail below, and press the button in it.</a>' in (
        doctor.text
    )
    assert 'hx-target="#kapa-handoff-admin-arrive-1"' in doctor.text
    assert '<div id="kapa-handoff-admin-arrive-1" role="status"></div>' in doctor.text
    assert 'action="/handoff/admin/test-mail#kapa-handoff-admin-test-mail-title"' in doctor.text
    key = send_test_mail(client, mail_server)
    reader = site.test_client()
    address = f"/handoff/arrived?key={key}"
    for _ in range(2):
        assert reader.head(address).status_code == 200
        page = reader.get(address, headers={"Sec-Purpose": "prefetch"})
    assert "Nobody has confirmed yet" in of_settings(client)
    assert "support@" not in page.text
    for said in (page, press(reader, page), press(reader, page)):
        assert said.status_code == 200
        assert said.headers["Cache-Control"] == "no-store"
        assert said.headers["Referrer-Policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in said.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in said.headers
    assert "Thanks!" in reader.get(address).text
    assert re.search(r"Last confirmed arrival: just now, at support@example\.com\.", of_settings(client))
    doctor = client.get("/handoff/admin/doctor")
    assert "just now, at support@example.com." in shown(doctor)
    assert "Do mails arrive?" not in doctor.text


def test_an_address_that_changed_is_not_confirmed_yet(site: Flask, mail_server: MailServer) -> None:
    client = site.test_client()
    key = send_test_mail(client, mail_server)
    press(client, client.get(f"/handoff/arrived?key={key}"))
    with state_of(site).database.write() as connection:
        connection.execute(update(arrival).values(confirmed_at=now(connection) - timedelta(days=3)))
    assert "Last confirmed arrival: 3 days ago, at support@example.com." in of_settings(client)
    assert "Not confirmed yet" not in of_settings(client)
    with_desk(site, email="new@example.com, Support@example.com")
    assert "Not confirmed yet: new@example.com." in of_settings(client)
    assert "Not confirmed yet: new@example.com." in shown(client.get("/handoff/admin/doctor"))


@pytest.mark.only("sqlite")
def test_a_link_that_does_not_work_says_nothing(site: Flask, mail_server: MailServer) -> None:
    """Forged, of another kind, and of a test mail that is stored no more: all the same."""
    client = site.test_client()
    key = send_test_mail(client, mail_server)
    state = state_of(site)
    with state.database.write() as connection:
        found = connection.execute(select(arrival)).one()
        connection.execute(arrival.delete())
    other_kind = state.link_signer().sign(LinkKind.TAKE, found.id)
    told = set()
    for wrong in (key, key[:-3], other_kind, "", "\x00", "é"):
        for answer in (
            client.get("/handoff/arrived", query_string={"key": wrong}),
            client.post("/handoff/arrived", data={"key": wrong}),
        ):
            assert answer.status_code == 403
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Cache-Control"] == "no-store"
            told.add(shown(answer))
    assert len(told) == 1
    assert client.post("/handoff/arrived").status_code == 403


@pytest.mark.only("sqlite")
def test_old_test_mails_are_deleted(site: Flask, mail_server: MailServer) -> None:
    """After 30 days, only the latest confirmed one of an address is left."""
    client, database = site.test_client(), state_of(site).database
    for number in range(1, 4):
        key = send_test_mail(client, mail_server, number)
        if number < 3:
            press(client, client.get(f"/handoff/arrived?key={key}"))
    assert delete_outdated_arrivals(database, 30) == 0
    with database.write() as connection:
        connection.execute(update(arrival).values(sent_at=now(connection) - timedelta(days=31)))
    assert delete_outdated_arrivals(database, 30) == 2
    assert "Last confirmed arrival" in of_settings(client)


@pytest.mark.only("sqlite")
def test_who_confirms(make_app: MakeApp, mail_server: MailServer) -> None:
    """A person who is signed in on the site is named, if the browser says that our own page sent the form."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.visitor_loader(lambda: Visitor("anna@example.com", "Anna"))
    site = mailing_app(make_app, mail_server, handoff=handoff)
    client = site.test_client()
    for number, relation in enumerate(("cross-site", "same-origin"), 1):
        key = send_test_mail(client, mail_server, number)
        client.post("/handoff/arrived", data={"key": key}, headers={"Sec-Fetch-Site": relation})
        assert ("by anna@example.com." in of_settings(client)) is (relation == "same-origin")
    erase_from_history(state_of(site).database, "Anna@example.com", keep_as_destination=False)
    assert "anna@" not in of_settings(client)
    erase_from_history(state_of(site).database, "support@example.com", keep_as_destination=True)
    assert "Last confirmed arrival" in of_settings(client)
    erase_from_history(state_of(site).database, "support@example.com", keep_as_destination=False)
    assert "Last confirmed arrival" not in of_settings(client)


@pytest.mark.only("sqlite")
def test_the_link_names_the_host_that_the_admin_uses(admin_app: MakeApp, mail_server: MailServer) -> None:
    """Where the site's own address is not configured. A command does not know it, so its mail has no link."""
    site = mailing_app(admin_app, mail_server, KAPA_HANDOFF_TRUSTED_HOSTS=())
    result = site.test_cli_runner().invoke(args=["kapa-handoff", "test-mail", "agent@example.com"])
    assert "confirm" not in result.output
    assert link_in(mail_server.wait_for(1)[0], "arrived") is None
    with state_of(site).database.read() as connection:
        assert connection.execute(select(func.count()).select_from(arrival)).scalar_one() == 0
    send_test_mail(site.test_client(), mail_server, 2)
    link = link_in(mail_server.received[-1], "arrived")
    assert link is not None
    assert link.startswith("http://localhost/handoff/arrived?key=")


@pytest.mark.only("sqlite")
def test_the_command_sends_a_link_as_well(site: Flask, mail_server: MailServer) -> None:
    """To an address of one's own, it confirms nothing about the desk's."""
    result = site.test_cli_runner().invoke(args=["kapa-handoff", "test-mail", "agent@example.com"])
    assert "To confirm that it arrived" in result.output
    link = link_in(mail_server.wait_for(1)[0], "arrived")
    assert link is not None
    assert link.startswith(f"http://{ADDRESS}/handoff/arrived?key=")
    client = site.test_client()
    press(client, client.get(f"/handoff/arrived?key={key_of(link)}"))
    assert "at agent@example.com. Not confirmed yet: support@example.com." in of_settings(client)
    result = site.test_cli_runner().invoke(args=["kapa-handoff", "doctor"])
    assert "at agent@example.com. Not confirmed yet: support@example.com." in result.output


@pytest.mark.only("sqlite")
def test_a_test_mail_of_another_channel_is_not_confirmed(make_app: MakeApp) -> None:
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.channel("parrot", "The Parrot")(lambda ticket, conversation: None)
    site = make_app(handoff=handoff, KAPA_HANDOFF_CHANNEL="parrot", KAPA_HANDOFF_TRUSTED_HOSTS=[ADDRESS])
    assert not send_sample(state_of(site), "agent@example.com").has_link
    assert "confirmed" not in of_settings(site.test_client())


def test_a_person_is_erased_from_test_mails_to_several(site: Flask) -> None:
    """The others' confirmations stay."""
    database = state_of(site).database
    with database.write() as connection:
        moment = now(connection)
        for recipient in ("a@example.com, Gone@example.com", "gone@example.com", "a.gone@example.com"):
            values = {"id": uuid4(), "desk": "default", "recipient": recipient, "sent_at": moment}
            connection.execute(insert(arrival).values(**values))
    erase_from_history(database, "gone@example.com", keep_as_destination=False)
    with database.read() as connection:
        left = set(connection.execute(select(arrival.c.recipient)).scalars())
    assert left == {"a@example.com", "a.gone@example.com"}
