"""Processes that send tickets, all at the same moment, by several threads each: as a site's web workers do."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.state import state_of
from tests.helpers.offers import signed_offer
from tests.helpers.sites import close
from tests.helpers.tickets import PAIR

_ROOT = Path(__file__).parents[2]


class Submitters:
    """A number of processes with the same site on the same database.

    Arguments:
        uri: of the database, whose tables are there.
        processes: how many.
        config: of the site.
    """

    def __init__(self, uri: str, processes: int, **config: Any) -> None:
        site = json.dumps({"KAPA_HANDOFF_DATABASE_URI": uri, **config})
        command = [sys.executable, "-m", "tests.faults.submitters", site]
        self._processes = [
            subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
            for _ in range(processes)
        ]

    def __enter__(self) -> Submitters:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            if kind is not None:
                process.kill()
            process.communicate(timeout=30)  # closes their input, which is their end

    def submit(self, count: int, *, threads: int, email: str, address: str) -> Counter[str]:
        """Let all of them send at once.

        Arguments:
            count: how many tickets in all; a multiple of the number of processes.
            threads: how many each process has at once.
            email: the visitor's.
            address: the visitor's network address.

        Returns:
            How often each answer came: its status, and its code unless it was stored.
        """
        each, rest = divmod(count, len(self._processes))
        if rest:
            raise ValueError(f"count: {count} is no multiple of {len(self._processes)} processes")
        order = {"count": each, "threads": threads, "email": email, "address": address}
        for line in (json.dumps(order), "go"):
            for process in self._processes:
                self._tell(process, line)
            said = [json.loads(self._hear(process)) for process in self._processes]
        return sum((Counter(answers) for answers in said), Counter())

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: str) -> None:
        if process.stdin is None:
            raise RuntimeError("the process has no input")
        process.stdin.write(line + "\n")

    @staticmethod
    def _hear(process: subprocess.Popen[str]) -> str:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise RuntimeError(f"a submitting process ended with {process.wait(10)}")
        return line


def _serve_orders(config: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = Flask("site", instance_path=folder)
        app.config.update(
            SECRET_KEY="ab3f92c07d51e864",
            KAPA_HANDOFF_EMAIL="support@example.com",
            KAPA_HANDOFF_DELIVERY="external",
            MAIL_DEFAULT_SENDER="site@example.com",
            **config,
        )
        KapaHandoff().init_app(app, admin_required=lambda view: view)  # or else each of them logs that there is none
        for line in sys.stdin:
            _obey(app, **json.loads(line))
        close(app)


def _obey(app: Flask, count: int, threads: int, email: str, address: str) -> None:
    with app.test_request_context():
        signer = state_of(app).offer_signer()
    offer = signer.read(signed_offer(app.test_client()))
    together = threading.Barrier(threads + 1)
    shares = [count // threads + (number < count % threads) for number in range(threads)]

    def send(share: int) -> Counter[str]:
        client = app.test_client()
        answers: Counter[str] = Counter()
        together.wait(60)
        for _ in range(share):
            answer = client.post(
                "/handoff/tickets",
                data={
                    "offer": signer.sign(offer.for_one_form()),
                    "submission_id": str(uuid.uuid4()),
                    "email": email,
                    "note": "It does not work on Tuesdays.",
                    "conversation": json.dumps([PAIR]),
                },
                headers={"Accept": "application/json"},
                environ_overrides={"REMOTE_ADDR": address},
            )
            code = (answer.get_json(silent=True) or {}).get("error", {}).get("code", "")
            answers[f"{answer.status_code} {code}".strip()] += 1
        return answers

    with ThreadPoolExecutor(threads) as pool:
        sending = [pool.submit(send, share) for share in shares]
        print("{}", flush=True)
        sys.stdin.readline()
        together.wait(60)
        print(json.dumps(sum((one.result() for one in sending), Counter())), flush=True)


if __name__ == "__main__":
    _serve_orders(json.loads(sys.argv[1]))
