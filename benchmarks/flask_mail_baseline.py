"""What a site would write by hand to send a ticket with Flask-Mail."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from flask_mail import Message
from jinja2 import Environment
from markupsafe import Markup

from flask_kapa_handoff.delivery.mail.rendering import HTML, TEXT, template_functions
from flask_kapa_handoff.markdown import to_html

Renderer = Callable[[str], Markup]


def usual_renderer() -> Renderer:
    """Markdown as most sites render it, with markdown-it-py; raw HTML is off, so that nothing needs to clean it."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return lambda text: Markup(markdown.render(text))


def whole_message(
    environment: Environment, ticket: Any, pairs: Sequence[dict[str, Any]], renderer: Renderer = to_html
) -> Message:
    """A mail of the same parts as the package's: text, HTML, and the conversation as JSON.

    It renders the package's own templates. With the package's own Markdown renderer, which is fast, the only
    difference is how headers and parts become a mail.

    Arguments:
        environment: of the package's templates, in one language.
    """
    items = [
        {"number": number, "pair": pair, "is_pressed": number == len(pairs)} for number, pair in enumerate(pairs, 1)
    ]
    context = {
        "ticket": ticket,
        "pairs": pairs,
        "pressed": items[-1],
        "new": items,
        "total": len(items),
        "received": ticket.created_at.isoformat(" ", "minutes"),
        "site_name": "Docs",
        "reasons": ["it appears under every answer"],
        "whose_word": "The visitor's browser sent this transcript, so it could have been altered.",
        "to_html": renderer,
        **template_functions(),
    }
    message = Message(
        f"[Docs] {ticket.reference}: {ticket.subject}",
        recipients=["support@example.com"],
        body=environment.get_template(TEXT).render(context),
        html=environment.get_template(HTML).render(context),
        reply_to=ticket.visitor_email,
    )
    document = {"reference": ticket.reference, "email": ticket.visitor_email, "conversation": pairs}
    message.attach("conversation.json", "application/json", json.dumps(document, ensure_ascii=False))
    return message
