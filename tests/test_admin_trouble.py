"""What is wrong with the delivery, on top of every admin page: the line, its buttons, the counts on the tabs."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy import event, insert, select, update

from flask_kapa_handoff import KapaHandoff, TryLater
from flask_kapa_handoff.delivery import alarms, requeue
from flask_kapa_handoff.delivery.mail.reply_classes import CLASSES, OTHER
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.ticket_list import Count
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.testing import deliver, tickets
from tests.helpers.admin import let_pass
from tests.helpers.deliveries import rewrite
from tests.helpers.desks import save_desk
from tests.helpers.pages import FRAGMENT
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

ADMIN = "/handoff/admin/"
NOT_VERIFIED = "550 5.7.1 Sender address not verified"

Build = Callable[..., Flask]


@pytest.fixture
def site(make_app: Build, mail_server: MailServer) -> Build:
    """Builds sites with a mail server, and admin pages that are open to everyone."""

    def build(**config: Any) -> Flask:
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port}
        return make_app(handoff=KapaHandoff(admin_required=let_pass), **{**mail, **config})

    return build


def pages_of(reference: str) -> list[str]:
    return ["", "desks", "tickets", f"tickets/{reference}", "insights", "doctor", "trouble"]


def seen(client: FlaskClient, page: str = "", **options: Any) -> str:
    """What a page says, as text."""
    answer = client.get(f"{ADMIN}{page}", **options)
    assert answer.status_code == 200
    return text_of(answer.text)


def text_of(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def press(client: FlaskClient, action: str, page: str = "", **options: Any) -> Any:
    """Press a button of an admin page."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(f"{ADMIN}{page}").text)
    assert token
    return client.post(f"{ADMIN}{action}", data={"csrf_token": token[1]}, **options)


def kinds(client: FlaskClient) -> list[str]:
    return re.findall(r'data-trouble="(\w+)"', client.get(ADMIN).text)


def refuse(app: Flask, mail_server: MailServer, number: int, reply: str = NOT_VERIFIED) -> list[str]:
    """Send tickets that the mail server refuses."""
    found = [send_ticket(app.test_client()) for _ in range(number)]
    mail_server.replies["RCPT"] = [reply] * number
    deliver(app)
    return found


def test_without_trouble_no_page_says_anything(site: Build) -> None:
    """Nor is there a count on a tab, while nothing waits."""
    app = site()
    reference = send_ticket(app.test_client())
    deliver(app)
    for page in pages_of(reference):
        markup = app.test_client().get(f"{ADMIN}{page}").text
        assert "data-trouble" not in markup, page
        assert "handoff-tab-count " not in markup, page
    assert "The button is shown" in seen(app.test_client())
    assert "tickets don't arrive" not in seen(app.test_client())


def test_every_page_says_why_mail_is_refused_and_what_waits(site: Build, mail_server: MailServer) -> None:
    """Since when, why, how many, and what to do about it; the settings page does not look as if all were well."""
    app = site()
    references = refuse(app, mail_server, 3)
    rewrite(app, references[0], status="failed", next_attempt_at=None)
    for reference in references:
        rewrite(app, reference, queued_at=-timedelta(hours=2))
    client = app.test_client()
    for page in pages_of(references[0]):
        text = seen(client, page)
        assert re.search(
            r"Mail has been refused since \d{4}-\d\d-\d\d \d\d:\d\d UTC ?\. The mail server doesn't", text
        ), page
        assert "2 waiting · 1 failed · Longest wait: 2 hours" in text, page
        for button in ("Try now", "Send all failed again", "Send a test mail"):
            assert button in text, page
        assert "Tickets 2 Waiting 1 Failed" in text, page
        assert f"Details {NOT_VERIFIED}" in text, page
    assert "The button is shown, but tickets don't arrive" in seen(client)
    assert "1 more problem" in seen(client)
    assert kinds(client) == ["refused"]


def test_the_worst_comes_first(site: Build, mail_server: MailServer) -> None:
    """Nobody delivers, then mail that is refused, then mail that is turned off, then what has failed."""
    app = site()
    client = app.test_client()
    failed, suppressed, stuck, idle = refuse(app, mail_server, 4)
    rewrite(app, idle, next_attempt_at=None, last_error=None, status="delivered")
    rewrite(app, stuck, status="delivered")
    rewrite(app, suppressed, status="suppressed", next_attempt_at=None)
    rewrite(app, failed, status="failed", next_attempt_at=None, last_error="550 5.1.1 no such user")
    assert kinds(client) == ["suppressed"]
    assert "1 more problem 1 ticket could not be delivered. There is no such address" in seen(client)
    rewrite(app, stuck, status="queued", next_attempt_at=timedelta(minutes=5))
    assert kinds(client) == ["refused"]
    rewrite(app, idle, status="queued", next_attempt_at=-timedelta(minutes=16))
    assert kinds(client) == ["idle"]
    assert "3 more problems" in seen(client)
    assert re.search(
        r"Nothing has been delivering tickets since \S+ \d\d:\d\d UTC ?\. Try now sends them from here", seen(client)
    )
    rewrite(app, idle, next_attempt_at=-timedelta(minutes=14))
    assert kinds(client) == ["refused"]


def test_try_now_makes_what_waits_due_and_says_so(site: Build, mail_server: MailServer) -> None:
    """How long it has waited stays, and so does what is held; the line asks again until nothing moves."""
    app = site()
    references = refuse(app, mail_server, 3)
    rewrite(app, references[2], status="held", next_attempt_at=timedelta(hours=1))
    client = app.test_client()
    before = [one.queued_at for one in tickets(app)]
    assert client.post(f"{ADMIN}trouble/try-now", headers=FRAGMENT).status_code == 400
    assert not any(one.next_attempt_at and one.next_attempt_at <= _now(app) for one in tickets(app))

    answer = press(client, "trouble/try-now", headers=FRAGMENT)
    assert answer.status_code == 200
    assert "2 tickets will be sent now. 2 waiting" in text_of(answer.text)
    assert 'hx-get="/handoff/admin/trouble?sent=2" hx-trigger="every 2s"' in answer.text
    assert "data-quiet" in answer.text
    assert sum(bool(one.next_attempt_at and one.next_attempt_at <= _now(app)) for one in tickets(app)) == 2
    assert [one.queued_at for one in tickets(app)] == before
    assert {one.status for one in tickets(app)} == {Status.QUEUED, Status.HELD}

    deliver(app)
    assert len(mail_server.received) == 2
    live = client.get(f"{ADMIN}trouble?sent=2", headers=FRAGMENT).text
    assert "Everything has been delivered. Nothing is waiting." in text_of(live)
    assert "hx-get" not in live
    assert 'id="kapa-handoff-admin-tab-tickets" hx-swap-oob="true"' in live


def test_all_failed_tickets_are_sent_again_once(site: Build, mail_server: MailServer) -> None:
    """Not only those of a page, to the address that the desk has now; a second press finds none."""
    app = site()
    refuse(app, mail_server, 9, "550 5.1.1 no such user")
    client = app.test_client()
    assert "9 tickets could not be delivered. There is no such address at the mail server." in seen(client)
    assert "The button is shown, but" not in seen(client)
    answer = press(
        client,
        "trouble/send-failed",
        "insights?from=2026-01-01",
        headers={"Referer": f"http://localhost{ADMIN}insights?from=2026-01-01"},
    )
    assert answer.status_code == 303
    assert answer.location == f"{ADMIN}trouble?sent=9&back={ADMIN}insights?from%3D2026-01-01"
    after = client.get(answer.location).text
    assert "9 tickets will be sent now." in text_of(after)
    assert f'<a href="{ADMIN}insights?from=2026-01-01">Back</a>' in after
    again = press(client, "trouble/send-failed", headers=FRAGMENT)
    assert "0 tickets will be sent now." in text_of(again.text)
    deliver(app)
    assert len(mail_server.received) == 9
    foreign = {"Referer": "http://evil.example/elsewhere"}
    assert press(client, "trouble/try-now", headers=foreign).location == f"{ADMIN}trouble?sent=0"


def test_a_button_works_where_no_process_delivers(site: Build, mail_server: MailServer) -> None:
    """The request sends what nobody has taken: no shell is needed, even if the worker is gone."""
    app = site()
    reference = send_ticket(app.test_client())
    rewrite(app, reference, next_attempt_at=-timedelta(minutes=16))
    client = app.test_client()
    assert kinds(client) == ["idle"]
    press(client, "trouble/try-now")
    assert [one.status for one in tickets(app)] == [Status.DELIVERED]
    assert len(mail_server.received) == 1
    assert kinds(client) == []


@pytest.mark.only("sqlite")
def test_a_site_that_sends_in_the_request_sends_what_waits_there(site: Build, mail_server: MailServer) -> None:
    """KAPA_HANDOFF_DELIVERY = "inline"."""
    app = site(KAPA_HANDOFF_DELIVERY="inline")
    mail_server.replies["RCPT"] = [NOT_VERIFIED]
    send_ticket(app.test_client())
    press(app.test_client(), "trouble/try-now")
    assert [one.status for one in tickets(app)] == [Status.DELIVERED]


@pytest.mark.only("sqlite")
def test_a_channel_that_refuses_is_told_in_its_own_words(make_app: Build) -> None:
    """For admins, who may read them."""
    handoff = KapaHandoff(admin_required=let_pass)

    def parrot(ticket: Any, conversation: Any) -> None:
        raise TryLater("out of seeds")

    handoff.channel("parrot", label="The Parrot")(parrot)
    app = make_app(handoff=handoff, KAPA_HANDOFF_CHANNEL="parrot")
    reference = send_ticket(app.test_client())
    deliver(app)
    assert kinds(app.test_client()) == []
    rewrite(app, reference, queued_at=-timedelta(hours=2))
    assert kinds(app.test_client()) == ["stuck"]
    assert "Tickets have not gone out since" in seen(app.test_client())
    assert "The Parrot did not accept it yet: out of seeds" in seen(app.test_client())


@pytest.mark.only("sqlite")
def test_a_damaged_time_breaks_no_page(site: Build, mail_server: MailServer) -> None:
    app = site()
    refuse(app, mail_server, 1)
    with state_of(app).database.write() as connection:
        connection.exec_driver_sql("UPDATE kapa_handoff_ticket SET queued_at = 'x', next_attempt_at = 'zz'")
        connection.exec_driver_sql("UPDATE kapa_handoff_delivery_attempt SET started_at = 'x'")
    assert "Mail has been refused since unknown time" in seen(app.test_client())


@pytest.mark.only("sqlite")
def test_one_query_whose_cost_is_bounded(site: Build) -> None:
    """10,000 tickets wait and as many have failed: counts end at 1,000, and all failed ones are sent again quickly."""
    app = site()
    send_ticket(app.test_client())
    many(app, 10_000, status="queued", last_error=NOT_VERIFIED)
    many(app, 10_000, status="failed", last_error=NOT_VERIFIED)
    state = state_of(app)
    with state.database.read() as connection:
        began = time.perf_counter()
        found = alarms.read_situation(connection)
        assert time.perf_counter() - began < 0.5
        counted: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *args: counted.append(args[2]))
        alarms.read_situation(connection)
        assert len([one for one in counted if "kapa_handoff_ticket" in one]) == 1
    assert (found.waiting, found.failed) == (Count(1_000, more=True), Count(1_000, more=True))
    assert "Tickets 1,000+ Waiting 1,000+ Failed" in seen(app.test_client())
    assert requeue.send_all_again(state.database, Status.FAILED) == 10_000
    assert requeue.send_all_again(state.database, Status.FAILED) == 0


def many(app: Flask, number: int, **values: Any) -> None:
    """Copies of the first ticket."""
    with state_of(app).database.write() as connection:
        first = dict(connection.execute(select(ticket_table)).first()._mapping)  # type: ignore[union-attr]
        moment = now(connection)
        rows = [
            {
                **first,
                "id": UUID(int=first["id"].int + 1 + n) if values["status"] == "queued" else uuid4(),
                "reference": f"{values['status'][0]}{n}",
                "submission_id": uuid4(),
                "offer_id": None,
                "next_attempt_at": moment + timedelta(minutes=5) if values["status"] == "queued" else None,
                **values,
            }
            for n in range(number)
        ]
        connection.execute(insert(ticket_table), rows)


@pytest.mark.only("sqlite")
@pytest.mark.only("sqlite")
def test_sending_that_is_turned_off_is_told_before_the_first_ticket(make_app: Build) -> None:
    """Also by the badge of the settings; not where no desk sends mails."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), MAIL_SUPPRESS_SEND=True)
    client = app.test_client()
    for page in ("", "tickets", "insights", "desks"):
        text = seen(client, page)
        assert "Sending is turned off on this site. Ask the site's operator to turn it on." in text, page
        assert "Check-up 1 Findings" in text
        assert "Send all" not in text
    assert "The button is shown, but tickets don't arrive" in seen(client)
    save_desk(app, "default", enabled=False)
    assert "Sending is turned off" not in seen(client, "tickets")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "config",
    [{"KAPA_HANDOFF_CHANNEL": "parrot"}, {"MAIL_SERVER": ""}],
)
def test_the_tab_counts_what_is_missing_in_the_configuration(make_app: Build, config: dict[str, str]) -> None:
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), **config)
    for page in ("", "doctor"):
        assert "Check-up 1 Findings" in seen(app.test_client(), page), page


def test_viewers_see_the_line_without_buttons(make_app: Build, mail_server: MailServer) -> None:
    """And the check-up without them, too."""
    handoff = KapaHandoff(admin_required=_nobody, viewer_required=let_pass)
    app = make_app(handoff=handoff, MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    (reference,) = refuse(app, mail_server, 1)
    for page in ("tickets", f"tickets/{reference}", "insights", "doctor", "trouble"):
        text = seen(app.test_client(), page)
        assert "Mail has been refused since" in text
        assert "Try now" not in re.sub("and Try now sends", "", text), page
        assert not re.search("<button[^>]*>Send a test mail", app.test_client().get(f"/handoff/admin/{page}").text)


def _nobody(view: Any) -> Any:
    return lambda *_args, **_values: abort(403)


def _now(app: Flask) -> Any:
    with state_of(app).database.read() as connection:
        return now(connection)


@pytest.mark.parametrize("row", [*CLASSES, OTHER], ids=lambda row: row.name)
def test_each_class_of_replies_has_a_sentence_that_says_what_to_do(row: Any) -> None:
    """What it means, then what to do or that nothing need be done; no code, no key, no number of a standard."""
    first, _, what_to_do = row.reason.partition(". ")
    assert first
    assert what_to_do.endswith("."), row.reason
    assert not re.search(r"\d{3}|SMTP|RFC|[A-Z]+_[A-Z]+", row.reason)


@pytest.mark.only("sqlite")
def test_a_test_mail_from_the_line_does_not_repeat_it(site: Build, mail_server: MailServer) -> None:
    """What the line says already, with the details, is said once; another reply is told in full, as elsewhere."""
    app = site()
    refuse(app, mail_server, 1)
    in_line = {**FRAGMENT, "HX-Target": "kapa-handoff-admin-trouble-outcome"}
    told = {}
    for name, reply, headers in (
        ("same", NOT_VERIFIED, in_line),
        ("other", "552 5.2.2 Mailbox full", in_line),
        ("elsewhere", NOT_VERIFIED, FRAGMENT),
    ):
        mail_server.replies["RCPT"] = [reply]
        told[name] = text_of(press(app.test_client(), "test-mail", headers=headers).text)
    assert re.fullmatch(r"(Not sent|Failed)\. A ticket would [^.]+\.", told["same"])
    assert "Details 552 5.2.2" in told["other"]
    assert f"Details {NOT_VERIFIED}" in told["elsewhere"]


def test_the_check_up_acts_and_links(site: Build, mail_server: MailServer) -> None:
    """Each finding about tickets leads to them and has its button; a command is only in the part for developers."""
    app = site()
    references = refuse(app, mail_server, 4)
    rewrite(app, references[0], status="failed", next_attempt_at=None)
    rewrite(app, references[1], status="held", next_attempt_at=timedelta(hours=1))
    rewrite(app, references[2], status="suppressed", next_attempt_at=None)
    client = app.test_client()
    page = client.get(f"{ADMIN}doctor").text
    findings = page[page.index("handoff-findings") :]
    for act, status in (
        ("trouble/try-now", "waiting"),
        ("trouble/send-failed", "failed"),
        ("tickets/release-held", "held"),
        ("tickets/send-suppressed", "suppressed"),
    ):
        assert f'action="{ADMIN}{act}"' in findings
        assert f'href="{ADMIN}tickets?status={status}">Show the tickets</a>' in findings
    assert 'hx-target="#kapa-handoff-admin-outcome-1-waiting"' in findings
    assert 'id="kapa-handoff-admin-outcome-1-waiting"' in findings
    open_part = re.sub(r"<details.*?</details>", "", findings, flags=re.DOTALL)
    assert "flask kapa-handoff" in findings
    assert "flask kapa-handoff" not in open_part
    assert "<code>" not in open_part


def test_developers_get_a_report_without_visitors_words(site: Build, mail_server: MailServer) -> None:
    """Versions, findings, remedies; what is only theirs to fix is said to be so."""
    app = site(SECRET_KEY="short", MAIL_DEFAULT_SENDER=None)
    reference = send_ticket(app.test_client(), email="ada@example.org")
    rewrite(app, reference, last_error="550 5.7.1 ada@example.org may not", next_attempt_at=timedelta(minutes=5))
    page = app.test_client().get(f"{ADMIN}doctor").text
    report = unescape(page[page.index("<textarea") : page.index("</textarea>")])
    assert re.search(r"Python 3\.\d+\.\d+, flask-kapa-handoff \S+, Flask \d", report)
    assert "PROBLEM: There is no sender." in report
    assert "-> Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER" in report
    assert "ada@example.org" not in report
    assert "Send the report below to your developers." in text_of(page)


def test_the_tab_counts_what_the_check_up_finds(site: Build, mail_server: MailServer) -> None:
    """The same number on other pages, where nothing needs a connection to be found."""
    app = site(SECRET_KEY="short", MAIL_DEFAULT_SENDER="Support <support@example.com>")
    refuse(app, mail_server, 1)
    client = app.test_client()
    for page in ("", "doctor"):
        assert "Check-up 3 Findings" in seen(client, page)
    with state_of(app).database.write() as connection:
        connection.execute(update(ticket_table).values(status="delivered", next_attempt_at=None))
    assert "Check-up 2 Findings" in seen(client)


def counting(app: Flask) -> tuple[str, int]:
    """The settings page, and how many queries it took."""
    counted: list[Any] = []
    event.listen(state_of(app).database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    return app.test_client().get(ADMIN).text, len(counted)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"MAIL_SERVER": None}, "No mail server is set. Tickets are stored and wait to be sent."),
        ({"MAIL_DEFAULT_SENDER": None}, "There is no sender. Tickets are stored, but they cannot be sent."),
        (
            {"KAPA_HANDOFF_CHANNEL": "helpdesk"},
            "KAPA_HANDOFF_CHANNEL is 'helpdesk', and no channel of that name is registered. "
            "Tickets are stored and wait to be sent.",
        ),
    ],
    ids=["mail server", "sender", "channel"],
)
def test_a_missing_setting_is_told_before_the_first_ticket(make_app: Build, config: dict[str, Any], said: str) -> None:
    """To viewers, too; nothing can be pressed, since only the configuration helps. It takes no query."""
    queries, pages = list[int](), list[str]()
    for added in ({}, config):
        handoff = KapaHandoff(admin_required=_nobody, viewer_required=let_pass)
        app = make_app(handoff=handoff, name=f"site{len(pages)}", **{"MAIL_SERVER": "127.0.0.1", **added})
        app.test_client().get(ADMIN)
        page, number = counting(app)
        pages.append(page)
        queries.append(number)
    well, page = pages
    assert "data-trouble" not in well
    line = page[page.index('data-trouble="missing"') : page.index("</section>", page.index("data-trouble"))]
    assert f"{said} See the check-up" in text_of(line)
    assert "<form" not in line
    assert "The button is shown, but tickets don't arrive" in text_of(page)
    assert queries[0] == queries[1]


@pytest.mark.only("sqlite")
def test_a_missing_setting_has_no_button_for_admins_and_gives_way_to_tickets(site: Build) -> None:
    """Once a ticket waits because of it, the line is about that ticket; a site that takes no tickets lacks nothing."""
    app = site(MAIL_SERVER=None)
    client = app.test_client()
    assert kinds(client) == ["missing"]
    assert "Send a test mail" not in text_of(client.get(f"{ADMIN}tickets").text)
    reference = send_ticket(client)
    deliver(app)
    rewrite(app, reference, queued_at=-timedelta(hours=2))
    assert kinds(client) == ["stuck"]
    assert kinds(site(MAIL_SERVER=None, KAPA_HANDOFF_EMAIL=None, name="off").test_client()) == []
