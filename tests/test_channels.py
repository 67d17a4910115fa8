"""A site's own channel: registering it, what the check-up, the log, the admin pages and the commands say of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import ConfigurationError, KapaHandoff, Refused, TryLater, health, testing
from flask_kapa_handoff.delivery.site_channel import SiteChannel
from flask_kapa_handoff.doctor import Level, examine
from flask_kapa_handoff.hooks import RegisteredChannel
from flask_kapa_handoff.state import State, state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.admin import fields, let_pass, shown
from tests.helpers.channels import Parrot
from tests.helpers.commands import invoke
from tests.helpers.couriers import deliver
from tests.helpers.pages import HTMX
from tests.helpers.servers import free_port
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

SECRET = "the visitor's words"

Build = Callable[..., tuple[Flask, Parrot]]


@pytest.fixture
def with_parrot(make_app: Callable[..., Flask]) -> Build:
    """Builds a site with admin pages that are open to everyone, and a channel."""

    def build(ending: object = None, **config: Any) -> tuple[Flask, Parrot]:
        parrot = Parrot(ending)
        config = {"KAPA_HANDOFF_CHANNEL": "parrot", "MAIL_PORT": free_port(), **config}
        return make_app(handoff=parrot.handoff(admin_required=let_pass), **config), parrot

    return build


def findings(app: Flask) -> dict[str, Level]:
    return {str(found.what): found.level for found in examine(app, state_of(app))}


def ticket_page(app: Flask, reference: str) -> str:
    return shown(app.test_client().get(f"/handoff/admin/tickets/{reference}"))


def send_test_ticket(app: Flask) -> str:
    client = app.test_client()
    sent = {"csrf_token": fields(client)["csrf_token"], "desk": "default"}
    return shown(client.post("/handoff/admin/test-mail", data=sent, headers=HTMX))


# --- Registered ------------------------------------------------------------------------------------------------------


async def awaited(ticket: Any, conversation: Any) -> None: ...


@pytest.mark.parametrize(
    ("name", "label", "words"),
    [
        ("mail", "Mail", "mail is the package's own channel"),
        ("Zendesk", "Zendesk", "lower-case letter"),
        ("z" * 33, "Zendesk", "up to 31 more"),
        (None, "Zendesk", "lower-case letter"),
        ("zendesk", "", "1 to 40 characters"),
        ("zendesk", "\n", "1 to 40 characters"),
        ("zendesk", "Z" * 41, "1 to 40 characters"),
        ("zendesk", "Zen\x00desk", "1 to 40 characters"),
        ("zendesk", None, "1 to 40 characters"),
        ("zendesk", "help@zendesk.example", "without @"),
        ("zendesk", "Zendesk: EU", "without @ and :"),
    ],
)
def test_a_name_or_label_that_cannot_be_is_refused(name: Any, label: Any, words: str) -> None:
    """When it is registered, before a function comes."""
    with pytest.raises(ConfigurationError, match=words):
        KapaHandoff().channel(name, label=label)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (awaited, "async function"),
        (lambda ticket: None, "2 arguments \\(ticket, conversation\\)"),
        (Parrot, "it is a class"),
        ("send", "not callable"),
    ],
)
def test_what_cannot_be_a_channel_is_refused(function: Any, words: str) -> None:
    """As with every hook: the message has the name, what came and what is allowed."""
    with pytest.raises(ConfigurationError, match=f"channel: .*{words}.*or raise TryLater"):
        KapaHandoff().channel("zendesk", label="Zendesk")(function)


def test_a_forgotten_name_is_explained() -> None:
    """``@handoff.channel`` alone, as the other hooks are written, and with parentheses but without a label."""
    with pytest.raises(TypeError, match="label"):
        KapaHandoff().channel(lambda ticket, conversation: None)  # type: ignore[call-arg, arg-type]
    with pytest.raises(ConfigurationError, match=r'write @handoff\.channel\("zendesk", label="Zendesk"\)'):
        KapaHandoff().channel(lambda ticket, conversation: None, "Zendesk")  # type: ignore[arg-type]


def test_the_function_stays_what_it_is_and_the_last_one_counts(caplog: pytest.LogCaptureFixture) -> None:
    """Another function under the same name is logged; the same one again, as by an app factory, is not."""
    handoff, one, two = KapaHandoff(), Parrot(), lambda ticket, conversation: None
    for _ in range(2):
        assert handoff.channel("zendesk", label="Zendesk")(one.send) == one.send
    assert not caplog.records
    assert handoff.channel("zendesk", label=" Zendesk ")(two) is two
    assert [record.getMessage().split(" replaces ")[0] for record in caplog.records] == [
        f"channel zendesk: {two.__qualname__}"
    ]
    assert handoff._registered.channels["zendesk"] == ("Zendesk", two)


# --- The check-up and the log ----------------------------------------------------------------------------------------


def test_the_check_up_of_a_site_with_a_channel_asks_for_no_mail_server(with_parrot: Build) -> None:
    """Where tickets go is the channel, and neither a sender nor a mail server is needed."""
    app, parrot = with_parrot(MAIL_DEFAULT_SENDER=None)
    found = findings(app)
    assert found["Tickets go to The Parrot."] is Level.OK
    assert found["Tickets go by the site's own channel, parrot."] is Level.OK
    assert Level.PROBLEM not in found.values()
    assert not [what for what in found if "mail server" in what or "sender" in what]
    assert parrot.sent == []


def test_a_channel_that_is_not_registered_is_found(with_parrot: Build, caplog: pytest.LogCaptureFixture) -> None:
    """By the check-up and the log, with the names that there are; the visitor still gets a ticket."""
    app, _ = with_parrot(KAPA_HANDOFF_CHANNEL="parot")
    what = "KAPA_HANDOFF_CHANNEL is 'parot', and no channel of that name is registered."
    reference = send_ticket(app.test_client())
    send_ticket(app.test_client())
    assert [one.getMessage() for one in caplog.records if "CHANNEL" in one.getMessage()] == [
        f"Handoff of site: {what} Tickets wait until it is."
    ]
    (found,) = [found for found in examine(app, state_of(app)) if str(found.what) == what]
    assert found.level is Level.PROBLEM
    assert "registered: mail, parrot." in str(found.remedy)
    assert testing.deliver(app)[0].status is Status.QUEUED
    page = ticket_page(app, reference)
    assert "The site's channel for tickets is not set up." in page
    assert "Goes to parot" in page


def test_a_channel_that_is_registered_is_not_logged(with_parrot: Build, caplog: pytest.LogCaptureFixture) -> None:
    app, _ = with_parrot()
    app.test_client().get("/handoff/offer?pairs=1")
    assert "CHANNEL" not in caplog.text


def test_a_channel_of_the_package_needs_no_registration(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A line in State.open_channel() is all that the log and the check-up ask for."""
    parrot = RegisteredChannel("The Parrot", Parrot().send)
    monkeypatch.setattr(State, "open_channel", lambda state, name: SiteChannel(parrot, state.hook_failures))
    app = make_app(KAPA_HANDOFF_CHANNEL="post")
    send_ticket(app.test_client())
    assert "CHANNEL" not in caplog.text
    assert not [what for what in findings(app) if "registered" in what]
    assert testing.deliver(app)[0].status is Status.DELIVERED


@pytest.mark.parametrize(
    ("ending", "words"),
    [(RuntimeError(SECRET), "raised RuntimeError"), (SECRET, "returned str"), (False, "returned bool")],
)
def test_a_channel_that_fails_is_found(
    with_parrot: Build, caplog: pytest.LogCaptureFixture, ending: object, words: str
) -> None:
    """The log says once what it did and what is allowed, and the check-up counts; neither has a visitor's words."""
    app, _ = with_parrot(ending)
    for _ in range(2):
        send_ticket(app.test_client())
        deliver(app)
    (report,) = [one.getMessage() for one in caplog.records if one.name == "flask_kapa_handoff.hook_failures"]
    assert report.startswith("The site's channel (Parrot.send)")
    assert words in report
    (found,) = [one for one in examine(app, state_of(app)) if str(one.what).startswith("The site's channel failed")]
    assert f"2 x Parrot.send {words}" in str(found.what)
    assert str(found.why) == "After an error the ticket waits and is retried; after a returned value it fails."
    assert "It may return None, or raise TryLater" in str(found.remedy)
    assert SECRET not in f"{caplog.text}{found.what}{found.remedy}"


def test_a_coroutine_is_no_delivery(with_parrot: Build) -> None:
    """Nothing of it has run, and nothing will, so the ticket must not count as delivered."""
    app, _ = with_parrot(awaited(None, None))
    send_ticket(app.test_client())
    ticket = deliver(app)
    assert ticket.status is Status.FAILED
    assert ticket.last_error == "The site's code for The Parrot returned coroutine, not None"


def test_words_of_a_channel_that_keeps_its_ticket_waiting_are_shown(with_parrot: Build) -> None:
    """After an hour the check-up shows them, a monitor's page, which may be open to everybody, does not."""
    app, _ = with_parrot(TryLater("ada@example.com is over her limit"))
    send_ticket(app.test_client())
    deliver(app)
    with state_of(app).database.write() as connection:
        connection.execute(ticket_table.update().values(queued_at=now(connection) - timedelta(hours=2)))
    (found,) = [each for each in examine(app, state_of(app)) if "could not be sent yet" in str(each.what)]
    assert found.details == "The Parrot did not accept it yet: ada@example.com is over her limit"
    assert str(found.what).endswith("could not be sent yet. The Parrot did not accept it yet.")
    assert health(app).alarms == (str(found.what),)


def test_a_label_that_begins_like_a_reply_is_no_alarm_at_once(make_app: Callable[..., Flask]) -> None:
    """Only a mail server's 5xx reply is."""
    handoff = KapaHandoff()
    handoff.channel("photos", label="500px")(Parrot(TryLater("it is busy")).send)
    app = make_app(handoff=handoff, KAPA_HANDOFF_CHANNEL="photos")
    send_ticket(app.test_client())
    testing.deliver(app)
    assert testing.tickets(app)[0].last_error == "500px did not accept it yet: it is busy"
    assert health(app).alarms == ()


# --- The admin pages and the commands --------------------------------------------------------------------------------


def test_the_ticket_page_says_where_the_ticket_goes(with_parrot: Build) -> None:
    """Before, after a refusal, which it shows in the channel's words, and when the channel has accepted it."""
    app, parrot = with_parrot(Refused("no such cage"))
    reference = send_ticket(app.test_client())
    assert "Goes to The Parrot" in ticket_page(app, reference)
    deliver(app)
    page = ticket_page(app, reference)
    assert " to The Parrot The Parrot did not accept it: no such cage" in page
    assert page.count("no such cage") == 2  # on top and here, and not once more under Details
    assert "mail server" not in page
    parrot.ending = None
    invoke(app, "retry", reference)
    deliver(app)
    assert "The Parrot accepted the ticket: " in ticket_page(app, reference)


def test_the_ticket_page_says_where_a_delivered_ticket_went(
    make_app: Callable[..., Flask], with_parrot: Build
) -> None:
    """Even if the site sends its tickets by mail by now."""
    app, _ = with_parrot()
    reference = send_ticket(app.test_client())
    deliver(app)
    page = ticket_page(make_app(handoff=KapaHandoff(admin_required=let_pass)), reference)
    assert "The Parrot accepted the ticket: " in page
    assert "Goes to The Parrot" in page


def test_an_attempt_that_was_cut_off_speaks_of_no_mail(with_parrot: Build) -> None:
    """A copy has the same reference; a Message-ID is what mails have."""
    app, _ = with_parrot(KeyboardInterrupt())
    reference = send_ticket(app.test_client())
    with pytest.raises(KeyboardInterrupt):
        deliver(app)
    with state_of(app).database.write() as connection:
        connection.execute(ticket_table.update().values(leased_until=now(connection) - timedelta(seconds=1)))
    page = ticket_page(app, reference)
    assert "so it could arrive twice. Both copies have the same reference." in page
    assert "Message-ID" not in page


def test_the_settings_page_says_where_tickets_go(with_parrot: Build) -> None:
    """The address is still needed, since without one there is no button."""
    app, _ = with_parrot()
    page = shown(app.test_client().get("/handoff/admin/"))
    assert "Tickets go to The Parrot, as your site's configuration says" in page
    assert "Sends a sample ticket to The Parrot" in page
    assert ", with support@example.com as the visitor" in page
    assert "It is a real ticket there" in page
    assert "Send a test ticket" in page
    assert "test mail" not in page.lower()


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (None, "Delivered. The Parrot accepted the sample ticket, T-SAMPLE."),
        (TryLater("busy"), "Not sent. The Parrot did not accept it yet: busy. A ticket would wait"),
        (Refused("no such cage"), "Failed. The Parrot did not accept it: no such cage. A ticket would fail"),
        (ValueError("oops"), "Not sent. Sending it to The Parrot failed in the site's own code."),
    ],
    ids=["accepted", "delayed", "refused", "raises"],
)
def test_a_test_ticket_shows_what_happened(with_parrot: Build, ending: object, words: str) -> None:
    """It goes to the channel, and the page speaks of no mail."""
    app, parrot = with_parrot(ending)
    told = send_test_ticket(app)
    assert words in told
    assert "mail" not in told
    assert told.count("accept it") <= 1  # and not once more under Details
    assert [reference for reference, _ in parrot.sent] == ["T-SAMPLE"]
    assert parrot.tickets[0].subject == "Test: does the handoff reach us?"
    assert "mail" not in parrot.tickets[0].note


def test_the_command_for_a_test_goes_to_the_channel(with_parrot: Build) -> None:
    """Its address is the visitor's."""
    app, parrot = with_parrot()
    told = invoke(app, "test-mail", "ada@example.com")
    assert told.output == "The Parrot accepted the sample ticket, T-SAMPLE. Look for it there.\n"
    parrot.ending = Refused("no such cage")
    told = invoke(app, "test-mail", "ada@example.com")
    assert told.exit_code == 1
    assert told.output == "Error: Not sent. The Parrot did not accept it: no such cage\n"
