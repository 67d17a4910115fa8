"""Where somebody belongs who opens an address that only forms send to: by hand, or after signing in again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

PAGES = {
    "save_settings": "settings",
    "preview": "settings",
    "simulate": "settings",
    "test_mail": "settings",
    "rename_desk": "desks",
    "remove_desk": "desks",
    "save_page_rules": "desks",
    "try_page_rules": "desks",
    "selected_tickets": "tickets",
    "release_held": "tickets",
    "send_suppressed": "tickets",
    "delete_ticket": "ticket",
    "forget_visitor": "ticket",
    "take_ticket": "ticket",
    "send_again": "ticket",
    "try_now": "trouble",
    "send_failed": "trouble",
}
"""The page of each view that changes or computes something, and whose address has no page of its own."""

KEPT = ("desk", "q", "status", "trigger", "locale", "from", "to", "language", "back")


def to_page(page: str) -> Callable[..., ResponseReturnValue]:
    """A view that redirects to a page, with the desk and the filter that its own address names."""

    def leave(**parts: str) -> ResponseReturnValue:
        """Lead to the page that the form is on."""
        arguments: dict[str, Any] = {name: request.args[name] for name in KEPT if name in request.args}
        return redirect(url_for(f"kapa_handoff_admin.{page}", **{**arguments, **parts}), 303)

    return leave
