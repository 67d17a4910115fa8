"""Two checkouts of this package side by side: ``python -m benchmarks.two_versions BEFORE [AFTER]``.

Each measurement runs in its own process and uses only public interfaces: the import, the visitor's routes, and the
command that delivers. The two take turns, and the ratio of their processor times is printed.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SIZES = (6_000, 20_000)
ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.two_versions", description=__doc__)
    parser.add_argument("before", type=Path, help="a checkout of the version to compare with")
    parser.add_argument("after", type=Path, nargs="?", default=Path(), help="default: the current directory")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bytecode-") as bytecode, _mail_sink() as port:
        # As installed by pip. Otherwise, each process may compile the package, which takes longer than running it.
        os.environ |= {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
        for name in MEASURED:
            times: dict[Path, list[float]] = {chosen.before: [], chosen.after: []}
            for number in range(chosen.rounds + 1):
                turn = (chosen.before, chosen.after)
                for checkout in turn if number % 2 == 0 else turn[::-1]:
                    times[checkout].append(_seconds(checkout, name, port))
            # The first round wrote the bytecode.
            before, after = times[chosen.before][1:], times[chosen.after][1:]
            ratio = statistics.median(after) / statistics.median(before)
            print(
                f"{name:28} after : before {ratio:5.2f} (fastest {min(after) / min(before):.2f}); "
                f"before {statistics.median(before) * 1000:.2f} ms",
                flush=True,
            )


@contextmanager
def _mail_sink() -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.mail_sink", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sink:
        if sink.stdout is None:
            raise RuntimeError("the mail sink has no output")
        try:
            yield int(sink.stdout.readline())
        finally:
            sink.terminate()


def _seconds(checkout: Path, name: str, port: int) -> float:
    """Processor time of one unit of work, in seconds, measured in a new process."""
    environment = {**os.environ, "PYTHONPATH": str(checkout.resolve()), "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory(prefix="two-versions-") as folder:
        command = [sys.executable, str(Path(__file__).resolve()), name, str(port)]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if not Path(found["package"]).is_relative_to(checkout.resolve()):
        raise RuntimeError(f"measured {found['package']} instead of {checkout}")
    return float(found["seconds"])


def _site(port: int = 0) -> Any:
    from flask import Flask

    from flask_kapa_handoff import KapaHandoff

    app = Flask("two_versions", instance_path=str(Path.cwd()))
    app.config.update(
        SECRET_KEY="a secret of the benchmark",
        MAIL_SERVER="127.0.0.1",
        MAIL_PORT=port,
        MAIL_DEFAULT_SENDER="site@example.com",
        KAPA_HANDOFF_EMAIL="help@example.com",
        KAPA_HANDOFF_DELIVERY="external",
        KAPA_HANDOFF_TICKETS_PER_HOUR=1_000_000,
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1_000_000,
        KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1_000_000,
    )
    KapaHandoff(app)
    return app


def _import(port: int) -> float:
    began = time.process_time()
    _site()
    return time.process_time() - began


def _submit(size: int, *, as_json: bool) -> Callable[[int], float]:
    def measure(port: int, tickets: int = 150) -> float:
        client = _site().test_client()
        send = _sender(client, size, as_json=as_json)
        for _ in range(20):
            send()
        offers = [_offer(client, size) for _ in range(tickets)]
        began = time.process_time()
        for offer in offers:
            send(offer)
        return (time.process_time() - began) / tickets

    return measure


def _deliver(size: int) -> Callable[[int], float]:
    def measure(port: int, tickets: int = 150) -> float:
        app = _site(port)
        send = _sender(app.test_client(), size, as_json=False)
        for _ in range(tickets):
            send()
        began = time.process_time()
        result = app.test_cli_runner().invoke(args=["kapa-handoff", "deliver"])
        took = time.process_time() - began
        if result.exit_code or str(tickets) not in result.output:
            raise RuntimeError(f"not delivered: {result.output[-500:]}")
        return took / tickets

    return measure


def _pairs(size: int) -> list[dict[str, object]]:
    from benchmarks.requests_of_visitors import conversation

    return conversation(size)


def _offer(client: Any, size: int) -> str:
    pairs = _pairs(size)
    query = {"pairs": len(pairs), "answer_id": str(pairs[-1]["id"]), "thread_id": str(uuid.uuid4())}
    found = client.get("/handoff/offer", query_string=query, headers={"Accept": "application/json"})
    return str(found.get_json()["offer"])


def _sender(client: Any, size: int, *, as_json: bool) -> Callable[..., None]:
    pairs = _pairs(size)
    text = json.dumps(pairs, ensure_ascii=False, separators=(",", ":"))

    def send(offer: str | None = None) -> None:
        fields = {
            "offer": offer or _offer(client, size),
            "submission_id": str(uuid.uuid4()),
            "email": f"visitor.{uuid.uuid4().hex[:10]}@example.com",
            "note": "The token of our API was refused since the update; the password is the same. Is there a way?",
        }
        if as_json:
            response = client.post("/handoff/tickets", json={**fields, "conversation": pairs})
        else:
            response = client.post("/handoff/tickets", data={**fields, "conversation": text})
        if response.status_code != 201:
            raise RuntimeError(f"{response.status}: {response.text[:500]}")

    return send


MEASURED: dict[str, Callable[[int], float]] = {
    "import and setup": _import,
    **{
        f"submit, {size // 1000} kB, {'JSON' if as_json else 'form'}": _submit(size, as_json=as_json)
        for size in SIZES
        for as_json in (False, True)
    },
    **{f"delivery, {size // 1000} kB": _deliver(size) for size in SIZES},
}


def _measure() -> None:
    logging.disable(logging.CRITICAL)
    # The input comes from this checkout, whichever version is measured.
    sys.path.append(str(Path(__file__).parent.parent))
    seconds = MEASURED[sys.argv[1]](int(sys.argv[2]))
    import flask_kapa_handoff

    print(json.dumps({"seconds": seconds, "package": str(Path(flask_kapa_handoff.__file__).resolve())}))


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in MEASURED:
        _measure()
    else:
        main()
