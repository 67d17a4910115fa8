"""Those who may look at the admin pages and not act."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask, abort, flash, get_flashed_messages, request
from flask.testing import FlaskClient

from flask_kapa_handoff import ConfigurationError, KapaHandoff
from tests.helpers.admin import let_pass
from tests.helpers.tickets import PAIR, ticket_fields

pytestmark = pytest.mark.only("sqlite")

MakeApp = Callable[..., Flask]


def by_header(allowed: str) -> Callable[..., Any]:
    def decorator(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if request.headers.get("X-Role", "") not in allowed.split():
                flash("Not for you.")
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorator


@pytest.fixture
def site(make_app: MakeApp) -> Flask:
    app = make_app(handoff=KapaHandoff(admin_required=by_header("admin"), viewer_required=by_header("admin viewer")))
    app.add_url_rule("/flashed", "flashed", lambda: get_flashed_messages())
    return app


def pages_of(app: Flask) -> list[str]:
    """Every page of the admin that can be opened, with a ticket."""
    reference = (
        app.test_client().post("/handoff/tickets", json=ticket_fields(app.test_client())).get_json()["reference"]
    )
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("kapa_handoff_admin.")]
    queries = {"insights_tickets": f"?of=questions&name={quote(PAIR['question'])}"}
    queries |= {rule.endpoint.rpartition(".")[2]: "?version=0" for rule in rules if rule.endpoint.endswith("restore")}
    return [
        rule.rule.replace("<reference>", reference) + queries.get(rule.endpoint.rpartition(".")[2], "")
        for rule in rules
        if "GET" in (rule.methods or ())
        and not rule.endpoint.endswith("_page")  # redirects
        and not rule.arguments - {"reference"}
        and not rule.endpoint.endswith("static")
    ]


def test_a_viewer_sees_every_page_and_no_button_on_it(site: Flask) -> None:
    """A search is no act. Nor can they send what no page offers; a refusal leaves no message behind."""
    client = site.test_client()
    viewer, admin = {"X-Role": "viewer"}, {"X-Role": "admin"}
    for path in pages_of(site):
        page = client.get(path, headers=viewer)
        assert page.status_code == 200, path
        outside_forms = re.sub(
            r"<fieldset[^>]* disabled>.*?</fieldset>\s*(?=</form>)",
            "",
            page.text,
            flags=re.DOTALL,
        )
        outside_forms = re.sub(r"<form [^>]*method=\"get\".*?</form>", "", outside_forms, flags=re.DOTALL)
        outside_forms = re.sub(r"<div [^>]* inert>.*?</figure>", "", outside_forms, flags=re.DOTALL)
        assert "<button" not in outside_forms, path
        assert client.get(path, headers=admin).status_code == 200
        assert client.get(path).status_code == 403
    assert client.get("/flashed").get_json() == ["Not for you."] * len(pages_of(site))
    posts = [
        rule
        for rule in site.url_map.iter_rules()
        if rule.endpoint.startswith("kapa_handoff_admin.") and "POST" in (rule.methods or ())
    ]
    assert posts
    for rule in posts:
        path = re.sub("<[^>]+>", "x", rule.rule)
        assert client.post(path, headers=viewer).status_code == 403, path


def test_a_decorator_that_refuses_with_an_error_of_the_sites_own_is_asked_as_well(make_app: MakeApp) -> None:
    """For which the site has a handler, as with Flask-Principal; an error that nobody handles is a mistake."""

    class NotAllowed(Exception):
        pass

    def admins(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if request.headers.get("X-Role") != "admin":
                raise NotAllowed
            return view(*args, **kwargs)

        return guarded

    def client_of(name: str, handlers: dict[type[Exception], Any]) -> FlaskClient:
        handoff = KapaHandoff(admin_required=admins, viewer_required=by_header("admin viewer"))
        app = make_app(handoff=handoff, name=name)
        for kind, handler in handlers.items():
            app.register_error_handler(kind, handler)
        return app.test_client()

    viewer = {"X-Role": "viewer"}
    assert client_of("unhandled", {}).get("/handoff/admin/", headers=viewer).status_code == 500
    client = client_of("handled", {NotAllowed: lambda _error: ("Not for you.", 403)})
    assert "disabled" in client.get("/handoff/admin/", headers=viewer).text
    assert client.post("/handoff/admin/settings", headers=viewer).status_code == 403


def test_viewers_without_admins_are_a_mistake(make_app: MakeApp) -> None:
    with pytest.raises(ConfigurationError, match="viewer_required is only allowed together with admin_required"):
        make_app(handoff=KapaHandoff(viewer_required=let_pass))
    with pytest.raises(ConfigurationError, match="viewer_required"):
        make_app(handoff=KapaHandoff(admin_required=let_pass, viewer_required="viewer"))  # type: ignore[arg-type]
