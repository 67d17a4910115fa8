"""One mail address, checked."""

from __future__ import annotations

from typing import Any


def parse_email(value: Any) -> str:
    """One mail address in its ASCII form (the domain as punycode).

    Raises:
        ValueError: it is no such address, with a sentence that says why.
    """
    from email_validator import EmailNotValidError, validate_email

    text = str(value).strip()
    # RFC 5321, 4.5.3.1. Here as well, since the checks of a long text take the square of its length.
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
