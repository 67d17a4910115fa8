"""How the button and the form look: docs/look.md lists each custom property of the style sheet, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import ChoiceLoader, DictLoader

from flask_kapa_handoff.colours import SURFACES, read_colour
from tests.helpers.offers import signed_offer
from tests.helpers.pages import Page

pytestmark = pytest.mark.only("sqlite")

ROOT = Path(__file__).parent.parent
PREFIX = "--kapa-handoff-"
PAGE = (ROOT / "docs" / "look.md").read_text("utf-8")
SHEET = re.sub(r"/\*.*?\*/", "", (ROOT / "frontend" / "handoff.css").read_text("utf-8"), flags=re.DOTALL)
DEFAULTS = re.compile(r":where\(:root\) \{(.*?)\}", re.DOTALL)
VALUES = re.compile(rf"{PREFIX}([\w-]+): (.*?);")
RULES = DEFAULTS.sub("", SHEET)

Properties = dict[str, tuple[str, str]]


def documented() -> Properties:
    """The table: each property with its default, and the one in the dark if it is another."""
    rows = re.findall(r"^\| `([\w-]+)` \| `(.*?)` \|(?: `(.*?)`)? \|", PAGE, re.MULTILINE)
    return {name: (light, dark or light) for name, light, dark in rows}


def defaults() -> Properties:
    """The style sheet's own. What is not set there has a default where it is used."""
    light, dark = (dict(VALUES.findall(block)) for block in DEFAULTS.findall(SHEET))
    assert dark.keys() < light.keys()
    used = dict(re.findall(rf"var\({PREFIX}([\w-]+), (var\([\w-]+\))\)", SHEET))
    return {name: (value, dark.get(name, value)) for name, value in {**light, **used}.items()}


def test_the_table_has_each_property_with_its_defaults() -> None:
    assert documented() == defaults()


def test_each_property_is_used_and_there_are_no_others() -> None:
    used = set(re.findall(rf"var\({PREFIX}([\w-]+)", SHEET))
    assert used == set(documented())


def test_the_forms_corners_follow_an_admins_choice() -> None:
    """Each choice sets properties of the table alone."""
    choices = re.findall(r"^\[data-radius=\w+\] \{(.*?)\}", RULES, re.MULTILINE)
    assert len(choices) == 4
    assert {name for choice in choices for name, _ in VALUES.findall(choice)} <= set(documented())


@pytest.mark.parametrize(
    ("what", "allowed"),
    [
        # A colour by its name would be one word; these are none of a look's.
        (
            r"(?<![\w-])(?:color|background|accent-color|outline-color|border-color)",
            r"inherit|none|transparent|var\(.*\)",
        ),
        (r"border-radius", r"50%|var\(.*\)"),
        (r"font-family", r"inherit|system-ui, sans-serif|var\(.*\)"),
        (r"font-weight", r"400|var\(.*\)"),
        (r"box-shadow", r"none|var\(.*\)|inset 0 0 0 3em var\(.*\)"),
    ],
)
def test_a_rule_takes_its_look_from_the_properties(what: str, allowed: str) -> None:
    found = re.findall(rf"{what}: (.*?);", RULES)
    assert found
    assert [value for value in found if not re.fullmatch(allowed, value)] == []


def test_no_colour_is_in_a_rule() -> None:
    assert re.findall(r"(?<=[:\s(])#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|color-mix)\(.*", RULES) == []


def test_an_admins_colour_is_checked_on_the_real_surfaces() -> None:
    """Those of the style sheet, in light and dark."""
    assert tuple(map(read_colour, defaults()["surface"])) == SURFACES


def test_light_colours_alone_are_all_that_differ_in_the_dark() -> None:
    """A site that is always light copies them from the page."""
    block = re.search(r"if your site is always light.*?```css\n(.*?)```", PAGE, re.IGNORECASE | re.DOTALL)
    assert block
    shown = dict(VALUES.findall(block[1]))
    assert shown == {name: light for name, (light, dark) in documented().items() if light != dark}


def test_the_forms_page_can_be_a_page_of_the_site(app: Flask) -> None:
    """The template of the documentation, in a layout with its blocks."""
    (template,) = re.findall(r"```jinja\n(.*?)```", PAGE, re.DOTALL)
    layout = (
        "<title>{% block title %}{% endblock %} – site</title>{% block head %}{% endblock %}"
        "<nav>Menu</nav>{% block content %}{% endblock %}"
    )
    files = DictLoader({"base.html": layout, "kapa_handoff/page.html": template})
    app.jinja_loader = ChoiceLoader([files, app.jinja_loader]) if app.jinja_loader else files
    client = app.test_client()
    shown = client.get(f"/handoff/form?offer={signed_offer(client)}").text
    assert "<nav>Menu</nav>" in shown
    assert Page(shown).one("main") == {"class": "kapa-handoff-panel", "lang": "en", "dir": "ltr"}
    assert Page(shown).one("form")["action"] == "/handoff/tickets"
    assert "handoff.css" in shown
    assert "<nav>Menu</nav>" in client.get("/handoff/form?offer=x").text
