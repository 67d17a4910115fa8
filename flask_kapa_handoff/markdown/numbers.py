"""Keeps the numbers of lists as they were written: a renderer counts from the first and turns 1, 3, 7 into 1, 2, 3."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

# A line's beginning is found much faster by its break than by "^".
_NUMBER = re.compile(r"\n[ \t>]*(?:[-*+][ \t]+)*(\d{1,9})[.)][ \t]")
_PLACE = re.compile(' data-sourcepos="[^"]*"')
_TAG = re.compile(r'<(/?)([ou]l|li)(?: data-sourcepos="(\d+):(\d+)-[^"]*")?(?: start="\d+")?>')
_List = list[tuple[int, int]]  # the place of an item's ">", and its number
_ITEM = re.compile(rb"(\d{1,9})[.)]")


def counts_otherwise(text: str) -> bool:
    """Whether a list in the text may have numbers that a renderer would change."""
    numbers = [int(number) for number in _NUMBER.findall(f"\n{text}")]
    return any(after not in (number + 1, number, 1) for number, after in pairwise(numbers))


def with_numbers(text: str, render: Callable[[str], str]) -> str:
    """The HTML of a text whose lists have the numbers of the text.

    A list that repeats one number is counted, as its author wanted.

    Arguments:
        render: gives the HTML with the place of each tag.
    """
    markup, lines = render(text), text.encode(errors="replace").splitlines()
    lists: list[_List] = []
    values: dict[int, int] = {}
    for tag in _TAG.finditer(markup):
        is_end, name, line, column = tag.groups()
        if name == "li":
            if not is_end and lists and (number := _ITEM.match(lines[int(line) - 1], int(column) - 1)):
                lists[-1].append((tag.end() - 1, int(number[1])))
        elif not is_end:
            lists.append([])
        elif lists:
            values |= _changed(lists.pop())
    parts, end = [], 0
    for place, value in sorted(values.items()):
        parts += [markup[end:place], f' value="{value}"']
        end = place
    return _PLACE.sub("", "".join([*parts, markup[end:]]))


def _changed(items: _List) -> _List:
    """The items of a list whose number is not the one that follows."""
    if len({number for _, number in items}) == 1:
        return []
    return [item for before, item in pairwise(items) if item[1] != before[1] + 1]
