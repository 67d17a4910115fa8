"""The simulation: what settings would have done with the answers that are recorded, and the settings page's words."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_kapa_handoff.answer_rows import merge
from flask_kapa_handoff.answers import Answers
from flask_kapa_handoff.insights.latest import simulate_latest
from flask_kapa_handoff.insights.simulation import Group, Simulation, simulate
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.triggers import Facts, Trigger, matching
from tests.helpers import admin as settings_page
from tests.helpers.answers import store
from tests.helpers.pages import HTMX

HISTORIES, SETTINGS = 1_000, 50


@dataclass(frozen=True)
class Chosen:
    """Settings, as far as they decide."""

    triggers: tuple[Trigger, ...]
    threshold: int


@dataclass(frozen=True)
class Report:
    """What a page said once about an answer."""

    answer: int
    facts: Facts
    sent: bool


def random_settings(chosen: random.Random) -> Chosen:
    triggers = [trigger for trigger in Trigger if chosen.random() < 0.35] or [chosen.choice(list(Trigger))]
    return Chosen(tuple(triggers), chosen.choice([1, 2, 3, 4, 5, 8, 20, 99, 100]))


def random_history(chosen: random.Random) -> list[Report]:
    """Answers that are complete, voted on, voted on otherwise, rendered again: all reports, in any order."""
    reports = []
    for answer in range(chosen.randint(1, 8)):
        pairs = chosen.choice([1, 1, 1, 2, 3, 4, 7, 50, 99, 100])
        for _ in range(chosen.choice([1, 1, 2, 3, 5])):
            flags = {fact.name: chosen.random() < 0.2 for fact in fields(Facts) if fact.name != "pairs"}
            more = chosen.choice([0, 0, 0, 1, 2])  # a vote on an earlier answer
            reports.append(Report(answer, Facts(min(100, pairs + more), **flags), chosen.random() < 0.1))
    chosen.shuffle(reports)
    return reports


def replayed(reports: list[Report], rules: Chosen) -> Simulation:
    """The same from the raw reports: an answer was shown if any of its reports was decided so."""
    answers = {report.answer for report in reports}
    met: dict[int, set[Trigger]] = {answer: set() for answer in answers}
    for report in reports:
        met[report.answer].update(matching(report.facts, rules))
    sent = {report.answer for report in reports if report.sent}
    return Simulation(
        answers=len(answers),
        shown=sum(map(bool, met.values())),
        by_trigger={
            trigger: sum(trigger in found for found in met.values())
            for trigger in Trigger
            if trigger in rules.triggers
        },
        tickets=len(sent),
        still_offered=sum(bool(met[answer]) for answer in sent),
    )


def rows_of(reports: Iterable[Report]) -> list[dict[str, Any]]:
    """The records of these reports, as they are merged."""
    rows: dict[int, dict[str, Any]] = {}
    for report in reports:
        row = {**vars(report.facts), "page": None, "triggers": "", "offered": False, "opened": False}
        row |= {"cancelled": False, "sent": report.sent}
        if report.answer in rows:
            merge(rows[report.answer], row)
        else:
            rows[report.answer] = row
    return list(rows.values())


def groups_of(rows: Iterable[dict[str, Any]]) -> list[Group]:
    return [Group(Facts(**{fact.name: row[fact.name] for fact in fields(Facts)}), True, row["sent"]) for row in rows]


def test_it_equals_replaying_the_raw_answers() -> None:
    """1,000 random histories x 50 settings: no difference."""
    chosen = random.Random(14)  # noqa: S311
    settings = [random_settings(chosen) for _ in range(SETTINGS)]
    differences = shown = 0
    for _ in range(HISTORIES):
        history = random_history(chosen)
        groups = groups_of(rows_of(history))
        for rules in settings:
            simulated, raw = simulate(groups, rules), replayed(history, rules)
            differences += simulated != raw
            shown += 0 < raw.shown < raw.answers
    assert differences == 0
    assert shown > 10_000  # they are not all or nothing


def test_the_database_gives_the_same(app: Flask) -> None:
    """Through the recorder, in the order of the reports, with writes in between."""
    chosen = random.Random(15)  # noqa: S311
    state = state_of(app)
    recorder = Answers(app, state.database, 90, lambda: b"secret", str)
    history = []
    for number in range(60):
        history += [replace(report, answer=report.answer + 100 * number) for report in random_history(chosen)]
    chosen.shuffle(history)
    try:
        for place, report in enumerate(history):
            offer = Offer((), report.facts, thread_id="t", answer_id=str(report.answer))
            ids: dict[str, Any] = {"desk": "default", "thread_id": "t", "answer_id": str(report.answer), "page": None}
            recorder.asked(report.facts, None, knows_request=True, **ids)
            if report.sent:
                recorder.happened(offer, "sent")
            if place % 300 == 0:
                recorder.write()
        recorder.write()
    finally:
        recorder.stop()
    for _ in range(SETTINGS):
        rules = random_settings(chosen)
        with state.database.read() as connection:
            assert simulate_latest(connection, "default", rules) == replayed(history, rules)


def test_only_the_latest_answers_of_the_desk_count(app: Flask) -> None:
    """As many as asked for, newest first."""
    old: list[dict[str, Any]] = [{"uncertain": True, "sent": True}] * 5
    new: list[dict[str, Any]] = [{"downvoted": True}, {"sent": True}, {"desk": "sales"}]
    store(app, [*old, *new])
    rules = Chosen((Trigger.UNCERTAINTY, Trigger.DOWNVOTE), 3)
    expected = Simulation(3, 2, {Trigger.UNCERTAINTY: 1, Trigger.DOWNVOTE: 1}, 2, 1)
    with state_of(app).database.read() as connection:
        assert simulate_latest(connection, "default", rules, limit=3) == expected
        assert simulate_latest(connection, "support", rules) == Simulation(
            by_trigger={Trigger.UNCERTAINTY: 0, Trigger.DOWNVOTE: 0}
        )


def test_what_is_not_known_is_said() -> None:
    """Whether a visitor asked for a human, where nobody looked."""
    groups = [Group(Facts(1), False, False, 3), Group(Facts(1, uncertain=True), False, False, 2)]
    groups += [Group(Facts(1), True, False, 4), Group(Facts(1, asked_for_human=True), True, False, 1)]
    rules = Chosen((Trigger.UNCERTAINTY, Trigger.ASKED_FOR_HUMAN), 3)
    found = simulate(groups, rules)
    assert (found.answers, found.shown, found.unknown) == (10, 3, 3)
    assert simulate(groups, Chosen((Trigger.UNCERTAINTY,), 3)).unknown == 0


# --- The settings page -----------------------------------------------------------------------------------------------


@pytest.fixture
def site(admin_app: Callable[..., Flask]) -> Flask:
    """100 answers, of which 12 are uncertain, 5 voted down and 20 in long conversations; 11 tickets."""
    app = admin_app()
    uncertain = [{"uncertain": True, "sent": number < 6} for number in range(12)]
    downvoted = [{"downvoted": True, "sent": number < 3} for number in range(5)]
    long: list[dict[str, Any]] = [{"pairs": 3}] * 20
    plain = [{"sent": number < 2} for number in range(63)]
    store(app, [*uncertain, *downvoted, *long, *plain])
    return app


def simulated(client: FlaskClient, *, headers: dict[str, str] | None = HTMX, **typed: Any) -> str:
    data = settings_page.fields(client, **typed)
    answer = client.post("/handoff/admin/simulation", data=data, headers=headers)
    assert answer.status_code == 200
    return settings_page.shown(answer)


CHOICE = ["", "conversation-length", "uncertainty", "downvote"]


def test_the_page_says_what_the_typed_settings_would_do(site: Flask) -> None:
    """Before they are saved, and nothing is saved."""
    client = site.test_client()
    assert simulated(client, triggers=CHOICE) == (
        "With these settings, the button would have appeared under 37 of the last 100 answers. "
        "9 of 11 tickets would still have been offered. "
        "Long conversations: 20 Uncertain answers: 12 Downvoted answers: 5"
    )
    assert "under 17 of the last 100 answers" in simulated(client, triggers=CHOICE, threshold="4")
    assert "under 100 of the last 100 answers" in settings_page.shown(client.get("/handoff/admin/"))
    assert settings_page.fields(client)["version"] == "0"


@pytest.mark.only("sqlite")
def test_without_script_there_is_a_button(site: Flask) -> None:
    """It sends the real form, and the page comes back with what was typed and what it would do."""
    client = site.test_client()
    page = client.get("/handoff/admin/").text
    button = '<button class="handoff-secondary" type="submit" formaction="/handoff/admin/simulation">'
    assert f"<noscript>{button}What would this do?</button></noscript>" in page
    answer = simulated(client, headers=None, triggers=CHOICE, button_text="Talk to us")
    assert "under 37 of the last 100 answers" in answer
    assert "This is a preview. Nothing is saved yet." in answer


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"triggers": [""]}, "Choose at least one. To hide the button, switch it off."),
        ({"triggers": ["", "conversation-length"], "threshold": "0"}, "1 to 100"),
        ({"enabled": ["false"]}, "The button is switched off."),
        ({"triggers": ["", "asked-for-human"]}, "Not known so far: 100."),
    ],
)
def test_what_cannot_be_simulated_is_said(site: Flask, typed: dict[str, Any], told: str) -> None:
    assert told in simulated(site.test_client(), **typed)


@pytest.mark.only("sqlite")
def test_no_answers_and_no_records_are_said(admin_app: Callable[..., Flask]) -> None:
    """A new site, one whose chat reports no ids, and one that records nothing."""
    app = admin_app()
    client = app.test_client()
    assert simulated(client) == "No answers yet. As visitors ask, you see here what your settings would do."
    client.get("/handoff/offer?pairs=1")
    state_of(app).answers.write()
    assert simulated(client).endswith("1 report had no ids of thread and answer, so it isn't counted.")
    without = admin_app(KAPA_HANDOFF_STATISTICS_DAYS=0, name="without").test_client()
    assert simulated(without) == "Answers are not recorded on this site (KAPA_HANDOFF_STATISTICS_DAYS)."


@pytest.mark.only("sqlite")
def test_another_site_gets_nothing(site: Flask) -> None:
    data = settings_page.fields(site.test_client())
    headers = {**HTMX, "Sec-Fetch-Site": "cross-site"}
    assert site.test_client().post("/handoff/admin/simulation", data=data, headers=headers).status_code == 403
