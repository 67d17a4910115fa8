"""Insights: what became of answers, how quickly tickets went out, what the documentation lacks; page, CSV, command."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from html import unescape
from typing import Any
from urllib.parse import parse_qsl

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.insights.chart import make_chart, round_up
from flask_kapa_handoff.insights.funnel import Counts, by_day, by_trigger, find_cells, times_to_delivery, total
from flask_kapa_handoff.insights.gaps import cited_sources, find_gaps
from flask_kapa_handoff.insights.period import Period, parse_period
from flask_kapa_handoff.insights.questions import group_questions, words_of
from flask_kapa_handoff.insights.report import make_report
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.ticket_filters import NO_TRIGGER
from flask_kapa_handoff.triggers import Trigger
from flask_kapa_handoff.unknown import Unknown
from tests.helpers.admin import shown
from tests.helpers.answers import store
from tests.helpers.desks import remove_desk, save_desk
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket

TODAY = datetime.now(timezone.utc).date()
DAY = timedelta(days=1)


def ticket(
    client: FlaskClient,
    question: str = "How?",
    *,
    age: timedelta = timedelta(),
    delivered_in: float | None = None,
    **changes: Any,
) -> str:
    """Send a ticket about this question and change its row."""
    sources = changes.pop("sources", ())
    # Without ids, so that it adds no answer.
    facts = {"uncertain": "true", "thread_id": "", "answer_id": ""}
    offer = signed_offer(client, **{**facts, **changes.pop("offer", {})})
    pairs = [QuestionAnswer("Hello", "Hi", id="a0"), QuestionAnswer(question, "So.", id="a1", sources=sources)]
    headers = {"Accept-Language": changes.pop("language", "en-GB")}
    reference = send_ticket(client, offer=offer, conversation=Conversation(pairs), headers=headers)
    moment = datetime.now(timezone.utc) - age
    if delivered_in is not None:
        changes |= {"status": "delivered", "delivered_at": moment + timedelta(seconds=delivered_in)}
    with state_of(client.application).database.write() as connection:
        columns = ticket_table.c
        row = update(ticket_table).where(columns.reference == reference)
        connection.execute(row.values(**{"created_at": moment, **changes}))
    return reference


@pytest.fixture
def site(admin_app: Callable[..., Flask]) -> Flask:
    """No limits of tickets, and answers of today, of yesterday and of 40 days ago."""
    limits = ("CLIENT", "EMAIL")
    app = admin_app(
        KAPA_HANDOFF_TRIGGERS="uncertainty,downvote",
        **{f"KAPA_HANDOFF_TICKETS_PER_{name}_PER_HOUR": 1_000 for name in limits},
    )
    unsure = {"uncertain": True, "triggers": "uncertainty", "offered": True}
    both = {**unsure, "downvoted": True, "triggers": "uncertainty,downvote"}
    opened = {**unsure, "opened": True}
    today: list[dict[str, Any]] = (
        [{}] * 6 + [unsure] * 2 + [both, opened, {**opened, "cancelled": True}, {**opened, "sent": True}]
    )
    store(app, [{"key": f"a{number}", **row} for number, row in enumerate(today)], ago=timedelta(minutes=5))
    store(app, [{"key": f"b{number}"} for number in range(4)], ago=DAY)
    store(app, [{"key": f"c{number}", **unsure} for number in range(8)], ago=40 * DAY)
    return app


# --- Counting --------------------------------------------------------------------------------------------------------


def test_each_step_is_counted_by_day_desk_and_trigger(site: Flask) -> None:
    """Answers from their records, tickets from the tickets."""
    client = site.test_client()
    ticket(client, delivered_in=3)
    ticket(client, status="failed", triggers="uncertainty,downvote", desk="sales")
    ticket(client, triggers="", age=DAY)
    period = Period.until(TODAY, 7)
    with state_of(site).database.read() as connection:
        cells = find_cells(connection, period)
        of_sales = find_cells(connection, period, "sales")
    assert total(cells) == Counts(answers=16, offered=6, opened=3, sent=3, cancelled=1, delivered=1)
    assert total(of_sales) == Counts(sent=1)
    days = by_day(cells, period)
    assert list(days) == period.days
    assert days[TODAY] == Counts(12, 6, 3, 2, 1, 1)
    assert days[TODAY - DAY] == Counts(answers=4, sent=1)
    assert days[TODAY - 2 * DAY] == Counts()
    assert by_trigger(cells) == {
        Trigger.UNCERTAINTY: Counts(16, 6, 3, 2, 1, 1),
        Trigger.DOWNVOTE: Counts(16, 1, 0, 1, 0, 0),
        None: Counts(answers=16, sent=1),
    }


def test_a_trigger_of_a_later_version_has_its_row(site: Flask) -> None:
    """By its name."""
    store(site, [{"key": "later", "triggers": "always,full-moon", "offered": True}])
    with state_of(site).database.read() as connection:
        found = by_trigger(find_cells(connection, Period.until(TODAY, 1)))
    assert found[Unknown("full-moon")] == Counts(answers=13, offered=1)


def test_one_trigger_and_one_desk_can_be_chosen(site: Flask) -> None:
    """All answers count, since a rate is of all of them; the rest is only what met it."""
    ticket(site.test_client(), triggers="", status="delivered", delivered_at=datetime.now(timezone.utc))

    def counted(**chosen: Any) -> Counts:
        with state_of(site).database.read() as connection:
            return make_report(connection, Period.until(TODAY, 1), kept_since=TODAY, **chosen).total

    assert counted(trigger="downvote") == Counts(answers=12, offered=1)
    assert counted(trigger=NO_TRIGGER) == Counts(answers=12, sent=1, delivered=1)
    assert counted(desk="sales") == Counts()
    assert counted(desk="default", trigger="always") == Counts(answers=12)


def test_rates_are_of_the_step_before() -> None:
    """And are left out where they mean nothing."""
    counts = Counts(answers=200, offered=50, opened=10, sent=4, cancelled=5, delivered=4)
    steps = ("answers", "offered", "opened", "sent", "cancelled", "delivered")
    assert [counts.rate(step) for step in steps] == [None, 0.25, 0.2, 0.4, 0.5, 1.0]
    assert Counts(sent=3).rate("sent") is None
    assert Counts(opened=2, sent=3).rate("sent") is None  # asked directly, or before answers were recorded
    assert counts.change("offered", Counts(offered=40)) == 0.25
    assert counts.change("offered", Counts()) is None


@pytest.mark.parametrize(("statistics_days", "before"), [(90, 8), (20, None)])
def test_the_period_before_counts_only_while_its_answers_are_kept(
    site: Flask, statistics_days: int, before: int | None
) -> None:
    """Else every number would seem to have grown."""
    with state_of(site).database.read() as connection:
        kept_since = TODAY - timedelta(days=statistics_days)
        found = make_report(connection, Period.until(TODAY, 30), kept_since=kept_since).before
    assert (found and found.answers) == before


def test_the_time_to_delivery_is_one_that_a_ticket_took(site: Flask) -> None:
    """The median and the 95th percentile, by the nearest rank, of one desk or all."""
    client = site.test_client()
    for seconds in (1, 2, 3, 60):
        ticket(client, delivered_in=seconds)
    ticket(client, delivered_in=500, age=30 * DAY)
    ticket(client, desk="sales", delivered_in=7200)
    ticket(client)
    with state_of(site).database.read() as connection:
        period = Period.until(TODAY, 2)
        found = times_to_delivery(connection, period, "default")
        assert found is not None
        assert [round(each.total_seconds()) for each in found] == [2, 60]
        found = times_to_delivery(connection, period)
        assert found is not None
        assert [round(each.total_seconds()) for each in found] == [3, 7200]
        assert times_to_delivery(connection, Period.until(TODAY - 9 * DAY, 2)) is None


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("", "", ("2026-05-02", "2026-05-31")),
        ("2026-05-30", "", ("2026-05-30", "2026-05-31")),
        ("", "2026-03-30", ("2026-03-01", "2026-03-30")),
        ("2026-04-02", "2026-04-01", ("2026-04-01", "2026-04-02")),
        ("2027-01-01", "", ("2027-01-01", "2027-01-01")),
        ("2025-06-01", "2026-06-01", ("2025-06-01", "2026-06-01")),
    ],
)
def test_dates_may_be_left_out_or_swapped(first: str, last: str, expected: tuple[str, str]) -> None:
    found = parse_period(first, last, date(2026, 5, 31))
    assert (found.first.isoformat(), found.last.isoformat()) == expected


@pytest.mark.parametrize(
    ("first", "last"),
    [
        *(("yesterday", ""), ("", "31.5."), ("2025-05-31", "2026-06-01")),
        *(("0001-01-02", "0001-01-03"), ("9999-12-31", ""), ("", "9999-12-31"), ("", "0001-02-01")),
    ],
)
def test_dates_that_cannot_be_shown_are_refused(first: str, last: str) -> None:
    with pytest.raises(ValueError, match=r"the dates|Invalid isoformat"):
        parse_period(first, last, date(2026, 5, 31))


# --- What the documentation lacks ------------------------------------------------------------------------------------

QUESTIONS = [
    ["How do I restore a backup?", "How can I restore backups from yesterday", "restoring a BACKUP fails at 40%"],
    ["How do I reset my password?", "reset password not working"],
    ["How do I export invoices?", "How can I export my invoices as CSV?"],
    ["Wie setze ich mein Passwort zurück?", "Passwort zurücksetzen geht nicht"],
    ["如何恢复备份", "怎么恢复备份？"],
    ["How do I delete my account?"],
    ["How do I create an account?"],
    ["バックアップを復元するには"],
    ["help"],
    ["???"],
]


def test_questions_are_grouped_by_their_words() -> None:
    """In any language and order; two that share only common words are two."""
    asked = [question for group in QUESTIONS for question in group]
    found = [[asked[place] for place in group] for group in group_questions(asked)]
    assert found == QUESTIONS
    backwards = [[asked[::-1][place] for place in group] for group in group_questions(asked[::-1])]
    assert sorted(map(sorted, backwards)) == sorted(map(sorted, QUESTIONS))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("How do I restore my 3 backups?", {"restor", "backup"}),
        ("404", {"404"}),
        ("What is it?", {"what", "is", "it"}),
        ("Kann ich das Passwort ändern?", {"passwo", "ändern"}),
        ("API キーの更新", {"api", "キー", "ーの", "の更", "更新"}),
        ("", set()),
    ],
)
def test_words_that_say_nothing_are_left_out(text: str, words: set[str]) -> None:
    assert words_of(text) == words


def test_gaps_are_told_with_their_tickets(site: Flask) -> None:
    """Questions, pages with their answers, the sources of the pressed answer, languages; the newest tickets first."""
    client = site.test_client()
    guide = Source("The guide", "https://docs.example.com/guide#part-2")
    page: dict[str, Any] = {"offer": {"page": "https://docs.example.com/install?x=1"}}
    other: dict[str, Any] = {"offer": {"page": "https://docs.example.com/pricing"}}
    first = ticket(client, "How do I restore a backup?", sources=[guide, Source("Odd", "urn:isbn:1")], **page)
    second = ticket(client, "restore backups", sources=[guide], language="en-US", **page)
    third = ticket(client, "What does it cost?", language="de", desk="sales", **other)
    ticket(client, "Too old", age=3 * DAY)
    with state_of(site).database.read() as connection:
        found = find_gaps(connection, Period.until(TODAY, 2))
        of_sales = find_gaps(connection, Period.until(TODAY, 2), "sales")

    def told(gaps: Any) -> list[tuple[str, int, list[str]]]:
        return [(gap.name, gap.count, [each.reference for each in gap.tickets]) for gap in gaps]

    assert found.looked_at == 3
    assert told(found.questions) == [
        ("restore backups", 2, [second, first]),
        ("What does it cost?", 1, [third]),
    ]
    assert told(found.pages) == [("/install", 2, [second, first]), ("/pricing", 1, [third])]
    assert [gap.answers for gap in found.pages] == [16, None]
    assert told(found.sources) == [("The guide", 2, [second, first]), ("Odd", 1, [first])]
    assert [gap.url for gap in found.sources] == ["https://docs.example.com/guide", "urn:isbn:1"]
    assert told(found.languages) == [("en", 2, [second, first]), ("de", 1, [third])]
    assert told(of_sales.questions) == [("What does it cost?", 1, [third])]
    assert of_sales.pages[0].answers is None


@pytest.mark.parametrize(
    ("stored", "answer_id", "expected"),
    [
        ([{"id": "a", "sources": [{"title": "T", "url": "u#1"}]}, {"id": "b"}], "a", {"u": "T"}),
        ([{"id": "a", "sources": [{"url": "u"}, {"title": "T", "url": "u#2"}]}], None, {"u": "u"}),
        ([{"id": "b"}, "?", {"sources": ["?", {"title": "no address"}]}], "c", {}),
        ([], "a", {}),
        ("{damaged", "a", {}),
        ([{"sources": "?"}], None, {}),
    ],
)
def test_sources_are_read_from_what_is_stored(stored: Any, answer_id: str | None, expected: dict[str, str]) -> None:
    assert cited_sources(stored, answer_id) == expected


# --- The chart -------------------------------------------------------------------------------------------------------


def test_a_chart_has_a_bar_for_each_day() -> None:
    """Heights are shares of a round number; what is not nothing can be seen."""
    drawn = make_chart([(90, 45), (0, 0), (1, 0)])
    assert (drawn.top, drawn.width) == (100, 30)
    assert [(bar.place, bar.x, bar.whole, bar.part) for bar in drawn.bars] == [
        (0, 1, 90.0, 45.0),
        (1, 11, 0.0, 0.0),
        (2, 21, 1.0, 0.0),
    ]
    assert make_chart([]).width == 10


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 4), (4, 4), (7, 8), (9, 10), (11, 12), (31, 40), (99, 100), (100, 100), (101, 120), (1030, 1200)],
)
def test_the_top_of_a_chart_is_a_round_number(value: int, top: int) -> None:
    assert round_up(value) == top


# --- The page --------------------------------------------------------------------------------------------------------


def test_the_page_says_what_became_of_answers(site: Flask) -> None:
    """Each number of tickets leads to these tickets, also by day and trigger."""
    client = site.test_client()
    reference = ticket(client, "How do I restore a backup?", delivered_in=3)
    response = client.get("/handoff/admin/insights")
    text, first = shown(response), TODAY - 29 * DAY
    assert "Answers 16" in text
    assert "Offered 6 −25%" in text
    assert "38% of answers" in text
    assert "95 of 100 tickets were delivered within 3 seconds. Days begin" in text
    assert "Half of" not in text
    assert f'<a href="/handoff/admin/tickets?from={first}&amp;to={TODAY}">1</a>' in response.text
    assert f'<a href="/handoff/admin/tickets?from={first}&amp;to={TODAY}&amp;status=delivered">1</a>' in response.text
    assert f'<a href="/handoff/admin/tickets?from={TODAY}&amp;to={TODAY}">1</a>' in response.text
    assert (
        f'<a href="/handoff/admin/tickets?from={first}&amp;to={TODAY}&amp;trigger=uncertainty">1</a>' in response.text
    )
    assert f'href="/handoff/admin/tickets/{reference}">{reference}</a> <span dir="auto">How do I' in response.text
    assert "tickets?from=" in re.findall(r'English</span> <a href="([^"]*locale=en)"', response.text)[0]


@pytest.mark.parametrize("query", ["", "desk=sales", "trigger=uncertainty", "trigger=none", "trigger=downvote"])
def test_each_number_of_tickets_leads_to_exactly_these(site: Flask, query: str) -> None:
    """Of a step, a day, a trigger or none, a desk, a language; with the chosen filters."""
    client = site.test_client()
    for number in range(13):
        ticket(
            client,
            f"How do I restore a backup of {number}?",
            language=("en", "de", "de-AT")[number % 3],
            desk=("default", "sales")[number % 2],
            triggers=("uncertainty", "downvote,uncertainty", "", "full-moon")[number % 4],
            delivered_in=1 if number % 5 else None,
        )
    text = client.get(f"/handoff/admin/insights?{query}").text
    links = re.findall(r'href="(/handoff/admin/tickets\?[^"]*)">(\d+)(?: tickets?)?</a>', text)
    assert len(links) >= 6
    for address, number in links:
        listed = client.get(unescape(address))
        assert listed.text.count('name="ticket" value="T-') == int(number), address


@pytest.mark.only("sqlite")
def test_desks_are_called_as_on_the_other_pages(site: Flask) -> None:
    """Also a removed one, and one of which nothing is known; an address names them as before."""
    client = site.test_client()
    save_desk(site, "sales", label="Sales & deals")
    save_desk(site, "bugs")
    for desk in ("sales", "bugs", "gone"):
        ticket(client, desk=desk)
    remove_desk(site, "bugs")
    response = client.get("/handoff/admin/insights?desk=sales")
    assert "All Main desk Sales & deals" in shown(response)
    assert '<option value="sales" selected>Sales &amp; deals</option>' in response.text
    by_desk = re.findall(r'<th scope="row"><bdi>(.*?)</bdi>', client.get("/handoff/admin/insights").text)
    assert sorted(by_desk) == ["Bugs (removed)", "Main desk", "Sales &amp; deals", "gone"]


@pytest.mark.parametrize("kind", ["questions", "pages", "sources"])
def test_all_tickets_of_a_gap_have_a_page(site: Flask, kind: str) -> None:
    """Exactly those that were counted, however differently they put it; the name may be anything."""
    client = site.test_client()
    guide = Source("The <b>guide</b>", "https://docs.example.com/guide?a=1&b=%26#part-2")
    page: dict[str, Any] = {"offer": {"page": "https://docs.example.com/install?x=1"}}
    questions = ("How do I restore a backup?", "restoring backups fails & stops")
    wanted = [ticket(client, questions[number % 2], sources=[guide], **page) for number in range(12)]
    ticket(client, "What does it cost?", sources=[Source("Other", "https://docs.example.com/guide/other")])
    text = client.get("/handoff/admin/insights?desk=default").text
    links = [unescape(link) for link in re.findall(r'href="(/handoff/admin/insights/tickets[^"]*)">2 more<', text)]
    assert len(links) == 3
    (link,) = (one for one in links if f"of={kind}" in one)
    response = client.get(link)
    assert re.findall(r'href="/handoff/admin/tickets/(T-\w+)"', response.text) == wanted[::-1]
    assert "<b>" not in response.text
    assert "12 tickets" in shown(response)


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("query", ["", "of=questions&name=no", "of=looked_at&name=x", "of=questions&name=%00"])
def test_a_gap_that_is_gone_is_told(site: Flask, query: str) -> None:
    assert site.test_client().get(f"/handoff/admin/insights/tickets?{query}").status_code == 404


def test_the_page_is_light_and_strict(site: Flask) -> None:
    """No script and no style within it, whatever the chart; and no heavier than 60 kB uncompressed."""
    client = site.test_client()
    for number in range(12):
        ticket(client, f"How do I restore a backup of <b>{number}</b>?")
    response = client.get(f"/handoff/admin/insights?from={TODAY - 89 * DAY}")
    assert response.text.count("<svg viewBox") == 2
    assert not re.search(r"<style|\sstyle=|<script(?![^>]*src=)|\son\w+=", response.text)
    assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "<b>" not in response.text
    assert len(response.data) < 60_000
    assert "2 more" in shown(response)


@pytest.mark.only("sqlite")
def test_an_empty_site_is_told_what_will_be_here(admin: FlaskClient) -> None:
    assert "Nothing here yet" in shown(admin.get("/handoff/admin/insights"))


@pytest.mark.only("sqlite")
def test_answers_without_tickets_have_no_gaps(site: Flask) -> None:
    assert "No tickets in this period." in shown(site.test_client().get("/handoff/admin/insights"))


@pytest.mark.only("sqlite")
def test_a_site_that_records_nothing_is_told_so(admin_app: Callable[..., Flask]) -> None:
    """Tickets are still counted."""
    client = admin_app(KAPA_HANDOFF_STATISTICS_DAYS=0, KAPA_HANDOFF_TRIGGERS="uncertainty").test_client()
    ticket(client)
    text = shown(client.get("/handoff/admin/insights"))
    assert "Answers are not recorded on this site (KAPA_HANDOFF_STATISTICS_DAYS)." in text
    assert "Sent 1" in text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("query", ["from=yesterday", "from=1999-01-01&to=2026-01-01", "to=2026-02-30"])
def test_wrong_dates_are_told_and_the_usual_ones_shown(site: Flask, query: str) -> None:
    """People read dates as their language writes them; the fields keep ISO's, which browsers expect."""
    client = site.test_client()
    response = client.get(f"/handoff/admin/insights?{query}")
    assert response.status_code == 422
    date = f"{TODAY:%b} {TODAY.day}, {TODAY.year}"
    assert f"Choose two dates such as {date}, at most 366 days apart." in shown(response)
    german = client.get(f"/handoff/admin/insights?{query}", headers={"Accept-Language": "de"})
    assert f"{TODAY:%d.%m.%Y}" in shown(german)
    assert str(TODAY) not in shown(german)
    assert f'max="{TODAY}"' in german.text
    assert "Answers 16" in shown(response)
    for name, value in parse_qsl(query):
        assert f'name="{name}" value="{value}"' in response.text  # to be corrected, not typed again
    assert 'aria-current="true"' not in response.text


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("query", ["desk=%00&trigger=%00", "desk=nowhere&trigger=full-moon", f"desk={'a' * 5000}"])
def test_other_filters_find_nothing(site: Flask, query: str) -> None:
    assert site.test_client().get(f"/handoff/admin/insights?{query}").status_code == 200


@pytest.mark.only("sqlite")
def test_a_filter_that_finds_nothing_can_be_cleared(site: Flask) -> None:
    """Also one that no list names, which stays chosen."""
    response = site.test_client().get(f"/handoff/admin/insights?from={TODAY}&desk=nowhere&trigger=none")
    assert "Nothing for this filter. Clear the filter" in shown(response)
    assert "Nothing here yet" not in response.text
    assert f'<a href="/handoff/admin/insights?from={TODAY}&amp;to={TODAY}">Clear' in response.text
    assert '<option value="nowhere" selected>nowhere</option>' in response.text


@pytest.mark.only("sqlite")
def test_a_ranking_of_the_latest_tickets_says_so(site: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of how many they are; so do the languages, whose links show more."""
    client = site.test_client()
    for _ in range(3):
        ticket(client)
    text = shown(client.get("/handoff/admin/insights"))
    assert "From the latest 3 tickets in this period." in text
    assert "Of the latest" not in text
    monkeypatch.setattr("flask_kapa_handoff.insights.gaps.LATEST", 2)
    text = shown(client.get("/handoff/admin/insights"))
    assert "From the latest 2 of 3 tickets." in text
    assert "Languages Of the latest 2 tickets. The links show all tickets in this period. English 2 tickets" in text


def test_an_answer_of_a_moment_ago_is_counted(site: Flask) -> None:
    """What this process has not written yet, too."""
    client = site.test_client()
    client.get("/handoff/offer?pairs=1&thread_id=t&answer_id=a")
    assert "Answers 17" in shown(client.get("/handoff/admin/insights"))


# --- CSV and command -------------------------------------------------------------------------------------------------


def test_the_csv_adds_up(site: Flask) -> None:
    """A row for each day and desk and each combination of triggers; no cell is a formula."""
    client = site.test_client()
    ticket(client)
    ticket(client, desk="=cmd|calc")
    response = client.get(f"/handoff/admin/insights.csv?from={TODAY - DAY}&to={TODAY}")
    assert response.mimetype == "text/csv"
    name = f'attachment; filename="insights-{TODAY - DAY}-{TODAY}.csv"'
    assert response.headers["Content-Disposition"] == name
    rows = list(csv.DictReader(io.StringIO(response.data.decode("utf-8-sig"))))
    assert {row["desk"] for row in rows} == {"default", "'=cmd|calc"}
    sums = {step: sum(int(row[step]) for row in rows) for step in vars(Counts())}
    assert sums == vars(Counts(answers=16, offered=6, opened=3, sent=2, cancelled=1))


def test_the_command_prints_the_same(site: Flask) -> None:
    """As text, and as JSON for programs."""
    reference = ticket(site.test_client(), "How do I restore a backup?", delivered_in=3)
    runner = site.test_cli_runner()
    text = runner.invoke(args=["kapa-handoff", "insights"]).output
    assert "answers 16  offered 6  opened 3  sent 1  cancelled 1  delivered 1" in text
    assert "     1  How do I restore a backup?" in text
    assert "95 of 100 tickets were delivered within 3.0 s." in text
    result = runner.invoke(args=["kapa-handoff", "insights", "--json", "--from", str(TODAY), "--trigger", "downvote"])
    found = json.loads(result.output)
    assert (found["from"], found["to"]) == (str(TODAY), str(TODAY))
    assert found["total"] == vars(Counts(answers=12, offered=1))
    assert found["seconds_to_delivery"] is None  # the ticket met another trigger
    assert found["triggers"] == {"uncertainty": found["total"], "downvote": found["total"]}  # it met both
    assert found["rates"]["offered"] == 0.083
    assert found["before"]["answers"] == 4
    result = runner.invoke(args=["kapa-handoff", "insights", "--json", "--from", str(TODAY)])
    found = json.loads(result.output)
    assert found["seconds_to_delivery"]["median"] == pytest.approx(3, abs=0.001)
    assert found["questions"] == [{"question": "How do I restore a backup?", "tickets": 1, "references": [reference]}]
    assert found["days"][0]["day"] == str(TODAY)


@pytest.mark.only("sqlite")
def test_the_command_refuses_wrong_dates(site: Flask) -> None:
    result = site.test_cli_runner().invoke(args=["kapa-handoff", "insights", "--from", "soon"])
    assert result.exit_code == 2
    assert "use two dates such as 2026-01-31, at most 366 days apart." in result.output
