"""Redaction: what is masked, what is left alone, and that no text makes it slow."""

from __future__ import annotations

import pytest

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.redaction import redact, redact_conversation
from tests.helpers.growth import LINEAR, growth

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


ADVERSARIAL = [
    "-----BEGIN PRIVATE KEY-----" * 20_000,
    "-----BEGIN PRIVATE KEY-----" + "A" * 200_000,
    "eyJ" * 60_000,
    "eyJaaaaaaaa." * 15_000,
    "a_" * 100_000,
    "a." * 100_000 + "password",
    "password" * 25_000,
    "password=" * 22_000,
    "bearer " * 30_000,
    "http://" * 30_000,
    "a://b:" * 30_000,
    "1" * 200_000,
    "1 " * 100_000,
    "4-" * 100_000,
    "sk-" * 66_000,
    "x" * 200_000,
    "[hidden: " * 22_000,
    "a.b-" * 50_000,
    "a-" * 100_000,
    "12 34-" * 33_000,
    "4111111111111111 " * 12_000,
    "://" * 60_000,
    "://a:" * 40_000,
    "http://a:b@" * 20_000,
    "bearer    a" * 20_000,
    "-----BEGIN " * 20_000,
    'id_token" : ' * 20_000,
    "?token=" * 30_000,
]


@pytest.mark.parametrize("text", ADVERSARIAL, ids=lambda text: text[:14].strip())
def test_no_text_makes_it_slow(text: str) -> None:
    """What is made to hurt takes a time that grows with its length: nobody holds up a worker by typing."""
    text = text * (200_000 // len(text) + 1)
    hints = " password=abcdef secret bearer gh_ npm_ akia aiza xox sk- k_live_ glpat- .eyj private key----- a@b"
    assert growth(redact, text[:50_000] + hints, text[:200_000] + hints) < LINEAR


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
