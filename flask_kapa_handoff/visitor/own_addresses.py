"""Recognises the site's own addresses: a reply to one would go back to the helpdesk, which could answer it again."""

from __future__ import annotations

from email.utils import parseaddr
from functools import lru_cache

from ..delivery.mail.sender import find_sender
from ..email_address import mailbox_of
from ..state import State


def own_mailboxes(state: State, desk: str) -> frozenset[str]:
    """The mailboxes that a desk's tickets go to and come from, each as :func:`.mailbox_of` gives it."""
    # As old as the page may be: a desk's address rarely changes, and a mistake here only costs a round of mails.
    settings = state.settings_cache.get(state.database, state.config, desk)
    try:
        sender = find_sender(state)
    except ValueError:
        sender = None  # the check-up reports it
    to = () if settings is None else (*settings.recipients, settings.reminder_email)
    addresses = (*to, _address_in(sender or ""))
    return frozenset(mailbox_of(address) for address in addresses if address)


@lru_cache(maxsize=16)
def _address_in(sender: str) -> str:
    return parseaddr(sender)[1]
