"""Delivery by Celery: what a site must have set up, and what stays unchanged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Celery
from flask import Flask

from flask_kapa_handoff import ConfigurationError, KapaHandoff
from flask_kapa_handoff.delivery.engines import celery as delivery
from tests.helpers.celery_processes import celery_init_app_of, schedule_of


def test_celery_that_is_not_installed_stops_the_start(tmp_path: Path) -> None:
    """Without Celery, asking for it stops the start with the command that installs it; no other mode needs it."""
    program = (
        "import sys; sys.modules['celery'] = None\n"
        "from flask import Flask; from flask_kapa_handoff import KapaHandoff\n"
        "KapaHandoff(Flask('one'))\n"
        "app = Flask('two'); app.config['KAPA_HANDOFF_DELIVERY'] = 'celery'\n"
        "KapaHandoff(app)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "ConfigurationError: KAPA_HANDOFF_DELIVERY" in done.stderr
    assert "pip install flask-kapa-handoff[celery]" in done.stderr


@pytest.mark.parametrize("found", [None, object()])
def test_missing_celery_app_stops_the_start(make_app: Callable[..., Flask], found: object) -> None:
    """Without a Celery app where Flask's documentation puts it, the start stops and says what to do."""
    app = make_app(mount=False, KAPA_HANDOFF_DELIVERY="celery")
    if found is not None:
        app.extensions["celery"] = found
    with pytest.raises(ConfigurationError, match=r'app\.extensions\["celery"\].*before KapaHandoff'):
        KapaHandoff(app)
    celery_init_app_of(app)
    KapaHandoff(app)


def test_celery_app_of_two_flask_apps_stops_the_start(make_app: Callable[..., Flask]) -> None:
    """One Celery app cannot deliver the tickets of two Flask apps: a reference does not say whose it is."""
    one, two = (make_app(name=name, mount=False, KAPA_HANDOFF_DELIVERY="celery") for name in ("one", "two"))
    two.extensions["celery"] = celery_init_app_of(one)
    KapaHandoff(one)
    with pytest.raises(ConfigurationError, match="a Celery app for each Flask app"):
        KapaHandoff(two)


def test_setting_up_leaves_the_celery_app_as_it_was(make_site: Callable[..., Flask]) -> None:
    """The start reads no Celery configuration and finalises nothing: the site may go on setting its Celery app up."""
    celery_app = make_site().extensions["celery"]
    assert not celery_app.configured
    assert not celery_app.finalized
    celery_app.config_from_object({"broker_url": "memory://", "task_routes": {"kapa_handoff.*": {"queue": "mail"}}})
    assert {delivery.DELIVER, delivery.SWEEP} <= set(celery_app.tasks)
    assert celery_app.conf.task_routes == {"kapa_handoff.*": {"queue": "mail"}}


@pytest.mark.parametrize("when", ["in the configuration", "after KapaHandoff", "not at all"])
def test_beat_sweeps_every_minute_beside_the_sites_own_entries(make_site: Callable[..., Flask], when: str) -> None:
    """Beat has the sweep whenever and however the site has made its own schedule, which stays."""
    own = {"own": {"task": "site.own", "schedule": 5.0}}
    configured = {"broker_url": "memory://", **({"beat_schedule": own} if when == "in the configuration" else {})}
    celery_app = make_site(CELERY=configured).extensions["celery"]
    if when == "after KapaHandoff":
        celery_app.conf.beat_schedule = own
    schedule = schedule_of(celery_app)
    assert set(schedule) - {"celery.backend_cleanup"} == {"kapa-handoff-sweep"} | (
        set() if when == "not at all" else {"own"}
    )
    sweep = schedule["kapa-handoff-sweep"]
    assert (sweep.task, sweep.schedule.run_every, sweep.options) == (
        "kapa_handoff.sweep",
        timedelta(minutes=1),
        {"expires": 300.0},
    )
    assert list(own) == ["own"]


def test_own_entry_of_the_site_takes_precedence(make_site: Callable[..., Flask]) -> None:
    """A site that wants another rhythm gives an entry of the same name."""
    own = {"kapa-handoff-sweep": {"task": "kapa_handoff.sweep", "schedule": 10.0}}
    celery_app = make_site(CELERY={"broker_url": "memory://", "beat_schedule": own}).extensions["celery"]
    assert schedule_of(celery_app)["kapa-handoff-sweep"].schedule.run_every == timedelta(seconds=10)


def test_other_celery_apps_are_left_alone(make_site: Callable[..., Flask]) -> None:
    """A Celery app without the handoff gets neither tasks nor an entry."""
    make_site()
    other = Celery("other", broker="memory://", set_as_current=False)
    assert delivery.DELIVER not in other.tasks
    assert "kapa-handoff-sweep" not in schedule_of(other)
