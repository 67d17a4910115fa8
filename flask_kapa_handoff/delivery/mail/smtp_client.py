"""smtplib's client with an overall deadline: no server can make a mail take longer than its ticket's lease.

smtplib's timeout is for each wait on the network. A server that sends one byte now and then, never ends a reply, or
reads a mail as slowly, could hold a ticket for hours, and another process would send the mail, too.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from .replies import words_of_reply

LONGEST_REPLY = 100_000
"""The most octets of one reply. RFC 5321, 4.5.3.1.5, allows 512 per line; endless lines would fill the memory."""

_PIECE = 16_384  # octets that are sent within one timeout; a TLS record


class SMTPClient(smtplib.SMTP):
    """A client with a deadline that remembers the server's last refusal.

    Arguments:
        deadline: the moment (``time.monotonic()``) at which everything must end.
        timeout: seconds for a connection, for each reply as a whole, and for each piece of a mail that is sent.
    """

    timeout: float

    def __init__(self, deadline: float, server: str, port: int, *, timeout: float) -> None:
        self.deadline = deadline
        self.refusal: str | None = None
        super().__init__(server, port, _client_name(), timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        problem: OSError | None = None
        for family, kind, protocol, _, address in _resolve(host, port, self.seconds_left()):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(self.seconds_left())
                sock.connect(address)
                # A mail is sent in pieces: the last one must not wait for the acknowledgement of those before it.
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(self.seconds_left())
                return sock
            except OSError as error:
                sock.close()
                problem = error
        raise problem or OSError(f"there is no address for {host}")

    def send(self, s: Any) -> None:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        try:
            for start in range(0, len(data), _PIECE):
                self.sock.settimeout(self.seconds_left())
                self.sock.sendall(data[start : start + _PIECE])
        except OSError as error:
            self.close()
            raise smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}") from None

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = io.BufferedReader(_Incoming(self))
        self.file.raw.begin_reply()
        code, reply = super().getreply()
        if code >= 400:
            self.refusal = words_of_reply(code, reply)
        if self.sock is not None:
            # A handshake may follow, for which smtplib uses the socket itself.
            self.sock.settimeout(max(0.001, min(self.timeout, self.deadline - time.monotonic())))
        return code, reply

    def has_said_more(self) -> bool:
        """Whether the server has sent a reply too many, which would pass for the reply to what comes next."""
        if self.file is None:
            return False
        with self.file.raw.without_waiting():
            return bool(self.file.peek())

    def seconds_left(self, end: float | None = None) -> float:
        """The time limit in seconds for the next wait.

        Arguments:
            end: the moment at which it must end; None: the timeout, from now.

        Raises:
            TimeoutError: no time is left.
        """
        moment = time.monotonic()
        left = min(moment + self.timeout if end is None else end, self.deadline) - moment
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class EncryptedSMTPClient(SMTPClient):
    """The same, encrypted from the start."""

    default_port = smtplib.SMTP_SSL_PORT

    def __init__(self, deadline: float, server: str, port: int, *, timeout: float, context: ssl.SSLContext) -> None:
        self._context = context
        self._server = server
        super().__init__(deadline, server, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._context.wrap_socket(super()._get_socket(host, port, timeout), server_hostname=self._server)


class _Incoming(io.RawIOBase):
    """A server's replies. Checks the deadline before each wait."""

    def __init__(self, client: SMTPClient) -> None:
        self._client = client
        self._end = 0.0
        self._octets = 0
        self._waits = True

    def begin_reply(self) -> None:
        self._end = time.monotonic() + self._client.timeout
        self._octets = 0

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Read only what has arrived."""
        self._waits = False
        try:
            yield
        finally:
            self._waits = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        sock = self._client.sock
        if sock is None:
            return 0
        if self._octets > LONGEST_REPLY:
            raise OSError(f"a reply of more than {LONGEST_REPLY} octets")
        sock.settimeout(self._client.seconds_left(self._end) if self._waits else 0)
        try:
            octets = sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):  # nothing has
            return None
        self._octets += octets
        return octets


def _resolve(host: str, port: int, seconds: float) -> list[Any]:
    """The addresses of a host. ``getaddrinfo()`` has no timeout, so another thread waits for it."""
    found: SimpleQueue[list[Any] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except Exception as error:
            found.put(error)

    try:
        threading.Thread(target=ask, name="dns-of-kapa-handoff", daemon=True).start()
    except RuntimeError:  # the process cannot start threads, or is about to end
        ask()
    try:
        addresses = found.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"looking up {host} timed out") from None
    if isinstance(addresses, Exception):
        raise addresses
    return addresses


def _client_name() -> str:
    # Passed explicitly, since smtplib would ask the DNS for it without a time limit. RFC 5321, 4.1.3: an address
    # literal if there is no full name.
    name = socket.gethostname()
    return name if "." in name else "[127.0.0.1]"
