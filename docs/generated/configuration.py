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
    "bool | str": '`True`, `False` or `"txt"`',
    "int": "a whole number",
    "int | None": "a whole number",
    "tuple[str, ...]": "a list, or text with commas",
    "tuple[Trigger, ...]": "a list, or text with commas",
    "tuple[SitePattern, ...]": "a dict, or a list of pairs",
    "tuple[Field, ...]": "a list of `Field`s, or of dicts",
    "FormSettings": "a dict",
    "HumanRequests": "a list or a dict",
    "Callable[[], str] | None": "a function",
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
        kind, shown = TYPES[str(field.type)], default(KEYS[key_of(name)])
        value = f"{kind[0].upper()}{kind[1:]}{f', by default {shown}' if shown else ''}."
        meaning = " ".join(line.strip() for line in docs["Config", name]).strip()
        lines += [f"### `{key_of(name)}`", "", f"*{value}* {with_page_links_in_markdown(meaning)}", ""]
    return "\n".join(lines)


def default(value: Any) -> str:
    """A default as a site would write it; empty: there is none, or it is more than a value."""
    if isinstance(value, tuple):
        return f'`"{", ".join(value)}"`' if value else "`()`"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"`{value:_}`"
    return f"`{value!r}`" if isinstance(value, (bool, str)) else ""
