"""The admin's tickets: the list, a ticket with its transcript and its delivery, sending again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from tests.helpers.couriers import courier_of
from tests.helpers.offers import signed_offer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import PAIR, send_ticket

MANY = {"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000, "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000}
EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


@pytest.fixture
def admin_app(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """Builds apps with a mail server and admin pages that are open to everyone."""

    def build(**config: Any) -> Flask:
        mail = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": mail_server.port}
        return make_app(handoff=KapaHandoff(admin_required=lambda view: view), **{**mail, **MANY, **config})

    return build


@pytest.fixture
def app(admin_app: Callable[..., Flask]) -> Flask:
    """An app with the defaults."""
    return admin_app()


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    """An admin's client."""
    return app.test_client()


def shown(answer: TestResponse) -> str:
    """The text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.replace("<wbr>", ""))).split())


def ticket_page(client: FlaskClient, reference: str) -> TestResponse:
    """The page of a ticket."""
    answer = client.get(f"/handoff/admin/tickets/{reference}")
    assert answer.status_code == 200
    return answer


def deliver(app: Flask, reference: str) -> None:
    """Deliver one ticket, as a worker would."""
    courier = courier_of(app)
    try:
        assert courier.deliver_next(reference)
    finally:
        courier.close()


def cut_off(app: Flask, reference: str, *, long_ago: bool) -> None:
    """Begin a delivery that never ends, like a process that is killed."""
    database = state_of(app).database
    assert outbox.claim(database, 30, reference=reference)
    if long_ago:
        with database.write() as connection:
            past = now(connection) - timedelta(minutes=1)
            connection.execute(
                update(ticket_table).where(ticket_table.c.reference == reference).values(leased_until=past)
            )


def send_again(client: FlaskClient, reference: str, **changes: Any) -> TestResponse:
    """Press "Send again", or send what an outdated page would send."""
    page = client.get("/handoff/admin/").text
    token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page)
    assert token
    return client.post(f"/handoff/admin/tickets/{reference}/send-again", data={"csrf_token": token[1], **changes})


# The list


def test_an_empty_list_says_what_it_will_show(admin: FlaskClient) -> None:
    """Before the first ticket the page explains itself."""
    assert "No tickets yet" in shown(admin.get("/handoff/admin/tickets"))


def test_the_list_shows_the_newest_first_with_their_states(
    app: Flask, admin: FlaskClient, mail_server: MailServer
) -> None:
    """Each ticket is in the list with its question, its visitor and the state of its delivery as a word."""
    references = [
        send_ticket(
            admin,
            email=f"v{number}@example.com",
            conversation=json.dumps([{**PAIR, "question": f"Question {number}"}]),
        )
        for number in range(5)
    ]
    deliver(app, references[0])
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    deliver(app, references[1])
    mail_server.replies["RCPT"] = ["451 4.7.1 try later"]
    deliver(app, references[2])
    cut_off(app, references[3], long_ago=False)

    page = shown(admin.get("/handoff/admin/tickets"))
    places = [page.index(f"Question {number}") for number in range(5)]
    assert places == sorted(places, reverse=True)
    rows = re.split(r"(?=Question \d)", page)[:0:-1]
    for row, reference, number, state in zip(
        rows, references, range(5), ["Delivered", "Failed", "Waiting", "Waiting", "Waiting"], strict=True
    ):
        assert reference in row
        assert f"v{number}@example.com · 1 question ·" in row
        assert state in row
    assert "There is no such address at the mail server. Check where tickets go in the settings." in rows[1]
    assert re.search(r"Next attempt: \d{4}-\d\d-\d\d \d\d:\d\d UTC \. The mail server is busy", rows[2])
    assert "5.1.1" not in "".join(rows)


def test_the_list_goes_on_page_by_page(admin: FlaskClient) -> None:
    """Fifty tickets a page; no ticket is missing or twice, also when new ones arrive in between."""
    references = [send_ticket(admin) for _ in range(101)]
    found, link, pages = [], "/handoff/admin/tickets", 0
    while link:
        page = admin.get(link).text
        found += re.findall(r'/handoff/admin/tickets/(T-\w+)"', page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        link, pages = unescape(following[1]) if following else "", pages + 1
        send_ticket(admin)
    assert pages == 3
    assert found == references[::-1]
    assert 'href="/handoff/admin/tickets">Newest' in page


@pytest.mark.parametrize("before", ["x", "", "0198f6a0"])
def test_a_page_that_does_not_exist_is_not_found(admin: FlaskClient, before: str) -> None:
    """A damaged link to a page of the list is 404."""
    assert admin.get("/handoff/admin/tickets", query_string={"before": before}).status_code == 404


# One ticket


def test_a_ticket_is_shown_with_everything(admin: FlaskClient) -> None:
    """Note, transcript as Markdown, marks, sources, facts."""
    conversation = [
        {
            **PAIR,
            "answer": "Do **this**:\n\n- one\n- two",
            "sources": [{"title": "The guide", "url": "https://docs.example.com/keys"}],
        },
        {
            "id": "a2",
            "question": "And then?",
            "answer": "Perhaps.",
            "uncertain": True,
            "reaction": "downvote",
            "stopped": True,
        },
    ]
    offer = signed_offer(admin, pairs=2, thread_id="thread-9", page="https://docs.example.com/ask")
    reference = send_ticket(
        admin,
        offer=offer,
        email="maria+x@example.com",
        note="Line one\nLine two",
        conversation=json.dumps(conversation),
        headers={"Accept-Language": "de"},
    )
    answer = ticket_page(admin, reference)
    assert "<strong>this</strong>" in answer.text
    assert ">one</li>" in answer.text
    assert "Line one\nLine two" in answer.text
    assert 'href="https://docs.example.com/keys" rel="noopener noreferrer nofollow">The guide<' in answer.text
    assert 'href="mailto:maria%2Bx@example.com"' in answer.text
    page = shown(answer)
    for text in (
        f"Reference {reference}",
        "Why the button appeared Every answer",
        "Page https://docs.example.com/ask",
        "Thread thread-9",
        "Language German",
        "Goes to support@example.com",
        "Stopped early",
        "Flagged as uncertain",
        "Voted down",
        "The visitor's browser sent this transcript, so it could have been altered",
        "It is waiting to be sent.",
    ):
        assert text in page, text


def test_the_source_of_the_transcript_is_named_on_top(admin: FlaskClient) -> None:
    """Before anything that the visitor or the AI wrote, the subject aside."""
    page = ticket_page(admin, send_ticket(admin)).text
    assert page.index("The visitor&#39;s browser sent") < page.index("Note</h2>")


def test_no_link_hides_where_it_leads(admin: FlaskClient) -> None:
    """Links show their host, an address with a user is no link, and characters that cannot be seen are gone."""
    conversation = [
        {
            **PAIR,
            "question": "pay\u202epal",
            "answer": "[https://a.example/reset](https://evil.example)",
            "sources": [
                {"title": "The guide", "url": "https://docs.example.com/keys"},
                {"title": "bank", "url": "https://bank.example@evil.example/"},
            ],
        }
    ]
    reference = send_ticket(admin, note="mi\u200bne", conversation=json.dumps(conversation))
    answer = ticket_page(admin, reference)
    page = shown(answer)
    assert "https://a.example/reset → evil.example" in page
    assert "The guide → docs.example.com" in page
    assert "bank (https://bank.example@evil.example/)" in page
    assert 'href="https://bank' not in answer.text
    for text in (answer.text, admin.get("/handoff/admin/tickets").text):
        assert "paypal" in text
        assert not set(text) & {"\u202e", "\u200b"}


def test_a_follow_up_leads_to_the_earlier_ticket(admin: FlaskClient) -> None:
    """A second ticket of a thread links to the first."""
    first, second = send_ticket(admin), send_ticket(admin)
    assert f'href="/handoff/admin/tickets/{first}">{first}</a>' in ticket_page(admin, second).text


def test_times_are_utc_and_machine_readable(admin: FlaskClient) -> None:
    """A time is written in UTC, with the exact moment beside it for programs."""
    page = ticket_page(admin, send_ticket(admin)).text
    exact, shown = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(rf'<time dir="auto" datetime="{exact}">{shown}</time>', page)


def test_an_unknown_ticket_is_not_found(admin: FlaskClient) -> None:
    """A reference that nobody has is 404 with a sentence, and what was asked for is text."""
    answer = admin.get("/handoff/admin/tickets/<script>alert(1)<!script>")
    assert answer.status_code == 404
    assert "There is no ticket" in shown(answer)
    assert "<script>alert" not in answer.text
    assert send_again(admin, "T-ABCDEF").status_code == 404


def test_hostile_text_stays_text(admin: FlaskClient) -> None:
    """Markup in what a visitor or a model wrote is shown and never run."""
    conversation = [
        {
            "id": "a1",
            "question": EVIL,
            "answer": f"{EVIL}\n\n[click](javascript:alert(1)) ![i](https://x.example/i.png)",
            "sources": [
                {"title": EVIL, "url": "https://x.example/" + EVIL},
                {"title": "link", "url": "javascript:alert(1)"},
                {"title": "data", "url": "data:text/html,<script>alert(1)</script>"},
            ],
        }
    ]
    offer = signed_offer(admin, thread_id=EVIL, page="https://x.example/" + EVIL)
    reference = send_ticket(
        admin, offer=offer, email="'onload'=x@example.com", note=EVIL, conversation=json.dumps(conversation)
    )
    for answer in (admin.get("/handoff/admin/tickets"), ticket_page(admin, reference)):
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert not re.search(r"href=\"(?!https?:|/|mailto:)", answer.text)
        assert "alert(1)" in answer.text
    assert shown(answer).count("alert(1)") >= 6


# Delivery


def test_each_attempt_is_shown_with_the_servers_words(app: Flask, admin: FlaskClient, mail_server: MailServer) -> None:
    """The page tells when, to whom, and how each attempt ended."""
    reference = send_ticket(admin)
    mail_server.replies["DATA"] = ["451 4.7.1 Greylisted <b>now</b>"]
    deliver(app, reference)
    page = ticket_page(admin, reference)
    assert "Waiting" in shown(page)
    assert "wants us to try again later. That happens automatically. Details 451 4.7.1 Greylisted" in shown(page)
    assert "451 4.7.1 Greylisted &lt;b&gt;now&lt;/b&gt;" in page.text
    assert "Next attempt:" in shown(page)
    assert ">Try now</button>" in page.text


def test_the_outcome_of_an_interrupted_attempt_is_unknown(app: Flask, admin: FlaskClient) -> None:
    """An attempt without an outcome says so, and that the mail may arrive twice."""
    reference = send_ticket(admin)
    cut_off(app, reference, long_ago=True)
    page = shown(ticket_page(admin, reference))
    assert "The last attempt was cut off. It will be retried automatically." in page
    assert "This attempt was cut off." in page
    assert "it could arrive twice" in page
    deliver(app, reference)
    page = shown(ticket_page(admin, reference))
    assert "This attempt was cut off." in page
    assert "Delivered" in page
    assert "250 2.0.0 taken" in page


def test_a_lost_reply_may_mean_a_duplicate(app: Flask, admin: FlaskClient, mail_server: MailServer) -> None:
    """If a mail was sent and no reply came, the outcome is unknown; the page says that there may be two copies."""
    reference = send_ticket(admin)
    mail_server.replies["DATA"] = ["no reply at all"]
    deliver(app, reference)
    page = shown(ticket_page(admin, reference))
    assert "The connection broke before the mail server confirmed the message." in page
    assert page.count("it could arrive twice") == 1
    assert "Next attempt:" in page
    assert requeue.send_again(state_of(app).database, reference)
    deliver(app, reference)
    page = shown(ticket_page(admin, reference))
    assert "The mail server accepted the message" in page
    assert page.count("it could arrive twice") == 1


def test_a_server_out_of_reach_is_no_duplicate(admin_app: Callable[..., Flask]) -> None:
    """An attempt that reached no mail server says so, and nothing of copies."""
    app = admin_app(MAIL_PORT=free_port())
    reference = send_ticket(app.test_client())
    deliver(app, reference)
    page = shown(ticket_page(app.test_client(), reference))
    assert "Waiting" in page
    assert "The mail server could not be reached." in page
    assert "Details ConnectionRefusedError" in page
    assert "arrive twice" not in page


def test_an_attempt_that_has_not_ended_is_shown_as_sending(app: Flask, admin: FlaskClient) -> None:
    """A ticket in delivery says so, and cannot be sent a second time."""
    reference = send_ticket(admin)
    cut_off(app, reference, long_ago=False)
    page = ticket_page(admin, reference)
    assert "Sending" in shown(page)
    assert "send-again" not in page.text
    answer = send_again(admin, reference)
    assert answer.status_code == 409
    assert "is being sent right now" in shown(answer)


def test_a_failed_ticket_is_sent_again(app: Flask, admin: FlaskClient, mail_server: MailServer) -> None:
    """Sending again queues the ticket, says so, and the next delivery takes it."""
    reference = send_ticket(admin)
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    deliver(app, reference)
    assert "It will not be retried automatically." in shown(ticket_page(admin, reference))
    answer = send_again(admin, reference)
    assert answer.status_code == 303
    assert "The ticket will be sent now." in shown(admin.get(answer.location))
    deliver(app, reference)
    [mail] = mail_server.wait_for(1)
    assert mail.message["X-Kapa-Handoff-Ticket"] == reference
    page = ticket_page(admin, reference)
    assert "send-again" not in page.text
    assert "550 5.1.1 no such user" in page.text


def test_a_delivered_ticket_is_not_sent_again(app: Flask, admin: FlaskClient, mail_server: MailServer) -> None:
    """An old page's button does not send what was delivered meanwhile."""
    reference = send_ticket(admin)
    deliver(app, reference)
    answer = send_again(admin, reference)
    assert answer.status_code == 409
    assert "has already been delivered" in shown(answer)
    assert len(mail_server.received) == 1


@pytest.mark.parametrize("token", ["", "forged"])
def test_sending_again_needs_a_token(app: Flask, admin: FlaskClient, mail_server: MailServer, token: str) -> None:
    """A missing or forged token is 400; the ticket stays as it is."""
    reference = send_ticket(admin)
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    deliver(app, reference)
    answer = send_again(admin, reference, csrf_token=token)
    assert answer.status_code == 400
    assert "Your session has expired" in shown(answer)
    assert "Failed" in shown(ticket_page(admin, reference))


@pytest.mark.parametrize("delivery", ["thread", "inline"])
def test_sending_again_starts_the_delivery(
    admin_app: Callable[..., Flask], mail_server: MailServer, delivery: str
) -> None:
    """Where this process delivers, the ticket goes out at once."""
    mail_server.replies["RCPT"] = ["550 5.1.1 no such user"]
    waiting = admin_app()
    reference = send_ticket(waiting.test_client())
    deliver(waiting, reference)
    client = admin_app(KAPA_HANDOFF_DELIVERY=delivery).test_client()  # on the same database
    assert send_again(client, reference).status_code == 303
    [mail] = mail_server.wait_for(1)
    assert mail.message["X-Kapa-Handoff-Ticket"] == reference
