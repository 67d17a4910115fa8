"""The settings' versions: who changed what and when, and how to restore one."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user
from sqlalchemy import update

from flask_kapa_handoff import KapaHandoff, Visitor
from flask_kapa_handoff.admin.differences import Excerpt, excerpt
from flask_kapa_handoff.settings_api import Settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import settings_change
from tests.helpers.admin import fields, let_pass, offered, save, shown
from tests.helpers.desks import remove_desk, save_desk, save_rules
from tests.helpers.history import RESTORE, form_with, restore


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


def entry(page: str, version: int) -> str:
    """What the page says of a version."""
    return re.split(r"Version \d+ ", page.split(f"Version {version} ", 1)[1])[0]


def test_a_change_says_when_it_was_exactly_and_how_long_ago(admin: FlaskClient) -> None:
    """Both, so nobody has to hover or count."""
    save(admin, button_text="First")
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC \(just now\)", entry(shown(admin.get("/handoff/admin/")), 1))


def test_what_was_added_to_lists_and_removed_is_named(admin: FlaskClient) -> None:
    """Triggers and addresses one by one; one value that took the place of another: before and after."""
    save(admin, email="a@example.com, b@example.com", triggers=["downvote", "uncertainty"])
    save(admin, email="b@example.com, c@example.com", triggers=["downvote"], form_radius="pill")
    page = shown(admin.get("/handoff/admin/"))
    assert "Address removed: a@example.com Address added: c@example.com" in entry(page, 2)
    assert "Trigger removed: Uncertain answers" in entry(page, 2)
    assert "Corners: default → Very round" in entry(page, 2)
    assert "Address removed: support@example.com Address added: a@example.com" in entry(page, 1)


def test_of_a_long_text_the_changed_part_is_shown(admin: FlaskClient) -> None:
    """With some words around it; the whole text is one click away."""
    text = "We read every question that you send, and one of us will reply to you {} as fast as anybody can."
    save(admin, form_lead=text.format("today"))
    save(admin, form_lead=text.format("this week"))
    page = admin.get("/handoff/admin/")
    assert (
        "Introduction: … reply to you today → this week as fast as … Whole text "
        f"{text.format('today')} {text.format('this week')}" in entry(shown(page), 2)
    )
    assert "<summary>Whole text</summary>" in page.text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("a " * 50, "a " * 49, Excerpt("… a a a", "a", "", "")),
        ("", "b " * 50, Excerpt("", "", "b " * 39 + "b…", "")),
        ("x" + " a" * 45, "y" + " a" * 45, Excerpt("", "x", "y", "a a a …")),
        ("漢" * 90, "字", Excerpt("", "漢" * 79 + "…", "字", "")),
        ("short", "also short", None),
    ],
)
def test_an_excerpt_says_what_changed(before: str, after: str, told: Excerpt | None) -> None:
    """Also at either end, for a text that appears, and for one without spaces; what is long is folded."""
    assert excerpt(before.strip(), after.strip()) == told


def test_a_long_history_has_pages(admin: FlaskClient) -> None:
    """The settings page has the latest changes, and further pages every one of them once."""
    for number in range(112):
        save_version(admin, f"Text {number}")
    page = admin.get("/handoff/admin/")
    assert "Version 103 " in shown(page)
    assert "Version 102 " not in shown(page)
    address, versions = "/handoff/admin/history?desk=default", []
    while address:
        page = admin.get(address)
        versions += [int(number) for number in re.findall(r"<strong>Version (\d+)</strong>", page.text)]
        older = re.search(r'href="([^"]+)" rel="next"', page.text)
        address = unescape(older[1]) if older else ""
    assert versions == [*range(112, 0, -1)]
    assert "Site configuration" in page.text
    assert page.text.count("Site configuration") == 1


def save_version(client: FlaskClient, text: str) -> None:
    app = client.application
    with app.app_context():
        Settings().save(button_text=text, changed_by="ada")


def test_a_restore_says_which_later_changes_it_reverts(admin: FlaskClient) -> None:
    """Which, by whom, what of them; nothing is saved before the second press, which is one change of its own."""
    save(admin, button_text="Yesterday", form_title="Ask us")
    save_version(admin, "Today")
    save(admin, triggers="downvote", form_title="")
    page = admin.get("/handoff/admin/")
    address = unescape(next(at for at in re.findall(r'href="([^"]+)"', page.text) if "version=1" in at))
    asked = admin.get(address)
    told = shown(asked)
    assert "Restore version 1" in told
    assert (
        "What changes Button text: Today → Yesterday When to show it: Downvoted answers → Every answer "
        "Title: default → Ask us Restore version 1 Cancel" in told
    )
    assert "This reverts 2 later changes" in told
    assert "ada, " in entry(told, 2)
    assert "Button text: Yesterday → Today" in entry(told, 2)
    assert "Title: Ask us → default" in entry(told, 3)
    assert offered(admin, downvoted="true") == "Today"

    done = admin.post(RESTORE, data=form_with(asked.text, 'name="seen"'))
    assert done.status_code == 303
    page = admin.get(done.location)
    assert "Saved. Live now." in shown(page)
    assert ">Undo<" in page.text
    assert offered(admin) == "Yesterday"
    assert fields(admin)["version"] == "4"


def test_the_latest_change_is_undone_at_once_and_an_earlier_version_asks_first(admin: FlaskClient) -> None:
    """Under two names: "Undo this change" is a button, "Restore this version…" a link to the page that asks."""
    save(admin, button_text="First")
    save(admin, button_text="Second")
    page = admin.get("/handoff/admin/").text
    assert re.findall(r"(Undo this change|Restore this version…)<span[^>]*> \(([^)]*)\)", page) == [
        ("Undo this change", "version 2"),
        ("Restore this version…", "version 1"),
        ("Restore this version…", "site configuration"),
    ]
    assert admin.post(RESTORE, data=form_with(page, "Undo this change")).status_code == 303
    assert offered(admin) == "First"


def test_a_change_that_brings_values_back_says_which(admin: FlaskClient) -> None:
    """After an undo and after a restore, however the values came back; a change to new ones says nothing."""
    save(admin, button_text="First")
    save(admin, button_text="Second")
    assert restore(admin, 1).status_code == 303
    assert restore(admin, 2).status_code == 303
    assert restore(admin, 0).status_code == 303
    page = shown(admin.get("/handoff/admin/"))
    told = [
        re.findall(r"Back to (version \d|the site's configuration)", entry(page, number)) for number in range(1, 6)
    ]
    assert told == [[], [], ["version 1"], ["version 2"], ["the site's configuration"]]
    assert "Back to version 2" in shown(admin.get("/handoff/admin/history"))


def test_a_restore_of_the_current_values_says_only_that(admin: FlaskClient) -> None:
    """No button, and no list of changes that it would revert."""
    save(admin, button_text="First")
    save(admin, button_text="Second")
    assert restore(admin, 1).status_code == 303
    page = admin.get(f"{RESTORE}?version=1")
    assert "Nothing would change: these are the current settings." in shown(page)
    assert "later change" not in page.text
    assert 'name="seen"' not in page.text


def test_a_restore_asks_again_if_somebody_saved_meanwhile(admin: FlaskClient) -> None:
    """409, with what it would revert now; so does one whose session has expired."""
    save(admin, button_text="First")
    save(admin, button_text="Second")
    pressed = form_with(admin.get("/handoff/admin/").text, "Undo this change")
    save(admin, triggers="downvote")
    answer = admin.post(RESTORE, data=pressed)
    assert answer.status_code == 409
    assert "Someone else saved" in shown(answer)
    assert "This reverts 2 later changes" in shown(answer)
    expired = {**form_with(answer.text, 'name="seen"'), "csrf_token": "x"}
    assert admin.post(RESTORE, data=expired).status_code == 400
    assert offered(admin, downvoted="true") == "Second"
    assert admin.post(RESTORE, data=form_with(answer.text, 'name="seen"')).status_code == 303
    assert offered(admin) == "First"


def test_what_cannot_be_restored_stays_and_is_named(
    make_app: Callable[..., Flask], admin_app: Callable[..., Flask]
) -> None:
    """A channel that the site has no more; the rest is restored."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.channel("parrot", label="the parrot")(lambda ticket, conversation: None)
    client = make_app(handoff=handoff).test_client()
    save(client, button_text="First", channel="parrot")
    save(client, button_text="Second", channel="mail")
    without = make_app(handoff=KapaHandoff(admin_required=let_pass)).test_client()
    page = shown(without.get(RESTORE, query_string={"version": 1}))
    assert "or what they need is gone: Tickets go out by." in page
    assert restore(without, 1).status_code == 303
    assert offered(without) == "First"
    assert fields(without)["version"] == "3"


@pytest.mark.parametrize("query", ["version=7", "version=x", "", "version=1&desk=nobody", "version=7&desk=/"])
def test_a_version_that_is_not_there_is_refused(admin: FlaskClient, query: str) -> None:
    """422, for the question and for the answer."""
    save(admin, button_text="First")
    assert admin.get(f"{RESTORE}?{query}").status_code == 422
    token = {"csrf_token": fields(admin)["csrf_token"], "seen": "1"}
    assert admin.post(f"{RESTORE}?{query}", data=token).status_code == 422


def test_the_history_of_all_desks_and_page_rules(admin: FlaskClient) -> None:
    """On one page; the page of desks has what concerns desks and rules, and no texts of buttons."""
    app = admin.application
    save_desk(app)
    save_desk(app, button_text="Ask Sales")
    save_rules(app, ("/pricing/*", "sales"), ("/bugs", "default"))
    save_rules(app, ("/bugs", "default"), ("/pricing/*", "sales"), ("/new", "sales"))
    save_desk(app, label="Sales team")
    desks = shown(admin.get("/handoff/admin/desks"))
    assert "Rule added: /pricing/* → Sales team Rule added: /bugs → Main desk" in desks
    assert "Rule added: /new → Sales team Order of the rules: /pricing/*" in desks
    assert "Name: Sales → Sales team" in desks
    assert "Desk: not in use → in use" in desks
    assert "Ask Sales" not in desks
    everything = shown(admin.get("/handoff/admin/history"))
    assert "Button text: Create ticket → Ask Sales" in everything
    assert "Rule added: /new" in everything
    sales = shown(admin.get("/handoff/admin/history?desk=sales"))
    assert "Ask Sales" in sales
    assert "Rule added" not in sales
    assert "Site configuration" not in sales  # a desk that was added did not begin with it
    assert admin.get("/handoff/admin/history?desk=nobody").status_code == 422


def test_page_rules_are_restored_without_those_of_desks_that_are_gone(admin: FlaskClient) -> None:
    """Which are named before."""
    app = admin.application
    save_desk(app)
    save_desk(app, "bugs")
    save_rules(app, ("/pricing/*", "sales"), ("/bugs", "bugs"))
    save_rules(app)
    save_rules(app, ("/x", "sales"))
    remove_desk(app, "bugs")
    page = shown(admin.get(RESTORE, query_string={"desk": "/", "version": 1}))
    assert "Rule removed: /x → Sales Rule added: /pricing/* → Sales" in page
    assert "is gone: /bugs → Bugs (removed)." in page
    assert restore(admin, 1, "/").status_code == 303
    with app.app_context():
        assert Settings().page_rules == (("/pricing/*", "sales"),)
    assert restore(admin, 0, "/").status_code == 303
    with app.app_context():
        assert Settings().page_rules == ()


def test_a_removed_desk_is_restored(admin: FlaskClient) -> None:
    """From any version in which it was there; the version that removed it can only be undone."""
    app = admin.application
    save_desk(app)
    remove_desk(app)
    page = admin.get("/handoff/admin/history?desk=sales").text
    assert form_with(page, "(version 2)")["version"] == "1"
    assert restore(admin, 1, "sales").status_code == 303
    with app.app_context():
        assert Settings().get("sales").email == "sales@example.com"


def test_a_damaged_entry_is_shown_and_nothing_else_is_lost(admin: FlaskClient) -> None:
    """Of a desk and of the page rules; neither can be restored."""
    app = admin.application
    save(admin, button_text="First")
    save(admin, button_text="Second")
    save(admin, button_text="Third")
    save_desk(app)
    save_rules(app, ("/pricing/*", "sales"))
    with state_of(app).database.write() as connection:
        for desk, version, stored in (("default", 2, "{}"), ("/", 1, '{"rules": [["/x"]]}')):
            row = (settings_change.c.desk == desk) & (settings_change.c.version == version)
            connection.execute(update(settings_change).where(row).values(after=stored))
    page = shown(admin.get("/handoff/admin/history"))
    assert "Version 2 is damaged. The stored values of after cannot be read." in page
    assert "Version 1 is damaged." in page
    assert "Button text: Second → Third" in page
    assert admin.get(RESTORE, query_string={"version": 2}).status_code == 422
    assert admin.get(RESTORE, query_string={"version": 1, "desk": "/"}).status_code == 422
    assert "Version 2 is damaged." in shown(admin.get(RESTORE, query_string={"version": 1}))
    assert admin.get("/handoff/admin/desks").status_code == 200
