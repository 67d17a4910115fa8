"""A site as Flask's documentation sets Celery up; also for `celery -A tests.helpers.celery_site`."""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery, Task
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.delivery.engines import celery as delivery
from flask_kapa_handoff.state import state_of


def celery_init_app(app: Flask) -> Celery:
    """As in "Background Tasks with Celery" of Flask's documentation."""

    class FlaskTask(Task):  # type: ignore[misc]  # Celery has no types
        def __call__(self, *args: object, **kwargs: object) -> object:
            with app.app_context():
                return self.run(*args, **kwargs)

    celery_app = Celery(app.name, task_cls=FlaskTask)
    celery_app.config_from_object(app.config["CELERY"])
    celery_app.set_default()
    app.extensions["celery"] = celery_app
    return celery_app


def description(app: Flask) -> str:
    """What a worker process needs to build the same site."""
    shared = {key: value for key, value in app.config.items() if key.startswith(("KAPA_HANDOFF_", "MAIL_", "CELERY"))}
    return json.dumps({"name": app.name, "instance_path": app.instance_path, "config": shared})


def same_site(described: dict[str, Any]) -> Flask:
    app = Flask(described["name"], instance_path=described["instance_path"])
    app.config.update(described["config"], SECRET_KEY="ab3f92c07d51e864")
    celery_init_app(app)
    KapaHandoff(app, admin_required=lambda view: view)
    return app


if "CELERY_SITE" in os.environ:
    delivery.SWEEP_SECONDS = 0.5
    flask_app = same_site(json.loads(os.environ["CELERY_SITE"]))
    celery_app = flask_app.extensions["celery"]
    # What a site may well do at import, before the worker forks: no child may use this connection.
    with state_of(flask_app).database.read() as connection:
        connection.exec_driver_sql("SELECT 1")
