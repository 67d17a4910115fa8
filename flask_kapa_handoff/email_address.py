"""Checks an email address."""

from __future__ import annotations

from typing import Any


def parse_email(value: Any) -> str:
    """One email address in its ASCII form (the domain as punycode).

    Raises:
        ValueError: it is not an email address; the message is a sentence that says why.
    """
    from email_validator import EmailNotValidError, validate_email

    text = str(value).strip()
    # RFC 5321, 4.5.3.1. Checked here first, since the time of the other checks grows with the square of the length.
    if len(text) > 254 or len(text.rpartition("@")[0]) > 64:
        raise ValueError("an address has at most 254 characters, 64 of them before the @-sign")
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    address = found.ascii_email or ""
    if "=?" in address:
        raise ValueError("an address with =? in it cannot be written into a mail's header")
    return address
