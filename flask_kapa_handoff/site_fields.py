"""Checks KAPA_HANDOFF_FIELDS, the rows that a site adds to the table of :mod:`.fields`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import fields as attributes_of
from dataclasses import replace
from typing import Any

from .fields import CONSENT, CORRECTS, KINDS, MAX_LENGTH, NO, PACKAGE_FIELDS, YES, Field
from .text import clean_text

MAX_SITE_FIELDS = 20
"""How many fields a site may add."""

MAX_LABEL, MAX_HELP, MAX_CHOICES, MAX_CHOICE = 100, 300, 100, 200

SITE_KINDS = ("text", "textarea", "select", "checkbox")

RESERVED = frozenset(
    {
        *(field.name for field in (*PACKAGE_FIELDS, CONSENT, CORRECTS)),
        "offer",
        "submission_id",
        "conversation",
        "left_out",
        "attachments",
        "files",
        "website",
        "csrf_token",
    }
)
"""Names that the form and its protections use."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def is_field_name(name: str) -> bool:
    """Whether a site could declare a field with this name; if not, an input with it is the site's own."""
    return _NAME.fullmatch(name) is not None


def parse_fields(value: Any) -> tuple[Field, ...]:
    """A site's rows, from a list of :class:`Field` or of dicts with the same keys.

    Returns:
        The complete rows: each has its kind and, if the visitor types it, its ``max_length``.

    Raises:
        ValueError: a row is wrong; the message names it and what is allowed.
    """
    if not isinstance(value, (list, tuple)):
        raise ValueError('use a list such as [Field("order", "Order number", max_length=40)]')
    if len(value) > MAX_SITE_FIELDS:
        raise ValueError(f"there are {len(value)} fields; at most {MAX_SITE_FIELDS} can be added to the form")
    found: dict[str, Field] = {}
    for number, row in enumerate(value, 1):
        try:
            field = _complete(row if isinstance(row, Field) else _from_dict(row))
            if field.name in found:
                raise ValueError("name: an earlier field has it already")
        except ValueError as error:
            name = row.get("name") if isinstance(row, dict) else getattr(row, "name", None)
            raise ValueError(f"field {number}{f' ({name!r})' if name else ''}: {error}") from None
        found[field.name] = field
    return tuple(found.values())


_KEYS = tuple(attribute.name for attribute in attributes_of(Field))


def _from_dict(row: object) -> Field:
    if not isinstance(row, dict):
        raise ValueError(f"use Field(…) or a dict with the keys {', '.join(_KEYS)}")
    for key in row:
        if key not in _KEYS:
            raise ValueError(f"there is no {key!r}; use {', '.join(_KEYS)}")
    if missing := [key for key in ("name", "label") if key not in row]:
        raise ValueError(f"{' and '.join(missing)} must be given")
    return Field(**row)


def _complete(field: Field) -> Field:
    if not isinstance(field.name, str) or not is_field_name(field.name):
        raise ValueError("name: use 1 to 40 of a-z, 0-9 and _, beginning with a letter")
    if field.name in RESERVED:
        raise ValueError(f"name: is reserved, as are {', '.join(sorted(RESERVED - {field.name}))}")
    field = replace(
        field,
        label=_text("label", field.label, 1, MAX_LABEL),
        help=_text("help", field.help, 0, MAX_HELP),
        choices=_texts("choices", field.choices, MAX_CHOICE),
        desks=_texts("desks", field.desks, 64),
    )
    kind = field.kind
    if not isinstance(kind, str) or kind not in SITE_KINDS:
        raise ValueError(f"kind: {kind!r} is not allowed; use {', '.join(SITE_KINDS)}")
    if not isinstance(field.required, bool):
        raise ValueError("required: use True or False")
    if bool(field.choices) is not (kind == "select"):
        raise ValueError("choices: a select needs at least one, and no other kind has any")
    if len(field.choices) > MAX_CHOICES:
        raise ValueError(f"choices: there are {len(field.choices)}; use at most {MAX_CHOICES}")
    _check_max_length(field.max_length, KINDS[kind].max_length)
    return replace(field, default=_default(field))


def _text(key: str, value: object, low: int, high: int) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else None
    if text is None or not low <= len(text) <= high or not text.isprintable():
        raise ValueError(f"{key}: use text of {low} to {high} characters")
    return clean_text(text)


def _texts(key: str, value: object, longest: int) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Collection) or isinstance(value, Mapping):
        raise ValueError(f"{key}: use a list of texts")
    texts = tuple(_text(key, item, 1, longest) for item in value)
    if len(set(texts)) < len(texts):
        raise ValueError(f"{key}: each one can be there only once")
    return texts


def _check_max_length(value: object, usual: int | None) -> None:
    if usual is None and value is not None:
        raise ValueError("max_length: only a text and a textarea have one")
    if usual is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_LENGTH):
        raise ValueError(f"max_length: use a whole number from 1 to {MAX_LENGTH:,}")


def _default(field: Field) -> str:
    default = field.default
    if field.kind == "checkbox":
        if default not in (True, False, YES, NO, ""):
            raise ValueError("default: use True or False for a checkbox")
        return YES if default in (True, YES) else NO
    if not isinstance(default, str):
        raise ValueError("default: use text")
    try:
        return replace(field, required=False).read(default)
    except ValueError:
        allowed = ", ".join(field.choices) or f"text of at most {field.max_length} characters"
        raise ValueError(f"default: {default[:60]!r} is not allowed; use {allowed}") from None
