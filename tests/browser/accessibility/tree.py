"""The accessibility tree of a page as text, and the files that say what it should be.

Run the tests with ``WRITE_TREES=1`` to write the files again, and look at what has changed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path
from textwrap import shorten
from typing import Any

from playwright.sync_api import Page

FOLDER = Path(__file__).parent / "trees"

STATES = (
    "level",
    "focused",
    "required",
    "readonly",
    "invalid",
    "checked",
    "pressed",
    "expanded",
    "disabled",
    "busy",
    "modal",
    "live",
)
"""The properties that are written down, in this order, where they say something."""

NAMED = {"RootWebArea": "page", "DisclosureTriangle": "summary", "DisclosureTriangleGrouped": "summary"}
"""Our names for the browser's own roles; the other ones are left out, since no assistive technology names them."""

LEAVES = ("button", "heading", "link", "option", "summary", "textbox")
"""Roles whose name or value is their content, which is not repeated."""

VARIES = {r"T-[0-9A-Z]{6}": "T-7F3K2Q", r"127\.0\.0\.1:\d+": "127.0.0.1", r"\d{1,2}:\d\d\s[AP]M": "3:40 PM"}
"""What differs from one run to the next, and what is written instead."""


def tree_of(page: Page) -> str:
    """What assistive technology is told, a line for each element or text, with role, name, description and states."""
    session = page.context.new_cdp_session(page)
    nodes = {node["nodeId"]: node for node in session.send("Accessibility.getFullAXTree")["nodes"]}
    session.detach()
    text = "\n".join(_lines(nodes, next(iter(nodes.values())), 0)) + "\n"
    for pattern, instead in VARIES.items():
        text = re.sub(pattern, instead, text)
    return text


def difference(name: str, tree: str) -> list[str]:
    """How a state's tree differs from its file; empty: it does not."""
    file = FOLDER / f"{name}.txt"
    if os.environ.get("WRITE_TREES"):
        file.write_text(tree, encoding="utf-8")
    expected = file.read_text(encoding="utf-8") if file.exists() else ""
    changes = list(unified_diff(expected.splitlines(), tree.splitlines(), file.name, "now", n=99, lineterm=""))
    return ["\n".join(changes)] if changes else []


def _lines(nodes: dict[str, Any], node: Any, depth: int) -> Iterator[str]:
    role = node["role"]["value"]
    line = "" if node["ignored"] else _line(node, role)
    if line:
        yield "  " * depth + line
    if line and NAMED.get(role, role) in LEAVES:
        return
    for child in node.get("childIds", []):
        if child in nodes:
            yield from _lines(nodes, nodes[child], depth + 1 if line else depth)


def _line(node: Any, role: str) -> str:
    name = " ".join(node.get("name", {}).get("value", "").split())
    if role == "StaticText":
        return name
    if role in ("generic", "none") or not (role.islower() or role in NAMED):
        return ""
    told = {each["name"]: each["value"].get("value") for each in node.get("properties", [])}
    states = [_state(each, told[each]) for each in STATES if told.get(each) not in (None, False, "false", "off")]
    description = node.get("description", {}).get("value")
    value = shorten(node.get("value", {}).get("value", ""), 80)
    return " ".join(
        [
            NAMED.get(role, role),
            *([f'"{name}"'] if name else []),
            *([f'described as "{description}"'] if description else []),
            *([f'with "{value}"'] if value else []),
            *([f"({', '.join(states)})"] if states else []),
        ]
    )


def _state(name: str, value: Any) -> str:
    return name if value is True or value == "true" else f"{name} {value}"
