"""Offers: the server's signed statement that an answer qualifies. Needed to open and to send the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from .errors import OfferExpired, OfferInvalid
from .triggers import Facts, Trigger

MAX_AGE = 24 * 60 * 60
"""Seconds for which an offer opens and sends the form."""


@dataclass(frozen=True)
class Offer:
    """What was offered: for which answer, on which desk, and why.

    Arguments:
        triggers: the triggers that the answer met.
        facts: what was known about the answer.
        desk: the desk that takes the ticket.
        thread_id, answer_id: the chat's own names of the thread and of the answer.
        page: the address of the page that the visitor was on.
    """

    triggers: tuple[Trigger, ...]
    facts: Facts
    desk: str = "default"
    thread_id: str | None = None
    answer_id: str | None = None
    page: str | None = None


class OfferSigner:
    """Signs and reads offers.

    Arguments:
        keys: secret keys, oldest first. The last one signs, each of them is accepted: Flask's
            ``[*SECRET_KEY_FALLBACKS, SECRET_KEY]``, so that a key rotation breaks no open form.
    """

    def __init__(self, keys: Sequence[str | bytes]) -> None:
        secrets = [key.encode() if isinstance(key, str) else key for key in keys]
        self._serializer = URLSafeTimedSerializer(secrets, salt="kapa-handoff-offer")

    def sign(self, offer: Offer) -> str:
        """The offer as URL-safe text, stamped with the present second."""
        facts = offer.facts
        token = self._serializer.dumps(
            [
                [trigger.value for trigger in offer.triggers],
                [facts.pairs, facts.uncertain, facts.downvoted],
                offer.desk,
                offer.thread_id,
                offer.answer_id,
                offer.page,
            ]
        )
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, token: str, *, max_age: int = MAX_AGE) -> Offer:
        """What a signed offer says.

        Raises:
            OfferExpired: it is older than ``max_age`` seconds; the error carries what it said.
            OfferInvalid: it is missing, damaged, or signed with another key.
        """
        try:
            return _offer(self._serializer.loads(token, max_age=max_age))
        except SignatureExpired:
            raise OfferExpired(_offer(self._serializer.loads(token))) from None
        except (BadData, UnicodeError):
            raise OfferInvalid from None


def _offer(value: Any) -> Offer:
    try:
        names, (pairs, uncertain, downvoted), desk, thread_id, answer_id, page = value
        triggers = tuple(Trigger(name) for name in names)
    except (TypeError, ValueError):
        # Signed by this site, but by a version of the package that wrote offers in another shape.
        raise OfferInvalid from None
    return Offer(triggers, Facts(pairs, uncertain, downvoted), desk, thread_id, answer_id, page)
