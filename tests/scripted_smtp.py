"""A small SMTP server that plays faults: it is silent, hangs up, refuses at any step, or shows a bad certificate."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

HANG_UP = "hang up"
"""A reply that is none: the connection is closed."""

SILENCE = "silence"
"""A reply that is none: the connection stays open, and nothing comes."""

_DEFAULTS = {
    "CONNECT": "220 scripted.example ESMTP",
    "HELO": "250 scripted.example",
    "EHLO": "250 scripted.example",
    "STARTTLS": "220 go ahead",
    "AUTH": "235 welcome",
    "MAIL": "250 sender ok",
    "RCPT": "250 recipient ok",
    "DATA": "354 go ahead",
    "END": "250 taken",
    "RSET": "250 reset",
    "QUIT": "221 bye",
}

Reply = str | Callable[[], str]


class ScriptedServer:
    """Plays a script, one connection a thread.

    Arguments:
        script: for each step (a verb, ``CONNECT`` or ``END``, the dot after the data) the replies to give one after
            another; afterwards all goes well. A reply ending in :data:`HANG_UP` is said, and then the connection is
            closed. A callable is asked when its turn comes; it may wait.
        extensions: what EHLO offers.
        starttls, tls: the certificate to show after STARTTLS, or from the start.
    """

    def __init__(
        self,
        script: dict[str, list[Reply]] | None = None,
        *,
        extensions: Iterable[str] = (),
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script = {step: list(replies) for step, replies in (script or {}).items()}
        self.lines: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self._extensions, self._starttls, self._tls = list(extensions), starttls, tls
        self._news = threading.Condition()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> ScriptedServer:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def verbs(self) -> list[str]:
        """The steps so far, in order, those of all connections."""
        return [line.split(" ")[0].upper() for line in list(self.lines)]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until the condition holds; it is looked at after each step."""
        with self._news:
            assert self._news.wait_for(condition, seconds), f"it did not come to that; so far: {self.lines}"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        plain = connection
        try:
            if self._tls is not None:
                connection = self._wrapped(plain, self._tls)
            file = connection.makefile("rb")
            if not self._say(connection, "CONNECT"):
                return
            while line := file.readline():
                text = line.decode("latin-1").rstrip("\r\n")
                verb = text.split(" ")[0].upper()
                self._note(text)
                if not self._say(connection, verb):
                    return
                if verb == "STARTTLS" and self._starttls is not None:
                    connection = self._wrapped(plain, self._starttls)
                    file = connection.makefile("rb")
                elif verb == "DATA" and self._last.startswith("354"):
                    mail = b"".join(iter(file.readline, b".\r\n"))
                    # Here, before the reply: what was received cannot be taken back by a lost connection.
                    self.mails.append(mail)
                    self._note("END")
                    if not self._say(connection, "END"):
                        return
                elif verb == "QUIT":
                    return
        except (OSError, ssl.SSLError):
            pass
        finally:
            with contextlib.suppress(OSError):
                connection.close()
            self._open.discard(plain)
            self._open.discard(connection)
            plain.close()

    def _wrapped(self, plain: socket.socket, context: ssl.SSLContext) -> socket.socket:
        wrapped = context.wrap_socket(plain, server_side=True)
        self._open.add(wrapped)
        return wrapped

    def _note(self, line: str) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def _say(self, connection: socket.socket, step: str) -> bool:
        """Reply to a step; whether the connection goes on."""
        waiting = self.script.get(step)
        reply = waiting.pop(0) if waiting else _DEFAULTS.get(step, "500 what?")
        if callable(reply):
            reply = reply()
        self._last = reply
        if reply == SILENCE:
            self._stopped.wait()
            return False
        if step == "EHLO" and reply.startswith("250 ") and self._extensions:
            names = ["scripted.example", *self._extensions]
            reply = "\r\n".join([*(f"250-{name}" for name in names[:-1]), f"250 {names[-1]}"])
        goes_on = not reply.endswith(HANG_UP)
        if words := reply.removesuffix(HANG_UP).rstrip():
            connection.sendall(words.encode() + b"\r\n")
        return goes_on


def make_certificate(folder: Path, *names: str) -> Path:
    """A self-signed certificate for ``names`` (``DNS:mail.example`` or ``IP:127.0.0.1``) with its key, in one file."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
    names_option = f"subjectAltName={','.join(names)}"
    subprocess.run(
        ["openssl", *options.split(), "-addext", names_option, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    both.write_text(key.read_text() + certificate.read_text())
    return both


def server_context(certificate: Path) -> ssl.SSLContext:
    """TLS for a server that shows this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context
