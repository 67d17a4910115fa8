"""Redaction: what is masked, what is left alone, and that no text makes it slow."""

from __future__ import annotations

import pytest

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.redaction import redact, redact_conversation, tokens

# Put together here, so that no scanner of repositories takes them for real ones.
SECRETS = [
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "11ABCDEFG0" * 3,
    "glpat-" + "x9" * 10,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "IOSFODNN7EXAMPLE",
    "AIza" + "Sy" + "A1b2C3d4E5f" * 3,
    "xoxb-" + "123456789012-abcdefghijkl",
    "sk_live_" + "4eC39HqLyjWDarjt",
    "sk-" + "proj-abcdefghijklmnopqrstuv",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\nabcd==\n-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq\n-----END PRIVATE KEY-----",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "5500005555555559",
    "378282246310005",
]

IN_CONTEXT = [
    ("Authorization: Bearer abcdefghij0123456789XYZ", "abcdefghij0123456789XYZ"),
    ("password=hunter2hunter2", "hunter2hunter2"),
    ("password: correcthorse", "correcthorse"),
    ("DB_PASSWORD='correct-horse'", "correct-horse"),
    ('"client_secret": "s3cr3tvalue!"', "s3cr3tvalue!"),
    ("API_KEY=0123456789abcdef", "0123456789abcdef"),
    ("aws_secret_access_key = wJalrXUtnFEMIK7MDENG", "wJalrXUtnFEMIK7MDENG"),
    ("postgresql://app:s3cret-pass@db.example.com/app", "s3cret-pass"),
    ("redis://default:s3cret-pass@cache:6379/0", "s3cret-pass"),
    ("https://user:s3cret-pass@git.example.com/x.git", "s3cret-pass"),
]

HARMLESS = [
    "How do I rotate a key?",
    "Run `keys rotate` and set the new password in the console.",
    "My password is not accepted.",
    "The bearer of this letter",
    "Order 1234567890123456 has not arrived",  # does not pass the Luhn check
    "Call +49 30 901820 on 2026-11-23 at 16:19:38",
    "uuid 0198c0de-7f3a-7c3e-9d2b-1a2b3c4d5e6f",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b",
    "https://docs.example.com/a:b/c@d",
    "sk-learn and ask-me-anything are packages",
    "if password == other: return",
    "-----BEGIN PUBLIC KEY-----\nabc\n-----END PUBLIC KEY-----",
    "1.2345678901234567",
    "Grüße, שלום, 🦊",
    "",
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:12])
def test_a_secret_is_masked_and_the_sentence_around_it_stays(secret: str) -> None:
    """The agent sees that there was one and of which kind, never the secret itself."""
    masked = redact(f"I used {secret} and it failed.")
    assert secret not in masked
    assert masked.startswith("I used [hidden: ")
    assert masked.endswith("] and it failed.")


@pytest.mark.parametrize(("text", "secret"), IN_CONTEXT)
def test_a_secret_that_only_its_surroundings_give_away_is_masked(text: str, secret: str) -> None:
    """Assignments, headers and addresses with a password in them."""
    masked = redact(text)
    assert secret not in masked
    assert "[hidden: " in masked
    assert masked[:5] == text[:5]


@pytest.mark.parametrize("text", HARMLESS)
def test_text_without_secrets_comes_back_unchanged(text: str) -> None:
    """Ordinary technical prose is not defaced."""
    assert redact(text) == text


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:12])
def test_masking_twice_changes_nothing_more(secret: str) -> None:
    """A masked text can be masked again."""
    masked = redact(f"key {secret}")
    assert redact(masked) == masked


def test_every_part_of_a_conversation_is_masked() -> None:
    """Questions, answers, and the titles and addresses of sources."""
    secret = SECRETS[0]
    conversation = Conversation(
        (
            QuestionAnswer(f"q {secret}", "fine"),
            QuestionAnswer("fine", f"a {secret}", "id", (Source(f"t {secret}", f"https://x.example/?t={secret}"),)),
        ),
        "thread",
    )
    masked = redact_conversation(conversation)
    assert secret not in repr(masked)
    assert repr(masked).count("[hidden: GitHub token]") == 4
    assert masked.thread_id == "thread"
    assert masked.pairs[1].id == "id"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("refresh_token: 1//0gabcdefgh", "refresh_token: [hidden: secret]"),
        ("https://example.com/cb?token=abcdef123456&x=1", "https://example.com/cb?token=[hidden: secret]&x=1"),
        (
            "https://example.com/cb?x=1&access_token=abcdef123456",
            "https://example.com/cb?x=1&access_token=[hidden: secret]",
        ),
        ("npm_" + "a1B2" * 9, "[hidden: npm token]"),
        ("the token is: gone, PWD=/home/ada", "the token is: gone, PWD=/home/ada"),
    ],
)
def test_tokens_of_addresses_and_packages_are_masked(text: str, masked: str) -> None:
    """Tokens in an address and of the npm registry are secrets; a sentence about a token and a folder are not."""
    assert redact(text) == masked


def test_overlapping_secrets_become_one() -> None:
    """A token in a header is found twice, and masked once, whole."""
    token = "ghp_" + "a1B2" * 9
    assert redact(f"Authorization: Bearer {token}.") == "Authorization: Bearer [hidden: GitHub token]."
    assert redact(f"Authorization: Bearer x1.{token}/more.") == "Authorization: Bearer [hidden: token]."


def test_what_separates_the_texts_of_a_conversation_may_be_in_them() -> None:
    """All texts are read in one go, and each gets its own back."""
    secret = SECRETS[0]
    between = "\x00\n"
    conversation = Conversation((QuestionAnswer(f"a{between}b {secret}", f"c{between}"),), "thread")
    pair = redact_conversation(conversation).pairs[0]
    assert (pair.question, pair.answer) == (f"a{between}b [hidden: GitHub token]", f"c{between}")


def test_a_secret_never_reaches_into_the_next_text() -> None:
    """``Password:`` at the end of a question does not mask the answer's first word."""
    conversation = Conversation(
        (QuestionAnswer("password:", "Hunter-2026 is a film"), QuestionAnswer("token", "b")), "t"
    )
    assert redact_conversation(conversation) == conversation


def test_a_conversation_without_secrets_is_returned_as_it_is() -> None:
    """Nothing is copied."""
    conversation = Conversation((QuestionAnswer("How do I rotate a key?", "In the console."),), "thread")
    assert redact_conversation(conversation) is conversation


def test_every_prefix_of_a_token_names_its_source() -> None:
    """No rule rests on somebody's memory."""
    rows = [[part.strip() for part in row.split("|")] for row in tokens.TABLE.strip().splitlines()]
    assert len(rows) > 100
    assert [row for row in rows if not set(row[1].split()) or set(row[1].split()) - set(tokens.SOURCES)] == []
