"""After a rollback: what a later version has stored and signed is kept, shown as unknown, and harmless."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import inspect, text

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, unknown
from flask_kapa_handoff.health import health
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import VERSION_TABLE, schema
from flask_kapa_handoff.storage.tables import metadata
from tests.helpers.admin import fields, let_pass, save, shown
from tests.helpers.commands import findings, invoke, left, mailing
from tests.helpers.history import RESTORE, restore
from tests.helpers.pages import json_of
from tests.helpers.servers import MailServer
from tests.helpers.tickets import PAIR, send_ticket, ticket_fields

JSON = {"Accept": "application/json"}
LATER_PAIR = {
    **PAIR,
    "mood": "puzzled",
    "reaction": "heart",
    "sources": [{"title": "Keys", "url": "https://example.com/keys", "score": 0.5}],
}


@dataclass
class Site:
    """A site that a later version has served, and this one serves now."""

    app: Flask
    client: FlaskClient
    delivered: str
    due: str
    snoozed: str
    only_unknown: str
    offer: str


def execute(app: Flask, *statements: str, **values: Any) -> None:
    """Write past the package, as another version of it may."""
    with state_of(app).database.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement), values)


def read(app: Flask, query: str, **values: Any) -> list[Any]:
    with state_of(app).database.engine.connect() as connection:
        return list(connection.execute(text(query), values).scalars())


SET_VERSION = f"UPDATE {VERSION_TABLE} SET version_num = '9999'"  # noqa: S608  a constant of the package
GET_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608


def extend_tables(app: Flask) -> None:
    """What the rule for migrations allows."""
    kind = "CHAR(32)" if state_of(app).database.engine.dialect.name == "sqlite" else "UUID"
    for table in metadata.tables:
        execute(
            app,
            f"ALTER TABLE {table} ADD COLUMN later TEXT",
            f"ALTER TABLE {table} ADD COLUMN later_count INTEGER NOT NULL DEFAULT 7",
        )
    execute(
        app,
        "CREATE TABLE kapa_handoff_later (id INTEGER PRIMARY KEY, "
        f"ticket_id {kind} NOT NULL REFERENCES kapa_handoff_ticket (id) ON DELETE CASCADE)",
        SET_VERSION,
    )


LATER_OFFER: dict[str, Any] = {
    "id": "an-offer-of-later",
    "triggers": ["of-later", "downvote"],
    "pairs": 2,
    "downvoted": True,
    "fact_of_later": 900,
    "desk": "default",
    "thread_id": "thread-9",
    "campaign": {"name": "spring"},
}
"""The claims of an offer with one more trigger, fact and claim."""

LATER_CLAIMS: dict[str, dict[str, Any]] = {
    "many long triggers": {"triggers": [f"later-trigger-{number}" for number in range(9)]},
    "trigger with NUL": {"triggers": ["a\0b", "always"]},
    "triggers as objects": {"triggers": [{"name": "always"}]},
    "triggers as text": {"triggers": "always,later"},
    "triggers null": {"triggers": None},
    "triggers as a number": {"triggers": 5},
    "pairs as a float": {"pairs": 1.0},
    "pairs as an object": {"pairs": {"asked": 2}},
    "downvoted as a number": {"downvoted": 0.7},
    "page as an object": {"page": {"url": "https://example.com"}},
    "long page": {"page": "https://example.com/" + "a" * 9000},
    "origin as a list": {"origin": ["https://example.com"]},
    "thread as a number": {"thread_id": 5},
    "thread as a list": {"thread_id": [5]},
    "long thread": {"thread_id": "t" * 300},
    "answer as an object": {"answer_id": {"id": 5}},
    "long answer": {"answer_id": "a\0" * 300},
    "id as a number": {"id": 5},
    "id as a list": {"id": [5, {"b": 1, "a": 2}]},
    "long id": {"id": "0192aaaa-0000-7000-8000-000000000000"},
    "id with NUL": {"id": "a\0b"},
    "unknown desk": {"desk": "sales"},
    "desk as a number": {"desk": 5},
    "desk as a list": {"desk": ["default"]},
    "time as text": {"decided_at": "2026-01-01T00:00:00Z"},
    "time as a huge float": {"decided_at": 1e300},
    "requested as text": {"requested": "kapa"},
}
"""What a later version may say in these claims instead."""


def later_offer(app: Flask, **claims: Any) -> str:
    """An offer as a later version may sign it."""
    with app.test_request_context():
        signer = state_of(app).offer_signer()
        token: str = signer._serializer.dumps({"for": signer._audience, **LATER_OFFER, **claims})
    return token


@pytest.fixture
def database_of_app(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], dict[str, str]]]:
    """A database of the test's own: no other test could use its tables."""
    if backend == "sqlite":
        yield lambda name: {}
        return
    postgres = request.getfixturevalue("postgres")
    uri = postgres.new_database()
    (tmp_path / "site").mkdir()  # the instance folder, which only a file would make
    yield lambda name: {"KAPA_HANDOFF_DATABASE_URI": uri}
    postgres.drop_database(uri)


@pytest.fixture
def site(make_app: Callable[..., Flask], mail_server: MailServer) -> Site:
    """Everything that a later version may have written, in one database."""
    app = mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=let_pass))
    client = app.test_client()
    save(client, button_text="Ask a human", triggers="always,downvote")
    save(client, threshold="5", triggers="conversation-length,always")
    delivered = send_ticket(client)
    assert invoke(app, "deliver").exit_code == 0
    due, snoozed, only_unknown = (send_ticket(client, email=f"v{number}@example.com") for number in range(3))
    extend_tables(app)
    execute(
        app,
        "UPDATE kapa_handoff_desk SET triggers = 'always,of-later'",
        "UPDATE kapa_handoff_delivery_attempt SET outcome = 'bounced'",
    )
    execute(app, "UPDATE kapa_handoff_ticket SET status = 'snoozed' WHERE reference = :at", at=snoozed)
    for reference, names in ((due, "always,of-later"), (only_unknown, "of-later")):
        execute(
            app, "UPDATE kapa_handoff_ticket SET triggers = :names WHERE reference = :at", names=names, at=reference
        )
    execute(app, "UPDATE kapa_handoff_transcript SET conversation = :pairs", pairs=json.dumps([LATER_PAIR]))
    for column in ("before", "after"):
        for values in map(json.loads, read(app, f'SELECT "{column}" FROM kapa_handoff_settings_change')):  # noqa: S608
            later = {**values, "theme": "dark", "triggers": [*values["triggers"], "of-later"]}
            change = f'UPDATE kapa_handoff_settings_change SET "{column}" = :later WHERE "{column}" = :now'  # noqa: S608
            execute(app, change, later=json.dumps(later), now=json.dumps(values))
    state_of(app).database.close()
    again = mailing(make_app, mail_server, handoff=KapaHandoff(admin_required=let_pass))
    return Site(again, again.test_client(), delivered, due, snoozed, only_unknown, later_offer(again))


def test_a_restored_version_keeps_what_a_later_version_saved_in_it(site: Site) -> None:
    """Its unknown trigger is stored again."""
    assert restore(site.client, 1).status_code == 303
    assert read(site.app, "SELECT triggers FROM kapa_handoff_desk") == ["always,downvote,of-later"]


def test_every_page_is_there(site: Site) -> None:
    """Unknown names are shown as unknown."""
    pages = {path: site.client.get(f"/handoff/admin/{path}") for path in ("", "tickets", "doctor", "history")}
    for reference in (site.delivered, site.due, site.snoozed, site.only_unknown):
        pages[reference] = site.client.get(f"/handoff/admin/tickets/{reference}")
    assert {page.status_code for page in pages.values()} == {200}
    assert "Unknown (of-later)" in shown(pages[""])
    assert "Trigger added: Downvoted answers" in shown(pages["history"])
    assert "Trigger added: Downvoted answers" in shown(site.client.get(f"{RESTORE}?version=1"))
    assert "Unknown (snoozed)" in shown(pages["tickets"])
    assert "Unknown (bounced)" in shown(pages[site.delivered])
    assert "Vote: unknown (heart)" in shown(pages[site.delivered])
    assert "unknown (of-later)" in shown(pages[site.only_unknown])
    assert "Its status is unknown (snoozed)" in shown(pages[site.snoozed])


def test_the_button_and_the_form_work(site: Site) -> None:
    """A button is offered by the triggers that this version knows."""
    assert json_of(site.client.get("/handoff/offer?pairs=1", headers=JSON))["triggers"] == ["always"]
    with site.app.test_request_context("/page"):
        conversation = Conversation((QuestionAnswer("Why?", "Because."),), "thread-1")
        assert "Ask a human" in render_template_string("{{ kapa_handoff_button(it) }}", it=conversation)
        assert 'data-handoff-triggers="always"' in render_template_string("{{ kapa_widget('ID') }}")
    assert site.client.get("/handoff/form", query_string={"offer": site.offer}).status_code == 200
    assert send_ticket(site.client)


def test_an_open_form_is_sent(site: Site) -> None:
    """The offer's unknown trigger goes into the ticket, and its unknown claims into the offer of the form."""
    signer = state_of(site.app).offer_signer
    with site.app.test_request_context():
        opened = signer().read(site.offer)
        again = signer().read(signer().sign(opened.for_one_form()))
    assert again.others == opened.others == {"fact_of_later": 900, "campaign": {"name": "spring"}}
    fields = ticket_fields(site.client, offer=site.offer, conversation=json.dumps([PAIR, PAIR]))
    answer = site.client.post("/handoff/tickets", data=fields, headers=JSON)
    assert answer.status_code == 201, answer.text
    stored = "SELECT triggers FROM kapa_handoff_ticket WHERE reference = :at"
    assert read(site.app, stored, at=json_of(answer)["reference"]) == ["downvote,of-later"]


def test_any_offer_of_ours_opens_the_form_and_one_ticket(
    make_app: Callable[..., Flask], mail_server: MailServer
) -> None:
    """Whatever its claims look like: a right signature says that a version of this package made it."""
    app = mailing(
        make_app, mail_server, handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_TICKETS_PER_HOUR=99
    )
    client, both = app.test_client(), json.dumps([{"question": "Why?", "answer": "Because."}] * 2)
    problems = {}
    for number, (name, claims) in enumerate(LATER_CLAIMS.items()):
        offer = later_offer(app, **{"id": f"offer-{number}", **claims})
        opened = client.get("/handoff/form", query_string={"offer": offer}).status_code
        sent = [
            client.post(
                "/handoff/tickets",
                data=ticket_fields(client, offer=offer, email=f"v{number}@example.com", conversation=both),
                headers=JSON,
                environ_base={"REMOTE_ADDR": f"192.0.{number}.1"},
            ).status_code
            for _ in range(2)
        ]
        cancelled = client.post("/handoff/events", json={"offer": offer, "event": "cancel"}).status_code
        if [opened, *sent, cancelled] != [200, 201, 409, 204]:
            problems[name] = [opened, *sent, cancelled]
    assert problems == {}
    assert set(read(app, "SELECT desk FROM kapa_handoff_ticket")) == {"default"}
    assert invoke(app, "deliver").output == f"{len(LATER_CLAIMS)} delivered, 0 waiting, 0 failed.\n"
    assert client.get("/handoff/admin/tickets").status_code == 200


def test_an_offer_without_an_id_is_refused(site: Site) -> None:
    """It could open any number of tickets; nor does another audience's open one here."""
    for claims in ({"id": None}, {"for": ["somebody else"]}):
        offer = later_offer(site.app, **claims)
        assert site.client.get("/handoff/form", query_string={"offer": offer}).status_code == 403


@pytest.mark.parametrize(
    ("stored", "used"),
    [
        ("The team; second@example.com", "second@example.com"),
        ("the team", "support@example.com"),
    ],
)
def test_an_address_beside_other_words_is_used(site: Site, mail_server: MailServer, stored: str, used: str) -> None:
    """If none is one, the site's configuration applies; the check-up names the settings."""
    execute(site.app, "UPDATE kapa_handoff_desk SET email = :stored", stored=stored)
    invoke(site.app, "deliver")
    mail_server.received.clear()
    reference = send_ticket(site.client)
    assert invoke(site.app, "deliver").output == "1 delivered, 0 waiting, 0 failed.\n"
    assert mail_server.received[0].message["To"] == used
    code, output = findings(site.app)
    assert code == 0
    assert "settings of the desk default (email)" in output
    assert f"Tickets go to {used}." in output
    assert reference


def test_tickets_of_a_desk_that_is_not_there_are_delivered(site: Site) -> None:
    """Its tickets are delivered where they were to go."""
    execute(site.app, "UPDATE kapa_handoff_ticket SET desk = 'sales'")
    assert invoke(site.app, "deliver").output.startswith("2 delivered")


def test_what_is_due_is_delivered(site: Site, mail_server: MailServer) -> None:
    """All but the ticket whose status is unknown, which stays as it is; an unknown reason is named as that."""
    mail_server.received.clear()
    run = invoke(site.app, "deliver")
    assert (run.exit_code, run.output) == (0, "2 delivered, 0 waiting, 0 failed.\n")
    mails = {mail.message["X-Kapa-Handoff-Ticket"]: mail for mail in mail_server.received}
    assert set(mails) == {site.due, site.only_unknown}
    said = mails[site.only_unknown].body("plain")
    assert "Why the button appeared: a reason that this version does not know (of-later)" in said
    assert "(Vote: unknown (heart))" in said
    assert f"{site.snoozed} is snoozed" in invoke(site.app, "retry", site.snoozed).output
    stored = "SELECT status FROM kapa_handoff_ticket WHERE reference = :at"
    assert read(site.app, stored, at=site.snoozed) == ["snoozed"]


def test_the_commands_work(site: Site, make_app: Callable[..., Flask], mail_server: MailServer) -> None:
    """The tables stay as they are, and so does what is stored in them."""
    upgraded = invoke(site.app, "db", "upgrade")
    assert upgraded.exit_code == 0
    assert "version 9999, from a newer version of this package" in upgraded.output
    assert "Nothing was changed" in upgraded.output
    assert read(site.app, GET_VERSION) == ["9999"]
    assert "snoozed" in invoke(site.app, "tickets").output
    exported = [json.loads(line) for line in invoke(site.app, "export").output.splitlines()]
    assert [record["conversation"] for record in exported] == [[LATER_PAIR]] * 4
    assert exported[0]["delivery_attempts"][0]["outcome"] == "bounced"
    assert health(site.app).queued == 2
    code, output = findings(site.app)
    assert code == 0, output
    for words in (
        "at version 9999",
        'trigger "of-later" of the settings, 1 time',
        'trigger "of-later" of tickets, 2 times',
        'status "snoozed", 1 time',
        'outcome "bounced", 1 time',
        "install it again",
    ):
        assert words in output
    assert output.count("Some stored data cannot be used") == 1
    assert invoke(site.app, "erase", "v1@example.com", "--yes").exit_code == 0
    keeping = mailing(make_app, mail_server, KAPA_HANDOFF_RETENTION_DAYS=1)
    execute(keeping, "UPDATE kapa_handoff_ticket SET delivered_at = '2020-01-01 00:00:00' WHERE status = 'delivered'")
    assert "1 ticket older" in invoke(keeping, "purge").output
    assert left(keeping)[0] == [site.due, site.only_unknown]


def test_an_unknown_trigger_stays_until_it_is_unticked(site: Site) -> None:
    """Saving something else keeps it; unticking removes it; other unknown names are refused."""
    assert fields(site.client)["triggers"] == ["always", "of-later"]
    assert save(site.client, button_text="Other").status_code == 303
    stored = "SELECT triggers FROM kapa_handoff_desk"
    assert read(site.app, stored) == ["always,of-later"]
    assert save(site.client, triggers=["", "downvote", "of-later", "longer"]).status_code == 422
    assert save(site.client, triggers=["", "of-later"]).status_code == 303
    assert "this version knows none of the chosen triggers" in shown(site.client.get("/handoff/admin/"))
    assert site.client.get("/handoff/offer?pairs=9", headers=JSON).json == {"offered": False}
    with site.app.test_request_context("/page"):
        assert "data-handoff" not in render_template_string("{{ kapa_widget('ID') }}")
    assert save(site.client, triggers=["", "downvote"]).status_code == 303
    assert read(site.app, stored) == ["downvote"]


def test_a_stored_value_that_is_not_allowed_here_stays(site: Site) -> None:
    """A later version may allow a higher threshold; another setting can be saved all the same."""
    execute(site.app, "UPDATE kapa_handoff_desk SET threshold = 500")
    assert save(site.client, triggers="conversation-length", button_text="Other").status_code == 303
    assert read(site.app, "SELECT threshold FROM kapa_handoff_desk") == [500]
    assert save(site.client, triggers="conversation-length", threshold="501").status_code == 422


def test_unknown_names_are_logged_once(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once per process and value."""
    monkeypatch.setattr(unknown, "_logged", set())
    for _ in range(3):
        site.client.get("/handoff/admin/tickets")
    assert caplog.text.count("'snoozed'") == 1


def test_what_was_added_stays(site: Site) -> None:
    """Nothing that a later version has added is written or dropped."""
    invoke(site.app, "deliver")
    send_ticket(site.client)
    columns = {
        column["name"] for column in inspect(state_of(site.app).database.engine).get_columns("kapa_handoff_ticket")
    }
    assert {"later", "later_count"} <= columns
    assert set(read(site.app, "SELECT later_count FROM kapa_handoff_ticket")) == {7}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("ALTER TABLE kapa_handoff_ticket RENAME COLUMN flag TO mark", "kapa_handoff_ticket.flag is missing"),
        ("ALTER TABLE kapa_handoff_refusal RENAME TO kapa_handoff_no", "kapa_handoff_refusal is missing"),
        (None, "kapa_handoff_refusal.must must be given"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(make_app: Callable[..., Flask], change: str | None, said: str) -> None:
    """A clear refusal, and nothing is changed."""
    first = make_app()
    send_ticket(first.test_client())
    if change is None:
        execute(first, "DROP TABLE kapa_handoff_refusal")
        columns = ["reason", "detail", "hour", "count", "last_at"]
        execute(
            first,
            "CREATE TABLE kapa_handoff_refusal (id INTEGER PRIMARY KEY, must INTEGER NOT NULL, "
            + ", ".join(f"{name} TEXT" for name in columns)
            + ")",
        )
    else:
        execute(first, change)
    execute(first, SET_VERSION)
    state_of(first).database.close()
    app = make_app()
    assert app.test_client().get("/handoff/offer?pairs=1").status_code == 503
    run = invoke(app, "db", "upgrade")
    assert run.exit_code == 1
    assert said in run.output
    assert schema.HEAD in run.output
    assert "Install the newer package again." in run.output
    assert said in findings(app)[1]
