"""Further desks: which one serves a page, and where its tickets go."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, TryLater
from flask_kapa_handoff.delivery import channels, requeue
from flask_kapa_handoff.page_rules import PageRule, first_match, parse_pattern, path_of
from flask_kapa_handoff.settings_api import Settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Status
from flask_kapa_handoff.testing import tickets
from flask_kapa_handoff.visitor.template_helpers import kapa_handoff_button, kapa_handoff_script, kapa_widget
from tests.helpers.admin import let_pass
from tests.helpers.channels import Parrot
from tests.helpers.commands import invoke
from tests.helpers.couriers import Clock, courier_of, deliver_in_turn
from tests.helpers.desks import remove_desk, save_desk, save_rules
from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON, json_of
from tests.helpers.servers import MailServer, free_port
from tests.helpers.tickets import send_ticket

MANY = {f"KAPA_HANDOFF_TICKETS_PER_{name}_PER_HOUR": 1000 for name in ("CLIENT", "EMAIL")}
PRICING = "https://docs.example.com/pricing/teams?plan=pro#top"


def desk_of(client: FlaskClient, **asked: Any) -> str:
    """The desk that serves, as the signed offer says."""
    app = client.application
    token = signed_offer(client, **asked)
    with app.test_request_context():
        return state_of(app).offer_signer().read(token).desk


def references(server: MailServer) -> list[str]:
    return [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received]


# From the page to the mail


def test_tickets_of_a_second_desk_go_to_its_own_address(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """Named by the page's markup; the other desk's tickets still go to theirs."""
    app = make_app(MAIL_PORT=mail_server.port)
    save_desk(app, button_text="Ask sales")
    client = app.test_client()
    page = client.get("/handoff/offer?pairs=1&desk=sales")
    assert "Ask sales" in page.text
    assert 'data-desk="sales"' in page.text
    send_ticket(client, offer=signed_offer(client, desk="sales"))
    send_ticket(client)
    deliver_in_turn(app)
    mails = [mail.message for mail in mail_server.received]
    assert [(mail["To"], mail["X-Kapa-Handoff-Desk"]) for mail in mails] == [
        ("sales@example.com", "sales"),
        ("support@example.com", "default"),
    ]
    assert [(ticket.desk, ticket.recipient) for ticket in tickets(app)] == [
        ("sales", "sales@example.com"),
        ("default", "support@example.com"),
    ]


def test_a_desk_has_its_own_triggers_threshold_and_switch(app: Flask) -> None:
    """The same answer is offered to one desk and not to another."""
    save_desk(app, triggers="conversation-length", threshold=3)
    save_desk(app, "bugs", enabled=False)
    client = app.test_client()
    status = {desk: client.get(f"/handoff/offer?pairs=2&desk={desk}").status_code for desk in ("", "sales", "bugs")}
    assert status == {"": 200, "sales": 204, "bugs": 204}
    assert client.get("/handoff/offer?pairs=3&desk=sales").status_code == 200


# Which desk serves


def test_markup_then_rules_then_the_sites_code_choose_the_desk(make_app: Callable[..., Flask]) -> None:
    """In this order, and the default desk serves where nothing chooses."""
    handoff = KapaHandoff()
    seen = []

    @handoff.desk_chooser
    def choose(page: str) -> str:
        seen.append(page)
        return "bugs" if "changelog" in page else "default"

    app = make_app(handoff=handoff)
    for desk in ("sales", "bugs"):
        save_desk(app, desk)
    save_rules(app, ("/pricing/*", "sales"), ("/docs/old", "default"), ("/docs/*", "bugs"))
    client = app.test_client()
    assert desk_of(client, page=PRICING) == "sales"
    assert desk_of(client, page=PRICING, desk="bugs") == "bugs"
    assert desk_of(client, page="https://docs.example.com/docs/old/") == "default"
    assert desk_of(client, page="https://docs.example.com/docs/new") == "bugs"
    assert seen == []
    assert desk_of(client, page="https://docs.example.com/changelog") == "bugs"
    assert desk_of(client, page="https://docs.example.com/") == "default"
    assert len(seen) == 2


@pytest.mark.parametrize("desk", ["salse", "vip", "removed", "x" * 500, "a\x00b", "Sales"])
def test_the_default_desk_serves_where_a_browser_names_no_desk_of_its_own(app: Flask, desk: str) -> None:
    """An unknown, internal or removed one; none of them can be told from another."""
    for name in ("sales", "removed"):
        save_desk(app, name)
    save_desk(app, "vip", internal=True)
    remove_desk(app, "removed")
    save_rules(app, ("/*", "sales"))
    client = app.test_client()
    assert desk_of(client, desk=desk, page=PRICING) == "default"
    refusals = state_of(app).refusals
    refusals.write()
    assert refusals.recent() == {("unknown_desk", desk if re.fullmatch("[a-z]{1,30}", desk) else "another name"): 1}


def test_no_page_that_a_browser_claims_leads_to_an_internal_desk(app: Flask) -> None:
    """A rule for a desk that becomes internal no longer fits; the next one does."""
    save_desk(app)
    save_desk(app, "vip")
    save_rules(app, ("/pricing/*", "vip"), ("/pricing/*", "sales"))
    save_desk(app, "vip", internal=True)
    assert desk_of(app.test_client(), page=PRICING) == "sales"
    with pytest.raises(ValueError, match="No page rule may choose the desk 'vip'"):
        save_rules(app, ("/*", "vip"))


def test_the_sites_own_code_may_choose_an_internal_desk(make_app: Callable[..., Flask]) -> None:
    """By its hook, and in a template of a page that the server renders."""
    handoff = KapaHandoff()
    handoff.desk_chooser(lambda page: "vip")
    app = make_app(handoff=handoff)
    save_desk(app, "vip", internal=True, button_text="Call us")
    assert desk_of(app.test_client()) == "vip"
    conversation = Conversation([QuestionAnswer("How?", "So.")])
    for desk in (None, "vip"):
        with app.test_request_context("/"):
            assert "Call us" in kapa_handoff_button(conversation, desk)
    with app.test_request_context("/"):
        assert "Create ticket" in kapa_handoff_button(conversation, "default")


@pytest.mark.parametrize(
    ("choice", "told"), [("nowhere", "there is no such desk"), (None, "None"), (5, "int"), (KeyError("x"), "KeyError")]
)
def test_a_chooser_that_fails_leaves_the_page_to_the_default_desk(
    make_app: Callable[..., Flask], caplog: pytest.LogCaptureFixture, choice: Any, told: str
) -> None:
    """The log says what it returned."""
    handoff = KapaHandoff()

    @handoff.desk_chooser
    def choose(page: str) -> Any:
        if isinstance(choice, Exception):
            raise choice
        return choice

    assert desk_of(make_app(handoff=handoff).test_client()) == "default"
    assert "desk_chooser" in caplog.text
    assert told in caplog.text


def test_templates_name_a_desk(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """Kapa's tag has the desk's settings, and the bridge names it; a name that is none is logged once."""
    save_desk(app, button_text="Ask sales", email="sales@example.com, deals@example.com")
    with app.test_request_context("/"):
        tag = kapa_widget("w-1", desk="sales")
        assert 'data-handoff-email="sales@example.com"' in tag
        assert 'data-handoff-button-text="Ask sales"' in tag
        assert tag.count('data-desk="sales"') == 1
        assert 'data-desk="sales"' in kapa_handoff_script(desk="sales")
        assert "desk" not in kapa_widget("w-1")
        assert "salse" not in caplog.text
        for _ in range(2):
            assert 'data-handoff-email="support@example.com"' in kapa_widget("w-1", desk="salse")
    assert caplog.text.count("'salse' is not allowed") == 1


def test_kapas_tag_follows_the_rules_for_its_page(app: Flask) -> None:
    """So that its form is for the desk that will get its tickets."""
    save_desk(app, button_text="Ask sales")
    save_rules(app, ("/pricing*", "sales"))
    with app.test_request_context("/pricing"):
        assert 'data-handoff-button-text="Ask sales"' in kapa_widget("w-1")
    with app.test_request_context("/about"):
        assert 'data-handoff-button-text="Create ticket"' in kapa_widget("w-1")


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("/pricing", ["/pricing", "/pricing/"], ["/pricing/x", "/pricings", "/"]),
        ("/pricing/*", ["/pricing", "/pricing/", "/pricing/a/b"], ["/pricings", "/a/pricing/"]),
        ("/pricing*", ["/pricing", "/pricing-old", "/pricing/a"], ["/price"]),
        ("*", ["/", "/a/b"], []),
        ("/", ["/"], ["/a"]),
        ("/*/api/*", ["/v1/api/x", "/v1/v2/api", "/v1/api/"], ["/api/x", "/v1/apis"]),
        ("*.html", ["/a.html"], ["/a.html.bak"]),
        ("/a*b*a", ["/aba", "/abba"], ["/aa", "/ab"]),
        ("/preise/größe", ["/preise/gr%C3%B6%C3%9Fe"], ["/preise"]),
        ("https://docs.example.com/a?b=1", ["/a"], ["/b"]),
        ("/[a-z]?", ["/[a-z]"], ["/a"]),
    ],
)
def test_a_rule_fits_paths(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    """``*`` stands for anything, and nothing else is special; neither case nor a trailing slash decides."""
    rule = PageRule(parse_pattern(pattern), "sales")
    told = {path: first_match([rule], path_of(f"https://docs.example.com{path}?q#h")) for path in (*fits, *fits_not)}
    assert told == {**dict.fromkeys(fits, rule), **dict.fromkeys(fits_not)}


@pytest.mark.parametrize(
    ("typed", "stored", "path"),
    [
        ("/my%20docs/*", "/my%20docs/*", "/my%20docs/a"),
        ("/why%3f", "/why%3F", "/why%3F"),
        ("/c%23/*", "/c%23/*", "/c%23"),
        ("/100%", "/100%25", "/100%25"),
        ("/a%253Fb", "/a%253Fb", "/a%253Fb"),
        ("/a%00%0Ab", "/a%00%0Ab", "/a%00%0Ab"),
        ("/gr%C3%B6%C3%9Fe", "/größe", "/gr%C3%B6%C3%9Fe"),
        ("/a***", "/a*", "/abc"),
    ],
)
def test_a_rule_that_is_saved_again_stays_the_same(typed: str, stored: str, path: str) -> None:
    """The page sends every rule again with each change, and so do ``export()`` and ``load()``."""
    pattern = parse_pattern(typed)
    assert pattern == stored
    assert parse_pattern(pattern) == pattern
    assert PageRule(pattern, "sales").fits(path_of(f"https://docs.example.com{path}"))


def test_many_stars_take_no_more_time() -> None:
    """A pattern of an admin's and an address of a browser's: no regular expression, so no backtracking."""
    rule = PageRule("/" + "a*" * 99 + "b", "sales")
    assert first_match([rule] * 200, "/" + "a" * 1000) is None


# Changing and removing


def test_a_new_desk_begins_with_the_configuration_and_without_an_address(make_app: Callable[..., Flask]) -> None:
    """It shows no button until somebody says where its tickets go."""
    app = make_app(KAPA_HANDOFF_BUTTON_TEXT="Ask", KAPA_HANDOFF_TRIGGERS="downvote")
    desk = save_desk(app, email=None)
    assert (desk.button_text, desk.triggers, desk.email, desk.takes_tickets) == ("Ask", ("downvote",), None, False)
    assert app.test_client().get("/handoff/offer?pairs=1&downvoted=true&desk=sales").status_code == 204


def test_pinned_settings_hold_for_every_desk(make_app: Callable[..., Flask]) -> None:
    """A site that says where its tickets go says it of all."""
    app = make_app(KAPA_HANDOFF_PINNED="email,triggers", KAPA_HANDOFF_TRIGGERS="downvote")
    with pytest.raises(ValueError, match="email: KAPA_HANDOFF_PINNED"):
        save_desk(app)
    with app.app_context():
        assert save_desk(app, email="support@example.com").email == "support@example.com"


def test_a_removed_desk_keeps_its_tickets_and_its_name_can_be_used_again(app: Flask) -> None:
    """An offer of its last moments opens a ticket of the default desk: no visitor's text is lost."""
    save_desk(app)
    client = app.test_client()
    offer, late = (signed_offer(client, desk="sales", thread_id=thread) for thread in ("t1", "t2"))
    send_ticket(client, offer=offer)
    remove_desk(app)
    send_ticket(client, offer=late)
    assert [ticket.desk for ticket in tickets(app)] == ["sales", "default"]
    assert client.get("/handoff/form", query_string={"offer": offer}).status_code == 200
    again = save_desk(app, email="new@example.com")
    assert (again.version, again.recipients, again.removed) == (3, ("new@example.com",), False)


def test_adding_a_desk_changes_none_that_is_there(app: Flask) -> None:
    """Two admins may think of the same name at the same time."""
    with app.app_context():
        settings = Settings()
        added = settings.add("sales", changed_by="anna", email="anna@example.com")
        assert (added.version, added.email, added.takes_tickets) == (1, "anna@example.com", True)
        with pytest.raises(ValueError, match="There is a desk 'sales' already"):
            settings.add("sales", changed_by="ben", email="ben@example.com")
        with pytest.raises(ValueError, match="threshold"):
            settings.add("press", changed_by="ben", threshold=-1)
        with pytest.raises(ValueError, match="is not allowed"):
            settings.add("No Name", changed_by="ben")
        assert settings.get("sales") == added
        settings.remove("sales", changed_by="anna")
        assert settings.add("sales", changed_by="ben", email="ben@example.com").version == 3


def test_the_default_desk_stays(app: Flask) -> None:
    """It serves where nothing else does."""
    with pytest.raises(ValueError, match="so it stays"):
        remove_desk(app, "default")
    with pytest.raises(ValueError, match="so it stays"):
        save_desk(app, "default", internal=True)


# Mails


def test_every_address_of_a_desk_gets_the_ticket(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """One mail to all of them, so that each sees who else has it."""
    app = make_app(MAIL_PORT=mail_server.port)
    save_desk(app, email=["a@example.com", "b@example.com"])
    send_ticket(app.test_client(), offer=signed_offer(app.test_client(), desk="sales"))
    (ticket,) = deliver_in_turn(app)
    (mail,) = mail_server.received
    assert mail.recipients == ["a@example.com", "b@example.com"]
    assert mail.message["To"] == "a@example.com, b@example.com"
    assert (ticket.status, ticket.recipient) == (Status.DELIVERED, "a@example.com, b@example.com")


@pytest.mark.only("sqlite")
def test_who_cannot_take_it_yet_gets_it_later_and_nobody_gets_it_twice(
    make_app: Callable[..., Flask], mail_server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The ticket waits for the one who is left. The attempt names the address that refuses it for good."""
    app = make_app(MAIL_PORT=mail_server.port)
    save_desk(app, email=["a@example.com", "b@example.com", "c@example.com"])
    reference = send_ticket(app.test_client(), offer=signed_offer(app.test_client(), desk="sales"))
    mail_server.replies["RCPT"] = ["250 ok", "450 4.2.0 greylisted", "550 5.1.1 no such user"]
    (waiting,) = deliver_in_turn(app)
    assert (waiting.status, waiting.recipient) == (Status.QUEUED, "b@example.com")
    assert waiting.last_error is not None
    assert waiting.last_error.startswith("450 4.2.0 greylisted (for b@example.com) / 250")
    assert waiting.last_error.endswith(" / Not accepted for c@example.com: 550 5.1.1 no such user")
    assert "could not be sent (450)" in caplog.text
    assert "@" not in caplog.text
    requeue.send_again(state_of(app).database, reference)
    (delivered,) = deliver_in_turn(app)
    assert delivered.status is Status.DELIVERED
    assert [mail.recipients for mail in mail_server.received] == [["a@example.com"], ["b@example.com"]]


@pytest.mark.only("sqlite")
def test_if_nobody_takes_it_the_ticket_waits_or_fails_as_with_one_address(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """It waits as long as one of them may take it."""
    app = make_app(MAIL_PORT=mail_server.port)
    save_desk(app, email=["a@example.com", "b@example.com"])
    client = app.test_client()
    statuses = []
    for replies in (["550 5.1.1 no", "451 4.3.0 later"], ["550 5.1.1 no", "550 5.1.1 no"]):
        send_ticket(client, offer=signed_offer(client, desk="sales"))
        mail_server.replies["RCPT"] = replies
        statuses += [ticket.status for ticket in deliver_in_turn(app)]
    assert statuses == [Status.QUEUED, Status.FAILED]
    assert tickets(app)[0].recipient == "a@example.com, b@example.com"


@pytest.mark.only("sqlite")
def test_a_desk_may_keep_the_content_out_of_its_mails(make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """Neither bodies, headers nor attachments say what anybody wrote; also after the desk was removed."""
    app = make_app(
        MAIL_PORT=mail_server.port,
        handoff=KapaHandoff(admin_required=let_pass),
        KAPA_HANDOFF_TRUSTED_HOSTS=["help.example.com"],
    )
    save_desk(app, mail_content="link", email="sales@example.com")
    client = app.test_client()
    conversation = Conversation([QuestionAnswer("SECRET question", "SECRET answer")])
    references = []
    for note in ("SECRET note", "SECRET second"):
        offer = signed_offer(client, desk="sales", answer_id=None, page="https://help.example.com/SECRET")
        references.append(send_ticket(client, offer=offer, conversation=conversation, note=note))
    raw = client.get(f"/handoff/admin/tickets/{references[0]}/mail.eml").text
    (first, *_) = deliver_in_turn(app)
    boundary = r"=_\w+"
    assert re.sub(boundary, "", raw) == re.sub(boundary, "", mail_server.received[0].data.decode())
    remove_desk(app)
    requeue.send_again(state_of(app).database, references[1])
    deliver_in_turn(app)
    assert len(mail_server.received) == 2
    for mail, reference in zip(mail_server.received, references, strict=True):
        assert "SECRET" not in mail.message.as_string()
        assert not list(mail.message.iter_attachments())
        assert f"://help.example.com/handoff/admin/tickets/{reference}\r\n" in mail.body("plain")
        assert mail.message["Subject"] == f"[site] {reference}: New ticket"
        assert mail.message["Reply-To"] == first.visitor_email


@pytest.mark.only("sqlite", "postgresql")
def test_a_channel_that_cannot_be_reached_holds_up_its_own_desks_alone(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others' tickets go out meanwhile, and their success makes none of its tickets due."""
    parrot, clock = Parrot(), Clock(monkeypatch)
    app = make_app(MAIL_PORT=free_port(), handoff=parrot.handoff(), **MANY)
    save_desk(app, channel="parrot")
    client = app.test_client()
    by_mail = [send_ticket(client) for _ in range(5)]
    courier = courier_of(app)
    for _ in range(channels.ATTEMPTS_BEFORE_PAUSE):
        assert courier.deliver_next()
    assert courier.paused_channels == {"mail"}
    by_parrot = [send_ticket(client, offer=signed_offer(client, desk="sales")) for _ in range(2)]
    delivered = list(iter(courier.deliver_next, None))
    assert [(ticket.reference, ticket.status) for ticket in delivered] == [
        (reference, Status.DELIVERED) for reference in by_parrot
    ]
    attempts = {ticket.reference: ticket.attempts for ticket in tickets(app)}
    assert [attempts[reference] for reference in by_mail] == [1, 1, 1, 0, 0]
    clock.pass_by(courier.pause)
    server = MailServer(app.config["MAIL_PORT"]).start()
    try:
        for _ in by_mail:
            assert courier.deliver_next()
        assert references(server) == [by_mail[3], *by_mail[:3], by_mail[4]]
    finally:
        courier.close()
        server.stop()


@pytest.mark.only("sqlite")
def test_a_desk_whose_channel_goes_wrong_slows_down_no_mail(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """``deliver`` sends the mails, and says which channel could not be reached."""
    parrot = Parrot(TryLater("busy", seconds=60))
    app = make_app(MAIL_PORT=mail_server.port, handoff=parrot.handoff(), **MANY)
    save_desk(app, channel="parrot")
    client = app.test_client()
    for _ in range(4):
        send_ticket(client, offer=signed_offer(client, desk="sales"))
    sent = [send_ticket(client) for _ in range(2)]
    assert invoke(app, "deliver").output.splitlines() == [
        "2 delivered, 3 waiting, 0 failed.",
        "The Parrot could not be reached; the other tickets wait for the next run.",
    ]
    assert references(mail_server) == sent


def test_held_tickets_of_a_full_desk_stay_held(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour later they go out, as many as the desk's limit allows; other desks' do not wait for them."""
    save_desk(app, tickets_per_hour=1)
    save_desk(app, "bugs", tickets_per_hour=1)
    client = app.test_client()
    for desk in ("sales", "sales", "sales", "bugs", "bugs"):
        send_ticket(client, offer=signed_offer(client, desk=desk))
    held = [ticket.reference for ticket in tickets(app) if ticket.status is Status.HELD]
    assert len(held) == 3
    database, limits = state_of(app).database, state_of(app).desk_limits
    assert limits == {"sales": 1, "bugs": 1}
    with database.write() as connection:
        long_ago = now(connection) - timedelta(hours=2)
        connection.execute(
            update(ticket_table).where(ticket_table.c.status == "held").values(next_attempt_at=long_ago)
        )
        connection.execute(
            update(ticket_table)
            .where(ticket_table.c.desk == "sales", ticket_table.c.status == "queued")
            .values(status="delivered", delivered_at=long_ago)
        )
    assert requeue.release_held(database, 500, of_desks=lambda: limits) == 1
    released = [ticket for ticket in tickets(app) if ticket.reference in held and ticket.status is Status.QUEUED]
    assert [ticket.desk for ticket in released] == ["sales"]


def test_an_offer_in_json_names_a_further_desk(app: Flask) -> None:
    """For the bridge's events; for the default desk, the answer is that of a site with one."""
    save_desk(app)
    client = app.test_client()
    found = {desk: json_of(client.get(f"/handoff/offer?pairs=1&desk={desk}", headers=JSON)) for desk in ("", "sales")}
    assert "desk" not in found[""]
    assert found["sales"]["desk"] == "sales"


@pytest.mark.parametrize(
    ("further", "rules"),
    [
        ([], [["/x", "default"]] * 201),
        ([{"desk": "sales", "removed": True}], [["/x", "sales"]]),
        ([{"desk": "default", "removed": True}], None),
        ([{"desk": "b"}, {"desk": "b", "button_text": "Other"}], None),
    ],
)
def test_what_is_loaded_is_saved_as_a_whole_or_not_at_all(
    app: Flask, further: list[dict[str, Any]], rules: list[list[str]] | None
) -> None:
    """Also what is only known once it is saved."""
    save_desk(app)
    with app.app_context():
        settings = Settings()
        before = settings.export()
        document = {"desks": [{"desk": "a", "button_text": "Changed"}, *further], "page_rules": rules}
        with pytest.raises(ValueError, match=r"rule|default desk|twice"):
            settings.load(document, changed_by="test")
        assert settings.export() == before
        document = {"desks": [{"desk": "a", "button_text": "Changed"}], "page_rules": [["/x", "a"]]}
        assert settings.load(document, changed_by="test") == ("a",)
        assert settings.load(document, changed_by="test") == ()
        assert settings.get("a").button_text == "Changed"
        assert settings.page_rules == (PageRule("/x", "a"),)
