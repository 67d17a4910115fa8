"""The configuration keys, from the table in ``flask_kapa_handoff/config.py``."""

from __future__ import annotations

from typing import Any

from sphinx.pycode import ModuleAnalyzer

from flask_kapa_handoff.config import KEYS, Config, key_of

from .pages import with_page_links_in_markdown

GROUPS = {
    "email": "The default desk",
    "url_prefix": "The site",
    "sender": "Mail and delivery",
    "max_request_bytes": "Limits",
    "origins": "Where visitors come from",
    "redact": "Privacy",
    "language": "Words and fields",
    "csp_nonce": "Around the pages",
}
"""Headings, by the first field below each."""

TYPES = {
    "str": "text",
    "str | None": "text",
    "bool": "`True` or `False`",
    "bool | str": "`True`, `False` or `\"txt\"`",
    "int": "whole number",
    "int | None": "whole number",
    "tuple[str, ...]": "list, or text with commas",
    "tuple[Trigger, ...]": "list, or text with commas",
    "tuple[SitePattern, ...]": "dictionary",
    "tuple[Field, ...]": "list of `Field`",
    "FormSettings": "dictionary",
    "HumanRequests": "list or dictionary",
    "Callable[[], str] | None": "function",
}
"""What a site writes, by the type of the field that it becomes."""


def keys() -> str:
    """Every key with its type, its default and its meaning, under headings."""
    docs = ModuleAnalyzer.for_module(Config.__module__).find_attr_docs()
    lines: list[str] = []
    for name, field in Config.__dataclass_fields__.items():
        if not field.metadata:
            continue
        if name in GROUPS:
            lines += [f"## {GROUPS[name]}", ""]
        meaning = " ".join(line.strip() for line in docs["Config", name]).strip()
        lines += [f"```{{confval}} {key_of(name)}", f":type: {TYPES[str(field.type)]}"]
        if shown := default(KEYS[key_of(name)]):
            lines.append(f":default: {shown}")
        lines += ["", with_page_links_in_markdown(meaning), "```", ""]
    return "\n".join(lines)


def default(value: Any) -> str:
    """A default as a site would write it; empty: there is none, or it is more than a value."""
    if isinstance(value, tuple):
        return f'`"{", ".join(value)}"`' if value else "`()`"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"`{value:_}`"
    return f"`{value!r}`" if isinstance(value, (bool, str)) else ""
