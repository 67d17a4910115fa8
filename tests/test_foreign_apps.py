"""Sites with other guards, hosts and names: CSRF checks beside Flask-WTF's, host matching, decorators, titles."""

from __future__ import annotations

import functools
import logging
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, abort, redirect, request, session, url_for
from flask_seasurf import SeaSurf
from flask_wtf.csrf import CSRFProtect

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.doctor import examine
from flask_kapa_handoff.state import state_of
from tests.helpers.admin import let_pass, save
from tests.helpers.pages import Page
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, ticket_fields, whole_way

MakeApp = Callable[..., Flask]

pytestmark = pytest.mark.only("sqlite")


# --- forged requests -------------------------------------------------------------------------------------------------


def careless(view: Callable[..., Any]) -> Callable[..., Any]:
    """A site's decorator that does not keep the names of what it guards."""

    def inner(**values: Any) -> Any:
        return view(**values)

    return inner


@pytest.mark.parametrize("order", ["before", "after", "beside CSRFProtect"])
def test_flask_seasurf_lets_our_forms_through_and_goes_on_protecting_the_site(make_app: MakeApp, order: str) -> None:
    """Set up before or after this package; our views are exempt, and no other that the same decorator guards."""
    app = make_app(mount=False)
    if order != "after":
        SeaSurf(app)
    KapaHandoff(app, admin_required=careless)
    if order != "before":
        SeaSurf(app)
    if order == "beside CSRFProtect":
        CSRFProtect(app)

    @app.post("/own")
    @careless
    def own() -> str:
        return "own"

    client = app.test_client()
    for answer in whole_way(client):
        assert "Set-Cookie" not in answer.headers
    assert client.post("/own").status_code in (400, 403)
    assert save(client, button_text="Ask").status_code == 303
    assert save(client, csrf_token=None, button_text="Forged").status_code == 400
    assert client.post("/own").status_code in (400, 403)


def test_a_check_of_the_sites_own_is_named_in_the_log_and_by_the_check_up(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    """The well-known snippet with a token in the session refuses our forms; with the line that we name it does not."""
    knows_us = False
    app = make_app(mount=False)

    @app.before_request
    def csrf_protect() -> None:
        if knows_us and request.blueprint in ("kapa_handoff", "kapa_handoff_admin"):
            return
        if request.method == "POST":
            token = session.pop("_csrf_token", None)
            if not token or token != request.form.get("_csrf_token"):
                abort(403)

    KapaHandoff(app, admin_required=let_pass)
    client = app.test_client()
    line = "if request.blueprint in ('kapa_handoff', 'kapa_handoff_admin'): return"
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert client.post("/handoff/tickets", data=ticket_fields(client)).status_code == 403
    assert [line in record.getMessage() for record in caplog.records].count(True) == 1
    told = [finding for finding in examine(app, state_of(app)) if line in str(finding.remedy)]
    assert [str(finding.what) for finding in told] == [
        "The site itself refused POST /handoff/tickets (403) before it reached the handoff."
    ]
    knows_us = True
    send_ticket(client)
    assert not [one for one in examine(app, state_of(app)) if line in str(one.remedy)]
    assert save(client, button_text="Ask").status_code == 303


def test_our_own_refusal_is_not_blamed_on_the_site(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """A forged offer is a 403 of ours."""
    client = app.test_client()
    with caplog.at_level(logging.WARNING):
        assert client.post("/handoff/tickets", data=ticket_fields(client, offer="forged")).status_code == 403
    assert "The site itself" not in caplog.text


# --- the decorator ---------------------------------------------------------------------------------------------------


def sending_to(endpoint: str) -> Callable[..., Any]:
    """A decorator that sends everybody to a login page."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def inner(**values: Any) -> Any:
            return redirect(url_for(endpoint))

        return inner

    return decorate


def test_a_decorator_that_names_a_relative_endpoint_is_told_what_to_change(make_app: MakeApp) -> None:
    """url_for('.login') means our own blueprint in our pages: the error names the decorator and the remedy."""
    app = make_app(handoff=KapaHandoff(admin_required=sending_to(".login")), PROPAGATE_EXCEPTIONS=True)
    app.add_url_rule("/login", "login", lambda: "in")
    with pytest.raises(Exception, match=r"admin_required asks for url_for\('\.login'\).*url_for\('login'\)"):
        app.test_client().get("/handoff/admin/")


def test_a_decorator_that_names_an_endpoint_in_full_is_fine(make_app: MakeApp) -> None:
    """The usual one."""
    app = make_app(handoff=KapaHandoff(admin_required=sending_to("login")))
    app.add_url_rule("/login", "login", lambda: "in")
    assert app.test_client().get("/handoff/admin/").location == "/login"


def test_an_endpoint_that_does_not_exist_at_all_stays_the_sites_error(make_app: MakeApp) -> None:
    """It is not relative, so there is nothing to explain."""
    app = make_app(handoff=KapaHandoff(admin_required=sending_to("nowhere")), PROPAGATE_EXCEPTIONS=True)
    with pytest.raises(Exception, match="Could not build url for endpoint 'nowhere'"):
        app.test_client().get("/handoff/admin/")


# --- hosts -----------------------------------------------------------------------------------------------------------


def test_an_app_with_host_matching_is_served_on_every_host(make_app: MakeApp, tmp_path: Any) -> None:
    """Rules without a host would match none; every address stays on the host of the request."""
    app = Flask("hosts", host_matching=True, static_host="static.example.com", instance_path=str(tmp_path / "hosts"))
    app.config.update(make_app(mount=False).config)
    KapaHandoff(app, admin_required=let_pass)
    app.add_url_rule("/", "home", lambda: "home", host="docs.example.com")
    for host in ("http://docs.example.com", "http://localhost:5000", "https://help.example.org"):
        client = app.test_client()
        client.environ_base.update(HTTP_HOST=host.split("//")[1])
        answers = whole_way(client)
        style = Page(answers[1].text).one("link", rel="stylesheet")["href"]
        with client.get(style) as answer:
            assert answer.status_code == 200
        page = client.get("/handoff/admin/").text
        assert 'href="/handoff/admin/tickets"' in page
        assert save(client, button_text=f"Ask {host}").status_code == 303
    state_of(app).delivery.stop()
    state_of(app).database.close()


# --- the site's name -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "config", "expected"),
    [
        ("my_docs_site", {}, "My docs site"),
        ("acme-help", {}, "Acme help"),
        ("acme.web.app", {}, "Acme"),
        ("src.main", {"SERVER_NAME": "docs.example.com"}, "docs.example.com"),
        ("wsgi", {}, "wsgi"),
        ("app", {"SITE_NAME": "An Otter Wiki"}, "An Otter Wiki"),
        ("app", {"PROJECT_TITLE": "The Forum"}, "The Forum"),
        ("app", {"APP_NAME": "Acme", "TITLE": "Other"}, "Acme"),
        ("app", {"APP_TITLE": "", "SITE_TITLE": "  Acme \n Docs "}, "Acme Docs"),
        ("my_docs", {"TITLE": ["no", "text"], "SITE_NAME": "x" * 101, "APP_NAME": True}, "My docs"),
        ("my_docs", {"SITE_NAME": "Acme", "KAPA_HANDOFF_SITE_NAME": "Our own"}, "Our own"),
        ("___", {}, "___"),
    ],
)
def test_the_site_has_a_name_to_read(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch, name: str, config: dict[str, Any], expected: str
) -> None:
    """From the key, from a title in the site's own configuration, or made from the import name."""
    for depth in range(1, name.count(".") + 1):  # Flask before 3 looks for the package that a name is in
        package = ".".join(name.split(".")[:depth])
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
        monkeypatch.setattr(sys.modules[package], "__path__", [], raising=False)
    app = make_app(name=name, **{"KAPA_HANDOFF_SITE_NAME": None, **config})
    assert state_of(app).site_name == expected


def test_pages_and_mails_have_the_same_name(make_app: MakeApp, mail_server: MailServer) -> None:
    """Also where it is guessed."""
    app = make_app(
        name="my_docs",
        KAPA_HANDOFF_SITE_NAME=None,
        KAPA_HANDOFF_DELIVERY="inline",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=mail_server.port,
    )
    assert "My docs" in whole_way(app.test_client())[1].text
    (received,) = mail_server.wait_for(1)
    assert received.message["Subject"].startswith("[My docs] T-")


@pytest.mark.parametrize(("config", "level"), [({}, "warning"), ({"SITE_NAME": "Acme"}, "ok")])
def test_the_check_up_advises_setting_a_name_that_is_only_guessed(
    make_app: MakeApp, config: dict[str, Any], level: str
) -> None:
    """A title of the site's own configuration is good enough."""
    app = make_app(KAPA_HANDOFF_SITE_NAME=None, **config)
    (found,) = (one for one in examine(app, state_of(app)) if "call this site" in str(one.what))
    assert found.level.value == level
    assert ("KAPA_HANDOFF_SITE_NAME" in str(found.remedy)) == (level == "warning")
