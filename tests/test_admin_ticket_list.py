"""The admin's list of tickets: search and filters in the address, several tickets at once, live states, downloads."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape
from io import StringIO
from typing import Any
from urllib.parse import unquote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from benchmarks.many_tickets import fill, index_all
from flask_kapa_handoff import Field, testing
from flask_kapa_handoff.admin import ticket_action_views
from flask_kapa_handoff.admin.ticket_export_views import COLUMNS
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import now
from flask_kapa_handoff.storage.tables import search
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.testing import change_settings
from tests.helpers.admin import shown
from tests.helpers.deliveries import look_up, rewrite
from tests.helpers.desks import save_desk
from tests.helpers.offers import signed_offer
from tests.helpers.pages import HTMX
from tests.helpers.tickets import PAIR, send_ticket

LIST = "/handoff/admin/tickets"
MANY = {"KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR": 1000, "KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR": 1000}


@pytest.fixture
def app(admin_app: Callable[..., Flask]) -> Flask:
    """A site with a field of its own."""
    return admin_app(KAPA_HANDOFF_FIELDS=[Field("order", "Order number")], **MANY)


@pytest.fixture
def admin(app: Flask) -> FlaskClient:
    return app.test_client()


def listed(response: TestResponse) -> list[str]:
    """The references in a list, from top to bottom."""
    assert response.status_code == 200, response.text
    return re.findall(r'name="ticket" value="([^"]+)"', response.text)


def token(client: FlaskClient) -> str:
    found = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', client.get("/handoff/admin/").text)
    assert found
    return found[1]


def do(client: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """Press a button of a ticket's page, or of the list."""
    return client.post(f"{LIST}/{path}", data={"csrf_token": token(client), **fields})


# Search and filters


def test_a_search_finds_a_ticket_by_anything_that_was_said(admin: FlaskClient) -> None:
    """Half an address, reference, name, question, answer, note, field: also in Chinese, in any case, in any part."""
    conversation = [{"id": "a1", "question": "如何安装这个软件?", "answer": "Run the *Installer* twice."}]
    wanted = send_ticket(
        admin,
        email="Maria.Gonzalez@acme.example",
        note="It stops at 42 %_",
        order="ORD-7731",
        conversation=json.dumps(conversation),
    )
    other = send_ticket(admin)
    for words in (
        "gonzalez@ac",
        wanted.lower(),
        "安装这个",
        "安装",
        "installer",
        "stops AT 42",
        '"at 42"',
        "ord-7731 maria",
        "%_",
        "ＭＡＲＩＡ",
    ):
        assert listed(admin.get(LIST, query_string={"q": words})) == [wanted], words
    assert listed(admin.get(LIST, query_string={"q": "example"})) == [other, wanted]
    for words in ("gonzalez%", "nowhere", '"42 at"', "maria tuesdays", "' OR 1=1 --", '"', "NEAR(a b)", "*"):
        expected = [other, wanted] if not words.strip('"') else [wanted] if words == "*" else []
        assert listed(admin.get(LIST, query_string={"q": words})) == expected, words


@pytest.mark.parametrize(
    "words",
    [
        "zalez@acm",  # half an address
        "{reference}",
        "{bare}",  # without "T-"
        "GONZÁLEZ",  # a letter with a mark, in the other case
        "größen",
        "GRÖSSEN",  # as German writes it in capitals
        "安",
        "安装",
        "安装这",
        "docs.example.com/install",  # the page
        "/für/anfänger",  # as people read it
        "/f%C3%BCr",  # as browsers send it
        "handbuch",  # the title of a cited source
        "guide#part-2",  # its address
        "ord_7%",  # a field
        '"stops at 42"',
        "%_\\",
        '5" disk*',
    ],
)
def test_a_search_finds_parts_of_everything(admin: FlaskClient, words: str) -> None:
    """What means something to SQL, LIKE or FTS5 is a character like any other."""
    page = "https://docs.example.com/install/f%C3%BCr/anf%C3%A4nger?x=1"
    source = {"title": "Das Handbuch", "url": "https://docs.example.com/guide#part-2"}
    pair = {"id": "a1", "question": "如何安装这个软件?", "answer": "Größen: S, M.", "sources": [source]}
    wanted = send_ticket(
        admin,
        offer=signed_offer(admin, page=page),
        email="Maria.Gonzalez@acme.example",
        note='Señora González: it stops at 42 %_\\ of my 5" disk*',
        order="ORD_7%1",
        conversation=json.dumps([pair]),
    )
    send_ticket(admin, note="It stops. At 42")
    typed = words.format(reference=wanted, bare=wanted[2:].lower())
    assert listed(admin.get(LIST, query_string={"q": typed})) == [wanted]


def test_a_search_of_10_kb_finds_by_its_beginning(admin: FlaskClient) -> None:
    """By 200 characters and at most eight words of it, as the field allows."""
    wanted = send_ticket(admin, note="one two three four five six seven eight")
    send_ticket(admin)
    for typed in ("one two " * 1_250, "eight seven six five four three two one " + "x" * 10_000):
        assert listed(admin.get(LIST, query_string={"q": typed})) == [wanted]


@pytest.mark.parametrize("query", ["trigger=none", "trigger=full-moon", "trigger=uncertainty", "trigger="])
def test_tickets_without_a_trigger_can_be_chosen(app: Flask, admin: FlaskClient, query: str) -> None:
    """As any trigger, also one of a later version; each choice says what it is."""
    references = {name: send_ticket(admin) for name in ("", "full-moon", "uncertainty")}
    for name, reference in references.items():
        rewrite(app, reference, triggers=name)
    response = admin.get(f"{LIST}?{query}")
    name = query.partition("=")[2]
    wanted = list(references.values())[::-1] if not name else [references[name.replace("none", "")]]
    assert listed(response) == wanted
    options = re.findall(r'<option value="([^"]*)"( selected)?>([^<]+)</option>', response.text)
    reasons = [one for one in options if one[0] in ("none", "full-moon", "uncertainty")]
    assert [label for _, _, label in reasons] == ["Uncertain answers", "unknown (full-moon)", "Without a trigger"]
    assert [value for value, chosen, _ in reasons if chosen] == ([name] if name else [])


def test_the_address_says_what_is_listed_and_is_kept_by_every_link(admin: FlaskClient) -> None:
    """Filters, search and place are arguments: pages, states, tickets, downloads and buttons keep them."""
    for _ in range(53):
        send_ticket(admin, email="maria@acme.example")
    send_ticket(admin)
    query = {"q": "maria", "status": "waiting", "desk": "default", "locale": "", "from": "2020-01-01", "to": "x"}
    first = admin.get(LIST, query_string=query)
    assert len(listed(first)) == 50
    kept = "q=maria&status=waiting&desk=default&from=2020-01-01"
    links = [unescape(link) for link in re.findall(r'(?:href|action)="(/handoff/admin/tickets[^"]*)"', first.text)]
    for path in (*(f"/{one}" for one in listed(first)), "/export.csv", "/export.jsonl", "/selected"):
        assert f"{LIST}{path}?{kept}" in links
    older = next(link for link in links if "before=" in link)
    assert kept in older
    second = admin.get(older)
    assert len(listed(second)) == 3
    newer = unescape(re.findall(r'href="([^"]*after=[^"]*)"', second.text)[0])
    assert listed(admin.get(newer)) == listed(first)
    one = admin.get(f"{LIST}/{listed(first)[1]}?{kept}").text
    assert f'href="{LIST}/{listed(first)[0]}?{kept.replace("&", "&amp;")}" rel="prev"' in one
    assert f'href="{LIST}/{listed(first)[2]}?{kept.replace("&", "&amp;")}" rel="next"' in one


def test_the_states_have_counts_of_what_the_other_filters_find(app: Flask, admin: FlaskClient) -> None:
    """Rare states are there if they have tickets; more than a thousand are not counted."""
    references = [send_ticket(admin, email=f"{name}@example.com") for name in ("ada", "ada", "ben")]
    rewrite(app, references[0], status="failed")
    assert "All 3 Waiting 2 Delivered 0 Failed 1" in shown(admin.get(LIST))
    assert "All 2 Waiting 1 Delivered 0 Failed 1" in shown(admin.get(f"{LIST}?q=ada"))
    rewrite(app, references[2], status="suppressed")
    assert "Failed 1 Not sent 1" in shown(admin.get(LIST))
    assert listed(admin.get(f"{LIST}?status=suppressed")) == [references[2]]
    assert listed(admin.get(f"{LIST}?status=nonsense")) == references[::-1]
    assert "No ticket matches" in shown(admin.get(f"{LIST}?status=delivered"))


@pytest.mark.only("sqlite")
def test_many_tickets_are_not_counted_to_the_end(app: Flask, admin: FlaskClient) -> None:
    """From 1,000 on, the number is "1,000+", in the reader's way to write it."""
    fill(state_of(app).database, 1_100, words=1)
    assert "All 1,000+" in shown(admin.get(LIST))
    assert "1.000+" in shown(admin.get(LIST, headers={"Accept-Language": "de"}))


def test_no_count_is_lower_than_what_the_page_shows(app: Flask, admin: FlaskClient) -> None:
    """Even if only the newest tickets were looked at to count."""
    fill(state_of(app).database, 300)
    rows = len(listed(admin.get(f"{LIST}?desk=sales&trigger=always")))
    text = shown(admin.get(f"{LIST}?desk=sales&trigger=always"))
    (number,) = re.findall(r"All (\d+)\+? Waiting", text)
    assert 100 * 0.2 * 0.5 < rows <= int(number)


def test_filters_offer_what_there_is(app: Flask, admin: FlaskClient) -> None:
    """Desks, triggers and languages of stored tickets, with their names; where there is only one, no choice."""
    reference = send_ticket(admin)
    assert 'name="locale"' not in admin.get(LIST).text
    rewrite(app, reference, locale="de-AT", desk="sales", triggers="downvote")
    send_ticket(admin)
    page = admin.get(f"{LIST}?locale=de&desk=sales&trigger=downvote")
    assert listed(page) == [reference]
    for option in ('value="de" selected>German<', 'value="sales" selected', 'value="downvote" selected>Downvoted'):
        assert option in page.text


def test_a_search_says_what_it_cannot_find_yet(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an update, older tickets follow in the background."""
    monkeypatch.setattr("flask_kapa_handoff.admin.ticket_query.INDEXED_HERE", 2)
    references = [send_ticket(admin) for _ in range(5)]
    page = admin.get(f"{LIST}?q=rotate")
    assert listed(page) == references[:2:-1]
    assert "can't be searched yet" in shown(page)
    index_all(state_of(app).database)
    page = admin.get(f"{LIST}?q=rotate")
    assert listed(page) == references[::-1]
    assert "can't be searched yet" not in shown(page)


def test_typing_makes_an_address_without_empty_arguments(admin: FlaskClient) -> None:
    """What htmx puts into the address bar can be shared; no copy of the page stays in the browser."""
    response = admin.get(f"{LIST}?q=ada&status=&desk=&from=&to=", headers=HTMX)
    assert response.headers["HX-Replace-Url"] == f"{LIST}?q=ada"
    assert 'hx-history="false"' in response.text


def test_nothing_that_is_searched_for_is_logged(admin: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Addresses and words are personal."""
    caplog.set_level(0)
    send_ticket(admin, email="maria@acme.example")
    caplog.clear()
    admin.get(f"{LIST}?q=maria%40acme")
    assert "maria" not in caplog.text


# Several at once


def test_ticked_tickets_are_sent_again(app: Flask, admin: FlaskClient) -> None:
    """To the address in the settings, or to the one that each had; delivered ones stay as they are."""
    references = [send_ticket(admin) for _ in range(4)]
    for reference, status in zip(references, ("failed", "failed", "delivered", "failed"), strict=True):
        rewrite(app, reference, status=status)
    change_settings(app, email="new@example.com")
    response = do(admin, "selected?status=failed", ticket=references[:3], action="send", to="current")
    assert response.status_code == 303
    assert response.headers["Location"] == f"{LIST}?status=failed&sent=2&skipped=1"
    assert "2 tickets will be sent now. Skipped, because delivered already or being sent: 1." in shown(
        admin.get(response.headers["Location"])
    )
    none = admin.get(do(admin, "selected", ticket=references[2], action="send", to="current").location)
    assert "Skipped, because delivered already or being sent: 1." in shown(none)
    assert "will be sent now" not in none.text
    assert "handoff-good" not in none.text
    assert [look_up(app, one).status for one in references] == ["queued", "queued", "delivered", "failed"]
    assert look_up(app, references[0]).recipient == "new@example.com"
    do(admin, "selected", ticket=references[3], action="send", to="same")
    assert look_up(app, references[3]).recipient == "support@example.com"


def test_ticked_tickets_are_deleted_after_a_question(app: Flask, admin: FlaskClient) -> None:
    """With everything that belongs to them, the words of the search too; nothing happens before the answer."""
    references = [send_ticket(admin) for _ in range(3)]
    index_all(state_of(app).database)
    asked = do(admin, "selected?q=rotate", ticket=references[:2], action="delete")
    assert "Delete these 2 tickets?" in shown(asked)
    assert len(testing.tickets(app)) == 3
    assert listed(asked) == references[:2]
    done = do(admin, "selected?q=rotate", ticket=references[:2], action="delete", confirmed="true")
    assert done.headers["Location"] == f"{LIST}?q=rotate&deleted=2"
    assert listed(admin.get(done.headers["Location"])) == references[2:]
    with state_of(app).database.read() as connection:
        assert len(connection.execute(select(search.c.id).where(search.c.body != "")).all()) == 1


def test_all_that_match_are_sent_again_on_every_page(app: Flask, admin: FlaskClient) -> None:
    """Also of desks that are gone, and no others; what happened is said, and so is how many were left out."""
    fill(state_of(app).database, 300)
    index_all(state_of(app).database)
    query = {"status": "failed", "q": "example"}
    assert "Select all 300 that match" in admin.get(LIST).text
    assert re.search(r"Select all \d+\+ that match", admin.get(f"{LIST}?desk=default&q=example").text)
    before = {one.reference: one.status for one in testing.tickets(app)}
    wanted = {reference for reference, status in before.items() if status == "failed"}
    response = do(admin, f"selected?{urlencode(query)}", all="true", action="send")
    assert f"{len(wanted)} tickets will be sent now." in shown(admin.get(response.location))
    after = {one.reference: one.status for one in testing.tickets(app)}
    assert after == before | dict.fromkeys(wanted, "queued")
    response = do(admin, "selected?desk=sales", all="true", action="send")
    delivered = len(everywhere(admin, desk="sales", status="delivered"))
    assert f"Skipped, because delivered already or being sent: {delivered}." in shown(admin.get(response.location))


def test_a_page_that_holds_everything_offers_no_more(admin: FlaskClient) -> None:
    send_ticket(admin)
    assert "that match" not in admin.get(LIST).text


def confirmation(response: TestResponse) -> dict[str, str]:
    """What the page that asks sends, without what is typed."""
    return dict(re.findall(r'name="(all|until|digest|action|confirmed)" value="([^"]+)"', response.text))


def test_many_are_deleted_only_once_their_number_is_typed(app: Flask, admin: FlaskClient) -> None:
    """Exactly those that matched when it was asked, and not the ones that arrive in between."""
    fill(state_of(app).database, 300)
    wanted = everywhere(admin, desk="bugs", status="delivered")
    others = {one.reference for one in testing.tickets(app)} - set(wanted)
    path = "selected?status=delivered&desk=bugs"
    asked = do(admin, path, all="true", action="delete")
    number = str(len(wanted))
    assert f"Delete these {number} tickets?" in shown(asked)
    assert f"Type {number} to confirm" in shown(asked)
    for typed in ("", "1", "many", "9" * 400):
        again = do(admin, path, **confirmation(asked), number=typed)
        assert again.status_code == 422
        assert f"To delete these tickets, type their number: {number}." in shown(again)
    late = send_ticket(admin)
    rewrite(app, late, status="delivered", desk="bugs", next_attempt_at=None)
    response = do(admin, path, **confirmation(asked), number=f" {number} ")
    assert f"{number} tickets were deleted." in shown(admin.get(response.location))
    assert {one.reference for one in testing.tickets(app)} == others | {late}


def test_other_tickets_than_those_that_were_asked_about_stay(app: Flask, admin: FlaskClient) -> None:
    """If one of them no longer matches, it asks again."""
    references = [send_ticket(admin) for _ in range(3)]
    path = "selected?status=waiting"
    asked = do(admin, path, all="true", action="delete")
    rewrite(app, references[1], status="delivered", next_attempt_at=None)
    again = do(admin, path, **confirmation(asked), number="3")
    assert again.status_code == 422
    assert "Meanwhile other tickets match. Check the number and type it again." in shown(again)
    assert "Type 2 to confirm" in shown(again)
    assert do(admin, path, **{**confirmation(again), "until": "x"}, number="2").status_code == 422
    assert len(testing.tickets(app)) == 3
    do(admin, path, **confirmation(again), number="2")
    assert [one.reference for one in testing.tickets(app)] == [references[1]]


def test_one_press_acts_on_the_newest_of_very_many(
    app: Flask, admin: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request takes longer than a web server waits; it says that there are more."""
    monkeypatch.setattr(ticket_action_views, "MOST_AT_ONCE", 2)
    references = [send_ticket(admin) for _ in range(3)]
    response = do(admin, "selected?q=example", all="true", action="send")
    told = "2 tickets will be sent now. These were the newest that matched; there are more."
    assert told in shown(admin.get(response.location))
    asked = do(admin, "selected", all="true", action="delete")
    assert "These are the newest that match; there are more." in shown(asked)
    do(admin, "selected", **confirmation(asked), number="2")
    assert [one.reference for one in testing.tickets(app)] == references[:1]


def everywhere(client: FlaskClient, **query: str) -> list[str]:
    """The references of all pages of a list."""
    rows = csv.DictReader(StringIO(client.get(f"{LIST}/export.csv", query_string=query).text.lstrip("\ufeff")))
    return [row["reference"] for row in rows]


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"action": "send"}, 422, "Select at least one ticket first."),
        ({"ticket": "T-\0", "action": "delete"}, 422, "Select at least one ticket first."),
        ({"ticket": "T-ABC", "action": "burn"}, 422, "this page is outdated"),
        ({"ticket": "T-ABC", "action": "send", "csrf_token": "x"}, 400, "Your session has expired"),
    ],
)
def test_what_is_wrong_with_a_selection_is_said(
    admin: FlaskClient, fields: dict[str, str], status: int, told: str
) -> None:
    """On the list, as it was."""
    response = do(admin, "selected", **fields)
    assert response.status_code == status
    assert told in shown(response)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("query", ["status=of-a-later-version", "from=2026-13-01", "q=%00"])
@pytest.mark.parametrize("action", ["send", "delete"])
def test_all_that_match_are_none_if_the_address_is_not_understood(admin: FlaskClient, query: str, action: str) -> None:
    """Without that filter, all tickets there are would be meant."""
    send_ticket(admin)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', admin.get(LIST).text)
    assert token
    sent = {"csrf_token": token[1], "all": "true", "action": action}
    response = admin.post(f"{LIST}/selected?{query}", data=sent)
    assert response.status_code == 422
    assert "Select at least one ticket first." in shown(response)


# One ticket


def test_a_ticket_is_deleted_after_a_question(app: Flask, admin: FlaskClient) -> None:
    """From its own page."""
    reference = send_ticket(admin)
    assert "Delete this ticket?" in shown(do(admin, f"{reference}/delete"))
    assert testing.tickets(app)
    assert do(admin, f"{reference}/delete", confirmed="true").headers["Location"] == f"{LIST}?deleted=1"
    assert testing.tickets(app) == []


def test_a_visitor_is_forgotten_after_a_question(app: Flask, admin: FlaskClient) -> None:
    """All of their tickets, in any case of the address, and nobody else's."""
    first = send_ticket(admin, email="maria@acme.example")
    send_ticket(admin, email="Maria@Acme.example")
    other = send_ticket(admin)
    asked = shown(do(admin, f"{first}/forget"))
    assert "Forget maria@acme.example?" in asked
    assert "This deletes all of their tickets (2)" in asked
    assert len(testing.tickets(app)) == 3
    assert do(admin, f"{first}/forget", confirmed="true").headers["Location"] == f"{LIST}?deleted=2"
    assert [one.reference for one in testing.tickets(app)] == [other]
    assert do(admin, f"{first}/forget", confirmed="true").status_code == 404


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("desk", "values", "kept"),
    [
        ("default", {"email": ["support@example.com", "Maria@acme.example"]}, True),
        ("sales", {"email": "maria@acme.example", "label": "Sales"}, True),
        ("sales", {"email": "sales@example.com", "label": "Sales", "reminder_email": "maria@acme.example"}, True),
        ("sales", {"email": "sales@example.com", "label": "Sales"}, False),
    ],
)
def test_where_tickets_go_is_not_forgotten_with_a_visitor(
    app: Flask, admin: FlaskClient, desk: str, values: dict[str, Any], kept: bool
) -> None:
    """Of any desk, among several addresses, or for reminders: a current address stays in the history as well."""
    reference = send_ticket(admin, email="maria@acme.example")
    for email in ("maria@acme.example", "support@example.com"):
        save_desk(app, "default", email=email)
    save_desk(app, desk, **values)
    do(admin, f"{reference}/forget", confirmed="true")
    history = admin.get("/handoff/admin/history").text.lower()
    assert ("maria@acme.example" in history) is kept


@pytest.mark.parametrize("path", ["T-1/delete", "T-1/forget", "selected"])
def test_another_site_cannot_delete(admin: FlaskClient, path: str) -> None:
    """Neither from a foreign page nor without the form's token."""
    answer = admin.post(f"{LIST}/{path}", headers={"Sec-Fetch-Site": "cross-site"}, data={"csrf_token": token(admin)})
    assert answer.status_code == 403
    assert do(admin, path, csrf_token="").status_code == 400


def test_a_reply_has_the_address_the_subject_and_the_reference(admin: FlaskClient) -> None:
    """As a reply to the ticket's mail would have them."""
    reference = send_ticket(
        admin, email="maria+x@acme.example", conversation=json.dumps([{**PAIR, "question": "A&B?"}])
    )
    found = re.search(r'href="(mailto:[^"]*subject[^"]*)"', admin.get(f"{LIST}/{reference}").text)
    assert found
    address, _, query = unescape(found[1]).partition("?")
    assert address == "mailto:maria%2Bx@acme.example"
    assert unquote(query) == f"subject=Re: [site] {reference}: A&B?"
    assert "&" not in query


def test_a_reply_names_the_reference_even_if_the_subject_does_not(admin_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_SUBJECT may have the question alone."""
    admin = admin_app(KAPA_HANDOFF_SUBJECT="{question}").test_client()
    reference = send_ticket(admin)
    assert f"%28{reference}%29" in admin.get(f"{LIST}/{reference}").text


def test_what_follows_a_ticket_is_linked(admin: FlaskClient) -> None:
    """From both."""
    first, second = (send_ticket(admin, offer=signed_offer(admin, thread_id="t")) for _ in range(2))
    assert f"Followed by {second}" in shown(admin.get(f"{LIST}/{first}"))
    assert f"Follows {first}" in shown(admin.get(f"{LIST}/{second}"))


def test_the_raw_mail_is_downloaded(app: Flask, admin: FlaskClient) -> None:
    """As it would be sent now."""
    reference = send_ticket(admin)
    response = admin.get(f"{LIST}/{reference}/mail.eml")
    assert response.mimetype == "message/rfc822"
    assert f"{reference}.eml" in response.headers["Content-Disposition"]
    message = message_from_bytes(response.data, policy=policy.default)
    assert message["X-Kapa-Handoff-Ticket"] == reference
    assert message["Reply-To"] == "visitor@example.com"
    assert admin.get(f"{LIST}/T-NOPE/mail.eml").status_code == 404
    app.config["MAIL_DEFAULT_SENDER"] = None
    failed = admin.get(f"{LIST}/{reference}/mail.eml")
    assert failed.status_code == 404
    assert "The mail could not be composed: MAIL_DEFAULT_SENDER is not set" in shown(failed)


# Live


def test_states_come_without_a_reload_while_something_moves(app: Flask, admin: FlaskClient) -> None:
    """The list asks for its moving tickets alone, more slowly for those that only wait, and then no more."""
    moving, waiting, done = (send_ticket(admin) for _ in range(3))
    with state_of(app).database.read() as connection:
        later = now(connection) + timedelta(minutes=5)
    rewrite(app, waiting, next_attempt_at=later)
    rewrite(app, done, status="delivered")

    def asked(text: str) -> tuple[str, str] | None:
        found = re.search(r'hx-get="([^"]*/live[^"]*)" hx-trigger="every (\d+)s"', text)
        return (unescape(found[1]), found[2]) if found else None

    first = asked(admin.get(LIST).text)
    assert first == (f"{LIST}/live?ticket={waiting}&ticket={moving}", "3")
    rewrite(app, moving, status="delivered")
    answer = admin.get(first[0], headers=HTMX).text
    assert re.search(rf'id="kapa-handoff-admin-status-{moving}" hx-swap-oob="true">.*Delivered', answer, re.DOTALL)
    assert done not in answer
    second = asked(answer)
    assert second == (f"{LIST}/live?ticket={waiting}", "30")
    rewrite(app, waiting, status="failed", last_error="550 5.1.1 no such user")
    answer = admin.get(second[0], headers=HTMX).text
    assert "There is no such address" in answer
    assert asked(answer) is None


def test_a_tickets_page_shows_its_delivery_as_it_goes(app: Flask, admin: FlaskClient) -> None:
    """It asks while the ticket is moving, and no longer once it is delivered or deleted."""
    reference = send_ticket(admin)
    address = f"{LIST}/{reference}/delivery"
    assert f'hx-get="{address}" hx-trigger="every 3s"' in admin.get(f"{LIST}/{reference}").text
    with state_of(app).database.write() as connection:
        values = {"status": "delivered", "delivered_at": now(connection)}
        connection.execute(update(ticket_table).values(values))
    answer = admin.get(address, headers=HTMX).text
    assert "The mail server accepted the message" in answer
    assert "hx-get" not in answer
    testing.tickets(app)
    do(admin, f"{reference}/delete", confirmed="true")
    assert admin.get(address, headers=HTMX).status_code == 286


# Downloads


def test_what_is_filtered_is_exported(admin: FlaskClient) -> None:
    """As CSV without conversations, and as JSON Lines with everything; newest first, as listed."""
    references = [send_ticket(admin, email=f"v{number}@acme.example", order="A-1") for number in range(3)]
    send_ticket(admin)
    response = admin.get(f"{LIST}/export.csv?q=acme")
    assert response.mimetype == "text/csv"
    assert response.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(StringIO(response.data.decode("utf-8-sig"), newline="")))
    assert list(rows[0]) == [*COLUMNS, "fields.order", "context"]
    assert [row["reference"] for row in rows] == references[::-1]
    assert rows[0]["fields.order"] == "A-1"
    assert rows[0]["visitor_email"] == "v2@acme.example"
    lines = admin.get(f"{LIST}/export.jsonl?q=acme")
    documents = [json.loads(line) for line in lines.text.splitlines()]
    assert [one["reference"] for one in documents] == references[::-1]
    assert documents[0]["conversation"][0]["question"] == PAIR["question"]
    assert "client_key" not in documents[0]
    assert admin.get(f"{LIST}/export.csv?q=nothing").text.count("\n") == 1
    assert admin.get(f"{LIST}/export.jsonl?q=nothing").text == ""


def test_there_is_no_id_after_the_last_one(app: Flask, admin: FlaskClient) -> None:
    """An address can ask for it."""
    send_ticket(admin)
    last = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert admin.get(f"{LIST}?after={last}").status_code == 200
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', admin.get(LIST).text)
    assert token
    sent = {"csrf_token": token[1], "all": "true", "action": "delete", "until": last}
    assert "Delete this ticket?" in admin.post(f"{LIST}/selected", data=sent).text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_no_cell_is_computed_by_a_spreadsheet(app: Flask, admin: FlaskClient, start: str) -> None:
    """Whatever a visitor wrote first; quotes and lines stay in their cell."""
    evil = f'{start}HYPERLINK("https://evil.example";"a,b")\nsecond line'
    rewrite(app, send_ticket(admin), note=evil, visitor_name=evil)
    text = admin.get(f"{LIST}/export.csv").data.decode("utf-8-sig")
    (row,) = csv.DictReader(StringIO(text, newline=""))
    assert row["note"] == row["visitor_name"] == f"'{evil}"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("before", [";", "; ", "\t", "\r\n", "\n"])
def test_no_part_of_a_cell_is_computed_by_a_spreadsheet(app: Flask, admin: FlaskClient, before: str) -> None:
    """Where lists are written with semicolons, Excel divides the line at these, and quotes within it say nothing."""
    rewrite(app, send_ticket(admin), note=f"Hello{before}=1+1")
    (row,) = csv.DictReader(StringIO(admin.get(f"{LIST}/export.csv").data.decode("utf-8-sig"), newline=""))
    assert row["note"] == f"Hello{before}'=1+1"


def test_an_export_reads_page_by_page(app: Flask, admin: FlaskClient) -> None:
    """Each ticket once, also beyond a page, and while tickets come and go."""
    fill(state_of(app).database, 1_203, words=1)
    answer = admin.get(f"{LIST}/export.csv", buffered=False)
    text = next(answer.iter_encoded()).decode() + next(answer.iter_encoded()).decode()
    send_ticket(admin)
    text += b"".join(answer.iter_encoded()).decode()
    references = [row["reference"] for row in csv.DictReader(StringIO(text.lstrip("\ufeff"), newline=""))]
    assert len(references) == len(set(references)) == 1_203
    assert references == sorted(references, reverse=True)
