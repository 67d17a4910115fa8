"""The tables of docs/mail-faults.md, cell by cell: each step of SMTP, each fault, and the ticket's outcome."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask

from flask_kapa_handoff.admin.labels import STATUSES
from flask_kapa_handoff.delivery import outbox, requeue
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.delivery.mail.replies import classify
from flask_kapa_handoff.delivery.mail.reply_classes import CLASSES, OTHER
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.storage.tickets import Attempt, Status, Ticket, find_attempts, find_ticket
from tests.helpers.scripted_smtp import (
    DRIP,
    FLOOD,
    HANG_UP,
    SILENCE,
    Reply,
    ScriptedServer,
    make_certificate,
    server_context,
)
from tests.helpers.servers import free_port
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PAGE = Path(__file__).parents[2] / "docs" / "mail-faults.md"
IMPOSSIBLE = "–"
KEPT = "MAIL, kept connection"
TIMEOUT = 1

VERBS = {
    "TLS handshake": "TLS",
    "banner": "CONNECT",
    "MAIL, new connection": "MAIL",
    KEPT: "MAIL",
    "mail text": "TEXT",
    "final dot": "END",
}
"""What the scripted server calls a step, where it is not the same."""

WELL = {
    "TLS": "\x16\x03\x03\x40\0" + "x" * 20,  # the head of a record
    "CONNECT": "220 scripted.example",
    "EHLO": "250 scripted.example",
    "HELO": "250 scripted.example",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go ahead",
    "END": "250 taken",
    "QUIT": "221 bye",
}

BEFORE = {"EHLO": "CONNECT", "STARTTLS": "EHLO", "AUTH": "EHLO", "MAIL": "EHLO", "RCPT": "MAIL", "DATA": "RCPT"}
"""The step whose reply comes last before a command."""

LARGE = [{"question": "How?", "answer": "words and words " * 6_000}]


def read_tables() -> dict[str, list[dict[str, str]]]:
    """The tables of the page, by the name of their first column."""
    found: dict[str, list[dict[str, str]]] = {}
    for block in re.findall(r"(?:^\|.*\n)+", PAGE.read_text(), re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]
        found[rows[0][0]] = [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
    return found


TABLES = read_tables()
RESULTS = {row["outcome"]: row for row in TABLES["outcome"]}
CELLS = [(row["step"], fault, result) for row in TABLES["step"] for fault, result in list(row.items())[1:]]
GROUP = ("MAIL", "RCPT", "DATA")
"""What goes out together if the server offers PIPELINING."""

WITH_GROUP = ("MAIL, new connection", KEPT, "RCPT", "DATA", "mail text", "final dot", "QUIT")
"""The steps that are played with and without PIPELINING."""

PLAYED = [
    pytest.param(step, fault, result, extensions, id="-".join([step, fault, *extensions]))
    for step, fault, result in CELLS
    if result != IMPOSSIBLE
    for extensions in ([], ["PIPELINING"])
    if not extensions or step in WITH_GROUP
]


class Play(NamedTuple):
    """A fault as the scripted server plays it, and the configuration that leads to it."""

    script: dict[str, list[Reply]]
    server: dict[str, Any]
    site: dict[str, Any]


def arrange(step: str, fault: str) -> Play:
    """How a cell is played."""
    script = _script(VERBS.get(step, step), fault)
    if step == "HELO":
        script = {"EHLO": ["500 what?" + (HANG_UP if fault == "dropped" else "")], **script}
    elif step == KEPT:
        script = {"END": [WELL["END"] + HANG_UP]} if fault == "dropped" else {"MAIL": [WELL["MAIL"], *script["MAIL"]]}
    elif step == "STARTTLS":
        return Play(script, {"extensions": ["STARTTLS"]}, {"MAIL_USE_TLS": True})
    elif step == "TLS handshake":
        return Play(script, {}, {"MAIL_USE_SSL": True})
    elif step == "AUTH":
        return Play(script, {"extensions": ["AUTH PLAIN"]}, {"MAIL_USERNAME": "docs", "MAIL_PASSWORD": "secret"})
    elif step == "mail text":
        return Play(script, {"narrow": True}, {})
    return Play(script, {}, {})


def _script(verb: str, fault: str) -> dict[str, list[Reply]]:
    if fault == "dropped":
        if verb in ("TEXT", "END"):
            return {"TEXT": [HANG_UP]}
        if verb == "QUIT":
            return {"END": [WELL["END"] + HANG_UP]}
        return {BEFORE[verb]: [WELL[BEFORE[verb]] + HANG_UP]} if verb in BEFORE else {verb: [HANG_UP]}
    if fault == "bad certificate":
        return {}
    reply = {
        "4xx": "451 4.3.0 come back later",
        "5xx final": "554 5.3.0 never",
        "5xx site": "554 5.2.252 SendAsDenied",
        "reply lost": HANG_UP,
        "silence": SILENCE,
        "drip": DRIP + WELL.get(verb, ""),
        "flood": FLOOD,
    }[fault]
    return {verb: [reply]}


@contextlib.contextmanager
def _deaf_port() -> Iterator[int]:
    """A port whose queue of new connections is full: the kernel does not respond to further ones."""
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


class Stage:
    """One site with one courier, and the server that it connects to."""

    def __init__(
        self, make_app: Callable[..., Flask], certificates: dict[str, Path], ends: contextlib.ExitStack
    ) -> None:
        self._make_app, self._certificates, self._ends = make_app, certificates, ends
        self.server: ScriptedServer | None = None

    def set(self, step: str, fault: str, extensions: list[str]) -> None:
        """Start the server that plays the fault, and a site."""
        play = arrange(step, fault)
        if extensions:
            play.server["extensions"] = extensions
        if step == "connect":
            port = self._ends.enter_context(_deaf_port()) if fault == "silence" else free_port()
        else:
            switch = {"TLS handshake": "tls", "STARTTLS": "starttls"}.get(step)
            kind = "untrusted" if fault == "bad certificate" else "trusted"
            if switch:
                play.server[switch] = server_context(self._certificates[kind])
            port = self.play(play)
        self._open_site(port, play.site)

    def play(self, play: Play) -> int:
        """Start the server; returns its port."""
        self.server = self._ends.enter_context(ScriptedServer(play.script, **play.server))
        return self.server.port

    def set_replies(self, replies: list[str]) -> None:
        """Start a server that offers PIPELINING and replies to one group like this, and a site."""
        script: dict[str, list[Reply]] = {verb: [reply] for verb, reply in zip(GROUP, replies, strict=False)}
        self._open_site(self.play(Play(script, {"extensions": ["PIPELINING"]}, {})), {})

    def _open_site(self, port: int, config: dict[str, Any]) -> None:
        self._app = self._make_app(
            MAIL_SERVER="127.0.0.1", MAIL_PORT=port, KAPA_HANDOFF_SMTP_TIMEOUT=TIMEOUT, **config
        )
        state = state_of(self._app)
        self.database = state.database
        self.courier = Courier(state)
        self._ends.callback(self.courier.close)

    def repair(self) -> ScriptedServer:
        """The server, now without the fault."""
        if self.server is None:
            self._ends.close()
            self.server = self._ends.enter_context(ScriptedServer(port=self._app.config["MAIL_PORT"]))
            self._ends.callback(self.courier.close)
        self.server.read_on.set()
        for name in ("tls", "starttls"):
            if getattr(self.server, name):
                setattr(self.server, name, server_context(self._certificates["trusted"]))
        return self.server

    def store(self, *, large: bool = False) -> str:
        """Store a ticket as a visitor sends it; returns its reference."""
        return send_ticket(self._app.test_client(), **({"conversation": json.dumps(LARGE)} if large else {}))

    def try_it(self, reference: str) -> tuple[Ticket, list[Attempt]]:
        """Make one attempt; returns what the database contains then."""
        assert self.courier.deliver_next(reference) is not None
        with self.database.read() as connection:
            ticket = find_ticket(connection, ticket_table.c.reference == reference)
            assert ticket is not None
            return ticket, find_attempts(connection, ticket.id)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Self-signed certificates for the server's address: one that the machine will trust, and one that it won't."""
    names = ("trusted", "untrusted")
    return {name: make_certificate(tmp_path_factory.mktemp(name), "IP:127.0.0.1") for name in names}


@pytest.fixture
def stage(
    make_app: Callable[..., Flask], certificates: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """An empty stage."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates["trusted"]))
    with contextlib.ExitStack() as ends:
        yield Stage(make_app, certificates, ends)


@pytest.mark.parametrize(("step", "fault", "result", "extensions"), PLAYED)
def test_cell(stage: Stage, step: str, fault: str, result: str, extensions: list[str]) -> None:
    """A cell ends as the page says, in time, and afterwards the ticket goes out over a sound connection."""
    declared = RESULTS[result]
    stage.set(step, fault, extensions)
    if step == KEPT:
        assert stage.try_it(stage.store())[0].status is Status.DELIVERED
    reference = stage.store(large=step == "mail text")

    ticket, [attempt] = stage.try_it(reference)
    if step == "QUIT":
        stage.courier.close()
    assert isinstance(ticket.status, Status)
    assert STATUSES[ticket.status] == declared["the ticket is then"]
    assert f"`{attempt.outcome}`" == result
    assert attempt.detail
    assert attempt.finished_at is not None
    assert attempt.finished_at - attempt.started_at < timedelta(seconds=TIMEOUT) + outbox.LEASE_MARGIN

    server = stage.repair()
    before = server.connections
    assert before == {"connect": 0, KEPT: 2}.get(step, 1)
    if step == "QUIT" or declared["connection"] == "closed":
        server.wait_for(lambda: server.open == 0)
    if ticket.status is Status.DELIVERED:
        assert stage.courier.deliver_next(reference) is None
        stage.try_it(stage.store())
    else:
        requeue.send_again(stage.database, reference)
        assert stage.try_it(reference)[0].status is Status.DELIVERED
    assert (server.connections == before) == (declared["connection"] == "kept" and step != "QUIT")

    mails = [mail for mail in server.mails if f"X-Kapa-Handoff-Ticket: {reference}".encode() in mail]
    assert len(mails) in [int(number) for number in declared["mails in the end"].split(" or ")]
    assert len({re.search(rb"Message-ID: .*", mail)[0] for mail in mails}) == 1  # type: ignore[index]


GROUPS = {row["its replies to MAIL, RCPT, DATA"]: row for row in TABLES["its replies to MAIL, RCPT, DATA"]}


@pytest.mark.parametrize("written", GROUPS)
def test_replies_to_a_group(stage: Stage, written: str) -> None:
    """Each row ends as the page says, nobody gets a part of a mail, and afterwards the ticket goes out once."""
    row = GROUPS[written]
    replies = re.findall("`(.*?)`", written.replace("` and `", "\r\n"), re.DOTALL)
    if "closes" in written:
        replies[-1] += HANG_UP
    stage.set_replies(replies)
    reference = stage.store()

    ticket, [attempt] = stage.try_it(reference)
    declared = RESULTS[row["outcome"]]
    assert isinstance(ticket.status, Status)
    assert STATUSES[ticket.status] == declared["the ticket is then"]
    assert f"`{attempt.outcome}`" == row["outcome"]
    refusals = [reply.removesuffix(HANG_UP) for reply in replies if reply.startswith(("4", "5"))]
    assert attempt.detail is not None
    assert all(reply in attempt.detail for reply in refusals[:1])
    server = stage.repair()
    if declared["connection"] == "closed":
        server.wait_for(lambda: server.open == 0)
    steps = {"nothing": [], "QUIT": ["QUIT"], "a single dot": ["END"], "a single dot, QUIT": ["END", "QUIT"]}
    assert [verb for verb in server.verbs() if verb in ("END", "QUIT")] == steps[row["what it gets then"]]
    assert set(server.mails) <= {b""}

    requeue.send_again(stage.database, reference)
    assert stage.try_it(reference)[0].status is Status.DELIVERED
    assert len([mail for mail in server.mails if mail]) == 1


def test_the_page_is_complete() -> None:
    """Every cell names a result of the page, or is listed as impossible; no listed one ever happens."""
    reasons = {step: faults.split(", ") for step, faults in (row["cells"].split(": ") for row in TABLES["cells"])}
    empty = {(step, fault) for step, fault, result in CELLS if result == IMPOSSIBLE}
    explained = {(step, fault) for step, faults in reasons.items() for fault in faults}
    everywhere = set(reasons.pop("every other step"))
    assert {(step, fault) for step, fault in empty if fault not in everywhere} == explained - {
        ("every other step", fault) for fault in everywhere
    }
    assert {result for _, _, result in CELLS} == {*RESULTS, IMPOSSIBLE}
    assert [row["fault"] for row in TABLES["fault"]] == list(TABLES["step"][0])[1:]
    assert {"connect", "banner", "EHLO", "STARTTLS", "AUTH", "RCPT", "DATA", "final dot", "QUIT"} < {
        step for step, _, _ in CELLS
    }


def test_the_page_has_the_table_of_replies() -> None:
    """Each class with what becomes of the ticket, in the order that decides, and with a reply of that class."""
    rows = TABLES["class"]
    assert [row["class"] for row in rows] == [row.name for row in (*CLASSES, OTHER)]
    for row, declared in zip(rows, (*CLASSES, OTHER), strict=True):
        becomes = "Failed" if declared.permanent else "Waiting"
        if declared.name == "too large":
            becomes = "Sent again at once without [the visitor's files](attachments.md); Failed if there are none"
        assert row["the ticket is then"] == becomes
        assert classify(row["for example"].strip("`")) is declared
