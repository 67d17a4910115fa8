"""Markdown of answers as safe HTML, for the mail and the admin's pages. Visitors' and models' text is hostile input.

comrak renders, with raw HTML shown as text so that no word is lost, and nh3 cleans what came out.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from markupsafe import Markup

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


def to_html(text: str) -> Markup:
    """Markdown as HTML of a fixed list of tags: no images, links to ``http``, ``https`` and ``mailto`` only."""
    import comrak

    extensions, rendering = _options()
    dirty = comrak.render_markdown(text, extension_options=extensions, render_options=rendering)
    return Markup(_cleaner().clean(dirty))  # noqa: S704 - this is the cleaned text


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
