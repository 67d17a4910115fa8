"""The admin's pages: who may see them, their form, and their texts."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from flask import abort, request
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.helpers.pages import HTMX, JSON, json_of


def let_pass(view: Callable[..., Any]) -> Callable[..., Any]:
    """Admits everyone."""
    return view


def with_password(view: Callable[..., Any]) -> Callable[..., Any]:
    """Admits a request that names a user."""

    @functools.wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if request.authorization is None:
            abort(401)
        return view(*args, **kwargs)

    return guarded


def fields(client: FlaskClient, page_of: str = "", **changes: Any) -> dict[str, Any]:
    """The form as a browser sends it, with some fields changed; None leaves one out.

    Arguments:
        page_of: the desk; empty: the default one.
    """
    page = client.get("/handoff/admin/", query_string={"desk": page_of} if page_of else {}).text
    start = page.index('id="kapa-handoff-admin-form"')
    form = page[start : page.index("</form>", start)]
    boxes = {
        "enabled": ["false"],
        "triggers": [""],
        "form_office_days": [""],
        "form_attachments": ["false"],
        "form_show_address": ["false"],
        "form_open_directly": ["false"],
        "form_unasked": [""],
        "internal": ["false"],
        "take_link": ["false"],
    }
    found: dict[str, Any] = dict(boxes)
    for tag in re.findall(r"<input[^>]*>", form):
        attributes = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if attributes["type"] == "checkbox":
            if re.search(r"\schecked\b", tag):
                found[attributes["name"]].append(attributes["value"])
        elif attributes["type"] == "radio":
            if re.search(r"\schecked\b", tag):
                name, value = attributes["name"], attributes["value"]
                found[name] = [value] if name in boxes else value
        elif attributes["name"] not in boxes:
            found[attributes["name"]] = attributes["value"]
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def save(client: FlaskClient, *, htmx: bool = False, **changes: Any) -> TestResponse:
    """Send the form."""
    return client.post("/handoff/admin/settings", data=fields(client, **changes), headers=HTMX if htmx else {})


def offered(client: FlaskClient, **facts: Any) -> str | None:
    """The text of the button that an answer gets now."""
    answer = json_of(client.get("/handoff/offer", query_string={"pairs": 1, **facts}, headers=JSON))
    return answer["button_text"] if answer["offered"] else None


def error_at(answer: TestResponse, name: str) -> str:
    """The message at a field."""
    found = re.search(rf'id="kapa-handoff-admin-{name}-error"[^>]*>([^<]*)<', answer.text)
    assert found, answer.text
    return unescape(found[1])


def shown(answer: TestResponse) -> str:
    """The text of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text.replace("<wbr>", ""))).split())
