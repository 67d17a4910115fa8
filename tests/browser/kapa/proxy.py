"""Plays Kapa's servers: proxy.kapa.ai and widget.kapa.ai, over real HTTPS.

A server and not Playwright's ``page.route``: that hands an answer over in one piece, while here the browser's own
network stack receives each cut separately, sees a stream pause in the middle, and closes the connection when a page
stops. Chromium is told by ``--host-resolver-rules`` where these hosts are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import select
import socket
import ssl
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.browser.kapa.streams import Dropped, Stream
from tests.helpers.scripted_smtp import make_certificate, server_context

HOSTS = ("proxy.kapa.ai", "widget.kapa.ai")
PATIENCE = 60.0
"""Seconds after which a gate that nobody opens gives way: a test has failed by then."""


@dataclass
class Request:
    """A request as the server got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answers:
    """What the server says, and what it was asked: new for each test."""

    streams: dict[str, list[Stream]] = field(default_factory=lambda: defaultdict(list))
    """By question, one after another."""
    statuses: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """Of ``feedback`` and ``handoff``, one after another; then 200."""
    files: dict[str, bytes] = field(default_factory=dict)
    """Scripts by their path."""
    requests: list[Request] = field(default_factory=list)
    """All but the browser's own questions about CORS."""
    gates: dict[str, threading.Event] = field(default_factory=dict)
    """By the last word of a path: it is answered when the gate is open."""
    question_field: str = "query"
    unexpected: list[str] = field(default_factory=list)

    def to(self, word: str) -> list[Request]:
        """The requests whose path ends in this word."""
        return [request for request in list(self.requests) if _word(request.path) == word]


def _word(path: str) -> str:
    """``handoff`` of ``/proxy/query/v2/thread/t1/handoff/``."""
    parts = path.partition("?")[0].strip("/").split("/")
    return parts[-2] if parts[-1] == "upsert" else parts[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.request.settimeout(PATIENCE)
        self.request.do_handshake()
        super().setup()

    def log_message(self, *words: Any) -> None:
        pass

    def do_OPTIONS(self) -> None:
        self.send_response(204)
        self._allow_origin()
        self.send_header("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE")
        self.send_header("Access-Control-Allow-Headers", self.headers.get("Access-Control-Request-Headers", ""))
        self.send_header("Access-Control-Max-Age", "600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    do_PUT = do_DELETE = do_POST

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answers = self.server.answers
        path = self.path.partition("?")[0]
        if path in answers.files:
            self._reply(200, answers.files[path], "text/javascript")
            return
        answers.requests.append(Request(self.command, self.path, dict(self.headers), body))
        word = _word(path)
        gate = answers.gates.get(word)
        if gate is not None and not self._hold(gate):
            return
        if self.command == "POST" and path.endswith("/chat/stream/"):
            self._answer_question(json.loads(body)[answers.question_field])
            return
        statuses = answers.statuses[word]
        status = statuses.pop(0) if statuses else 200
        said = {"word": word, "length": len(body), "id": f"{word}-{hashlib.sha256(body).hexdigest()}"}
        self._reply(status, json.dumps(said).encode(), "application/json")

    def _answer_question(self, question: str) -> None:
        streams = self.server.answers.streams[question]
        if not streams:
            self.server.answers.unexpected.append(question)
            self._reply(500, b"{}", "application/json")
            return
        stream = streams.pop(0)
        try:
            self._send_stream(stream)
        except OSError:
            stream.left.set()
            self.close_connection = True

    def _send_stream(self, stream: Stream) -> None:
        self.send_response(stream.status)
        self._allow_origin()
        kind = "text/event-stream" if stream.status == 200 else "application/json"
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in stream.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in stream.pieces:
            if isinstance(piece, bytes):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            elif isinstance(piece, Dropped):
                self.close_connection = True
                return
            else:
                stream.started.set()
                if not self._hold(piece):
                    stream.left.set()
                    return
        self.wfile.write(b"0\r\n\r\n")
        stream.started.set()

    def _hold(self, gate: threading.Event) -> bool:
        """Wait for a gate; False: the browser has gone."""
        for _ in range(int(PATIENCE / 0.02)):
            if gate.wait(0.02):
                return True
            readable, _, _ = select.select([self.connection], [], [], 0)
            if readable:  # nothing but the end can be read while a response is due
                self.close_connection = True
                return False
        return True

    def _reply(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self._allow_origin()
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _allow_origin(self) -> None:
        self.send_header("Access-Control-Allow-Origin", self.headers.get("Origin", "*"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: Answers

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._context = context
        self._open: set[socket.socket] = set()

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        plain, address = super().get_request()
        # The connection's own thread does the handshake, so that a slow one does not block others.
        connection = self._context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is none."""

    def hang_up(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class KapaServer:
    """Both hosts on one port of loopback."""

    def __init__(self, folder: Path) -> None:
        certificate = make_certificate(folder, *(f"DNS:{host}" for host in HOSTS))
        self._server = _Server(server_context(certificate))
        self._server.answers = Answers()
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def play(self, answers: Answers) -> Answers:
        self._server.answers = answers
        return answers

    def stop(self) -> None:
        self._server.shutdown()
        self._server.hang_up()
        self._server.server_close()
        self._thread.join()

    @property
    def resolver_rules(self) -> str:
        """Chromium's: these hosts are here, and nothing else is anywhere but on this machine."""
        here = ", ".join(f"MAP {host}:443 127.0.0.1:{self.port}" for host in HOSTS)
        return f"{here}, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
