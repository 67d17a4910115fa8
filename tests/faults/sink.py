"""A server that takes tickets over HTTP, and the channel of a site that sends them to it."""

from __future__ import annotations

import http.client
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

from flask_kapa_handoff import Conversation, KapaHandoff, Ticket, TryLater

CHANNEL, PORT = "sink", "SINK_PORT"
"""The channel's name, and the key of a site's configuration that has its port."""

Self = TypeVar("Self", bound="Sink")


def register(handoff: KapaHandoff, port: int) -> None:
    """Register the channel: one request for each ticket, with the ticket's id as its key."""

    @handoff.channel(CHANNEL, label="Sink")
    def send(ticket: Ticket, conversation: Conversation) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        body = json.dumps({"reference": ticket.reference, "pairs": conversation.as_json()})
        try:
            connection.request("POST", "/", body, {"Idempotency-Key": str(ticket.id)})
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise TryLater(f"no reply: {type(error).__name__}") from error
        finally:
            connection.close()
        if status != 204:
            raise TryLater(f"status {status}")


class Sink:
    """Takes what comes, key by key. Subclasses reply later, or hang up."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        """The reference and the key of each request that was read to its end."""
        self.stopped = threading.Event()
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                body = self.rfile.read(length)
                if len(body) != length:
                    return  # the other side was killed in the middle of it
                sink.taken.append((json.loads(body)["reference"], self.headers["Idempotency-Key"]))
                if sink.replies():
                    self.send_response(204)
                    self.end_headers()

            def log_message(self, *words: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # the other side was killed
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.port: int = self._server.server_address[1]

    def replies(self) -> bool:
        """Whether it replies to the request that it has just read, or hangs up."""
        return True

    def __enter__(self: Self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
