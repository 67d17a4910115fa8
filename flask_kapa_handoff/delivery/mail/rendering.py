"""Renders the mail's templates, and falls back to the package's own if a site's fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from traceback import extract_tb
from typing import Any

from jinja2 import Environment, FileSystemLoader

from ...conversation import is_link
from ...links import Links
from ...markdown import Renderer, lines
from ...template_environment import OPTIONS, TEMPLATES, TEXT_WORDS, WORDS, TemplateEnvironment
from ...text import one_line, quoted
from .styles import with_styles

TEXT, HTML = "kapa_handoff/mail/ticket.txt", "kapa_handoff/mail/ticket.html"

_logger = logging.getLogger(__name__)


def template_functions(page: str | None = None) -> dict[str, Callable[..., object]]:
    """The filters and functions of one mail's templates for texts of visitors and models.

    Arguments:
        page: the address of the page where the answers were shown.
    """
    links, render = Links(), Renderer(page)
    return {
        "is_link": is_link,
        "lines": lines,
        "link": lambda address, words="": with_styles(links.link(address, words)),
        "one_line": one_line,
        "plain_address": links.plain_address,
        "quoted": quoted,
        "to_html": cache(lambda text: with_styles(render(text))),  # a mail that is too large is written several times
    }


def render_bodies(environment: TemplateEnvironment, context: dict[str, Any]) -> tuple[str, str | None]:
    """The text and the HTML of a mail, in the current language.

    If the site's text template fails, the package's own is used; if the HTML template fails, there is no HTML.
    """
    text = _render(environment, TEXT, context | TEXT_WORDS, "the package's text is sent")
    if text is None:
        text = own_templates().get_template(TEXT).render(context | TEXT_WORDS)
    return text, _render(environment, HTML, context | WORDS, "the mail is sent without its HTML")


@cache
def own_templates() -> Environment:
    """The package's own templates, even if the site overrides them."""
    return Environment(loader=FileSystemLoader(TEMPLATES), **OPTIONS)  # noqa: S701 - it escapes all but .txt


def _render(environment: TemplateEnvironment, name: str, context: dict[str, Any], otherwise: str) -> str | None:
    """A part of the mail; None: it could not be rendered, which is logged with what happens now."""
    try:
        return environment.get_template(name).render(context)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        environment.note(error)
        # Also a panic in native code, which is not an Exception. Without the error's message, which may contain the
        # visitor's text.
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename.endswith(name)]
        line = f" in line {lines[-1]}" if lines else ""
        _logger.error(
            "Ticket %s: your %s fails%s (%s); %s.",
            context["ticket"].reference,
            name,
            line,
            type(error).__name__,
            otherwise,
        )
        return None
