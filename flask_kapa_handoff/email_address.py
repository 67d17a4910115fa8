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
        raise ValueError("it is too long; an address has at most 254 characters, 64 of them before the @")
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise ValueError(_mistake(text) or _as_clause(str(error))) from None
    address = found.ascii_email or ""
    if "=?" in address:
        raise ValueError("an address with =? in it cannot be written into a mail's header")
    return address


def _mistake(text: str) -> str | None:
    """The usual slips, in plain words; None: it is another one."""
    local, at, domain = text.rpartition("@")
    if not at:
        return "the @ is missing"
    if "@" in local:
        return "there is more than one @"
    if not local:
        return "the part before the @ is missing"
    if not domain:
        return "the part after the @ is missing"
    if any(character.isspace() for character in text):
        return "there is a space in it"
    if "." not in domain:
        return "something like .com is missing after the @"
    if any(not part for part in [*local.split("."), *domain.split(".")]):
        return "there is a dot too many"
    return None


def _as_clause(sentence: str) -> str:
    text = sentence.rstrip(".")
    return text[:1].lower() + text[1:]
