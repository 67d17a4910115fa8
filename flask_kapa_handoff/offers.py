"""Offers: the server's signed statement that an answer qualifies. Needed to open and to send the form."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

from itsdangerous import BadData, URLSafeTimedSerializer

from .conversation import MAX_ID, Conversation, clean_text
from .errors import Invalid, RequestProblem
from .triggers import Facts, Rules, Trigger, matching, read_triggers
from .unknown import Unknown, log_once
from .urls import origin_of

MAX_AGE = 24 * 60 * 60
"""Seconds for which an offer opens the form, and for which the form can then be sent."""

CLOCK_SKEW = 60
"""Seconds by which the clock of the process that signed may be ahead of the one that reads."""

MAX_PAGE = 2000
"""Longest address of a page that is kept, in characters."""

MAX_TOKEN = 20_000
"""Longest signed offer that is looked at, in characters: the longest one with a page's address has half of it."""


def _new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Offer:
    """What was offered: for which answer, on which desk, and why.

    Arguments:
        triggers: the triggers that the answer met.
        facts: what was known about the answer.
        desk: the desk that takes the ticket.
        thread_id, answer_id: the chat's own names of the thread and of the answer.
        page: the address of the page that the visitor was on.
        requested: the visitor asked in a form that is not ours, so no trigger had to be met.
        origin: the origin of that page, as the browser says.
        id: an offer opens one ticket, and this is how it is known again.
        decided_at: when it was decided that the answer qualifies, in seconds since 1970. None: when it is signed.
        others: what a later version has signed in it, and this one does not know; signed again with the rest.
    """

    triggers: tuple[Trigger | Unknown, ...]
    facts: Facts
    desk: str = "default"
    thread_id: str | None = None
    answer_id: str | None = None
    page: str | None = None
    requested: bool = False
    origin: str | None = None
    id: str = field(default_factory=_new_id)
    decided_at: int | None = field(default=None, compare=False)
    others: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def for_one_form(self, origin: str | None = None) -> Offer:
        """The same decision with an id of its own, for a form that is opened: a page with one button serves many.

        Arguments:
            origin: where the page is that opens it, if that is known.
        """
        return replace(self, id=_new_id(), origin=origin or self.origin)


class OfferInvalid(RequestProblem):
    code = 403
    error_code = "offer_invalid"
    title = "This form can't be opened"
    description = (
        "The link to this form is damaged, or another site made it. Go back to the answer and press the button there."
    )


class OfferExpired(RequestProblem):
    """The offer's signature is right, but it is too old; ``offer`` is what it said, to be decided once more."""

    code = 409
    error_code = "offer_expired"
    title = "Please send it again"
    description = "This form was open for too long. Your text is safe – send it again."

    def __init__(self, offer: Offer) -> None:
        super().__init__()
        self.offer = offer


class OfferSigner:
    """Signs and reads offers.

    Arguments:
        keys: secret keys, oldest first. The last one signs, each of them is accepted: Flask's
            ``[*SECRET_KEY_FALLBACKS, SECRET_KEY]``, so that a key rotation breaks no open form.
        audience: for whom the offers are: an offer of another app or mount with the same key is no offer here.
    """

    def __init__(self, keys: Sequence[str | bytes], audience: str = "") -> None:
        secret_keys = [key.encode() if isinstance(key, str) else key for key in keys]
        self._serializer = URLSafeTimedSerializer(
            secret_keys, salt="kapa-handoff-offer", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._serializer_of_0_1 = URLSafeTimedSerializer(secret_keys, salt="kapa-handoff-offer")
        self._audience = audience

    def sign(self, offer: Offer) -> str:
        """The offer as URL-safe text, stamped with the present second."""
        claims = {
            **offer.others,
            **vars(offer.facts),
            "for": self._audience,
            "id": offer.id,
            "triggers": [trigger.value for trigger in offer.triggers],
            "desk": offer.desk,
            "thread_id": offer.thread_id,
            "answer_id": offer.answer_id,
            "page": offer.page,
            "origin": offer.origin,
            "requested": offer.requested,
            "decided_at": offer.decided_at,
        }
        said = {name: value for name, value in claims.items() if value is not None and value is not False}
        token = self._serializer.dumps(said)
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, token: str, *, max_age: int = MAX_AGE, opens_form: bool = False) -> Offer:
        """What a signed offer says.

        Arguments:
            max_age: seconds.
            opens_form: the age counts from the decision on: opening a form again and again must not keep it for ever.

        Raises:
            OfferExpired: it is older than ``max_age``; the error carries what it said.
            OfferInvalid: it is missing, damaged, signed with another key, or for somebody else.
        """
        if len(token) > MAX_TOKEN:
            raise OfferInvalid
        try:
            claims, signed = self._serializer.loads(token, return_timestamp=True)
        except (BadData, UnicodeError):
            # As version 0.1.0 wrote it, it is decided once more, like an expired one.
            raise self._expired_offer_of_0_1(token) or OfferInvalid from None
        signed_at = int(signed.timestamp())
        if not isinstance(claims, dict) or claims.get("for", "") != self._audience:
            raise OfferInvalid
        offer = _offer(claims, signed_at)
        age = time.time() - (offer.decided_at if opens_form and offer.decided_at is not None else signed_at)
        if not -CLOCK_SKEW <= age <= max_age:
            raise OfferExpired(offer)
        return offer

    def _expired_offer_of_0_1(self, token: str) -> OfferExpired | None:
        try:
            names, (pairs, uncertain, downvoted), desk, thread_id, answer_id, page = self._serializer_of_0_1.loads(
                token
            )
            triggers = tuple(Trigger(name) for name in names)
        except (BadData, UnicodeError, TypeError, ValueError):
            return None
        return OfferExpired(Offer(triggers, Facts(pairs, uncertain, downvoted), desk, thread_id, answer_id, page))


class Desk(Rules, Protocol):
    """The part of a desk's settings that decides whether an offer is made."""

    @property
    def desk(self) -> str: ...

    @property
    def takes_tickets(self) -> bool: ...


def make_offer(
    facts: Facts,
    settings: Desk,
    *,
    thread_id: str | None = None,
    answer_id: str | None = None,
    page: str | None = None,
    requested: bool = False,
    origin: str | None = None,
) -> Offer | None:
    """The offer for an answer; None: it does not qualify, or the desk takes no tickets.

    Arguments:
        page, requested, origin: see :class:`Offer`.
    """
    triggers = matching(facts, settings)
    if not (triggers or requested) or not settings.takes_tickets:
        return None
    page = page[:MAX_PAGE] if page else None
    return Offer(triggers, facts, settings.desk, thread_id, answer_id, page, requested, origin)


def offer_for(conversation: Conversation, settings: Desk, *, page: str | None = None) -> Offer | None:
    """The offer for the last answer of a conversation that the site has; None: it does not qualify.

    Arguments:
        page: the address of the page that the visitor is on.

    Raises:
        Invalid: an id is longer than allowed.
    """
    return make_offer(
        Facts.of(conversation),
        settings,
        thread_id=_clean_id("thread_id", conversation.thread_id),
        answer_id=_clean_id("answer_id", conversation.pairs[-1].id),
        page=page,
        origin=origin_of(page),
    )


def _clean_id(name: str, value: object) -> str | None:
    text = None if value is None else clean_text(str(value))
    if len(text or "") > MAX_ID:
        raise Invalid(fields={name: [f"{name}: is longer than {MAX_ID} characters."]})
    return text


_NAMED = frozenset(
    ("for", "id", "triggers", "desk", "thread_id", "answer_id", "page", "origin", "requested", "decided_at")
)
"""The claims of an offer, its facts aside."""


def _offer(claims: dict[str, Any], signed_at: int) -> Offer:
    facts = {fact.name for fact in fields(Facts)}
    others = {name: value for name, value in claims.items() if name not in _NAMED and name not in facts}
    for name in others:
        log_once("claim of an offer", name)
    try:
        return Offer(
            triggers=read_triggers(claims.get("triggers", ())),
            facts=Facts.from_claims(claims),
            desk=claims["desk"],
            thread_id=claims.get("thread_id"),
            answer_id=claims.get("answer_id"),
            page=claims.get("page"),
            requested=claims.get("requested", False),
            origin=claims.get("origin"),
            id=claims["id"],
            decided_at=claims.get("decided_at", signed_at),
            others=others,
        )
    except (KeyError, TypeError, ValueError):
        raise OfferInvalid from None
