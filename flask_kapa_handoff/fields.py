"""What the form asks for: one table. ``email`` and ``note`` are its first rows, a site adds rows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .conversation import clean_text
from .email_address import parse_email

MAX_LENGTH = 5_000
"""The longest text that a field may take, in characters."""

YES, NO = "yes", "no"
"""The values of a checkbox. One that is left out is not ticked."""

_MOST_LINE_ENDS = 2
"""Browsers write a line's end as two characters: a text of only empty lines comes twice as long as it is."""

_AUTOCOMPLETE = {
    "company": "organization",
    "country": "country-name",
    "customer": "username",
    "email": "email",
    "name": "name",
    "organisation": "organization",
    "organization": "organization",
    "phone": "tel",
    "postcode": "postal-code",
    "website_url": "url",
    "zip": "postal-code",
}
"""Names whose value the browser knows (HTML, "Autofill"; WCAG 2.1, 1.3.5)."""


@dataclass(frozen=True)
class Field:
    """One row of the table: one thing that the form asks for.

    Arguments:
        name: of the form's field, and of the value in JSON and in the database: ``a-z``, digits and ``_``.
        label: what stands above it, in the mail and in the admin.
        kind: ``text`` (one line), ``textarea``, ``select`` or ``checkbox``; by default ``select`` where there are
            choices, else ``text``. A checkbox has the values ``yes`` and ``no``.
        help: a sentence below it.
        required: it must be filled in, chosen or ticked.
        max_length: of a text, in characters; by default 200 for one line and 5,000 for a textarea.
        choices: what a select offers.
        desks: the desks whose form has it; none: every desk's.
        default: what the form is opened with. For a checkbox ``True`` or ``False``.
    """

    name: str
    label: str
    kind: str = ""
    help: str = ""
    required: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    desks: tuple[str, ...] = ()
    default: str | bool = ""

    def __post_init__(self) -> None:
        kind = self.kind or ("select" if self.choices else "text")
        object.__setattr__(self, "kind", kind)
        if self.max_length is None and kind in KINDS:
            object.__setattr__(self, "max_length", KINDS[kind].max_length)

    def is_for(self, desk: str) -> bool:
        """Whether the desk's form has it."""
        return not self.desks or desk in self.desks

    @property
    def autocomplete(self) -> str | None:
        """What the browser may fill in, a token of HTML's; None: it is not known."""
        return _AUTOCOMPLETE.get(self.name)

    @property
    def is_typed(self) -> bool:
        """Whether the visitor writes the value, rather than choosing one of the site's."""
        return KINDS[self.kind].max_length is not None

    def read(self, value: str) -> str:
        """What was sent, as it is stored; ``""``: nothing.

        Raises:
            ValueError: it is missing, too long or not allowed; with a sentence for the visitor.
        """
        kind = KINDS[self.kind]
        # To clean a text that is much too long would only cost time.
        if self.max_length is None or len(value) <= _MOST_LINE_ENDS * MAX_LENGTH:
            value = kind.clean(value)
        if self.max_length is not None and len(value) > self.max_length:
            raise ValueError(f"This is {len(value):,} characters long. The limit is {self.max_length:,}.")
        if self.choices and value and value not in self.choices:
            raise ValueError("Choose one of the options.")
        if self.required and value in kind.empty:
            raise ValueError(kind.missing)
        return value


@dataclass(frozen=True)
class Kind:
    """How fields of a kind are read.

    Arguments:
        clean: gives the value as it is stored; may raise ValueError with a sentence for the visitor.
        missing: what a visitor is told who leaves a required one out.
        empty: the values that count as left out.
        max_length: of a text, in characters, by default; None: the visitor does not write it.
    """

    clean: Callable[[str], str]
    missing: str
    empty: tuple[str, ...] = ("",)
    max_length: int | None = None


def _one_line(value: str) -> str:
    return " ".join(clean_text(value).split())


def _email(value: str) -> str:
    if not value.strip():
        return ""
    try:
        return parse_email(value)
    except ValueError as error:
        raise ValueError(f"Check the address: {error}.") from None


def _ticked(value: str) -> str:
    if value not in (YES, NO, ""):
        raise ValueError(f"A checkbox is {YES} or {NO}.")
    return value or NO


KINDS: Mapping[str, Kind] = {
    "text": Kind(_one_line, "Please fill this in.", max_length=200),
    "textarea": Kind(lambda value: clean_text(value).strip(), "Please fill this in.", max_length=MAX_LENGTH),
    "select": Kind(_one_line, "Please choose one."),
    "checkbox": Kind(_ticked, "Please tick this box to continue.", empty=("", NO)),
    "email": Kind(_email, "Please enter your email address so that we can reply."),
}
EMAIL = Field("email", "Your email", "email", required=True)
NOTE = Field(
    "note",
    "Your note",
    "textarea",
    help="Anything to add?",
)

PACKAGE_FIELDS = (EMAIL, NOTE)
"""The package's own rows. Email and note have columns of their own; the values of others stand with the site's."""


def all_fields(site_fields: Iterable[Field]) -> tuple[Field, ...]:
    """The whole table, in the order of the form."""
    return (*PACKAGE_FIELDS, *site_fields)


def further_fields(site_fields: Iterable[Field]) -> tuple[Field, ...]:
    """The rows whose values a ticket keeps in ``fields``: all but email and note."""
    return tuple(field for field in all_fields(site_fields) if field not in (EMAIL, NOTE))


def labelled(site_fields: Iterable[Field], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """What a ticket says, as label and value, in the table's order; a field that is no longer there has its name."""
    labels = {field.name: field.label for field in further_fields(site_fields)}
    known = [(label, values[name]) for name, label in labels.items() if values.get(name)]
    return known + [(name, value) for name, value in values.items() if value and name not in labels]
