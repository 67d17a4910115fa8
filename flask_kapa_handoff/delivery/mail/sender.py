"""Finds the site's sender without Flask-Mail, since the visitor's form asks for it as well."""

from __future__ import annotations

from functools import lru_cache

from ...config_values import parse_sender
from ..mailroom import Mailroom


def find_sender(mailroom: Mailroom) -> str | None:
    """The ``From`` address: ``KAPA_HANDOFF_SENDER``, else ``MAIL_DEFAULT_SENDER``; None: neither is set.

    Raises:
        ValueError: ``MAIL_DEFAULT_SENDER`` is not an address.
    """
    if mailroom.config.sender:
        return mailroom.config.sender
    own = mailroom.mail.state if mailroom.mail is not None else None
    found = own or mailroom.app.extensions.get("mail")
    if hasattr(found, "suppress"):  # another library's, with the same name, has no such attribute
        default = getattr(found, "default_sender", None)
    else:
        default = mailroom.app.config.get("MAIL_DEFAULT_SENDER")
    if not default:
        return None
    try:
        return _parsed(tuple(default) if isinstance(default, list) else default, mailroom.config.special_domains)
    except TypeError:  # it cannot be cached: a dict, or a list in a tuple
        raise ValueError("use docs@example.com or 'Docs <docs@example.com>'") from None


@lru_cache(maxsize=16)
def _parsed(default_sender: str | tuple[str, str], special_domains: tuple[str, ...]) -> str:
    return parse_sender(default_sender, special_domains)
