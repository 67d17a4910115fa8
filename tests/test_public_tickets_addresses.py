"""The visitor's address: not the site's own nor a program's, or two mail systems would answer each other endlessly."""

from __future__ import annotations

from collections.abc import Callable

import flask_mail
import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff, Visitor
from flask_kapa_handoff.config import Config
from flask_kapa_handoff.errors import ConfigurationError
from flask_kapa_handoff.testing import change_settings, deliver, record_mails, tickets
from tests.helpers.commands import invoke
from tests.helpers.offers import signed_offer
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer
from tests.helpers.tickets import post, send_ticket, ticket_fields

pytestmark = pytest.mark.only("sqlite")

OURS = "This is our own address. Please enter yours, so that we can reply to you."
NOBODY = "Nobody reads replies to this address. Please enter your own."


def refusal(app: Flask, email: str) -> list[str]:
    """What a program is told at the field; nothing is stored."""
    client = app.test_client()
    response = post(client, "json", ticket_fields(client, email=email))
    assert response.status_code == 422
    assert tickets(app) == []
    error = response.get_json()["error"]
    assert (error["code"], list(error["fields"])) == ("invalid", ["email"])
    found: list[str] = error["fields"]["email"]
    return found


@pytest.mark.parametrize("email", ["support@example.com", "SUPPORT@example.com", "support+me@example.com"])
def test_the_desks_own_address_is_refused(app: Flask, email: str) -> None:
    """However it is spelt: a reply to it would open a ticket about the ticket."""
    assert refusal(app, email) == [OURS]


def test_the_address_counts_that_an_admin_has_saved(app: Flask) -> None:
    """The former one is anybody's again."""
    change_settings(app, email="help@example.com")
    assert refusal(app, "help@example.com") == [OURS]
    send_ticket(app.test_client(), email="support@example.com")


@pytest.mark.parametrize(
    "config",
    [
        {"KAPA_HANDOFF_SENDER": "Docs <docs@example.com>"},
        {"MAIL_DEFAULT_SENDER": "docs@example.com"},
        {"MAIL_DEFAULT_SENDER": ("Docs", "docs@example.com")},
        {"MAIL_DEFAULT_SENDER": ["Docs", "docs@example.com"]},
    ],
    ids=str,
)
@pytest.mark.parametrize("with_flask_mail", [False, True])
def test_the_senders_address_is_refused(
    make_app: Callable[..., Flask], config: dict[str, object], with_flask_mail: bool
) -> None:
    """Wherever the site has configured it."""
    app = make_app(**config)
    if with_flask_mail:
        flask_mail.Mail(app)
    assert refusal(app, "docs@example.com") == [OURS]


def test_a_site_without_a_sender_takes_tickets(make_app: Callable[..., Flask]) -> None:
    """Nor does a wrong one cost a visitor the ticket."""
    for number, sender in enumerate((None, "nobody", {"name": "Docs"}, ("Docs", ["docs@example.com"]))):
        send_ticket(make_app(MAIL_DEFAULT_SENDER=sender, name=f"site-{number}").test_client())


@pytest.mark.parametrize("email", ["mailer-daemon@example.org", "Postmaster@example.org", "no-reply@shop.example"])
def test_an_address_that_reads_no_replies_is_refused(app: Flask, email: str) -> None:
    """It never answers, or with one more notice."""
    assert refusal(app, email) == [NOBODY]


def test_the_page_shows_the_error_at_the_field_and_keeps_the_text(app: Flask) -> None:
    """As with any other mistake."""
    client = app.test_client()
    page = post(client, "page", ticket_fields(client, email="support@example.com", note="It fails."))
    assert page.status_code == 422
    assert OURS in page.text
    assert "It fails." in page.text
    assert 'value="support@example.com"' in page.text


@pytest.mark.parametrize("email", ["support@example.com", "noreply@example.com"])
def test_a_signed_in_visitor_with_such_an_address_types_another(make_app: Callable[..., Flask], email: str) -> None:
    """Their own would be locked, and they could never send anything."""
    handoff = KapaHandoff()
    handoff.visitor_loader(lambda: Visitor(email, "Ada"))
    app = make_app(handoff=handoff)
    client = app.test_client()
    form = client.get("/handoff/form", query_string={"offer": signed_offer(client)}).text
    assert email not in form
    send_ticket(client, email="ada@example.org")
    assert [ticket.visitor_email for ticket in tickets(app)] == ["ada@example.org"]


def test_a_docomo_address_gets_its_reply(smtp_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """From the form to the header that an agent's mail program answers to, and on the admin's page."""
    app = smtp_site(mail_server, handoff=KapaHandoff(admin_required=lambda view: view))
    reference = send_ticket(app.test_client(), email="a..b@docomo.ne.jp")
    (ticket,) = deliver(app)
    assert str(ticket.status) == "delivered"
    (mail,) = mail_server.received
    assert b'\r\nReply-To: "a..b"@docomo.ne.jp\r\n' in mail.data
    html = mail.message.get_body(("html",))
    assert html is not None
    assert 'href="mailto:%22a..b%22@docomo.ne.jp"' in html.get_content()
    page = app.test_client().get(f"/handoff/admin/tickets/{reference}").text
    assert 'href="mailto:%22a..b%22@docomo.ne.jp">a..b@docomo.ne.jp</a>' in page.replace("<wbr>", "")
    assert invoke(app, "erase", "a..b@docomo.ne.jp", "--yes").exit_code == 0
    assert tickets(app) == []


def test_desk_and_sender_may_have_such_an_address(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """Then the envelope has it in quotes as well."""
    server = smtp()
    app = smtp_site(server, KAPA_HANDOFF_EMAIL="a..b@docomo.ne.jp", KAPA_HANDOFF_SENDER="Docs <docs.@docomo.ne.jp>")
    send_ticket(app.test_client())
    (ticket,) = deliver(app)
    assert str(ticket.status) == "delivered"
    assert {'MAIL FROM:<"docs."@docomo.ne.jp>', 'RCPT TO:<"a..b"@docomo.ne.jp>'} < set(server.lines)
    assert b'To: "a..b"@docomo.ne.jp\r\n' in server.mails[0]
    assert b'From: "visitor (via site)" <"docs."@docomo.ne.jp>\r\n' in server.mails[0]


# KAPA_HANDOFF_SPECIAL_DOMAINS


def test_an_intranet_names_its_domains(make_app: Callable[..., Flask], admin_app: Callable[..., Flask]) -> None:
    """They are addresses everywhere then: of desk, sender, visitor, account, and in the commands."""
    handoff = KapaHandoff(admin_required=lambda view: view)
    handoff.visitor_loader(lambda: Visitor("kim@mail.intranet"))
    app = make_app(
        handoff=handoff,
        TESTING=True,
        KAPA_HANDOFF_SPECIAL_DOMAINS="intranet, local",
        KAPA_HANDOFF_EMAIL="support@intranet",
        MAIL_DEFAULT_SENDER="Docs <docs@printer.local>",
    )
    send_ticket(app.test_client())
    with record_mails(app) as mails:
        (ticket,) = deliver(app)
    assert (str(ticket.status), ticket.visitor_email) == ("delivered", "kim@mail.intranet")
    assert (mails[0]["To"], mails[0]["From"]) == ("support@intranet", '"kim (via site)" <docs@printer.local>')
    assert mails[0]["Reply-To"] == "kim@mail.intranet"
    assert invoke(app, "test-mail", "ops@intranet").exit_code == 0
    assert invoke(app, "erase", "kim@mail.intranet", "--yes").exit_code == 0


def test_without_them_such_an_address_is_a_slip(app: Flask, make_app: Callable[..., Flask]) -> None:
    """The visitor is told so, and the configuration is refused."""
    assert refusal(app, "ada@intranet") == ["Check the address: something like .com is missing after the @."]
    with pytest.raises(ConfigurationError, match="KAPA_HANDOFF_EMAIL"):
        make_app(KAPA_HANDOFF_EMAIL="support@intranet")


def test_the_order_of_the_keys_does_not_matter() -> None:
    """The special domains are read before what depends on them."""
    for keys in (["EMAIL", "SPECIAL_DOMAINS"], ["SPECIAL_DOMAINS", "EMAIL"]):
        values = {"EMAIL": "support@intranet", "SPECIAL_DOMAINS": ["Intranet"]}
        config = Config.from_mapping({f"KAPA_HANDOFF_{key}": values[key] for key in keys})
        assert (config.email, config.special_domains) == ("support@intranet", ("intranet",))
