"""Why a ticket is not delivered, in plain words, without codes and names of errors."""

from __future__ import annotations

import re

import pytest

from flask_kapa_handoff.delivery.reasons import OTHER, plain_reason

REASONS = [
    ("550 5.1.1 <team@example.com>: no such user", "There is no such address"),
    ("550 no such user", "There is no such address"),
    ("452 4.2.2 mailbox full", "The mailbox is full."),
    ("552 5.3.4 too big", "too large for the mail server"),
    ("451 4.7.1 Greylisted", "busy, or wants us to try again later"),
    ("450 4.1.1 <team@example.com>: Recipient address rejected: Address lookup failed", "busy, or wants"),
    ("451 4.7.1 not now", "busy, or wants us to try again later"),
    ("550 5.7.1 not authorized", "doesn't accept messages from this site"),
    ("554 spam", "because of its content"),
    ("550 no", "rejected an address"),
    ("554 no", "The mail server rejected the message."),
    ("STARTTLS extension not supported by server.", "doesn't offer what the site's mail settings ask for"),
    ("No suitable authentication method found.", "doesn't offer a login with a password"),
    ("SSLEOFError: EOF occurred in violation of protocol", "No secure connection"),
    ("UnicodeError: label empty or too long", "host name could not be found"),
    ("not sent: MAIL_SUPPRESS_SEND is on", "Sending is turned off"),
    ("535 5.7.8 wrong password", "refused the site's login"),
    ("gaierror: [Errno -2] Name or service not known", "host name could not be found"),
    ("ConnectionRefusedError: [Errno 111] Connection refused", "could not be reached"),
    ("SSLCertVerificationError: [SSL] certificate verify failed", "can't be trusted"),
    ("TimeoutError: timed out", "did not respond in time"),
    ("Connection unexpectedly closed", "closed the connection"),
    ("TimeoutError: timed out; the whole mail had been sent", "before the mail server confirmed"),
    ("451 4.3.0 oops; the whole mail had been sent", "before the mail server confirmed"),
    ("MAIL_DEFAULT_SENDER is not set, and neither is KAPA_HANDOFF_SENDER", "mail settings are not complete"),
    ("MAIL_PORT: 'a door' is not a number", "mail settings are not complete"),
    ("the stored conversation cannot be read: no pairs", "The stored conversation is damaged."),
    ("the mail could not be composed: ValueError: x", "could not be written"),
    ("OSError while the mail was composed: no space left", "could not be written"),
    ("the process ended in the middle of the delivery, more than once", "cut off more than once"),
    ("Zendesk did not accept it yet: it is busy", "Zendesk did not accept it yet: it is busy"),
    ("Zendesk did not accept it yet.", "Zendesk did not accept it yet."),
    ("Desk: EU did not accept it yet: it is busy", "Desk: EU did not accept it yet: it is busy"),
    ("550 spam: the filter did not accept it: spam", "because of its content"),
    ("500px did not accept it: the subject is missing", "did not accept it: the subject is missing"),
    ("The site's code for Zendesk raised KeyError: 'id'", "Sending it to Zendesk failed in the site's own code."),
    ("The site's code for Zendesk returned bool, not None", "Sending it to Zendesk failed in the site's own code."),
    ("KAPA_HANDOFF_CHANNEL is 'zendesk', and no channel of that name is registered", "channel for tickets is not set"),
    ("a mail server's words without a code", OTHER),
    ("", OTHER),
]


@pytest.mark.parametrize(("words", "reason"), REASONS)
def test_each_reason_is_told_in_plain_words(words: str, reason: str) -> None:
    """The raw words are shown under "Details", not in the sentence."""
    told = plain_reason(words)
    assert reason in told
    assert not re.search(r"\d{3}(?!px)|Error|Errno|_", told)
