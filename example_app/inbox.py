"""The inbox: the mails that arrived at the example's own SMTP server. It plays the agents' mailbox."""

from __future__ import annotations

import email.policy
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.utils import parsedate_to_datetime
from io import BytesIO
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request, send_file
from flask.typing import ResponseReturnValue
from werkzeug.security import safe_join

SHOWN = 100
IMPORTANT = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To")

# A mail is somebody else's HTML: no scripts, no requests, its own origin. Links open in a new tab.
HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; frame-ancestors 'self'"
)

blueprint = Blueprint("inbox", __name__, url_prefix="/inbox")


@dataclass(frozen=True)
class Mail:
    id: str
    message: EmailMessage

    @property
    def date(self) -> datetime | None:
        try:
            return parsedate_to_datetime(self.message["Date"])
        except (TypeError, ValueError):
            return None

    @property
    def shown_date(self) -> str:
        return f"{self.date.day} {self.date:%B %Y, %H:%M %Z}" if self.date else ""

    @property
    def important_headers(self) -> list[tuple[str, str]]:
        own = [name for name in self.message if name.startswith("X-Kapa-Handoff-")]
        return [(name, str(self.message[name])) for name in (*IMPORTANT, *own) if self.message[name]]

    @property
    def attachments(self) -> list[EmailMessage]:
        return [part for part in self.message.iter_attachments() if isinstance(part, EmailMessage)]

    def body(self, kind: str) -> str | None:
        part = self.message.get_body((kind,))
        return None if part is None else str(part.get_content())  # a part without headers is falsy


def mail_folder(instance: Path) -> Path:
    return instance / "mails"


def _files() -> list[Path]:
    """The newest mails' files, newest first: their names begin with the time."""
    return sorted(mail_folder(Path(current_app.instance_path)).glob("*.eml"), reverse=True)[:SHOWN]


def newest() -> str | None:
    """The id of the newest mail."""
    return next((path.stem for path in _files()), None)


def _read(path: Path) -> Mail:
    with path.open("rb") as file:
        message = BytesParser(policy=email.policy.default).parse(file)
    return Mail(path.stem, message)


def _find(mail_id: str) -> Mail:
    path = safe_join(str(mail_folder(Path(current_app.instance_path))), f"{mail_id}.eml")
    if path is None or not Path(path).is_file():
        abort(404)
    return _read(Path(path))


@blueprint.get("/")
def inbox() -> ResponseReturnValue:
    files = _files()
    latest = files[0].stem if files else ""
    polled = "HX-Request" in request.headers
    if polled and request.args.get("newest") == latest:
        return "", 204  # htmx leaves the page as it is, so the reader keeps the focus
    mails = [_read(path) for path in files]
    return render_template("_mails.html" if polled else "inbox.html", mails=mails, newest=latest)


@blueprint.get("/<mail_id>")
def mail(mail_id: str) -> str:
    return render_template("mail.html", mail=_find(mail_id))


@blueprint.get("/<mail_id>/html")
def html(mail_id: str) -> Response:
    text = _find(mail_id).body("html")
    if text is None:
        abort(404)
    response = make_response(text.replace("<head>", '<head><base target="_blank">', 1))
    response.headers["Content-Security-Policy"] = HTML_POLICY
    return response


@blueprint.get("/<mail_id>/attachments/<int:number>")
def attachment(mail_id: str, number: int) -> Response:
    attachments = _find(mail_id).attachments
    if number >= len(attachments):
        abort(404)
    part = attachments[number]
    content = part.get_payload(decode=True)
    # Always a download, as bytes: a file from a mail is never shown with this site's rights.
    return send_file(
        BytesIO(content if isinstance(content, bytes) else part.as_bytes()),
        "application/octet-stream",
        as_attachment=True,
        download_name=part.get_filename("attachment"),
    )


@blueprint.get("/<mail_id>/source")
def source(mail_id: str) -> Response:
    """Show the message as it was received."""
    return Response(_find(mail_id).message.as_bytes(), mimetype="text/plain")
