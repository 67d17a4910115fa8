"""Real Celery processes and what they do: workers, beat, tasks, messages."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import Celery
from celery.beat import Scheduler, Service
from flask import Flask

from tests.helpers.celery_site import celery_init_app, description
from tests.helpers.servers import MailServer
from tests.helpers.sites import ROOT

PERSONAL = ("visitor@example.com", "Tuesdays", "rotate")


def run_task(app: Flask, name: str, *arguments: str) -> None:
    """Do what a worker does with a message."""
    app.extensions["celery"].tasks[name].apply(arguments, throw=True)


def references(server: MailServer) -> list[str]:
    return [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received]


def arguments(message: dict[str, Any]) -> list[Any]:
    """The arguments, keywords and options in a message's body."""
    content: list[Any] = json.loads(base64.b64decode(message["body"]))
    return content


class CeleryProcess:
    """A Celery command: ``celery ...``."""

    def __init__(self, *words: str, folder: Path = ROOT, **environment: str) -> None:
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *words, "--loglevel", "INFO"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        return "".join(self._lines)

    def wait_for(self, words: str) -> None:
        """Wait until the log contains a text."""
        with self._news:
            assert self._news.wait_for(lambda: words in self.log, 60), self.log

    def kill(self) -> None:
        """End it and its children without any warning."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end()

    def _end(self) -> None:
        self._process.wait()
        self._reader.join(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._lines.append(line)
                self._news.notify_all()


@contextmanager
def running(process: CeleryProcess) -> Iterator[CeleryProcess]:
    """Stop the process at the end."""
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def worker(app: Flask, *options: str) -> Iterator[CeleryProcess]:
    """A worker with two child processes, for the same site as an app of the test."""
    command = ["celery", "-A", "tests.helpers.celery_site", "worker", "--pool", "prefork", "-c", "2", *options]
    with running(CeleryProcess(*command, CELERY_SITE=description(app))) as process:
        process.wait_for("ready.")
        yield process


@contextmanager
def worker_with_beat(app: Flask) -> Iterator[CeleryProcess]:
    """The same with beat in it, which runs the sweep every half second."""
    with worker(app, "--beat", "--schedule", f"{app.instance_path}/schedule") as process:
        yield process


class Watch:
    def __init__(self, see: Callable[[str], object]) -> None:
        self._see = see

    def filter(self, record: Any) -> bool:
        self._see(record.getMessage())
        return True


def celery_init_app_of(app: Flask) -> Celery:
    app.config["CELERY"] = {"broker_url": "memory://"}
    return celery_init_app(app)


def schedule_of(celery_app: Celery) -> dict[str, Any]:
    """The schedule that beat uses, once it has started."""
    service = Service(celery_app, scheduler_cls=Scheduler)
    service.stop()  # at once after its start
    service.start()
    schedule: dict[str, Any] = service.scheduler.schedule
    return schedule
