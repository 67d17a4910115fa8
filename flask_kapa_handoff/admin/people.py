"""Who changes the settings: a name for the history."""

from __future__ import annotations

import logging

from flask import current_app, request

from ..state import current_state
from ..tracebacks import without_message

_logger = logging.getLogger(__name__)

UNKNOWN = "unknown"
MAX_NAME = 320


def changed_by() -> str:
    """The admin's name as well as the site knows it.

    That is the address that the site's ``visitor_loader`` gives, else the id of Flask-Login's user, else the user name
    of the request's ``Authorization`` header (RFC 7617).
    """
    loader = current_state().hooks.visitor_loader
    try:
        visitor = loader() if loader is not None else None
    except Exception as error:
        _logger.error(
            "The site's visitor_loader failed; the history names the admin another way. %s", without_message(error)
        )
        visitor = None
    name = visitor.email if visitor is not None else _flask_login_id() or _basic_user_name()
    return (name or UNKNOWN)[:MAX_NAME]


def _flask_login_id() -> str | None:
    if not hasattr(current_app, "login_manager"):
        return None
    from flask_login import current_user  # present, since the site uses it

    found = current_user.get_id()
    return None if found is None else str(found)


def _basic_user_name() -> str | None:
    authorization = request.authorization
    return authorization.username if authorization is not None else None
