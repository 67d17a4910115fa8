"""What the site says about the visitor: asked for with the ticket, checked, for the agent alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from flask import Flask, session
from sqlalchemy import text

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.site_context import MAX_ENTRIES, MAX_LABEL, MAX_VALUE, read_context
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.column_types import UNREADABLE
from flask_kapa_handoff.testing import tickets
from tests.helpers.commands import invoke
from tests.helpers.mails import body, read
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import post, post_json, send_ticket, ticket_fields

KNOWN = {"Plan": "Team", "Account": "acme-4711", "Seats": "ätwas 本"}
Make = Callable[..., Flask]


def site(make_app: Make, loader: Callable[[], Any], **config: Any) -> Flask:
    handoff = KapaHandoff(admin_required=lambda view: view)
    handoff.context_loader(loader)
    return make_app(handoff=handoff, **config)


def test_it_is_asked_in_the_request_that_sends_the_ticket(make_app: Make) -> None:
    """Once, with the visitor's session; what it says is stored with the ticket, in its order."""
    asked: list[str] = []

    def load() -> dict[str, str]:
        asked.append(session["user"])
        return {"User": session["user"], **KNOWN}

    app = site(make_app, load)
    client = app.test_client()
    with client.session_transaction() as values:
        values["user"] = "ada"
    fields = ticket_fields(client)
    client.get("/handoff/form", query_string={"offer": fields["offer"]})
    assert asked == []
    assert post(client, "json", {**fields, "email": "wrong"}).status_code == 422
    assert asked == []
    assert post(client, "json", fields).status_code == 201
    assert asked == ["ada"]
    assert list(tickets(app)[0].context.items()) == [("User", "ada"), *KNOWN.items()]


def test_a_site_without_it_has_none(app: Flask) -> None:
    """And its tickets say nothing of it."""
    send_ticket(app.test_client())
    assert tickets(app)[0].context == {}


@pytest.mark.only("sqlite")
def test_no_browser_sets_or_reads_it(make_app: Make) -> None:
    """A field of that name is refused, others are ignored, and no response repeats what the site said."""
    app = site(make_app, lambda: {"Plan": "SECRET-PLAN"})
    client = app.test_client()
    forged = {"context": json.dumps({"Plan": "Enterprise"})}
    shapes = ("page", "fragment", "json")
    responses = [post_json(client, ticket_fields(client, **forged))]
    responses += [post(client, shape, ticket_fields(client, **forged)) for shape in shapes]
    responses += [post(client, shape, ticket_fields(client, Plan="Enterprise")) for shape in shapes]
    responses.append(client.get("/handoff/form", query_string={"offer": signed_offer(client)}))
    assert [answer.status_code for answer in responses] == [422] * 4 + [201] * 3 + [200]
    assert not [answer for answer in responses if "SECRET-PLAN" in answer.text]
    assert [ticket.context for ticket in tickets(app)] == [{"Plan": "SECRET-PLAN"}] * 3


@pytest.mark.only("sqlite")
def test_a_page_of_anybody_learns_nothing_of_a_signed_in_visitor(make_app: Make) -> None:
    """A request that does not come from a known page does not act for the visitor: the site is not asked."""
    app = site(make_app, lambda: KNOWN)
    client = app.test_client()
    answer = client.post("/handoff/tickets", data=ticket_fields(client), headers={"Origin": "null"})
    assert answer.status_code == 201
    assert tickets(app)[0].context == {}


WRONG: list[tuple[Any, dict[str, str], str]] = [
    (None, {}, "NoneType; it may return a mapping"),
    ("Plan: Team", {}, "str; it may return a mapping"),
    ([("Plan", "Team")], {}, "list; it may return a mapping"),
    ({"Plan": "Team", "Seats": 5}, {"Plan": "Team"}, "the value of entry 2 is int, not text"),
    ({"Plan": None, "Account": "acme"}, {"Account": "acme"}, "the value of entry 1 is NoneType, not text"),
    ({1: "one", "Plan": "Team"}, {"Plan": "Team"}, "the label of entry 1 is int, not text"),
    (
        {f"L{number}": "x" for number in range(25)},
        {f"L{number}": "x" for number in range(MAX_ENTRIES)},
        "it has 25 entries; the limit is 20",
    ),
]


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(("returned", "kept", "said"), WRONG, ids=lambda value: str(value)[:20])
def test_what_is_not_allowed_is_told_and_the_rest_is_kept(
    make_app: Make, caplog: pytest.LogCaptureFixture, returned: Any, kept: dict[str, str], said: str
) -> None:
    """The log and the check-up name the hook and the entry, never its text; the ticket is stored."""
    app = site(make_app, lambda: returned)
    send_ticket(app.test_client())
    assert tickets(app)[0].context == kept
    assert "The site's context_loader" in caplog.text
    assert said in caplog.text
    assert "The site's context_loader failed" in invoke(app, "doctor").output


class Breaking(Mapping[str, str]):
    def __getitem__(self, key: str) -> str:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(["Plan"])

    def __len__(self) -> int:
        return 1


def raises() -> dict[str, str]:
    raise RuntimeError("xylophone")


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("loader", [raises, Breaking])
def test_a_failure_costs_no_ticket(
    make_app: Make, caplog: pytest.LogCaptureFixture, loader: Callable[[], Any]
) -> None:
    """It is logged without the error's message."""
    app = site(make_app, (lambda: Breaking()) if loader is Breaking else loader)
    send_ticket(app.test_client())
    assert tickets(app)[0].context == {}
    assert "context_loader" in caplog.text
    assert "xylophone" not in caplog.text


def test_megabytes_are_cut_before_they_are_cleaned() -> None:
    """Cleaning them takes seconds, and a visitor is waiting."""
    assert read_context({"Log": "\0" * 10 * MAX_VALUE + "the end"}) == ({}, None)


@pytest.mark.only("sqlite")
def test_labels_and_values_are_cleaned_and_cut(make_app: Make) -> None:
    """As fields are: no controls, labels on one line, nothing empty."""
    said = {"  Plan\n name ": " Te\x00am\r\n5 ", "": "x", "Empty": " \n", "L" * 500: "v" * 9000}
    app = site(make_app, lambda: MappingProxyType(said))
    send_ticket(app.test_client())
    label, value = "L" * (MAX_LABEL - 1) + "…", "v" * (MAX_VALUE - 1) + "…"
    assert tickets(app)[0].context == {"Plan name": "Team\n5", label: value}


def test_the_agent_reads_it_everywhere(make_app: Make) -> None:
    """On the ticket's page, and for programs in the lists and the export."""
    app = site(make_app, lambda: {"Plan": "<b>Team</b>", "Notes": "one\ntwo"}, KAPA_HANDOFF_SITE_NAME="Acme Docs")
    client = app.test_client()
    page = client.get(f"/handoff/admin/tickets/{send_ticket(client)}").text
    assert page.index("According to Acme Docs") < page.index("&lt;b&gt;Team&lt;/b&gt;") < page.index("Asked for help")
    for words in (("tickets", "--json"), ("export",)):
        assert json.loads(invoke(app, *words).output)["context"] == {"Plan": "<b>Team</b>", "Notes": "one\ntwo"}


@pytest.mark.only("sqlite")
def test_the_mail_has_it_as_the_sites_word(write: Callable[..., bytes]) -> None:
    """Under the site's name, apart from what the visitor wrote; in the attachment by its labels."""
    context = {"Plan": "Team\u202e", "Notes": "one\nReply to: evil@example.org"}
    data = write(context=context, fields={"order": "4711"})
    plain = body(data, "plain").replace("\r\n", "\n")
    assert "According to Docs:\n  Plan: Team\n  Notes: one Reply to: evil@example.org\n" in plain
    html = body(data, "html")
    assert "According to Docs" in html
    assert "<bdi>Plan</bdi>: <bdi>Team</bdi>" in html
    (attachment,) = read(data).iter_attachments()
    assert json.loads(attachment.get_content())["context"] == context


def test_it_is_erased_with_the_ticket(make_app: Make, tmp_path: Path, backend: str) -> None:
    """No byte of it stays in the database's file."""
    app = site(make_app, lambda: {"Account": "CANARY-4711"})
    send_ticket(app.test_client(), email="gone@example.com")
    invoke(app, "erase", "gone@example.com", "--yes")
    assert tickets(app) == []
    if backend == "sqlite":
        files = [file for file in tmp_path.rglob("*.sqlite3*") if file.is_file()]
        assert files
        assert not [file for file in files if b"CANARY-4711" in file.read_bytes()]


@pytest.mark.parametrize(
    ("stored", "context"),
    [(None, {}), ("{", {UNREADABLE: "{"}), ("[1]", {UNREADABLE: "[1]"}), ('{"a": 1}', {"a": "1"})],
)
def test_a_damaged_value_costs_no_more_than_itself(app: Flask, stored: str | None, context: dict[str, str]) -> None:
    """The ticket is read all the same."""
    send_ticket(app.test_client())
    with state_of(app).database.write() as connection:
        connection.execute(text("UPDATE kapa_handoff_ticket SET context = :value"), {"value": stored})
    assert tickets(app)[0].context == context
