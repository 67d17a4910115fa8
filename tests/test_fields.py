"""The table of fields: what each kind takes, and which rows a site may add."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_kapa_handoff import ConfigurationError, Field
from flask_kapa_handoff.config import Config
from flask_kapa_handoff.fields import EMAIL, KINDS, NOTE, PACKAGE_FIELDS, all_fields, further_fields, labelled
from flask_kapa_handoff.site_fields import MAX_CHOICES, MAX_SITE_FIELDS, RESERVED, SITE_KINDS
from flask_kapa_handoff.web.form_fields import form_field

ORDER = Field("order", "Order number", max_length=40)
AREA = Field("area", "Area", choices=("Billing", "Vaults"))
STEPS = Field("steps", "Steps", "textarea")
URGENT = Field("urgent", "It is urgent", "checkbox")


def read(value: Any) -> tuple[Field, ...]:
    return Config.from_mapping({"KAPA_HANDOFF_FIELDS": value}).fields


def test_email_and_note_are_the_first_two_rows() -> None:
    """A site's rows come after the package's own, in the order in which it names them."""
    assert PACKAGE_FIELDS[:2] == (EMAIL, NOTE)
    assert all_fields((STEPS, ORDER)) == (*PACKAGE_FIELDS, STEPS, ORDER)
    assert {EMAIL, NOTE}.isdisjoint(further_fields((STEPS, ORDER)))
    assert further_fields((STEPS, ORDER))[-2:] == (STEPS, ORDER)


def test_every_kind_has_a_field_of_the_form() -> None:
    """The form can show every kind."""
    for kind in KINDS:
        assert form_field(Field("x", "X", kind, choices=("a",) if kind == "select" else ()))
    assert set(SITE_KINDS) == set(KINDS) - {"email", "consent"}


READ = [
    (ORDER, "", ""),
    (ORDER, "  4711 \r\n b\t", "4711 b"),
    (ORDER, "a\x00b\u0301", "ab\u0301"),
    (ORDER, "x" * 40, "x" * 40),
    (ORDER, "x" + " " * 500, "x"),
    (ORDER, "e\u0301", "é"),
    (STEPS, "\r\n one\r\n two \r\n", "one\n two"),
    (STEPS, "x" * 5000, "x" * 5000),
    (STEPS, "\r\n" * 5000, ""),
    (AREA, "Vaults", "Vaults"),
    (AREA, "", ""),
    (URGENT, "yes", "yes"),
    (URGENT, "no", "no"),
    (URGENT, "", "no"),
    (EMAIL, " ada@example.com ", "ada@example.com"),
]


@pytest.mark.parametrize(("row", "sent", "stored"), READ)
def test_a_value_is_read_as_it_is_stored(row: Field, sent: str, stored: str) -> None:
    """Cleaned, on one line where it is one; a checkbox that is not ticked says no."""
    assert row.read(sent) == stored


REFUSED = [
    (ORDER, "x" * 41, "41 characters long. The limit is 40"),
    (STEPS, "x" * 5001, "5,001 characters long. The limit is 5,000"),
    (STEPS, "x" * 1_000_000, "1,000,000 characters long. The limit is 5,000"),
    (AREA, "Elsewhere", "Choose one of the options"),
    (AREA, "billing", "Choose one of the options"),
    (URGENT, "on", "yes or no"),
    (EMAIL, "", "Please enter your email address"),
    (Field("a", "A", required=True), " \n ", "Please fill this in"),
    (Field("a", "A", "textarea", required=True), "", "Please fill this in"),
    (Field("a", "A", choices=("x",), required=True), "", "Please choose one"),
    (Field("a", "A", "checkbox", required=True), "no", "Please tick this box"),
    (Field("a", "A", "checkbox", required=True), "", "Please tick this box"),
]


@pytest.mark.parametrize(("row", "sent", "words"), REFUSED)
def test_a_value_that_is_not_allowed_is_reported(row: Field, sent: str, words: str) -> None:
    """In a sentence for the visitor."""
    with pytest.raises(ValueError, match=words):
        row.read(sent)


@given(st.text(alphabet=st.characters(codec=None), max_size=60), st.sampled_from([ORDER, STEPS]))
def test_what_is_read_once_is_read_to_the_same_again(value: str, row: Field) -> None:
    """A form that comes back with the cleaned value, and is sent once more, says the same."""
    try:
        stored = row.read(value)
    except ValueError:
        assert len(value) > 20
        return
    assert row.read(stored) == stored
    assert len(stored) <= (row.max_length or 0)
    assert stored == stored.strip()
    assert "\x00" not in stored
    stored.encode()
    if row is ORDER:
        assert len(stored.splitlines()) <= 1


def test_a_ticket_is_labelled_as_the_table_is_today() -> None:
    """In its order; what was empty is left out, and a field that is gone is shown under its own name."""
    values = {"gone": "x", "area": "Billing", "order": "4711", "steps": ""}
    assert labelled((ORDER, AREA, STEPS), values) == [("Order number", "4711"), ("Area", "Billing"), ("gone", "x")]
    assert labelled((), {}) == []


# --- KAPA_HANDOFF_FIELDS ---------------------------------------------------------------------------------------------


def test_rows_may_be_fields_or_dicts() -> None:
    """Dicts with the same keys, as an environment variable has them."""
    row = {"name": "area", "label": "Area", "choices": ["Billing", "Vaults"], "required": True, "desks": ["sales"]}
    expected = Field("area", "Area", "select", choices=("Billing", "Vaults"), required=True, desks=("sales",))
    assert read([row]) == read(json.loads(json.dumps([row]))) == (expected,)
    assert read((Field("area", "Area", choices=["Billing", "Vaults"], required=True, desks={"sales"}),)) == (expected,)  # type: ignore[arg-type]
    assert hash(read([row])) == hash((expected,))


def test_a_row_is_complete() -> None:
    """What is left out has a value that holds."""
    text, area, steps, urgent = read([Field("a", "  A\n b "), AREA, STEPS, Field("c", "C", "checkbox", default=True)])
    assert (text.kind, text.max_length, text.label, text.default) == ("text", 200, "A b", "")
    assert (area.kind, area.max_length, area.default) == ("select", None, "")
    assert (steps.max_length, urgent.max_length, urgent.default) == (5000, None, "yes")
    assert read([Field("c", "C", "checkbox", default=False)])[0].default == "no"
    assert read([Field("a", "A", choices=("x", "y"), default="y")])[0].default == "y"
    assert text.is_typed
    assert not area.is_typed


def test_names_whose_value_a_browser_knows_are_told_to_it() -> None:
    """WCAG 2.1, 1.3.5."""
    assert (EMAIL.autocomplete, Field("phone", "Phone").autocomplete, ORDER.autocomplete) == ("email", "tel", None)


BAD: list[tuple[Any, str]] = [
    ("order", "use a list"),
    ({"name": "order", "label": "Order"}, "use a list"),
    (["order"], "field 1: use Field"),
    ([{"name": "order"}], "field 1 ('order'): label must be given"),
    ([{}], "field 1: name and label must be given"),
    ([{"name": "order", "label": "Order", "type": "text"}], "there is no 'type'; use name, label, kind, help"),
    ([{"name": "order", "label": "Order", "kind": "hidden"}], "use text, textarea, select, checkbox"),
    ([Field("order", "Order", "email")], "'email' is not allowed; use text, textarea, select, checkbox"),
    ([Field("order", "Order", kind=5)], "use text, textarea"),  # type: ignore[arg-type]
    ([Field("order", "Order", kind=None)], "use text, textarea"),  # type: ignore[arg-type]
    ([{"name": "order", "label": "Order", "kind": ["text"]}], "use text, textarea"),
    ([Field("Order", "Order")], "a-z, 0-9 and _"),
    ([Field("my-order", "Order")], "a-z, 0-9 and _"),
    ([Field("1st", "Order")], "beginning with a letter"),
    ([Field("x" * 41, "Order")], "1 to 40"),
    ([Field("", "Order")], "1 to 40"),
    ([Field(5, "Order")], "1 to 40"),  # type: ignore[arg-type]
    ([ORDER, AREA, ORDER], "field 3 ('order'): name: an earlier field has it"),
    ([Field("order", "")], "label: use text of 1 to 100"),
    ([Field("order", "x" * 101)], "label: use text of 1 to 100"),
    ([Field("order", None)], "label: use text"),  # type: ignore[arg-type]
    ([Field("order", "a\x00b")], "label: use text"),
    ([Field("order", "Order", help="x" * 301)], "help: use text of 0 to 300"),
    ([Field("order", "Order", required="yes")], "required: use True or False"),  # type: ignore[arg-type]
    ([Field("order", "Order", max_length=0)], "whole number from 1 to 5,000"),
    ([Field("order", "Order", max_length=5001)], "whole number from 1 to 5,000"),
    ([Field("order", "Order", max_length=True)], "whole number"),
    ([Field("order", "Order", max_length="9")], "whole number"),  # type: ignore[arg-type]
    ([Field("area", "Area", choices=("a",), max_length=9)], "only a text and a textarea"),
    ([Field("area", "Area", "checkbox", max_length=9)], "only a text and a textarea"),
    ([Field("area", "Area", "select")], "a select needs at least one"),
    ([Field("area", "Area", "text", choices=("a",))], "no other kind has any"),
    ([Field("area", "Area", choices="abc")], "choices: use a list of texts"),  # type: ignore[arg-type]
    ([Field("area", "Area", choices={"a": "A"})], "choices: use a list of texts"),  # type: ignore[arg-type]
    ([Field("area", "Area", choices=("a", ""))], "choices: use text of 1 to 200"),
    ([Field("area", "Area", choices=("a", 5))], "choices: use text"),  # type: ignore[arg-type]
    ([Field("area", "Area", choices=("a", "a"))], "only once"),
    ([Field("area", "Area", choices=("a", " a "))], "only once"),
    ([Field("area", "Area", choices=[str(n) for n in range(MAX_CHOICES + 1)])], "use at most 100"),  # type: ignore[arg-type]
    ([Field("area", "Area", choices=("a", "b"), default="c")], "'c' is not allowed; use a, b"),
    ([Field("order", "Order", default="x" * 201)], "text of at most 200"),
    ([Field("order", "Order", default=True)], "default: use text"),
    ([Field("order", "Order", default=None)], "default: use text"),  # type: ignore[arg-type]
    ([Field("urgent", "Urgent", "checkbox", default="maybe")], "use True or False"),
    ([Field("order", "Order", desks="sales")], "desks: use a list of texts"),  # type: ignore[arg-type]
    ([Field("order", "Order", desks=("",))], "desks: use text"),
    ([Field(f"f{n}", "F") for n in range(MAX_SITE_FIELDS + 1)], "at most 20"),
]


@pytest.mark.parametrize(("value", "allowed"), BAD)
def test_a_wrong_row_stops_the_app_with_key_value_and_what_is_allowed(value: Any, allowed: str) -> None:
    """As with every key."""
    with pytest.raises(ConfigurationError) as caught:
        read(value)
    message = str(caught.value)
    assert message.startswith("KAPA_HANDOFF_FIELDS: ")
    # A wrong row is named by its place and name; the whole list would hide it.
    assert message.startswith("KAPA_HANDOFF_FIELDS: field ") is not (repr(value) in message)
    assert allowed in str(caught.value)


@pytest.mark.parametrize("name", sorted(RESERVED | {"email", "note", "offer", "website", "csrf_token"}))
def test_names_that_the_form_uses_itself_are_reserved(name: str) -> None:
    """The message says which they are."""
    with pytest.raises(ConfigurationError, match=r"is reserved, as are .*submission_id|is reserved, as are .*website"):
        read([Field(name, "X")])
