"""Builds the visitor's form from the table of fields. It needs no session or cookie: the signed offer protects it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField, StringField, ValidationError
from wtforms.csrf.core import CSRF, CSRFTokenField

from ..bounded_json import loads
from ..conversation import Conversation, ConversationError, TooManyPairs, parse_conversation
from ..email_address import is_automatic, mailbox_of, parse_email
from ..errors import TooLarge
from ..fields import CONSENT, EMAIL, NOTE, QUESTION, Field, all_fields
from ..hooks import Visitor
from ..left_out import leave_out
from ..offer_signing import OfferSigner
from ..offers import Offer
from ..translation import gettext as _
from .form_fields import ConversationField, FilesField, LeftOutField, Row, Undeclared, attribute_of, form_field
from .form_files import FormFiles


class OfferToken(CSRF):  # type: ignore[misc]  # WTForms is not typed
    """The form's ``offer`` field. Validating the form raises OfferInvalid or OfferExpired if it is not valid."""

    def setup_form(self, form: TicketForm) -> list[tuple[str, Any]]:
        self._signer: OfferSigner = form.meta.csrf_context
        fields: list[tuple[str, Any]] = super().setup_form(form)
        return fields

    def generate_csrf_token(self, field: CSRFTokenField) -> str:
        return ""  # carry_offer() sets it: the offer is made elsewhere, from the answer

    def validate_csrf_token(self, form: TicketForm, field: CSRFTokenField) -> None:
        if form.accepted_offer is None:
            form.read_offer(self._signer)


class TicketForm(FlaskForm):  # type: ignore[misc]
    """The table's fields, and the hidden ones."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        # Not the site's setting: this form is not protected by a session's token.
        csrf = True
        csrf_class = OfferToken
        csrf_field_name = "offer"

    # Without a label: WTForms would translate one for each.
    submission_id = HiddenField("")
    conversation = ConversationField("")
    attachments = FilesField("")
    left_out = LeftOutField("", default=list)
    website = StringField("Website")

    email: Any
    note: Any
    has_conversation = True
    accepted_offer: Offer | None = None
    accepted_conversation: Conversation | None = None
    left_out_places: tuple[int, ...] = ()
    desk: str | None = None
    unasked: tuple[str, ...] = ()
    files: FormFiles
    visitor: Visitor | None = None
    max_pairs: int
    site_record: Conversation | None = None
    own_mailboxes: frozenset[str] = frozenset()
    special_domains: tuple[str, ...] = ()
    sent: MultiDict[str, Any] | None = None

    @classmethod
    def empty(
        cls, signer: OfferSigner, token: str, *, desk: str, pairs: int = 1, site_fields: tuple[Field, ...] = ()
    ) -> TicketForm:
        """A new form, with its own offer and ``submission_id``.

        Arguments:
            desk: whose form it is.
            pairs: of the conversation that it is about; 0: there is none.
            site_fields: see KAPA_HANDOFF_FIELDS.
        """
        defaults = {attribute_of(row): row.default for row in all_fields(site_fields)}
        form = _with_fields(site_fields)(formdata=None, data=defaults, meta={"csrf_context": signer})
        form.desk, form.files = desk, FormFiles()
        form.ask_for_question(pairs)
        form.submission_id.data = str(uuid.uuid4())
        form.carry_offer(token)
        return form

    @classmethod
    def submitted(
        cls,
        fields: MultiDict[str, Any],
        signer: OfferSigner,
        *,
        max_pairs: int,
        special_domains: tuple[str, ...] = (),
        site_fields: tuple[Field, ...] = (),
        undeclared: Iterable[str] = (),
    ) -> TicketForm:
        """A submitted form; ``validate()`` sets ``accepted_offer``, ``accepted_conversation`` and ``left_out_places``.

        The accepted conversation is without the pairs that the visitor leaves out; ``left_out_places`` says where they
        were, from 0.

        If the site has its own record of the conversation, set ``site_record`` first: it takes precedence. Set
        ``own_mailboxes`` to the site's own, which no visitor can have, and ``unasked`` to the fields that the desk
        leaves out.

        Arguments:
            max_pairs: see KAPA_HANDOFF_MAX_PAIRS.
            special_domains: see KAPA_HANDOFF_SPECIAL_DOMAINS.
            site_fields: see KAPA_HANDOFF_FIELDS.
            undeclared: names of inputs that are no fields of this form; validating it reports each.
        """
        form = _with_fields(site_fields)(formdata=fields, meta={"csrf_context": signer})
        form.max_pairs, form.special_domains, form.sent = max_pairs, special_domains, fields
        form.files = FormFiles()
        form.carry_offer(form.offer.data or "")
        # The offer first: without a valid one, nothing else is checked.
        form._fields = {"offer": form._fields.pop("offer"), **form._fields}
        for name in undeclared:
            form._fields[f"undeclared {name}"] = Undeclared().bind(form, name)
        return form

    @property
    def shown(self) -> list[Any]:
        """The fields that the visitor sees, in order; each has its ``row`` of the table."""
        rows = [field for field in self if isinstance(field, Row) and field.is_shown(self.desk)]
        return [field for field in rows if field.name not in self.unasked]

    @property
    def unseen(self) -> list[Any]:
        """The other fields, whose errors cannot be shown beside a field."""
        shown = self.shown
        return [field for field in self if field not in shown]

    def ask_for_question(self, pairs: int) -> None:
        """Let the note be the question if there is no conversation.

        Arguments:
            pairs: how many the conversation has.
        """
        if not pairs:
            self.has_conversation, self.note.row = False, QUESTION

    @property
    def is_foreign(self) -> bool:
        """Whether the visitor filled in Kapa's own form, which asks only for email and note."""
        return self.accepted_offer is not None and self.accepted_offer.requested

    @property
    def field_values(self) -> dict[str, str]:
        """The values of the fields without columns of their own, by name; call ``validate()`` first."""
        own = (EMAIL.name, NOTE.name)
        return {field.name: field.data for field in self.shown if field.name not in own and field.data}

    @property
    def errors(self) -> dict[str, list[str]]:
        """The errors by the names under which the fields were sent."""
        return {field.name: list(field.errors) for field in self if field.errors}

    def ask_consent(self, row: Field | None) -> None:
        """Add the desk's consent box, once.

        Arguments:
            row: see :func:`.form_words.consent_row`; None: the desk has no such box.
        """
        if row is not None and CONSENT.name not in self._fields:
            field = self._fields[CONSENT.name] = form_field(row).bind(self, CONSENT.name)
            field.process(self.sent)

    def read_offer(self, signer: OfferSigner) -> Offer:
        """The verified offer in the submitted form.

        Raises:
            OfferExpired, OfferInvalid: it is not valid.
        """
        self.accepted_offer = signer.read(self.offer.data or "")
        self.desk = self.accepted_offer.desk
        self.ask_for_question(self.accepted_offer.facts.pairs)
        return self.accepted_offer

    def carry_offer(self, token: str) -> None:
        """Put a signed offer into the form before it is shown."""
        self.offer.current_token = token

    def validate_email(self, field: Any) -> None:
        if not field.data:
            return
        try:
            field.data = read_address(field.data, self.special_domains, self.own_mailboxes)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def validate_submission_id(self, field: HiddenField) -> None:
        try:
            uuid.UUID(field.data or "")
        except ValueError:
            raise ValidationError(
                f"{_('This form is damaged. Close it and press the button under the answer again.')} "
                "(submission_id must be a UUID, the same for each attempt.)"
            ) from None

    def validate_website(self, field: StringField) -> None:
        # Report it and empty the field: a person whose browser filled it in must not lose a ticket.
        if field.data:
            field.data = ""
            raise ValidationError(
                _("A hidden field (“website”) was filled in, perhaps by your browser. We've cleared it – send again.")
            )

    def validate_attachments(self, field: FilesField) -> None:
        if self.files.problems:
            raise ValidationError(" ".join(self.files.problems))

    def validate_conversation(self, field: ConversationField) -> None:
        if self.site_record is not None:
            self.accepted_conversation = self.site_record
            return
        if not self.has_conversation:
            if field.data not in (None, "", "[]", []):
                raise ValidationError("conversation: the form was opened without one, so none can be sent.")
            self.accepted_conversation = Conversation(())
            return
        if field.data is None or field.data == "":
            raise ValidationError(
                _("The conversation is missing from this form. Go back to the answer and press the button again.")
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
            raise TooLarge(_("This conversation is too long to send: %(reason)s.", reason=error)) from None
        except ConversationError as error:
            raise ValidationError(f"{error}.") from None
        self.accepted_conversation = found

    def validate_left_out(self, field: LeftOutField) -> None:
        if self.accepted_conversation is None or self.accepted_offer is None:
            return
        try:
            self.accepted_conversation, self.left_out_places = leave_out(
                self.accepted_conversation, field.data, self.accepted_offer.answer_id
            )
        except ValueError:
            raise ValidationError(
                _("The conversation has changed since you chose what to leave out. Review it, then send again.")
            ) from None

    def validate_for_review(self) -> bool:
        """Validate the conversation alone, and accept it whole: the visitor may not have filled in the rest yet."""
        for field in self.shown:
            with suppress(ValueError):
                field.data = field.row.read(field.data or "")
        return bool(self.conversation.validate(self, [TicketForm.validate_conversation]))


def read_address(value: str, special_domains: tuple[str, ...], own_mailboxes: frozenset[str]) -> str:
    """The address for replies that a visitor typed, in its ASCII form.

    Arguments:
        special_domains: see KAPA_HANDOFF_SPECIAL_DOMAINS.
        own_mailboxes: the site's own, which no visitor can have.

    Raises:
        ValueError: it cannot be replied to; the message is a sentence for the visitor.
    """
    try:
        address = parse_email(value, special_domains)
    except ValueError as error:
        raise ValueError(_("Check the address: %(mistake)s.", mistake=error)) from None
    if mailbox_of(address) in own_mailboxes:
        raise ValueError(_("This is our own address. Please enter yours, so that we can reply to you."))
    if is_automatic(address):
        raise ValueError(_("Nobody reads replies to this address. Please enter your own."))
    return address


@lru_cache(maxsize=64)
def _with_fields(site_fields: tuple[Field, ...]) -> type[TicketForm]:
    """The form class for a site's fields."""
    return type("TicketForm", (TicketForm,), {attribute_of(row): form_field(row) for row in all_fields(site_fields)})


def _require_offered_answer(conversation: Conversation, offered: Offer | None, max_pairs: int) -> None:
    """Check what can be checked of the browser's data: the ticket must be about the answer that qualified."""
    if offered is None:
        return
    pairs = conversation.pairs
    ids = {pair.id for pair in pairs} - {None}  # a program may omit all of them
    if offered.answer_id is not None and ids and offered.answer_id not in ids:
        raise ConversationError(
            f"conversation: the answer {offered.answer_id!r}, which the form is about, is not in it"
        )
    if len(pairs) < min(offered.facts.pairs, max_pairs):  # only the latest ones of a longer thread may be sent
        raise ConversationError(
            f"conversation: has {len(pairs)} question-answer pairs; the form was opened for {offered.facts.pairs}"
        )
