"""What a ticket would store, as the visitor reads it before sending: pair by pair, with each mask in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from flask import request
from markupsafe import Markup, escape

from .. import limits
from ..conversation import QuestionAnswer, Source
from ..errors import Disabled, Invalid
from ..fields import labelled
from ..left_out import keys_of_pairs
from ..links import Links
from ..markdown import Renderer, lines
from ..quotas import keys_of
from ..settings import serving_settings
from ..state import State
from ..storage.engine import now
from ..ticket_content import TicketContent
from ..translation import gettext as _
from ..translation import gettext_html
from ..translation import noop as N_
from ..web.ticket_form import TicketForm

MAX_COST = 10_000
"""The most that rendering the answers may cost, see :data:`.markdown.MAX_COST`: no more than storing them."""

_MASK = re.compile(r"\[hidden: ([^\[\]<>\n]+)\]")
_TAG_OR_MASK = re.compile(rf"<[^>]*>|{_MASK.pattern}")

_HIDDEN = N_("%(kind)s hidden")
_KINDS = (
    N_("API key"),
    N_("card number"),
    N_("cookies"),
    N_("password"),
    N_("private key"),
    N_("secret"),
    N_("session"),
    N_("signature"),
    N_("token"),
)
"""What is masked most, for the catalogs; other kinds have names of products in them."""


@dataclass(frozen=True)
class ReviewedPair:
    """A pair as it would be stored.

    Arguments:
        key: what it is left out by; None: it is the pressed pair, which stays.
        is_left_out: whether the visitor has left it out.
    """

    pair: QuestionAnswer
    key: str | None
    is_left_out: bool

    @property
    def is_masked(self) -> bool:
        """Whether something in the answer is masked."""
        return _MASK.search(self.pair.answer) is not None


class Review:
    """What a form would send.

    Arguments:
        form: its offer and its conversation are accepted, see :meth:`.TicketForm.validate_for_review`.
        adds_context: whether the site adds what it knows about the visitor.

    Raises:
        Invalid: they are not accepted.
    """

    def __init__(self, state: State, form: TicketForm, *, adds_context: bool) -> None:
        offered, whole = form.accepted_offer, form.accepted_conversation
        if offered is None or whole is None:
            raise Invalid(fields=form.errors)
        note = form.note.data or ""
        stored = TicketContent(note, whole, offered.page, form.field_values).as_stored(state.config)
        chosen = set(form.left_out.data)
        # The keys are those of the conversation itself, since a mask may change the text that they come from.
        keys = keys_of_pairs(whole, offered.answer_id)
        shown = stored.conversation.pairs
        self.pairs = [ReviewedPair(pair, key, key in chosen) for pair, key in zip(shown, keys, strict=True)]
        self.content = stored
        self.adds_context = adds_context
        self._site_fields = state.config.fields
        self._to_html = Renderer(offered.page, MAX_COST)
        self._links = Links()

    @property
    def left_out(self) -> int:
        """How many pairs the visitor has left out."""
        return sum(reviewed.is_left_out for reviewed in self.pairs)

    @property
    def masked_texts(self) -> list[tuple[str, str]]:
        """The note and the further fields in which something is masked, with their labels."""
        texts = [(_("Your note"), self.content.note), *labelled(self._site_fields, self.content.fields)]
        return [(label, text) for label, text in texts if _MASK.search(text)]

    def text(self, text: str) -> Markup:
        """Plain text as HTML in its own direction, with its masks in words."""
        return Markup("<bdi>%s</bdi>") % _in_words(lines(text))

    def texts(self, texts: Iterable[str]) -> Markup:
        """Several plain texts, as :meth:`text`, with commas between them."""
        return Markup(", ").join(self.text(text) for text in texts)

    def markdown(self, text: str) -> Markup:
        """Markdown as HTML, with its masks in words."""
        return _outside(self._to_html(text))

    def source(self, source: Source) -> Markup:
        """A source as a link, with its masks in words."""
        return Markup("<bdi>%s</bdi>") % _outside(self._links.link(source.url, source.title))

    def as_json(self) -> dict[str, Any]:
        """What would be stored; each pair with the key that leaves it out, None for the pressed one."""
        return {
            "note": self.content.note,
            "fields": dict(self.content.fields),
            "page": self.content.page,
            "left_out": self.left_out,
            "conversation": [
                {**reviewed.pair.as_json(), "key": reviewed.key} for reviewed in self.pairs if not reviewed.is_left_out
            ],
        }


def require_room(state: State, form: TicketForm) -> None:
    """Refuse what a ticket would be refused for now, before anything in it is read.

    Raises:
        Disabled: the desk takes no tickets.
        RateLimited: a quota is used up.
    """
    signed_in = form.visitor is not None
    keys = keys_of(request.remote_addr, form.email.data or "", state.secret, signed_in=signed_in)
    with state.database.read() as connection:
        if form.desk is None or not serving_settings(connection, state.config, form.desk).takes_tickets:
            raise Disabled
        moment = now(connection)
        usage = limits.usage_of(connection.execute(limits.USAGE, limits.parameters(keys, moment)).one())
        limits.check(connection, state.config, keys, moment, usage=usage, size=1)


def _outside(html: Markup) -> Markup:
    """The HTML with its masks in words, and with links that leave the form open."""
    return _in_words(str(html).replace("<a href=", '<a target="_blank" href='))


def _in_words(html: str) -> Markup:
    """The HTML with ``[hidden: card number]`` as a marked "card number hidden"."""
    return Markup(_TAG_OR_MASK.sub(_mask_in_words, html))  # noqa: S704 - safe before, and so is what it adds


def _mask_in_words(found: re.Match[str]) -> str:
    if found[1] is None:
        return found[0]
    # The label is already escaped, as all of the HTML.
    kind = escape(_(found[1])) if found[1] in _KINDS else Markup(found[1])  # noqa: S704
    return f'<mark class="kapa-handoff-mask" dir="auto">{gettext_html(_HIDDEN, kind=kind)}</mark>'
