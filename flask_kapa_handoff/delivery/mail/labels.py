"""Writes what a mail is listed by: the name in ``From``, and the subject.

Helpdesks look for their own tickets in a subject. Nothing that a visitor wrote may pass for one.
"""

from __future__ import annotations

import re
from contextlib import suppress
from email.errors import MessageError
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.utils import parseaddr
from functools import lru_cache

from ...storage.tickets import Ticket
from ...translation import gettext as _
from .headers import address, header_text

_MAX_NAME = 80  # characters of a visitor's name

# osTicket, Freshdesk and Zammad look for a number after "#", Zammad also for "Ticket# 12".
_SIGN_AFTER_WORD = re.compile(r"(?<=\w)#+(?=\d)|(?<=ticket) ?#+ *(?=\d)", re.IGNORECASE)
_SIGN = re.compile(r"#+(?=\d)")
# django-helpdesk looks for "[queue-12]", Roundup for "[issue12]", and at the end for "[status=resolved]".
_BRACKETS = str.maketrans("[]", "()")


@lru_cache(maxsize=16)
def site_sender(text: str) -> Address:
    """The site's own sender.

    Arguments:
        text: ``Name <address>`` or the address alone.

    Raises:
        ValueError: it is not an address that a mail can carry.
    """
    name, addr_spec = parseaddr(text)
    with suppress(LookupError, ValueError, MessageError):  # the name only looks encoded
        # email.utils.formataddr(), which wrote it, encodes a name that is not ASCII.
        name = str(make_header(decode_header(name)))
    return address(addr_spec, header_text(name))


def named_for_visitor(sender: Address, ticket: Ticket, site_name: str) -> Address:
    """The sender with the visitor's name, in the current language: ``"Ada (via Acme)" <docs@acme.example>``.

    A visitor whose name is not known is called by the address without its domain. Spam filters suspect a name that
    contains a whole address.
    """
    found = (ticket.visitor_name or "", ticket.visitor_email.rpartition("@")[0])
    name = next(filter(None, (header_text(text).partition("@")[0].strip('" ') for text in found)), "")
    if len(name) > _MAX_NAME:
        name = name[: _MAX_NAME - 1].rstrip() + "…"
    return address(
        f"{sender.username}@{sender.domain}", header_text(_("%(name)s (via %(site)s)", name=name, site=site_name))
    )


def subject_line(template: str, ticket: Ticket, site_name: str) -> str:
    """The subject of a ticket's mail, safe in a header.

    Arguments:
        template: see KAPA_HANDOFF_SUBJECT.
    """
    return header_text(
        template.format(
            site=site_name,
            reference=ticket.reference,
            desk=ticket.desk,
            question=_without_numbers_of_tickets(ticket.subject),
            visitor=_without_numbers_of_tickets(ticket.visitor_name or ticket.visitor_email),
        )
    )


def _without_numbers_of_tickets(text: str) -> str:
    """The text without signs by which helpdesks find their own tickets; its words and numbers stay."""
    text = header_text(text)  # first: invisible characters could hide a sign
    return _SIGN.sub("", _SIGN_AFTER_WORD.sub(" ", text)).translate(_BRACKETS)
