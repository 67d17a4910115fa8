"""The site's secret key: one that cannot sign stops the start, one that can be guessed is a warning."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import ConfigurationError
from flask_kapa_handoff.doctor import Level
from flask_kapa_handoff.doctor.secret import examine_secret
from flask_kapa_handoff.state import state_of
from tests.helpers.commands import findings

ROOT = Path(__file__).parent.parent

EXAMPLES = {
    key
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    for key in re.findall(r"SECRET_KEY[\"']?\]? ?= ?\"(.+?)\"", page.read_text())
}


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("key", [12345, 1.5, ["a", "b"], True])
def test_a_key_that_is_no_text_stops_the_start(make_app: Callable[..., Flask], key: Any) -> None:
    """As `FLASK_SECRET_KEY=12345` gives; the message does not repeat it."""
    with pytest.raises(ConfigurationError, match=r"SECRET_KEY: \w+ is not allowed: use text or bytes") as caught:
        make_app(SECRET_KEY=key)
    assert "12345" not in str(caught.value)


@pytest.mark.only("sqlite")
def test_a_key_that_is_set_later_is_found_by_the_check_up(app: Flask) -> None:
    """Which does not fail itself."""
    app.config["SECRET_KEY"] = 12345
    code, output = findings(app)
    assert code == 1
    assert "problem  SECRET_KEY: int is not allowed: use text or bytes" in output
    with pytest.raises(ConfigurationError, match="SECRET_KEY: int is not allowed"):
        state_of(app).offer_signer()


def test_the_examples_of_the_documentation_are_looked_for() -> None:
    """There is at least one."""
    assert "a long random value" in EXAMPLES


@pytest.mark.parametrize(
    "key",
    [
        *sorted(EXAMPLES),
        "dev",
        "changeme",
        "correct horse battery staple",
        "change-me-before-production",
        "SuperSecretKey_2026",
        "my_very_secret_key_123!",
        b"a long random value",
        "0123012301230123",
    ],
)
def test_a_key_that_can_be_guessed_is_a_warning(key: str | bytes) -> None:
    """Whether it is short, made of words, or repeats itself; it is not shown."""
    finding = examine_secret(key)
    assert finding.level is Level.WARNING
    assert "token_hex" in str(finding.remedy)
    assert str(key) not in str(finding.what)


@pytest.mark.parametrize("key", ["ab3f92c07d51e864" * 2, "Zk3-9dQ_fJx7PqLm2vRt8sWn", bytes(range(130, 154))])
def test_a_random_key_is_ok(key: str | bytes) -> None:
    """As the remedy makes one, and other usual ways."""
    assert examine_secret(key).level is Level.OK
