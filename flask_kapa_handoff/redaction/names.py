"""The words after which a secret may stand, and the whole names that they are part of."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import NamedTuple

from .links import loose, unlinked
from .spans import Subject
from .values import Kind


class Word(NamedTuple):
    """A word that is looked for in every text.

    Arguments:
        needle: in lower-case octets; a letter beyond Latin-1 is a question mark.
        kind: what its value is like.
        pattern: the whole word, from where the needle begins.
        unlinked: what follows the needle if no value belongs to the word, in octets; empty: that is not known.
    """

    needle: bytes
    kind: Kind
    pattern: re.Pattern[str]
    unlinked: bytes


class Name(NamedTuple):
    """The name of a value (``DB_PASSWORD``), and where it begins and ends."""

    text: str
    start: int
    end: int


# Of the most frequent words. One that may go on in another way is read to its end.
_PASS, _SECRET = loose("word|wd|phrase|code|wort|ord"), loose("[_ -]?(?:access|auth|api|app|key|token|base)")
_UNLINKED = {
    b"pass": rf"(?:{_PASS}|(?!{_PASS}|e)){unlinked(5)}",
    b"secret": rf"(?!{_SECRET}){unlinked(15)}",
    b"token": unlinked(15),
    b"key": unlinked(15),
}

WORDS = tuple(
    Word(needle, kind, re.compile(pattern, re.IGNORECASE), _UNLINKED.get(needle, "").encode())
    for needle, kind, pattern in (
        (
            b"pass",
            Kind.PASSWORD,
            r"pass(?:word|wd|phrase|code|wort|ord|(?<=mot de pass)e|(?<=motdepass)e|(?<=avra.pass)e)?",
        ),
        (b"pw", Kind.PASSWORD, r"(?<![a-z])pwd?|(?<=[a-z_])pwd"),
        (b"kennwort", Kind.PASSWORD, r"kennwort"),
        (b"mdp", Kind.PASSWORD, r"mdp"),
        (b"psk", Kind.PASSWORD, r"(?<![a-z])psk"),
        (b"contrase", Kind.PASSWORD, r"contrase(?:ñ|n|ny)a"),
        (b"senha", Kind.PASSWORD, r"senha"),
        (b"wachtwoord", Kind.PASSWORD, r"wachtwoord"),
        (b"parol", Kind.PASSWORD, r"parol[aăe]"),
        (b"kode", Kind.PASSWORD, r"kode(?:ord|(?<=adgangskode)n?)"),
        (b"senord", Kind.PASSWORD, r"senord(?:et)?"),
        (b"salasana", Kind.PASSWORD, r"salasana(?:ni)?"),
        (b"slo", Kind.PASSWORD, r"(?<=he|ha)slo"),
        (b"has?o", Kind.PASSWORD, r"hasło"),
        (b"jelsz", Kind.PASSWORD, r"jelsz[oó][a-z]?"),
        (b"kata sandi", Kind.PASSWORD, r"kata sandi"),
        (b"clave", Kind.SECRET, r"(?<!palabra )(?<!palabras )(?<![a-z])clave"),
        (b"secret", Kind.SECRET, r"secret(?:[_ -]?(?:access|auth|api|app))?(?:[_ -]?(?:key|token))?(?:[_-]?base)?"),
        (b"token", Kind.KEY, r"token"),
        (b"key", Kind.KEY, r"key"),
    )
)
"""In the languages that are written in ASCII letters, or nearly so."""

_SCRIPT_WORDS = (
    "парол şifre mật\xa0khẩu κωδικ סיסמ كلمة\xa0المرور كلمة\xa0السر رمز\xa0عبور پسورد पासवर्ड รหัสผ่าน "
    "パスワード 密码 密碼 口令 비밀번호 비번 암호"
)


def _by_first_letter() -> dict[str, tuple[str, ...]]:
    words: dict[str, set[str]] = defaultdict(set)
    for word in _SCRIPT_WORDS.split(" "):
        for form in (word, word.capitalize(), word.upper()):
            words[form[0]].add(form.replace("\xa0", " "))
    return {letter: tuple(sorted(forms)) for letter, forms in words.items()}


SCRIPT_WORDS = _by_first_letter()
"""Password in other letters; by a letter that texts in another script lack, which is found fastest."""

# Whose key is a secret: "key" alone is one of a keyboard or a table.
_KEY_OWNERS = tuple(
    b"api access account secret private signing encryption auth master shared subscription license licence app"
    b" application service webhook client storage admin write ingest deploy session hmac aes jwt consumer host"
    b" integration".split()
)
# Those of a language model, a parser, or a list of many pages.
_HARMLESS_TOKENS = tuple(
    b"next page continuation pad bos eos unk mask sep cls start end stop max min num special cancellation sync total"
    b" input output prompt completion cached first last current previous".split()
)
_TOKEN = "token"  # noqa: S105
_PASS_OWNERS = tuple(b"require db user my smtp mail root sql ssh ftp ldap admin".split())
_IDENTIFIER = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$"


def end_of_word(subject: Subject, at: int, word: Word) -> int | None:
    """Where this word, found at ``at``, ends; None if it is another word (``monkey``, ``compass``)."""
    match = word.pattern.match(subject.text, at)
    if match is None:
        return None
    end = match.end()
    if end - at > len(_TOKEN):  # only short words may be others
        return end
    left = subject.lower[max(0, at - 14) : at].rstrip(b"_- ")
    found = match[0].lower()
    if found == "key" and not left.endswith(_KEY_OWNERS):
        return None
    if found == _TOKEN and left.endswith(_HARMLESS_TOKENS):
        return None
    if (
        found == "pass"
        and subject.data[max(0, at - 1) : at].isalpha()
        and not left.endswith(_PASS_OWNERS)
        and match[0] != "Pass"
    ):
        return None
    return end


def name_of(subject: Subject, at: int, end: int) -> Name:
    """The whole name that the word from ``at`` to ``end`` is part of."""
    before = subject.data[max(0, at - 40) : at]
    start = at - len(before) + len(before.rstrip(_IDENTIFIER))
    return Name(subject.text[start:end], start, end)
