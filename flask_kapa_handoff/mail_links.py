"""Signs the links in mails by which a person who reads them confirms something, without signing in.

A link holds the id of a row and nothing else, so it is short, and says nothing to those who see it in a log.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from enum import Enum
from uuid import UUID

from itsdangerous import BadSignature, TimestampSigner

from .errors import RequestProblem
from .translation import noop as N_

MAX_AGE_DAYS = 30
"""Days for which a link is valid."""

MAX_TOKEN = 500
"""The longest token that is read, in characters."""


class LinkKind(Enum):
    """What a link confirms: a test mail arrived; somebody takes a ticket, from its mail or from its reminder."""

    ARRIVED = "arrived"
    TAKE = "take"
    TAKE_REMINDED = "take-reminded"

    @property
    def path(self) -> str:
        """The visitor's route that it leads to."""
        return "arrived" if self is LinkKind.ARRIVED else "take"


class LinkInvalid(RequestProblem):
    """The link is forged, too old, or of something that is no longer stored: nobody learns which."""

    code = 403
    error_code = "link_invalid"
    title = N_("This link no longer works")
    description = N_("Links in mails work for 30 days. If this one was cut off, copy all of it from the mail.")


class LinkSigner:
    """Signs and reads the tokens of links.

    Arguments:
        keys: secret keys, oldest first, see :class:`.OfferSigner`.
        audience: for whom they are: a token of another app or mount with the same key is not valid here.
    """

    def __init__(self, keys: Sequence[bytes], audience: str) -> None:
        self._keys, self._audience = list(keys), audience

    def sign(self, kind: LinkKind, of: UUID) -> str:
        """A URL-safe token for a row, stamped with the current second."""
        return self._signer(kind).sign(urlsafe_b64encode(of.bytes).rstrip(b"=")).decode("ascii")

    def read(self, token: str, *kinds: LinkKind) -> tuple[LinkKind, UUID]:
        """Verify a token of one of these kinds; return its kind, and the id of its row.

        Raises:
            LinkInvalid: it is damaged, forged, of another kind, for another audience, or too old.
        """
        if len(token) <= MAX_TOKEN and token.isascii():
            for kind in kinds:
                try:
                    value = self._signer(kind).unsign(token, max_age=MAX_AGE_DAYS * 86_400)
                    return kind, UUID(bytes=urlsafe_b64decode(value + b"=="))
                except (BadSignature, ValueError):
                    continue
        raise LinkInvalid

    def _signer(self, kind: LinkKind) -> TimestampSigner:
        salt = f"kapa-handoff-link {kind.value} {self._audience}"
        return TimestampSigner(self._keys, salt=salt, digest_method=hashlib.sha256)
