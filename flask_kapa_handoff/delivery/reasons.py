"""Why a ticket is not delivered yet, in plain words. The other side's own words are shown under "Details"."""

from __future__ import annotations

import re

from ..translation import gettext as _
from ..translation import noop as N_
from .mail.replies import classify

_UNREACHABLE = N_("The mail server could not be reached. Ask the site's operator to check it.")
_NOT_FOUND = N_("The mail server's host name could not be found. Ask the site's operator to check it.")
_CONNECTION_ERRORS = (
    *("ConnectionRefusedError", "ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError"),
    *("PermissionError", "OSError"),
)

BY_ERROR = {
    **dict.fromkeys(("gaierror", "UnicodeError", "UnicodeEncodeError"), _NOT_FOUND),
    "SSLCertVerificationError": N_(
        "The mail server's certificate can't be trusted. Ask the site's operator to check it."
    ),
    **dict.fromkeys(
        ("SSLError", "SSLEOFError", "SSLZeroReturnError"),
        N_("No secure connection to the mail server could be made. Ask the site's operator to check its settings."),
    ),
    "TimeoutError": N_("The mail server did not respond in time."),
    **dict.fromkeys(_CONNECTION_ERRORS, _UNREACHABLE),
}
"""By the name of the error that ended the connection."""

BY_PHRASE = {
    "MAIL_SUPPRESS_SEND": N_("Sending is turned off on this site."),
    "KAPA_HANDOFF_CHANNEL": N_(
        "The site's channel for tickets is not set up. Ask the site's operator to check it; the check-up says more."
    ),
    "MAIL_": N_(
        "The site's mail settings are not complete. "
        "Ask the site's operator to check them; the check-up says what is missing."
    ),
    "No suitable authentication method": N_(
        "The mail server doesn't offer a login with a password. Ask the site's operator to check its login."
    ),
    "not supported by server": N_(
        "The mail server doesn't offer what the site's mail settings ask for. Ask the site's operator to check them."
    ),
    "was composed": N_("The message could not be written. Ask the site's operator to check the site's log."),
    "could not be composed": N_("The message could not be written. Ask the site's operator to check the site's log."),
    "stored conversation cannot be read": N_("The stored conversation is damaged."),
    "ticket is damaged": N_("The stored ticket is damaged."),
    "ended in the middle of the delivery": N_("Sending it was cut off more than once."),
    "Connection unexpectedly closed": N_("The mail server closed the connection."),
}
"""By what this package says itself, or Python's mail library."""

URGENT = (
    *("5__", "5__ %", r"MAIL\_%", r"KAPA\_HANDOFF\_CHANNEL%"),
    *("SSLCertVerificationError%", "%not supported by server%", "No suitable authentication method%"),
)
"""SQL patterns of the texts with which a waiting ticket needs somebody at once: its other attempts will end the same
way, or somebody's mailbox is full. The other errors often pass within minutes."""

SITE_CHANNEL = re.compile(r".+? did not accept it( yet)?[.:]")
SITE_CODE = re.compile(r"The site's code for (.+?) (raised|returned) \w")
"""What delivery/site_channel.py writes."""

UNCONFIRMED = "the whole mail had been sent"
OTHER = N_("It could not be sent.")


def plain_reason(words: str) -> str:
    """The reason in a sentence, and where the reader can do something about it, what.

    Arguments:
        words: a ticket's ``last_error``, an attempt's ``detail`` or the reply to a test mail.
    """
    if words.endswith(UNCONFIRMED):
        return _("The connection broke before the mail server confirmed the message.")
    if re.match(r"[45]\d\d\b", words):
        return _(classify(words).reason)
    if SITE_CHANNEL.match(words):
        return words  # by the site's developers, for people
    if failed := SITE_CODE.match(words):
        return _(
            "Sending it to %(channel)s failed in the site's own code. "
            "Ask the site's operator to check the site's log.",
            channel=failed[1],
        )
    if (error := re.match(r"(\w+): ", words)) and error[1] in BY_ERROR:
        return _(BY_ERROR[error[1]])
    return _(next((reason for phrase, reason in BY_PHRASE.items() if phrase in words), OTHER))


def public_reason(words: str) -> str:
    """The same, for a page that may be open to everybody: without a channel's own words, which may name a visitor."""
    reason = plain_reason(words)
    told = SITE_CHANNEL.match(words) if reason == words else None
    return f"{told[0][:-1]}." if told else reason
