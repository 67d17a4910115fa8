"""Renders the Markdown of answers as safe HTML, for mails and admin pages. All of the text counts as hostile input.

comrak renders it, with raw HTML shown as text so that no word is lost, and nh3 cleans the result. :mod:`.source` keeps
comrak from changing or leaving out text, :mod:`.output` completes its HTML.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from ..links import Links
from ..text import visible
from .definitions import with_definitions
from .numbers import counts_otherwise, with_numbers
from .output import DIRECTIONS, completed, has_rtl, with_directions
from .source import cells, prepared, without_marks

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

_WIDE = re.compile("<(pre|table)(?=[ >])")

# Characters that no markup uses.
_PLAIN_BYTES = bytes([*b" 0123456789", *range(0x41, 0x5B), *range(0x61, 0x7B), *range(0x80, 0x100)])


class Renderer:
    """Renders Markdown as HTML, for all the texts of one page or mail.

    Links use ``http``, ``https`` or ``mailto`` only and show their host, see :mod:`.links`; images become links.
    A text is shown unrendered if it would take very long or become very large (no real text does), if the renderer
    fails, or if the texts before it have cost too much.

    Arguments:
        page: the address of the page where the texts were shown, which relative links refer to; None: a relative
            address is shown as text.
        most: what all texts may cost, in the unit of :data:`MAX_COST`.
        scrolls: whether code and tables scroll where they are wider than the page. They can be focused then, so that
            a keyboard can scroll them.
    """

    def __init__(self, page: str | None = None, most: int = MAX_COST, *, scrolls: bool = False) -> None:
        self._left = most
        self._links = Links()
        self._page = page and visible(page)
        self._scrolls = scrolls

    def __call__(self, text: str) -> Markup:
        text = visible(text)
        if len(text) <= MAX_LENGTH and (cost := _cost(text)) <= self._left and not _is_excessive(text):
            try:
                markup = _rendered(text, self._links, self._page)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as error:
                # A panic in native code is not an Exception. Its message may contain the text.
                _logger.error("Markdown is shown as plain text: rendering it raised %s.", type(error).__name__)
            else:
                self._left -= cost + _cost_of_html(markup)
                return _with_tab_stops(markup) if self._scrolls else markup
        return Markup('<p dir="auto">%s</p>') % lines(text)


def _with_tab_stops(markup: Markup) -> Markup:
    return Markup(_WIDE.sub(r'<\1 tabindex="0"', str(markup)))  # noqa: S704 - all else is as it was


def to_html(text: str, page: str | None = None) -> Markup:
    """One Markdown text rendered as HTML, see :class:`Renderer`."""
    return Renderer(page)(text)


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
    return text.count("@") > MAX_AT_SIGNS or _NESTED.search("\n" + text) is not None or cells(text) > MAX_CELLS


def _rendered(text: str, links: Links, page: str | None) -> Markup:
    markup = without_marks(completed(with_definitions(prepared(text), _by_comrak), page))
    cleaned = _cleaner().clean(markup)
    read = text
    if "&" in text:  # only its character references write characters that the text does not contain
        read = cleaned = visible(cleaned)
    shown = links.with_hosts(cleaned)
    return Markup(with_directions(shown) if has_rtl(read) else shown)  # noqa: S704 - this is the cleaned text


def _by_comrak(text: str) -> str:
    return with_numbers(text, _by_comrak_with_places) if counts_otherwise(text) else _render(text, has_places=False)


def _by_comrak_with_places(text: str) -> str:
    return _render(text, has_places=True)


def _render(text: str, *, has_places: bool) -> str:
    import comrak

    # Most texts have no bare address, and looking for one takes a third of the time. "&" may begin a character of one.
    autolink = "://" in text or "www." in text or "@" in text or "&" in text
    extensions, rendering = _options(has_places, autolink)
    return comrak.render_markdown(text, extension_options=extensions, render_options=rendering)


@cache
def _options(has_places: bool, autolink: bool) -> tuple[ExtensionOptions, RenderOptions]:
    import comrak

    extensions = comrak.ExtensionOptions()
    extensions.table = extensions.strikethrough = True
    extensions.autolink = autolink
    extensions.cjk_friendly_emphasis = extensions.math_dollars = extensions.math_latex = True
    rendering = comrak.RenderOptions()
    rendering.escape = rendering.full_info_string = True
    rendering.sourcepos = has_places
    return extensions, rendering


@cache
def _cleaner() -> Cleaner:
    import nh3

    return nh3.Cleaner(
        tags=set(TAGS),
        # "*": ammonia allows titles by default, and a title can misrepresent the link.
        attributes={"*": set(), "a": {"href"}, "ol": {"start"}, "li": {"value"}, "td": {"align"}, "th": {"align"}},
        set_tag_attribute_values=DIRECTIONS,
        url_schemes={"http", "https", "mailto"},
        url_relative="deny",
        link_rel="noopener noreferrer nofollow",
    )
