"""No text makes the redaction slow: its time grows with the length, in the shape of every rule."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flask_kapa_handoff.redaction import find_secrets, redact
from flask_kapa_handoff.redaction.formats import FORMATS
from flask_kapa_handoff.redaction.names import SCRIPT_WORDS, WORDS
from flask_kapa_handoff.redaction.spans import MAX_EFFORT, Subject
from flask_kapa_handoff.redaction.tokens import PREFIXES
from tests.helpers.growth import LINEAR, growth
from tests.helpers.redaction_corpus import readmes

pytestmark = pytest.mark.only("sqlite")

SHAPES = [
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN ",
    "eyJaaaaaaaa.",
    "a_",
    "a.",
    "a-",
    "a.b-",
    "http://",
    "http://a:b@",
    "://a:b:",
    "://",
    "1",
    "1 ",
    "4-",
    "12 34-",
    "4111111111111111 ",
    "x",
    "[hidden: ",
    'id_token" : ',
    "?token=",
    "password=1",
    "password for a",
    "'password', ",
    "password\n:\n",
    "密码",
    "密码：A1",
    "cookie:a=b; ",
    "password: «a ",
    "пароль для а ",
    "curl a -u ",
    "mysql -p",
    "mysql",
    "secret>Abc-12345",
    "mdp for" + " " * 54,
    "clave for " + "_" * 50 + "${X} ",
    "token " + "a_" * 99 + " ",
    "pass>" + "my_a_" * 20,
    "api key | " + "v1_" * 16 + " ",
    "secret=aBaBaBaBaBaBaBaB  ",
    "пароль (a) Abc-12345 ",
    "://a:" + "b@" * 100,
    "x_key = $\n",
    "key ",
]
LONG_TAILS = [
    "-----BEGIN PRIVATE KEY-----A",
    "password=A",
    'password="a',
    "://a:A",
    "bearer A1",
    "eyJA1.eyJA1.A1",
    "sk-A1",
    "xox",
]


def needles() -> Iterator[str]:
    """What the rules look for first."""
    yield from (word.needle.decode() for word in WORDS)
    yield from (row.needle.decode() for row in FORMATS)
    yield from (word for words in SCRIPT_WORDS.values() for word in words)


def grows_linearly(unit: str) -> bool:
    """Whether four times as many of these units take about four times as long."""
    ending = " password=abcdef secret bearer ~ .eyj private key----- a@b"
    small, large = (unit * (size // len(unit) + 1) + ending for size in (5_000, 20_000))
    return growth(redact, small, large) < LINEAR


@pytest.mark.parametrize("unit", SHAPES, ids=repr)
def test_no_repeated_text_makes_it_slow(unit: str) -> None:
    """Nobody occupies a worker by typing."""
    assert grows_linearly(unit)


@pytest.mark.parametrize("beginning", LONG_TAILS, ids=repr)
def test_no_long_value_makes_it_slow(beginning: str) -> None:
    """A value of forty thousand characters is read once."""
    assert growth(redact, beginning + beginning[-2:] * 5_000, beginning + beginning[-2:] * 20_000) < LINEAR


@pytest.mark.parametrize("needle", sorted(set(needles())), ids=repr)
def test_no_word_that_a_rule_looks_for_makes_it_slow(needle: str) -> None:
    """Each rule, on its word repeated with what could link it to a value."""
    assert grows_linearly(f'{needle} a1 {needle}=" ')


def test_no_prefix_of_a_token_makes_it_slow() -> None:
    """All issuers' tokens, each prefix repeated and with a long body."""
    small, large = (
        " ".join(prefix * (size // len(prefix)) + " " + prefix + "a1B2c3D4." * (size // 9) for prefix in PREFIXES)
        for size in (500, 2_000)
    )
    assert growth(redact, small, large) < LINEAR


def effort(text: str) -> int:
    """How much is looked at in a text."""
    subject = Subject(text)
    list(find_secrets(subject))
    return subject.effort


@pytest.mark.parametrize("unit", [*SHAPES, *(needle + '=" ' for needle in sorted(set(needles())))], ids=repr)
def test_a_text_full_of_anything_takes_a_limited_number_of_steps(unit: str) -> None:
    """Also where each of its words could be followed by a secret."""
    assert effort(unit * (400_000 // len(unit))) < MAX_EFFORT * 1.01


def test_documents_take_far_less_than_the_limit() -> None:
    """A megabyte of what READMEs say about secrets, without anything in between, is looked at to its end."""
    text = "\n".join(readme.text for readme in readmes())
    assert len(text) > 300_000
    assert effort(text) * 1_000_000 / len(text) < MAX_EFFORT * 0.8
    token = "ghp_" + "a1B2" * 9
    assert redact(f"{text} {token}").endswith("[hidden: GitHub token]")


def test_beyond_the_limit_a_text_stays_as_it_is() -> None:
    """Up to there it is masked."""
    masked = redact("password: Abc-12345 " * 20_000)
    assert masked.startswith("password: [hidden: password] ")
    assert masked.endswith("password: Abc-12345 ")
