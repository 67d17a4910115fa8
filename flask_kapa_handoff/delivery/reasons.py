"""Why a ticket is not delivered yet, in plain words. The other side's own words are shown under "Details"."""

from __future__ import annotations

import re

_CHECK_ADDRESS = "Check where tickets go in the settings."
_ASK = "Ask the site's operator to check"

BY_STATUS = {
    "5.1.1": f"There is no such address at the mail server. {_CHECK_ADDRESS}",
    "5.1.2": f"The part after the @ of this address does not exist. {_CHECK_ADDRESS}",
    "5.1.3": f"The mail server says that the address is not valid. {_CHECK_ADDRESS}",
    "5.1.6": f"The mailbox has moved. {_CHECK_ADDRESS}",
    "5.1.10": f"The address accepts no mail. {_CHECK_ADDRESS}",
    "5.2.1": f"The mailbox is disabled. {_CHECK_ADDRESS}",
    **dict.fromkeys(("4.2.2", "5.2.2"), "The mailbox is full. Free some space in it."),
    "5.2.3": "The message is too large for the mailbox.",
    "5.3.4": "The message is too large for the mail server.",
    "5.7.1": f"The mail server doesn't accept messages from this site. {_ASK} its sender.",
}
"""By a reply's enhanced status code (RFC 3463, and IANA's registry of them)."""

_LOG_IN = f"The mail server refused the site's login. {_ASK} its password."
_ADDRESS = "The mail server rejected an address. Check where tickets go, and the site's sender."

BY_CODE = {
    **dict.fromkeys(("530", "534", "535", "538"), _LOG_IN),
    **dict.fromkeys(("550", "551", "553"), _ADDRESS),
    "552": "The mailbox is full, or the message is too large for it.",
    "4": "The mail server is busy, or wants us to try again later.",
    "5": "The mail server rejected the message.",
}
"""By a reply's code, or its first digit (RFC 5321, 4.2; RFC 4954, 6)."""

_UNREACHABLE = f"The mail server could not be reached. {_ASK} it."
_CONNECTION_ERRORS = ("ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError", "OSError")

BY_ERROR = {
    "gaierror": f"The mail server's host name could not be found. {_ASK} it.",
    "SSLCertVerificationError": f"The mail server's certificate can't be trusted. {_ASK} it.",
    "SSLError": f"No secure connection to the mail server could be made. {_ASK} its settings.",
    "TimeoutError": "The mail server did not respond in time.",
    **dict.fromkeys(_CONNECTION_ERRORS, _UNREACHABLE),
}
"""By the name of the error that ended the connection."""

BY_PHRASE = {
    "KAPA_HANDOFF_CHANNEL": f"The site's channel for tickets is not set up. {_ASK} it; the check-up says more.",
    "MAIL_": f"The site's mail settings are not complete. {_ASK} them; the check-up says what is missing.",
    "was composed": f"The message could not be written. {_ASK} the site's log.",
    "could not be composed": f"The message could not be written. {_ASK} the site's log.",
    "stored conversation cannot be read": "The stored conversation is damaged.",
    "ticket is damaged": "The stored ticket is damaged.",
    "ended in the middle of the delivery": "Sending it was cut off more than once.",
    "Connection unexpectedly closed": "The mail server closed the connection.",
}
"""By what this package says itself, or Python's mail library."""

SITE_CHANNEL = re.compile(r"[^:]+ did not accept it( yet)?[.:]")
SITE_CODE = re.compile(r"The site's code for (.+?) (raised|returned) \w")
"""What delivery/site_channel.py writes."""

UNCONFIRMED = "the whole mail had been sent"
OTHER = "It could not be sent."


def plain_reason(words: str) -> str:
    """The reason in a sentence, and where the reader can do something about it, what.

    Arguments:
        words: a ticket's ``last_error``, an attempt's ``detail`` or the reply to a test mail.
    """
    if SITE_CHANNEL.match(words):
        return words  # by the site's developers, for people
    if failed := SITE_CODE.match(words):
        return f"Sending it to {failed[1]} failed in the site's own code. {_ASK} the site's log."
    if words.endswith(UNCONFIRMED):
        return "The connection broke before the mail server confirmed the message."
    if reply := re.match(r"([45])\d\d(?: ([45]\.\d{1,3}\.\d{1,3})\b)?", words):
        return BY_STATUS.get(reply[2]) or BY_CODE.get(words[:3]) or BY_CODE[reply[1]]
    if (error := re.match(r"(\w+): ", words)) and error[1] in BY_ERROR:
        return BY_ERROR[error[1]]
    return next((reason for phrase, reason in BY_PHRASE.items() if phrase in words), OTHER)
