"""Offers: as the browser gets them, once more, of long ago."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import make_offer
from flask_kapa_handoff.triggers import Facts, Trigger

DAY = 24 * 60 * 60


def signed_offer(client: FlaskClient, **facts: Any) -> str:
    """An offer as the browser gets it."""
    return make_offer(client, **{"thread_id": "thread-1", "answer_id": "a1", **facts})


def own_offer(client: FlaskClient, offer: str) -> str:
    """Another offer with the same content, for one more ticket; makes no query."""
    app = client.application
    with app.test_request_context():
        signer = state_of(app).offer_signer()
        return signer.sign(signer.read(offer).for_one_form())


def sign_earlier(monkeypatch: pytest.MonkeyPatch, seconds: int, sign: Callable[[], str]) -> str:
    """What ``sign`` returns, as if signed this many seconds ago."""
    stamp = int(time.time()) - seconds
    with monkeypatch.context() as patched:
        patched.setattr(TimestampSigner, "get_timestamp", lambda self: stamp)
        return sign()


def old_offer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch, seconds: int = DAY + 5) -> str:
    """An offer from GET /offer that is so many seconds old."""
    return sign_earlier(monkeypatch, seconds, lambda: signed_offer(client))


def offer_without_database(app: Flask) -> str:
    return state_of(app).offer_signer().sign(Offer((Trigger.ALWAYS,), Facts(1), "default", "t1"))
