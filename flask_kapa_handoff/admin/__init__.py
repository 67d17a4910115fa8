"""The admin's routes: settings, tickets, check-up, health. Each stands behind the decorator that the site gave."""

from __future__ import annotations

from flask import Blueprint

from ..errors import ForeignOrigin, Invalid, Unavailable
from ..public.requests import require_readable_query
from ..state import ViewDecorator
from . import doctor_views, health_views, settings_views, ticket_views
from .answers import answer_problem, protect

# The name of each rule is given here, since a site's decorator may not keep the view's own.
_RULES = (
    ("/", "settings", "GET", settings_views.settings),
    ("/settings", "save_settings", "POST", settings_views.save),
    ("/preview", "preview", "POST", settings_views.preview),
    ("/test-mail", "test_mail", "POST", settings_views.test_mail),
    ("/tickets", "tickets", "GET", ticket_views.tickets),
    ("/tickets/release-held", "release_held", "POST", ticket_views.release_held),
    ("/tickets/<reference>", "ticket", "GET", ticket_views.ticket),
    ("/tickets/<reference>/send-again", "send_again", "POST", ticket_views.send_again),
    ("/doctor", "doctor", "GET", doctor_views.doctor),
    ("/health", "health", "GET", health_views.health),
)


def make_blueprint(admin_required: ViewDecorator) -> Blueprint:
    """The admin's blueprint.

    Arguments:
        admin_required: lets admins pass and nobody else; every view is wrapped in it.
    """
    blueprint = Blueprint("kapa_handoff_admin", __name__)
    for rule, endpoint, method, view in _RULES:
        blueprint.add_url_rule(rule, endpoint, admin_required(view), methods=[method])
    blueprint.before_request(require_readable_query)
    blueprint.after_request(protect)
    for problem in (ForeignOrigin, Invalid, Unavailable):
        # One by one: Flask looks for a handler of the status first, and the site may have one.
        blueprint.register_error_handler(problem, answer_problem)
    return blueprint


__all__ = ["make_blueprint"]
