"""A ticket as a mail: the site's own templates, and broken ones."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader

from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.delivery.mail.rendering import HTML, TEXT
from flask_kapa_handoff.template_environment import TemplateEnvironment, make_environment
from tests.helpers.mails import LETTERHEAD, a_ticket, body, read

pytestmark = pytest.mark.only("sqlite")


def test_site_can_replace_the_mails_templates(make_app: Callable[..., Flask], tmp_path: Any) -> None:
    """A template of the site with the same name takes the place of the package's."""
    folder = tmp_path / "site-templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.txt").write_text("OWN {{ ticket.reference }} {{ pairs[0].question }}")
    app = make_app()
    app.template_folder = str(tmp_path / "site-templates")
    message = compose(make_environment(app), LETTERHEAD, *a_ticket())
    assert message.text.startswith("OWN T-7F3K2Q How do I rotate")
    assert "<html" in str(message.html)


class Panic(BaseException):
    """What native code raises when it panics is no Exception."""


BROKEN = {
    "syntax": "{% if %}",
    "error": "a\n{{ ticket.note.no_such.name }}",
    "unknown filter": "{{ ticket.note | no_such }}",
    "panic": "{{ panic(ticket.note) }}",
}


def with_templates(app: Flask, **templates: str) -> TemplateEnvironment:
    """The mail environment of a site with templates of its own: ``with_templates(app, html="...", txt="...")``."""

    def panic(text: str) -> str:
        raise Panic(text)

    app.jinja_env.globals["panic"] = panic
    app.jinja_loader = DictLoader({f"kapa_handoff/mail/ticket.{ending}": text for ending, text in templates.items()})
    return make_environment(app)


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_mail_without_its_html_goes_out_as_text(app: Flask, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where the HTML cannot be had the mail has its text and attachment, and the log says why, by reference alone."""
    ticket, conversation = a_ticket(note="My note is private.")
    message = compose(with_templates(app, html=broken), LETTERHEAD, ticket, conversation)
    assert message.html is None
    assert [part.get_content_type() for part in read(message.data).walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/json",
    ]
    assert "How do I rotate a key?" in body(message.data, "plain")
    logged = logging.Formatter().format(caplog.records[0])
    assert "T-7F3K2Q" in logged
    assert HTML in logged
    assert "private" not in caplog.text
    assert "visitor@example.net" not in caplog.text


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_broken_text_template_is_replaced(app: Flask, broken: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where a site's own text template fails the package's takes its place, beside the site's HTML."""
    message = compose(with_templates(app, txt=broken, html="<p>OWN"), LETTERHEAD, *a_ticket(note="a < b"))
    assert message.html == "<p>OWN"
    text = body(message.data, "plain")
    assert "a < b" in text
    assert "How do I rotate a key?" in text
    assert "T-7F3K2Q" in caplog.text
    assert f"Ticket T-7F3K2Q: your {TEXT} fails" in caplog.text
    assert "); the package's text is sent." in caplog.text


def test_log_names_the_line_of_a_broken_template(app: Flask, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the line of the template that fails."""
    folder = tmp_path / "site-templates" / "kapa_handoff" / "mail"
    folder.mkdir(parents=True)
    (folder / "ticket.html").write_text("<p>\n<p>\n{{ ticket.note.no_such.name }}\n")
    app.template_folder = str(tmp_path / "site-templates")
    compose(make_environment(app), LETTERHEAD, *a_ticket())
    assert f"your {HTML} fails in line 3 (UndefinedError); the mail is sent without its HTML." in caplog.text


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_interrupts_end_the_composing(app: Flask, interrupt: type[BaseException]) -> None:
    """Ctrl-C and the end of the process are no failure of a template."""

    def stop() -> str:
        raise interrupt

    environment = with_templates(app, html="{{ stop() }}")
    environment.globals["stop"] = stop
    with pytest.raises(interrupt):
        compose(environment, LETTERHEAD, *a_ticket())
