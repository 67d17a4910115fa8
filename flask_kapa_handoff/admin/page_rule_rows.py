"""The page rules as an admin types them: what is wrong about each, what to know of it, and what a page would get."""

from __future__ import annotations

from typing import NamedTuple

from flask import request

from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK
from ..page_rules import MAX_PATTERN, PageRule, first_match, parse_pattern, path_of
from ..translation import gettext as _
from . import labels
from .desk_parts import label, too_long


class TryOut(NamedTuple):
    """Which desk would serve a page.

    Arguments:
        desk: its name for people.
        path: the page's.
        rule: the one that decides; None: none fits.
        skipped: a rule before it that fits and has no effect; None: there is none.
        because: why it has no effect.
    """

    desk: str
    path: str
    rule: PageRule | None
    skipped: PageRule | None = None
    because: str | None = None


class Row(NamedTuple):
    """One line of the rules as it was typed, with what is wrong about its path or its desk, and what to know of it."""

    pattern: str
    desk: str
    error: str = ""
    desk_error: str = ""
    hint: str = ""


def typed_rows(*, moving: bool = True) -> list[Row]:
    """The typed rules, without empty rows, moved and removed as the pressed button asks."""
    patterns, names = request.form.getlist("pattern"), request.form.getlist("rule_desk")
    rows = [Row(pattern.strip(), desk) for pattern, desk in zip(patterns, names, strict=False)]
    pressed = {name: request.form.get(name, "") for name in ("up", "drop")} if moving else {}
    for name, text in pressed.items():
        at = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1
        if 0 <= at < len(rows):
            row = rows.pop(at)
            if name == "up":
                rows.insert(max(0, at - 1), row)
    return [_checked(row) for row in rows if row.pattern]


def try_page(known: Desks, rows: list[Row], typed: str) -> TryOut | None:
    """Which desk would serve the page that an admin typed, by the typed rules; None: none was typed."""
    if not typed.strip():
        return None
    path = path_of(typed.strip()[: 10 * MAX_PATTERN])
    rules = [PageRule(row.pattern, row.desk) for row in rows]
    rule = first_match((rule for rule in rules if known.may_be_named(rule.desk)), path)
    first = first_match(rules, path)
    skipped = None if first is None or first == rule else first
    because = None if skipped is None else _no_effect(known, skipped.desk)
    return TryOut(label(known.serving(DEFAULT_DESK if rule is None else rule.desk)), path, rule, skipped, because)


def with_hints(known: Desks, rows: list[Row]) -> list[Row]:
    """The rows, each with why it would have no effect, or show no button."""
    hinted, effective = [], list[PageRule]()
    for row in rows:
        rule, hint = PageRule(row.pattern, row.desk), _no_effect(known, row.desk)
        if hint is None and (before := next((other for other in effective if other.covers(rule)), None)):
            hint = _("Never applies: %(rule)s above it fits the same pages.", rule=before.pattern)
        elif hint is None:
            effective.append(rule)
            hint = labels.hidden_because(known.serving(row.desk))
        hinted.append(row if row.error or row.desk_error else row._replace(hint=hint or ""))
    return hinted


def _checked(row: Row) -> Row:
    try:
        return row._replace(pattern=parse_pattern(row.pattern))
    except ValueError:
        return row._replace(error=too_long(row.pattern, MAX_PATTERN))


def _no_effect(desks: Desks, name: str) -> str | None:
    """Why a page rule for this desk has no effect; None: it has one, as far as the desk is concerned."""
    if desks.may_be_named(name):
        return None
    return (
        _("Its desk is internal, so this rule has no effect.")
        if name in desks.present
        else _("Its desk was removed, so this rule has no effect.")
    )
