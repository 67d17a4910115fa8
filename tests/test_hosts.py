"""In other people's applications: what the site has set up is neither used by mistake nor changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask, Request, Response, jsonify, render_template_string, request
from flask.json.provider import DefaultJSONProvider
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from flask_kapa_handoff import KapaHandoff
from tests.helpers.offers import signed_offer
from tests.helpers.pages import FRAGMENT, JSON, PLAIN, Page, json_of
from tests.helpers.tickets import PAIR, ticket_fields, whole_way


def test_the_sites_own_classes_are_left_as_they_were(make_app: Callable[..., Flask]) -> None:
    """request_class, response_class, JSON provider, session interface, error handlers and log handlers."""

    class OwnRequest(Request):
        trust = "own"

    class OwnResponse(Response):
        pass

    class OwnJson(DefaultJSONProvider):
        sort_keys = False

    app = make_app(mount=False)
    app.request_class, app.response_class, app.json = OwnRequest, OwnResponse, OwnJson(app)
    before = (app.session_interface, app.json, list(app.logger.handlers), dict(app.jinja_env.filters))
    KapaHandoff(app)
    assert app.request_class is OwnRequest
    assert app.response_class is OwnResponse
    assert (app.session_interface, app.json, list(app.logger.handlers), dict(app.jinja_env.filters)) == before
    assert app.error_handler_spec[None] == {}
    whole_way(app.test_client())


class CamelJson(DefaultJSONProvider):
    """A site whose API speaks camelCase and wraps every answer."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        def camel(value: Any) -> Any:
            if isinstance(value, dict):
                return {key.title().replace("_", ""): camel(item) for key, item in value.items()}
            return [camel(item) for item in value] if isinstance(value, list) else value

        return super().dumps({"Data": camel(obj)}, **kwargs)

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return {"wrapped": super().loads(s, **kwargs)}


def test_the_sites_json_dialect_does_not_change_ours(make_app: Callable[..., Flask]) -> None:
    """Our routes keep their contract, and the site's keep its dialect."""
    app = make_app(mount=False)
    app.json = CamelJson(app)
    KapaHandoff(app)

    @app.get("/own")
    def own() -> Response:
        return jsonify(some_key=1)

    client = app.test_client()
    assert json.loads(client.get("/own").text) == {"Data": {"SomeKey": 1}}
    said = json.loads(client.get("/handoff/offer?pairs=1", headers=JSON).text)
    assert said["offered"] is True
    with app.test_request_context():
        markup = render_template_string("{{ kapa_handoff_button(c) }}", c=PLAIN)
    assert json.loads(Page(markup).fields["conversation"]) == PLAIN.as_json()
    body = json.dumps(ticket_fields(client, offer=said["offer"]))
    answer = client.post("/handoff/tickets", data=body, content_type="application/json")
    assert answer.status_code == 201
    assert set(json.loads(answer.text)) == {"reference", "status"}


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_site_wide_csrf_protection_lets_visitors_through_and_goes_on_protecting_the_site(
    make_app: Callable[..., Flask], order: str
) -> None:
    """CSRFProtect set up before or after this package; visitors have no session and need none."""
    app = make_app(mount=False)
    if order == "before":
        CSRFProtect(app)
    KapaHandoff(app)
    if order == "after":
        CSRFProtect(app)

    @app.post("/own")
    def own() -> str:
        return "own"

    client = app.test_client()
    assert client.post("/own").status_code == 400
    for answer in whole_way(client):
        assert "Set-Cookie" not in answer.headers
    assert client.post("/own").status_code == 400


def test_a_csrf_protection_that_checks_only_on_demand_does_no_harm(make_app: Callable[..., Flask]) -> None:
    """WTF_CSRF_CHECK_DEFAULT=False, and forms with CSRF switched off altogether."""
    for number, key in enumerate(("WTF_CSRF_CHECK_DEFAULT", "WTF_CSRF_ENABLED")):
        app = make_app(name=f"site{number}", **{key: False})
        CSRFProtect(app)
        whole_way(app.test_client())
        forged = app.test_client().post("/handoff/tickets", data=ticket_fields(app.test_client(), offer="forged"))
        assert forged.status_code == 403


def test_our_pages_work_under_a_strict_content_security_policy(make_app: Callable[..., Flask]) -> None:
    """default-src 'self': no inline script, style, event attribute or javascript: address in any answer."""
    app = make_app()

    @app.after_request
    def policy(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    client = app.test_client()
    answers = whole_way(client)[:-1]
    answers += [client.get("/handoff/form?offer=forged"), client.get("/handoff/form?offer=forged", headers=FRAGMENT)]
    answers += [client.get("/handoff/form", query_string={"offer": signed_offer(client)}, headers=FRAGMENT)]
    for answer in answers:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'"
        for tag, attributes in Page(answer.text).elements:
            assert tag not in ("style", "base", "iframe", "object")
            assert tag != "script" or attributes.get("src", "").startswith("/handoff/static/")
            assert "style" not in attributes
            assert not [name for name in attributes if name.startswith("on")]
            for name in ("href", "src", "action", "formaction"):
                assert attributes.get(name, "/").startswith("/")


def test_a_site_that_wants_every_template_variable_defined_is_served(make_app: Callable[..., Flask]) -> None:
    """StrictUndefined is a setting of many careful sites."""
    app = make_app()
    app.jinja_env.undefined = StrictUndefined
    client = app.test_client()
    whole_way(client)
    for headers in ({}, FRAGMENT):
        assert client.get("/handoff/form?offer=forged", headers=headers).status_code == 403
        query = {"offer": signed_offer(client)}
        assert client.get("/handoff/form", query_string=query, headers=headers).status_code == 200
        sent = client.post("/handoff/tickets", data=ticket_fields(client), headers=headers)
        assert sent.status_code == 201
    with app.test_request_context():
        assert render_template_string("{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", c=PLAIN)


@pytest.mark.parametrize("option", ["trim_blocks", "lstrip_blocks", "keep_trailing_newline"])
def test_a_site_with_other_whitespace_rules_is_served(make_app: Callable[..., Flask], option: str) -> None:
    """Attributes do not run into each other."""
    app = make_app(mount=False)
    app.jinja_options = {option: True}
    KapaHandoff(app)
    whole_way(app.test_client())


def test_names_that_a_site_gives_to_all_templates_do_not_get_into_ours(make_app: Callable[..., Flask]) -> None:
    """A context processor's `form`, `title`, `reference`, `problem` or `visitor` is the site's own business."""
    app = make_app()
    names = ("form", "title", "reference", "problem", "visitor", "offer", "back_url", "in_dialog", "conversation")

    @app.context_processor
    def everywhere() -> dict[str, str]:
        return dict.fromkeys(names, "THE-SITES-OWN")

    client = app.test_client()
    answers = whole_way(client)[:-1]
    for headers in ({}, FRAGMENT):
        answers.append(client.get("/handoff/form?offer=forged", headers=headers))
        answers.append(client.get("/handoff/form", query_string={"offer": signed_offer(client)}, headers=headers))
        answers.append(client.post("/handoff/tickets", data=ticket_fields(client), headers=headers))
    for answer in answers:
        assert "THE-SITES-OWN" not in answer.text


def test_a_sites_error_handlers_are_neither_used_nor_changed_by_us(make_app: Callable[..., Flask]) -> None:
    """Its pages for 403, 404, 409, 413, 422, 429, 503, HTTPException and Exception stay; our answers stay ours."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1, KAPA_HANDOFF_MAX_PAIRS=2)
    handled: list[Any] = []

    def own(error: Any) -> tuple[str, int]:
        handled.append(error)
        return "THE-SITES-OWN", getattr(error, "code", 500)

    for kind in (403, 404, 405, 409, 413, 422, 429, 503, HTTPException, Exception):
        app.register_error_handler(kind, own)

    @app.get("/broken")
    def broken() -> str:
        raise RuntimeError("the site's own")

    client = app.test_client()
    assert client.get("/nowhere").text == "THE-SITES-OWN"
    assert client.get("/broken").text == "THE-SITES-OWN"
    assert client.get("/handoff/nowhere").status_code == 404
    handled.clear()
    whole_way(client)
    answers = [
        client.get("/handoff/offer"),
        client.get("/handoff/form?offer=forged"),
        client.get("/handoff/form?offer=forged", headers=JSON),
        client.post("/handoff/tickets", data="{", content_type="application/json"),
        client.post("/handoff/tickets", data=ticket_fields(client)),
        client.post("/handoff/tickets", data=ticket_fields(client), headers={"Origin": "https://evil.example"}),
        client.post("/handoff/tickets", data=ticket_fields(client, conversation=json.dumps([PAIR] * 3))),
        client.post("/handoff/tickets", data={"note": "x" * 1_100_000}),
        client.post("/handoff/events", json={"offer": "forged", "event": "cancel"}),
    ]
    assert [answer.status_code for answer in answers] == [422, 403, 403, 422, 429, 403, 413, 413, 403]
    assert not [answer for answer in answers if "THE-SITES-OWN" in answer.text]
    assert handled == []


def test_a_site_that_reads_every_form_first_does_no_harm(make_app: Callable[..., Flask]) -> None:
    """A before_request that looks into request.form or request.json, such as an audit log."""
    app = make_app(mount=False)

    @app.before_request
    def audit() -> None:
        if request.is_json:
            request.get_json(silent=True)
        else:
            len(request.form)

    KapaHandoff(app)
    client = app.test_client()
    whole_way(client)
    assert client.post("/handoff/tickets", json=ticket_fields(client)).status_code == 201
    answer = client.post("/handoff/tickets", data="{", content_type="application/json")
    assert (answer.status_code, json_of(answer)["error"]["code"]) == (422, "invalid")


def test_a_site_with_its_own_blueprints_helpers_and_commands_is_not_disturbed(make_app: Callable[..., Flask]) -> None:
    """Nothing of ours has a name without our prefix."""
    app = make_app(mount=False)
    before = set(app.jinja_env.globals)
    app.register_blueprint(Blueprint("handoff", __name__), url_prefix="/own")
    KapaHandoff(app)
    assert {name for name in app.blueprints if name != "handoff"} == {"kapa_handoff"}
    assert all(name.startswith("kapa_") for name in set(app.jinja_env.globals) - before)
    assert [name for name in app.cli.commands if "handoff" in name] == ["kapa-handoff"]
    assert all(str(rule).startswith(("/handoff/", "/static/")) for rule in app.url_map.iter_rules())


def test_without_an_admin_guard_there_are_no_admin_pages_and_the_log_says_how_to_get_them(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture
) -> None:
    """404, and one line at start that names admin_required."""
    client = make_app().test_client()
    assert "admin_required" in caplog.text
    for path in ("/handoff/admin/", "/handoff/admin/tickets", "/handoff/admin/settings"):
        assert client.get(path).status_code == 404
