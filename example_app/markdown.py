"""Renders Markdown as safe HTML: raw HTML is shown as text, then everything unexpected is removed."""

from __future__ import annotations

import re

import comrak
import nh3
from markupsafe import Markup

_TEXT = {"a", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "p", "pre", "strong"}
_LISTS = {"blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
_CLEANER = nh3.Cleaner(
    tags=_TEXT | _LISTS,
    attributes={
        "a": {"href", "class", "aria-label"},
        "h1": {"id"},
        "h2": {"id"},
        "h3": {"id"},
        "ol": {"start"},
    },
    url_schemes={"http", "https", "mailto"},
)

_WIDE = re.compile("<(pre|table)>")


def render(markdown: str, *, anchors: bool = False) -> Markup:
    """Render Markdown; with ``anchors``, headings get an id and a link to themselves."""
    extensions, options = comrak.ExtensionOptions(), comrak.RenderOptions()
    extensions.table = extensions.strikethrough = extensions.autolink = True
    if anchors:
        extensions.header_id_prefix = ""
    options.escape = True
    html = comrak.render_markdown(markdown, extension_options=extensions, render_options=options)
    # Code and tables that are wider than the page can be scrolled with the keyboard.
    focusable = _WIDE.sub(r'<\1 tabindex="0">', _CLEANER.clean(html))
    return Markup(focusable)  # noqa: S704 - cleaned in the line above
