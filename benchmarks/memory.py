"""Measures the memory of ``flask kapa-handoff worker`` while it delivers ten thousand tickets. Linux only (/proc)."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from .contenders import DIRECTORY, SMTP_PORT, submit
from .duels import delivered_in
from .mailers import fill
from .requests_of_visitors import CONVERSATION_BYTES
from .servers import Processes

MOMENTS = (100, 1_000, 5_000, 10_000)


def worker_memory(directory: Path, checkpoints: tuple[int, ...] = MOMENTS) -> Iterator[tuple[int, float]]:
    """Let a worker deliver; yield how many tickets it has delivered, and how many megabytes it uses."""
    directory = Path(tempfile.mkdtemp(prefix="worker-", dir=directory))
    with Processes(directory) as processes:
        os.environ[DIRECTORY], os.environ[SMTP_PORT] = str(directory), str(processes.mail_sink(0))
        fill(submit("external"), checkpoints[-1], CONVERSATION_BYTES)
        worker = processes.worker(directory)
        deadline = time.monotonic() + checkpoints[-1] / 10
        for checkpoint in checkpoints:
            while (found := delivered_in(directory)) < checkpoint:
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"only {found:,} tickets were delivered\n{(directory / 'errors.txt').read_text()}"
                    )
                time.sleep(0.05)
            yield found, _megabytes(worker)


def _megabytes(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024
