"""The guide to Celery sets up a site that delivers."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from flask import Flask

from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.engines import celery as delivery
from flask_kapa_handoff.delivery.engines import celery_publisher
from tests.helpers.celery_processes import CeleryProcess, references, running, schedule_of
from tests.helpers.redis_server import RedisServer
from tests.helpers.servers import MailServer
from tests.helpers.sites import ROOT

GUIDE = (ROOT / "docs" / "celery.md").read_text()


def blocks(language: str) -> list[str]:
    """The guide's code blocks in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def test_guide_sets_up_a_site_that_delivers(tmp_path: Path, broker: RedisServer, mail_server: MailServer) -> None:
    """The guide's first block is a site, and its commands run beat and the worker that delivers the site's tickets."""
    program = blocks("python")[0].replace("redis://localhost", broker.url)
    program = program.replace('"smtp.example.com"', f'"127.0.0.1"; app.config["MAIL_PORT"] = {mail_server.port}')
    (tmp_path / "website.py").write_text(program)
    run_worker, run_beat = (shlex.split(line) for line in blocks("sh")[1].splitlines())
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    with (
        running(CeleryProcess(*run_worker, folder=tmp_path, PYTHONPATH=path)),
        running(CeleryProcess(*run_beat, folder=tmp_path, PYTHONPATH=path)) as beat,
    ):
        submit = (
            "from website import app; from tests.helpers.tickets import send_ticket; "
            "print(send_ticket(app.test_client()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", submit], env={**os.environ, "PYTHONPATH": path}, capture_output=True, cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        mail_server.wait_for(1)
        assert references(mail_server) == done.stdout.decode().split()
        beat.wait_for("beat: Starting...")


def test_guides_changes_take_effect(make_site: Callable[..., Flask]) -> None:
    """The guide's block of changes gives the tasks their own queue, and the sweep another rhythm."""
    celery_app = make_site().extensions["celery"]
    exec(blocks("python")[1], {"celery_app": celery_app})  # noqa: S102
    assert celery_app.amqp.router.route({}, delivery.DELIVER)["queue"].name == "mail"
    assert schedule_of(celery_app)["kapa-handoff-sweep"].schedule.run_every == timedelta(seconds=10)


def test_guide_names_the_numbers_of_the_code() -> None:
    """What the guide says about times is what the code does."""
    words = " ".join(GUIDE.split())
    assert f"for at most {delivery.BATCH_SECONDS:.0f} seconds" in words
    assert f"plus {outbox.LEASE_MARGIN.seconds} seconds)" in words
    assert (celery_publisher.FLUSH_SECONDS, "at most three seconds" in words) == (3.0, True)
