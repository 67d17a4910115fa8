"""The mail's styles, written into each element: many mail programs and helpdesks drop a style sheet."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import Markup

# Without quotes, which would be longer as entities.
_SANS = "system-ui,-apple-system,Segoe UI,Roboto,sans-serif"
_MONO = "ui-monospace,Menlo,Consolas,monospace"
_INK, _GREY, _LINE, _TINT, _BLUE, _ORANGE = "#1c1f26", "#5b6270", "#dfe3ea", "#f5f6f8", "#2f5bd7", "#9a4a00"

# Gmail knows only the first one (and offers breaks in words of 30 letters), others only the second.
_WRAP = "word-break:break-word;overflow-wrap:anywhere"

CSS: Mapping[str, Markup] = {
    name: Markup(style)  # noqa: S704 - constants
    for name, style in {
        "body": f"margin:0;background:#ffffff;color:{_INK}",
        "mail": f"max-width:680px;margin:0 auto;padding:20px 16px;background:#ffffff;color:{_INK};"
        f"font:15px/1.55 {_SANS};{_WRAP}",
        "soft": f"margin:0 0 16px;font-size:13px;color:{_GREY}",
        "flag": f"margin:0 0 16px;color:{_ORANGE}",
        "note": f"margin:0 0 20px;padding:12px 16px;border-left:4px solid {_BLUE};background:#f2f5fd",
        "facts": "width:100%;border-collapse:collapse;margin:0 0 24px",
        "label": f"width:130px;padding:2px 16px 2px 0;vertical-align:top;text-align:left;font:14px/1.55 {_SANS};"
        f"color:{_GREY}",
        "value": f"padding:2px 0;vertical-align:top;font:14px/1.55 {_SANS};{_WRAP}",
        "heading": f"margin:28px 0 12px;font-size:13px;line-height:1.55;font-weight:600;color:{_GREY}",
        "line": f"height:0;margin:28px 0 0;border:0;border-top:1px solid {_LINE}",
        "pair": f"margin:0 0 16px;border:1px solid {_LINE};border-radius:8px",
        "pressed": f"margin:0 0 16px;border:2px solid {_BLUE};border-radius:8px",
        "badge": f"margin:0;padding:10px 16px 0;background:{_TINT};font-size:13px;font-weight:600;color:{_BLUE}",
        "question": f"margin:0;padding:10px 16px 12px;background:{_TINT};font-weight:600",
        "answer": "padding:2px 16px 6px;overflow-x:auto",
        "below": f"margin:0;padding:0 16px 12px;font-size:13px;color:{_GREY}",
        "mark": f"color:{_ORANGE};font-weight:600",
        "sources": "margin:4px 0 0;padding:0 18px",
        "link": f"color:{_BLUE}",
    }.items()
}
"""By name; the classes in the templates have the same names."""

# A table shrinks at its long words, which are links and code, and keeps other words whole.
_CELL = f"border:1px solid {_LINE};padding:4px 8px;min-width:72px;vertical-align:top;word-break:normal;overflow-wrap:normal"
_HEADING = "margin:18px 0 8px;font-size:15px;line-height:1.4"
_MARKDOWN = {
    "a": f"{CSS['link']};{_WRAP}",
    "p": "margin:10px 0",
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), _HEADING),
    **dict.fromkeys(("ul", "ol"), "margin:10px 0;padding:0 24px"),
    "pre": f"margin:10px 0;padding:12px;background:{_TINT};border-radius:6px;font:13px/1.5 {_MONO};"
    f"white-space:pre-wrap;{_WRAP}",
    "code": f"font-family:{_MONO};font-size:13px;{_WRAP}",
    "blockquote": f"margin:10px 0;padding:0 12px;border-left:3px solid {_LINE};color:{_GREY}",
    "table": "border-collapse:collapse;margin:10px 0;font-size:14px",
    "th": f"{_CELL};text-align:inherit",
    "th align": _CELL,
    "td": _CELL,
    "hr": f"height:0;margin:16px 0;border:0;border-top:1px solid {_LINE}",
}
# Cleaned HTML has "<" in tags alone. The alignment that the text gives a column stays: a style would override it.
_TAG = re.compile(f"<(th align|(?:{'|'.join(name for name in _MARKDOWN if ' ' not in name)})(?=[ >]))")
_STYLED = {name: f'<{name.partition(" ")[0]} style="{style}"' for name, style in _MARKDOWN.items()}
_STYLED["th align"] += " align"


def with_styles(markup: Markup) -> Markup:
    """HTML of the Markdown renderer with a style in each tag that has one."""
    return Markup(_TAG.sub(lambda tag: _STYLED[tag[1]], markup))  # noqa: S704 - it was cleaned, and these are constants
