"""Redaction on many texts: how many secrets it finds, and how often it masks what is none."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.redaction import redact
from tests.helpers.redaction_corpus import Sample, lines, readmes, samples

pytestmark = pytest.mark.only("sqlite")

RECALL = 0.98
"""The least share of texts with secrets in which every secret is masked."""

FALSE_ALARMS = 0.005
"""READMEs in which something is masked that is no secret: less than this share."""

# READMEs that show a sample in the form of a real secret, which nothing tells from one: masking it is right.
SAMPLE_SECRETS = {
    ("npm @npmcli/arborist", "password"),
    ("pypi calibreweb", "password"),
    ("pypi dj-database-url", "password"),
    ("pypi dynaconf", "password"),
    ("pypi joserfc", "JWT"),
    ("pypi loguru", "secret"),
    ("pypi mysql-connector-python", "password"),
    ("pypi pyjwt", "JWT"),
}


def missed() -> list[Sample]:
    """The texts in which a secret remains."""
    return [sample for sample in samples() if sample.leaks(redact(sample.text))]


def test_the_corpora_are_large_enough() -> None:
    """A share of a few texts would say nothing; every text that must be masked says what is secret in it."""
    assert len(samples()) >= 400
    assert all(sample.secrets for sample in samples())
    assert len(lines("kept.txt")) >= 400
    assert len(lines("kept_found.txt")) >= 200
    assert len(readmes()) >= 300


def test_secrets_are_masked() -> None:
    """Tokens, keys, headers, addresses, card numbers, and passwords in many languages."""
    found = missed()
    assert len(found) / len(samples()) <= 1 - RECALL, [sample.text for sample in found]


def test_what_surrounds_a_secret_stays() -> None:
    """The agent reads the sentence: no word but the secret is gone."""
    for sample in samples():
        masked = redact(sample.text)
        around = sample.text
        for secret in sample.secrets:
            around = around.replace(secret, " ")
        gone = [word for word in around.split() if word.isalpha() and len(word) > 3 and word not in masked]
        assert not gone, masked


def test_masking_masked_texts_changes_nothing_more() -> None:
    """A ticket that is stored again, or quoted in a chat, stays readable."""
    for sample in samples():
        masked = redact(sample.text)
        assert redact(masked) == masked


def test_code_names_placeholders_and_prose_are_left_alone() -> None:
    """Not one of these texts is changed: what is masked cannot be restored."""
    kept = [*lines("kept.txt"), *lines("kept_found.txt")]
    assert {text: redact(text) for text in kept if redact(text) != text} == {}


def test_readmes_are_left_alone() -> None:
    """Almost nothing is masked in real documents about passwords and tokens."""
    documents = readmes()
    wrong = []
    for document in documents:
        masked = redact(document.text)
        for name, label in SAMPLE_SECRETS:
            if name == document.name:
                assert f"[hidden: {label}]" in masked
                masked = masked.replace(f"[hidden: {label}]", "")
        if "[hidden: " in masked:
            wrong.append((document.name, masked[masked.index("[hidden: ") - 60 :][:120]))
    assert len(wrong) / len(documents) < FALSE_ALARMS, wrong
