"""docs/channels.md: its code blocks, put into a site's modules, send tickets to servers that check what they get."""

from __future__ import annotations

import base64
import importlib
import json
import re
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask, Response, redirect, request
from standardwebhooks import Webhook

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, TryLater
from flask_kapa_handoff.storage.tickets import Status, Ticket
from tests.helpers.couriers import deliver
from tests.helpers.scripted_smtp import ScriptedServer, make_certificate
from tests.helpers.servers import WebServer, free_port
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PAGE = (Path(__file__).parent.parent / "docs" / "channels.md").read_text()
FIRST, CAREFUL, WEBHOOK, ZENDESK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SECRET = "whsec_" + base64.b64encode(b"a secret of 24 random bytes").decode()

Serve = Callable[[Any], str]
SiteWith = Callable[..., Flask]


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., ModuleType]]:
    """Imports a block as a module of a site; ``website`` has the given object."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def load(name: str, block: str, handoff: KapaHandoff | None = None) -> ModuleType:
        website = ModuleType("website")
        website.handoff = handoff  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "website", website)
        (folder / f"{name}.py").write_text(block)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield load
    for name in ("careful_post", "webhook", "zendesk"):
        sys.modules.pop(name, None)


@pytest.fixture
def careful(example: Callable[..., ModuleType]) -> ModuleType:
    return example("careful_post", CAREFUL)


def replies(status: int, headers: dict[str, str]) -> Callable[..., Any]:
    """A WSGI application that always replies so."""
    return Response("as ordered", status, headers)


# --- The first block -------------------------------------------------------------------------------------------------


def test_the_first_block_registers_a_channel() -> None:
    names: dict[str, Any] = {}
    exec(FIRST, names)  # noqa: S102
    assert names["handoff"]._registered.channels["desk"] == ("Service desk", names["send_to_desk"])


# --- One careful request ---------------------------------------------------------------------------------------------


def test_a_request_arrives_and_its_response_is_read(careful: ModuleType, serve: Serve) -> None:
    """Path, query, headers and body as given; the status, the text and the wait of the response."""
    server = Flask("server")

    @server.post("/in")
    def take() -> tuple[str, int, dict[str, str]]:
        got = request.get_data(as_text=True), request.args["a"], request.headers["X-Word"]
        return " ".join(got), 503, {"Retry-After": "120"}

    url = f"{serve(server)}/in?a=1"
    assert careful.careful_post(url, b"body", {"X-Word": "word"}, allow_private=True) == (503, "body 1 word", 120)


@pytest.mark.parametrize("wait", ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "9" * 5_000])
def test_a_wait_that_is_no_number_of_seconds_is_left_out(careful: ModuleType, serve: Serve, wait: str) -> None:
    """RFC 9110 allows a date, too: then the usual waits apply."""
    url = serve(replies(429, {"Retry-After": wait}))
    assert careful.careful_post(url, b"", {}, allow_private=True).retry_after is None


def test_a_redirect_is_not_followed(careful: ModuleType, serve: Serve) -> None:
    """It would lead to an address that nobody has checked."""
    server = Flask("server")
    asked: list[str] = []

    @server.post("/<path>")
    def lead_on(path: str) -> Any:
        asked.append(path)
        return redirect("/secret", 307)

    assert careful.careful_post(f"{serve(server)}/in", b"", {}, allow_private=True).status == 307
    assert asked == ["in"]


PRIVATE = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "fe80::1",
    "::ffff:127.0.0.1",
    "64:ff9b::a00:1",
    "2002:7f00:1::",
    "fec0::1",
    "0.0.0.0",  # noqa: S104
]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused(careful: ModuleType, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Written as such, or found for a name, also as one of several addresses. Nothing connects."""
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it connects"))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(TryLater, match="private address"):
        careful.careful_post(f"https://{host}/in", b"", {})

    def found(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.215.14", 443)), (0, 0, 0, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", found)
    with pytest.raises(TryLater, match=r"hooks\.example has a private address"):
        careful.careful_post("https://hooks.example/in", b"", {})


def test_the_address_that_was_checked_is_the_one_that_is_used(
    careful: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves to a private address at the second look-up gains nothing: there is only one."""
    looked_up, connected = [], []

    def found(host: str, *_: Any, **__: Any) -> list[Any]:
        looked_up.append(host)
        return [(0, 0, 0, "", ("93.184.215.14" if len(looked_up) == 1 else "127.0.0.1", 443))]

    def connects(place: tuple[str, int], seconds: float) -> Any:
        connected.append((place, seconds))
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", found)
    monkeypatch.setattr(socket, "create_connection", connects)
    with pytest.raises(TryLater, match=r"no connection to hooks\.example \(ConnectionRefusedError\)"):
        careful.careful_post("https://hooks.example/in", b"", {})
    assert looked_up == ["hooks.example"]
    assert connected == [(("93.184.215.14", 443), 10.0)]


@pytest.mark.parametrize(
    ("url", "allow_private"),
    [("http://hooks.example/", False), ("ftp://hooks.example/", True), ("file:///etc/passwd", True), ("", True)],
)
def test_only_https_is_used(careful: ModuleType, url: str, allow_private: bool) -> None:
    """And http where private addresses are allowed."""
    with pytest.raises(TryLater, match="does not begin with https:"):
        careful.careful_post(url, b"", {}, allow_private=allow_private)


def test_a_certificate_that_is_not_trusted_is_refused(
    careful: ModuleType, smtp: Callable[..., ScriptedServer], tmp_path: Path
) -> None:
    """The request is not sent. It takes no web server to see that."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path, "IP:127.0.0.1"))
    server = smtp(tls=context)
    with pytest.raises(TryLater, match="SSLCertVerificationError"):
        careful.careful_post(f"https://127.0.0.1:{server.port}/", b"", {}, allow_private=True)
    assert server.lines == []


def test_a_trusted_server_gets_the_request_over_tls(
    careful: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its certificate is checked for the name in the URL."""
    certificate = make_certificate(tmp_path, "DNS:localhost", "IP:127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = WebServer(Response("over TLS"), ssl_context=context)
    try:
        url = server.url.replace("http:", "https:")
        assert careful.careful_post(url, b"", {}, allow_private=True) == (200, "over TLS", None)
    finally:
        server.stop()


@pytest.mark.parametrize("said", [b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\n\r\nbody"])
def test_a_server_that_drips_ends_in_time(careful: ModuleType, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    """Byte by byte, each in time: the whole response is what has a time-out."""
    monkeypatch.setattr(careful, "SECONDS", 0.5)
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(said)
                while not over.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                over.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dripping = threading.Thread(target=drip, args=(listener,))
        dripping.start()
        with pytest.raises(TryLater, match=r"no response from 127\.0\.0\.1"):
            careful.careful_post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"", {}, allow_private=True)
        assert over.wait(10)  # it has noticed the end
        dripping.join()


def test_a_server_that_is_down_is_tried_later(careful: ModuleType) -> None:
    with pytest.raises(TryLater, match=r"no connection to 127\.0\.0\.1 \(ConnectionRefusedError\)"):
        careful.careful_post(f"http://127.0.0.1:{free_port()}/", b"", {}, allow_private=True)


def test_a_name_that_does_not_exist_is_tried_later(careful: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    with pytest.raises(TryLater, match=r"no connection to hooks\.example \(gaierror\)"):
        careful.careful_post("https://hooks.example/", b"", {})


# --- The signed webhook ----------------------------------------------------------------------------------------------


class Receiver:
    """A receiver of webhooks that checks them with the library of Standard Webhooks."""

    def __init__(self) -> None:
        self.app = Flask("receiver")
        self.app.add_url_rule("/in", view_func=self._take, methods=["POST"])
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status, self.headers = 204, {}  # type: ignore[var-annotated]

    def _take(self) -> Response:
        event = Webhook(SECRET).verify(request.get_data(), dict(request.headers))
        assert request.mimetype == "application/json"
        self.got.append((request.headers["webhook-id"], event))
        return Response(status=self.status, headers=self.headers)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def hooked(
    receiver: Receiver, serve: Serve, example: Callable[..., ModuleType], careful: ModuleType, make_app: SiteWith
) -> Flask:
    """A site whose tickets go to the receiver."""
    handoff = KapaHandoff()
    handoff.context_loader(lambda: {"Plan": "Team"})
    example("webhook", WEBHOOK, handoff)
    return make_app(
        handoff=handoff,
        KAPA_HANDOFF_CHANNEL="webhook",
        WEBHOOK_URL=f"{serve(receiver.app)}/in",
        WEBHOOK_SECRET=SECRET,
        WEBHOOK_ALLOW_PRIVATE=True,
    )


def send(app: Flask, **fields: Any) -> Ticket:
    send_ticket(app.test_client(), **fields)
    return deliver(app)


def test_a_webhook_is_signed_and_has_the_whole_ticket(hooked: Flask, receiver: Receiver) -> None:
    """An independent library accepts the signature, and the body has what an agent needs."""
    ticket = send(hooked, email="ada@example.com", note="It fails on Tuesdays. 大约")
    assert ticket.status is Status.DELIVERED
    ((key, event),) = receiver.got
    assert key == str(ticket.id)
    assert (event["type"], event["timestamp"]) == ("ticket.created", ticket.created_at.isoformat())
    data = event["data"]
    assert (data["reference"], data["note"]) == (ticket.reference, "It fails on Tuesdays. 大约")
    assert data["visitor"] == {"email": "ada@example.com", "name": None}
    assert data["context"] == {"Plan": "Team"}
    assert data["conversation"][0]["question"] == "How do I rotate a key?"


@pytest.mark.parametrize("status", [301, 400, 404, 410, 429, 500, 503])
def test_any_other_status_makes_the_ticket_wait(hooked: Flask, receiver: Receiver, status: int) -> None:
    """A redirect as well. The next attempt has the same id, and a wait that the receiver names is kept."""
    receiver.status, receiver.headers = status, {"Retry-After": "1", "Location": "/in"}
    ticket = send(hooked)
    assert ticket.status is Status.QUEUED
    assert ticket.last_error == f"Webhook did not accept it yet: HTTP status {status}"
    assert len(receiver.got) == 1
    receiver.status = 204
    hooked.test_cli_runner().invoke(args=["kapa-handoff", "retry", ticket.reference])
    assert deliver(hooked).status is Status.DELIVERED
    assert [key for key, _ in receiver.got] == [str(ticket.id)] * 2


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ="])
def test_a_secret_that_is_no_secret_signs_nothing(hooked: Flask, receiver: Receiver, secret: str) -> None:
    """A variable that was forgotten is often empty."""
    hooked.config["WEBHOOK_SECRET"] = secret
    assert send(hooked).last_error == "Webhook did not accept it yet: WEBHOOK_SECRET is shorter than 24 bytes"
    assert receiver.got == []


def test_a_private_address_makes_the_ticket_wait(hooked: Flask, receiver: Receiver) -> None:
    """Unless the site allows it."""
    hooked.config.update(WEBHOOK_ALLOW_PRIVATE=False, WEBHOOK_URL="https://127.0.0.1/in")
    ticket = send(hooked)
    assert ticket.last_error == "Webhook did not accept it yet: 127.0.0.1 has a private address"
    assert receiver.got == []


# --- Zendesk ---------------------------------------------------------------------------------------------------------


class Zendesk:
    """A stand-in that checks the request which Zendesk documents for creating a ticket, and its idempotency."""

    def __init__(self) -> None:
        self.app = Flask("zendesk")
        self.app.add_url_rule("/api/v2/tickets", view_func=self._create, methods=["POST"])
        self.tickets: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.users: dict[str, str] = {}
        self.requests = 0
        self.instead: Response | None = None

    def _create(self) -> Response:
        self.requests += 1
        login = request.authorization
        if login is None or (login.username, login.password) != ("agent@acme.example/token", "a token"):
            return self._json(401, {"error": "Couldn't authenticate you"})
        if self.instead is not None:
            return self.instead
        assert request.mimetype == "application/json"
        key, body = request.headers["Idempotency-Key"], request.get_data()
        assert len(key) <= 255
        if key in self.tickets:
            if self.tickets[key][0] != body:
                return self._json(400, {"error": "IdempotentRequestError"})
            return self._json(201, {"ticket": self.tickets[key][1]}, lookup="hit")
        ticket: dict[str, Any] = json.loads(body)["ticket"]
        assert ticket.keys() <= {"subject", "comment", "requester", "external_id", "tags"}
        assert ticket["comment"].keys() == {"body"}
        assert len(ticket["comment"]["body"].encode()) <= 65_536
        if not ticket["comment"]["body"].strip() or not ticket["requester"]["name"]:
            return self._json(422, {"error": "RecordInvalid", "description": "Record validation errors"})
        self.users[ticket["requester"]["email"]] = ticket["requester"]["name"]
        self.tickets[key] = body, {**ticket, "id": len(self.tickets) + 1}
        return self._json(201, {"ticket": self.tickets[key][1]}, lookup="miss")

    def _json(self, status: int, body: dict[str, Any], lookup: str = "") -> Response:
        return Response(json.dumps(body), status, {"x-idempotency-lookup": lookup}, "application/json")

    @property
    def only(self) -> dict[str, Any]:
        ((_, ticket),) = self.tickets.values()
        return ticket


@pytest.fixture
def zendesk() -> Zendesk:
    return Zendesk()


@pytest.fixture
def desk_site(
    zendesk: Zendesk,
    serve: Serve,
    example: Callable[..., ModuleType],
    careful: ModuleType,
    make_app: SiteWith,
    monkeypatch: pytest.MonkeyPatch,
) -> Flask:
    """A site whose tickets go to the stand-in, which has no address of the internet and no certificate."""
    handoff = KapaHandoff()
    handoff.context_loader(lambda: {"Plan": "Team"})
    module = example("zendesk", ZENDESK, handoff)
    monkeypatch.setattr(module, "careful_post", lambda *given: careful.careful_post(*given, allow_private=True))
    return make_app(
        handoff=handoff,
        KAPA_HANDOFF_CHANNEL="zendesk",
        ZENDESK_URL=serve(zendesk.app),
        ZENDESK_EMAIL="agent@acme.example",
        ZENDESK_TOKEN="a token",
    )


def test_the_visitor_is_the_requester(desk_site: Flask, zendesk: Zendesk) -> None:
    """Of a ticket that has the question as its subject, and the note and the conversation in its comment."""
    ticket = send(desk_site, email="ada@example.com", note="It fails on Tuesdays.")
    assert ticket.status is Status.DELIVERED
    assert zendesk.users == {"ada@example.com": "ada@example.com"}
    assert zendesk.only["subject"] == "How do I rotate a key?"
    assert zendesk.only["external_id"] == str(ticket.id)
    words = zendesk.only["comment"]["body"]
    assert words.startswith(f"It fails on Tuesdays.\n\nReference: {ticket.reference}")
    assert "Plan: Team\n\nVisitor: How do I rotate a key?\n\nAI: " in words


def test_a_second_attempt_creates_no_second_ticket(desk_site: Flask, zendesk: Zendesk) -> None:
    """Zendesk has taken the ticket, and its reply is lost: the retry has the same key and the same body."""
    taken = zendesk.app.view_functions["_create"]

    def lose() -> Response:
        taken()
        return Response(status=504)

    zendesk.app.view_functions["_create"] = lose
    ticket = send(desk_site)
    assert ticket.status is Status.QUEUED
    zendesk.app.view_functions["_create"] = taken
    desk_site.test_cli_runner().invoke(args=["kapa-handoff", "retry", ticket.reference])
    assert deliver(desk_site).status is Status.DELIVERED
    assert (zendesk.requests, len(zendesk.tickets)) == (2, 1)


@pytest.mark.parametrize("status", [400, 422])
def test_what_zendesk_will_never_take_fails(desk_site: Flask, zendesk: Zendesk, status: int) -> None:
    """With Zendesk's own words."""
    zendesk.instead = Response('{"error": "RecordInvalid"}', status)
    ticket = send(desk_site)
    assert ticket.status is Status.FAILED
    assert ticket.last_error == f'Zendesk did not accept it: HTTP status {status}, {{"error": "RecordInvalid"}}'


@pytest.mark.parametrize("status", [302, 401, 403, 404, 409, 429, 500, 503])
def test_what_is_about_the_site_or_passes_waits(desk_site: Flask, zendesk: Zendesk, status: int) -> None:
    """A wrong token is fixed, and the tickets go out."""
    zendesk.instead = Response(status=status, headers={"Retry-After": "90"})
    ticket = send(desk_site)
    assert ticket.status is Status.QUEUED
    assert ticket.last_error == f"Zendesk did not accept it yet: HTTP status {status}"


def test_a_wrong_token_is_told(desk_site: Flask, zendesk: Zendesk) -> None:
    desk_site.config["ZENDESK_TOKEN"] = "another"
    assert send(desk_site).last_error == "Zendesk did not accept it yet: HTTP status 401"


@pytest.mark.parametrize(
    ("lengths", "shown", "whole"),
    [
        ([10] * 3, [0, 1, 2], True),
        ([1_000] * 150, range(91, 150), False),
        ([100, 70_000], [1], False),
        ([70_000, 100], [0, 1], False),
        ([61_000], [0], False),
        ([29_800] * 2, [0, 1], True),
    ],
)
def test_the_comment_of_a_long_conversation_fits(
    desk_site: Flask, zendesk: Zendesk, lengths: list[int], shown: Iterable[int], whole: bool
) -> None:
    """The latest pairs stay, as far as there is room, and the comment says that something is left out."""
    pairs = tuple(QuestionAnswer(f"Q{number}.", "ß" * (length // 2)) for number, length in enumerate(lengths))
    assert send(desk_site, conversation=json.dumps(Conversation(pairs).as_json())).status is Status.DELIVERED
    words = zendesk.only["comment"]["body"]
    assert re.findall(r"Visitor: Q(\d+)\.\n\nAI: ß", words) == [str(number) for number in shown]
    assert ("(The rest is left out.)" in words) is not whole
