"""The document that ``desks export`` prints and ``desks import`` reads: every desk, and the page rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .desk_settings import DeskSettings
from .page_rules import PageRule, parse_pattern


def read_document(document: Any) -> tuple[dict[str, dict[str, Any]], list[PageRule] | None]:
    """The values of each desk by its name, and the page rules; None: there are none in it.

    Raises:
        ValueError: it is no such document; the message says what is wrong.
    """
    if not isinstance(document, Mapping) or not {"desks"} <= document.keys() <= {"desks", "page_rules"}:
        raise ValueError('use an object with "desks" and "page_rules", as `desks export` prints it')
    desks: dict[str, dict[str, Any]] = {}
    for one in document["desks"] if isinstance(document["desks"], list) else [None]:
        if not isinstance(one, Mapping) or not isinstance(one.get("desk"), str):
            raise ValueError('desks: use a list of objects, each with the name of its "desk"')
        if one["desk"] in desks:
            raise ValueError(f"desks: {one['desk'][:60]!r} is there twice")
        desks[one["desk"]] = {name: value for name, value in one.items() if name not in ("desk", "version")}
    rules = document.get("page_rules")
    if rules is None:
        return desks, None
    if not isinstance(rules, list) or not all(isinstance(one, list) and len(one) == 2 for one in rules):
        raise ValueError('page_rules: use a list of pairs such as ["/pricing/*", "sales"]')
    return desks, [PageRule(parse_pattern(str(pattern)), str(desk)) for pattern, desk in rules]


def exported(settings: DeskSettings) -> dict[str, Any]:
    """A desk as the document has it."""
    return {name: value for name, value in settings.as_json().items() if name not in ("version", "removed")}
