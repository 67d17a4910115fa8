"""The visitor's blueprint: what happens around every request, on any route."""

from __future__ import annotations

from flask import Response, request

from ..errors import RequestProblem
from ..state import current_state
from ..web.csrf import explain_refusal, note_arrival
from ..web.language import translate_requests
from ..web.mounting import MountedBlueprint
from ..web.origin import allow_origin
from ..web.requests import require_readable_query
from ..web.urls import STATIC, content_mark
from .responses import problem_response

YEAR = 365 * 24 * 60 * 60


class _VisitorBlueprint(MountedBlueprint):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        # An address with the hash of its content can be cached forever. Any other follows the site's own setting,
        # including one with another version's hash, on a page that was built long ago or while a new version is rolled
        # out.
        is_marked = request.args.get("v") == content_mark()
        return YEAR if is_marked else super().get_send_file_max_age(filename)


blueprint = _VisitorBlueprint("kapa_handoff", __name__, static_folder=str(STATIC), static_url_path="/static")
blueprint.before_request(note_arrival)
blueprint.before_request(require_readable_query)
translate_requests(blueprint)  # which reads the query
blueprint.after_request(explain_refusal)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Mark dynamic responses as not cacheable, and let pages in KAPA_HANDOFF_ORIGINS read them."""
    state = current_state()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.endpoint == "kapa_handoff.static":
        if state.config.origins:
            # A module script from another origin is fetched with CORS. Not with that origin's name, since the file is
            # cached.
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
    else:
        response.headers["Cache-Control"] = "no-store"
        # A form's address contains its offer, so only the site's own pages get it as a referrer. A page that hides its
        # own address gets a form that hides it, too: over plain HTTP, behind a proxy that rewrites Host, the form
        # would otherwise look like another site's.
        hidden = request.headers.get("Origin") == "null"
        response.headers.setdefault("Referrer-Policy", "no-referrer" if hidden else "same-origin")
        response.headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        allow_origin(response, state.config)
    return response


def _problems(base: type[RequestProblem]) -> list[type[RequestProblem]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_problems(child))]


for _problem in _problems(RequestProblem):
    # One by one: Flask first looks for a handler of the status, and the site may have one.
    blueprint.register_error_handler(_problem, problem_response)
