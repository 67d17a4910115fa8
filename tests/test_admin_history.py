"""The settings' versions: two admins at once, who changed what, and how to restore one."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, Visitor
from tests.helpers.admin import fields, let_pass, offered, save, shown, with_password
from tests.helpers.pages import HTMX


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
    assert "Saved by maria" in shown(answer)
    assert "Button text different Mine Theirs" in shown(answer)
    assert "When to show it different Downvoted answers Every answer" in shown(answer)
    assert "Address support@example.com support@example.com" in shown(answer)
    assert 'name="button_text" value="Mine"' in answer.text
    assert 'name="version" value="1"' in answer.text
    assert offered(client) == "Theirs"

    assert client.post("/handoff/admin/settings", data={**mine, "version": "1"}).status_code == 303
    assert offered(client, downvoted="true") == "Mine"


def test_the_history_tells_who_changed_what(admin: FlaskClient) -> None:
    """Each change is in the history with its version and the values before and after."""
    save(admin, button_text="Ask a human")
    save(admin, triggers="conversation-length", threshold="5", enabled="false")
    page = shown(admin.get("/handoff/admin/"))
    assert "Version 1 20" in page
    assert "Button text: Create ticket → Ask a human" in page
    assert "Button: on → off" in page
    assert "When to show it: Every answer → Long conversations" in page
    assert "Show from question number: 3 → 5" in page
    assert page.index("Version 2 20") < page.index("Version 1 20")


def restore(client: FlaskClient, version: int) -> TestResponse:
    """Press the button that restores a version."""
    page = client.get("/handoff/admin/?history=all").text
    form = next(
        form
        for form in page.split("<form")[1:]
        if (f"(version {version})" if version else "(site configuration)") in form
    )
    names = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    return client.post("/handoff/admin/settings", data={name: unescape(value) for name, value in names.items()})


def test_a_version_restores_who_is_on_it(admin: FlaskClient) -> None:
    """The button in mails, and the reminders."""
    save(admin, take_link=["false", "true"], reminder_email="boss@example.com", reminder_hours="8")
    save(admin, take_link="false", reminder_email="", reminder_hours="2")
    assert restore(admin, 1).status_code == 303
    sent = fields(admin)
    assert sent["take_link"] == ["false", "true"]
    assert (sent["reminder_email"], sent["reminder_hours"]) == ("boss@example.com", "8")
    assert restore(admin, 0).status_code == 303
    sent = fields(admin)
    assert sent["take_link"] == ["false"]
    assert (sent["reminder_email"], sent["reminder_hours"]) == ("", "4")


def test_a_version_is_restored(admin: FlaskClient) -> None:
    """One press makes an older version's values the newest version."""
    save(admin, button_text="First", triggers="downvote", email="first@example.com")
    save(admin, button_text="Second", enabled="false")
    assert restore(admin, 1).status_code == 303
    assert offered(admin, downvoted="true") == "First"
    assert fields(admin)["version"] == "3"
    assert restore(admin, 0).status_code == 303
    assert offered(admin) == "Create ticket"


def test_restoring_a_version_leaves_a_pinned_setting_alone(
    make_app: Callable[..., Flask], admin_app: Callable[..., Flask]
) -> None:
    """What has been pinned since is left alone."""
    client = admin_app().test_client()
    save(client, button_text="First", email="first@example.com")
    save(client, button_text="Second")
    pinned = admin_app(KAPA_HANDOFF_PINNED="email").test_client()  # on the same database
    assert restore(pinned, 1).status_code == 303
    assert fields(pinned)["button_text"] == "First"
    assert fields(pinned)["email"] == "support@example.com"


def test_a_long_history_is_shown_on_demand(admin: FlaskClient) -> None:
    """The page lists the latest changes, and all of them when asked."""
    for number in range(12):
        save(admin, button_text=f"Text {number}")
    page = admin.get("/handoff/admin/")
    assert "Version 1 20" not in shown(page)
    assert "?history=all" in page.text
    assert "Version 1 20" in shown(admin.get("/handoff/admin/?history=all"))


def test_the_name_in_the_history_is_the_visitor_loaders(make_app: Callable[..., Flask]) -> None:
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
    assert "Version 1 20" in page
    assert "Version 2 carl," in page


@pytest.mark.parametrize("htmx", [False, True])
def test_a_save_can_be_undone_at_once(admin: FlaskClient, htmx: bool) -> None:
    """The message after a save has a button that saves the version before; nothing else has one."""
    save(admin, button_text="First")
    answer = save(admin, button_text="Second", htmx=htmx)
    page = answer.text if htmx else admin.get(answer.location).text
    form = next(form for form in page.split("<form")[1:] if ">Undo<" in form)
    names = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    assert admin.post("/handoff/admin/settings", data=names).status_code == 303
    assert offered(admin) == "First"
    assert ">Undo<" not in admin.get("/handoff/admin/").text
