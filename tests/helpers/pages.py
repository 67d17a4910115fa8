"""Pages as a browser reads them, and what asks for one kind of answer or another."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from flask import Flask, render_template_string
from werkzeug.test import TestResponse

from flask_kapa_handoff import Conversation, QuestionAnswer

JSON = {"Accept": "application/json"}
FRAGMENT = {"X-Kapa-Handoff": "fragment"}
HTMX = {"HX-Request": "true"}
VOID = {"input", "link", "meta", "br", "img", "hr"}

REPEATED = {"attachments", "left_out", "receipt"}
"""Fields that a page may have several of: a form's lists, and what each form after sending has."""

EVIL = "\"</script><script>alert(1)</script>'<!-- & </textarea>"

PLAIN = Conversation((QuestionAnswer("How?", "So.", "a1"),), "thread-1")


def json_of(response: TestResponse) -> dict[str, Any]:
    """The JSON object in the body of a response; anything else there fails the test."""
    found = response.get_json()
    assert isinstance(found, dict), response.text
    return found


class Page(HTMLParser):
    """A page or fragment as a browser reads it: every element with its attributes, and the fields as it sends them."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.fields: dict[str, str] = {}
        self._names: set[str] = set()
        self.texts: dict[str, str] = {}
        self.text = ""
        self._open: list[tuple[str, dict[str, str]]] = []
        self.feed(markup)
        self.close()
        assert not self._open, f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute twice: {attrs}"
        self.elements.append((tag, attributes))
        if tag in ("input", "textarea", "select") and "name" in attributes:
            assert attributes["name"] not in self._names - REPEATED, f"a field twice: {attributes}"
            self._names.add(attributes["name"])
            if attributes.get("type") != "checkbox" or "checked" in attributes:
                self.fields[attributes["name"]] = attributes.get("value", "")
        if tag == "option":
            name = next(of["name"] for kind, of in reversed(self._open) if kind == "select")
            is_first = not any(kind == "option" for kind, _ in self.elements[self._opened_at("select") + 1 : -1])
            if is_first or "selected" in attributes:
                self.fields[name] = attributes["value"]
        if "id" in attributes:
            assert attributes["id"] not in self.texts, f"an id twice: {attributes}"
            self.texts[attributes["id"]] = ""
        if tag not in VOID:
            self._open.append((tag, attributes))

    def _opened_at(self, tag: str) -> int:
        return max(number for number, (kind, _) in enumerate(self.elements) if kind == tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        opened, attributes = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        if tag == "textarea":
            # HTML: every line break is one character, and the first one after the tag is not part of the text.
            self.fields[attributes["name"]] = self.fields[attributes["name"]].replace("\r\n", "\n").removeprefix("\n")

    def handle_data(self, data: str) -> None:
        self.text += data
        for tag, attributes in self._open:
            if tag == "textarea":
                self.fields[attributes["name"]] += data
            if "id" in attributes:
                self.texts[attributes["id"]] += data

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The elements of a kind with these attributes; underscores stand for hyphens."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [found for kind, found in self.elements if kind == tag and wanted.items() <= found.items()]

    def one(self, tag: str, **attributes: str) -> dict[str, str]:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} times <{tag} {attributes}>"
        return found[0]

    def said_at(self, field: str) -> str:
        """The texts that describe a field which is marked as wrong; empty if it is not."""
        (element,) = [found for _, found in self.elements if found.get("name") == field]
        if element.get("aria-invalid") != "true":
            return ""
        return " ".join(self.texts[name] for name in element["aria-describedby"].split())


def render(app: Flask, template: str, root: str = "", **context: Any) -> str:
    """A template of the site, rendered during a request."""
    with app.test_request_context("/docs/keys?x=1", environ_overrides={"SCRIPT_NAME": root}):
        return render_template_string(template, **context)
