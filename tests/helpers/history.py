"""The history of the settings, as an admin uses it: the form of a button, the page that asks."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

RESTORE = "/handoff/admin/history/restore"


def inputs(form: str) -> dict[str, str]:
    """The hidden inputs of a form, and the radio buttons that are ticked."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        given = {name: unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        if given["type"] != "radio" or re.search(r"\schecked\b", tag):
            found[given["name"]] = given["value"]
    return found


def form_with(page: str, text: str) -> dict[str, str]:
    """The inputs of the first form of a page that contains a text."""
    return inputs(next(form for form in page.split("<form")[1:] if text in form.partition("</form>")[0]))


def restore(client: FlaskClient, version: int, desk: str = "default") -> TestResponse:
    """Restore a version on the page that asks first."""
    page = client.get(RESTORE, query_string={"desk": desk, "version": version}).text
    return client.post(RESTORE, data=form_with(page, 'name="seen"'))


def picked(page: str, **picks: str) -> dict[str, Any]:
    """What the page of two admins sends, with some settings picked."""
    form = form_with(page, 'id="kapa-handoff-admin-conflict"')
    return {**form, **{f"pick_{name}": pick for name, pick in picks.items()}}
