"""A field for the site's own check, as docs/limits.md shows it, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, make_response, render_template_string, request
from playwright.sync_api import Page, expect

from flask_kapa_handoff import Flag, KapaHandoff, Submission
from flask_kapa_handoff.testing import tickets

PAGE = """<!doctype html>
<html lang="en">
<head><title>Chat</title>{{ kapa_handoff_script() }}<script defer src="/proof.js"></script></head>
<body><h1>Chat</h1><div data-kapa-handoff-slot></div></body>
</html>"""


def test_the_documented_script_adds_its_field(
    make_app: Callable[..., Flask], serve: Callable[[Any], str], page: Page
) -> None:
    """The work is done while the visitor types, and the proof is sent with the form."""
    (script,) = re.findall(
        r"```js\n(.*?)```", (Path(__file__).parents[2] / "docs" / "limits.md").read_text(), re.DOTALL
    )
    handoff = KapaHandoff()

    @handoff.ticket_filter
    def show(submission: Submission) -> Flag:
        return Flag(f"{submission.submission_id}:{request.form.get('_proof')}")

    site = make_app(handoff=handoff)
    site.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    # The page's own event says when the work is done; a visitor who is faster is flagged.
    told = script.replace("proofs.set(id, proof);", "{ proofs.set(id, proof); document.title = 'Done'; }")
    site.add_url_rule("/proof.js", "proof", lambda: Response(told, mimetype="text/javascript"))

    @site.get("/")
    def chat() -> Response:
        response = make_response(render_template_string(PAGE))
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    page.goto(serve(site))
    page.evaluate("KapaHandoff.answer({threadId: 't1', id: 'a1', question: 'How?', answer: 'So.', sources: []})")
    page.locator("button.kapa-handoff-button").click()
    page.get_by_label("Your email").fill("ada@example.com")
    expect(page).to_have_title("Done")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".kapa-handoff-reference").first).to_be_visible()
    (ticket,) = tickets(site)
    assert re.fullmatch(rf"{ticket.submission_id}:\d+", ticket.flag or "")
