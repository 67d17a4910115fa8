"""Turns the table of fields into WTForms fields, with one class for each kind."""

from __future__ import annotations

import json
from typing import Any, Protocol

from wtforms import EmailField, Field, HiddenField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.widgets import CheckboxInput

from .. import fields
from ..fields import EMAIL, NOTE, PACKAGE_FIELDS, YES
from ..text import clean_text
from ..translation import gettext as _


class FilesField(Field):  # type: ignore[misc]
    """The ids of stored files; the form's ``files`` says what they are."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist


class _Form(Protocol):
    """The part of a form that its fields need."""

    @property
    def desk(self) -> str | None: ...

    @property
    def is_foreign(self) -> bool: ...

    @property
    def shown(self) -> list[Any]: ...


class ConversationField(HiddenField):  # type: ignore[misc]
    """The transcript: JSON text in a form, or a list in a JSON request."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = valuelist[0] if valuelist else None

    def _value(self) -> str:
        if self.data is None or isinstance(self.data, str):
            return self.data or ""
        return json.dumps(self.data)


class LeftOutField(Field):  # type: ignore[misc]
    """The keys of the pairs that the visitor leaves out; its inputs are in the review, see ``_review.html``."""

    data: list[str]

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = [clean_text(value) for value in valuelist if value]


class Row:
    """A form field for a row of the table; ``data`` is the value as text for every kind."""

    data: str | None
    raw_data: list[str]

    def __init__(self, row: fields.Field, **options: Any) -> None:
        super().__init__(row.label, [_read], **options)  # type: ignore[call-arg]  # of WTForms
        self.row = row

    def is_shown(self, desk: str | None) -> bool:
        """Whether the visitor sees it. If the desk is not known, a field that was filled in is shown as well."""
        return self.row.is_for(desk) if desk is not None else not self.row.desks or any(self.raw_data or ())


def _read(form: _Form, field: Row) -> None:
    if form.desk is not None and not field.row.is_for(form.desk):
        if any(field.raw_data):
            raise ValidationError(
                _("This form has no field “%(field)s” any more. Close and reopen it.", field=field.row.label)
            )
        return
    if not field.raw_data and form.is_foreign and field.row not in (EMAIL, NOTE):
        field.data = ""  # that form does not ask for it
        return
    try:
        field.data = field.row.read(field.data or "")
    except ValueError as error:
        raise ValidationError(str(error)) from None


class Undeclared(Field):  # type: ignore[misc]
    """An input that is in no table: its only content is the error that says so."""

    data = None

    def pre_validate(self, form: _Form) -> None:
        names = ", ".join(field.name for field in form.shown)
        raise ValidationError(_("This form has no field “%(field)s”, only %(names)s.", field=self.name, names=names))


class _Text(Row, StringField):  # type: ignore[misc]
    pass


class _Email(Row, EmailField):  # type: ignore[misc]
    pass


class _Textarea(Row, TextAreaField):  # type: ignore[misc]
    pass


class _Select(Row, SelectField):  # type: ignore[misc]
    def __init__(self, row: fields.Field, **options: Any) -> None:
        # There is no empty choice if one is always chosen.
        choices = [*row.choices] if row.required and row.default else ["", *row.choices]
        super().__init__(row, choices=choices, validate_choice=False, **options)


class _Checkbox(Row, Field):  # type: ignore[misc]
    widget = CheckboxInput()

    def _value(self) -> str:
        return YES

    @property
    def checked(self) -> bool:
        """Whether it is ticked."""
        return self.data == YES


class _Consent(_Checkbox):
    """A box whose value is the text beside it: the ticket says what the visitor has read."""

    def _value(self) -> str:
        return self.row.label

    @property
    def checked(self) -> bool:
        return bool(self.data) and self.data == self.row.label


_CLASSES = {
    "text": _Text,
    "email": _Email,
    "textarea": _Textarea,
    "select": _Select,
    "checkbox": _Checkbox,
    "consent": _Consent,
}


def attribute_of(row: fields.Field) -> str:
    """The form's attribute for the field."""
    # A site's field may have the name of a WTForms attribute, such as "data", "errors" or "validate".
    return row.name if row in PACKAGE_FIELDS else f"site_{row.name}"


def form_field(row: fields.Field) -> Any:
    """A WTForms field for a form class."""
    html_id = f"kapa-handoff-{row.name}" if row in PACKAGE_FIELDS else f"kapa-handoff-field-{row.name}"
    return _CLASSES[row.kind](row, name=row.name, id=html_id)
