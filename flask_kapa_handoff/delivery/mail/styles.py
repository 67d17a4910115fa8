"""The styles of rendered Markdown in a mail, written into each tag: many programs and helpdesks drop a style sheet."""

from __future__ import annotations

import re

from markupsafe import Markup

_MONO = "ui-monospace,Menlo,Consolas,monospace"
_GREY, _LINE, _TINT, _BLUE = "#5b6270", "#dfe3ea", "#f5f6f8", "#2f5bd7"  # as in the template

# Gmail knows only the first one (and offers breaks in words of 30 letters), others only the second.
_WRAP = "word-break:break-word;overflow-wrap:anywhere"

# A table shrinks at its long words, which are links and code, and keeps other words whole. Its cells inherit that.
_WHOLE_WORDS = "word-break:normal;overflow-wrap:normal"
_CELL = f"border:1px solid {_LINE};padding:4px 8px;min-width:72px;vertical-align:top"
_HEADING = "margin:18px 0 8px;font-size:15px;line-height:1.4"
_MARKDOWN = {
    "a": f"color:{_BLUE};{_WRAP}",
    "p": "margin:10px 0",
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _HEADING),
    **dict.fromkeys(("ul", "ol"), "margin:10px 0;padding:0 24px"),
    "pre": f"margin:10px 0;padding:12px;background:{_TINT};border-radius:6px;font:13px/1.5 {_MONO};"
    f"white-space:pre-wrap;{_WRAP}",
    "code": f"font-family:{_MONO};font-size:13px;{_WRAP}",
    "blockquote": f"margin:10px 0;padding:0 12px;border-left:3px solid {_LINE};color:{_GREY}",
    'blockquote dir="rtl"': f"margin:10px 0;padding:0 12px;border-right:3px solid {_LINE};color:{_GREY}",
    "table": f"border-collapse:collapse;margin:10px 0;font-size:14px;{_WHOLE_WORDS}",
    'table dir="rtl"': f"border-collapse:collapse;margin:10px 0 10px auto;font-size:14px;{_WHOLE_WORDS}",
    "th": f"{_CELL};text-align:inherit",
    "th align": _CELL,
    "td": _CELL,
    "hr": f"height:0;margin:16px 0;border:0;border-top:1px solid {_LINE}",
}
# Cleaned HTML has "<" in tags alone. The alignment that the text gives a column stays: a style would override it.
_TAG = re.compile(f"<({'|'.join(sorted(_MARKDOWN, reverse=True))})(?=[ =>])")
_STYLED = {
    name: f'<{tag} style="{style}"{blank}{attribute}'
    for name, style in _MARKDOWN.items()
    for tag, blank, attribute in [name.partition(" ")]
}


def with_styles(markup: Markup) -> Markup:
    """HTML of the Markdown renderer with a style in each tag that has one."""
    parts = _TAG.split(markup)
    parts[1::2] = map(_STYLED.__getitem__, parts[1::2])
    return Markup("".join(parts))  # noqa: S704 - it was cleaned, and these are constants
