"""POST /tickets while the database is away: the text waits in the form, and then goes through once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import tickets
from tests.helpers.offers import offer_without_database
from tests.helpers.tickets import NOTE, post, refused, ticket_fields


@pytest.fixture(params=["directory", "garbage", "parent is a file"])
def broken(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], tmp_path: Path
) -> tuple[Flask, Callable[[], None]]:
    """An app whose database cannot be reached, and what makes it reachable."""
    path = tmp_path / "place" / "k.sqlite3"
    kind = request.param
    if kind == "parent is a file":
        path.parent.write_text("in the way")
    else:
        path.parent.mkdir()
    if kind == "directory":
        path.mkdir()
    elif kind == "garbage":
        path.write_bytes(b"this is no database, only text that is long enough" * 100)
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")

    def repair() -> None:
        if path.is_dir():
            path.rmdir()
        elif path.exists():
            path.unlink()
        if path.parent.is_file():
            path.parent.unlink()

    return app, repair


def test_without_its_database_a_ticket_waits_in_the_form_and_then_goes_through_once(
    broken: tuple[Flask, Callable[[], None]], shape: str
) -> None:
    """503 with Retry-After and the text kept; as soon as the database is back the same form is stored, once."""
    app, repair = broken
    client = app.test_client()
    fields = ticket_fields(client, offer=offer_without_database(app))
    for _ in range(2):
        answer = post(client, shape, fields)
        page = refused(answer, shape, 503, "unavailable")
        assert int(answer.headers["Retry-After"]) > 0
        if shape != "json":
            assert page.fields["submission_id"] == fields["submission_id"]
            assert page.fields["offer"] == fields["offer"]
    repair()
    again = {**page.fields, "conversation": fields["conversation"]} if shape != "json" else fields
    assert [post(client, shape, again).status_code for _ in range(2)] == [201, 200]
    assert len(tickets(app)) == 1


@pytest.mark.only("sqlite")
def test_a_database_that_was_emptied_behind_our_back_is_set_up_again(app: Flask, shape: str) -> None:
    """Its file has nothing in it any more: the first attempt is told 503, the same form goes through at the next."""
    client = app.test_client()
    fields = ticket_fields(client)
    state_of(app).database.close()
    (Path(app.instance_path) / "kapa_handoff.sqlite3").write_bytes(b"")
    refused(post(client, shape, fields), shape, 503, "unavailable")
    assert [post(client, shape, fields).status_code for _ in range(2)] == [201, 200]
    assert len(tickets(app)) == 1


def test_the_log_says_why_a_ticket_could_not_be_stored(
    broken: tuple[Flask, Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    """A site whose tickets are all refused with 503 finds the reason in its log, and no visitor's words."""
    app, _ = broken
    caplog.clear()
    fields = ticket_fields(app.test_client(), offer=offer_without_database(app))
    assert post(app.test_client(), "json", fields).status_code == 503
    assert [record.levelname for record in caplog.records if record.name.startswith("flask_kapa_handoff")]
    assert NOTE not in caplog.text


def test_a_database_that_is_locked_for_too_long_is_unavailable(make_app: Callable[..., Flask], tmp_path: Path) -> None:
    """Another program that holds the write lock costs a 503, not a ticket."""
    path = tmp_path / "k.sqlite3"
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{path}")
    client = app.test_client()
    fields = ticket_fields(client)
    other = sqlite3.connect(path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        # Not 15 seconds, in this test.
        with state_of(app).database.read() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        answer = post(client, "page", fields)
        refused(answer, "page", 503, "unavailable")
    finally:
        other.close()
    assert post(client, "page", fields).status_code == 201
