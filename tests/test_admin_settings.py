"""The admin's settings page: guard, saving, conflicts, history, test mail."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask, redirect
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user
from flask_wtf import CSRFProtect
from jinja2 import DictLoader
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, Visitor
from flask_kapa_handoff.signals import settings_changed
from tests.helpers.admin import error_at, fields, let_pass, offered, save, shown, with_password
from tests.helpers.offers import signed_offer
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import PAIR

HTMX = {"HX-Request": "true"}
MakeApp = Callable[..., Flask]


@pytest.fixture
def admin_app(make_app: MakeApp) -> Callable[..., Flask]:
    """Builds apps with an admin room that is open to all."""

    def build(*, admin_required: Callable[..., Any] = let_pass, **options: Any) -> Flask:
        return make_app(handoff=KapaHandoff(admin_required=admin_required), **options)

    return build


@pytest.fixture
def admin(admin_app: Callable[..., Flask]) -> FlaskClient:
    """An admin's client of an app with the defaults."""
    return admin_app().test_client()


# The guard


def test_every_route_stands_behind_the_decorator(admin_app: Callable[..., Flask]) -> None:
    """Each rule of the blueprint refuses whom the site's decorator refuses."""
    app = admin_app(admin_required=with_password)
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("kapa_handoff_admin.")]
    assert len(rules) == 10
    for rule in rules:
        method = "POST" if "POST" in (rule.methods or ()) else "GET"
        url = rule.rule.replace("<reference>", "T-ABCDEF")
        answer = app.test_client().open(url, method=method)
        assert answer.status_code == 401, rule
        assert answer.headers["Cache-Control"] == "no-store"


def test_without_a_decorator_there_are_no_admin_pages(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """Without admin_required the pages do not exist, and the log says how to get them."""
    with caplog.at_level(logging.WARNING):
        client = make_app().test_client()
    assert "admin_required" in caplog.text
    for path in ("/handoff/admin/", "/handoff/admin/tickets"):
        assert client.get(path).status_code == 404
    assert client.post("/handoff/admin/settings").status_code in (404, 405)


def test_a_decorator_that_forgets_the_views_name_is_fine(admin_app: Callable[..., Flask]) -> None:
    """A site's decorator need not use functools.wraps."""

    def careless(view: Callable[..., Any]) -> Callable[..., Any]:
        def inner(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

        return inner

    client = admin_app(admin_required=careless).test_client()
    assert client.get("/handoff/admin/tickets").status_code == 200


def test_a_sites_redirect_to_its_login_stays(admin_app: Callable[..., Flask]) -> None:
    """Where the decorator leads to a login page, the browser gets that redirect."""
    app = admin_app(admin_required=lambda view: lambda **values: redirect("/login"))
    assert app.test_client().get("/handoff/admin/").location == "/login"


# Saving


def test_saving_without_htmx_leads_back_to_the_page(admin: FlaskClient) -> None:
    """A plain form's answer is 303 to the page, which says that it was saved."""
    answer = save(admin, button_text="Ask a human")
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert "Saved as version 1." in shown(page)
    assert 'value="Ask a human"' in page.text


def test_an_old_saved_notice_does_not_lie(admin: FlaskClient) -> None:
    """A link with an older version's notice says nothing."""
    save(admin, button_text="One")
    save(admin, button_text="Two")
    assert "Saved as version" not in shown(admin.get("/handoff/admin/?saved=1"))


def test_saving_with_htmx_answers_with_the_page_in_place(admin: FlaskClient) -> None:
    """htmx gets 200, the fragment alone, and the toast."""
    answer = save(admin, htmx=True, button_text="Ask a human")
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert answer.text.lstrip().startswith('<div id="kapa-handoff-admin-settings"')
    assert '<div id="kapa-handoff-admin-toast" hx-swap-oob="innerHTML">' in answer.text
    assert "Saved as version 1." in shown(answer)
    assert 'name="version" value="1"' in answer.text


def test_a_boosted_request_gets_a_whole_page(admin: FlaskClient) -> None:
    """A site's hx-boost asks for pages, not for fragments."""
    answer = admin.get("/handoff/admin/", headers={**HTMX, "HX-Boosted": "true"})
    assert "<html" in answer.text


def test_the_button_changes_right_after_a_save(admin: FlaskClient) -> None:
    """The next answer's button follows the saved settings."""
    assert offered(admin) == "Create ticket"
    save(admin, button_text="  Ask   a human ")
    assert offered(admin) == "Ask a human"
    save(admin, triggers="conversation-length, uncertainty", threshold="4")
    assert offered(admin) is None
    assert offered(admin, pairs=4) == "Ask a human"
    save(admin, enabled="false")
    assert offered(admin, pairs=4) is None


@pytest.mark.parametrize(
    "triggers", [["downvote", "uncertainty"], "uncertainty,downvote", ["", "downvote,uncertainty"]]
)
def test_triggers_come_repeated_or_comma_separated(admin: FlaskClient, triggers: Any) -> None:
    """Both spellings of several triggers are understood."""
    assert save(admin, triggers=triggers).status_code == 303
    assert offered(admin) is None
    assert offered(admin, uncertain="true")
    assert offered(admin, downvoted="true")


@pytest.mark.parametrize(
    ("sent", "is_shown"), [("on", True), ("1", True), ("true", True), ("off", False), ("0", False)]
)
def test_the_switch_understands_the_usual_words(admin: FlaskClient, sent: str, is_shown: bool) -> None:
    """enabled takes what programs send for on and off."""
    save(admin, enabled=sent)
    assert (offered(admin) is not None) is is_shown


def test_a_field_that_is_left_out_keeps_its_value(admin: FlaskClient) -> None:
    """A program may name only what it changes."""
    save(admin, email="help@example.com", triggers="conversation-length", threshold="7")
    known = fields(admin)
    changes = {"csrf_token": known["csrf_token"], "version": known["version"], "button_text": "Help me"}
    assert admin.post("/handoff/admin/settings", data=changes).status_code == 303
    found = fields(admin)
    assert found["button_text"] == "Help me"
    assert found["email"] == "help@example.com"
    assert found["threshold"] == "7"
    assert found["triggers"] == ["", "conversation-length"]
    assert found["enabled"] == ["false", "true"]


def test_saving_what_holds_already_changes_nothing(admin: FlaskClient) -> None:
    """An unchanged form makes no version and says so."""
    answer = save(admin)
    assert answer.status_code == 303
    assert "Nothing to save" in shown(admin.get(answer.location))
    assert fields(admin)["version"] == "0"


def test_an_empty_address_hides_the_button_and_says_so(admin: FlaskClient) -> None:
    """Without an address no button is shown, which the page tells plainly."""
    answer = save(admin, htmx=True, email=" ")
    assert answer.status_code == 200
    assert "There is no address to send tickets to. Visitors see no button." in shown(answer)
    assert offered(admin) is None


def test_the_signal_comes_after_the_commit(admin_app: Callable[..., Flask]) -> None:
    """settings_changed tells before, after and who, and its receiver sees what is stored."""
    app = admin_app()
    client, heard = app.test_client(), []

    def hear(sender: Flask, **told: Any) -> None:
        heard.append((sender, told, offered(app.test_client())))

    with settings_changed.connected_to(hear, app):
        save(client, button_text="Ask a human")
        save(client)  # nothing changes, nothing is told
    [(sender, told, seen)] = heard
    assert sender is app
    assert seen == "Ask a human"
    assert told["desk"] == "default"
    assert told["before"].button_text == "Create ticket"
    assert told["after"].button_text == "Ask a human"
    assert told["changed_by"] == "unknown"


# Errors


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("email", "support@", "This is not a complete email address."),
        ("email", "a@example.com, b@example.com", "This is not a complete email address."),
        ("email", "a@example.com\r\nBcc: x@example.com", "This is not a complete email address."),
        ("button_text", "  ", "Use text of 1 to 60 characters."),
        ("button_text", "x" * 61, "Use text of 1 to 60 characters."),
        ("triggers", [""], "Choose at least one. To hide the button, switch it off."),
        ("triggers", "downvotes", "Unknown trigger 'downvotes'; use any of always,"),
        ("threshold", "0", "Use a whole number from 1 to 100."),
        ("threshold", "101", "Use a whole number from 1 to 100."),
        ("threshold", "x", "Use a whole number from 1 to 100."),
        ("threshold", "", "Use a whole number from 1 to 100."),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_a_wrong_field_is_told_at_the_field(
    admin: FlaskClient, name: str, value: Any, message: str, htmx: bool
) -> None:
    """A wrong value is 422 with the message at its field; what was typed stays, and nothing is stored."""
    wrong = {"triggers": "conversation-length", "button_text": "Typed", name: value}
    answer = save(admin, htmx=htmx, **wrong)
    assert answer.status_code == 422
    assert error_at(answer, name).startswith(message)
    assert ("<html" in answer.text) is not htmx
    assert answer.text.count('aria-invalid="true"') == 1
    if name != "button_text":
        assert 'value="Typed"' in answer.text
    assert offered(admin) == "Create ticket"


def test_several_wrong_fields_are_told_together(admin: FlaskClient) -> None:
    """Each wrong field has its message; the first one takes the focus."""
    answer = save(admin, email="support@", button_text="", triggers=[""])
    for name in ("email", "button_text", "triggers"):
        assert error_at(answer, name)
    assert answer.text.count(" autofocus") == 1


@pytest.mark.parametrize("value", ["0", "x", "", "1000"])
def test_a_hidden_threshold_does_not_stand_in_the_way(admin: FlaskClient, value: str) -> None:
    """Where conversation-length is not chosen, a bad threshold is left as it was."""
    assert save(admin, triggers="downvote", threshold=value).status_code == 303
    assert fields(admin)["threshold"] == "3"


def test_an_unknown_desk_is_refused(admin: FlaskClient) -> None:
    """A desk that does not exist is 422, with a sentence that names it."""
    answer = save(admin, desk="sales")
    assert answer.status_code == 422
    assert "There is no desk 'sales'" in shown(answer)
    with_htmx = save(admin, desk="sales", htmx=True)
    assert with_htmx.status_code == 422
    assert with_htmx.headers["HX-Retarget"] == "#kapa-handoff-admin-failure"


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30])
def test_a_save_needs_the_version_that_was_shown(admin: FlaskClient, version: str) -> None:
    """Without a version nobody can tell whether the admin has seen the present settings."""
    answer = save(admin, version=version, button_text="Typed")
    assert answer.status_code == 422
    assert "version: must be the number that the form came with." in shown(answer)
    assert offered(admin) == "Create ticket"


def test_pinned_settings_are_shown_and_not_changed(admin_app: Callable[..., Flask]) -> None:
    """A pinned setting is read-only, names its key, and another value for it is 422 at the field."""
    client = admin_app(KAPA_HANDOFF_PINNED="email,button_text,triggers,threshold").test_client()
    page = client.get("/handoff/admin/")
    for key in ("EMAIL", "BUTTON_TEXT", "TRIGGERS", "CONVERSATION_LENGTH_THRESHOLD"):
        assert f"Set in the site's configuration ( KAPA_HANDOFF_{key} )." in shown(page)
    assert page.text.count(" readonly") == 3
    assert page.text.count(" disabled>") == 4
    other = {"email": "x@example.com", "button_text": "Other", "triggers": "downvote", "threshold": "9"}
    for name, value in other.items():
        answer = save(client, **{"triggers": None, name: value})
        assert answer.status_code == 422
        assert "cannot be changed here" in error_at(answer, name)
    assert save(client, triggers="always", enabled="false").status_code == 303


def test_a_database_out_of_reach_is_told_in_place(admin_app: Callable[..., Flask], tmp_path: Any) -> None:
    """Where the database cannot be reached, htmx is led to the page's line for failures; the form stays."""
    (tmp_path / "folder").mkdir()
    client = admin_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path / 'folder'}").test_client()
    assert client.get("/handoff/admin/").status_code == 503
    answer = client.post("/handoff/admin/settings", headers=HTMX)
    assert answer.status_code == 503
    assert answer.headers["HX-Retarget"] == "#kapa-handoff-admin-failure"
    assert answer.headers["Retry-After"]


# Two admins, history


@pytest.mark.parametrize("htmx", [False, True])
def test_the_second_of_two_admins_sees_both_versions(admin_app: Callable[..., Flask], htmx: bool) -> None:
    """A save over another one is 409 with both versions; what was typed stays, and saving again is a decision."""
    client = admin_app(admin_required=with_password).test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Basic Y2FybDp4"  # carl
    mine = fields(client, button_text="Mine", triggers="downvote")
    maria = {"Authorization": "Basic bWFyaWE6eA=="}
    theirs = fields(client, button_text="Theirs")
    assert client.post("/handoff/admin/settings", data=theirs, headers=maria).status_code == 303

    answer = client.post("/handoff/admin/settings", data=mine, headers=HTMX if htmx else {})
    assert answer.status_code == 409
    assert "Saved meanwhile by maria" in shown(answer)
    assert "Button text differs Mine Theirs" in shown(answer)
    assert "Shown under differs downvoted answers every answer" in shown(answer)
    assert "Address support@example.com support@example.com" in shown(answer)
    assert 'name="button_text" value="Mine"' in answer.text
    assert 'name="version" value="1"' in answer.text
    assert offered(client) == "Theirs"

    assert client.post("/handoff/admin/settings", data={**mine, "version": "1"}).status_code == 303
    assert offered(client, downvoted="true") == "Mine"


def test_the_history_tells_who_changed_what(admin: FlaskClient) -> None:
    """Each change stands in the history with its version and the values before and after."""
    save(admin, button_text="Ask a human")
    save(admin, triggers="conversation-length", threshold="5", enabled="false")
    page = shown(admin.get("/handoff/admin/"))
    assert "Version 1 unknown," in page
    assert "Button text: Create ticket → Ask a human" in page
    assert "Button: on → off" in page
    assert "Shown under: every answer → long conversations" in page
    assert "From question: 3 → 5" in page
    assert page.index("Version 2 unknown,") < page.index("Version 1 unknown,")


def bring_back(client: FlaskClient, version: int) -> TestResponse:
    """Press "Bring back" of a version."""
    page = client.get("/handoff/admin/?history=all").text
    form = next(
        form
        for form in page.split("<form")[1:]
        if f"</span> version {version}</span>" in form or f" version {version}</span></button>" in form
    )
    names = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    return client.post("/handoff/admin/settings", data={name: unescape(value) for name, value in names.items()})


def test_a_version_is_brought_back(admin: FlaskClient) -> None:
    """One press makes an older version's values the newest version."""
    save(admin, button_text="First", triggers="downvote", email="first@example.com")
    save(admin, button_text="Second", enabled="false")
    assert bring_back(admin, 1).status_code == 303
    assert offered(admin, downvoted="true") == "First"
    assert fields(admin)["version"] == "3"
    assert bring_back(admin, 0).status_code == 303
    assert offered(admin) == "Create ticket"


def test_a_version_is_brought_back_around_a_pinned_setting(make_app: MakeApp, admin_app: Callable[..., Flask]) -> None:
    """What has been pinned since is left alone."""
    client = admin_app().test_client()
    save(client, button_text="First", email="first@example.com")
    save(client, button_text="Second")
    pinned = admin_app(KAPA_HANDOFF_PINNED="email").test_client()  # on the same database
    assert bring_back(pinned, 1).status_code == 303
    assert fields(pinned)["button_text"] == "First"
    assert fields(pinned)["email"] == "support@example.com"


def test_a_long_history_is_shown_on_demand(admin: FlaskClient) -> None:
    """The page lists the latest changes, and all of them when asked."""
    for number in range(12):
        save(admin, button_text=f"Text {number}")
    page = admin.get("/handoff/admin/")
    assert "Version 1 unknown," not in shown(page)
    assert "?history=all" in page.text
    assert "Version 1 unknown," in shown(admin.get("/handoff/admin/?history=all"))


def test_the_name_in_the_history_is_the_visitor_loaders(make_app: MakeApp) -> None:
    """The address that the site's visitor_loader gives names the admin."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.visitor_loader(lambda: Visitor("maria@example.com"))
    client = make_app(handoff=handoff).test_client()
    save(client, button_text="x")
    assert "Version 1 maria@example.com," in shown(client.get("/handoff/admin/"))


def test_the_name_in_the_history_is_flask_logins(admin_app: Callable[..., Flask]) -> None:
    """Without a visitor_loader, the id of Flask-Login's user names the admin."""
    app = admin_app()
    manager = LoginManager(app)

    class User(UserMixin):  # type: ignore[misc]
        id = "carl"

    manager.user_loader(lambda user_id: User())

    @app.get("/login")
    def login() -> str:
        login_user(User())
        return ""

    client = app.test_client()
    save(client, button_text="before the login")
    client.get("/login")
    save(client, button_text="after it")
    page = shown(client.get("/handoff/admin/"))
    assert "Version 1 unknown," in page
    assert "Version 2 carl," in page


# Forgery


WRITES = ("/handoff/admin/settings", "/handoff/admin/test-mail", "/handoff/admin/tickets/T-ABCDEF/send-again")


@pytest.mark.parametrize("token", [None, "", "forged"])
@pytest.mark.parametrize("config", [{}, {"WTF_CSRF_ENABLED": False}, {"WTF_CSRF_FIELD_NAME": "other"}])
def test_a_save_needs_a_token_whatever_the_sites_switches(
    admin_app: Callable[..., Flask], token: str | None, config: dict[str, Any]
) -> None:
    """A missing or forged token is 400; what was typed stays, with a fresh token that works."""
    client = admin_app(**config).test_client()
    answer = save(client, csrf_token=token, button_text="Typed")
    assert answer.status_code == 400
    assert "Nothing was changed yet" in shown(answer)
    assert 'value="Typed"' in answer.text
    assert offered(client) == "Create ticket"
    fresh = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', answer.text)
    assert fresh
    assert save(client, csrf_token=fresh[1], button_text="Typed").status_code == 303


def test_another_sessions_token_is_refused(admin_app: Callable[..., Flask]) -> None:
    """A token is good for the session that it was made in."""
    app = admin_app()
    stolen = fields(app.test_client())["csrf_token"]
    assert save(app.test_client(), csrf_token=stolen, button_text="x").status_code == 400


def test_a_token_is_good_as_long_as_the_session(admin_app: Callable[..., Flask]) -> None:
    """The page may stay open for longer than the site's WTF_CSRF_TIME_LIMIT."""
    client = admin_app(WTF_CSRF_TIME_LIMIT=-1).test_client()
    assert save(client, button_text="x").status_code == 303


def test_a_site_wide_csrf_protection_is_no_obstacle(admin_app: Callable[..., Flask]) -> None:
    """With a CSRFProtect of the site's own, saving works and forging does not."""
    app = admin_app()
    CSRFProtect(app)
    client = app.test_client()
    assert save(client, csrf_token=None, button_text="x").status_code == 400
    assert save(client, button_text="x").status_code == 303


@pytest.mark.parametrize("path", [*WRITES, "/handoff/admin/preview"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "https://docs.example.com"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_foreign_page_is_refused(admin_app: Callable[..., Flask], path: str, headers: dict[str, str]) -> None:
    """Another site's page is 403 even with a good token; KAPA_HANDOFF_ORIGINS is for visitors only."""
    client = admin_app(WTF_CSRF_ENABLED=False, KAPA_HANDOFF_ORIGINS="https://docs.example.com").test_client()
    answer = client.post(path, data=fields(client, button_text="Evil"), headers=headers)
    assert answer.status_code == 403
    assert "Not from this site" in shown(answer)
    assert offered(client) == "Create ticket"


# Headers and layout


def test_headers_of_every_answer(admin: FlaskClient) -> None:
    """Nothing is kept, nothing is framed, and the package's own layout has a strict policy."""
    answers = [
        admin.get("/handoff/admin/"),
        admin.get("/handoff/admin/tickets"),
        admin.get("/handoff/admin/tickets/x"),
    ]
    answers += [save(admin, htmx=True), save(admin, csrf_token=None), save(admin, email="x@")]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'"
        )


def test_nothing_is_inline(admin: FlaskClient) -> None:
    """No style attribute, style element, inline script or event attribute stands in a page."""
    page = admin.get("/handoff/admin/").text
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page)


def test_a_site_sets_its_own_policy(admin_app: Callable[..., Flask]) -> None:
    """What a site's after_request says stands."""
    app = admin_app()

    @app.after_request
    def policy(response: Any) -> Any:
        response.headers["Content-Security-Policy"] = "default-src https:"
        return response

    assert app.test_client().get("/handoff/admin/").headers.getlist("Content-Security-Policy") == [
        "default-src https:"
    ]


def test_the_pages_stand_in_the_sites_own_template(admin_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_ADMIN_TEMPLATE gives the frame; the pages bring their own style and script with them."""
    app = admin_app(KAPA_HANDOFF_ADMIN_TEMPLATE="office.html")
    app.jinja_loader = DictLoader(
        {"office.html": "<title>Office</title><main>{% block content %}{% endblock %}</main>"}
    )
    client = app.test_client()
    for path in ("/handoff/admin/", "/handoff/admin/tickets", "/handoff/admin/tickets/T-NONE"):
        answer = client.get(path)
        assert answer.text.startswith("<title>Office</title><main>")
        assert answer.text.count("<main") == 1
        assert "/handoff/static/admin.css?v=" in answer.text
        assert "/handoff/static/admin.js?v=" in answer.text
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert save(client, button_text="x").status_code == 303


def test_a_site_overrides_a_template_by_its_path(admin_app: Callable[..., Flask]) -> None:
    """A template in the site's own folder takes the place of the package's."""
    app = admin_app()
    app.jinja_loader = DictLoader({"kapa_handoff/admin/_history.html": "<p>Our own history</p>"})
    assert "Our own history" in app.test_client().get("/handoff/admin/").text


def test_the_pages_work_below_a_mount_point(admin: FlaskClient) -> None:
    """Behind a path prefix all addresses carry it."""
    page = admin.get("/handoff/admin/", environ_overrides={"SCRIPT_NAME": "/docs"}).text
    assert 'action="/docs/handoff/admin/settings"' in page
    assert not re.search(r'(?:href|src|action|hx-post)="/handoff', page)


# Preview


def test_the_preview_shows_what_is_typed_and_changes_nothing(admin: FlaskClient) -> None:
    """The button and the form appear as typed; nothing is stored."""
    typed = fields(admin, button_text="Talk to <us>", triggers=["", "downvote"])
    answer = admin.post("/handoff/admin/preview", data=typed, headers=HTMX)
    assert answer.status_code == 200
    assert answer.text.count("Talk to &lt;us&gt;") == 2
    assert "Shown after a downvote." in shown(answer)
    assert "Not saved yet." in shown(answer)
    assert offered(admin) == "Create ticket"
    assert fields(admin)["version"] == "0"


def test_the_preview_tells_errors_at_once(admin: FlaskClient) -> None:
    """A wrong field's message comes along, and the preview keeps what is right."""
    typed = fields(admin, email="support@", button_text="Talk to us", triggers=[""])
    answer = admin.post("/handoff/admin/preview", data=typed, headers=HTMX)
    assert answer.status_code == 200
    assert "not a complete email address" in error_at(answer, "email")
    assert error_at(answer, "triggers").startswith("Choose at least one.")
    assert error_at(answer, "button_text") == ""
    assert answer.text.count("Talk to us") == 2


def test_the_preview_without_htmx_is_the_whole_page(admin: FlaskClient) -> None:
    """Without script the page comes back with what was typed, unsaved."""
    answer = admin.post("/handoff/admin/preview", data=fields(admin, button_text="Talk to us"))
    assert "This is a preview. Nothing is saved yet." in shown(answer)
    assert 'name="button_text" value="Talk to us"' in answer.text
    assert offered(admin) == "Create ticket"


@pytest.mark.parametrize(
    ("triggers", "sentence"),
    [
        ("always,downvote", "Shown under every answer."),
        ("conversation-length", "Shown from 3 questions on."),
        ("uncertainty,downvote", "Shown when the answer is uncertain or after a downvote."),
        (
            "conversation-length,uncertainty,downvote",
            "Shown from 3 questions on, when the answer is uncertain or after a downvote.",
        ),
    ],
)
def test_the_preview_says_when_the_button_is_shown(admin: FlaskClient, triggers: str, sentence: str) -> None:
    """One sentence tells which answers get a button."""
    answer = admin.post("/handoff/admin/preview", data=fields(admin, triggers=triggers), headers=HTMX)
    assert sentence in shown(answer)


# Test mail


def send_test_mail(client: FlaskClient, *, htmx: bool = False, **changes: Any) -> TestResponse:
    """Press "Send a test mail"."""
    sent = {"csrf_token": fields(client)["csrf_token"], "desk": "default", **changes}
    return client.post("/handoff/admin/test-mail", data=sent, headers=HTMX if htmx else {})


@pytest.fixture
def mailing(admin_app: Callable[..., Flask], mail_server: MailServer) -> FlaskClient:
    """An admin's client of an app with a mail server."""
    return admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port).test_client()


@pytest.mark.parametrize("htmx", [False, True])
def test_a_test_mail_that_is_accepted(mailing: FlaskClient, mail_server: MailServer, htmx: bool) -> None:
    """A sample ticket goes to the saved address, and the server's reply is shown; no ticket is stored."""
    answer = send_test_mail(mailing, htmx=htmx)
    assert answer.status_code == 200
    assert 'data-outcome="accepted"' in answer.text
    assert "250 2.0.0 taken" in shown(answer)
    assert ("<html" in answer.text) is not htmx
    [mail] = mail_server.wait_for(1)
    assert mail.recipients == ["support@example.com"]
    assert "T-SAMPLE: Test mail" in mail.message["Subject"]
    assert "this is a test mail" in mail.body("plain")
    assert "No tickets yet" in mailing.get("/handoff/admin/tickets").text


def test_a_test_mail_that_is_refused(mailing: FlaskClient, mail_server: MailServer) -> None:
    """The server's refusal is shown word for word."""
    mail_server.replies["RCPT"] = ["550 5.1.1 <support@example.com>: no such <b>user</b>"]
    answer = send_test_mail(mailing, htmx=True)
    assert 'data-outcome="refused"' in answer.text
    assert "550 5.1.1 &lt;support@example.com&gt;: no such &lt;b&gt;user&lt;/b&gt;" in answer.text


def test_a_test_mail_that_is_delayed(mailing: FlaskClient, mail_server: MailServer) -> None:
    """A temporary refusal is told as such."""
    mail_server.replies["DATA"] = ["451 4.7.1 Greylisted"]
    answer = send_test_mail(mailing, htmx=True)
    assert 'data-outcome="delayed"' in answer.text
    assert "451 4.7.1 Greylisted" in answer.text


def test_a_test_mail_to_a_server_that_is_down(admin_app: Callable[..., Flask]) -> None:
    """Where no mail server answers, the page says so."""
    client = admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=free_port()).test_client()
    answer = send_test_mail(client, htmx=True)
    assert answer.status_code == 200
    assert 'data-outcome="delayed"' in answer.text
    assert "Connection refused" in answer.text


def test_a_test_mail_that_the_site_keeps_in(admin_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Where the site suppresses mail, the page says that nothing was sent."""
    client = admin_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, MAIL_SUPPRESS_SEND=True).test_client()
    answer = send_test_mail(client)
    assert 'data-outcome="suppressed"' in answer.text
    assert "MAIL_SUPPRESS_SEND" in answer.text
    assert mail_server.connections == 0


def test_a_test_mail_goes_to_the_saved_address_alone(mailing: FlaskClient, mail_server: MailServer) -> None:
    """No field of the request names the recipient."""
    save(mailing, email="saved@example.com")
    send_test_mail(mailing, email="other@example.com", recipient="other@example.com")
    assert [mail.recipients for mail in mail_server.wait_for(1)] == [["saved@example.com"]]


def test_a_test_mail_needs_an_address_and_a_token(mailing: FlaskClient, mail_server: MailServer) -> None:
    """Without a token it is 400, without a saved address 422; nothing is sent."""
    assert send_test_mail(mailing, csrf_token="forged").status_code == 400
    save(mailing, email="")
    answer = send_test_mail(mailing, htmx=True)
    assert answer.status_code == 422
    assert "There is no address yet." in shown(answer)
    assert mail_server.connections == 0


def test_what_an_admin_types_is_escaped(admin: FlaskClient) -> None:
    """Markup in a setting is text everywhere on the page."""
    evil = '"><script>alert(1)</script>'
    for answer in (
        save(admin, htmx=True, button_text=evil),
        save(admin, email=evil, button_text=evil, threshold=evil),
    ):
        assert "<script>alert" not in answer.text
    page = admin.get("/handoff/admin/")
    assert "<script>alert" not in page.text
    assert evil in unescape(page.text)


def test_a_ticket_sent_after_a_save_goes_to_the_new_address(admin: FlaskClient) -> None:
    """The address that holds when a ticket is sent is the one that it goes to."""
    offer = signed_offer(admin)
    save(admin, email="new@example.com")
    answer = admin.post(
        "/handoff/tickets",
        json={
            "offer": offer,
            "submission_id": "0198f6a0-0000-7000-8000-000000000000",
            "email": "v@example.com",
            "conversation": [PAIR],
        },
    )
    assert answer.status_code == 201
    assert "new@example.com" in admin.get(f"/handoff/admin/tickets/{answer.json['reference']}").text
