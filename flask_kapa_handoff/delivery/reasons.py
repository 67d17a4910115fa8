"""Why a ticket is not delivered yet, in plain words. The other side's own words are shown under "Details"."""

from __future__ import annotations

import re

from .mail.replies import classify

_ASK = "Ask the site's operator to check"
_UNREACHABLE = f"The mail server could not be reached. {_ASK} it."
_NOT_FOUND = f"The mail server's host name could not be found. {_ASK} it."
_CONNECTION_ERRORS = (
    *("ConnectionRefusedError", "ConnectionResetError", "ConnectionAbortedError", "BrokenPipeError"),
    *("PermissionError", "OSError"),
)

BY_ERROR = {
    **dict.fromkeys(("gaierror", "UnicodeError", "UnicodeEncodeError"), _NOT_FOUND),
    "SSLCertVerificationError": f"The mail server's certificate can't be trusted. {_ASK} it.",
    **dict.fromkeys(
        ("SSLError", "SSLEOFError", "SSLZeroReturnError"),
        f"No secure connection to the mail server could be made. {_ASK} its settings.",
    ),
    "TimeoutError": "The mail server did not respond in time.",
    **dict.fromkeys(_CONNECTION_ERRORS, _UNREACHABLE),
}
"""By the name of the error that ended the connection."""

BY_PHRASE = {
    "MAIL_SUPPRESS_SEND": "Sending is turned off on this site.",
    "KAPA_HANDOFF_CHANNEL": f"The site's channel for tickets is not set up. {_ASK} it; the check-up says more.",
    "MAIL_": f"The site's mail settings are not complete. {_ASK} them; the check-up says what is missing.",
    "No suitable authentication method": f"The mail server doesn't offer a login with a password. {_ASK} its login.",
    "not supported by server": f"The mail server doesn't offer what the site's mail settings ask for. {_ASK} them.",
    "was composed": f"The message could not be written. {_ASK} the site's log.",
    "could not be composed": f"The message could not be written. {_ASK} the site's log.",
    "stored conversation cannot be read": "The stored conversation is damaged.",
    "ticket is damaged": "The stored ticket is damaged.",
    "ended in the middle of the delivery": "Sending it was cut off more than once.",
    "Connection unexpectedly closed": "The mail server closed the connection.",
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
OTHER = "It could not be sent."


def plain_reason(words: str) -> str:
    """The reason in a sentence, and where the reader can do something about it, what.

    Arguments:
        words: a ticket's ``last_error``, an attempt's ``detail`` or the reply to a test mail.
    """
    if words.endswith(UNCONFIRMED):
        return "The connection broke before the mail server confirmed the message."
    if re.match(r"[45]\d\d\b", words):
        return classify(words).reason
    if SITE_CHANNEL.match(words):
        return words  # by the site's developers, for people
    if failed := SITE_CODE.match(words):
        return f"Sending it to {failed[1]} failed in the site's own code. {_ASK} the site's log."
    if (error := re.match(r"(\w+): ", words)) and error[1] in BY_ERROR:
        return BY_ERROR[error[1]]
    return next((reason for phrase, reason in BY_PHRASE.items() if phrase in words), OTHER)
