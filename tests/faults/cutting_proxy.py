"""A proxy before PostgreSQL that cuts the connection around a COMMIT, so the client cannot know the outcome."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

COMMIT = b"COMMIT\0"


class CuttingProxy:
    """Listens on loopback and forwards everything to a server, except the commit at which it must cut.

    Arguments:
        socket_of_server: the path of the socket that the server listens at.
    """

    def __init__(self, socket_of_server: str) -> None:
        self._server = socket_of_server
        self._cut: str | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lines: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> CuttingProxy:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in list(self._lines):
            _hang_up(line)
        for thread in self._threads:
            thread.join(10)
        for line in self._lines:
            line.close()

    def cut_next_commit(self, *, arrives: bool) -> None:
        """Cut the connection at the next commit: before the server gets it, or after the server has done it."""
        self._cut = "after" if arrives else "before"

    @property
    def has_cut(self) -> bool:
        """Whether it has cut the connection."""
        return self._cut is None

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._server)
            self._lines += [client, server]
            answers_wanted = threading.Event()
            answers_wanted.set()
            for pump in (self._pass_on, self._pass_back):
                thread = threading.Thread(target=pump, args=(client, server, answers_wanted), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, client: socket.socket, server: socket.socket, answers_wanted: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while said := client.recv(65_536):
                if self._cut == "before" and COMMIT in said:
                    self._cut = None
                    break
                if self._cut == "after" and COMMIT in said:
                    answers_wanted.clear()
                server.sendall(said)
        _hang_up(client)
        _hang_up(server)

    def _pass_back(self, client: socket.socket, server: socket.socket, answers_wanted: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65_536):
                if not answers_wanted.is_set():  # the answer to the commit: it is done
                    self._cut = None
                    break
                client.sendall(said)
        _hang_up(server)
        _hang_up(client)


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
