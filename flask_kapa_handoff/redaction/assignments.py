"""Values after words such as ``password``, ``API key`` or ``mot de passe``.

The words are found first, which takes next to no time in a text without any. What links a word to its value is read at
each of them, and ``values.py`` decides whether the value is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from .keywords import Keyword
from .links import read_link
from .names import SCRIPT_WORDS, WORDS, Name, Word, end_of_word, name_of
from .spans import MAX_EFFORT, Span, Subject
from .values import Candidate, Kind, is_secret, shortest

_LABELS = {Kind.PASSWORD: "password", Kind.SECRET: "secret", Kind.KEY: "secret"}

# The last group of a link that assigns the value; and of one that a setting or an option of a command may have.
_ASSIGNED = ("blank", "attribute", "element")
_MAY_BE_SHORT = (*_ASSIGNED, "flag")

_LONGEST, _SHORT, _USUAL = 10_000, 200, 40
_BARE = r"[^\s\"'`“”„«»「」\x00]"
# r"…", N'…', String::from("…")
_BEFORE_QUOTE = r"(?:[rbfuN]|(?:String::from|Some|Secret(?:Str(?:ing)?)?|Buffer\.from|new String)\()?"
_QUOTED = (
    r"(?:\\\"([^\"\\\n]{1,LONG})\\\"|\"((?:[^\"\\\n]|\\.){1,LONG})\"|'((?:[^'\\\n]|\\.){1,LONG})'|`([^`\n]{1,LONG})`"
    r"|[“„]([^“”\n]{1,LONG})[“”]|«\s?([^«»\n]{1,LONG}?)\s?»|「([^「」\n]{1,LONG})」)".replace("LONG", str(_LONGEST))
)
_VALUE = re.compile(rf"{_BEFORE_QUOTE}{_QUOTED}|(?P<bare>{_BARE}{{1,{_SHORT}}})")
_REST = re.compile(rf"{_BARE}{{0,{_LONGEST}}}")
# Where a value without quotes ends: a tag, the next part of a query or a connection string, text in other letters.
_CUT = re.compile(
    r"</?[A-Za-z]|&(?=[\w.-]+=|amp;|quot;|lt;|gt;)|;(?=\s*$|[\w .-]+=)|,(?=[\w.-]+[=:])|\\[nrt](?=[A-Za-z\\]|$)"
    r"|[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef](?<=[!-~].)"
)
_CUT_OF_QUERY = re.compile(r"[&#)\]>]")
_TRAILING = ",;.:)]}>|*_"

# A variable, a folder, and the token of a badge, which is shown to everybody.
_NO_NAME_AFTER = re.compile(r"[$%{]$|\S/$|\.svg\?$|badge\S{0,20}\?$")
_MAY_BE_NO_NAME = tuple("$%{/?\n")
_WHOSE = re.compile(r"(?<![A-Za-z])(?:my|the|new|old|temp|root|admin)\s$", re.IGNORECASE)
_TERNARY = re.compile(r"\?[ \t]*[\"']$")
_OPENS_ELEMENT = re.compile(r"<(?:\w{1,20}:)?$|(?:key|name|id)=[\"']$")
# user: shop, password: shop
_USERS_NAME = re.compile(
    r"(?:user(?:[_-]?name)?|database|login|_db)[\"']?(?:[ \t]?[:=][ \t]?|[ \t])[\"']?([A-Za-z]{1,60})(?!\w)",
    re.IGNORECASE,
)
_NEXT_SETTING = re.compile(r"[;&]|[ \t]+[\w.-]+=")
_EFFORT = 6
_READ_ONCE = 100  # characters; however many names a longer value consists of, it is not read again


def keywords() -> Iterator[Keyword]:
    """The words after which there may be a secret."""
    for word in WORDS:
        yield Keyword(word.needle, partial(_read_word, word), word.unlinked)


def _read_word(word: Word, subject: Subject, at: int) -> tuple[Span | None, int]:
    end = end_of_word(subject, at, word)
    if end is None:
        return None, at + len(word.needle)
    # Most words have no value, so the rest of their name is not looked at before.
    linked = _linked(subject, end, word.kind)
    return _value_of(subject, name_of(subject, at, end), word.kind, *linked) if linked else (None, end)


def find_in_other_scripts(subject: Subject) -> Iterator[Span]:
    """The values after words in other letters than those of ASCII."""
    if subject.text.isascii():
        return
    for letter, words in SCRIPT_WORDS.items():
        for word in words if letter in subject.text else ():
            at = subject.text.find(word)
            while at >= 0 and subject.effort < MAX_EFFORT:
                end = at + len(word)
                if linked := _linked(subject, end, Kind.PASSWORD, is_other_script=True):
                    span, end = _value_of(subject, Name(word, at, end), Kind.PASSWORD, *linked)
                    if span:
                        yield span
                at = subject.text.find(word, end)


def _linked(
    subject: Subject, end: int, kind: Kind, *, is_other_script: bool = False
) -> tuple[re.Match[str], re.Match[str]] | None:
    """What links a value to the word that ends here, and the value; None: there is none that is long enough."""
    link = read_link(subject, end, is_other_script=is_other_script)
    found = _VALUE.match(subject.text, link.end()) if link else None
    if link is None or found is None:
        return None
    subject.effort += _EFFORT
    begin, stop = found.span(found.lastindex or 0)
    is_too_short = stop - begin < shortest(kind, is_prose=link.lastgroup not in _MAY_BE_SHORT)
    return None if is_too_short else (link, found)


def _value_of(
    subject: Subject, name: Name, kind: Kind, link: re.Match[str], found: re.Match[str]
) -> tuple[Span | None, int]:
    """The secret that is a name's value, if it is one, and where to look for the next name."""
    text = subject.text
    before = text[max(0, name.start - 24) : name.start]
    is_assigned = link.lastgroup in _ASSIGNED
    value, start = found[found.lastindex or 0], found.start(found.lastindex or 0)
    if found["bare"]:
        ends = _CUT_OF_QUERY if before[-1:] in ("?", "&") else _CUT
        cut = ends.search(value)
        if cut is None and len(value) == _SHORT:
            if _is_no_name(name, link, before):  # so that the rest is not read at each of many names
                return None, name.end
            rest = _REST.match(text, found.end())
            value += rest[0] if rest else ""
            cut = ends.search(value)
        value = (value[: cut.start()] if cut else value).rstrip(_TRAILING)
    stop = start + len(value)
    is_flag = link["flag"] is not None and name.text.startswith("-")
    is_prose = not (is_flag or is_assigned) or link["line"] is not None
    candidate = Candidate(
        kind,
        value,
        is_quoted=not found["bare"],
        is_setting=not is_prose and (is_flag or bool(link["element"]) or _is_setting(name.text, link, text, stop)),
        is_prose=is_prose,
        is_called=text[stop : stop + 1] in ("(", "["),
    )
    subject.effort += max(0, min(len(value), _SHORT) - _USUAL) // 4
    # The value first: few are secrets, and the rest takes longer.
    may_be_secret = is_secret(candidate)
    if not may_be_secret and len(value) <= _READ_ONCE:
        return None, name.end
    if _is_no_name(name, link, before):
        return None, name.end
    if may_be_secret and not (value.isalpha() and value in _USERS_NAME.findall(text[max(0, start - 120) : start])):
        return Span(start, stop, _LABELS[kind]), stop
    return None, stop if len(value) > _READ_ONCE else name.end


def _is_no_name(name: Name, link: re.Match[str], before: str) -> bool:
    """Whether what is before a name and what follows it say that it is another thing."""
    return bool(
        (before.endswith(_MAY_BE_NO_NAME) and _NO_NAME_AFTER.search(before))
        or _TERNARY.search(before)
        or (link["element"] and not _OPENS_ELEMENT.search(before))
        # the verb
        or (name.text.lower() == "pass" and link.lastgroup not in _ASSIGNED and not _WHOSE.search(before))
        or (link["line"] and ")" in link["close"])  # the end of a condition
    )


def _is_setting(name: str, link: re.Match[str], text: str, stop: int) -> bool:
    """Whether this is a line of a settings file or a part of a connection string, rather than code or a sentence."""
    if (name.isupper() and not name.isalpha()) or name.startswith("-"):
        return True
    is_tight = link["assign"] == "=" and not link["blank"]
    ends_line = text[stop : stop + 40].lstrip(" \t;\"'`*")[:1] in ("", "\n")
    return ((is_tight or link["assign"] == ":") and ends_line) or (is_tight and bool(_NEXT_SETTING.match(text, stop)))
