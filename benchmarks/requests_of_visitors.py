"""What a visitor's browser sends: a conversation of 20 kB, form-encoded as by ``handoff.js``."""

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
PAIRS = 5
_TEXT = (
    "the service reads its settings from a file and restarts when one of them changes so check the log first then "
    "run `vault restore --from 2024-11-02` with the key of the account — it prints a table of snapshots, sizes and "
    "hosts. If the job was “skipped”, the schedule overlaps with another: **widen the window** or set `retries: 3`."
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
            "question": f"Why does restore number {number} stop at 40 %, and how do I go on from there?",
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
    text, words = "", _TEXT.split()
    while len(text.encode()) < size:
        sentence = " ".join(chosen.choices(words, k=18))
        text += f"- {sentence}\n" if chosen.random() < 0.3 else f"{sentence}\n\n"
    return text.encode()[:size].decode(errors="ignore")


def _as_json(value: object) -> bytes:
    # As JSON.stringify() writes it.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def submissions(seed: int, size: int = CONVERSATION_BYTES) -> Iterator[Submission]:
    """Yield distinct visitors forever, each with an offer, a thread, a submission id, an email and an address."""
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
            "note": "It stops at 40 % since the update, on two of our machines. Is there a way around it?",
            "website": "",
        }
        address = ".".join(str(chosen.randint(1, 250)) for _ in range(3))
        yield Submission(urlencode(fields).encode() + encoded, {**HEADERS, "X-Forwarded-For": f"10.{address}"})


AUDIENCE = "submit /handoff"
"""The name of the application and where the package is mounted in it."""

HEADERS = {
    "Accept": "*/*",
    "Accept-Language": "en-GB,en;q=0.8,de;q=0.5",
    "Content-Type": "application/x-www-form-urlencoded;charset=UTF-8",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Site": "same-origin",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "X-Kapa-Handoff": "fragment",
}
