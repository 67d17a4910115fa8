"""The example's inbox: tickets' mails arrive there, and none of them can run or reach anything."""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from example_app.inbox import mail_folder
from example_app.mail_server import MailServer
from tests.example.site import Markup, ask
from tests.helpers.pages import HTMX


def test_an_uncertain_answer_becomes_a_ticket_whose_mail_is_in_the_inbox(client: FlaskClient) -> None:
    chat = Markup(ask(client, "Will it rain tomorrow?").text)
    form = Markup(client.get("/handoff/form", query_string={"offer": chat.fields["offer"]}).text)
    ticket = client.post(
        "/handoff/tickets", data=form.fields | {"email": "ada@example.com", "note": "I plan a picnic."}
    )
    assert ticket.status_code == 201

    inbox = client.get("/inbox/")
    assert "Reply to ada@example.com" in inbox.text
    assert "Will it rain tomorrow?" in inbox.text
    address = next(link for link in Markup(inbox.text).links if re.fullmatch(r"/inbox/\d+-\w+", link))
    mail = client.get(address)
    for text in ("support@pebblecask.example.com", "X-Kapa-Handoff-Ticket", "I plan a picnic.", "conversation.json"):
        assert text in mail.text
    html = client.get(f"{address}/html")
    assert "I plan a picnic." in html.text
    assert html.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "default-src 'none'" in html.headers["Content-Security-Policy"]


def send(server: MailServer, message: EmailMessage) -> None:
    message["From"], message["To"] = "docs@example.com", "support@example.com"
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        connection.send_message(message)


def test_the_inbox_shows_any_mail_and_none_of_it_runs(client: FlaskClient, mail_server: MailServer) -> None:
    assert "No mail yet" in client.get("/inbox/").text
    message = EmailMessage()
    message["Subject"] = "<script>alert('subject')</script> größer"
    message.set_content("plain <b>text</b>\n")
    message.add_alternative("<html><head></head><body><script>alert(1)</script></body></html>", subtype="html")
    message.add_attachment(b"<svg/>", maintype="image", subtype="svg+xml", filename="évil.svg")
    send(mail_server, message)

    inbox = client.get("/inbox/")
    assert "<script>alert" not in inbox.text
    address = next(link for link in Markup(inbox.text).links if re.fullmatch(r"/inbox/\d+-\w+", link))
    mail = client.get(address)
    assert "plain &lt;b&gt;text&lt;/b&gt;" in mail.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in mail.text
    attachment = client.get(f"{address}/attachments/0")
    assert attachment.data == b"<svg/>"
    assert attachment.mimetype == "application/octet-stream"
    assert attachment.headers["Content-Disposition"].startswith("attachment")
    assert client.get(f"{address}/source").mimetype == "text/plain"


def test_the_inbox_is_sent_again_only_when_a_mail_has_arrived(client: FlaskClient, mail_server: MailServer) -> None:
    def newest(text: str) -> str:
        found = re.search(r'hx-get="([^"]+)"', text)
        assert found
        return found[1]

    address = newest(client.get("/inbox/").text)
    assert client.get(address, headers=HTMX).status_code == 204
    message = EmailMessage()
    message["Subject"] = "It has arrived"
    send(mail_server, message)
    response = client.get(address, headers=HTMX)
    assert "It has arrived" in response.text
    assert "<html" not in response.text
    assert client.get(newest(response.text), headers=HTMX).status_code == 204


def test_a_mail_without_parts_or_headers_can_be_read(client: FlaskClient, tmp_path: Path) -> None:
    (mail_folder(tmp_path) / "1-bare.eml").write_bytes(b"\nnothing but text \xff\n")
    (mail_folder(tmp_path) / "2-broken.eml").write_bytes(b"Date: never\nSubject: \xff=?utf-8?q?=ff?=\n\n")
    assert "(no subject)" in client.get("/inbox/").text
    assert "nothing but text" in client.get("/inbox/1-bare").text
    assert client.get("/inbox/2-broken").status_code == 200
    assert client.get("/inbox/1-bare/html").status_code == 404


@pytest.mark.parametrize("name", ["..%2Fsecret-key", "%2e%2e", "no-such-mail", "..\\secret-key"])
def test_the_inbox_shows_files_of_its_own_folder_only(client: FlaskClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret-key.eml").write_text("Subject: secret\n\n")
    assert client.get(f"/inbox/{name}").status_code == 404
