"""What a mail server's reply means for a ticket: refused for good, or retried with an alarm until somebody acts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery import requeue
from flask_kapa_handoff.delivery.mail.replies import classify, refusal
from flask_kapa_handoff.delivery.mail.reply_classes import CLASSES, OTHER
from flask_kapa_handoff.delivery.outcomes import Refused, TryLater
from flask_kapa_handoff.delivery.reasons import plain_reason
from flask_kapa_handoff.health import health
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Outcome, Status
from flask_kapa_handoff.testing import deliver
from tests.helpers.commands import findings
from tests.helpers.couriers import ticket_and_attempts
from tests.helpers.outboxes import rewrite
from tests.helpers.scripted_smtp import Reply, ScriptedServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

ROOM = Path(__file__).parent
LOG_IN = {"MAIL_USERNAME": "docs", "MAIL_PASSWORD": "the secret of this test"}
EXTENSIONS = {"AUTH": ["AUTH PLAIN"], "STARTTLS": ["STARTTLS"]}
BY_NAME = {row.name: row for row in (*CLASSES, OTHER)}


class Seen(NamedTuple):
    """A reply as a provider documents it, or as its customers report it."""

    step: str
    name: str
    source: str
    reply: str

    @property
    def error(self) -> TryLater | Refused:
        """What the transport makes of it."""
        return refusal(int(self.reply[:3]), self.reply[4:], at_mail=self.step == "MAIL")


CORPUS = [
    Seen(*line.split("\t"))
    for line in (ROOM / "data" / "smtp_replies.tsv").read_text().splitlines()
    if not line.startswith("#")
]

NAMED = [
    "554 5.2.252 SendAsDenied; docs@acme.example not allowed to send as support@acme.example",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "554 Message rejected: Email address is not verified. The following identities failed the check",
    "550 The from address does not match a verified Sender Identity.",
    "552 5.2.2 mailbox full",
    "550 Greylisted",
]
"""Replies with a 5xx code that say nothing against the ticket."""


@pytest.mark.parametrize("seen", CORPUS, ids=lambda seen: f"{seen.step}-{seen.reply[:60]}")
def test_each_known_reply_has_its_class(seen: Seen) -> None:
    """The class decides what follows, and gives the sentence that people read; the reply itself stays."""
    row, error = BY_NAME[seen.name], seen.error
    assert classify(str(error)).name == seen.name
    assert type(error) is (Refused if row.permanent else TryLater)
    assert str(error).startswith(seen.reply)
    assert plain_reason(str(error)) == row.reason


def test_each_class_is_seen_somewhere() -> None:
    """No class, and so none of its codes, is there without a reply that needs it."""
    assert {seen.name for seen in CORPUS} == set(BY_NAME)
    assert not re.search(r"_|\d", " ".join(row.reason for row in BY_NAME.values()))


@pytest.mark.parametrize("seen", CORPUS, ids=lambda seen: f"{seen.step}-{seen.reply[:60]}")
def test_the_same_reply_with_4xx_is_always_retried(seen: Seen) -> None:
    """Whatever its words say: the server says that it may work later."""
    words = seen.reply.replace(" 5.", " 4.").replace("#5.", "#4.")
    assert type(refusal(int(f"4{words[1:3]}"), words[4:])) is TryLater


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "END"])
@pytest.mark.parametrize("reply", NAMED)
def test_what_is_about_the_site_or_passes_is_retried_with_one_alarm(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask], step: str, reply: str
) -> None:
    """The tickets wait, the raw reply stays, and the check-up and the health route name the cause once for all."""
    app = smtp_site(smtp({step: [reply, reply]}))
    references = [send_ticket(app.test_client()) for _ in range(2)]
    for ticket in deliver(app):
        assert ticket.status is Status.QUEUED
        assert ticket.next_attempt_at is not None
        assert (ticket.last_error or "").startswith(reply)
    for reference in references:
        _, [attempt] = ticket_and_attempts(app, reference)
        assert attempt.outcome is Outcome.DELAYED
        assert (attempt.detail or "").startswith(reply)

    assert health(app).alarms == (f"2 tickets could not be sent yet. {plain_reason(attempt.detail or '')}",)
    code, output = findings(app)
    assert code == 0
    assert output.count("could not be sent yet") == 1
    assert f"Details: {reply}" in output
    assert re.search(f"retry ({references[0]}|{references[1]})", output)


def test_every_admin_page_has_the_alarm(smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]) -> None:
    """Until the cause is gone: then the next attempt delivers the tickets, and no page mentions it any more."""
    handoff = KapaHandoff(admin_required=lambda view: view)
    app = smtp_site(smtp({"END": ["554 5.2.252 SendAsDenied"]}), handoff=handoff)
    reference = send_ticket(app.test_client())
    deliver(app)
    pages = [f"/handoff/admin/{name}" for name in ("", "tickets", f"tickets/{reference}", "doctor")]
    for page in pages:
        text = app.test_client().get(page).text
        assert text.count('data-trouble="refused"') == 1, page
        assert "The mail server doesn&#39;t accept this site&#39;s sender address." in text

    requeue.send_again(state_of(app).database, reference)
    deliver(app)
    assert health(app).alarms == ()
    for page in pages:
        assert "data-trouble" not in app.test_client().get(page).text


@pytest.mark.parametrize(
    ("config", "script", "words"),
    [
        ({"MAIL_DEFAULT_SENDER": None}, {}, "mail settings are not complete"),
        ({"MAIL_USE_TLS": True}, {}, "doesn't offer what the site's mail settings ask for"),
        (LOG_IN, {"EHLO": ["250-smtp.example\r\n250 AUTH XOAUTH2"]}, "doesn't offer a login with a password"),
        (LOG_IN, {"AUTH": ["535 5.7.8 wrong password"]}, "refused the site's login"),
        (LOG_IN, {"AUTH": ["550 no such user"]}, "refused the site's login"),
        ({}, {"CONNECT": ["554 no SMTP service here"]}, "blocks mail from this site's server"),
        ({}, {"CONNECT": ["554 Transaction failed"]}, "blocks mail from this site's server"),
        ({}, {"EHLO": ["550 no"], "HELO": ["550 no"]}, "blocks mail from this site's server"),
        ({"MAIL_USE_TLS": True}, {"STARTTLS": ["554 no such user"]}, "blocks mail from this site's server"),
    ],
    ids=str,
)
def test_faults_of_the_configuration_are_an_alarm_at_once(
    smtp: Callable[..., ScriptedServer],
    smtp_site: Callable[..., Flask],
    config: dict[str, object],
    script: dict[str, list[Reply]],
    words: str,
) -> None:
    """They don't pass, so nobody needs to wait for an hour to hear of them."""
    app = smtp_site(smtp(script, extensions=EXTENSIONS.get(next(iter(script), ""), [])), **config)
    send_ticket(app.test_client())
    deliver(app)
    (alarm,) = health(app).alarms
    assert words in alarm


def test_what_often_passes_is_no_alarm_until_an_hour_is_over(
    smtp: Callable[..., ScriptedServer], smtp_site: Callable[..., Flask]
) -> None:
    """A server that is busy for a minute wakes nobody."""
    app = smtp_site(smtp({"RCPT": ["451 4.7.1 Greylisted"]}))
    reference = send_ticket(app.test_client())
    deliver(app)
    rewrite(state_of(app).database, reference, queued_at=-timedelta(minutes=59))
    assert health(app).alarms == ()
    rewrite(state_of(app).database, reference, queued_at=-timedelta(minutes=61))
    (alarm,) = health(app).alarms
    assert "busy, or wants us to try again later" in alarm
