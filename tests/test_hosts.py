"""Host sites of all kinds: what they have is used or left alone, and what they do does no harm."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Blueprint, Flask, Response, jsonify, render_template_string, request, session
from flask.json.provider import DefaultJSONProvider
from flask.testing import FlaskClient
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined
from sqlalchemy import inspect
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_kapa_handoff import ConfigurationError, Conversation, KapaHandoff
from tests.helpers.offers import signed_offer
from tests.helpers.pages import FRAGMENT, JSON, PLAIN, Page
from tests.helpers.servers import MailServer
from tests.helpers.tickets import PAIR, send_ticket, ticket_fields, tickets, whole_way

# --- mounting --------------------------------------------------------------------------------------------------------


def test_an_app_factory_mounts_one_extension_object_on_many_apps(make_app: Callable[..., Flask]) -> None:
    """init_app() as often as there are apps; each has its own configuration and tickets."""
    handoff = KapaHandoff()
    one = make_app(handoff=handoff, name="one", KAPA_HANDOFF_EMAIL="one@example.com")
    two = make_app(handoff=handoff, name="two", KAPA_HANDOFF_EMAIL="two@example.com", KAPA_HANDOFF_URL_PREFIX="/help")
    whole_way(one.test_client())
    whole_way(two.test_client(), "/help")
    assert [ticket.recipient for ticket in tickets(one)] == ["one@example.com"]
    assert [ticket.recipient for ticket in tickets(two)] == ["two@example.com"]


def test_two_lines_mount_it(make_app: Callable[..., Flask]) -> None:
    """KapaHandoff(app), and nothing else."""
    app = make_app(mount=False)
    KapaHandoff(app)
    whole_way(app.test_client())


def test_two_apps_in_one_process_know_nothing_of_each_other(make_app: Callable[..., Flask]) -> None:
    """Neither do the hooks of one extension object reach the other's app, nor an offer its form."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: PLAIN)
    one, two = make_app(handoff=handoff, name="one", SECRET_KEY="one"), make_app(name="two", SECRET_KEY="two")
    send_ticket(one.test_client(), conversation=None)
    answer = two.test_client().post("/handoff/tickets", data=ticket_fields(two.test_client(), conversation=None))
    assert answer.status_code == 422
    offer = signed_offer(one.test_client())
    assert two.test_client().get("/handoff/form", query_string={"offer": offer}).status_code == 403


def test_a_second_mount_on_one_app_is_refused_with_what_to_do(app: Flask) -> None:
    """The error says so, and the first mount goes on working."""
    with pytest.raises(ConfigurationError, match=r"init_app\(\)"):
        KapaHandoff(app)
    handoff = KapaHandoff()
    with pytest.raises(ConfigurationError, match="already"):
        handoff.init_app(app)
    whole_way(app.test_client())


def test_hooks_may_be_registered_after_the_mount(make_app: Callable[..., Flask]) -> None:
    """The usual order: KapaHandoff(app), then the decorated functions; a hook stays the function that it was."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff)

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        return PLAIN

    assert load("x") is PLAIN
    send_ticket(app.test_client(), conversation=None)
    assert tickets(app)[0].transcript_source == "site"


@pytest.mark.parametrize("prefix", ["/handoff", "/help", "/a/b-c/d.e"])
def test_it_stands_under_any_prefix(make_app: Callable[..., Flask], prefix: str) -> None:
    """Every address in the markup follows."""
    app = make_app(KAPA_HANDOFF_URL_PREFIX=prefix)
    client = app.test_client()
    for answer in whole_way(client, prefix):
        if answer.status_code != 204:
            for _, attributes in Page(answer.text).elements:
                for name in ("action", "href", "src"):
                    assert attributes.get(name, prefix).startswith(prefix)
    if prefix != "/handoff":
        assert client.get("/handoff/offer?pairs=1").status_code == 404


def test_it_stands_under_another_applications_path(make_app: Callable[..., Flask]) -> None:
    """Mounted with a dispatcher, SCRIPT_NAME is in every address, and styles load."""
    app = make_app(APPLICATION_ROOT="/docs")
    client = Client(DispatcherMiddleware(NotFound(), {"/docs": app}))
    answers = whole_way(client, "/docs/handoff")
    assert Page(answers[0].text).one("form")["action"] == "/docs/handoff/form"
    style = Page(answers[1].text).one("link", rel="stylesheet")["href"]
    assert style.startswith("/docs/handoff/static/")
    with client.get(style) as answer:
        assert answer.status_code == 200
    said = client.get("/docs/handoff/offer?pairs=1", headers=JSON)
    assert said.json["form_url"] == "/docs/handoff/form"


def test_behind_a_proxy_the_origin_and_the_prefix_are_those_of_the_outside(make_app: Callable[..., Flask]) -> None:
    """With ProxyFix the browser's Origin is the forwarded host, and addresses have the forwarded prefix."""
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    client = app.test_client()
    forwarded = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "docs.example.com",
        "X-Forwarded-Prefix": "/kb",
    }
    button = client.get("/handoff/offer?pairs=1", headers=forwarded)
    assert Page(button.text).one("form")["action"] == "/kb/handoff/form"
    fields = ticket_fields(client, offer=Page(button.text).fields["offer"])
    own = {**JSON, **forwarded, "Origin": "https://docs.example.com"}
    assert client.post("/handoff/tickets", data=fields, headers=own).status_code == 201
    foreign = {**JSON, **forwarded, "Origin": "https://evil.example"}
    assert client.post("/handoff/tickets", data=fields, headers=foreign).status_code == 403


@pytest.mark.parametrize(
    ("trusted", "headers", "unheeded"),
    [
        (None, {}, False),
        (None, {"X-Forwarded-For": "192.0.2.7"}, True),
        (None, {"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, True),
        (None, {"Forwarded": "for=127.0.0.1;proto=https"}, False),
        (0, {"X-Forwarded-For": "192.0.2.7"}, True),
        (1, {"X-Forwarded-For": "192.0.2.7"}, False),
        (1, {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}, False),
        (1, {"X-Forwarded-For": "2001:db8::1"}, False),
        (1, {}, False),
    ],
)
def test_a_ticket_tells_whether_a_proxy_hid_its_visitor(
    make_app: Callable[..., Flask], trusted: int | None, headers: dict[str, str], unheeded: bool
) -> None:
    """The request names the visitor's address, and the site has not taken it: the doctor finds that in the ticket."""
    app = make_app()
    if trusted is not None:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted)  # type: ignore[method-assign]
    client = app.test_client()
    assert client.post("/handoff/tickets", data=ticket_fields(client), headers=JSON | headers).status_code == 201
    assert [ticket.proxy_unheeded for ticket in tickets(app)] == [unheeded]


# --- what the site has set up ----------------------------------------------------------------------------------------


def test_the_sites_own_classes_are_left_as_they_were(make_app: Callable[..., Flask]) -> None:
    """request_class, response_class, JSON provider, session interface, error handlers and log handlers."""

    class OwnRequest(Flask.request_class):
        trust = "own"

    class OwnResponse(Flask.response_class):
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
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "invalid")


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


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["before", "after"])
def test_a_sites_flask_sqlalchemy_engine_is_used(make_app: Callable[..., Flask], tmp_path: Path, order: str) -> None:
    """Our tables stand in the site's database once it is upgraded, and its own session is not disturbed."""
    app = make_app(mount=False, SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3")
    database = SQLAlchemy()

    class Article(database.Model):  # type: ignore[name-defined,misc]
        id = database.Column(database.Integer, primary_key=True)
        title = database.Column(database.Text)

    if order == "before":
        database.init_app(app)
    KapaHandoff(app)
    if order == "after":
        database.init_app(app)

    @app.get("/page")
    def page() -> str:
        database.session.add(Article(title="not committed"))
        database.session.flush()
        with database.session.no_autoflush:
            found = database.session.query(Article).count()
        return render_template_string("{{ n }}", n=found)

    client = app.test_client()
    assert client.get("/handoff/offer?pairs=1").status_code == 503
    app.extensions["kapa_handoff"].database.upgrade()
    with app.app_context():
        database.create_all()
        names = inspect(database.engine).get_table_names()
        assert "article" in names
        assert "kapa_handoff_ticket" in names
        assert "kapa_handoff_ticket" not in database.metadata.tables
    whole_way(client)
    assert client.get("/page").text == "1"
    assert client.get("/page").text == "1"
    assert not (Path(app.instance_path) / "kapa_handoff.sqlite3").exists()
    connection = sqlite3.connect(tmp_path / "site.sqlite3")
    assert connection.execute("SELECT count(*) FROM kapa_handoff_ticket").fetchone() == (1,)
    connection.close()
    with app.app_context():
        database.engine.dispose()


def test_our_own_uri_comes_before_the_sites_flask_sqlalchemy(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """KAPA_HANDOFF_DATABASE_URI decides."""
    app = make_app(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3",
        KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/ours.sqlite3",
    )
    SQLAlchemy(app)
    whole_way(app.test_client())
    assert (tmp_path / "ours.sqlite3").exists()
    assert not (tmp_path / "site.sqlite3").exists()


@pytest.mark.only("sqlite")
def test_a_flask_sqlalchemy_with_binds_alone_has_no_engine_for_us(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """It has no default engine: the package's own file is used."""
    app = make_app(SQLALCHEMY_BINDS={"other": f"sqlite:///{tmp_path}/other.sqlite3"})
    SQLAlchemy(app)
    whole_way(app.test_client())
    assert (Path(app.instance_path) / "kapa_handoff.sqlite3").exists()


def test_the_sites_open_transaction_does_not_hold_up_a_page_with_a_button(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    """A view that has written, but not committed, renders the button at once."""
    app = make_app(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/site.sqlite3")
    database = SQLAlchemy(app)
    app.extensions["kapa_handoff"].database.upgrade()

    @app.get("/page")
    def page() -> str:
        database.session.execute(database.text("CREATE TABLE IF NOT EXISTS visit (n INTEGER)"))
        database.session.execute(database.text("INSERT INTO visit VALUES (1)"))
        return render_template_string("{{ kapa_handoff_button(c) }}", c=PLAIN)

    assert "data-kapa-handoff-open" in app.test_client().get("/page").text
    with app.app_context():
        database.engine.dispose()


# --- mail ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mail", ["before", "after", "never", "given", "given and later set up"])
def test_a_mail_arrives_however_the_site_sets_flask_mail_up(
    make_app: Callable[..., Flask], mail_server: MailServer, mail: str
) -> None:
    """Before this package, after it, not at all, or handed over."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="inline", MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    if mail == "before":
        Mail(app)
    given = Mail(app) if mail == "given" else Mail() if mail == "given and later set up" else None
    KapaHandoff(app, mail=given)
    if mail == "after":
        Mail(app)
    if mail == "given and later set up":
        assert given is not None
        given.init_app(app)
    reference = send_ticket(app.test_client())
    (received,) = mail_server.wait_for(1)
    assert received.recipients == ["support@example.com"]
    assert reference in received.message["Subject"]
    assert received.message["Reply-To"] == "visitor@example.com"
    assert "It does not work on Tuesdays." in received.body("plain")


def test_a_mail_server_that_is_down_costs_the_visitor_nothing(make_app: Callable[..., Flask]) -> None:
    """Even inline: 201, and the ticket waits for its next try."""
    app = make_app(KAPA_HANDOFF_DELIVERY="inline", MAIL_SERVER="127.0.0.1", MAIL_PORT=9)
    answer = app.test_client().post("/handoff/tickets", data=ticket_fields(app.test_client()), headers=JSON)
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    assert (str(ticket.status), ticket.attempts) == ("queued", 1)
    assert answer.json == {"reference": ticket.reference, "status": "queued"}


def test_a_site_without_any_mail_configuration_loses_no_ticket(make_app: Callable[..., Flask]) -> None:
    """Neither MAIL_SERVER nor a sender: it is stored, and waits."""
    app = make_app(KAPA_HANDOFF_DELIVERY="inline", MAIL_DEFAULT_SENDER=None)
    send_ticket(app.test_client())
    assert str(tickets(app)[0].status) == "queued"


# --- caches, cookies and other origins -------------------------------------------------------------------------------


def test_a_cached_page_works_for_a_visitor_without_cookies(make_app: Callable[..., Flask]) -> None:
    """One visitor's page is kept by a cache and used by another one's browser: the whole way, without a cookie."""
    app = make_app(SESSION_REFRESH_EACH_REQUEST=True)

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", c=PLAIN)

    first = app.test_client().get("/page")
    assert "Set-Cookie" not in first.headers
    assert "Cookie" not in first.headers.get("Vary", "")
    cached = Page(first.text)
    references = set()
    for _ in range(2):  # two visitors with the same copy
        client = app.test_client(use_cookies=False)
        opened = client.post(cached.one("form")["action"], data=cached.fields)
        assert opened.status_code == 200
        fields = {**Page(opened.text).fields, "email": f"{uuid.uuid4().hex}@example.com"}
        stored = client.post("/handoff/tickets", data=fields, headers=JSON)
        assert stored.status_code == 201
        references.add(stored.json["reference"])
        for answer in (opened, stored):
            assert "Set-Cookie" not in answer.headers
            assert "Cookie" not in answer.headers.get("Vary", "")
            assert answer.headers["Cache-Control"] == "no-store"
    assert len(references) == 2


def test_the_sites_session_is_neither_read_nor_written(make_app: Callable[..., Flask]) -> None:
    """A signed-in visitor's session is the same after a ticket, and our answers do not depend on it."""
    app = make_app()

    @app.get("/login")
    def login() -> str:
        session["user"] = "ada"
        return "in"

    client = app.test_client()
    client.get("/login")
    before = client.get_cookie("session")
    for answer in whole_way(client):
        assert "Set-Cookie" not in answer.headers
        assert "Cookie" not in answer.headers.get("Vary", "")
    assert client.get_cookie("session") == before


DOCS = "https://docs.example.com"


def test_a_static_docs_site_on_another_origin_goes_the_whole_way(make_app: Callable[..., Flask]) -> None:
    """Offer, form, ticket and cancel are readable by its script, without cookies, and errors are as well."""
    app = make_app(KAPA_HANDOFF_ORIGINS=DOCS)
    client = app.test_client(use_cookies=False)
    headers = {"Origin": DOCS, "Sec-Fetch-Site": "cross-site", **FRAGMENT}
    button = client.get("/handoff/offer?pairs=1&thread_id=t", headers=headers)
    offer = Page(button.text).fields["offer"]
    form = client.get("/handoff/form", query_string={"offer": offer}, headers=headers)
    fields = {**Page(form.text).fields, "conversation": json.dumps([PAIR])}
    wrong = client.post("/handoff/tickets", data=fields, headers=headers)
    stored = client.post("/handoff/tickets", data={**fields, "email": "visitor@example.com"}, headers=headers)
    cancel = client.post("/handoff/events", json={"offer": offer, "event": "cancel"}, headers=headers)
    none = client.get("/handoff/offer?pairs=x", headers=headers)
    answers = [button, form, wrong, stored, cancel, none]
    assert [answer.status_code for answer in answers] == [200, 200, 422, 201, 204, 422]
    for answer in answers:
        assert answer.headers["Access-Control-Allow-Origin"] == DOCS
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert "Origin" in answer.headers["Vary"]


def test_a_page_of_another_origin_gets_addresses_that_lead_back_to_the_site(make_app: Callable[..., Flask]) -> None:
    """Without script its button's form must not open on the docs site, which has no such page."""
    client = make_app(KAPA_HANDOFF_ORIGINS=DOCS).test_client()
    headers = {"Origin": DOCS}
    button = client.get("/handoff/offer?pairs=1", headers=headers)
    assert Page(button.text).one("form")["action"] == "http://localhost/handoff/form"
    said = client.get("/handoff/offer?pairs=1", headers={**headers, **JSON})
    assert said.json["form_url"] == "http://localhost/handoff/form"


def test_the_script_can_be_loaded_from_another_origin(app: Flask) -> None:
    """A plain script tag needs no CORS; nothing in our answer forbids it."""
    with app.test_client().get("/handoff/static/handoff.js", headers={"Origin": DOCS}) as answer:
        assert answer.status_code == 200
        assert answer.headers.get("Cross-Origin-Resource-Policy") is None
        assert "Set-Cookie" not in answer.headers


def test_the_script_can_be_loaded_as_a_module_from_another_origin(make_app: Callable[..., Flask]) -> None:
    """Modules are fetched with CORS; the answer is kept by caches, so that it is the same for every origin."""
    client = make_app(KAPA_HANDOFF_ORIGINS=DOCS).test_client()
    for origin in (DOCS, "https://other.example.com"):
        with client.get("/handoff/static/handoff.js", headers={"Origin": origin}) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("page", ["http://localhost/docs", "https://evil.example/x", "javascript:alert(1)", ""])
def test_the_way_back_leads_only_to_the_sites_own_pages(app: Flask, page: str) -> None:
    """The page of an offer is what a browser said: a confirmation never links to another site."""
    client: FlaskClient = app.test_client()
    fields = ticket_fields(client, offer=signed_offer(client, page=page))
    links = [found["href"] for found in Page(client.post("/handoff/tickets", data=fields).text).all("a")]
    assert links == (["http://localhost/docs"] if "localhost" in page else [])


def test_importing_the_package_leaves_what_it_may_not_need() -> None:
    """Alembic, smtplib, Markdown and the form library come when they are used, not at import."""
    program = "import sys, flask_kapa_handoff; print([n for n in sys.argv[1:] if n in sys.modules])"
    names = ["alembic", "smtplib", "comrak", "nh3", "flask_mail", "wtforms", "email_validator"]
    done = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
