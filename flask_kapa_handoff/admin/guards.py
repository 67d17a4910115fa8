"""Guards the admin's views with the site's decorators, and tells whether a viewer may also act."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import wraps
from typing import Any

from flask import current_app, session
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError

from ..argument_checks import VIEW_DECORATOR
from ..errors import ConfigurationError
from ..hook_checks import name_of
from ..hooks import ViewDecorator
from ..web.csrf import ADMIN

_ADMITTED = object()


def guarded(view: Callable[..., Any], decorator: ViewDecorator, argument: str) -> Callable[..., Any]:
    """The view, behind one of the site's decorators.

    Arguments:
        argument: as which the site passed the decorator.

    Raises:
        ConfigurationError: the decorator returns no view.
    """
    inside = decorator(view)
    if not callable(inside):
        raise ConfigurationError(
            f"{argument}: {name_of(decorator)} is not allowed: for a view it returns "
            f"{type(inside).__name__}; use {VIEW_DECORATOR}"
        )

    @wraps(inside)
    def run(*args: Any, **values: Any) -> Any:
        try:
            return current_app.ensure_sync(inside)(*args, **values)
        except BuildError as error:
            name = str(error.endpoint).rpartition(".")[2]
            if error.endpoint != f"{ADMIN}.{name}" or error.endpoint in current_app.view_functions:
                raise
            # Flask resolves ".login" within the blueprint of the current request, which is ours.
            raise ConfigurationError(
                f"{argument} asks for url_for('.{name}'), which means {error.endpoint!r} in the handoff's pages. "
                f"Let it name the endpoint in full, such as url_for('{name}') or url_for('auth.{name}')."
            ) from error

    # The view's own name, not that of the site's decorator: Flask-SeaSurf would exempt all that it guards.
    run.__module__, run.__name__ = view.__module__, view.__name__
    return run


def asks_whether_admitted(decorator: ViewDecorator) -> Callable[[], bool]:
    """A function that tells whether the decorator admits the current request, and keeps no trace of a refusal."""

    def admitted() -> object:
        return _ADMITTED

    inside = guarded(admitted, decorator, "admin_required")

    def ask() -> bool:
        before = deepcopy(dict(session))
        try:
            return inside() is _ADMITTED
        except HTTPException:
            return False
        finally:
            # Such as "Please log in to access this page.", which the next page would show.
            if dict(session) != before:
                session.clear()
                session.update(before)

    return ask
