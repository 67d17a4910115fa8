"""Renders Markdown as safe HTML: raw HTML is shown as text, then everything unexpected is removed."""

from __future__ import annotations

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


def render(markdown: str, *, anchors: bool = False) -> Markup:
    """Render Markdown; with ``anchors``, headings get an id and a link to themselves."""
    extensions, options = comrak.ExtensionOptions(), comrak.RenderOptions()
    extensions.table = extensions.strikethrough = extensions.autolink = True
    if anchors:
        extensions.header_id_prefix = ""
    options.escape = True
    html = comrak.render_markdown(markdown, extension_options=extensions, render_options=options)
    return Markup(_CLEANER.clean(html))  # noqa: S704 - cleaned in this very line
