"""Prepares the Markdown of an answer, so that the renderer keeps what it would change or leave out.

The renderer has no options for most of this. So marks are put into the text: after one, a character is plain text, or
an address ends. :func:`without_marks` takes them out of the HTML again, also out of code, so that it does not matter
where code begins.
"""

from __future__ import annotations

import re

# Noncharacters, which no text has a use for (Unicode, section 23.7).
_PLAIN = "\ufdd0\\"  # the next character is plain text: in Markdown after the backslash, in code as it is
LATEX = "\ufdd1"
"""Marks the beginning of a formula in LaTeX's brackets, and separates other characters."""
_MARKS = "\ufdd0\ufdd1"
_END = f"\t{LATEX}"  # an address ends here: only a blank ends one

# Letters that are written without blanks between words, and punctuation that no address needs: quotes, dashes, arrows.
_THAI = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # and Lao, Burmese, Khmer
_UNSPACED = (  # and Chinese, Japanese, Korean
    f"{_THAI}\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
_PUNCTUATION = (
    "\u00ab\u00bb\u2014\u2015\u2018-\u201f\u2026\u2039\u203a\u2190-\u21ff\u060c\u061b\u061f\u06d4\u0964\u0965"
)
_HOST = rf"(?:[^\s/?#<>().\u3000-\u303f{_PUNCTUATION}\uff00-\uff0f\uff1a-\uff20]{{1,63}}\.){{1,20}}?"
_BARE_ADDRESS = re.compile(
    rf"(?:https?://|www\.)(?:{_HOST}[A-Za-z]{{2,63}}(?::\d{{1,5}})?(?=[{_UNSPACED}{_PUNCTUATION}])"
    rf"|[^\s/?#<>]{{1,300}}[/?#](?:[!-;=?-Z\\^_a-{{}}~]|\](?![(\[:]))*)"
    rf"(?=([{_UNSPACED}{_PUNCTUATION}])?)"
)
_TARGET = re.compile(r"(?:\]\([ \t]*<?|\]:[ \t]*<?|<)\Z")  # before the address of a link in Markdown

# Emphasis between such a letter and punctuation. The renderer has an option for Chinese, Japanese and Korean only.
_THAI_LETTERS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e81-\u0eff\u1000-\u1049\u1050-\u109d\u1780-\u17d3\u17d7\u17dc-\u17e9"
)
_THAI_LETTER = re.compile(f"[{_THAI_LETTERS}]")
_NO_LETTER = rf"[^\w\s*$\\{_THAI_LETTERS}]"
_THAI_EMPHASIS = re.compile(
    rf"(?<=[{_THAI_LETTERS}])(\*{{1,3}})(?={_NO_LETTER})|(?<={_NO_LETTER})(\*{{1,3}})(?=[{_THAI_LETTERS}])"
)

# Each pattern begins with a literal, which is found much faster than a lookbehind.
_TILDE = re.compile(r"~(?<![~\\]~)(?!~)")
# A variable of a shell, or an amount of money: no formula begins there.
_DOLLAR = re.compile(r"\$(?<![$\\]\$)(?=[A-Z_]{2}|\{[A-Za-z_]|\d[\d,.]*[,;:!?)]?(?:\s+[^\s+*/=<>\\^-]|\s*\Z))")
_BREAK = re.compile(r"\\<(?=br)", re.IGNORECASE)

# A formula in LaTeX's brackets, within a paragraph; or a bracket alone.
_FORMULA = re.compile(
    r"\\(?<!\\\\)(?:"
    r"\(((?:[^\\\n]|\\[^()\n]|\n(?![ \t>]*\n))+)\\\)"
    r"|\[((?:[^\\\n]|\\[^\[\]\n]|\n(?![ \t>]*\n))+)\\\]"
    r"|[(\[])"
)
_FENCE = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`]*$)|~{3,})[ \t]*(.*)")
_LIST = re.compile(r"[ \t>]*(?:[-*+]|\d{1,9}[.)])[ \t]")
_FORMULA_BLOCK = re.compile(r"([ \t>]*)(\\\[|\$\$|\\begin\{([A-Za-z]{1,30}\*?)\})")
_LONGEST_FORMULA = 60  # lines
_MOST_FORMULAS = 200
_DEEPEST_WITHOUT_LIST = 3  # blanks; more are code

# The line under a table's head, with what may come before it in quotes and lists.
_TABLE_RULE = " \t\v\f>|:*+-.)0123456789"
_CONTAINER = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*")
_CELL_END = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(?<!`)(`{1,9})(?!`)[^`]+(?<!`)\1(?!`)")


def prepared(text: str) -> str:
    """The text with marks, so that these stay what they are:

    - single tildes, as in ``3~5``;
    - amounts of money and variables beside formulas in dollars;
    - formulas, with their brackets and line breaks;
    - text after a bare address that has no blank before it, as in Chinese, Japanese and Thai;
    - emphasis beside punctuation in Thai and its like;
    - cells of a table's row beyond its head's.
    """
    if not text.isascii():
        text = text.replace("\ufdd0", "").replace("\ufdd1", "")
        if any(_may_touch(line) for line in text.split("\n")):
            text = _BARE_ADDRESS.sub(_marked_address, text)
        if "*" in text and _has_thai(text):
            text = _THAI_EMPHASIS.sub(_marked_emphasis, text)
    # One character is found much faster than two.
    if "\\" in text or "$" in text:
        text = _with_formula_blocks(text)
    if "$" in text:
        text = _DOLLAR.sub(lambda _: f"{_PLAIN}$", text)
    if "\\" in text:
        text = _FORMULA.sub(_marked_formula, _BREAK.sub(rf"\\<{LATEX}", text))
    if "~" in text:
        text = _TILDE.sub(lambda _: f"{_PLAIN}~", text)
    if "|" in text:
        text = _with_all_cells(text)
    return text


def without_marks(markup: str) -> str:
    """HTML or text without the marks, also where they were encoded as a part of an address."""
    if "\ufdd0" in markup or "\ufdd1" in markup:
        for mark in (_END, _PLAIN, *_MARKS):  # much faster than a pattern
            markup = markup.replace(mark, "")
    if "%EF%B7%9" in markup:
        markup = re.sub("%EF%B7%90(?:%5C)?|(?:%09)?%EF%B7%91", "", markup)
    return markup


def cells(text: str) -> int:
    """The most cells that a table in this text can have."""
    if "|" not in text:
        return 0
    lines = text.split("\n")
    columns = max((line.count("|") + 1 for line in lines if "|" in line and not line.strip(_TABLE_RULE)), default=0)
    return columns * len(lines)


def _has_thai(text: str) -> bool:
    data = text.encode(errors="replace")  # in UTF-8 these letters begin with two octets, and most texts have neither
    return (b"\xe0" in data or b"\xe1" in data) and _THAI_LETTER.search(text) is not None


def _may_touch(line: str) -> bool:
    """Whether an address in a line may touch another letter than those of ASCII: no address has a line end."""
    return not line.isascii() and ("://" in line or "www." in line)


def _marked_address(match: re.Match[str]) -> str:
    before = match.string[max(match.start() - 10, 0) : match.start()]
    return match[0] + _END if match[1] and not _TARGET.search(before) else match[0]


def _marked_emphasis(match: re.Match[str]) -> str:
    # The mark, which is no punctuation, stands between the asterisks and the punctuation.
    return f"{match[1]}{LATEX}" if match[1] else f"{LATEX}{match[2]}"


def _marked_formula(match: re.Match[str]) -> str:
    if match[1] is None and match[2] is None:
        return (
            f"\\{LATEX}{match[0][1:]}"  # without an end: the renderer's search for it takes the square of the length
        )
    return f"{match[0][:2]}{LATEX}{match[0][2:]}"


def _with_formula_blocks(text: str) -> str:
    """Formulas on lines of their own become code: a line that begins with a minus is no list there."""
    if not any(bracket in text for bracket in ("$$", "\\[", "\\begin{")):
        return text
    lines = text.split("\n")
    done: list[str] = []
    fence, has_list, tries = "", False, 0
    position = 0
    while position < len(lines):
        line, end = lines[position], None
        has_list = has_list or _LIST.match(line) is not None
        if mark := _FENCE.match(line):
            if not fence:
                fence = mark[1]
            elif mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif not fence and tries < _MOST_FORMULAS:
            opening = _FORMULA_BLOCK.match(line)
            if opening and (has_list or len(opening[1].replace(">", "")) <= _DEEPEST_WITHOUT_LIST):
                tries += 1
                end = _end_of_formula(lines, position, opening)
        if end is None:
            done.append(line)
        else:
            prefix = line[: len(line) - len(line.lstrip(" \t>"))]
            done += [f"{prefix}```", *lines[position:end], f"{prefix}```"]
        position = end or position + 1
    return "\n".join(done)


def _end_of_formula(lines: list[str], start: int, opening: re.Match[str]) -> int | None:
    """The line after the formula that opens there; None: it has no end, or not on a line of its own."""
    prefix, bracket, environment = opening.groups()
    closing = {"\\[": "\\]", "$$": "$$"}.get(bracket, f"\\end{{{environment}}}")
    for number, line in enumerate(lines[start : start + _LONGEST_FORMULA], start):
        if not line.startswith(prefix if line.strip(" \t>") else prefix.rstrip()) or "```" in line:
            return None
        place = line.find(closing, opening.end() if number == start else 0)
        if place >= 0:
            is_whole = not line[place + len(closing) :].strip(" \t.,;") and (number > start or environment)
            return number + 1 if is_whole else None
    return None


def _with_all_cells(text: str) -> str:
    """Tables whose rows have no more cells than their heads: the renderer leaves others out."""
    lines = text.split("\n")
    columns = 0
    for position, line in enumerate(lines):
        bars = line.count("|")
        if bars and "-" in line and position and not line.strip(_TABLE_RULE):
            ends = _cell_ends(line)
            columns = len(ends) + 1 if len(ends) == len(_cell_ends(lines[position - 1])) else 0
        elif columns and not bars and not line.strip(" \t>"):
            columns = 0
        elif columns and _most_ends(line, bars) >= columns and len(ends := _cell_ends(line)) >= columns:
            lines[position] = _with_fewer_cells(line, ends, len(ends) + 1 - columns)
    return "\n".join(lines)


def _most_ends(line: str, bars: int) -> int:
    """How many bars between cells a row can have, without those at its edges. For most rows that is enough to know."""
    row = line.lstrip(" \t").rstrip()
    return bars - row.startswith("|") - (row.endswith("|") and row[-2:] != "\\|")


def _cell_ends(line: str) -> list[int]:
    """The places of the bars between a row's cells."""
    ends = [match.start() for match in _CELL_END.finditer(line)]
    if ends and _CONTAINER.fullmatch(line, 0, ends[0]):
        ends = ends[1:]
    if ends and not line[ends[-1] + 1 :].strip():
        ends = ends[:-1]
    return ends


def _with_fewer_cells(line: str, ends: list[int], surplus: int) -> str:
    """The row in which that many bars are plain text: those in code first, then the last ones."""
    in_code = {end.start() for code in _CODE.finditer(line) for end in _CELL_END.finditer(line, *code.span())}
    plain = sorted(ends, key=lambda end: (end in in_code, end), reverse=True)[:surplus]
    begins = [0, *sorted(plain)]
    return _PLAIN.join(line[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True))
