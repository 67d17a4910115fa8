"""A small SMTP server that plays faults at any step: refusals, silence, a lost connection, a drip, a flood."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, TypeVar

HANG_UP = "hang up"
"""Instead of a reply, the connection is closed."""

SILENCE = "silence"
"""Instead of a reply, nothing comes, and the connection stays open."""

DRIP = "drip "
"""A reply that begins with it comes byte by byte, which takes longer than any client waits."""

FLOOD = "flood"
"""A reply that never ends: line after line, until the other side has enough."""

_BETWEEN_DROPS = 0.3

_DEFAULTS = {
    "TLS": "",
    "TEXT": "",
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

Self = TypeVar("Self", bound="ScriptedServer")


class ScriptedServer:
    """Plays a script, one connection a thread.

    Arguments:
        script: for each step (a verb, ``CONNECT``, ``TLS``, which is before the handshake, ``TEXT``, which is before
            the first line of the mail, or ``END``, the dot after it) the replies to give one after another;
            afterwards all goes well. A reply ending in :data:`HANG_UP` is said, and then the connection is closed. A
            callable is asked when its turn comes; it may wait. At ``TEXT`` they say how the mail is read: not to its
            end, not at all, or drop by drop, until ``read_on`` is set.
        extensions: what EHLO offers.
        starttls, tls: the certificate to show after STARTTLS, or from the start.
        narrow: whether the network takes little that was not read.
    """

    def __init__(
        self,
        script: dict[str, list[Reply]] | None = None,
        *,
        extensions: Iterable[str] = (),
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        port: int = 0,
        narrow: bool = False,
    ) -> None:
        self.script = {step: list(replies) for step, replies in (script or {}).items()}
        self.lines: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.starttls, self.tls = starttls, tls
        self.read_on = threading.Event()
        self.extensions = list(extensions)
        self._news = threading.Condition()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if narrow:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self: Self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self.read_on.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)

    def verbs(self) -> list[str]:
        """The steps so far, in order, of all connections."""
        return [line.split(" ")[0].upper() for line in list(self.lines)]

    @property
    def open(self) -> int:
        """How many connections there are at this moment."""
        return len(self._open)

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20.0) -> None:
        """Wait until the condition holds; it is looked at after each step and each end of a connection."""
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
        files = contextlib.ExitStack()  # they keep their connection open
        try:
            if self.tls is not None:
                connection = self._wrapped(plain, self.tls)
            file = files.enter_context(connection.makefile("rb"))
            if self._say(connection, "CONNECT") is None:
                return
            while line := file.readline():
                text = line.decode("latin-1").rstrip("\r\n")
                verb = text.split(" ")[0].upper()
                self._note(text)
                said = self._say(connection, verb)
                if said is None or verb == "QUIT":
                    return
                if verb == "STARTTLS" and self.starttls is not None:
                    connection = self._wrapped(plain, self.starttls)
                    file = files.enter_context(connection.makefile("rb"))
                elif verb == "DATA" and said.startswith("354"):
                    if not self._take_mail(connection, file):
                        return
                    self._note("END")
                    if self._say(connection, "END") is None:
                        return
        except (OSError, ssl.SSLError):
            pass
        finally:
            with contextlib.suppress(OSError):
                files.close()
            with contextlib.suppress(OSError):
                connection.close()
            plain.close()
            with self._news:
                self._open -= {plain, connection}
                self._news.notify_all()

    def _wrapped(self, plain: socket.socket, context: ssl.SSLContext) -> socket.socket:
        if self._say(plain, "TLS") is None:
            raise ConnectionAbortedError("no handshake")
        wrapped = context.wrap_socket(plain, server_side=True)
        self._open.symmetric_difference_update({plain, wrapped})
        return wrapped

    def _take_mail(self, connection: socket.socket, file: BinaryIO) -> bool:
        """Read the mail, if that is what the script says; whether the connection goes on."""
        how = self._next("TEXT")
        if how == HANG_UP:
            file.read(100)
            return False
        if how:
            while how == DRIP and not self.read_on.wait(_BETWEEN_DROPS):
                connection.recv(1)
            self.read_on.wait()
            _read_to_the_end(connection)
            return False
        mail = b""
        while (line := file.readline()) != b".\r\n":
            if not line:
                return False  # the other side went away in the middle of it
            mail += line
        # Here, before the reply: what was taken cannot be given back by a lost connection.
        if not str((self.script.get("END") or [""])[0]).startswith(("4", "5")):
            self.mails.append(mail)
        return True

    def _note(self, line: str) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def _next(self, step: str) -> str:
        waiting = self.script.get(step)
        reply = waiting.pop(0) if waiting else _DEFAULTS.get(step, "500 what?")
        return reply() if callable(reply) else reply

    def _say(self, connection: socket.socket, step: str) -> str | None:
        """Reply to a step; returns what was said, none where the connection is at its end."""
        reply = self._next(step)
        if reply == SILENCE:
            _read_to_the_end(connection)
            return None
        while reply == FLOOD:
            connection.sendall(b"250-and so on\r\n" * 100)
        words = reply.removeprefix(DRIP).removesuffix(HANG_UP).rstrip()
        if step == "EHLO" and words.startswith("250 ") and self.extensions:
            names = ["scripted.example", *self.extensions]
            words = "\r\n".join([*(f"250-{name}" for name in names[:-1]), f"250 {names[-1]}"])
        said = words.encode() + b"\r\n" if words else b""
        if reply.startswith(DRIP):
            for octet in said:
                connection.sendall(bytes([octet]))
                self._stopped.wait(_BETWEEN_DROPS)
        else:
            connection.sendall(said)
        return None if reply.endswith(HANG_UP) else words


def _read_to_the_end(connection: socket.socket) -> None:
    """Until the other side closes the connection."""
    while connection.recv(65_536):
        pass


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
