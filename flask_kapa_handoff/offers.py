"""Offers: the server's statement that an answer qualifies. Opening and sending the form require a signed one."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .conversation import MAX_ID, Conversation
from .errors import Invalid, RequestProblem
from .text import clean_text
from .translation import noop as N_
from .triggers import Asks, Facts, Rules, Trigger, matching
from .unknown import Unknown
from .urls import origin_of, shortened


def _new_id() -> str:
    return secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Offer:
    """An offer: for which answer, on which desk, and why.

    Without triggers it is for a visitor who asks a person directly, see :attr:`is_direct`.

    Arguments:
        triggers: the triggers that the answer met.
        facts: what was known about the answer.
        desk: the desk that takes the ticket.
        thread_id, answer_id: the chat's ids of the thread and the answer.
        page: the address of the page that the visitor was on.
        requested: the visitor asked in another form than this package's, so no trigger had to be met.
        origin: the origin of that page, according to the browser.
        language: the language of that page (BCP 47), according to the browser.
        id: identifies the offer, which opens only one ticket.
        decided_at: when it was decided that the answer qualifies, in seconds since 1970; None: when the offer is
            signed.
        others: claims of a later version that this version does not know; they are signed again with the rest.
    """

    triggers: tuple[Trigger | Unknown, ...]
    facts: Facts
    desk: str = "default"
    thread_id: str | None = None
    answer_id: str | None = None
    page: str | None = None
    requested: bool = False
    origin: str | None = None
    language: str | None = None
    id: str = field(default_factory=_new_id)
    decided_at: int | None = field(default=None, compare=False)
    others: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_direct(self) -> bool:
        """Whether the visitor asks a person without a button under an answer, as desks may allow."""
        return not (self.triggers or self.requested)

    def for_one_form(self, origin: str | None = None) -> Offer:
        """The same decision with a new id, for each form that is opened: many visitors may get a page with one button.

        Arguments:
            origin: the origin of the page that opens it, if known.
        """
        return replace(self, id=_new_id(), origin=origin or self.origin)


class OfferInvalid(RequestProblem):
    code = 403
    error_code = "offer_invalid"
    title = N_("This form can't be opened")
    description = N_(
        "The link to this form is damaged, or another site made it. Go back to the answer and press the button there."
    )


class OfferExpired(RequestProblem):
    """The offer's signature is valid, but it is too old; ``offer`` is its content, to be decided again."""

    code = 409
    error_code = "offer_expired"
    title = N_("Please send it again")
    description = N_("This form was open for too long. Your text is safe – send it again.")

    def __init__(self, offer: Offer) -> None:
        super().__init__()
        self.offer = offer


class Desk(Rules, Protocol):
    """The part of a desk's settings that decides whether an offer is made."""

    @property
    def desk(self) -> str: ...

    @property
    def takes_tickets(self) -> bool: ...

    @property
    def open_directly(self) -> bool: ...


def make_offer(
    facts: Facts,
    settings: Desk,
    *,
    thread_id: str | None = None,
    answer_id: str | None = None,
    page: str | None = None,
    requested: bool = False,
    direct: bool = False,
    origin: str | None = None,
    language: str | None = None,
) -> Offer | None:
    """The offer for an answer; None: it does not qualify, or the desk takes no tickets.

    Arguments:
        page, requested, origin, language: see :class:`Offer`.
        direct: the page asks without a button, see :attr:`Offer.is_direct`; without an answer this is always so.
    """
    triggers = matching(facts, settings)
    may_ask = (direct or not facts.pairs) and settings.open_directly
    if not (triggers or requested or may_ask) or not settings.takes_tickets:
        return None
    if not facts.pairs:
        thread_id = answer_id = None
    page = shortened(page) if page else None
    return Offer(triggers, facts, settings.desk, thread_id, answer_id, page, requested, origin, language)


def offer_for(
    conversation: Conversation,
    settings: Desk,
    *,
    page: str | None = None,
    asks: Asks | None = None,
    language: str | None = None,
) -> Offer | None:
    """The offer for the last answer of the site's own conversation; None: it does not qualify.

    A conversation without pairs is offered where the desk may be asked directly.

    Arguments:
        page: the address of the page where the visitor is.
        asks: see :meth:`.Facts.of`.
        language: see :class:`Offer`.

    Raises:
        Invalid: an id is longer than allowed.
    """
    return make_offer(
        Facts.of(conversation, asks=asks),
        settings,
        thread_id=_clean_id("thread_id", conversation.thread_id),
        answer_id=_clean_id("answer_id", conversation.pairs[-1].id) if conversation.pairs else None,
        page=page,
        origin=origin_of(page),
        language=language,
    )


def _clean_id(name: str, value: object) -> str | None:
    text = None if value is None else clean_text(str(value))
    if len(text or "") > MAX_ID:
        raise Invalid(fields={name: [f"{name}: is longer than {MAX_ID} characters."]})
    return text
