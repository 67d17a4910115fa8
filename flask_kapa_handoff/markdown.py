"""Renders the Markdown of answers as safe HTML, for mails and admin pages. All of the text counts as hostile input.

comrak renders it, with raw HTML shown as text so that no word is lost, and nh3 cleans the result.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from .links import Links
from .text import visible

if TYPE_CHECKING:
    from comrak import ExtensionOptions, RenderOptions
    from nh3 import Cleaner

_logger = logging.getLogger(__name__)

TAGS = frozenset(
    [
        "a",
        "b",
        "bdi",
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
"""The longest text that is rendered, in characters. The time for some hostile texts grows with its square."""

MAX_CELLS = 20_000
"""The most cells of a table: rows may omit cells, so 15 kB of text can become 15 MB of HTML."""

MAX_AT_SIGNS = 1_000
"""The most @-signs: the time of comrak's search for mail addresses grows with the square of their number."""

MAX_COST = 100_000
"""The most that all texts of a page may cost, in special characters, the unit of :func:`_cost`; about 0.1 s."""

# Fifty nested quotes or lists: nh3 needs seconds for thousands.
_NESTED = re.compile(r"\n(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){50}")

# The line under a table's head, with what may come before it in quotes and lists.
_TABLE_RULE = " \t\v\f>|:*+-.)0123456789"

# Characters that no markup uses.
_PLAIN_BYTES = bytes([*b" 0123456789", *range(0x41, 0x5B), *range(0x61, 0x7B), *range(0x80, 0x100)])

# comrak's own syntax: an image typed as HTML is shown as text.
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')


class Renderer:
    """Renders Markdown as HTML, for all the texts of one page or mail.

    Links use ``http``, ``https`` or ``mailto`` only and show their host, see :mod:`.links`; images become their text.
    A text is shown unrendered if it would take very long or become very large (no real text does), if the renderer
    fails, or if the texts before it have cost :data:`MAX_COST`.
    """

    def __init__(self) -> None:
        self._left = MAX_COST
        self._links = Links()

    def __call__(self, text: str) -> Markup:
        if len(text) <= MAX_LENGTH and _cost(text) <= self._left and not _is_excessive(text):
            try:
                markup = _rendered(text, self._links)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                # A panic in native code is not an Exception. Its message may contain the text.
                _logger.error("Markdown is shown as plain text: rendering it raised %s.", type(error).__name__)
            else:
                self._left -= _cost(text) + _cost_of_html(markup)
                return markup
        return Markup("<p>%s</p>") % lines(text)


def to_html(text: str) -> Markup:
    """One Markdown text rendered as HTML, see :class:`Renderer`."""
    return Renderer()(text)


def lines(text: str) -> Markup:
    """Plain text as HTML that keeps its line breaks without a style sheet."""
    return Markup(str(escape(visible(text))).replace("\n", "<br>\n"))  # noqa: S704 - escaped


def _cost(text: str) -> int:
    """The cost in special characters; ten others count as one."""
    return len(text.encode(errors="replace").translate(None, _PLAIN_BYTES)) + len(text) // 10


def _cost_of_html(markup: str) -> int:
    # A link costs more, for its host.
    return len(markup) // 10 + 50 * markup.count("<a ")


def _is_excessive(text: str) -> bool:
    return text.count("@") > MAX_AT_SIGNS or _NESTED.search("\n" + text) is not None or _cells(text) > MAX_CELLS


def _rendered(text: str, links: Links) -> Markup:
    import comrak

    extensions, rendering = _options()
    dirty = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    dirty = _IMAGE.sub(lambda image: image[2] or image[1], dirty)
    return Markup(links.with_hosts(visible(_cleaner().clean(dirty))))  # noqa: S704 - this is the cleaned text


def _cells(text: str) -> int:
    """The most cells that a table in this text can have."""
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
        # "*": ammonia allows titles by default, and a title can misrepresent the link.
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}},
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
