"""The visitor's blueprint: what happens around every request, whichever route it is for."""

from __future__ import annotations

from flask import Response, request

from ..errors import RequestProblem
from ..state import current_state
from ..web.csrf import explain_refusal, note_arrival
from ..web.mounting import MountedBlueprint
from ..web.origin import allow_origin
from ..web.requests import require_readable_query
from ..web.urls import STATIC, content_marks
from .responses import problem_response

YEAR = 365 * 24 * 60 * 60


class _VisitorBlueprint(MountedBlueprint):
    def get_send_file_max_age(self, filename: str | None) -> int | None:
        # An address with the mark of its content can be kept for ever, any other follows the site's own setting: also
        # one with another version's mark, on a page that was built long ago, or while a new version is rolled out.
        is_marked = request.args.get("v") == content_marks().get(filename or "", "")
        return YEAR if is_marked else super().get_send_file_max_age(filename)


blueprint = _VisitorBlueprint("kapa_handoff", __name__, static_folder=str(STATIC), static_url_path="/static")
blueprint.before_request(note_arrival)
blueprint.after_request(explain_refusal)
blueprint.before_request(require_readable_query)


@blueprint.after_request
def protect(response: Response) -> Response:
    """Dynamic answers are nobody's to keep; pages of KAPA_HANDOFF_ORIGINS may read them."""
    state = current_state()
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    if request.endpoint == "kapa_handoff.static":
        if state.config.origins:
            # A module script of another origin is fetched with CORS. Not that origin's name: the file is kept.
            response.headers.setdefault("Access-Control-Allow-Origin", "*")
    else:
        response.headers["Cache-Control"] = "no-store"
        # The address of a form holds its offer. A page that hides its own address gets a form that does so, too: over
        # plain HTTP, behind a proxy that rewrites Host, the form would be taken for another site's.
        hidden = request.headers.get("Origin") == "null"
        response.headers.setdefault("Referrer-Policy", "no-referrer" if hidden else "same-origin")
        response.headers.setdefault("Content-Security-Policy", "frame-ancestors 'self'")
        allow_origin(response, state.config)
    return response


def _problems(base: type[RequestProblem]) -> list[type[RequestProblem]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_problems(child))]


for _problem in _problems(RequestProblem):
    # One by one: Flask looks for a handler of the status first, and the site may have one.
    blueprint.register_error_handler(_problem, problem_response)
