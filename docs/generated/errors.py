"""What a program gets over HTTP: the codes of errors, and the admin's routes."""

from __future__ import annotations

import tempfile
from http import HTTPStatus

from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.errors import RequestProblem


def codes() -> str:
    """Each error code with its status and the sentence that visitors read."""
    found: dict[tuple[str, int], list[str]] = {}
    for kind in _kinds(RequestProblem):
        if kind.error_code != RequestProblem.error_code and kind.code and kind.description:
            found.setdefault((kind.error_code, kind.code), []).append(kind.description)
    lines = ["| code | status | what visitors read |", "|---|---|---|"]
    for (code, status), sentences in sorted(found.items(), key=lambda row: (row[0][1], row[0][0])):
        said = "<br>".join(dict.fromkeys(sentences))
        lines.append(f"| `{code}` | {status} {HTTPStatus(status).phrase} | {said} |")
    return "\n".join(lines)


def admin_routes() -> str:
    """Each route of the admin pages, and the first sentence of its view's docstring."""
    lines = ["| route | |", "|---|---|"]
    app = example()
    for methods, path, endpoint in routes(app):
        if path.startswith("/handoff/admin/") and not endpoint.endswith(".static"):
            said = (app.view_functions[endpoint].__doc__ or "").strip().split("\n\n")[0]
            lines.append(f"| `{methods} {path}` | {' '.join(said.split())} |")
    return "\n".join(lines)


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """The package's routes: methods, path and endpoint, as they are mounted by default."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("kapa_handoff"):
            methods = "/".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            found.append((methods, rule.rule, rule.endpoint))
    return sorted(found, key=lambda route: (route[1], route[0]))


def example() -> Flask:
    """A site with everything mounted, which stores nothing."""
    app = Flask("site", instance_path=tempfile.gettempdir())
    app.config.update(SECRET_KEY="for the documentation", TESTING=True)  # noqa: S106 - it serves nobody
    KapaHandoff(app, admin_required=lambda view: view)
    return app


def _kinds(base: type[RequestProblem]) -> list[type[RequestProblem]]:
    return [kind for child in base.__subclasses__() for kind in (child, *_kinds(child))]
