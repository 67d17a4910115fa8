"""What visitors' browsers send: technical conversations, as a form or in JSON."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

from flask_kapa_handoff.offer_signing import OfferSigner
from flask_kapa_handoff.offers import Offer
from flask_kapa_handoff.triggers import Facts, Trigger

SECRET_KEY = "a secret of the benchmark"
CONVERSATION_BYTES = 20_000
USUAL_BYTES = 6_000
PAIRS = 5

# As answers about an API are: they speak of tokens, keys and passwords, and show where they go, but contain none.
_SENTENCES = (
    "Every request needs an access token in the `Authorization` header; without it the response is 401.",
    "Create a personal access token under **Settings → API keys** and copy it: the secret is shown only once.",
    "If the token has expired, ask for a new one with the refresh token, which is valid for 30 days.",
    "The password is never sent to the service; the client derives a key from it and signs each request.",
    "Set `VAULT_TOKEN` and `VAULT_PASSWORD` in the environment, or in the file that `--config` names.",
    "A webhook carries a signature of its body; compare it with the client secret of your app.",
    "Tokens are bound to an account, so a second login with another password does not end the session.",
    "The service reads its settings from a file and restarts when one of them changes, so check the log first.",
    "It prints a table of snapshots, sizes and hosts; the job is “skipped” where a schedule overlaps.",
    "See the [guide to authentication](https://docs.example.com/authentication) for single sign-on with OAuth 2.0.",
    '```sh\ncurl -H "Authorization: Bearer $VAULT_TOKEN" https://api.example.com/v1/snapshots?page=2\n```',
    "```yaml\nvault:\n  user: backup\n  password: ${VAULT_PASSWORD}\n  token_url: https://id.example.com/token\n```",
    '```python\nclient = Client(token=os.environ["VAULT_TOKEN"], timeout=30)\nprint(client.snapshots(limit=5))\n```',
    "| setting | default | |\n|---|---|---|\n| `max_tokens` | 4096 | longest |\n| `password_file` | none | path |",
)


class Submission(NamedTuple):
    """One request: the body, and the headers that differ from visitor to visitor."""

    body: bytes
    headers: dict[str, str]


def conversation(size: int = CONVERSATION_BYTES) -> list[dict[str, object]]:
    """Five pairs in the format of ``handoff.js``, with this many bytes as JSON; the same ones every time."""
    chosen = random.Random(7)
    pairs: list[dict[str, object]] = [
        {
            "id": str(uuid.UUID(int=chosen.getrandbits(128))),
            "question": f"Why is the token of API number {number} refused, and where does the password go?",
            "answer": "",
            "sources": [
                {"title": f"Restoring files, part {part}", "url": f"https://docs.example.com/restoring-files#{part}"}
                for part in range(3)
            ],
            "uncertain": number == PAIRS,
        }
        for number in range(1, PAIRS + 1)
    ]
    missing = size - len(_as_json(pairs))
    for pair in pairs:
        pair["answer"] = _answer(chosen, missing // PAIRS)
    return pairs


def _answer(chosen: random.Random, size: int) -> str:
    text = ""
    while len(text.encode()) < size:
        said = chosen.choice(_SENTENCES)
        text += f"- {said}\n" if said[0].isalpha() and chosen.random() < 0.3 else f"{said}\n\n"
    return text.encode()[:size].decode(errors="ignore")


def _as_json(value: object) -> bytes:
    # As JSON.stringify() writes it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


SENDERS: dict[str, dict[str, str]] = {
    "handoff.js": {"Accept": "*/*", "Content-Type": "application/json", "X-Kapa-Handoff": "fragment"},
    "program": {"Accept": "application/json", "Content-Type": "application/json"},
    "form": {"Accept": "text/html,*/*;q=0.8", "Content-Type": "application/x-www-form-urlencoded"},
}
"""Who sends a ticket, and the headers that say so; a form is what a browser sends without script."""


def submissions(seed: int, size: int = CONVERSATION_BYTES, *, sender: str = "form") -> Iterator[Submission]:
    """Yield distinct visitors forever, each with an offer, a thread, a submission id, an email and an address.

    Arguments:
        size: of the conversation, in octets of JSON.
        sender: one of :data:`SENDERS`.
    """
    chosen = random.Random(seed)
    signer = OfferSigner([SECRET_KEY], AUDIENCE)
    pairs = conversation(size)
    encoded = b"&conversation=" + quote_plus(_as_json(pairs)).encode()
    while True:
        thread_id = str(uuid.UUID(int=chosen.getrandbits(128), version=4))
        offer = Offer(
            (Trigger.ALWAYS, Trigger.UNCERTAINTY),
            Facts(PAIRS, uncertain=True),
            thread_id=thread_id,
            answer_id=str(pairs[-1]["id"]),
            page="https://docs.example.com/restoring-files",
        )
        fields = {
            "submission_id": str(uuid.UUID(int=chosen.getrandbits(128), version=4)),
            "offer": signer.sign(offer),
            "email": f"visitor.{chosen.getrandbits(40):x}@example.com",
            "note": "The token of our API was refused since the update; the password is the same. Is there a way?",
            "website": "",
        }
        body = urlencode(fields).encode() + encoded
        if sender != "form":
            body = _as_json({**fields, "conversation": pairs})
        address = ".".join(str(chosen.randint(1, 250)) for _ in range(3))
        yield Submission(body, {**HEADERS, **SENDERS[sender], "X-Forwarded-For": f"10.{address}"})


AUDIENCE = "submit /handoff"
"""The name of the application and where the package is mounted in it."""

HEADERS = {
    "Accept-Language": "en-GB,en;q=0.8,de;q=0.5",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
}
