"""The admin's routes: settings, tickets, check-up, health. The site's decorator guards each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, current_app
from werkzeug.routing import BuildError

from ..argument_checks import VIEW_DECORATOR
from ..errors import ConfigurationError, ForeignOrigin, Invalid, Unavailable
from ..hook_checks import name_of
from ..hooks import ViewDecorator
from ..web.csrf import ADMIN, note_arrival
from ..web.language import translate_requests
from ..web.mounting import MountedBlueprint
from ..web.requests import require_readable_query
from . import doctor_views, health_views, insights_views, settings_views, ticket_views
from .responses import problem_response, protect

# Each rule has an explicit name, since a site's decorator may not preserve the view's own.
_RULES = (
    ("/", "settings", "GET", settings_views.settings),
    ("/settings", "save_settings", "POST", settings_views.save),
    ("/preview", "preview", "POST", settings_views.preview),
    ("/simulation", "simulate", "POST", settings_views.simulate),
    ("/test-mail", "test_mail", "POST", settings_views.test_mail),
    ("/tickets", "tickets", "GET", ticket_views.tickets),
    ("/tickets/release-held", "release_held", "POST", ticket_views.release_held),
    ("/tickets/send-suppressed", "send_suppressed", "POST", ticket_views.send_suppressed),
    ("/tickets/<reference>", "ticket", "GET", ticket_views.ticket),
    ("/tickets/<reference>/files/<file_id>", "attachment", "GET", ticket_views.attachment),
    ("/tickets/<reference>/send-again", "send_again", "POST", ticket_views.send_again),
    ("/insights", "insights", "GET", insights_views.insights),
    ("/insights.csv", "insights_csv", "GET", insights_views.insights_csv),
    ("/doctor", "doctor", "GET", doctor_views.doctor),
    ("/health", "health", "GET", health_views.health),
)


def make_blueprint(admin_required: ViewDecorator) -> Blueprint:
    """The admin's blueprint.

    Arguments:
        admin_required: a view decorator that admits only admins; every view is wrapped in it.
    """
    blueprint = MountedBlueprint(ADMIN, __name__)
    for rule, endpoint, method, view in _RULES:
        blueprint.add_url_rule(rule, endpoint, _guarded(view, admin_required), methods=[method])
    blueprint.before_request(note_arrival)
    blueprint.before_request(require_readable_query)
    translate_requests(blueprint)
    blueprint.after_request(protect)
    for problem in (ForeignOrigin, Invalid, Unavailable):
        # One by one: Flask first looks for a handler of the status, and the site may have one.
        blueprint.register_error_handler(problem, problem_response)
    return blueprint


def _guarded(view: Callable[..., Any], admin_required: ViewDecorator) -> Callable[..., Any]:
    guarded = admin_required(view)
    if not callable(guarded):
        raise ConfigurationError(
            f"admin_required: {name_of(admin_required)} is not allowed: for a view it returns "
            f"{type(guarded).__name__}; use {VIEW_DECORATOR}"
        )

    @wraps(guarded)
    def run(*args: Any, **values: Any) -> Any:
        try:
            return current_app.ensure_sync(guarded)(*args, **values)
        except BuildError as error:
            name = str(error.endpoint).rpartition(".")[2]
            if error.endpoint != f"{ADMIN}.{name}" or error.endpoint in current_app.view_functions:
                raise
            # Flask resolves ".login" within the blueprint of the current request, which is ours.
            raise ConfigurationError(
                f"admin_required asks for url_for('.{name}'), which means {error.endpoint!r} in the handoff's pages. "
                f"Let it name the endpoint in full, such as url_for('{name}') or url_for('auth.{name}')."
            ) from error

    # The view's own name, not that of the site's decorator: Flask-SeaSurf would exempt all that it guards.
    run.__module__, run.__name__ = view.__module__, view.__name__
    return run


__all__ = ["make_blueprint"]
