"""The module for a site's own tests works with any settings of the site."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_mail
import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient
from flask.typing import ResponseReturnValue
from sqlalchemy import create_engine
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_kapa_handoff import ConfigurationError, Conversation, KapaHandoff, QuestionAnswer, Refuse, Submission
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.testing import (
    CONVERSATION,
    Rejected,
    change_settings,
    conversation_of,
    create_tables,
    deliver,
    make_offer,
    record_mails,
    send_ticket,
    tickets,
)
from flask_kapa_handoff.triggers import Trigger
from tests.helpers.mails import a_ticket
from tests.helpers.scripted_smtp import ScriptedServer

MakeApp = Callable[..., Flask]

UNSURE = Conversation((QuestionAnswer("Who?", "Perhaps you.", "a7", uncertain=True, reaction="downvote"),), "t1")


# --- What a visitor does ---------------------------------------------------------------------------------------------


def test_a_ticket_is_given_as_it_is_stored(app: Flask, client: FlaskClient) -> None:
    """What the visitor typed, and the site's own conversation by default."""
    ticket = send_ticket(client, email="ada@example.com", note="Please.")
    assert (ticket.visitor_email, ticket.note, str(ticket.status)) == ("ada@example.com", "Please.", "queued")
    assert tickets(app) == [ticket]
    assert conversation_of(app, ticket) == CONVERSATION


def test_tickets_are_given_in_the_order_in_which_they_came(make_app: MakeApp) -> None:
    """All of them, not the first page of the admin's list."""
    limits = ("CLIENT_PER_HOUR", "EMAIL_PER_HOUR", "HOUR")
    app = make_app(**{f"KAPA_HANDOFF_TICKETS_PER_{limit}": 100 for limit in limits})
    client = app.test_client()
    sent = [send_ticket(client, note=str(number)).note for number in range(60)]
    assert [ticket.note for ticket in tickets(app)] == sent


@pytest.mark.parametrize(
    ("triggers", "conversation"),
    [
        ("uncertainty", UNSURE),
        ("downvote", UNSURE),
        ("conversation-length", Conversation([QuestionAnswer("What?", "This.")] * 3)),
    ],
)
def test_a_tickets_offer_has_the_facts_that_a_page_would_send(
    make_app: MakeApp, triggers: str, conversation: Conversation
) -> None:
    """So that a conversation which qualifies opens a ticket."""
    app = make_app(KAPA_HANDOFF_TRIGGERS=triggers)
    client = app.test_client()
    ticket = send_ticket(client, conversation=conversation)
    assert (ticket.triggers, ticket.thread_id) == (triggers, conversation.thread_id)
    with pytest.raises(Rejected, match="this answer gets no button") as rejected:
        send_ticket(client)
    assert rejected.value.code == "not_offered"
    assert len(tickets(app)) == 1


def test_an_offer_carries_what_is_said_about_the_answer(client: FlaskClient) -> None:
    """Facts, names and page; and it opens one ticket."""
    offer = make_offer(client, uncertain=True, thread_id="t9", answer_id="a9", page="http://localhost/keys")
    about = Conversation((QuestionAnswer("What?", "This.", "a9"),))
    ticket = send_ticket(client, offer=offer, conversation=about)
    assert (ticket.thread_id, ticket.answer_id, ticket.page) == ("t9", "a9", "http://localhost/keys")
    with pytest.raises(Rejected) as rejected:
        send_ticket(client, offer=offer, conversation=about)
    assert (rejected.value.status, rejected.value.code) == (409, "conflict")


def test_a_wrong_fact_is_named(client: FlaskClient) -> None:
    """In the server's words."""
    with pytest.raises(Rejected, match="pairs: '-1' is not allowed") as rejected:
        make_offer(client, pairs=-1)
    assert (rejected.value.status, list(rejected.value.fields)) == (422, ["pairs"])


def test_errors_of_a_form_are_at_its_fields(app: Flask, client: FlaskClient) -> None:
    """With the messages that the visitor reads."""
    with pytest.raises(Rejected, match="POST /handoff/tickets gave 422") as rejected:
        send_ticket(client, email="nobody")
    assert rejected.value.code == "invalid"
    assert list(rejected.value.fields) == ["email"]
    assert rejected.value.fields["email"][0] in str(rejected.value)
    assert rejected.value.response.status_code == 422
    assert tickets(app) == []


def test_a_form_can_be_sent_without_a_field_and_with_odd_json(app: Flask, client: FlaskClient) -> None:
    """What a page of the site's own may get wrong."""
    for fields in ({"email": None}, {"conversation": "[]"}, {"conversation": "{"}, {"conversation": None}):
        with pytest.raises(Rejected) as rejected:
            send_ticket(client, **fields)
        assert list(rejected.value.fields) == list(fields)
    assert tickets(app) == []


def test_the_fields_that_a_site_adds_are_sent(make_app: MakeApp) -> None:
    """By their names; and what its filter reads of the request."""
    handoff = KapaHandoff()

    @handoff.ticket_filter
    def check(submission: Submission) -> None:
        if request.form.get("_proof") != "right":
            raise Refuse("Please prove it.")

    app = make_app(handoff=handoff, KAPA_HANDOFF_FIELDS=[{"name": "order", "label": "Order", "max_length": 5}])
    client = app.test_client()
    assert send_ticket(client, order="4711", _proof="right").fields == {"order": "4711"}
    with pytest.raises(Rejected, match=r"Please prove it\."):
        send_ticket(client, order="4711", _proof="wrong")
    with pytest.raises(Rejected) as rejected:
        send_ticket(client, order="much too long", _proof="right")
    assert list(rejected.value.fields) == ["order"]


def test_a_site_that_keeps_the_threads_needs_their_names_alone(make_app: MakeApp) -> None:
    """The conversation is the site's own record then."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: UNSURE if thread_id == "t1" else None)
    app = make_app(handoff=handoff)
    client = app.test_client()
    ticket = send_ticket(client, offer=make_offer(client, thread_id="t1", answer_id="a7"), conversation=None)
    assert ticket.transcript_source == "site"
    assert conversation_of(app, ticket).pairs == UNSURE.pairs


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "config",
    [
        {"KAPA_HANDOFF_URL_PREFIX": "/help/me"},
        {"APPLICATION_ROOT": "/below"},
        {"SERVER_NAME": "docs.example.com", "PREFERRED_URL_SCHEME": "https"},
        {"WTF_CSRF_ENABLED": True, "SESSION_COOKIE_SECURE": True},
        {"SECRET_KEY_FALLBACKS": ["an older one"]},
    ],
)
def test_it_finds_the_way_whatever_the_site_s_configuration_is(make_app: MakeApp, config: dict[str, Any]) -> None:
    """Prefix, root, name of the server, keys."""
    app = make_app(**config)
    ticket = send_ticket(app.test_client())
    assert tickets(app) == [ticket]


@pytest.mark.only("sqlite")
def test_the_site_s_own_code_around_it_is_part_of_the_test(make_app: MakeApp) -> None:
    """A login that the site requires is named, and can be passed as a header."""
    app = make_app()

    @app.before_request
    def log_in() -> ResponseReturnValue | None:
        if request.headers.get("Authorization") == "Bearer me":
            return None
        return redirect("/log-in") if request.method == "GET" else ({"error": "Who are you?"}, 401)

    client, known = app.test_client(), {"Authorization": "Bearer me"}
    with pytest.raises(Rejected, match=r"GET /handoff/offer .* gave 302 FOUND: /log-in") as rejected:
        send_ticket(client)
    assert rejected.value.code == ""
    with pytest.raises(Rejected, match=r"POST /handoff/tickets gave 401 UNAUTHORIZED: .*Who are you"):
        send_ticket(client, offer=make_offer(client, headers=known))
    ticket = send_ticket(client, headers=known)
    assert tickets(app) == [ticket]


@pytest.mark.only("sqlite")
def test_an_app_without_the_handoff_and_a_client_of_no_app_are_named() -> None:
    """Before anything is asked."""
    app = Flask("bare")
    for use in (tickets, deliver, create_tables, change_settings):
        with pytest.raises(ConfigurationError, match="KapaHandoff is not set up on the app 'bare'"):
            use(app)
    with pytest.raises(ConfigurationError, match="'bare'"):
        send_ticket(app.test_client())
    with pytest.raises(TypeError, match=r"app\.test_client\(\)"):
        make_offer(Client(DispatcherMiddleware(app)))  # type: ignore[arg-type]


@pytest.mark.only("sqlite")
def test_a_client_or_a_name_in_the_wrong_place_is_named(app: Flask, client: FlaskClient) -> None:
    """With what to pass instead."""
    for use in (tickets, deliver, create_tables, change_settings):
        with pytest.raises(TypeError, match=r"the Flask app and not FlaskClient; pass client\.application"):
            use(client)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"app: .* 'site' is not allowed"):
        tickets("site")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ticket: 'T-7F3K2Q' is not allowed; use a Ticket"):
        conversation_of(app, "T-7F3K2Q")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="conversation: list is not allowed; use a Conversation"):
        send_ticket(client, conversation=[])  # type: ignore[arg-type]


@pytest.mark.only("sqlite")
def test_a_mistyped_keyword_is_named(make_app: MakeApp) -> None:
    """Of an offer and of a ticket; what the site's own filter reads has names that no field can have."""
    fields = [{"name": "area", "label": "Area", "choices": ["Billing", "Vaults"], "required": True}]
    client = make_app(KAPA_HANDOFF_FIELDS=fields).test_client()
    with pytest.raises(TypeError, match=r"no keyword 'uncertian'; did you mean uncertain\? Use any of pairs, unc"):
        make_offer(client, uncertian=True)
    with pytest.raises(TypeError, match=r"no keyword 'aera'; did you mean area\? Use any of offer, email"):
        send_ticket(client, aera="Vaults")
    with pytest.raises(Rejected, match=r"area: Please choose one\."):
        send_ticket(client)
    assert send_ticket(client, area="Vaults").fields == {"area": "Vaults"}
    handoff = KapaHandoff()
    handoff.ticket_filter(lambda submission: None)
    client = make_app(handoff=handoff, name="filtered").test_client()
    assert send_ticket(client, _proof="0")
    with pytest.raises(TypeError, match="no keyword 'aera'"):
        send_ticket(client, aera="Vaults")


@pytest.mark.only("sqlite")
def test_the_reason_for_no_button_is_named(make_app: MakeApp) -> None:
    """The settings, or the site's loader, which decides if there is one."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="uncertainty")
    client = app.test_client()
    with pytest.raises(Rejected, match=r"gets no button: it meets none of the desk's triggers \(uncertainty; thr"):
        make_offer(client)
    change_settings(app, enabled=False)
    with pytest.raises(Rejected, match="the desk is switched off"):
        make_offer(client, uncertain=True)
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: UNSURE if thread_id == "t1" else CONVERSATION)
    kept = make_app(handoff=handoff, name="keeps", KAPA_HANDOFF_TRIGGERS="uncertainty").test_client()
    with pytest.raises(Rejected, match=r"has a conversation_loader, which decides.* Pass thread_id= of"):
        make_offer(kept, uncertain=True)
    with pytest.raises(Rejected, match="what the site's conversation_loader returns for the thread 't2' decides"):
        make_offer(kept, uncertain=True, thread_id="t2")
    assert make_offer(kept, thread_id="t1")


@pytest.mark.only("sqlite")
def test_a_hook_that_fails_is_named(make_app: MakeApp) -> None:
    """With its type and place, by both functions."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        raise KeyError(thread_id)

    client = make_app(handoff=handoff).test_client()
    with pytest.raises(Rejected, match=r"gave 503 .*site's conversation_loader \(.*load\) raised KeyError in load"):
        make_offer(client, thread_id="t1")
    with pytest.raises(Rejected, match=r"offer_invalid: [^()]*$"):
        send_ticket(client, offer="forged")


@pytest.mark.only("sqlite")
def test_the_tickets_of_the_site_itself_are_not_touched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default file is refused, unless it is in a temporary folder; a database that is named is not."""
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "elsewhere"))

    def build(name: str, **config: Any) -> Flask:
        app = Flask(name, instance_path=str(tmp_path / name))
        app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", TESTING=True, **config)
        KapaHandoff(app)
        return app

    site = build("site")
    for use in (tickets, deliver, create_tables, change_settings, lambda app: send_ticket(app.test_client())):
        with pytest.raises(RuntimeError, match=r"site's own tickets .*kapa_handoff\.sqlite3.* KAPA_HANDOFF_DATABASE_"):
            use(site)
    with pytest.raises(RuntimeError, match="own tickets"), record_mails(site):
        raise AssertionError("this must not be reached")
    assert not (tmp_path / "site").exists()
    named = build("named", KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}/handoff.sqlite3")
    assert tickets(named) == []
    monkeypatch.undo()
    assert tickets(site) == []


@pytest.mark.only("sqlite")
def test_two_apps_of_one_suite_share_nothing(make_app: MakeApp) -> None:
    """Neither tickets, nor mails, nor settings."""
    one, two = (make_app(name=name, TESTING=True) for name in ("one", "two"))
    send_ticket(one.test_client())
    ticket = send_ticket(two.test_client())
    change_settings(two, button_text="Ask us")
    with record_mails(one) as mails_of_one, record_mails(two) as mails_of_two:
        assert [tried.reference for tried in deliver(two)] == [ticket.reference]
    assert (len(mails_of_one), len(mails_of_two)) == (0, 1)
    assert len(tickets(one)) == 1
    assert change_settings(one).button_text == "Create ticket"


# --- Delivery and mails ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delivery", [None, "external"])
def test_what_is_due_is_delivered_here_and_now(make_app: MakeApp, delivery: str | None) -> None:
    """Whichever way the site has chosen, and once."""
    app = make_app(TESTING=True, KAPA_HANDOFF_DELIVERY=delivery)
    sent = [send_ticket(app.test_client()).reference for _ in range(3)]
    tried = deliver(app)
    assert [(ticket.reference, str(ticket.status)) for ticket in tried] == [(one, "delivered") for one in sent]
    assert tickets(app) == tried
    assert deliver(app) == []


def test_a_mail_is_recorded_as_a_mail_program_reads_it(make_app: MakeApp) -> None:
    """Its headers, its text and its attachment, of an app that has no Flask-Mail of its own."""
    app = make_app(TESTING=True)
    ticket = send_ticket(app.test_client(), email="ada@example.com", note="It fails on Tuesdays.")
    with record_mails(app) as mails:
        deliver(app)
    (mail,) = mails
    assert (mail["To"], mail["Reply-To"]) == ("support@example.com", "ada@example.com")
    assert ticket.reference in mail["Subject"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "It fails on Tuesdays." in text.get_content()
    assert [part.get_filename() for part in mail.iter_attachments()] == ["conversation.json"]


@pytest.mark.only("sqlite")
def test_mails_that_go_out_in_the_request_are_recorded_and_others_are_not(make_app: MakeApp) -> None:
    """Neither the site's own, nor those before and after."""
    app = make_app(TESTING=True, KAPA_HANDOFF_DELIVERY="inline", mount=False)
    mail = flask_mail.Mail(app)
    KapaHandoff(app)
    client = app.test_client()
    send_ticket(client, note="before")
    with record_mails(app) as mails, app.app_context():
        mail.send(flask_mail.Message("Welcome", recipients=["ada@example.com"], body="Hello"))
        ticket = send_ticket(client, note="within")
    send_ticket(client, note="after")
    assert [mail["X-Kapa-Handoff-Ticket"] for mail in mails] == [ticket.reference]


@pytest.mark.only("sqlite")
def test_no_mail_leaves_by_mistake(make_app: MakeApp) -> None:
    """An app that was not told that it is tested would send them."""
    app = make_app()
    with pytest.raises(RuntimeError, match="Set TESTING = True"), record_mails(app):
        raise AssertionError("this must not be reached")
    app.testing = True
    with record_mails(app) as mails:
        assert mails == []


@pytest.mark.only("sqlite")
def test_tickets_show_a_mail_server_that_refuses_or_is_down(make_app: MakeApp) -> None:
    """A server that cannot be reached is not contacted for each ticket."""
    limits = {"KAPA_HANDOFF_SMTP_TIMEOUT": 1, "MAIL_SERVER": "127.0.0.1"}
    with ScriptedServer({"RCPT": ["550 no such user", "451 later"]}) as server:
        app = make_app(MAIL_PORT=server.port, **limits)
        for _ in range(2):
            send_ticket(app.test_client())
        refused, delayed = deliver(app)
    assert (str(refused.status), refused.last_error) == ("failed", "550 no such user")
    assert (str(delayed.status), delayed.last_error) == ("queued", "451 later")
    for _ in range(4):
        send_ticket(app.test_client())
    tried = deliver(app)
    assert [str(ticket.status) for ticket in tried] == ["queued"] * 3


# --- Settings and tables ---------------------------------------------------------------------------------------------


def test_settings_are_saved_as_an_admin_does(make_app: MakeApp) -> None:
    """They hold at once, one after the other, for visitors and for pages; what is not named stays."""
    app = make_app()
    client = app.test_client()
    saved = change_settings(app, triggers="uncertainty, downvote", button_text="Ask us")
    assert (saved.triggers, saved.button_text) == ((Trigger.UNCERTAINTY, Trigger.DOWNVOTE), "Ask us")
    with pytest.raises(Rejected):
        make_offer(client)
    assert "Ask us" in client.get("/handoff/offer?pairs=1&downvoted=true").text
    assert change_settings(app, triggers=["always"], email="desk@example.com").button_text == "Ask us"
    assert send_ticket(client).recipient == "desk@example.com"
    assert change_settings(app, enabled=False).version == 3
    with pytest.raises(Rejected) as rejected:
        make_offer(client)
    assert rejected.value.code == "not_offered"


@pytest.mark.only("sqlite")
def test_wrong_settings_are_named(make_app: MakeApp) -> None:
    """And nothing is saved."""
    app = make_app(KAPA_HANDOFF_PINNED="email")
    with pytest.raises(ConfigurationError, match="KAPA_HANDOFF_TRIGGERS: 'sometimes' is not allowed"):
        change_settings(app, triggers="sometimes")
    with pytest.raises(TypeError, match="There is no setting 'url_prefix'; use enabled, email"):
        change_settings(app, url_prefix="/x")
    with pytest.raises(ValueError, match="email: KAPA_HANDOFF_PINNED"):
        change_settings(app, email="desk@example.com")
    with pytest.raises(ValueError, match="desk: there is no desk 'sales'; use 'default'"):
        change_settings(app, "sales", enabled=False)
    with pytest.raises(ValueError, match="enabled: 'no' is not allowed; use True or False"):
        change_settings(app, enabled="no")
    assert change_settings(app).version == 0


@pytest.mark.only("sqlite")
def test_the_tables_of_a_shared_database_are_made(make_app: MakeApp, tmp_path: Path) -> None:
    """Twice does no harm; before it, the error says what is missing."""
    engine = create_engine(f"sqlite:///{tmp_path / 'site.sqlite3'}")
    app = make_app(handoff=KapaHandoff(engine=engine))
    with pytest.raises(Rejected) as rejected:
        make_offer(app.test_client())
    assert rejected.value.status == 503
    with pytest.raises(Unavailable, match="not in the database yet"):
        tickets(app)
    create_tables(app)
    create_tables(app)
    ticket = send_ticket(app.test_client())
    assert tickets(app) == [ticket]
    engine.dispose()


def test_an_unknown_ticket_has_no_conversation(app: Flask) -> None:
    """An error, and not an empty one."""
    with pytest.raises(LookupError, match="Ticket T-7F3K2Q has no conversation"):
        conversation_of(app, a_ticket()[0])
