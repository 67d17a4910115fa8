"""Checks an email address, compares two, and writes one as mail needs it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from .translation import ENGLISH, current_language
from .translation import gettext as _

LAX_DOMAINS = ("docomo.ne.jp", "ezweb.ne.jp")
"""Providers that gave out addresses such as ``a..b@`` and ``ab.@`` until 2009, which are still in use. RFC 5321,
4.1.2, allows these dots only in a quoted local part."""

_GMAIL = ("gmail.com", "googlemail.com")  # one provider under two names, which ignores dots

_PLAIN = re.compile(r"[a-z0-9_+-]+(\.[a-z0-9_+-]+)*")
"""Local parts that need no check: they are allowed at every domain, and stay as they are."""

_DOT_STRING = re.compile(r"[^.]+(\.[^.]+)*")

# RFC 2142 and RFC 5321, 4.5.5: senders of notices about mail; and what no-reply senders call themselves.
_AUTOMATIC = re.compile(
    r"(mailer|mail)[-_.]?daemon|post[-_.]?master|(no|do[-_.]?not|dont)[-_.]?reply|bounces?|listserv|majordomo"
)


def parse_email(value: Any, special_domains: tuple[str, ...] = ()) -> str:
    """One email address in its ASCII form (the domain as punycode).

    Arguments:
        special_domains: names that its domain may be, or end in, although the internet doesn't know them; see
            KAPA_HANDOFF_SPECIAL_DOMAINS.

    Raises:
        ValueError: it is not an email address; the message is a sentence that says why.
    """
    from email_validator import EmailNotValidError

    text = str(value).strip()
    local, at, domain = text.rpartition("@")
    # RFC 5321, 4.5.3.1. Checked here first, since the time of the other checks grows with the square of the length.
    if len(text) > 254 or len(local.encode()) > 64:
        raise ValueError(_("it is too long; an address has at most 254 characters, 64 of them before the @"))
    suffix = ".com" if _is_within(domain.lower(), special_domains) else ""
    try:
        if domain.isascii() and _PLAIN.fullmatch(local):
            kept, known = local, _known_domain(domain + suffix)
        else:
            # What is checked instead of an address that the library refuses, and is one nevertheless.
            stand_in = re.sub(r"\.+", ".", local).strip(".") if domain.lower() in LAX_DOMAINS else local
            found = _validate(f"{stand_in}{at}{domain}{suffix}")
            kept, known = local if stand_in != local else found.ascii_local_part, found.ascii_domain
    except EmailNotValidError as error:
        raise ValueError(_mistake(text) or _as_clause(str(error))) from None
    address = f"{kept}@{known.removesuffix(suffix)}"
    if "=?" in address:
        raise ValueError(_("an address with =? in it cannot be written into a mail's header"))
    return address


def _validate(address: str) -> Any:
    from email_validator import validate_email

    return validate_email(address, check_deliverability=False, allow_smtputf8=False)


@lru_cache(maxsize=1_000)  # most visitors have their address at one of a few providers
def _known_domain(domain: str) -> str:
    """A domain in its ASCII form; raises EmailNotValidError if no address can end in it."""
    return str(_validate(f"a@{domain}").ascii_domain)


def is_automatic(address: str) -> bool:
    """Whether an address belongs to a program that sends notices, such as ``mailer-daemon``, and reads no reply."""
    local = address.rpartition("@")[0].lower()
    return _AUTOMATIC.fullmatch(re.split(r"[+=]", local)[0]) is not None


def mailbox_of(address: str) -> str:
    """The mailbox behind an address: in lower case, without ``+tag``, without dots if its provider ignores them."""
    local, _, domain = address.lower().rpartition("@")
    local = local.partition("+")[0] or local  # "+491511234567@" has no tag
    return f"{local.replace('.', '')}@{_GMAIL[0]}" if domain in _GMAIL else f"{local}@{domain}"


def quoted_email(address: str) -> str:
    """An address as mail needs it: its local part in quotes if its dots require that (RFC 5321, 4.1.2)."""
    local, _, domain = address.rpartition("@")
    return address if _DOT_STRING.fullmatch(local) or local.startswith('"') else f'"{local}"@{domain}'


def _is_within(domain: str, names: tuple[str, ...]) -> bool:
    return any(domain == name or domain.endswith(f".{name}") for name in names)


def _mistake(text: str) -> str | None:
    """The usual slips, in plain words; None: it is another one."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES

    local, at, domain = text.rpartition("@")
    if not at:
        return _("the @ is missing")
    if "@" in local:
        return _("there is more than one @")
    if not local:
        return _("the part before the @ is missing")
    if not domain:
        return _("the part after the @ is missing")
    if any(character.isspace() for character in text):
        return _("there is a space in it")
    if "." not in domain:
        return _("something like .com is missing after the @")
    if any(not part for part in [*local.split("."), *domain.split(".")]):
        return _("there is a dot too many")
    ending = domain.lower().rpartition(".")[2]
    if ending in SPECIAL_USE_DOMAIN_NAMES:
        return _("mail can't reach an address that ends in .%(ending)s", ending=ending)
    return None


def _as_clause(sentence: str) -> str:
    """What the library says; it says it in English only."""
    if current_language() != ENGLISH:
        return _("it is not a valid address")
    text = sentence.rstrip(".")
    return text[:1].lower() + text[1:]
