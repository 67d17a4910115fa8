"""The admin's routes: settings, history, tickets, check-up, health. The site's decorator guards each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import ForeignOrigin, Invalid, Unavailable
from ..hooks import ViewDecorator
from ..web.csrf import ADMIN, note_arrival
from ..web.language import translate_requests
from ..web.mounting import MountedBlueprint
from ..web.requests import require_readable_query
from . import (
    desk_views,
    doctor_views,
    health_views,
    history_views,
    insights_views,
    settings_views,
    taking_views,
    ticket_action_views,
    ticket_export_views,
    ticket_list_views,
    ticket_views,
    trouble_views,
)
from .guards import asks_whether_admitted, guarded
from .page_addresses import PAGES, to_page
from .responses import problem_response, protect

# Each rule has an explicit name, since a site's decorator may not preserve the view's own.
_RULES = (
    ("/", "settings", "GET", settings_views.settings),
    ("/settings", "save_settings", "POST", settings_views.save),
    ("/preview", "preview", "POST", settings_views.preview),
    ("/simulation", "simulate", "POST", settings_views.simulate),
    ("/test-mail", "test_mail", "POST", settings_views.test_mail),
    ("/history", "history", "GET", history_views.history),
    ("/history/restore", "ask_restore", "GET", history_views.ask),
    ("/history/restore", "restore", "POST", history_views.restore),
    ("/desks", "desks", "GET", desk_views.desks),
    ("/desks", "add_desk", "POST", desk_views.add),
    ("/desks/rename", "rename_desk", "POST", desk_views.rename),
    ("/desks/remove", "remove_desk", "POST", desk_views.remove),
    ("/desks/rules", "save_page_rules", "POST", desk_views.save_page_rules),
    ("/desks/try", "try_page_rules", "POST", desk_views.try_page_rules),
    ("/tickets", "tickets", "GET", ticket_list_views.tickets),
    ("/tickets/live", "tickets_live", "GET", ticket_list_views.live),
    ("/tickets/selected", "selected_tickets", "POST", ticket_action_views.selected),
    ("/tickets/export.csv", "export_csv", "GET", ticket_export_views.export_csv),
    ("/tickets/export.jsonl", "export_jsonl", "GET", ticket_export_views.export_jsonl),
    ("/tickets/release-held", "release_held", "POST", ticket_list_views.release_held),
    ("/tickets/send-suppressed", "send_suppressed", "POST", ticket_list_views.send_suppressed),
    ("/tickets/<reference>", "ticket", "GET", ticket_views.ticket),
    ("/tickets/<reference>/delivery", "ticket_delivery", "GET", ticket_views.delivery),
    ("/tickets/<reference>/mail.eml", "ticket_mail", "GET", ticket_export_views.mail),
    ("/tickets/<reference>/delete", "delete_ticket", "POST", ticket_action_views.delete),
    ("/tickets/<reference>/forget", "forget_visitor", "POST", ticket_action_views.forget),
    ("/tickets/<reference>/files/<file_id>", "attachment", "GET", ticket_export_views.attachment),
    ("/tickets/<reference>/taken", "take_ticket", "POST", taking_views.take_ticket),
    ("/tickets/<reference>/send-again", "send_again", "POST", ticket_views.send_again),
    ("/insights", "insights", "GET", insights_views.insights),
    ("/insights/tickets", "insights_tickets", "GET", insights_views.insights_tickets),
    ("/insights.csv", "insights_csv", "GET", insights_views.insights_csv),
    ("/doctor", "doctor", "GET", doctor_views.doctor),
    ("/trouble", "trouble", "GET", trouble_views.trouble),
    ("/trouble/try-now", "try_now", "POST", trouble_views.try_now),
    ("/trouble/send-failed", "send_failed", "POST", trouble_views.send_failed),
    ("/health", "health", "GET", health_views.health),
)


class AdminBlueprint(MountedBlueprint):
    """The admin's blueprint; ``may_act()`` tells whether the current request may change and send something."""

    may_act: Callable[[], bool] = staticmethod(lambda: True)


def make_blueprint(admin_required: ViewDecorator, viewer_required: ViewDecorator | None = None) -> AdminBlueprint:
    """The admin's blueprint.

    Arguments:
        admin_required: a view decorator that admits only admins; every view is wrapped in it.
        viewer_required: one that admits those who may read; instead of it, the views that change nothing are wrapped
            in this one.
    """
    blueprint = AdminBlueprint(ADMIN, __name__)
    if viewer_required is not None:
        blueprint.may_act = asks_whether_admitted(admin_required)
    rules: list[tuple[str, str, str, Callable[..., Any]]] = [*_RULES]
    rules += [(rule, f"{name}_page", "GET", to_page(PAGES[name])) for rule, name, *_rest in _RULES if name in PAGES]
    for rule, endpoint, method, view in rules:
        if viewer_required is not None and method == "GET":
            guarded_view = guarded(view, viewer_required, "viewer_required")
        else:
            guarded_view = guarded(view, admin_required, "admin_required")
        blueprint.add_url_rule(rule, endpoint, guarded_view, methods=[method])
    blueprint.before_request(note_arrival)
    blueprint.before_request(require_readable_query)
    translate_requests(blueprint)  # which reads the query
    blueprint.after_request(protect)
    for problem in (ForeignOrigin, Invalid, Unavailable):
        # One by one: Flask first looks for a handler of the status, and the site may have one.
        blueprint.register_error_handler(problem, problem_response)
    return blueprint


__all__ = ["AdminBlueprint", "make_blueprint"]
