"""Signs offers and reads them back: named claims, stamped with the time, in URL-safe text."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any

from itsdangerous import BadData, Serializer, URLSafeTimedSerializer
from itsdangerous.encoding import base64_encode

from .offers import Offer, OfferExpired, OfferInvalid
from .text import clean_text
from .triggers import Facts, Trigger, read_triggers
from .unknown import log_once
from .urls import shortened

MAX_AGE = 24 * 60 * 60
"""Seconds for which an offer opens the form, and for which the open form can be sent."""

CLOCK_SKEW = 60
"""Seconds by which the clock of the signing process may be ahead of the reading one."""

MAX_TOKEN = 20_000
"""The longest signed offer that is read, in characters; the longest real one is half as long."""

MAX_SECONDS = 2**40
"""The latest time that is read, in seconds since 1970."""

_SALT = "kapa-handoff-offer"

MAX_OFFER_ID = 32
"""The longest id of an offer, in characters; a longer one is replaced by its digest."""


SHORT = 1_000
"""Octets up to which a payload is not compressed, which would take longer than everything else about a signature."""


class _Serializer(URLSafeTimedSerializer):
    """The same, and reads the same; but only long payloads are compressed, so that an address has room for them."""

    def dump_payload(self, obj: Any) -> bytes:
        plain = Serializer.dump_payload(self, obj)
        return base64_encode(plain) if len(plain) <= SHORT else super().dump_payload(obj)


@lru_cache(maxsize=16)
def serializer(keys: tuple[bytes, ...], salt: str, *, sha256: bool = True) -> URLSafeTimedSerializer:
    """Signs with the last of these keys, and reads what any of them has signed; made once for a set of keys.

    Arguments:
        salt: what is signed, so that nothing passes for something else.
        sha256: whether the digest is SHA-256; else it is SHA-1.
    """
    options = {"digest_method": hashlib.sha256} if sha256 else {}
    return _Serializer(list(keys), salt=salt, signer_kwargs=options)


class OfferSigner:
    """Signs and reads offers.

    Arguments:
        keys: secret keys, oldest first. The last one signs; all of them are accepted: Flask's
            ``[*SECRET_KEY_FALLBACKS, SECRET_KEY]``, so that a key rotation breaks no open form.
        audience: for whom the offers are: an offer of another app or mount with the same key is not valid here.
        serving: returns the name of the desk that serves where an offer names a desk, which may have been removed.
    """

    def __init__(
        self, keys: Sequence[str | bytes], audience: str = "", serving: Callable[[str], str] = lambda desk: Offer.desk
    ) -> None:
        self._keys = tuple(key.encode() if isinstance(key, str) else key for key in keys)
        self._serializer = serializer(self._keys, _SALT)
        self._audience = audience
        self._serving = serving

    def sign(self, offer: Offer) -> str:
        """The offer as URL-safe text, stamped with the current second."""
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
            "language": offer.language,
            "requested": offer.requested,
            "decided_at": offer.decided_at,
        }
        said = {name: value for name, value in claims.items() if value is not None and value is not False}
        token = self._serializer.dumps(said)
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, token: str, *, max_age: int = MAX_AGE, opens_form: bool = False) -> Offer:
        """Verify a signed offer and return its content.

        Arguments:
            max_age: seconds.
            opens_form: count the age from the decision: opening a form repeatedly must not extend the offer forever.

        Raises:
            OfferExpired: it is older than ``max_age``; the error carries its content.
            OfferInvalid: it is missing, damaged, signed with another key, or for another audience.
        """
        if len(token) > MAX_TOKEN:
            raise OfferInvalid
        try:
            claims, signed = self._serializer.loads(token, return_timestamp=True)
        except (BadData, UnicodeError):
            # An offer of version 0.1.0 is decided again, like an expired one.
            raise self._expired_offer_of_0_1(token) or OfferInvalid from None
        signed_at = int(signed.timestamp())
        if not isinstance(claims, dict) or claims.get("for", "") != self._audience:
            raise OfferInvalid
        offer = _offer(claims, signed_at, self._serving)
        age = time.time() - (offer.decided_at if opens_form and offer.decided_at is not None else signed_at)
        if not -CLOCK_SKEW <= age <= max_age:
            raise OfferExpired(offer)
        return offer

    def _expired_offer_of_0_1(self, token: str) -> OfferExpired | None:
        earlier = serializer(self._keys, _SALT, sha256=False)
        try:
            names, (pairs, uncertain, downvoted), desk, thread_id, answer_id, page = earlier.loads(token)
            triggers = tuple(Trigger(name) for name in names)
        except (BadData, UnicodeError, TypeError, ValueError):
            return None
        return OfferExpired(Offer(triggers, Facts(pairs, uncertain, downvoted), desk, thread_id, answer_id, page))


_NAMED = frozenset(
    (
        "for",
        "id",
        "triggers",
        "desk",
        "thread_id",
        "answer_id",
        "page",
        "origin",
        "language",
        "requested",
        "decided_at",
    )
)
"""The claims of an offer other than its facts."""

_KNOWN = _NAMED.union(fact.name for fact in fields(Facts))


def _offer(claims: Mapping[str, Any], signed_at: int, serving: Callable[[str], str]) -> Offer:
    """The offer of these claims, which this version or a later one has signed.

    Raises:
        OfferInvalid: it has no id, so it could open any number of tickets.
    """
    if claims.get("id") is None:
        raise OfferInvalid
    others = {name: value for name, value in claims.items() if name not in _KNOWN}
    for name in others:
        log_once("claim of an offer", name)
    named = claims.get("desk", Offer.desk)
    desk = serving(named) if isinstance(named, str) else Offer.desk
    if desk != named:
        log_once("desk of an offer", named)
    page, names = _text(claims, "page"), claims.get("triggers")
    return Offer(
        triggers=read_triggers(map(clean_text, _names(names))),
        facts=Facts.from_claims(claims),
        desk=desk,
        thread_id=_text(claims, "thread_id"),
        answer_id=_text(claims, "answer_id"),
        page=shortened(page) if page else None,
        requested=claims.get("requested") is True,
        origin=_text(claims, "origin"),
        language=_text(claims, "language"),
        id=_id(claims["id"]),
        decided_at=_seconds(claims.get("decided_at"), signed_at),
        others=others,
    )


def _names(value: Any) -> Collection[str]:
    names = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return [name for name in names if isinstance(name, str)]


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if isinstance(value, (str, int)) and not isinstance(value, bool):
        return clean_text(str(value)) or None
    if value is not None:
        log_once(f"value of the claim {name}", value)
    return None


def _id(value: Any) -> str:
    """The same id for the same value, and short enough to be stored."""
    if isinstance(value, str) and len(value) <= MAX_OFFER_ID and clean_text(value) == value:
        return value
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:MAX_OFFER_ID]


def _seconds(value: Any, default: int) -> int:
    return int(value) if isinstance(value, (int, float)) and 0 < value < MAX_SECONDS else default
