"""Answer records: one row for each answer, with what became of its offer; written off the request's path."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from sqlalchemy import func, select

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, answers
from flask_kapa_handoff.answer_rows import key_of_answer, merge, path_of
from flask_kapa_handoff.answers import Answers
from flask_kapa_handoff.delivery.housekeeping import Housekeeping
from flask_kapa_handoff.insights.latest import simulate_latest
from flask_kapa_handoff.redaction import redact
from flask_kapa_handoff.settings import default_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage import answers as stored_answers
from flask_kapa_handoff.storage.answers import store_answers
from flask_kapa_handoff.storage.tables import answer, answer_without_ids
from flask_kapa_handoff.triggers import Facts
from tests.helpers.answers import NO_ANSWER, ask, records, store
from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON
from tests.helpers.sites import file_of
from tests.helpers.tickets import EMAIL, NOTE, PAIR, send_ticket

PAGE = "https://docs.example.com/install/linux?token=abc#top"


def without_ids(app: Flask) -> int:
    state = state_of(app)
    state.answers.write()
    with state.database.read() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(answer_without_ids.c.count), 0))).scalar_one())


def stored(app: Flask) -> int:
    with state_of(app).database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(answer)).scalar_one())


def note(recorder: Answers, answer_id: str) -> None:
    facts = Facts(1)
    ids = {"thread_id": "t", "answer_id": answer_id}
    recorder.asked(facts, None, desk="default", **ids, page=None, knows_request=False)


def about(answer_id: str) -> Conversation:
    return Conversation([QuestionAnswer(PAIR["question"], PAIR["answer"], id=answer_id)])


# --- What is recorded ------------------------------------------------------------------------------------------------


def test_an_answer_is_recorded_with_its_facts_and_its_offer(make_app: Callable[..., Flask]) -> None:
    """What the page said, the path of the page alone, and the triggers that it met."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="uncertainty,downvote")
    client = app.test_client()
    ask(client, "a1", pairs=2, uncertain="true", page=PAGE)
    ask(client, "a2", pairs=3)
    met = {"offered": True, "triggers": "uncertainty", "uncertain": True, "page": "/install/linux"}
    assert records(app) == [{**NO_ANSWER, "pairs": 2, **met}, {**NO_ANSWER, "pairs": 3, "page": None}]


def test_an_answer_that_is_asked_about_again_is_one_row(app: Flask, client: FlaskClient) -> None:
    """Complete, then voted on after further questions, then the vote taken back; in memory and in the database."""
    ask(client, "a1", pairs=1, uncertain="true")
    ask(client, "a1", pairs=4, downvoted="true")
    once = {**NO_ANSWER, "page": None, "pairs": 4, "uncertain": True, "downvoted": True}
    assert records(app) == [{**once, "offered": True, "triggers": "always"}]
    ask(client, "a1", pairs=2, page=PAGE)
    ask(client, "a1", "thread-2")
    assert len(records(app)) == 2
    known = next(row for row in records(app) if row["uncertain"])
    assert known == {**once, "offered": True, "triggers": "always", "page": "/install/linux"}


def test_the_database_merges_as_the_memory_does(app: Flask) -> None:
    """Every pair of reports of one answer, merged by both."""
    first = {**NO_ANSWER, "page": None}
    reports = [
        {**first, name: value}
        for name, values in {
            "uncertain": (True,),
            "pairs": (3,),
            "asked_for_human": (True, False),
            "page": ("/a", "/b"),
            "triggers": ("always", "uncertainty"),
            "sent": (True,),
        }.items()
        for value in values
    ] + [first]
    database = state_of(app).database
    pairs = [(one, other) for one in reports for other in reports]
    expected = []
    for number, (one, other) in enumerate(pairs):
        moment = datetime(2026, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=number)
        key = {"key": f"{number:032x}", "answered_at": moment, "day": "2026-01-01"}
        later = {"answered_at": moment + timedelta(days=1)}
        store_answers(database, [{**one, **key}])
        store_answers(database, [{**other, **key, **later}])
        merged = dict(one)
        merge(merged, other)
        expected.append(merged)
    assert records(app) == expected


def test_what_becomes_of_an_offer_is_recorded(app: Flask, client: FlaskClient) -> None:
    """Opened, cancelled, sent; also if the answer itself was reported to another process."""
    for answer_id, events in {"a1": "open", "a2": "open cancel", "a3": "open send"}.items():
        offer = signed_offer(client, answer_id=answer_id)
        if "open" in events:
            client.get("/handoff/form", query_string={"offer": offer})
        if "cancel" in events:
            client.post("/handoff/events", json={"event": "cancel", "offer": offer})
        if "send" in events:
            send_ticket(client, offer=offer, conversation=about(answer_id))
    found = sorted((row["opened"], row["cancelled"], row["sent"]) for row in records(app))
    assert found == [(True, False, False), (True, False, True), (True, True, False)]
    assert {row["offered"] for row in records(app)} == {True}


def test_an_answer_that_the_server_renders_is_one_row(make_app: Callable[..., Flask]) -> None:
    """However often its page is shown, and with or without a button."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="downvote")
    pair = QuestionAnswer("How?", "So.", id="a1")

    @app.get("/chat/<reaction>")
    def chat(reaction: Literal["upvote", "downvote"]) -> str:
        shown = Conversation([QuestionAnswer("How?", "So.", id="a1", reaction=reaction)], thread_id="t1")
        return render_template_string("{{ kapa_handoff_button(shown) }}", shown=shown)

    client = app.test_client()
    for reaction in ("upvote", "upvote", "downvote"):
        assert client.get(f"/chat/{reaction}").status_code == 200
    assert [(row["downvoted"], row["offered"], row["page"]) for row in records(app)] == [(True, True, "/chat/upvote")]
    with app.app_context():  # as a command that writes static pages
        render_template_string("{{ kapa_handoff_button(shown) }}", shown=Conversation([pair], thread_id="t2"))
    assert len(records(app)) == 1


def test_the_sites_own_record_counts(make_app: Callable[..., Flask]) -> None:
    """Where the site keeps the threads, the facts are its own."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff, KAPA_HANDOFF_TRIGGERS="uncertainty")
    pairs = [QuestionAnswer("How?", "So."), QuestionAnswer("Why?", "No idea.", id="a2", uncertain=True)]
    handoff.conversation_loader(lambda thread_id: Conversation(pairs, thread_id=thread_id))
    ask(app.test_client(), "a2", pairs=1)
    assert [(row["pairs"], row["uncertain"], row["offered"]) for row in records(app)] == [(2, True, True)]


@pytest.mark.parametrize(("triggers", "known"), [("always", None), ("asked-for-human", True)])
def test_a_question_is_looked_at_only_where_the_desk_wants_it(
    make_app: Callable[..., Flask], triggers: str, known: bool | None
) -> None:
    """Else it is not known whether the visitor asked for a human, and that is what is recorded."""
    app = make_app(KAPA_HANDOFF_TRIGGERS=triggers)
    query = "/handoff/offer?pairs=1&thread_id=t&answer_id=a"
    app.test_client().post(query, data={"question": "Can I talk to a human?"})
    assert [row["asked_for_human"] for row in records(app)] == [known]


def test_answers_without_ids_are_counted_and_not_guessed(app: Flask, client: FlaskClient) -> None:
    """They could be one answer or many. What a visitor does with such an offer is no further answer."""
    ask(client, answer_id="")
    ask(client, thread_id="")
    client.get("/handoff/form", query_string={"offer": signed_offer(client, answer_id="")})
    ask(client, pairs=0)  # no answer at all
    assert (records(app), without_ids(app)) == ([], 3)
    ask(client, "x", "x", stopped="true")  # the bridge, while Kapa has not named the thread yet
    assert (records(app), without_ids(app)) == ([], 4)
    ask(client)
    state = state_of(app)
    with state.database.read() as connection:
        found = simulate_latest(connection, "default", default_settings(state.config))
    assert (found.answers, found.without_ids) == (0, 4)
    assert len(records(app)) == 1
    with state.database.read() as connection:
        found = simulate_latest(connection, "default", default_settings(state.config))
    assert (found.answers, found.without_ids) == (1, 4)


def test_pairs_are_recorded_up_to_a_hundred(app: Flask, client: FlaskClient) -> None:
    """No threshold is higher."""
    ask(client, pairs=250)
    assert [row["pairs"] for row in records(app)] == [100]


@pytest.mark.only("sqlite")
def test_nothing_in_a_record_tells_whose_it_is(app: Flask, client: FlaskClient) -> None:
    """No text, no address, and no id from which the thread can be found without the site's secret."""
    offer = signed_offer(client, thread_id="thread-of-ada", answer_id="answer-of-ada", page=PAGE)
    send_ticket(client, offer=offer, conversation=about("answer-of-ada"))
    assert len(records(app)) == 1
    with sqlite3.connect(file_of(app)) as connection:
        dump = str(connection.execute("SELECT * FROM kapa_handoff_answer").fetchall())
    connection.close()
    assert "/install/linux" in dump
    for text in ("ada", EMAIL, NOTE, PAIR["question"], "token", "127.0.0.1"):
        assert text not in dump
    assert key_of_answer("t", "a", b"one") != key_of_answer("t", "a", b"another")
    assert key_of_answer("t", "a", b"one") == key_of_answer("t", "a", b"one")
    assert key_of_answer("ta", "", b"one") != key_of_answer("t", "a", b"one")


@pytest.mark.parametrize(
    ("page", "path"),
    [
        ("https://docs.example.com", "/"),
        ("https://docs.example.com?q=1", "/"),
        ("https://docs.example.com/a/b?q=1#c", "/a/b"),
        ("https://docs.example.com/users/ada%40example.com/ada@example.com/@ada", "/users/…/…/@ada"),
        ("https://docs.example.com/ada.l%2Bnews%40example.com/@ada@example.com", "/…/@…"),
        ("https://docs.example.com/" + "a" * 300, "/" + "a" * 199),
        ("https://docs.example.com/ghp_" + "a1B2" * 9, "/[hidden: GitHub token]"),
    ],
)
def test_a_pages_path_is_kept_without_secrets(page: str, path: str) -> None:
    assert path_of(page, redact) == path


def test_a_long_path_takes_no_more_time() -> None:
    """Anybody can report thousands of them, each another one, and the site's own threads wait meanwhile."""
    began = time.process_time()
    for number in range(20):
        path_of(f"https://docs.example.com/{number}" + "a" * 10_000, str)
    assert time.process_time() - began < 1


# --- Kapa's own form -------------------------------------------------------------------------------------------------


def report(client: FlaskClient, *, as_json: bool = False, **fields: Any) -> int:
    sent = {"event": "answer", "pairs": 2, "thread_id": "t", "answer_id": "a", **fields}
    return client.post("/handoff/events", **({"json": sent} if as_json else {"data": sent})).status_code


@pytest.mark.parametrize("as_json", [True, False])
def test_an_answer_in_kapas_own_chat_is_recorded(make_app: Callable[..., Flask], as_json: bool) -> None:
    """The bridge reports it. It was offered if Kapa's widget shows its form by these triggers."""
    app = make_app(KAPA_HANDOFF_TRIGGERS="uncertainty,asked-for-human")
    client = app.test_client()
    assert report(client, as_json=as_json, uncertain=True if as_json else "true", page=PAGE) == 204
    assert report(client, as_json=as_json, answer_id="b") == 204
    rows = records(app)
    assert [(row["offered"], row["triggers"], row["page"]) for row in rows] == [
        (True, "uncertainty", "/install/linux"),
        (False, "", None),
    ]
    assert {row["asked_for_human"] for row in rows} == {None}


@pytest.mark.only("sqlite")
def test_pages_of_other_origins_report_too(make_app: Callable[..., Flask]) -> None:
    """Those that may send tickets."""
    app = make_app(KAPA_HANDOFF_ORIGINS=["https://docs.example.com"])
    sent = {"event": "answer", "pairs": "1", "thread_id": "t", "answer_id": "a"}
    headers = {"Origin": "https://docs.example.com", "Sec-Fetch-Site": "cross-site"}
    assert app.test_client().post("/handoff/events", data=sent, headers=headers).status_code == 204
    assert len(records(app)) == 1


def test_a_ticket_of_kapas_own_form_was_opened(app: Flask, client: FlaskClient) -> None:
    """Nothing else says so."""
    report(client)
    mark = state_of(app).bridge_mark()
    offer = signed_offer(client, thread_id="t", answer_id="a", requested=mark)
    send_ticket(client, offer=offer, conversation=about("a"))
    assert [(row["offered"], row["opened"], row["sent"]) for row in records(app)] == [(True, True, True)]


@pytest.mark.parametrize(
    ("fields", "headers", "status"),
    [
        ({"pairs": "many"}, {}, 422),
        ({}, {"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, {"Origin": "https://evil.example"}, 403),
    ],
)
def test_a_wrong_report_is_refused(
    app: Flask, client: FlaskClient, fields: dict[str, str], headers: dict[str, str], status: int
) -> None:
    """As every other request from another site, or with facts that make no sense."""
    sent = {"event": "answer", "pairs": "1", "thread_id": "t", "answer_id": "a", **fields}
    response = client.post("/handoff/events", data=sent, headers={**JSON, **headers})
    assert response.status_code == status
    assert records(app) == []


# --- When it is written ----------------------------------------------------------------------------------------------


def test_nothing_is_written_while_a_visitor_waits(app: Flask, client: FlaskClient) -> None:
    """A timer of this process writes, five seconds after the first answer and only then; one at a time."""
    before = set(threading.enumerate())
    ask(client, "a1")
    ask(client, "a2")
    assert stored(app) == 0
    (timer,) = (thread for thread in threading.enumerate() if thread not in before)
    assert isinstance(timer, threading.Timer)
    assert (timer.interval, timer.daemon) == (answers.WRITE_SECONDS, True)
    assert answers.WRITE_SECONDS == 5
    assert len(records(app)) == 2
    timer.join()
    assert set(threading.enumerate()) <= before


def test_the_timer_writes(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to call anything."""
    monkeypatch.setattr(answers, "WRITE_SECONDS", 0.0)
    before = set(threading.enumerate())
    ask(client)
    for thread in set(threading.enumerate()) - before:
        thread.join()
    assert stored(app) == 1


def test_a_sites_tests_get_no_thread(make_app: Callable[..., Flask]) -> None:
    """Not one that they did not ask for."""
    app = make_app(TESTING=True)
    before = set(threading.enumerate())
    ask(app.test_client())
    assert set(threading.enumerate()) == before
    assert len(records(app)) == 1


@pytest.mark.only("sqlite")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_process_writes_its_own(app: Flask) -> None:
    """What the parent has gathered is the parent's to write."""
    state = state_of(app)
    note(state.answers, "parent")
    child = os.fork()
    if child == 0:
        state.answers.write()
        note(state.answers, "child")
        state.answers.write()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert stored(app) == 1
    state.answers.write()
    assert stored(app) == 2


@pytest.mark.only("sqlite")
def test_answers_wait_for_the_database(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Up to a limit."""
    monkeypatch.setattr(answers, "MOST_WAITING", 2)
    ask(client, "a1", uncertain="true")
    recorder, engine = state_of(app).answers, state_of(app).database.engine
    file_of(app).rename(file_of(app).with_suffix(".away"))
    file_of(app).mkdir()
    engine.dispose()
    recorder.write()
    assert "cannot be used" in caplog.text
    file_of(app).rmdir()
    file_of(app).with_suffix(".away").rename(file_of(app))
    for answer_id in ("a2", "a3"):
        ask(client, answer_id)
    assert sorted(row["uncertain"] for row in records(app)) == [False, True]


@pytest.mark.only("sqlite")
def test_a_failure_costs_no_visitor_anything(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged without what was in it, and a broken record is not tried again and again."""
    ask(client, "secret-id")
    with monkeypatch.context() as patched:
        patched.setattr(answers, "store_answers", lambda *rows: 1 / 0)
        state_of(app).answers.write()
    assert "1 reports of answers could not be stored (ZeroDivisionError)." in caplog.text
    assert "secret-id" not in caplog.text
    assert records(app) == []


@pytest.mark.only("sqlite")
def test_an_hour_has_a_limit(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can invent answers; the log says once that some are left out."""
    monkeypatch.setattr(stored_answers, "MOST_AN_HOUR", 3)
    for turn in range(2):
        for number in range(4):
            ask(client, f"a{turn}{number}")
        with caplog.at_level(logging.WARNING):
            assert len(records(app)) == 3
    assert caplog.text.count("more answers than are recorded") == 1
    ask(client, "a00", downvoted="true")
    assert [row["downvoted"] for row in records(app)].count(True) == 1  # what is there may still change


# --- How long it is kept ---------------------------------------------------------------------------------------------


def test_old_answers_are_deleted(app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the housekeeping of a delivering process, a few at a time, and their counts."""
    monkeypatch.setattr(stored_answers, "BATCH", 2)
    ask(client, "")
    ask(client, "new")
    assert (len(records(app)), without_ids(app)) == (1, 1)
    store(app, [{}] * 5, ago=timedelta(days=90, minutes=1))
    database = state_of(app).database
    with database.write() as connection:
        connection.execute(answer_without_ids.update().values(hour=datetime(2026, 1, 1, tzinfo=timezone.utc)))
    housekeeping = Housekeeping(database, None, 90)
    housekeeping.is_due_now()
    housekeeping.do_all(60)
    assert (len(records(app)), without_ids(app)) == (1, 0)


def test_purge_deletes_old_answers(app: Flask) -> None:
    """Also where no delivering process runs, and no tickets have to go."""
    store(app, [{}] * 3, ago=timedelta(days=91))
    app.test_cli_runner().invoke(args=["kapa-handoff", "purge"])
    assert records(app) == []


def test_without_statistics_nothing_is_recorded(make_app: Callable[..., Flask]) -> None:
    """And what was recorded before is deleted."""
    app = make_app(KAPA_HANDOFF_STATISTICS_DAYS=0)
    ask(app.test_client())
    ask(app.test_client(), "")
    assert (records(app), without_ids(app)) == ([], 0)
    store(app, [{}], ago=timedelta(seconds=5))
    state = state_of(app)
    state.housekeeping.is_due_now()
    state.housekeeping.do_all(60)
    assert records(app) == []


def test_two_processes_write_the_same_answers(app: Flask) -> None:
    """At the same moment: none is lost, and no process waits for another in a circle."""
    state = state_of(app)
    recorders = [Answers(app, state.database, 90, lambda: b"secret", str) for _ in range(4)]
    for recorder in recorders:
        for number in range(300):
            note(recorder, str(number))
    threads = [threading.Thread(target=recorder.write) for recorder in recorders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state.answers.stop()
    assert stored(app) == 300
