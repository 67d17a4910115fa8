"""Bodies within the limits, each made to slow something down: a parser, a pattern, a renderer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

ANSWER_LENGTH = 62_000  # just short enough to be rendered as Markdown

_SYNTAX = r"""
x ( [ ![ [a][b [a](b) ](http://b) * *a* **a **a** _a_ ` `a` > < <a <!-- & &# &amp; " ' ~a~ | |- # \ @ a@a. a@b.c
<a@a.a> www.a.b http://a:b@ :// a://b: a.b- a_ a. password= ?token= sk- eyJ .eyJ eyJaaaaaaaa. -----BEGIN 4 1-
"""

# Repeated until the body is full.
UNITS = {
    "marks of two kinds": "\u0315\u0316",
    "a letter with 30 marks": "a" + "\u0316\u0315" * 15,
    "a letter with 31 marks": "a" + "\u0316\u0315" * 15 + "\u0316",
    "letters with a mark": "a\u0315",
    "characters that become four": "\ufb2c",
    "invisible characters": "a\u202e",
    "joiners": "ü\u200d",
    "NUL": "\0",
    "carriage returns": "\r",
    "newlines": "\n",
    "blanks": " ",
    "plain words": "word and word ",
    "emoji": "🦊",
    "mailboxes": "a@b.c ",
    "links": "http://a.b ",
    "links with other words": "[a](http://b)",
    "links to other scripts": "http://ü.a ",
    "card numbers": "4111111111111111 ",
    "digits and blanks": "1 ",
    "private keys without end": "-----BEGIN PRIVATE KEY-----\n",
    "bearers": "bearer ",
    "quotes in each other": "> - 1. ",
    "lists": "- a\n  - b\n",
    "tables": "a|b\n-|-\n",
    "paragraphs": "a\n\n",
    **{unit: unit for unit in _SYNTAX.split()},
    # What the rules of the redaction take longest for, each for another reason.
    "names in a row": "secret>Abc-12345",
    "owners of passwords": "mdp for a b c d e f g h ",
    "owners and blanks": "mdp for" + " " * 54,
    "owners and marks": "clave for " + "_" * 50 + "${X} ",
    "long values of words": "token " + "a_" * 99 + " ",
    "long values of my words": "pass>" + "my_a_" * 20,
    "values with versions": "api key | " + "v1_" * 16 + " ",
    "secrets": "secret=aBaBaBaBaBaBaBaB  ",
    "secrets in another script": "пароль (a) Abc-12345 ",
    "logins with many signs": "://a:" + "b@" * 100,
    "commands": "curl a -u ",
    "a command's name again and again": "mysql",
    "letters that decompose and marks": "a\u0315\U0001d15e\u017f",
    "values on the next line": "x_key = $\n",
    "keys of nobody": "key ",
}
# For the end of a text: makes the redaction try every rule, and may turn the run before it into a match.
TAILS = (
    "",
    " a@a.a password=abcdef secret bearer gh_ npm_ akia aiza xox sk- k_live_ glpat- .eyj private key-----"
    " auth hook ~ // sig= sess curl -p",
)


Pairs = list[dict[str, Any]]


def filled(unit: str, tail: str, octets: int) -> str:
    """The unit repeated until its JSON has this many octets."""
    each = len(json.dumps(unit, ensure_ascii=False).encode()) - 2
    return unit * ((octets - 500) // each) + tail


def texts(unit: str, tail: str, size: int) -> Iterator[Pairs]:
    """Conversations of one text: as an answer, as a question, and split up to get around the limits for one text."""
    whole = filled(unit, tail, size - len(tail))
    yield [{"question": "Q", "answer": whole}]
    yield [{"question": whole, "answer": "A"}]
    for length in (ANSWER_LENGTH, ANSWER_LENGTH // 10):
        count = min(200, max(1, len(whole) // length))
        share = filled(unit, tail, size // count - len(tail) - 50)[-length:]
        yield [{"question": "Q", "answer": share}] * count


def conversations(size: int) -> Iterator[tuple[str, Pairs]]:
    """Conversations whose structure is hostile."""
    pair = {"question": "Q", "answer": "A"}
    source = {"url": "u"}
    yield "70,000 sources", [{**pair, "sources": [source] * (size // 15)}]
    yield (
        "as many sources as are taken",
        [{**pair, "sources": [{"url": f"https://ü{n}.a/", "title": "t"} for n in range(100)]}] * 50,
    )
    yield "sources with secrets", [{**pair, "sources": [{"url": "https://a:bcdef@b.c/?token=abcdefgh"}] * 100}] * 50
    yield "long sources", [{**pair, "sources": [{"url": "https://a.b/" + "%C3%BC" * 1500}] * 100}]
    for name, host in (("Cyrillic", "я" * 60), ("ligatures", "\ufdfa" * 140), ("voiced marks", "\uff9e\u0334" * 70)):
        urls = [f"http://{host}{n}/" for n in range(min(5000, size // (len(host.encode()) + 30)))]
        shares = [urls[n : n + 100] for n in range(0, len(urls), 100)]
        yield f"hosts of {name}", [{**pair, "sources": [{"url": url} for url in share]} for share in shares]
    yield "one long host", [{**pair, "sources": [{"url": "http://a" + "\uff9e\u0334" * (size // 6)}]}]
    yield "200 pairs", [pair] * 200
    yield "other keys", [{**pair, **{f"k{n}": n for n in range(size // 14)}}]
    yield "large numbers", [{**pair, "id": int("9" * 4000)}] + [{**pair, "score": int("9" * 4000)}] * (size // 4100)
    yield "deep values", [{**pair, "metadata": [[[[[[[[[[]]]]]]]]]] * (size // 24)}]


def bodies(size: int) -> Iterator[tuple[str, bytes, str]]:
    """Whole bodies, with their content type."""
    form = "application/x-www-form-urlencoded"
    names = b",".join(b'"k%d":1' % number for number in range(size // 10))
    yield "100,000 unknown JSON keys", b"{" + names[: names.rindex(b",", 0, size - 10)] + b"}", "application/json"
    yield "a key of a megabyte", b'{"' + b"k" * (size - 10) + b'":1}', "application/json"
    yield "brackets", b"[" * size, "application/json"
    yield "objects", b'{"":' * (size // 4), "application/json"
    yield "digits", b"[" + b"1" * (size - 2) + b"]", "application/json"
    yield "decimals", b"[0." + b"1" * (size - 4) + b"]", "application/json"
    yield "escapes", b'{"note":"' + rb"\ud83d" * (size // 6 - 3) + b'"}', "application/json"
    yield "form fields", b"a=&" * (size // 3), form
    yield "percents", b"note=" + b"%" * (size - 5), form
    yield "percent-encoded", b"note=" + b"%cc%95" * (size // 6 - 1), form
    yield "percent-encoded, no UTF-8", b"note=" + b"%ff" * (size // 3 - 2), form
    yield "percent-encoded, half a letter", b"note=" + b"%e4%b8a" * (size // 7 - 1), form
