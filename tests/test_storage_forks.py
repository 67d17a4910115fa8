"""Forks of a process that has used the embedded file: nobody inherits what SQLite notes of its locks."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tickets import latest_tickets
from tests.helpers.offers import signed_offer
from tests.helpers.sites import ROOT, file_of, pragma
from tests.helpers.tickets import send_ticket

pytestmark = [
    pytest.mark.only("sqlite"),
    # Python 3.12 and later warn of what is tested here.
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]

PARENT = """
import os, sys, threading
from flask import Flask
from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from tests.helpers.offers import signed_offer
from tests.helpers.tickets import send_ticket
app = Flask("site", instance_path=sys.argv[1])
app.config.update(SECRET_KEY="s", KAPA_HANDOFF_EMAIL="support@example.com", KAPA_HANDOFF_DELIVERY="external",
                  MAIL_DEFAULT_SENDER="site@example.com")
KapaHandoff(app)
database = state_of(app).database
offer = signed_offer(app.test_client())
print(send_ticket(app.test_client(), offer=offer), flush=True)
reading, forked = threading.Event(), threading.Event()

def read():
    with database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM kapa_handoff_ticket").fetchone()
        reading.set()
        forked.wait(0.5)  # not for ever: the fork may well wait until nobody reads

if sys.argv[2] == "reading":
    threading.Thread(target=read).start()
    reading.wait()
if os.fork():
    os._exit(0)
while sys.stdin.readline():
    print(send_ticket(app.test_client(), offer=offer), flush=True)
os._exit(0)
"""


def references(path: Path) -> set[str]:
    """As another process sees them, which closes its connection then: ``deliver`` by cron, or a person's shell."""
    with closing(sqlite3.connect(path)) as connection:
        return {row[0] for row in connection.execute("SELECT reference FROM kapa_handoff_ticket")}


@pytest.mark.parametrize("parent", ["idle", "reading"])
def test_a_child_that_outlives_its_parent_loses_no_ticket(tmp_path: Path, parent: str) -> None:
    """A server that daemonizes after its first use, while another process comes and goes."""
    path = tmp_path / "instance" / "kapa_handoff.sqlite3"
    process = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path.parent), parent],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as orders, process.stdout as answers:
        told = {answers.readline().strip()}
        assert process.wait(60) == 0
        assert references(path) == told
        for _ in range(3):
            orders.write("go on\n")
            orders.flush()
            told.add(answers.readline().strip())
            assert references(path) == told
            assert pragma(path, "integrity_check") == "ok"
        assert len(told) == 4


def fork(act: Callable[[], Any]) -> int:
    """Do something in a child of this process, and give its exit status: 0 unless it raised."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(60)  # a child that hangs ends with SIGALRM
            act()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_parent_child_and_grandchild_go_on_after_many_forks(make_app: Callable[..., Flask]) -> None:
    """Each stores its tickets, nothing is damaged, and no descriptor is left open."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1000, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1000)
    client = app.test_client()
    offer = signed_offer(client)

    def store() -> None:
        send_ticket(app.test_client(), offer=offer)

    def store_and_fork() -> None:
        store()
        assert fork(store) == 0
        store()

    def only_fork() -> None:
        assert fork(store_and_fork) == 0

    store()
    before = open_descriptors()
    for _ in range(10):
        assert fork(store_and_fork) == 0
        assert fork(only_fork) == 0
        store()
    assert open_descriptors() == before
    assert len(references(file_of(app))) == 1 + 10 * (3 + 3 + 1)
    assert pragma(file_of(app), "integrity_check") == "ok"


def test_a_child_does_not_wait_for_a_thread_that_it_does_not_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fork while another thread opens the database, for longer than the fork waits: the child opens it itself."""
    monkeypatch.setattr("flask_kapa_handoff.storage.fork_safety.BUSY_TIMEOUT", 0.1)
    opening, forked = threading.Event(), threading.Event()
    parent = os.getpid()

    def locate() -> str:
        opening.set()
        assert os.getpid() != parent or forked.wait(20)
        return f"sqlite:///{tmp_path}/tickets.sqlite3"

    database = Database(locate)

    def use() -> None:
        with database.write() as connection:
            assert latest_tickets(connection) == []

    thread = threading.Thread(target=use)
    thread.start()
    assert opening.wait(20)
    assert fork(use) == 0
    forked.set()
    thread.join()
    use()
    database.close()


def test_a_fork_does_not_wait_forever_for_a_reader(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It happens nevertheless; the log says what that means. The reader, and those who came meanwhile, go on."""
    monkeypatch.setattr("flask_kapa_handoff.storage.fork_safety.BUSY_TIMEOUT", 0.1)
    client = app.test_client()
    offer = signed_offer(client)
    send_ticket(client, offer=offer)
    database = state_of(app).database
    reading, forked = threading.Event(), threading.Event()
    seen: list[int] = []

    def read() -> None:
        with database.read() as connection:
            reading.set()
            assert forked.wait(20)
            with database.read() as inner:
                seen.extend((len(latest_tickets(connection)), len(latest_tickets(inner))))

    thread = threading.Thread(target=read)
    thread.start()
    assert reading.wait(20)
    assert fork(lambda: send_ticket(app.test_client(), offer=offer)) == 0
    assert "has forked while it used the handoff database" in caplog.text
    send_ticket(client, offer=offer)
    forked.set()
    thread.join()
    assert seen == [3, 3]
    caplog.clear()
    assert fork(lambda: send_ticket(app.test_client(), offer=offer)) == 0
    assert caplog.text == ""
    assert len(references(file_of(app))) == 4


def test_a_fork_during_its_own_write_does_not_wait(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The forking thread cannot finish its write first: it would wait for itself."""
    monkeypatch.setattr("flask_kapa_handoff.storage.fork_safety.BUSY_TIMEOUT", 3600)
    with state_of(app).database.write():
        assert fork(lambda: None) == 0
    assert send_ticket(app.test_client())
