"""The line on top of every admin page that says what is wrong with the delivery, and its buttons.

With htmx, the line is replaced where it stands. Without it, a button leads to a page with the line alone.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..delivery import requeue
from ..delivery.troubles import attempt_due
from ..desk_directory import read_desks
from ..state import State, current_state
from ..storage.tickets import Status
from ..translation import ngettext
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from .delivery_state import read_delivery_state
from .forms import EXPIRED_ACTION, AdminForm
from .responses import fragment_response, page_response

HERE_SECONDS = 8.0
"""Seconds for which a request attempts tickets itself, if nothing else does."""

MAX_DIGITS = 9


def trouble() -> ResponseReturnValue:
    """Show the line, for an open page or on a page of its own."""
    sent = request.args.get("sent", "")
    return _show(int(sent) if sent.isdecimal() and len(sent) <= MAX_DIGITS else None)


def try_now() -> ResponseReturnValue:
    """Attempt every waiting ticket now."""
    return _after_token(lambda state: requeue.try_waiting(state.database))


def send_failed() -> ResponseReturnValue:
    """Send every failed ticket again, to the addresses that its desk has now."""
    return _after_token(_send_failed)


def _send_failed(state: State) -> int:
    with state.database.read() as connection:
        recipients = read_desks(connection, state.config).recipients
    return requeue.send_all_again(state.database, Status.FAILED, of_desks=recipients)


def _after_token(act: Any) -> ResponseReturnValue:
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    if not AdminForm(request.form).validate():
        return _show(None, 400, problem=EXPIRED_ACTION)
    before = read_delivery_state(state)
    number = act(state)
    state.delivery.tickets_due()
    if (before is not None and before.situation.is_left) or not state.delivery.attempts_soon():
        attempt_due(state, HERE_SECONDS)
    if wants_fragment():
        return _show(number)
    came_from = urlsplit(request.referrer or "")
    back = f"{came_from.path}{f'?{came_from.query}' if came_from.query else ''}"
    return redirect(url_for("kapa_handoff_admin.trouble", sent=number, back=_inside(back)), 303)


def _show(number: int | None, status: int = 200, **context: Any) -> ResponseReturnValue:
    told = None
    if number is not None:
        told = ngettext("%(number)s ticket will be sent now.", "%(number)s tickets will be sent now.", number)
    context |= {"told": told, "sent": number}
    if wants_fragment():
        return fragment_response("trouble", status, **context)
    return page_response("trouble", status, back=_inside(request.args.get("back", "")), **context)


def _inside(path: str) -> str | None:
    """The path, if it is one of the admin's pages."""
    home = url_for("kapa_handoff_admin.settings")
    return path if path.startswith(home) and not path.startswith("//") else None
