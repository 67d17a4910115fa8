"""What the views of tickets have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from flask import Response

from ..storage.tickets import Status, Ticket
from ..translation import gettext as _
from ..web.requests import quoted
from .responses import page_response

REFERENCE = re.compile(r"T-\w{1,14}", re.ASCII)
"""What may be a reference: PostgreSQL accepts no NUL in a text."""


SOON = timedelta(seconds=10)
"""A ticket that is due by then may change at any moment."""

QUICK, SLOW = 3, 30
"""Seconds after which an open page asks again: while a ticket is being sent, and while one only waits."""


def seconds_until_look(tickets: Iterable[Ticket], moment: datetime) -> int | None:
    """When a page that shows these tickets asks for their states again; None: they do not change."""
    waits = False
    for one in tickets:
        if one.status is Status.SENDING:
            return QUICK
        if one.status is Status.QUEUED:
            if one.next_attempt_at is not None and one.next_attempt_at <= moment + SOON:
                return QUICK
            waits = True
    return SLOW if waits else None


def no_such_ticket(reference: str) -> Response:
    """The page for a reference that no ticket has."""
    return not_found(_("There is no ticket %(reference)s. It may have been deleted.", reference=quoted(reference)))


def not_found(problem: str) -> Response:
    """The page for an address that shows nothing."""
    return page_response("problem", 404, title=_("Not found"), problem=problem, remedy=None)
