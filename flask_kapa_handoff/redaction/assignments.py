"""Values after words such as ``password``, ``API key`` or ``mot de passe``.

The words are found first, which takes next to no time in a text without any. What links a word to its value is read at
each of them, and ``values.py`` decides whether the value is a secret.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from .spans import Span, Subject
from .values import Candidate, Kind, is_secret

# What is looked for in lower-case octets; its kind; the whole name from there.
_WORDS = tuple(
    (needle, kind, re.compile(name, re.IGNORECASE))
    for needle, kind, name in (
        (
            b"pass",
            Kind.PASSWORD,
            r"pass(?:word|wd|phrase|code|wort|ord|(?<=mot de pass)e|(?<=motdepass)e|(?<=avra.pass)e)?",
        ),
        (b"pw", Kind.PASSWORD, "(?<![a-z])pwd?|(?<=[a-z_])pwd"),
        (b"kennwort", Kind.PASSWORD, "kennwort"),
        (b"mdp", Kind.PASSWORD, "mdp"),
        (b"contrase", Kind.PASSWORD, "contrase(?:ñ|n|ny)a"),
        (b"senha", Kind.PASSWORD, "senha"),
        (b"wachtwoord", Kind.PASSWORD, "wachtwoord"),
        (b"parol", Kind.PASSWORD, "parol[aăe]"),
        (b"kode", Kind.PASSWORD, "kode(?:ord|(?<=adgangskode)n?)"),
        (b"senord", Kind.PASSWORD, "senord(?:et)?"),
        (b"salasana", Kind.PASSWORD, "salasana(?:ni)?"),
        (b"slo", Kind.PASSWORD, "(?<=he|ha)slo"),
        (b"jelsz", Kind.PASSWORD, r"jelsz(?:o|ó)[a-z]?"),
        (b"kata sandi", Kind.PASSWORD, "kata sandi"),
        (b"secret", Kind.SECRET, r"secret(?:[_ -]?(?:access|auth|api|app))?(?:[_ -]?(?:key|token))?(?:[_-]?base)?"),
        (b"token", Kind.KEY, "token"),
        (b"key", Kind.KEY, "key"),
    )
)
_OTHER_SCRIPTS = (
    "парол hasł şifre parolă mật\xa0khẩu κωδικ סיסמ كلمة\xa0المرور كلمة\xa0السر رمز\xa0عبور پسورد पासवर्ड รหัสผ่าน"
    " パスワード 密码 密碼 口令 비밀번호 암호"
)
_KEY_OWNERS = tuple(
    b"api access account secret private signing encryption auth master shared subscription license licence app application"
    b" service webhook client storage admin write ingest deploy session hmac aes jwt consumer host integration".split()
)
_HARMLESS_TOKENS = tuple(
    b"next page continuation pad bos eos unk mask sep cls start end stop max min num special cancellation sync total input"
    b" output prompt completion cached first last current previous".split()
)
_PASS_OWNERS = (
    b"require",
    b"db",
    b"user",
    b"my",
    b"smtp",
    b"mail",
    b"root",
    b"sql",
    b"ssh",
    b"ftp",
    b"ldap",
    b"admin",
)
_IDENTIFIER = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$"

_SUFFIX = (
    r"(?:[_-]?(?:\d{1,3}|prod(?:uction)?|dev(?:elopment)?|stag(?:e|ing)|test|live|old|new|current|value|plain|b64|base64"
    r"|confirm(?:ation)?|repeat|again)){0,2}(?![A-Za-z0-9_$])(?!-[A-Za-z])"
)
_QUALIFIER = r"(?P<about>[ \t]\([^()\n]{1,30}\)|[ \t](?:(?:I|we) use|(?:for|of|from|to|für|von|del?|para|pour|di|per|от|для)[ \t][^\n:=,;]{1,30}?))?"
_LINK = re.compile(
    rf"{_SUFFIX}(?P<close>[\"'`*_\\\])]{{0,4}}){_QUALIFIER}[ \t]{{0,20}}[`*_\"']{{0,3}}(?:"
    r"(?P<assign>:[ \t]*[A-Za-z_][\w.\[\]| ]{0,40}?=(?![=>~])|=>|:=|[?+]=|->|=(?![=~])|:(?![:=/])|[：＝])(?P<bold>[*_]{0,3})"
    r"(?P<blank>[ \t]*(?P<line>\n[ \t>]{0,20})?)"
    r"|(?P<element>>)|(?P<attribute>(?<=[ \t])(?:value|content)[ \t]?=[ \t]?(?=[\"']))"
    r"|(?P<call>\([ \t]?(?=[\"']))|(?P<comma>(?<=[\"']),[ \t]?(?=[\"']))|(?P<quoted>(?<=[ \t])(?=[\"'`“„«「]))"
    r"|(?P<prose>(?<=[ \t])[-–—](?=[ \t])[ \t]{1,3}|(?<=[ \t])(?:is|was|are|ist|war|lautet|est|es|era|è|é|to|jest|är|er)(?![^\W_])(?!\s(?:the|my|our|your|an?|this|be)\b)[ \t]{0,3}:?[ \t]{0,3}"
    r"|(?:是|为|為|は|が|는|은|이)[ \t]?[:：]?[ \t]?)"
    r"|(?P<cell>\|[ \t]{0,10})|(?(about)(?!)|(?P<flag>(?<=[ \t]))(?=[^\s=:|])))",
    re.IGNORECASE,
)
_VALUE = re.compile(
    r"[rbfu]?(?:\\\"([^\"\\\n]{1,300})\\\"|\"((?:[^\"\\\n]|\\.){1,300})\"|'((?:[^'\\\n]|\\.){1,300})'|`([^`\n]{1,300})`"
    r"|[“„]([^“”\n]{1,300})[“”]|«\s?([^»\n]{1,300}?)\s?»|「([^」\n]{1,300})」)|([^\s\"'`“”„«»「」\x00]{1,300})"
)
# Where an unquoted value ends: a tag, the next part of a query or a connection string, text of another script.
_CUT = re.compile(
    r"</?[A-Za-z]|&(?=[\w.-]+=|amp;|quot;|lt;|gt;)|;(?=\s*$|[\w .-]+=)|,(?=[\w.-]+[=:])|\\[nrt](?=[A-Za-z\\]|$)"
    r"|(?<=[!-~])[\u3000-\u9fff\uac00-\ud7af\uff00-\uffef].*"
)
_CUT_OF_QUERY = re.compile(r"[&#)\]>]")
# The user of an address, whose password is found otherwise; the token of a badge, which is shown to everybody.
_NOT_BEFORE = re.compile(r"[$%{]$|\S/$|\.svg\?$|badge[^\s]*\?$")
_ELEMENT = re.compile(r"<(?:\w{1,20}:)?$|(?:key|name|id)=[\"']$")
_TRAILING = ",;.:)]}>|*_"


def _by_octet() -> dict[bytes, list[str]]:
    """The words of other scripts, by the octet of UTF-8 that a text without them lacks."""
    words = defaultdict(list)
    for word in _OTHER_SCRIPTS.split(" "):
        octet = next(bytes([octet]) for octet in word.encode() if octet >= 0xC4)
        words[octet] += sorted({form.replace("\xa0", " ") for form in (word, word.capitalize(), word.upper())})
    return dict(words)


_BY_OCTET = _by_octet()
# Words of these scripts have endings, and no blank after them.
_OTHER_LINK = re.compile(rf"\w{{0,3}}?{_LINK.pattern}", re.IGNORECASE)


def find_assignments(subject: Subject) -> Iterator[Span]:
    """The values that their names show to be secrets."""
    for needle, kind, name in _WORDS:
        at = subject.lower.find(needle)
        while at >= 0:
            span, resume = _look_at(subject, at, kind, name)
            if span:
                yield span
            at = subject.lower.find(needle, max(resume, at + len(needle)))
    if not subject.text.isascii():
        yield from _find_in_other_scripts(subject)


def _find_in_other_scripts(subject: Subject) -> Iterator[Span]:
    octets = subject.text.encode(errors="replace")
    for octet, words in _BY_OCTET.items():
        for word in words if octet in octets else ():
            at = subject.text.find(word)
            while at >= 0:
                end = at + len(word)
                span, resume = _value_after(subject.text, word, end, Kind.PASSWORD, _OTHER_LINK)
                if span:
                    yield span
                at = subject.text.find(word, max(resume, end))


def _look_at(subject: Subject, at: int, kind: Kind, name: re.Pattern[str]) -> tuple[Span | None, int]:
    """The secret after the word that may begin here, and from where to continue."""
    match = name.match(subject.text, at)
    if match is None:
        return None, 0
    before = subject.data[max(0, at - 40) : at]
    start = at - len(before) + len(before.rstrip(_IDENTIFIER))
    left = subject.lower[max(0, at - 14) : at].rstrip(b"_- ")
    word = match[0].lower()
    if word == "key" and not left.endswith(_KEY_OWNERS):
        return None, 0
    if word == "token" and left.endswith(_HARMLESS_TOKENS):
        return None, 0
    if word == "pass" and before[-1:].isalpha() and not left.endswith(_PASS_OWNERS) and match[0] != "Pass":
        return None, 0  # "bypass", "compass"
    return _value_after(subject.text, subject.text[start : match.end()], match.end(), kind, _LINK)


def _value_after(text: str, name: str, end: int, kind: Kind, links: re.Pattern[str]) -> tuple[Span | None, int]:
    """The secret that follows a name which ends here, if one does."""
    link = links.match(text, end)
    if link is None:
        return None, 0
    before = text[max(0, end - len(name) - 24) : end - len(name)]
    if _NOT_BEFORE.search(before) or (link["element"] and not _ELEMENT.search(before)):
        return None, 0
    is_assigned = bool(link["assign"] or link["element"] or link["attribute"])
    if name.lower() == "pass" and not is_assigned:  # the verb
        return None, 0
    if link["line"] and ")" in link["close"]:  # the end of a condition
        return None, 0
    found = _VALUE.match(text, link.end())
    if found is None:
        return None, 0
    group = found.lastindex or 0
    (start, stop), value = found.span(group), found[group]
    if group == _UNQUOTED:
        cut = (_CUT_OF_QUERY if before[-1:] in ("?", "&") else _CUT).search(value)
        value = (value[: cut.start()] if cut else value).rstrip(_TRAILING)
        stop = start + len(value)
    after = text[stop : stop + 40]
    is_flag = link["flag"] is not None and name.startswith("-")
    is_prose = not (is_flag or is_assigned) or link["line"] is not None
    candidate = Candidate(
        kind,
        value,
        is_quoted=group != _UNQUOTED,
        is_setting=not is_prose and (is_flag or bool(link["element"]) or _is_setting(name, link, after)),
        is_prose=is_prose,
        after=after,
    )
    if is_secret(candidate):
        return Span(start, stop, _LABELS[kind]), stop
    # However many names a long value consists of, it is read a few times only.
    return None, stop if len(value) > _LONG else 0


def _is_setting(name: str, link: re.Match[str], after: str) -> bool:
    """Whether this is a line of a settings file or a part of a connection string, rather than code or a sentence."""
    if (name.isupper() and not name.isalpha()) or name.startswith("-"):
        return True
    is_tight = link["assign"] == "=" and not link["blank"]
    ends_line = after.lstrip(" \t;\"'`*")[:1] in ("", "\n")
    return ((is_tight or link["assign"] == ":") and ends_line) or (is_tight and bool(_NEXT_SETTING.match(after)))


_UNQUOTED = 8
_LONG = 100
_NEXT_SETTING = re.compile(r"[;&]|[ \t]+[\w.-]+=")
_LABELS = {Kind.PASSWORD: "password", Kind.SECRET: "secret", Kind.KEY: "secret"}
