"""Decides whether an answer is offered, and notes what was decided."""

from __future__ import annotations

from ..conversation import Conversation
from ..offers import Offer, make_offer
from ..settings import DeskSettings
from ..state import State
from ..text import clean_text
from ..triggers import Asks, Facts
from .requests import AnswerQuery


def known_facts(state: State, asked: AnswerQuery | Offer, settings: DeskSettings) -> Facts:
    """The facts that the site has of an answer, else those that the page reported."""
    return state.hooks.known_facts(asked.facts, asked.thread_id, asked.answer_id, asks=state.asks_for_human(settings))


def decide(asked: AnswerQuery | Offer, facts: Facts, settings: DeskSettings) -> Offer | None:
    """The offer by the current settings; None: the answer does not qualify."""
    return make_offer(
        facts,
        settings,
        thread_id=asked.thread_id,
        answer_id=asked.answer_id,
        page=asked.page,
        requested=asked.requested,
        direct=asked.is_direct,
        origin=asked.origin,
        language=asked.language,
    )


def record_rendered(
    state: State, conversation: Conversation, offer: Offer | None, desk: str, page: str | None, asks: Asks | None
) -> None:
    """Note the last answer of a conversation that the site's server renders; a page may be rendered many times.

    Arguments:
        asks: see :meth:`.Facts.of`.
    """
    answer_id = conversation.pairs[-1].id if conversation.pairs else None
    state.answers.asked(
        Facts.of(conversation, asks=asks) if offer is None else offer.facts,
        offer,
        desk=desk,
        thread_id=None if conversation.thread_id is None else clean_text(str(conversation.thread_id)),
        answer_id=None if answer_id is None else clean_text(str(answer_id)),
        page=page,
        knows_request=asks is not None,
    )
