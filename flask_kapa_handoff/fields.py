"""The table of what the form asks for. ``email`` and ``note`` are its first rows; a site adds its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from .text import clean_text
from .translation import gettext as _
from .translation import noop as N_

MAX_LENGTH = 5_000
"""The highest ``max_length`` that a field may have, in characters."""

YES, NO = "yes", "no"
"""The values of a checkbox. When none is sent, it is not ticked."""

_LINE_BREAK_LENGTH = 2
"""Browsers send each line break as two characters, so a text of only empty lines arrives twice as long."""

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
"""Names whose value the browser can fill in (HTML, "Autofill"; WCAG 2.1, 1.3.5)."""


@dataclass(frozen=True)
class Field:
    """One row of the table: one field of the form.

    Arguments:
        name: of the field in the form, in JSON and in the database: ``a-z``, digits and ``_``.
        label: shown above it, in the mail and on the admin page.
        kind: ``text`` (one line), ``textarea``, ``select`` or ``checkbox``; by default ``select`` if there are
            choices, else ``text``. A checkbox has the values ``yes`` and ``no``.
        help: a sentence shown below it.
        required: whether it must be filled in, chosen or ticked.
        max_length: the longest text, in characters; by default 200 for one line and 5,000 for a textarea.
        choices: the options of a select.
        desks: the desks whose form has it; empty: every desk's.
        default: the value when the form opens. For a checkbox, ``True`` or ``False``.
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
        kind = ("select" if self.choices else "text") if self.kind == "" else self.kind
        object.__setattr__(self, "kind", kind)
        # What is not text is refused where the whole row is checked.
        if self.max_length is None and isinstance(kind, str) and kind in KINDS:
            object.__setattr__(self, "max_length", KINDS[kind].max_length)

    def is_for(self, desk: str) -> bool:
        """Whether this desk's form has it."""
        return not self.desks or desk in self.desks

    def unknown_desks(self, desks: Iterable[str]) -> list[str]:
        """Those of its desks that are none of ``desks``."""
        return [desk for desk in self.desks if desk not in desks]

    @property
    def autocomplete(self) -> str | None:
        """The HTML ``autocomplete`` token, which tells the browser what to fill in; None: there is none."""
        return _AUTOCOMPLETE.get(self.name)

    @property
    def is_typed(self) -> bool:
        """Whether the visitor types the value instead of choosing one of the site's."""
        return KINDS[self.kind].max_length is not None

    def read(self, value: str) -> str:
        """The sent value in the form in which it is stored; ``""``: nothing was sent.

        Raises:
            ValueError: it is missing, too long or not allowed; the message is a sentence for the visitor.
        """
        kind = KINDS[self.kind]
        # Cleaning a text that is much too long would waste time.
        if self.max_length is None or len(value) <= _LINE_BREAK_LENGTH * MAX_LENGTH:
            value = kind.clean(value)
        if self.max_length is not None and len(value) > self.max_length:
            raise ValueError(
                _(
                    "This is %(length)s characters long. The limit is %(limit)s.",
                    length=len(value),
                    limit=self.max_length,
                )
            )
        if self.choices and value and value not in self.choices:
            raise ValueError(_(kind.other))
        if self.required and value in kind.empty:
            raise ValueError(_(kind.missing))
        return value


@dataclass(frozen=True)
class Kind:
    """How to read fields of one kind.

    Arguments:
        clean: returns the value in the form in which it is stored; may raise ValueError with a sentence for the
            visitor.
        missing: the message for a visitor who leaves a required field empty.
        empty: the values that count as empty.
        max_length: the default, in characters; None: the visitor does not type the value.
        other: the message for a value that is none of the choices.
    """

    clean: Callable[[str], str]
    missing: str
    empty: tuple[str, ...] = ("",)
    max_length: int | None = None
    other: str = N_("Choose one of the options.")


def _one_line(value: str) -> str:
    return " ".join(clean_text(value).split())


def _clean_checkbox(value: str) -> str:
    if value not in (YES, NO, ""):
        raise ValueError(f"A checkbox is {YES} or {NO}.")
    return value or NO


KINDS: Mapping[str, Kind] = {
    "text": Kind(_one_line, N_("Please fill this in."), max_length=200),
    "textarea": Kind(lambda value: clean_text(value).strip(), N_("Please fill this in."), max_length=MAX_LENGTH),
    "select": Kind(_one_line, N_("Please choose one.")),
    "checkbox": Kind(_clean_checkbox, N_("Please tick this box to continue."), empty=("", NO)),
    # Its value is the text that the visitor agrees to.
    "consent": Kind(
        _one_line,
        N_("Please tick this box to continue."),
        other=N_("The text of this box has changed. Please read it and tick it again."),
    ),
    # What makes it an address depends on the site and the desk; the form checks that.
    "email": Kind(str.strip, N_("Please enter your email address so that we can reply.")),
}
EMAIL = Field("email", N_("Your email"), "email", required=True)
NOTE = Field(
    "note",
    N_("Your note"),
    "textarea",
    help=N_("Anything to add?"),
)

CONSENT = Field("consent", N_("Agreed to"), "consent", required=True)
"""The row of a form whose desk asks for consent; its choices are the texts that visitors may have read."""

CORRECTS = Field("corrects", N_("Corrects the address of"))
"""The row of a ticket that only corrects the visitor's address; its value is the earlier ticket's reference."""

QUESTION = Field("note", N_("How can we help?"), "textarea", required=True)
"""The note of a visitor who has not asked the AI: it is the question itself."""

PACKAGE_FIELDS = (EMAIL, NOTE)
"""The package's own rows. Email and note have their own columns; other values are stored with the site's."""


def all_fields(site_fields: Iterable[Field]) -> tuple[Field, ...]:
    """The whole table, in the order of the form."""
    return (*PACKAGE_FIELDS, *site_fields)


def further_fields(site_fields: Iterable[Field]) -> tuple[Field, ...]:
    """The rows whose values a ticket stores in ``fields``: all but email and note."""
    return tuple(field for field in all_fields(site_fields) if field not in (EMAIL, NOTE))


def labelled(site_fields: Iterable[Field], values: Mapping[str, str]) -> list[tuple[str, str]]:
    """A ticket's values with their labels, in the table's order; a field that no longer exists shows its name.

    The labels are in the current language, if the site's own catalog has them.
    """
    labels = {field.name: _(field.label) for field in (CORRECTS, *further_fields(site_fields), CONSENT)}
    known = [(label, values[name]) for name, label in labels.items() if values.get(name)]
    return known + [(name, value) for name, value in values.items() if value and name not in labels]
