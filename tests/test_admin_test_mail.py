"""The test mail of the settings page, and the mail server's reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.helpers.admin import fields, save, shown
from tests.helpers.pages import HTMX
from tests.helpers.servers import MailServer, free_port


def send_test_mail(client: FlaskClient, *, htmx: bool = False, **changes: Any) -> TestResponse:
    """Press "Send a test mail"."""
    sent = {"csrf_token": fields(client)["csrf_token"], "desk": "default", **changes}
    return client.post("/handoff/admin/test-mail", data=sent, headers=HTMX if htmx else {})


@pytest.fixture
def mailing(admin_app: Callable[..., Flask], mail_server: MailServer) -> FlaskClient:
    """An admin's client of an app with a mail server."""
    hosts = ["localhost"]  # with them, a ticket's mail links its page
    return admin_app(
        MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, KAPA_HANDOFF_TRUSTED_HOSTS=hosts
    ).test_client()


@pytest.mark.parametrize("htmx", [False, True])
def test_a_test_mail_that_is_accepted(mailing: FlaskClient, mail_server: MailServer, htmx: bool) -> None:
    """A sample ticket goes to the saved address, and the server's reply is shown; no ticket is stored."""
    answer = send_test_mail(mailing, htmx=htmx)
    assert answer.status_code == 200
    assert 'data-outcome="accepted"' in answer.text
    assert "250 2.0.0 taken" in shown(answer)
    assert ("<html" in answer.text) is not htmx
    [mail] = mail_server.wait_for(1)
    assert mail.recipients == ["support@example.com"]
    assert "T-SAMPLE: Test: does the handoff reach us?" in mail.message["Subject"]
    assert "this is a test" in mail.body("plain")
    assert "/admin/tickets/" not in mail.body("plain") + mail.body("html")  # it has no page
    assert "No tickets yet" in mailing.get("/handoff/admin/tickets").text


def test_a_test_mail_that_is_refused(mailing: FlaskClient, mail_server: MailServer) -> None:
    """The server's refusal is shown word for word."""
    mail_server.replies["RCPT"] = ["550 5.1.1 <support@example.com>: no such <b>user</b>"]
    answer = send_test_mail(mailing, htmx=True)
    assert 'data-outcome="refused"' in answer.text
    assert "550 5.1.1 &lt;support@example.com&gt;: no such &lt;b&gt;user&lt;/b&gt;" in answer.text


def test_a_test_mail_that_is_delayed(mailing: FlaskClient, mail_server: MailServer) -> None:
    """A temporary refusal is reported as temporary."""
    mail_server.replies["DATA"] = ["451 4.7.1 Greylisted"]
    answer = send_test_mail(mailing, htmx=True)
    assert 'data-outcome="delayed"' in answer.text
    assert "451 4.7.1 Greylisted" in answer.text


def test_a_test_mail_to_a_server_that_is_down(admin_app: Callable[..., Flask]) -> None:
    """If no mail server responds, the page says so."""
    client = admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=free_port()).test_client()
    answer = send_test_mail(client, htmx=True)
    assert answer.status_code == 200
    assert 'data-outcome="delayed"' in answer.text
    assert "Connection refused" in answer.text


def test_a_test_mail_that_the_site_suppresses(admin_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Where the site suppresses mail, the page says that nothing was sent."""
    client = admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, MAIL_SUPPRESS_SEND=True).test_client()
    answer = send_test_mail(client)
    assert 'data-outcome="suppressed"' in answer.text
    assert "MAIL_SUPPRESS_SEND" in answer.text
    assert mail_server.connections == 0


def test_a_test_mail_goes_to_the_saved_address_alone(mailing: FlaskClient, mail_server: MailServer) -> None:
    """No field of the request names the recipient."""
    save(mailing, email="saved@example.com")
    send_test_mail(mailing, email="other@example.com", recipient="other@example.com")
    assert [mail.recipients for mail in mail_server.wait_for(1)] == [["saved@example.com"]]


def test_a_test_mail_needs_an_address_and_a_token(mailing: FlaskClient, mail_server: MailServer) -> None:
    """Without a token it is 400, without a saved address 422; nothing is sent."""
    assert send_test_mail(mailing, csrf_token="forged").status_code == 400
    save(mailing, email="")
    answer = send_test_mail(mailing, htmx=True)
    assert answer.status_code == 422
    assert "Save an address first." in shown(answer)
    assert mail_server.connections == 0
