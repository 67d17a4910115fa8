"""What links a word such as ``password`` to its value: ``: ``, ``" => "``, `` for the database is ``.

:func:`read_link` reads all of it, which takes a microsecond or more. Most words of a technical text are linked to
nothing; :func:`unlinked` tells so for the frequent ones, while the words are looked for.
"""

from __future__ import annotations

import re

from .spans import Subject

# The end of the name, and of what encloses it: ``_1"]``.
_SUFFIXES = (
    r"prod(?:uction)?|dev(?:elopment)?|stag(?:e|ing)|test|live|old|new|current|value|plain|b64|base64"
    r"|confirm(?:ation)?|repeat|again"
)
_CLOSE = r"[\"'`*_\\\])]"
_END = rf"(?:[_-]?(?:\d{{1,3}}|{_SUFFIXES})){{0,2}}(?![A-Za-z0-9_$])(?!-[A-Za-z])(?P<close>{_CLOSE}{{0,4}})"
_VERBS_IN_ASCII = r"is|was|are|ist|war|lautet|est|es|este|era|to|jest|er"
_VERBS = rf"{_VERBS_IN_ASCII}|è|é|är"
# Whose it is: ``Password (admin)``, ``password for the database``.
_REMARK = (
    r"(?P<remark>[ \t]\([^()\n]{1,30}\)|[ \t]\[[^\[\]\n]{0,30}\])|[ \t](?:I|we)[ ](?:use|have|got|get|set)|[ \t]mea"
)
_OWNER = r"[ \t](?:for|of|from|to|für|von|vom|zum|du|des|del?|para|pour|di|per|do|dla|van|voor|от|для)[ \t]"
_ASSIGN = (
    r"(?P<assign>:[ \t]*[A-Za-z_][\w.\[\]| ]{0,40}?=(?![=>~]|[ \t]*(?:\n|\Z))"
    r"|=>|:=|\{\s{0,20}default[ \t]{0,10}=(?!=)|[?+]=|->|=(?![=~])|:(?![:=/])|[：＝])[*_]{0,3}"
    r"(?P<blank>[ \t]*(?P<line>\n[ \t>]{0,20})?)"
)
# <password>…, <add key="Password" value="…"
_ELEMENT = (
    r"(?P<attribute>(?<=[ \t])(?:value|content)[ \t]?=[ \t]?(?=[\"']))"
    r"|(?P<element>(?:[ \t]?[\w:-]{1,20}=[\"'][^\"'<>\n]{0,100}[\"']){0,3}>)"
)
_PROSE = (
    r"\([ \t]?(?=[\"'])|(?<=[\"']),[ \t]?(?=[\"'])|(?<=[ \t])(?=[\"'`“„«「])|(?=「)|\|[ \t]{0,10}"
    r"|(?<=[ \t])[-–—][ \t]{1,3}"
    rf"|(?<=[ \t])(?:{_VERBS}|c['’]est)(?![^\W_])"
    r"(?:[ \t](?:still|now|always|immer|noch|jetzt|toujours|siempre|sempre)(?![^\W_]))?"
    r"(?!\s(?:the|my|our|your|an?|this|be)\b)[ \t]{0,3}:?[ \t]{0,3}|(?:是|为|為|は|が|는|은|이)[ \t]?[:：]?[ \t]?"
)
# Nothing but a blank: --password …
_FLAG = r"(?(about)(?(remark)|(?!))|(?<![\"'`*_\\\])}][ \t])(?P<flag>(?<=[ \t]))(?=[^\s=:|]))"

# Not fewer than there are, so that a long row of them is tried once.
_BLANKS = r"(?:[ \t]{0,20}(?![ \t])|[ \t]{20})"
_LINK = rf"{_BLANKS}[`*_\"']{{0,3}}(?:{_ASSIGN}|{_ELEMENT}|(?:{_PROSE})|{_FLAG})"

# After an owner there is a link only where one of these comes soon, before the sentence goes on.
_MARK = (
    r"[^\n,;:={>|：＝「是为為はが는은이]{0,80}(?:[:={>|：＝「是为為はが는은이]|[\"'],)"
    r"|[^\n,;]{0,80}?(?:\([ \t]?[\"']|[ \t][-–—\"'`“„«])"
    rf"|[ \t]{{0,53}}(?![ \t])(?:[^ \t\n,;]{{1,53}}[ \t]{{1,53}}){{0,27}}?(?:{_VERBS}|c['’]est)(?![^\W_])"
)
_LINKS = tuple(
    re.compile(start + _END + rest, re.IGNORECASE)
    for start in ("", r"\w{0,3}?")  # words in other letters have endings, and may have no blank after them
    for rest in (
        rf"{_OWNER}(?P<is_marked>(?={_MARK}))?",
        rf"(?P<about>{_REMARK}|{_OWNER}[^\n:=,;]{{1,30}}?)?{_LINK}",
        rf"(?P<about>{_REMARK})?{_LINK}",
    )
)
_EFFORT, _EFFORT_OF_SCRIPT, _EFFORT_OF_OWNER, _EFFORT_OF_MARKED = 6, 18, 12, 40


def read_link(subject: Subject, end: int, *, is_other_script: bool = False) -> re.Match[str] | None:
    """What links a value to the word that ends here."""
    find_owner, with_owner, without = _LINKS[3:] if is_other_script else _LINKS[:3]
    owner = find_owner.match(subject.text, end)
    if owner is None:
        subject.effort += _EFFORT_OF_SCRIPT if is_other_script else _EFFORT
    elif owner["is_marked"] is None:
        subject.effort += _EFFORT_OF_OWNER
    else:
        subject.effort += _EFFORT_OF_MARKED
        return with_owner.match(subject.text, end)
    return without.match(subject.text, end)


def loose(words: str) -> str:
    """An expression for octets, in which a question mark may be a letter that equals i, k or s if case is ignored."""
    return re.sub("[iks]", r"[\g<0>?]", words)


# What is known to link nothing. read_link() reads whatever else follows a word.
_NO_LINK = (
    rf"(?!(?:for|of|from|to|vo[nm]|zum|du|des?|del|para|pour|di|per|do|dla|van|voor|i|we|c|value|content|{_VERBS_IN_ASCII})"
    r"(?![a-z0-9]))(?!mea)"
)
_PROSE_ENDS = r"[.,;:!)]{0,2}(?:[ \t\n\x00]|\Z)"
_ONLY_OWNER = rf"[ \t](?:for|of|from)(?=[ \t][a-z0-9. ]{{1,150}}[,;\n])(?:[ \t]{_NO_LINK}[a-z0-9.]+)+[,;\n]"


def unlinked(longest: int) -> str:
    """What follows a word that no value belongs to, in lower-case octets.

    Arguments:
        longest: a word of so many letters is no value, whatever its name begins with.
    """
    return (
        rf"(?:(?!{loose(rf'[_-]?(?:[0-9]|{_SUFFIXES})')})(?:[_-]?[a-z]|[$_](?!\?))"
        rf"|[.;/&<#@!%~^,\[}}\n\r\x00]|\Z|\((?![ \t]?[\"'])"
        rf"|[ \t](?:{_NO_LINK}[a-z]{{1,{longest}}}|(?:is|was|are)[ \t](?!still|now|always)[a-z]{{1,15}}){_PROSE_ENDS}"
        rf"|(?!_){_CLOSE}{{1,4}}(?:[.;/&\n]|,(?![ \t]?[\"'])|[ \t]{_NO_LINK}[a-z][\w:-]{{0,19}}(?![\w:=?\x80-\xff-]))"
        rf"|{_ONLY_OWNER})"
    )
