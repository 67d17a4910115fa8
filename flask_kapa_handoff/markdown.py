"""Markdown of answers as safe HTML, for the mail and the admin's pages. Visitors' and models' text is hostile input.

comrak renders, with raw HTML shown as text so that no word is lost, and nh3 cleans what came out.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from comrak import ExtensionOptions, RenderOptions
    from nh3 import Cleaner

_logger = logging.getLogger(__name__)

TAGS = frozenset(
    [
        "a",
        "b",
        "blockquote",
        "br",
        "code",
        "del",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "li",
        "ol",
        "p",
        "pre",
        "s",
        "strong",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)


MAX_LENGTH = 65_536
"""Longest text that is rendered, in characters. The time for some hostile texts grows with the square of it."""

MAX_CELLS = 20_000
"""Largest table: a row may leave cells out, so that 15 kB of text can become 15 MB of HTML."""

# Fifty quotes or lists in each other: nh3 needs seconds for thousands.
_NESTED = re.compile(r"\n(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){50}")

# What the line under a table's head is made of, and what may stand before it in quotes and lists.
_TABLE_RULE = " \t\v\f>|:*+-.)0123456789"

# comrak's own: an image that was typed as HTML comes out as text.
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')


def to_html(text: str) -> Markup:
    """Markdown as HTML of a fixed list of tags.

    Links go to ``http``, ``https`` and ``mailto`` only, and of an image its text is left. A text that nobody writes,
    because it would take very long or become very large, is shown as it is; so is one that the renderer fails at.
    """
    if len(text) <= MAX_LENGTH and not _NESTED.search("\n" + text) and _cells(text) <= MAX_CELLS:
        try:
            return _rendered(text)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            # A panic in native code is no Exception. Its words may hold the text.
            _logger.error("Markdown is shown as it is: the renderer met an unexpected %s.", type(error).__name__)
    return Markup("<p>%s</p>") % Markup("<br>\n").join(escape(line) for line in text.split("\n"))


def _rendered(text: str) -> Markup:
    import comrak

    extensions, rendering = _options()
    dirty = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    dirty = _IMAGE.sub(lambda image: image[2] or image[1], dirty)
    return Markup(_cleaner().clean(dirty))  # noqa: S704 - this is the cleaned text


def _cells(text: str) -> int:
    """How many cells a table of the text can have at most."""
    if "|" not in text:
        return 0
    lines = text.split("\n")
    columns = max((line.count("|") + 1 for line in lines if "|" in line and not line.strip(_TABLE_RULE)), default=0)
    return columns * len(lines)


@cache
def _options() -> tuple[ExtensionOptions, RenderOptions]:
    import comrak

    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = extensions.autolink = True
    rendering = comrak.RenderOptions()
    rendering.escape = True
    return extensions, rendering


@cache
def _cleaner() -> Cleaner:
    import nh3

    return nh3.Cleaner(
        tags=set(TAGS),
        attributes={"a": {"href"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
