"""Finds the name of the admin who changes the settings, for the history."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

from flask import current_app, g, request

from ..state import current_state
from ..text import clean_text
from ..tracebacks import place_of

_logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
MAX_NAME = 320
ATTRIBUTES = ("email", "username", "name", "display_name")
"""Attributes of a user object that may have a person's name, best first."""


def changed_by() -> str:
    """The best name for the admin that the site has.

    That is the result of the site's ``admin_name``, else the address from its ``visitor_loader``, else a name in the
    signed-in user's object, else the user name in the request's ``Authorization`` header (RFC 7617).
    """
    hooks = current_state().hooks
    sources: dict[str, Callable[[], str | None]] = {
        "admin_name": hooks.admin_name,
        "visitor_loader": lambda: getattr(hooks.named_visitor(), "email", None),
        "user object": _signed_in,
        "Authorization header": _basic_user_name,
    }
    for what, source in sources.items():
        try:
            found = source()
        except Exception as error:
            # A failure to find the name must not stop the change.
            _logger.error(
                "The site's %s failed (%s); the history uses another name for the admin.", what, place_of(error)
            )
            continue
        if name := " ".join(clean_text(found or "").split())[:MAX_NAME]:
            return name
    return UNKNOWN


def _signed_in() -> str | None:
    user = _user()
    if user is None or not _value(user, "is_authenticated", True):
        return None
    if isinstance(user, str):
        return _as_person(user)
    for name in ATTRIBUTES:
        found = _value(user, name)
        if isinstance(found, str) and found.strip() and not _is_key(found):
            return found
    key = _value(user, "get_id") or _value(user, "id")
    return _as_person(str(key)) if key else None


def _user() -> Any:
    """The signed-in user's object: Flask-Login's, or one from the site's own login code."""
    # Only a user that the site has already loaded is used: app.login_manager need not be Flask-Login's.
    user = g.get("_login_user")
    if user is None:
        context: dict[str, Any] = {}
        current_app.update_template_context(context)
        user = context.get("current_user")
    return user if user is not None else g.get("user")


def _value(user: Any, name: str, default: Any = None) -> Any:
    if hasattr(user, "keys"):  # a dict, or a database row
        return user[name] if name in user.keys() else default  # noqa: SIM118 - a row has its values in it
    found = getattr(user, name, default)
    return found() if callable(found) else found


def _is_key(text: str) -> bool:
    """Whether it is a row's key, or a random one such as Flask-Security's ``fs_uniquifier``."""
    return re.fullmatch(r"\d+|[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text.strip(), re.I) is not None


def _as_person(text: str) -> str:
    if not _is_key(text):
        return text
    return f"user {text if text.isdigit() else text[:8]}"


def _basic_user_name() -> str | None:
    authorization = request.authorization
    return authorization.username if authorization is not None else None
