"""The processes of a run: gunicorn for each contender, and the mail sinks. All of them end with the run."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from .contenders import DIRECTORY, SMTP_PORT

ROOT = Path(__file__).parents[1]
WORKERS, THREADS = 2, 8


class _Group:
    """A process with its children, in a process group of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def signal(self, number: int) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, number)

    def end(self) -> None:
        # Killed, since its data is in a directory that is deleted next.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Server:
    """One contender under gunicorn. Outside its turns it is suspended, with its delivery threads."""

    def __init__(self, name: str, port: int, group: _Group, directory: Path) -> None:
        self.name = name
        self.port = port
        self.directory = directory
        self._group = group

    def freeze(self) -> None:
        self._group.signal(signal.SIGSTOP)

    def errors(self) -> str:
        """The end of the server's error log."""
        return (self.directory / "errors.txt").read_text()[-3000:]

    def thaw(self) -> None:
        self._group.signal(signal.SIGCONT)


class Processes:
    """Starts processes, and ends all of them at the end of the ``with`` block."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._groups: list[_Group] = []

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for group in self._groups:
            group.end()

    def mail_sink(self, delay_milliseconds: int) -> int:
        """Start an SMTP server; return its port."""
        process = self._start([sys.executable, "-m", "benchmarks.mail_sink", str(delay_milliseconds)])
        assert process.stdout is not None
        return int(process.stdout.readline())

    def server(self, name: str, smtp_port: int, *, workers: int = WORKERS) -> Server:
        """Start a contender; it serves requests when this returns."""
        directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._directory))
        with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
            descriptor, port = listener.fileno(), listener.getsockname()[1]
            command = [sys.executable, "-m", "gunicorn", f"benchmarks.contenders:{name}()"]
            command += ["--bind", f"fd://{descriptor}", "--worker-class", "gthread", "--log-level", "warning"]
            # No time-out: a suspended worker sends no heartbeat.
            command += ["--workers", str(workers), "--threads", str(THREADS), "--timeout", "0", "--keep-alive", "600"]
            environment = {DIRECTORY: str(directory), SMTP_PORT: str(smtp_port)}
            process = self._start(command, environment, (descriptor,), directory / "errors.txt")
        self._wait(process, port, directory / "errors.txt")
        return Server(name, port, self._groups[-1], directory)

    def worker(self, directory: Path, connections: int = 2) -> int:
        """Start ``flask kapa-handoff worker`` for the tickets in a directory; return the process id."""
        command = [sys.executable, "-m", "flask", "--app", f"benchmarks.contenders:submit('external', {connections})"]
        process = self._start([*command, "kapa-handoff", "worker"], errors=directory / "errors.txt")
        return process.pid

    def _start(
        self,
        command: list[str],
        environment: dict[str, str] | None = None,
        descriptors: tuple[int, ...] = (),
        errors: Path | None = None,
    ) -> subprocess.Popen[str]:
        with Path(errors or os.devnull).open("w") as errors_file:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                pass_fds=descriptors,
                start_new_session=True,
                stdout=subprocess.PIPE,
                stderr=errors_file,
                text=True,
            )
        self._groups.append(_Group(process))
        return process

    @staticmethod
    def _wait(process: subprocess.Popen[str], port: int, errors: Path) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.settimeout(max(0.1, deadline - time.monotonic()))
                connection.sendall(b"GET /none HTTP/1.0\r\n\r\n")
                if connection.recv(1):
                    return
        raise RuntimeError(f"a server did not start: {errors.read_text()[-2000:]}")
