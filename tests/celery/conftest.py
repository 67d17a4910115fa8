"""A real broker, and sites with a Celery app."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import KapaHandoff
from tests.helpers.celery_site import celery_init_app
from tests.helpers.redis_server import RedisServer


@pytest.fixture
def broker() -> Iterator[RedisServer]:
    """A Redis of this test."""
    with closing(RedisServer().start()) as server:
        yield server


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> Callable[..., Flask]:
    """Builds apps with a Celery app, which deliver to a mail server of the test."""

    def build(broker: RedisServer | str = "memory://", *, handoff: KapaHandoff | None = None, **config: Any) -> Flask:
        url = broker if isinstance(broker, str) else broker.url
        values = {
            "KAPA_HANDOFF_DELIVERY": "celery",
            "CELERY": {"broker_url": url},
            "MAIL_SERVER": "127.0.0.1",
            "MAIL_PORT": 1,
            **config,
        }
        app = make_app(mount=False, **values)
        celery_init_app(app)
        (handoff or KapaHandoff(admin_required=lambda view: view)).init_app(app)
        return app

    return build
