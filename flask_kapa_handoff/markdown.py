"""Markdown of answers as safe HTML, for the mail and the admin's pages. Visitors' and models' text is hostile input.

comrak renders, with raw HTML shown as text so that no word is lost, and nh3 cleans what came out.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from comrak import ExtensionOptions, RenderOptions
    from nh3 import Cleaner

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
_NESTED = re.compile(r"^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){50}", re.MULTILINE)
_TABLE_RULE = re.compile(r"^[ \t\v\f>|:*+\d.)-]*\|[ \t\v\f>|:*+\d.)-]*$", re.MULTILINE)

# comrak's own: an image that was typed as HTML comes out as text.
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')


def to_html(text: str) -> Markup:
    """Markdown as HTML of a fixed list of tags.

    Links go to ``http``, ``https`` and ``mailto`` only, and of an image its text is left. A text that nobody writes,
    because it would take very long or become very large, is shown as it is.
    """
    if len(text) > MAX_LENGTH or _NESTED.search(text) or _cells(text) > MAX_CELLS:
        return Markup("<p>%s</p>") % Markup("<br>\n").join(escape(line) for line in text.split("\n"))

    import comrak

    extensions, rendering = _options()
    dirty = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    dirty = _IMAGE.sub(lambda image: image[2] or image[1], dirty)
    return Markup(_cleaner().clean(dirty))  # noqa: S704 - this is the cleaned text


def _cells(text: str) -> int:
    """How many cells a table of the text can have at most."""
    columns = max((rule.count("|") + 1 for rule in _TABLE_RULE.findall(text)), default=0)
    return columns * (text.count("\n") + 1)


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
