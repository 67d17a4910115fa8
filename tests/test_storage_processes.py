"""The embedded file among several processes and threads, and across forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.helpers.offers import signed_offer
from tests.helpers.sites import ROOT, file_of, pragma
from tests.helpers.tickets import PAIR, send_ticket

WORKER = f"""
import json, sys, uuid
from flask import Flask
from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
app = Flask("site", instance_path=sys.argv[1])
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", KAPA_HANDOFF_DELIVERY="external",
                  KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=7)
KapaHandoff(app)
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.triggers import Facts, Trigger
signer = state_of(app).offer_signer()
print("ready", flush=True)
sys.stdin.readline()
for number in range(4):
    answer = app.test_client().post("/handoff/tickets", headers={{"Accept": "application/json"}}, data=dict(
        offer=signer.sign(Offer((Trigger.ALWAYS,), Facts(1))), submission_id=str(uuid.uuid4()),
        email=f"v{{uuid.uuid4().hex}}@example.com",
        conversation=json.dumps([{PAIR!r}])))
    print(answer.status_code, answer.text.replace("\\n", " "), flush=True)
"""


def test_processes_that_start_at_once_make_the_file_together_and_share_the_limits(tmp_path: Path) -> None:
    """Four workers on a missing file send 16 tickets: none meets an error, and 7 pass the limit of 7."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, str(tmp_path / "instance")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n", worker.communicate()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    lines: list[str] = []
    for worker in workers:
        output, errors = worker.communicate(timeout=120)
        assert worker.returncode == 0, errors
        assert "Traceback" not in errors
        assert "locked" not in errors
        lines += output.splitlines()
    assert sorted(line[:3] for line in lines) == ["201"] * 7 + ["429"] * 9, lines
    assert pragma(tmp_path / "instance" / "kapa_handoff.sqlite3", "journal_mode") == "wal"


def test_threads_that_start_at_once_make_the_file_together(app: Flask) -> None:
    """The first requests of a process may come all at the same moment."""
    barrier = threading.Barrier(12)

    def first(_: int) -> int:
        barrier.wait()
        return app.test_client().get("/handoff/offer?pairs=1").status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(first, range(12))) == {200}


def test_a_forked_process_has_connections_of_its_own(make_app: Callable[..., Flask]) -> None:
    """A server that forks after the first use: parent and children store tickets, and nothing is damaged."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=100, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=100)
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    database = state_of(app).database
    children = []
    with database.read() as connection:  # a connection that is in use while the fork happens
        latest_tickets(connection)
        for _ in range(3):
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    for _ in range(5):
                        send_ticket(app.test_client(), offer=offer)
                    with database.read() as own:
                        status = 0 if len(latest_tickets(own)) >= 6 else 2
                finally:
                    os._exit(status)
            children.append(child)
    for _ in range(5):
        send_ticket(client, offer=offer)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
    with database.read() as connection:
        assert len(latest_tickets(connection)) == 21
    if file_of(app).exists():
        assert pragma(file_of(app), "integrity_check") == "ok"


def test_a_forked_process_leaves_the_parents_connections_of_a_shared_engine_alone(tmp_path: Path) -> None:
    """A Celery worker that has read tickets before it forks: no child speaks over the connection that it copied."""
    engine = create_engine(f"sqlite:///{tmp_path / 'site.sqlite3'}")
    database = Database(lambda: engine)
    database.upgrade()

    def driver_connection() -> Any:
        with database.read() as connection:
            return connection.connection.dbapi_connection

    of_parent = driver_connection()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if driver_connection() is not of_parent else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert driver_connection() is of_parent
    engine.dispose()


def test_a_fork_while_another_thread_writes_does_not_hang_the_child(app: Flask) -> None:
    """SQLite notes its locks per process, and a fork copies the notes: the child must not take them for its own."""
    client = app.test_client()
    offer = signed_offer(client)
    database = state_of(app).database
    writing, forked = threading.Event(), threading.Event()

    def write() -> None:
        with database.write():
            writing.set()
            forked.wait(0.5)  # not for ever: the fork may well wait until nobody writes

    thread = threading.Thread(target=write)
    thread.start()
    assert writing.wait(30)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(5)  # a child that hangs ends with SIGALRM
            send_ticket(app.test_client(), offer=offer)
            status = 0
        finally:
            os._exit(status)
    forked.set()
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_apps_of_one_process_make_their_files_at_the_same_moment(make_app: Callable[..., Flask]) -> None:
    """Alembic keeps what it works on in globals of the process."""
    apps = [make_app(name=f"site{number}") for number in range(6)]
    barrier = threading.Barrier(len(apps))

    def visit(app: Flask) -> str:
        barrier.wait()
        return send_ticket(app.test_client())

    with ThreadPoolExecutor(len(apps)) as pool:
        assert all(reference.startswith("T-") for reference in pool.map(visit, apps))
