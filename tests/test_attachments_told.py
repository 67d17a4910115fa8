"""A ticket's files: in the mail, or not if they make it too large; in the admin, the export, a channel."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from flask_kapa_handoff import Conversation, KapaHandoff, Ticket, testing
from flask_kapa_handoff.delivery.mail.bodies import Files
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.attachments import Attachment
from flask_kapa_handoff.storage.tables import attachment as table
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.template_environment import make_environment
from tests.helpers.admin import let_pass, with_password
from tests.helpers.commands import invoke
from tests.helpers.couriers import deliver, ticket_and_attempts
from tests.helpers.files import WITH_FILES, ids_of, png, upload
from tests.helpers.mails import LETTERHEAD, a_ticket, assert_unbroken, read
from tests.helpers.offers import signed_offer
from tests.helpers.pages import json_of
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.sites import file_of
from tests.helpers.tickets import EMAIL, post, ticket_fields

SHOT, LOG = ("Überblick – März.png", png()), ("server.log", b"CANARY of a file\r\nGET / 500\n.\n")
NAMES = ["Überblick – März.png", "server.log"]
TOO_LARGE = "552 5.3.4 Message size exceeds fixed limit"


def send(app: Flask) -> str:
    """A ticket with two files; returns its reference."""
    client = app.test_client()
    offer = signed_offer(client)
    ids = ids_of(upload(client, SHOT, LOG, offer=offer))
    answer = post(client, "json", ticket_fields(client, offer=offer, attachments=ids))
    assert answer.status_code == 201
    return str(json_of(answer)["reference"])


def files_in(message: EmailMessage) -> dict[str, EmailMessage]:
    return {str(part.get_filename()): part for part in message.iter_attachments()}


def texts_of(message: EmailMessage) -> list[str]:
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return [unescape(body.get_content()) for body in bodies if isinstance(body, EmailMessage)]


def stored(app: Flask) -> int:
    with state_of(app).database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


# --- The mail -------------------------------------------------------------------------------------------------------


@pytest.mark.only("sqlite")
def test_the_mail_has_the_files(smtp_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Every octet of them, with their names and types, and lists them in text, HTML and JSON."""
    app = smtp_site(mail_server, **WITH_FILES, KAPA_HANDOFF_SMTP_TIMEOUT=30)
    send(app)
    assert deliver(app).status is Status.DELIVERED
    (mail,) = mail_server.wait_for(1)
    files = files_in(mail.message)
    assert list(files) == [*NAMES, "conversation.json"]
    for (name, content), media_type in zip((SHOT, LOG), ("image/png", "text/plain"), strict=True):
        assert files[name].get_content_type() == media_type
        assert files[name].get_content_disposition() == "attachment"
        assert files[name].get_payload(decode=True) == content
    for body in texts_of(mail.message):
        assert all(name in body for name in NAMES)
        assert "not attached" not in body.lower()
    document = json.loads(files["conversation.json"].get_payload(decode=True))  # type: ignore[arg-type]
    assert [(one["name"], one["size"], one["in_mail"]) for one in document["attachments"]] == [
        (name, len(content), True) for name, content in (SHOT, LOG)
    ]


@pytest.mark.parametrize(
    "name",
    ["a.txt", "Überblick.txt", "日" * 38 + ".txt", "a" * 116 + ".txt", "a'b%20c.txt", "x;y=z, (1).txt", "e\u0301.txt"],
)
@pytest.mark.only("sqlite")
def test_a_name_in_a_mail_is_read_back_as_it_is(app: Flask, name: str) -> None:
    """As RFC 2231 has it, on short lines; nothing but the name gets into the header."""
    ticket, conversation = a_ticket()
    file = Attachment(uuid4(), name, "text/plain", 1, b"a")
    data = compose(make_environment(app), LETTERHEAD, ticket, conversation, Files((file,))).data
    assert_unbroken(data)
    lines = [line for line in data.split(b"\r\n") if line.startswith(b" filename")]
    assert 0 < max(map(len, lines)) <= 78
    assert next(iter(files_in(read(data)))) == name


@pytest.mark.parametrize(
    "script",
    [
        {"END": [TOO_LARGE]},
        {"END": ["552 5.2.3 Message length exceeds administrative limit"]},
        {"MAIL": ["523 the message length exceeds our limit"], "END": []},
        {"END": ["554 5.3.4 message too big for system"]},
        {"RCPT": ["552 Message size exceeds maximum permitted"]},
    ],
    ids=str,
)
@pytest.mark.only("sqlite")
def test_a_mail_that_is_too_large_goes_without_its_files(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], script: dict[str, list[str]]
) -> None:
    """And says so; so do the attempt and the ticket's page. The files stay there."""
    server = smtp({step: list(replies) for step, replies in script.items()})
    app = smtp_site(server, handoff=KapaHandoff(admin_required=let_pass), **WITH_FILES)
    reference = send(app)
    if "MAIL" in script:  # a reply to MAIL is about the sender, and the ticket waits
        assert deliver(app).status is Status.QUEUED
        return
    assert deliver(app).status is Status.DELIVERED
    (mail,) = server.mails
    assert list(files_in(read(mail))) == ["conversation.json"]
    for body in texts_of(read(mail)):
        assert all(name in body for name in NAMES)
        assert "not attached, because the mail would be too large" in body.lower()
    _, (attempt,) = ticket_and_attempts(app, reference)
    assert attempt.detail is not None
    assert "sent without the attached files" in attempt.detail
    page = app.test_client().get(f"/handoff/admin/tickets/{reference}").text
    assert "The mail was sent without them" in page
    assert stored(app) == 2


@pytest.mark.only("sqlite")
def test_a_size_that_the_server_announces_is_respected(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """Before anything is sent: RFC 1870."""
    server = smtp(extensions=["SIZE 9000"])
    app = smtp_site(server, **WITH_FILES)
    client = app.test_client()
    offer = signed_offer(client)
    ids = ids_of(upload(client, ("large.txt", b"a line\n" * 1_000), offer=offer))
    assert post(client, "json", ticket_fields(client, offer=offer, attachments=ids)).status_code == 201
    assert deliver(app).status is Status.DELIVERED
    assert [list(files_in(read(mail))) for mail in server.mails] == [["conversation.json"]]
    assert server.verbs().count("DATA") == 1


@pytest.mark.only("sqlite")
def test_another_refusal_is_one(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """A mail that is refused for what it is, or too large without its files as well, is not sent again at once."""
    for script in ({"END": ["550 5.7.1 looks like spam"]}, {"END": [TOO_LARGE, TOO_LARGE]}):
        server = smtp(script)
        app = smtp_site(server, name=f"site{server.port}", **WITH_FILES)
        send(app)
        assert deliver(app).status is Status.FAILED
        assert server.mails == []


# --- The admin ------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(make_app: Callable[..., Flask]) -> Flask:
    return make_app(handoff=KapaHandoff(admin_required=let_pass), **WITH_FILES)


def test_the_tickets_page_offers_the_files_for_download(site: Flask) -> None:
    """Whatever is in them, no browser shows them as a part of the site."""
    client, reference = site.test_client(), send(site)
    page = client.get(f"/handoff/admin/tickets/{reference}").text
    assert all(name in page for name in NAMES)
    with site.app_context():
        files = KapaHandoff().attachments(testing.tickets(site)[0])
    for file in files:
        address = f"/handoff/admin/tickets/{reference}/files/{file.id}"
        assert f'href="{address}"' in page
        answer = client.get(address)
        assert answer.data == file.content
        assert answer.mimetype == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert answer.headers["Cache-Control"] == "no-store"
    assert (
        "filename*=UTF-8''%C3%9Cberblick"
        in client.get(f"{page_address(reference)}{files[0].id}").headers["Content-Disposition"]
    )


def page_address(reference: str) -> str:
    return f"/handoff/admin/tickets/{reference}/files/"


def test_only_admins_get_a_file_and_only_from_its_ticket(make_app: Callable[..., Flask]) -> None:
    app = make_app(handoff=KapaHandoff(admin_required=with_password), **WITH_FILES)
    reference, other = send(app), send(app)
    with app.app_context():
        file = KapaHandoff().attachments(testing.tickets(app)[-1])[0]
    owner = testing.tickets(app)[-1].reference
    stranger = reference if owner == other else other
    client = app.test_client()
    assert client.get(f"{page_address(owner)}{file.id}").status_code in (401, 403)
    assert client.get(f"/handoff/attachments/{file.id}").status_code == 404
    site = make_app(handoff=KapaHandoff(admin_required=let_pass), name="open", **WITH_FILES)
    admin, here = site.test_client(), send(site)
    for address in (f"{page_address(stranger)}{file.id}", f"{page_address(here)}{uuid4()}", f"{page_address(here)}x"):
        assert admin.get(address).status_code == 404


# --- What is kept, and until when -----------------------------------------------------------------------------------


def test_the_export_has_the_files(site: Flask) -> None:
    """By name for all tickets; with their content for one person."""
    send(site)
    everything = json.loads(invoke(site, "export").output)
    assert everything["attachments"] == [
        {"name": name, "media_type": media_type, "size": len(content)}
        for (name, content), media_type in zip((SHOT, LOG), ("image/png", "text/plain"), strict=True)
    ]
    own = json.loads(invoke(site, "export", "--email", EMAIL).output)
    assert [b64decode(one["content"]) for one in own["attachments"]] == [SHOT[1], LOG[1]]


def test_erasing_a_visitor_deletes_the_files(site: Flask) -> None:
    """Nothing of them stays in the database's files."""
    send(site)
    assert stored(site) == 2
    invoke(site, "erase", EMAIL, "--yes")
    assert stored(site) == 0
    if state_of(site).database.engine.dialect.name == "sqlite":
        database = file_of(site)
        assert all(b"CANARY of a file" not in path.read_bytes() for path in Path(database).parent.iterdir())


def test_purge_deletes_the_files_of_old_tickets(make_app: Callable[..., Flask]) -> None:
    """And files of forms that were not sent."""
    app = make_app(**WITH_FILES, KAPA_HANDOFF_RETENTION_DAYS=10)
    send(app)
    upload(app.test_client(), ("forgotten.txt", b"forgotten"))
    with state_of(app).database.write() as connection:
        earlier = testing.tickets(app)[0].created_at - timedelta(days=30)
        connection.execute(update(ticket_table).values(status=Status.DELIVERED, delivered_at=earlier))
        connection.execute(update(table).values(created_at=earlier))
    assert "1 ticket" in invoke(app, "purge").output
    assert stored(app) == 0


@pytest.mark.only("sqlite")
def test_a_channel_gets_the_files(make_app: Callable[..., Flask]) -> None:
    """By the extension's method, with their content."""
    handoff = KapaHandoff()
    got: list[tuple[str, bytes]] = []

    @handoff.channel("helpdesk", label="Helpdesk")
    def pass_on(ticket: Ticket, conversation: Conversation) -> None:
        got.extend((file.name, file.content) for file in handoff.attachments(ticket))

    app = make_app(handoff=handoff, **WITH_FILES, KAPA_HANDOFF_CHANNEL="helpdesk")
    send(app)
    assert deliver(app).status is Status.DELIVERED
    assert got == [SHOT, LOG]
