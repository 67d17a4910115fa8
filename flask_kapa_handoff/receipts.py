"""Signs receipts, with which a visitor who has just sent a ticket corrects the address or gets a copy."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from itsdangerous import BadData

from .errors import RequestProblem
from .offer_signing import CLOCK_SKEW, serializer
from .translation import noop as N_

MAX_AGE = 60 * 60
"""Seconds for which a receipt is valid."""

MAX_TOKEN = 5_000
"""The longest signed receipt that is read, in characters."""


class ReceiptInvalid(RequestProblem):
    """The receipt is forged, too old, or of a ticket that is no longer stored."""

    code = 403
    error_code = "receipt_invalid"
    title = N_("This no longer works")
    description = N_("You can correct your address and get a copy only within an hour of sending.")


@dataclass(frozen=True)
class Receipt:
    """What the visitor's page may do with a ticket.

    Arguments:
        ticket_id: the ticket's id.
        may_correct: whether the address may be corrected; not that of a signed-in visitor.
        origin: the origin of the page from which the ticket was sent, according to the browser.
        language: the language of that page (BCP 47), according to the browser.
    """

    ticket_id: UUID
    may_correct: bool = False
    origin: str | None = None
    language: str | None = None


class ReceiptSigner:
    """Signs and reads receipts.

    Arguments:
        keys: secret keys, oldest first, see :class:`.OfferSigner`.
        audience: for whom the receipts are: one of another app or mount with the same key is not valid here.
    """

    def __init__(self, keys: Sequence[bytes], audience: str) -> None:
        self._serializer = serializer(tuple(keys), "kapa-handoff-receipt")
        self._audience = audience

    def sign(self, receipt: Receipt) -> str:
        """The receipt as URL-safe text, stamped with the current second."""
        claims = {**vars(receipt), "ticket_id": receipt.ticket_id.hex, "for": self._audience}
        token = self._serializer.dumps(claims)
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, token: str) -> Receipt:
        """Verify a signed receipt and return its content.

        Raises:
            ReceiptInvalid: it is damaged, forged, for another audience, or older than :data:`MAX_AGE`.
        """
        try:
            claims, signed = self._serializer.loads(token[:MAX_TOKEN], return_timestamp=True)
            age = time.time() - signed.timestamp()
            if claims["for"] != self._audience or not -CLOCK_SKEW <= age <= MAX_AGE:
                raise ReceiptInvalid
            # A later version may have signed it, with further claims.
            return Receipt(UUID(claims["ticket_id"]), claims["may_correct"], claims["origin"], claims["language"])
        except (BadData, UnicodeError, TypeError, ValueError, KeyError):
            raise ReceiptInvalid from None
