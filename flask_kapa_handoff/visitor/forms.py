"""The visitor's form. The signed offer is its anti-forgery token: it needs no session and no cookie."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import EmailField, HiddenField, StringField, TextAreaField, ValidationError
from wtforms.csrf.core import CSRF, CSRFTokenField

from ..bounded_json import loads
from ..config import parse_email
from ..conversation import Conversation, ConversationError, TooManyPairs, clean_text, parse_conversation
from ..errors import TooLarge
from ..offers import Offer, OfferSigner

SiteTranscript = Callable[[Offer], "Conversation | None"]

NOTE_MAX = 5000
"""Longest note, in characters."""

MOST_LINE_ENDS = 2
"""Browsers write a line's end as two characters: a note of only empty lines comes twice as long as it is."""


class OfferToken(CSRF):  # type: ignore[misc]  # WTForms is not typed
    """The form's ``offer`` field. Validating the form raises OfferInvalid or OfferExpired when it is no good."""

    def setup_form(self, form: TicketForm) -> list[tuple[str, Any]]:
        self._signer: OfferSigner = form.meta.csrf_context
        fields: list[tuple[str, Any]] = super().setup_form(form)
        return fields

    def generate_csrf_token(self, field: CSRFTokenField) -> str:
        return ""  # carry_offer() sets it: an offer is made where the answer is known

    def validate_csrf_token(self, form: TicketForm, field: CSRFTokenField) -> None:
        if form.accepted_offer is None:
            form.accepted_offer = self._signer.read(field.data or "")


class ConversationField(HiddenField):  # type: ignore[misc]
    """The transcript: JSON text in a form, or a decoded list in a JSON request."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist else None

    def _value(self) -> str:
        if self.data is None or isinstance(self.data, str):
            return self.data or ""
        return json.dumps(self.data)


class TicketForm(FlaskForm):  # type: ignore[misc]
    """Email, note and what goes along unseen."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        # Not the site's switches: this form's protection is not the session's token.
        csrf = True
        csrf_class = OfferToken
        csrf_field_name = "offer"

    submission_id = HiddenField()
    email = EmailField("Your email")
    note = TextAreaField("Note")
    conversation = ConversationField()
    website = StringField("Website")

    accepted_offer: Offer | None = None
    accepted_conversation: Conversation | None = None
    transcript_source: str = "browser"
    max_pairs: int
    site_transcript: SiteTranscript

    @classmethod
    def empty(cls, signer: OfferSigner, token: str) -> TicketForm:
        """A form to fill in, with an offer and a ``submission_id`` of its own."""
        form = cls(formdata=None, meta={"csrf_context": signer})
        form.submission_id.data = str(uuid.uuid4())
        form.carry_offer(token)
        return form

    @classmethod
    def submitted(
        cls, fields: MultiDict[str, Any], signer: OfferSigner, *, max_pairs: int, site_transcript: SiteTranscript
    ) -> TicketForm:
        """A form that was sent; ``validate()`` fills ``accepted_offer`` and ``accepted_conversation``.

        Arguments:
            max_pairs: see KAPA_HANDOFF_MAX_PAIRS.
            site_transcript: gives the site's own record of an offer's thread, or None.
        """
        form = cls(formdata=fields, meta={"csrf_context": signer})
        form.max_pairs, form.site_transcript = max_pairs, site_transcript
        form.carry_offer(form.offer.data or "")
        # The offer first: without a good one nothing else is looked at.
        form._fields = {"offer": form._fields.pop("offer"), **form._fields}
        return form

    def read_offer(self, signer: OfferSigner) -> Offer:
        """What the offer says that was sent along.

        Raises:
            OfferExpired, OfferInvalid: it is no good.
        """
        self.accepted_offer = signer.read(self.offer.data or "")
        return self.accepted_offer

    def carry_offer(self, token: str) -> None:
        """Put a signed offer into the form that is shown."""
        self.offer.current_token = token

    def validate_submission_id(self, field: HiddenField) -> None:
        try:
            uuid.UUID(field.data or "")
        except ValueError:
            raise ValidationError(
                "This form is damaged: its submission_id must be a UUID, the same one for each try. "
                "Please close it and press the button under the answer again."
            ) from None

    def validate_email(self, field: EmailField) -> None:
        if not (field.data or "").strip():
            raise ValidationError("Please enter your email address, so that we can answer you.")
        try:
            field.data = parse_email(field.data)
        except ValueError as error:
            raise ValidationError(
                f"Please check this email address, it should look like name@example.com. ({error})"
            ) from None

    def validate_note(self, field: TextAreaField) -> None:
        note = field.data or ""
        if len(note) <= MOST_LINE_ENDS * NOTE_MAX:
            note = clean_text(note)
        if len(note) > NOTE_MAX:
            raise ValidationError(f"The note has {len(note):,} characters; at most {NOTE_MAX:,} can be sent.")
        field.data = note.strip()

    def validate_website(self, field: StringField) -> None:
        # Told, not swallowed, and emptied: a person whose browser filled it in must not lose a ticket.
        if field.data:
            field.data = ""
            raise ValidationError(
                "The hidden field “website” was filled in, perhaps by your browser, and must be empty. "
                "It is empty again now: please send it once more."
            )

    def validate_conversation(self, field: ConversationField) -> None:
        found = self.site_transcript(self.accepted_offer) if self.accepted_offer else None
        if found is not None:
            self.accepted_conversation, self.transcript_source = found, "site"
            return
        if field.data is None or field.data == "":
            raise ValidationError(
                "The conversation did not come along. Please go back to the answer and press the button there again."
            )
        value = field.data
        if isinstance(value, str):
            try:
                value = loads(value)
            except (ValueError, RecursionError):
                raise ValidationError("conversation: must be JSON, a list of question-answer pairs.") from None
        try:
            found = parse_conversation(value, max_pairs=self.max_pairs)
            _require_offered_answer(found, self.accepted_offer, self.max_pairs)
        except TooManyPairs as error:
            raise TooLarge(f"This conversation is too long to send. {error}.") from None
        except ConversationError as error:
            raise ValidationError(f"{error}.") from None
        self.accepted_conversation = found


def _require_offered_answer(conversation: Conversation, offered: Offer | None, max_pairs: int) -> None:
    """Of a browser's word as much is checked as can be: the ticket is about the answer that was found to qualify."""
    if offered is None:
        return
    pairs = conversation.pairs
    ids = {pair.id for pair in pairs} - {None}  # a program may leave all of them out
    if offered.answer_id is not None and ids and offered.answer_id not in ids:
        raise ConversationError(
            f"conversation: the answer {offered.answer_id!r}, which the form is about, is not in it"
        )
    if len(pairs) < min(offered.facts.pairs, max_pairs):  # of a longer thread, the latest ones can be sent
        raise ConversationError(
            f"conversation: has {len(pairs)} question-answer pairs; the form was opened for {offered.facts.pairs}"
        )
