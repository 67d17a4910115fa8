"""KAPA_HANDOFF_REDACT_PATTERNS: a site's own patterns, and what is refused at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.errors import ConfigurationError
from flask_kapa_handoff.redaction import redact, redact_conversation
from flask_kapa_handoff.redaction.site_patterns import parse_redact_patterns
from flask_kapa_handoff.testing import tickets
from tests.helpers.growth import LINEAR, growth
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

ACME = {"Acme key": r"ACME-[0-9A-F]{8}"}
KEY = "ACME-0123ABCD"


def test_what_a_pattern_matches_is_masked() -> None:
    """With the name that the site gave it, everywhere in a conversation."""
    patterns = parse_redact_patterns(ACME)
    assert redact(f"key {KEY}, {KEY}!", patterns) == "key [hidden: Acme key], [hidden: Acme key]!"
    pair = QuestionAnswer(f"q {KEY}", "a", "id", (Source(f"t {KEY}", f"https://x.example/{KEY}"),))
    masked = redact_conversation(Conversation((QuestionAnswer("x", "ghp_" + "a1B2" * 9), pair), "thread"), patterns)
    assert repr(masked).count("[hidden: Acme key]") == 3
    assert KEY not in repr(masked)
    assert masked.pairs[0].answer == "[hidden: GitHub token]"


def test_a_group_named_secret_is_masked_alone() -> None:
    """So that the agent reads what it was."""
    patterns = parse_redact_patterns([("customer number", r"(?i)customer (?:no\. )?(?P<secret>\d{6})")])
    assert redact("Customer no. 123456 writes", patterns) == "Customer no. [hidden: customer number] writes"


def test_each_text_is_one_for_a_pattern() -> None:
    """``^`` and ``$`` mean the beginning and the end of a question, an answer or a note."""
    patterns = parse_redact_patterns({"whole": r"^[a-z]{3}$"})
    conversation = Conversation((QuestionAnswer("abc", "abc def"), QuestionAnswer("ab", "xyz")), "thread")
    pairs = redact_conversation(conversation, patterns).pairs
    assert [(pair.question, pair.answer) for pair in pairs] == [
        ("[hidden: whole]", "abc def"),
        ("ab", "[hidden: whole]"),
    ]


GOOD = [
    r"ACME-[0-9A-F]{32}",
    r"(?i)acct[ -]?no\.?[: ]{1,3}\d{6,10}",
    r"(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)",
    r"(?:[A-Z]{2}\d{2})(?: \d{4}){4,7}",
    r"[\w.]{1,60}@acme\.example",
    r"red|green|blue",
    r"\bK\d{7}\b",
]


@pytest.mark.parametrize("expression", GOOD)
def test_usual_expressions_are_accepted(expression: str) -> None:
    """And no text, made of what they look for, makes them slow."""
    patterns = parse_redact_patterns({"x": expression})
    for unit in ("ACME-", "A", "1", "12-", "a.", "acct no: ", "DE12 1234 ", "red", "K1"):
        assert growth(lambda text: redact(text, patterns), unit * 1_000, unit * 4_000) < LINEAR


BAD: list[tuple[Any, str]] = [
    ("ACME-.{8}", "use a dict such as"),
    (["ACME-.{8}"], "use a dict such as"),
    ({"x": 5}, "pattern 'x': use a regular expression as text"),
    ({"x": "a" * 1001}, "pattern 'x': use a regular expression as text, of at most 1000 characters"),
    ({"": "a"}, "pattern '': the name is shown in the mail"),
    ({"[x]": "a"}, "pattern '[x]': the name is shown in the mail"),
    ({"x" * 41: "a"}, "the name is shown in the mail: use 1 to 40 characters"),
    ({5: "a"}, "pattern 5: the name is shown in the mail"),
    ({"x": "("}, "pattern 'x': it is not a regular expression: missing )"),
    ({"x": "a{0,5}"}, "pattern 'x': it matches the empty text"),
    ({"x": "a|"}, "pattern 'x': it matches the empty text"),
    ({"x": r"\b"}, "pattern 'x': it matches the empty text"),
    ({"x": "(?=a)"}, "pattern 'x': it matches the empty text"),
    ({"x": "a+b"}, "pattern 'x': use a repeat with a limit, such as {1,100}"),
    ({"x": "(?:a|b)*c"}, "pattern 'x': use a repeat with a limit, such as {1,100}"),
    ({"x": "a.*?b"}, "pattern 'x': use a repeat with a limit, such as {1,100}"),
    ({"x": "(?<=a)(b)(?(1)c|d)"}, "pattern 'x': use neither references"),
    ({"x": r"(a)\1"}, "pattern 'x': use neither references"),
    ({"x": "(a{1,9}){1,9}b"}, "at most 1,000 are allowed, so that no text makes it slow"),
    ({"x": "(a|a){1,30}b"}, "at most 1,000 are allowed, so that no text makes it slow"),
    ({"x": "(?:(?:ab?){1,40}){1,40}c"}, "at most 1,000 are allowed, so that no text makes it slow"),
    ({"x": "(?:ab?){1,400}c"}, "at most 1,000 are allowed, so that no text makes it slow"),
    ({"x": r"\w{1,200}\d{1,200}x"}, "pattern 'x': at one place of a text it may take 80,200 steps"),
    ({"x": "a{5000}"}, "pattern 'x': at one place of a text it may take 5,000 steps"),
    ({"good": "a", "bad": "b*"}, "pattern 'bad': it matches the empty text"),
    ({f"p{number}": "a" for number in range(51)}, "there are 51 patterns; at most 50"),
]


@pytest.mark.parametrize(("value", "message"), BAD, ids=lambda value: repr(value)[:30])
def test_a_bad_pattern_is_refused_with_its_name_and_the_reason(value: Any, message: str) -> None:
    """Before the first visitor comes."""
    with pytest.raises(ValueError) as caught:
        parse_redact_patterns(value)
    assert message in str(caught.value)


def test_the_app_does_not_start_with_a_bad_pattern(make_app: Callable[..., Flask]) -> None:
    """The message names the key as well."""
    with pytest.raises(
        ConfigurationError, match=r"KAPA_HANDOFF_REDACT_PATTERNS.*pattern 'Acme key': it is not a regular"
    ):
        make_app(KAPA_HANDOFF_REDACT_PATTERNS={"Acme key": "("})


def test_a_ticket_is_stored_without_what_the_site_masks(make_app: Callable[..., Flask]) -> None:
    """The note, the conversation, the fields and the page."""
    app = make_app(
        KAPA_HANDOFF_REDACT_PATTERNS=ACME,
        KAPA_HANDOFF_FIELDS=[{"name": "steps", "label": "Steps", "kind": "textarea"}],
    )
    send_ticket(app.test_client(), note=f"my key {KEY}", steps=f"I typed {KEY}")
    ticket = tickets(app)[0]
    assert ticket.note == "my key [hidden: Acme key]"
    assert ticket.fields == {"steps": "I typed [hidden: Acme key]"}


def test_without_masking_the_site_s_patterns_do_not_apply_either(make_app: Callable[..., Flask]) -> None:
    """KAPA_HANDOFF_REDACT switches all of it."""
    app = make_app(KAPA_HANDOFF_REDACT=False, KAPA_HANDOFF_REDACT_PATTERNS=ACME)
    send_ticket(app.test_client(), note=KEY)
    assert tickets(app)[0].note == KEY
