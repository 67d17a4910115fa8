"""The page of desks: add, rename, remove, and the rules that choose a desk by the page."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, settings, settings_api
from flask_kapa_handoff.fields import Field
from flask_kapa_handoff.signals import settings_changed
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.testing import tickets
from tests.helpers.admin import error_at, fields, let_pass, offered, save, shown
from tests.helpers.channels import Parrot
from tests.helpers.desks import remove_desk, save_desk, save_rules
from tests.helpers.offers import signed_offer
from tests.helpers.pages import HTMX
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")


def post(client: FlaskClient, path: str, *, htmx: bool = False, **typed: Any) -> TestResponse:
    """Send one of the page's forms."""
    token = fields(client)["csrf_token"]
    where = f"/handoff/admin/desks{path}"
    return client.post(where, data={"csrf_token": token, **typed}, headers=HTMX if htmx else {})


def rules_of(app: Flask) -> list[tuple[str, str]]:
    return [(rule.pattern, rule.desk) for rule in state_of(app).desks.rules]


def test_one_desk_looks_as_simple_as_before(admin: FlaskClient) -> None:
    """The settings page has one link to further desks, and no ticket's page speaks of desks."""
    page = shown(admin.get("/handoff/admin/"))
    assert "Send some tickets elsewhere" in page
    assert "Main desk" not in page
    reference = send_ticket(admin)
    assert "Desk" not in shown(admin.get(f"/handoff/admin/tickets/{reference}"))


def test_a_desk_is_added_with_a_name_and_an_address(admin: FlaskClient) -> None:
    """It is live at once, and the page goes on to its settings."""
    answer = post(admin, "", label="Sales & Deals", email="sales@example.com, deals@example.com")
    assert answer.status_code == 303
    page = admin.get(answer.location)
    assert 'name="desk" value="sales-deals"' in page.text
    assert "Sales & Deals" in shown(page)
    assert "Main desk" in shown(page)
    desk = state_of(admin.application).desks.serving("sales-deals")
    assert (desk.recipients, desk.label) == (("sales@example.com", "deals@example.com"), "Sales & Deals")
    assert offered(admin, desk="sales-deals") == "Create ticket"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"label": "", "email": "a@example.com"}, "Please fill this in."),
        ({"label": "x" * 61}, "This is 61 characters long. The limit is 60."),
        ({"label": "Sales", "email": "sales"}, "Check the address:"),
        ({"label": "Sales", "name": "Sales desk"}, "Use a lower-case letter"),
        ({"label": "Bugs", "name": "bugs"}, "There is such a desk already."),
        ({"label": "Main", "name": "default"}, "There is such a desk already."),
    ],
)
def test_what_is_wrong_about_a_new_desk_is_said(admin: FlaskClient, typed: dict[str, Any], told: str) -> None:
    """At the field, with what was typed still in it; nothing is stored."""
    save_desk(admin.application, "bugs")
    before = list(state_of(admin.application).desks.all)
    answer = post(admin, "", **typed)
    assert answer.status_code == 422
    assert told in shown(answer)
    assert all(f'value="{value}"' in answer.text for value in typed.values() if value)
    assert list(state_of(admin.application).desks.all) == before


@pytest.mark.parametrize("label", ["Sales", "sALES", "Ｓales", " sales ", "Main Desk", "bugs"])
def test_no_two_desks_have_the_same_name(admin: FlaskClient, label: str) -> None:
    """Capitals and full width make no difference; a desk without a label is called by its name."""
    app = admin.application
    save_desk(app)
    save_desk(app, "bugs", label="")
    save_desk(app, "vip", label="Important")
    told = "Another desk has this name already."
    answer = post(admin, "", label=label, name="new")
    assert answer.status_code == 422
    assert re.search(f'id="kapa-handoff-admin-add-label-error">{told}', answer.text)
    answer = post(admin, "/rename", desk="vip", label=label)
    assert (answer.status_code, told in shown(answer)) == (422, True)
    answer = save(admin, page_of="vip", label=label)
    assert answer.status_code == 422
    assert told in error_at(answer, "label")
    assert state_of(app).desks.serving("vip").label == "Important"
    assert "new" not in state_of(app).desks.all


def test_a_removed_desk_frees_its_name(admin: FlaskClient) -> None:
    """It can't come back while another one has it; a desk keeps its own name, in capitals, too."""
    app = admin.application
    save_desk(app)
    remove_desk(app)
    assert post(admin, "", label="Sales", name="new").status_code == 303
    token = fields(admin)["csrf_token"]
    typed = {"csrf_token": token, "desk": "sales", "version": "1", "seen": "2"}
    answer = admin.post("/handoff/admin/history/restore", data=typed)
    assert (answer.status_code, "Another desk has this name already." in shown(answer)) == (422, True)
    assert state_of(app).desks.all["sales"].removed
    assert post(admin, "/rename", desk="new", label="SALES").status_code == 303


def test_a_new_desk_says_that_no_page_belongs_to_it(make_app: Callable[..., Flask]) -> None:
    """Until a rule leads there; not if only the site's code chooses it, or may."""
    client = make_app(handoff=KapaHandoff(admin_required=let_pass)).test_client()
    page = client.get(post(client, "", label="Sales", email="sales@example.com").location)
    told = "No page belongs to this desk yet"
    assert f'{told}, unless a page names it ( data-desk="sales" ). Choose its pages' in shown(page)
    assert 'href="/handoff/admin/desks#kapa-handoff-admin-rules-title"' in page.text
    assert "Live now" not in shown(page)
    assert "The button is shown" not in shown(page)
    assert told not in shown(client.get("/handoff/admin/"))
    assert shown(client.get("/handoff/admin/desks")).count(told) == 1
    save_rules(client.application, ("/pricing/*", "sales"))
    page = client.get("/handoff/admin/?desk=sales")
    assert (told in shown(page), "The button is shown" in shown(page)) == (False, True)
    assert told not in shown(client.get("/handoff/admin/desks"))
    save_desk(client.application, "vip", internal=True)
    assert told not in shown(client.get("/handoff/admin/?desk=vip"))
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.desk_chooser(lambda page: "default")
    chosen = make_app(handoff=handoff).test_client()
    save_desk(chosen.application, "bugs")
    assert told not in shown(chosen.get("/handoff/admin/?desk=bugs"))


def test_names_in_other_scripts_get_a_name_for_pages(admin: FlaskClient) -> None:
    """Pages name a desk in ASCII; two desks never have the same name."""
    for label in ("Продажи", "販売", "Sales", "sales!"):
        assert post(admin, "", label=label).status_code == 303
    assert set(state_of(admin.application).desks.present) == {"default", "desk", "desk-2", "sales", "sales-2"}


def test_a_desk_is_renamed_and_removed_and_comes_back(admin: FlaskClient) -> None:
    """Pages name it as before; its tickets stay, and the removal is undone as any other change is."""
    save_desk(admin.application)
    send_ticket(admin, offer=signed_offer(admin, desk="sales"))
    assert post(admin, "/rename", desk="sales", label="Verkauf").status_code == 303
    assert state_of(admin.application).desks.serving("sales").label == "Verkauf"
    page = admin.get(post(admin, "/remove", desk="sales").location)
    assert "Verkauf was removed. Its tickets are kept." in shown(page)
    assert "Verkauf (removed)" in shown(admin.get(f"/handoff/admin/tickets/{tickets(admin.application)[0].reference}"))
    assert "This desk was removed" in shown(admin.get("/handoff/admin/?desk=sales"))
    form = page.text[page.text.index("/handoff/admin/settings") :]
    undo = fields_of(form[: form.index("</form>")])
    assert admin.post("/handoff/admin/settings", data=undo).status_code == 303
    desk = state_of(admin.application).desks.serving("sales")
    assert (desk.desk, desk.label, desk.email, desk.enabled) == ("sales", "Verkauf", "sales@example.com", True)


def fields_of(html: str) -> dict[str, str]:
    """The hidden fields of a form."""
    tags = re.findall(r"<input[^>]*>", html)
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in tags]
    return {one["name"]: unescape(one["value"]) for one in found}


def test_the_default_desk_is_neither_removed_nor_internal(admin: FlaskClient) -> None:
    """It has no such button, and a request for it is refused."""
    assert post(admin, "/remove", desk="default").status_code == 422
    assert save(admin, internal="true").status_code == 422
    assert state_of(admin.application).desks.serving("default").takes_tickets


@pytest.mark.parametrize("path", ["", "/rename", "/remove", "/rules"])
def test_nothing_changes_without_the_sessions_token(admin: FlaskClient, path: str) -> None:
    """Nor for a page of another site. What was typed stays."""
    save_desk(admin.application)
    before = state_of(admin.application).desks
    typed = {"csrf_token": "forged", "desk": "sales", "label": "X", "pattern": "/x", "rule_desk": "sales"}
    answer = admin.post(f"/handoff/admin/desks{path}", data=typed)
    assert answer.status_code == 400
    kept = {"": 'name="label" dir="auto" maxlength="60" value="X"', "/rules": 'name="pattern"'}
    assert kept.get(path, "") in answer.text
    assert ('value="/x"' in answer.text) == (path == "/rules")
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert admin.post(f"/handoff/admin/desks{path}", data=typed, headers=foreign).status_code == 403
    state_of(admin.application).settings_cache.clear()
    assert state_of(admin.application).desks == before


# Page rules


def test_rules_are_saved_in_the_order_in_which_they_stand(admin: FlaskClient) -> None:
    """Empty rows are left out; a row is moved up or removed by its button, with all that was typed."""
    app = admin.application
    save_desk(app)
    save_desk(app, "bugs")
    typed: dict[str, Any] = {"version": "0", "pattern": ["/pricing/*", "", "https://docs.example.com/api?x=1"]}
    typed["rule_desk"] = ["sales", "sales", "bugs"]
    assert post(admin, "/rules", **typed).status_code == 303
    assert rules_of(app) == [("/pricing/*", "sales"), ("/api", "bugs")]
    two: dict[str, Any] = {"pattern": ["/pricing/*", "/api", "/b"], "rule_desk": ["sales", "bugs", "bugs"]}
    page = post(admin, "/rules", htmx=True, version="1", up="1", **two)
    assert page.status_code == 200
    assert "Saved. Live now." in shown(page)
    assert rules_of(app) == [("/api", "bugs"), ("/pricing/*", "sales"), ("/b", "bugs")]
    post(admin, "/rules", version="2", drop="0", **two)
    assert rules_of(app) == [("/api", "bugs"), ("/b", "bugs")]


def test_two_admins_do_not_overwrite_each_others_rules(admin: FlaskClient) -> None:
    """The second one reads it, and has what they typed."""
    app = admin.application
    save_desk(app)
    save_rules(app, ("/a", "sales"))
    late = post(admin, "/rules", version="0", pattern="/b", rule_desk="sales")
    assert late.status_code == 409
    assert "Someone else saved while you were editing" in shown(late)
    assert re.search(r"Version 1 ada, [^)]*\) Rule added: /a → Sales", shown(late))
    assert 'value="/b"' in late.text
    assert rules_of(app) == [("/a", "sales")]
    assert 'name="version" value="1"' in late.text


@pytest.mark.parametrize(
    ("pattern", "desk", "told"),
    [
        ("/" + "x" * 250, "sales", "This is 251 characters long. The limit is 200."),
        ("/x", "vip", "Choose one of the options."),
        ("/x", "nowhere", "Choose one of the options."),
    ],
)
def test_a_wrong_rule_is_marked(admin: FlaskClient, pattern: str, desk: str, told: str) -> None:
    """Nothing is saved, and the row keeps what was typed."""
    save_desk(admin.application)
    save_desk(admin.application, "vip", internal=True)
    answer = post(admin, "/rules", version="0", pattern=["/ok", pattern], rule_desk=["sales", desk])
    assert answer.status_code == 422
    assert told in shown(answer)
    assert pattern in answer.text
    assert rules_of(admin.application) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/pricing/teams", "/pricing/teams belongs to Sales , by the rule /pricing/* ."),
        ("https://docs.example.com/pricing?plan=pro", "/pricing belongs to Sales , by the rule /pricing/* ."),
        ("about", "No rule fits /about , so it belongs to Main desk ."),
        ("<b>", "No rule fits /<b> , so it belongs to Main desk ."),
        ("", ""),
    ],
)
@pytest.mark.parametrize("htmx", [True, False])
def test_a_page_is_tried_before_the_rules_are_saved(admin: FlaskClient, path: str, told: str, htmx: bool) -> None:
    """With the typed rules, also without script, where they stay in the form."""
    save_desk(admin.application)
    typed = {"pattern": "/pricing/*", "rule_desk": "sales", "try_path": path}
    answer = post(admin, "/try", htmx=htmx, **typed)
    assert answer.status_code == 200
    assert told in shown(answer)
    assert ("belongs" in shown(answer).replace("No page belongs to this desk yet", "")) is bool(told)
    assert htmx or 'value="/pricing/*"' in answer.text
    assert rules_of(admin.application) == []


def test_the_page_says_that_the_sites_code_decides(make_app: Callable[..., Flask]) -> None:
    """Where there is a desk_chooser, no rule means that it is asked."""
    handoff = KapaHandoff(admin_required=let_pass)
    handoff.desk_chooser(lambda page: "default")
    client = make_app(handoff=handoff).test_client()
    save_desk(client.application)
    assert "so your site's own code decides" in shown(post(client, "/try", pattern="", rule_desk="", try_path="/x"))


def test_rules_of_a_removed_desk_stay_and_can_be_moved_and_removed(admin: FlaskClient) -> None:
    """They have no effect, which is said; no new rule can choose the desk, which is marked at its selector."""
    app = admin.application
    save_desk(app)
    save_desk(app, "bugs")
    save_rules(app, ("/pricing/*", "bugs"), ("/pricing/*", "sales"), ("/plans", "sales"))
    assert "Its 2 page rules stay, without effect." in shown(admin.get("/handoff/admin/desks"))
    remove_desk(app)
    page = shown(admin.get("/handoff/admin/desks"))
    assert page.count("Its desk was removed, so this rule has no effect.") == 2
    assert "Sales (removed)" in page
    typed: dict[str, Any] = {"pattern": ["/pricing/*", "/pricing/*", "/plans", "/bugs"]}
    typed["rule_desk"] = ["bugs", "sales", "sales", "bugs"]
    assert post(admin, "/rules", version="1", up="1", **typed).status_code == 303
    moved = [("/pricing/*", "sales"), ("/pricing/*", "bugs"), ("/plans", "sales"), ("/bugs", "bugs")]
    assert rules_of(app) == moved
    tried: dict[str, Any] = {
        "pattern": ["/pricing/*", "/pricing/*"],
        "rule_desk": ["sales", "bugs"],
        "try_path": "/pricing",
    }
    told = "The rule /pricing/* fits /pricing . Its desk was removed, so this rule has no effect. "
    assert f"{told}/pricing belongs to Bugs , by the rule /pricing/* ." in shown(post(admin, "/try", **tried))
    tried = {"pattern": "/pricing/*", "rule_desk": "sales", "try_path": "/pricing"}
    assert f"{told}No other rule fits, so the page belongs to Main desk ." in shown(post(admin, "/try", **tried))
    wrong = post(admin, "/rules", version="2", pattern=["/plans", "/new"], rule_desk=["sales", "sales"])
    assert wrong.status_code == 422
    assert re.search(r'<p [^>]*id="kapa-handoff-admin-rule-2-desk-error">Choose one of the options.</p>', wrong.text)
    assert wrong.text.count("Choose one of the options.") == 1
    assert wrong.text.count('aria-invalid="true"') == 1
    assert rules_of(app) == moved
    for left in (3, 2, 1, 0):
        rows: dict[str, Any] = {
            "pattern": [pattern for pattern, _ in rules_of(app)],
            "rule_desk": [desk for _, desk in rules_of(app)],
        }
        assert post(admin, "/rules", version=str(5 - left), drop="0", **rows).status_code == 303
        assert len(rules_of(app)) == left


@pytest.mark.parametrize(
    ("first", "second", "is_covered"),
    [
        ("/pricing/*", "/pricing", True),
        ("/pricing/*", "/pricing/*", True),
        ("/pricing/*", "/pricing/*/eu", True),
        ("/pricing*", "/pricing/*", True),
        ("/pricing/*", "/pricing*", False),
        ("/pricing", "/pricing/*", False),
        ("/*", "/", True),
        ("/a*b*c", "/a*c", False),
    ],
)
def test_a_rule_that_can_never_apply_is_pointed_out(
    admin: FlaskClient, first: str, second: str, is_covered: bool
) -> None:
    """As a hint beside it: it is saved nevertheless."""
    save_desk(admin.application)
    save_rules(admin.application, (first, "sales"), (second, "sales"))
    told = f"Never applies: {first} above it fits the same pages."
    assert (told in shown(admin.get("/handoff/admin/desks"))) is is_covered


def test_a_rule_to_a_desk_without_a_button_is_pointed_out(admin: FlaskClient) -> None:
    """It is switched off, or has no address; an internal one can't be chosen at all."""
    app = admin.application
    save_desk(app, "off", enabled=False)
    save_desk(app, "empty", email=None)
    save_desk(app, "vip")
    save_rules(app, ("/off", "off"), ("/empty", "empty"), ("/vip", "vip"))
    save_desk(app, "vip", internal=True)
    page = shown(admin.get("/handoff/admin/desks"))
    for told in (
        "The button is switched off.",
        "There is no address to send tickets to",
        "Its desk is internal, so this rule has no effect.",
    ):
        assert told in page


def test_a_failed_form_leaves_the_others_alone(admin: FlaskClient) -> None:
    """The rules were not touched, so nothing about them is unsaved."""
    save_desk(admin.application)
    for path in ("", "/rename"):
        page = post(admin, path, desk="sales", label="").text
        rules = page[page.index('id="kapa-handoff-admin-rules"') :]
        assert not re.search(r"data-unsaved[ >]", rules)
        assert re.search(r'data-unsaved-of="kapa-handoff-admin-rules" hidden', rules)
    assert re.search(r"data-unsaved[ >]", post(admin, "/rules", version="x", pattern="/x", rule_desk="sales").text)


def test_only_the_first_rule_has_an_example(admin: FlaskClient) -> None:
    """An empty row below others must not look like one of them."""
    save_desk(admin.application)
    assert 'placeholder="/pricing/*"' in admin.get("/handoff/admin/desks").text
    save_rules(admin.application, ("/pricing/*", "sales"))
    assert 'placeholder="/pricing/*"' not in admin.get("/handoff/admin/desks").text


# A desk's own settings


def test_each_desk_has_its_settings_page_with_preview_and_history(admin: FlaskClient) -> None:
    """What is saved there changes this desk alone, and every link and form stays with it."""
    save_desk(admin.application)
    answer = save(
        admin,
        page_of="sales",
        button_text="Ask sales",
        mail_content="link",
        tickets_per_hour="7",
        internal=["false", "true"],
    )
    assert answer.location == "/handoff/admin/?desk=sales&saved=2"
    page = admin.get(answer.location)
    assert "Mails hold: The whole conversation → Only a link" in shown(page)
    assert "Most tickets an hour: default → 7" in shown(page)
    desks = state_of(admin.application).desks
    assert (desks.serving("default").button_text, desks.serving("sales").button_text) == ("Create ticket", "Ask sales")
    sales = desks.serving("sales")
    assert (sales.mail_content, sales.tickets_per_hour, sales.internal) == ("link", 7, True)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("label", "x" * 61, "This is 61 characters long. The limit is 60."),
        ("mail_content", "nothing", "Choose one of the options."),
        ("tickets_per_hour", "0", "Use a whole number from 1 to 1,000,000, or leave it empty."),
        ("tickets_per_hour", "many", "Use a whole number"),
    ],
)
def test_a_value_that_is_not_allowed_is_marked(admin: FlaskClient, name: str, value: str, told: str) -> None:
    """Nothing is saved."""
    save_desk(admin.application)
    typed: dict[str, Any] = {name: value}
    answer = save(admin, page_of="sales", **typed)
    assert answer.status_code == 422
    assert told in error_at(answer, name)


def test_a_desk_uses_one_of_the_sites_channels(make_app: Callable[..., Flask]) -> None:
    """Chosen on its page; the others keep theirs. A channel that is not registered is refused."""
    parrot = Parrot()
    client = make_app(handoff=parrot.handoff(admin_required=let_pass)).test_client()
    app = client.application
    save_desk(app)
    assert save(client, page_of="sales", channel="owl").status_code == 422
    assert save(client, page_of="sales", channel="parrot").status_code == 303
    page = client.get("/handoff/admin/?desk=sales")
    assert "Tickets go to The Parrot." in shown(page)
    state = state_of(app)
    assert [state.channel_of(desk) for desk in ("default", "sales")] == ["mail", "parrot"]


def test_a_desk_leaves_fields_out(make_app: Callable[..., Flask]) -> None:
    """Its form does not ask for them, even for required ones, and the others' forms do."""
    asked = [Field("order", "Order number", required=True), Field("area", "Area", desks=("sales",))]
    client = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_FIELDS=asked).test_client()
    save_desk(client.application)
    assert save(client, page_of="sales", form_unasked=["", "order"]).status_code == 303
    assert "Fields left out of the form: default → Order number" in shown(client.get("/handoff/admin/?desk=sales"))
    forms = {
        desk: client.get("/handoff/form", query_string={"offer": signed_offer(client, desk=desk)}).text
        for desk in ("default", "sales")
    }
    names = {desk: [name for name in ("order", "area") if f'name="{name}"' in html] for desk, html in forms.items()}
    assert names == {"default": ["order"], "sales": ["area"]}
    assert send_ticket(client, offer=signed_offer(client, desk="sales"))
    assert save(client, page_of="sales", form_unasked=["", "email"]).status_code == 422


# Tickets


def test_a_ticket_is_sent_again_to_where_its_own_desk_is_now(admin: FlaskClient) -> None:
    """Not to the default desk's address."""
    app = admin.application
    save_desk(app)
    reference = send_ticket(admin, offer=signed_offer(admin, desk="sales"))
    save_desk(app, email="new-sales@example.com")
    token = fields(admin)["csrf_token"]
    where = f"/handoff/admin/tickets/{reference}/send-again"
    assert admin.post(where, data={"csrf_token": token}).status_code == 303
    assert tickets(app)[0].recipient == "new-sales@example.com"
    assert "Desk Sales" in shown(admin.get(f"/handoff/admin/tickets/{reference}"))


def test_a_ticket_of_a_removed_desk_is_sent_to_an_address_that_an_admin_names(admin: FlaskClient) -> None:
    """The form has its old one; a wrong one is said."""
    app = admin.application
    save_desk(app)
    reference = send_ticket(admin, offer=signed_offer(admin, desk="sales"))
    remove_desk(app)
    page = f"/handoff/admin/tickets/{reference}"
    assert 'name="recipient" value="sales@example.com"' in admin.get(page).text
    token = fields(admin)["csrf_token"]
    wrong = admin.post(f"{page}/send-again", data={"csrf_token": token, "recipient": "sales"})
    assert wrong.status_code == 422
    assert "Check the address" in shown(wrong)
    for typed, expected in (("", "sales@example.com"), ("rest@example.com", "rest@example.com")):
        answer = admin.post(f"{page}/send-again", data={"csrf_token": token, "recipient": typed})
        assert answer.status_code == 303
        assert tickets(app)[0].recipient == expected


def test_where_tickets_go_is_no_request_of_a_browser_to_decide(admin: FlaskClient) -> None:
    """A ticket of a desk that is there ignores the field, and so does every ticket where the address is pinned."""
    app = admin.application
    reference = send_ticket(admin)
    typed = {"csrf_token": fields(admin)["csrf_token"], "recipient": "evil@example.com"}
    admin.post(f"/handoff/admin/tickets/{reference}/send-again", data=typed)
    assert tickets(app)[0].recipient == "support@example.com"


def test_a_desks_own_limit_holds_further_tickets(admin: FlaskClient) -> None:
    """Other desks' tickets go out."""
    app = admin.application
    save_desk(app, tickets_per_hour=2)
    for _ in range(3):
        send_ticket(admin, offer=signed_offer(admin, desk="sales"))
    send_ticket(admin)
    assert [ticket.status for ticket in tickets(app)] == [Status.QUEUED, Status.QUEUED, Status.HELD, Status.QUEUED]
    for path in ("tickets", f"tickets/{tickets(app)[2].reference}"):
        assert "came in than the hourly limit allows" in shown(admin.get(f"/handoff/admin/{path}"))
    finding = "1 ticket is held: more came in than the hourly limit of the site or a desk."
    assert finding in shown(admin.get("/handoff/admin/doctor"))


def test_a_change_is_announced_as_on_the_page(admin: FlaskClient) -> None:
    """settings_changed names the desk, before and after, and who."""
    heard = []

    def hear(sender: Flask, **told: Any) -> None:
        heard.append((told["desk"], told["before"].removed, told["after"].removed, told["changed_by"]))

    with settings_changed.connected_to(hear, admin.application):
        post(admin, "", label="Sales")
        post(admin, "/remove", desk="sales")
    assert heard == [("sales", True, False, "unknown"), ("sales", False, True, "unknown")]


def test_a_test_mail_goes_to_every_address(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """As a ticket would; the reply address is one of them."""
    handoff = KapaHandoff(admin_required=let_pass)
    client = make_app(handoff=handoff, MAIL_PORT=mail_server.port).test_client()
    save_desk(client.application, email="a@example.com, b@example.com", mail_content="link")
    token = fields(client)["csrf_token"]
    answer = client.post("/handoff/admin/test-mail", data={"csrf_token": token, "desk": "sales"})
    assert "The mail server accepted the message for a@example.com, b@example.com." in shown(answer)
    (mail,) = mail_server.received
    assert mail.recipients == ["a@example.com", "b@example.com"]
    assert mail.message["Reply-To"] == "a@example.com"
    assert "test mail" not in mail.body("plain")


def test_tickets_name_their_desk_where_there_are_several(admin: FlaskClient) -> None:
    """In the list, in its filter and on the ticket's page, by what people call it; with one desk, nowhere."""
    app = admin.application
    main = send_ticket(admin)
    assert "Main desk" not in admin.get("/handoff/admin/tickets").text
    assert "Main desk" not in admin.get(f"/handoff/admin/tickets/{main}").text
    save_desk(app, label="Sales team")
    sales = send_ticket(admin, offer=signed_offer(admin, desk="sales"))
    page = admin.get("/handoff/admin/tickets")
    assert f"{sales} · Sales team ·" in shown(page)
    assert f"{main} · Main desk ·" in shown(page)
    assert '<option value="sales">Sales team</option>' in page.text
    assert '<option value="default">Main desk</option>' in page.text
    filtered = shown(admin.get("/handoff/admin/tickets?desk=sales"))
    assert (sales in filtered, main in filtered) == (True, False)
    assert "Desk Sales team" in shown(admin.get(f"/handoff/admin/tickets/{sales}"))
    remove_desk(app)
    page = admin.get("/handoff/admin/tickets")
    assert f"{sales} · Sales team (removed) ·" in shown(page)
    assert f"{main} · Main desk" not in shown(page)


def test_two_presses_add_one_desk(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds the desk only when it saves."""
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', admin.get("/handoff/admin/desks").text)
    assert token
    saved = settings.save_settings

    def faster(connection: Any, config: Any, wanted: Any, **options: Any) -> Any:
        saved(connection, config, wanted, **options)
        return saved(connection, config, wanted, **options)

    monkeypatch.setattr(settings_api, "save_settings", faster)
    sent = {"csrf_token": token[1], "label": "Sales", "name": "sales"}
    response = admin.post("/handoff/admin/desks", data=sent)
    assert response.status_code == 422
    assert "There is such a desk already." in response.text
