"""Reminders: a ticket that nobody takes is sent once more, to a second address."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from flask_kapa_handoff import testing
from flask_kapa_handoff.delivery import reminders
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.outcomes import TryLater
from flask_kapa_handoff.delivery.reminders import BATCH, MOST_ATTEMPTS, Reminders
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.office_hours import HORIZON, OfficeHours
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.removal import delete_tickets
from flask_kapa_handoff.storage.takings import take
from flask_kapa_handoff.storage.tickets import Status, Ticket
from tests.faults.clock import Clock
from tests.helpers.admin import shown
from tests.helpers.arrivals import key_of, link_in, mailing_app, press, with_desk
from tests.helpers.outboxes import look_up, rewrite
from tests.helpers.servers import MailServer, Received
from tests.helpers.tickets import send_ticket

MakeApp = Callable[..., Flask]
BERLIN = ZoneInfo("Europe/Berlin")
BOSS = "boss@example.com"
PAST = timedelta(minutes=-1)


@pytest.fixture
def site(admin_app: MakeApp, mail_server: MailServer) -> Flask:
    app = mailing_app(admin_app, mail_server)
    with_desk(app, take_link=True, reminder_email=BOSS, reminder_hours=4)
    return app


def delivered(site: Flask) -> str:
    """A ticket that was delivered just now."""
    reference = send_ticket(site.test_client())
    [ticket] = testing.deliver(site)
    assert ticket.status is Status.DELIVERED
    return reference


def due(site: Flask) -> str:
    """A delivered ticket whose reminder is due."""
    reference = delivered(site)
    rewrite(state_of(site).database, reference, remind_at=PAST)
    return reference


def several_due(site: Flask, number: int) -> list[str]:
    references = [delivered(site) for _ in range(number)]
    for reference in references:
        rewrite(state_of(site).database, reference, remind_at=PAST)
    return references


def remind(site: Flask) -> int:
    """Send the reminders that are due."""
    with site.app_context():
        return Reminders(state_of(site)).send_due()


def sent_to(server: MailServer, address: str = BOSS) -> list[Received]:
    return [mail for mail in server.received if mail.recipients == [address]]


def at(site: Flask, reference: str) -> Ticket:
    return look_up(state_of(site).database, reference)


def test_exactly_one_reminder_under_a_patched_clock(site: Flask, mail_server: MailServer) -> None:
    """Not a minute too early, and never a second one, however often processes look and start again."""
    database = state_of(site).database
    clock = Clock(database.engine, datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc))
    try:
        reference = delivered(site)
        assert at(site, reference).remind_at == clock.moment + timedelta(hours=4)
        for minutes, number in ((0, 0), (239, 0), (1, 1), (1, 1), (600, 1), (60 * 24 * 30, 1)):
            clock.move(timedelta(minutes=minutes))
            testing.deliver(site)  # a courier of its own, as in a process that starts
            assert len(sent_to(mail_server)) == number, minutes
        ticket = at(site, reference)
        assert ticket.reminded_at == datetime(2026, 3, 2, 13, 0, tzinfo=timezone.utc)
        assert (ticket.reminded_to, ticket.remind_at, ticket.status) == (BOSS, None, Status.DELIVERED)
    finally:
        clock.put_away()


def test_the_reminder_is_the_ticket_once_more(site: Flask, mail_server: MailServer) -> None:
    """It says so in words, belongs to the ticket's mail, and has a link of its own."""
    reference = due(site)
    assert remind(site) == 1
    [first, second] = mail_server.received
    assert second.message["Subject"] == f"Reminder: {first.message['Subject']}"
    assert second.message["In-Reply-To"] == first.message["Message-ID"]
    assert first.message["Message-ID"] in second.message["References"]
    assert second.message["Message-ID"] == first.message["Message-ID"].replace("<", "<reminder-")
    assert second.message["Reply-To"] == first.message["Reply-To"]
    assert second.message["X-Kapa-Handoff-Ticket"] == reference
    for kind in ("plain", "html"):
        assert "Reminder: nobody has taken this ticket yet." in second.body(kind)
        assert "Reminder" not in first.body(kind)
        assert "It does not work on Tuesdays." in second.body(kind)
    client = site.test_client()
    assert f"Reminder sent to {BOSS}" in shown(client.get(f"/handoff/admin/tickets/{reference}"))
    press(client, client.get(f"/handoff/take?key={key_of(link_in(second, 'take'))}"))
    assert at(site, reference).taken_by == BOSS


@pytest.mark.only("sqlite")
def test_a_reminder_keeps_content_out_where_mails_do(site: Flask, mail_server: MailServer) -> None:
    with_desk(site, mail_content="link")
    due(site)
    assert remind(site) == 1
    [mail] = sent_to(mail_server)
    assert "Tuesdays" not in mail.body("plain") + mail.body("html")
    assert "Reminder: nobody has taken this ticket yet." in mail.body("plain")
    assert "rotate" not in mail.message["Subject"]


def test_two_processes_at_once(site: Flask, mail_server: MailServer) -> None:
    """Each reminder is sent by one of them."""
    references = several_due(site, 6)
    couriers = [Courier(state_of(site)) for _ in range(2)]
    threads = [threading.Thread(target=courier.deliver_next) for courier in couriers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for courier in couriers:
        courier.close()
    told = [mail.message["X-Kapa-Handoff-Ticket"] for mail in sent_to(mail_server)]
    assert sorted(told) == sorted(references)


def test_no_reminder_of_a_ticket_that_somebody_took(site: Flask, mail_server: MailServer) -> None:
    """Not even if it is given back after its reminder was sent."""
    reference = due(site)
    client = site.test_client()
    press(client, client.get(f"/handoff/take?key={key_of(link_in(mail_server.received[0], 'take'))}"))
    rewrite(state_of(site).database, reference, taken_at=timedelta(0))
    assert remind(site) == 0
    assert sent_to(mail_server) == []


@pytest.mark.parametrize("refusal", ["550 no", "451 later"])
def test_no_reminder_of_what_was_never_delivered(site: Flask, mail_server: MailServer, refusal: str) -> None:
    """It counts from the delivery: a ticket that comes through a day later is not reminded of at once."""
    database = state_of(site).database
    clock = Clock(database.engine, datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc))
    try:
        reference = send_ticket(site.test_client())
        mail_server.replies["RCPT"] = [refusal]
        testing.deliver(site)
        assert at(site, reference).remind_at is None
        clock.move(timedelta(days=1))
        assert remind(site) == 0
        if refusal.startswith("4"):
            testing.deliver(site)
            assert at(site, reference).remind_at == clock.moment + timedelta(hours=4)
    finally:
        clock.put_away()


@pytest.mark.parametrize("change", [{"take_link": False}, {"reminder_email": ""}])
def test_no_reminder_once_the_desk_has_none(site: Flask, mail_server: MailServer, change: dict[str, Any]) -> None:
    """Nor afterwards, when it has some again."""
    reference = due(site)
    with_desk(site, **change)
    assert remind(site) == 0
    with_desk(site, take_link=True, reminder_email=BOSS)
    assert at(site, reference).remind_at is None
    assert remind(site) == 0
    assert sent_to(mail_server) == []


@pytest.mark.only("sqlite")
def test_a_new_address_and_a_desk_that_begins_to_remind(site: Flask, mail_server: MailServer) -> None:
    """The address is the one that the desk has when the reminder is sent. Earlier tickets are not reminded of."""
    with_desk(site, reminder_email="")
    assert at(site, delivered(site)).remind_at is None
    with_desk(site, reminder_email=BOSS)
    due(site)
    with_desk(site, reminder_email="chief@example.com")
    assert remind(site) == 1
    assert len(sent_to(mail_server, "chief@example.com")) == 1


def test_a_ticket_that_is_deleted(site: Flask, mail_server: MailServer) -> None:
    delete_tickets(state_of(site).database, [due(site)])
    assert remind(site) == 0


def test_a_reminder_that_fails_is_retried(site: Flask, mail_server: MailServer) -> None:
    """As a ticket is; after its last attempt, its page says so."""
    reference, database = due(site), state_of(site).database
    mail_server.replies["DATA"] = ["451 4.7.1 Greylisted"]
    assert remind(site) == 0
    waiting = at(site, reference)
    assert waiting.remind_at is not None
    assert waiting.reminder_error is not None
    assert "Greylisted" in waiting.reminder_error
    assert waiting.status is Status.DELIVERED
    assert remind(site) == 0
    rewrite(database, reference, remind_at=PAST, reminder_attempts=MOST_ATTEMPTS - 1)
    mail_server.replies["DATA"] = ["451 4.7.1 Greylisted"]
    assert remind(site) == 0
    assert at(site, reference).remind_at is None
    assert "could not be sent" in shown(site.test_client().get(f"/handoff/admin/tickets/{reference}"))
    rewrite(database, reference, remind_at=PAST, reminder_attempts=3)
    assert remind(site) == 1
    assert at(site, reference).reminder_error is None


@pytest.mark.only("sqlite")
def test_a_refused_reminder_is_not_retried(site: Flask, mail_server: MailServer) -> None:
    reference = due(site)
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    assert remind(site) == 0
    assert at(site, reference).remind_at is None
    assert "no such user" in (at(site, reference).reminder_error or "")


def test_a_process_that_ends_in_the_middle(site: Flask, mail_server: MailServer) -> None:
    """Nobody else sends the reminder as long as that process might; then somebody does."""
    reference, database = due(site), state_of(site).database
    assert reminders.claim_due(database, 5) is not None
    assert remind(site) == 0
    rewrite(database, reference, remind_at=PAST)
    assert remind(site) == 1
    assert remind(site) == 0


@pytest.mark.only("sqlite")
def test_a_reminder_that_the_database_cannot_record(
    site: Flask, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process that sent it records it as soon as it can, and does not send it again."""
    reference, database = due(site), state_of(site).database
    writes = iter([database.write, None])

    def fails_the_second_time(**options: Any) -> Any:
        write = next(writes)
        if write is None:
            raise Unavailable
        return write(**options)

    with site.app_context():
        sending = Reminders(state_of(site))
        with monkeypatch.context() as patched:
            patched.setattr(database, "write", fails_the_second_time)
            with pytest.raises(Unavailable):
                sending.send_due()
        rewrite(database, reference, remind_at=PAST)
        assert [sending.send_due(), sending.send_due()] == [1, 0]
    assert len(sent_to(mail_server)) == 1
    assert at(site, reference).reminded_at is not None


@pytest.mark.only("sqlite")
def test_many_are_sent_in_several_goes(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tickets do not wait for all of them."""
    assert BATCH > 2
    monkeypatch.setattr(reminders, "BATCH", 2)
    several_due(site, 3)
    assert [remind(site), remind(site), remind(site)] == [2, 1, 0]


@pytest.mark.only("sqlite")
def test_a_damaged_ticket_delays_no_reminder(site: Flask, mail_server: MailServer) -> None:
    damaged, sound = several_due(site, 2)
    with state_of(site).database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_ticket SET pairs = 'many' WHERE reference = ?", (damaged,))
    remind(site)
    remind(site)
    assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in sent_to(mail_server)] == [sound]


@pytest.mark.only("sqlite")
def test_office_hours_of_a_desk(site: Flask) -> None:
    """Only those count."""
    days = {"office_days": [0, 1, 2, 3, 4], "opens": "09:00", "closes": "17:00", "time_zone": "Europe/Berlin"}
    with_desk(site, form=days)
    friday = datetime(2026, 3, 27, 16, 0, tzinfo=BERLIN)
    monday = datetime(2026, 3, 30, 12, 0, tzinfo=BERLIN)  # summer time has begun in between
    assert reminders.due_after(state_of(site).settings_of("default"), friday) == monday.astimezone(timezone.utc)


WEEK = OfficeHours((0, 1, 2, 3, 4), time(9), time(17), BERLIN)
NIGHT = OfficeHours((6,), time(0), time(6), BERLIN)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("hours", "begin", "number", "end"),
    [
        (WEEK, datetime(2026, 3, 2, 10, tzinfo=BERLIN), 4, datetime(2026, 3, 2, 14, tzinfo=BERLIN)),
        (WEEK, datetime(2026, 3, 2, 3, tzinfo=BERLIN), 4, datetime(2026, 3, 2, 13, tzinfo=BERLIN)),
        (WEEK, datetime(2026, 3, 2, 15, tzinfo=BERLIN), 4, datetime(2026, 3, 3, 11, tzinfo=BERLIN)),
        (WEEK, datetime(2026, 3, 6, 15, tzinfo=BERLIN), 4, datetime(2026, 3, 9, 11, tzinfo=BERLIN)),
        (WEEK, datetime(2026, 3, 7, 12, tzinfo=BERLIN), 20, datetime(2026, 3, 11, 13, tzinfo=BERLIN)),
        # In the night to 29 March, an hour is left out; in that to 25 October, one comes twice.
        (NIGHT, datetime(2026, 3, 29, 0, tzinfo=BERLIN), 4, datetime(2026, 3, 29, 5, tzinfo=BERLIN)),
        (NIGHT, datetime(2026, 10, 25, 0, tzinfo=BERLIN), 4, datetime(2026, 10, 25, 3, tzinfo=BERLIN)),
    ],
)
def test_hours_after(hours: OfficeHours, begin: datetime, number: float, end: datetime) -> None:
    """An hour is an hour, whatever the clock does."""
    assert hours.after(begin, number) == end.astimezone(timezone.utc)


@pytest.mark.only("sqlite")
def test_hours_that_almost_never_come() -> None:
    """A desk that is there for a minute a week does not stop a delivery."""
    moment = datetime(2026, 3, 2, tzinfo=timezone.utc)
    assert OfficeHours((0,), time(9), time(9, 1), BERLIN).after(moment, 200) == moment + HORIZON


def test_a_reminder_that_fails_while_somebody_takes_the_ticket_is_not_retried(
    site: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt was under way; the next one would remind of a ticket that somebody has."""
    reference, database = due(site), state_of(site).database

    def taken_meanwhile(_reminders: Reminders, ticket: Ticket) -> None:
        with database.write() as connection:
            take(connection, ticket.id, "ada@example.com")
        raise TryLater("450 later")

    monkeypatch.setattr(Reminders, "_deliver", taken_meanwhile)
    assert remind(site) == 0
    ticket = look_up(database, reference)
    assert ticket.taken_by == "ada@example.com"
    assert ticket.remind_at is None
