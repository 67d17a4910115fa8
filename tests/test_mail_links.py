"""The tokens of links in mails."""

from __future__ import annotations

import time
from uuid import uuid4

import pytest

from flask_kapa_handoff.mail_links import MAX_AGE_DAYS, LinkInvalid, LinkKind, LinkSigner

SIGNER = LinkSigner([b"key"], "site /handoff")


def test_a_token_says_nothing_but_the_row() -> None:
    """It is short, URL-safe, and read back as what it was made of."""
    of = uuid4()
    token = SIGNER.sign(LinkKind.TAKE, of)
    assert len(token) < 80
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert SIGNER.read(token, LinkKind.TAKE, LinkKind.TAKE_REMINDED) == (LinkKind.TAKE, of)


def test_a_token_of_another_key_kind_or_mount_is_refused() -> None:
    """A key in SECRET_KEY_FALLBACKS goes on being valid."""
    token = SIGNER.sign(LinkKind.TAKE, uuid4())
    assert LinkSigner([b"key", b"new"], "site /handoff").read(token, LinkKind.TAKE)
    for signer, kind in [
        (LinkSigner([b"new"], "site /handoff"), LinkKind.TAKE),
        (LinkSigner([b"key"], "site /help"), LinkKind.TAKE),
        (SIGNER, LinkKind.ARRIVED),
    ]:
        with pytest.raises(LinkInvalid):
            signer.read(token, kind)


@pytest.mark.parametrize(
    "damage", [lambda token: token[:-1], lambda token: f"A{token}", lambda _: "", lambda _: "é" * 9]
)
def test_a_damaged_token_is_refused(damage: object) -> None:
    assert callable(damage)
    with pytest.raises(LinkInvalid):
        SIGNER.read(damage(SIGNER.sign(LinkKind.TAKE, uuid4())), LinkKind.TAKE)


def test_a_token_is_valid_for_thirty_days(monkeypatch: pytest.MonkeyPatch) -> None:
    token, moment = SIGNER.sign(LinkKind.TAKE, uuid4()), time.time()
    monkeypatch.setattr(time, "time", lambda: moment + MAX_AGE_DAYS * 86_400 - 60)
    assert SIGNER.read(token, LinkKind.TAKE)
    monkeypatch.setattr(time, "time", lambda: moment + MAX_AGE_DAYS * 86_400 + 60)
    with pytest.raises(LinkInvalid):
        SIGNER.read(token, LinkKind.TAKE)
