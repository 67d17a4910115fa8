"""Secrets that their surroundings give away: headers, addresses, command lines, private keys."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from .keywords import Keyword
from .spans import Span, Subject
from .values import Candidate, Kind, is_common_word, is_placeholder, is_secret


def _is_shown(value: str) -> bool:
    return not is_placeholder(value)


def _is_random(value: str) -> bool:
    return is_secret(Candidate(Kind.KEY, value))


def _is_password(value: str) -> bool:
    return is_secret(Candidate(Kind.PASSWORD, value))


_COOKIE_PART = re.compile(r"[^=;]{16,}")
_MOST_COOKIES = 40


def _is_mixed_password(value: str) -> bool:
    return is_secret(Candidate(Kind.PASSWORD, value, is_prose=True))


def _is_cookie(value: str) -> bool:
    return any(_is_random(part) for part in _COOKIE_PART.findall(value)[:_MOST_COOKIES])


def _is_login(value: str) -> bool:
    """Whether this is ``user:password`` in base64."""
    try:
        user, colon, password = base64.b64decode(value + "=" * (-len(value) % 4)).decode().partition(":")
    except ValueError:
        return False
    value = password or user
    return bool(colon) and (user + password).isprintable() and not (is_placeholder(value) or is_common_word(value))


class Format(NamedTuple):
    """Where to look, and what for.

    Arguments:
        needle: what is looked for in lower-case octets.
        pattern: what has to begin there; its group is the secret.
        accepts: a further check of the secret.
        lead: how many characters before the needle the pattern begins.
        effort: how much it takes to try the pattern.
    """

    needle: bytes
    label: str
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool]
    lead: int
    effort: int


# A pattern that reads on until an option comes takes longer.
_EFFORT, _EFFORT_OF_COMMAND = 3, 12


def _format(
    needle: str,
    label: str,
    pattern: str,
    accepts: Callable[[str], bool] = _is_shown,
    *,
    lead: int = 0,
    effort: int = _EFFORT,
) -> Format:
    return Format(needle.encode(), label, re.compile(pattern, re.IGNORECASE), accepts, lead, effort)


_QUOTE = r"[\"'`]?"


def _option(command: str, option: str) -> Format:
    """A password that is an option of a command, as ``mysql -p…``."""
    words = re.escape(command)
    return _format(
        command,
        "password",
        rf"{words}[^\n]{{0,150}}?(?<=\s){option}{_QUOTE}([^\s\"']{{3,200}})",
        _is_password,
        effort=_EFFORT_OF_COMMAND,
    )


_U, _B = r"[A-Za-z0-9_-]", r"[A-Za-z0-9+/]"
_KEY_BODY = rf"(?:\s|\\[nr]|{_B}|[=:,]|-(?!-))"
FORMATS = (
    _format(
        "bearer ",
        "token",
        r"bearer {1,4}([A-Za-z0-9._~+/-]{15,4000}[A-Za-z0-9_~+/-]={0,2})(?![A-Za-z0-9_~+/-]|\.[\w.]|…)",
        _is_random,
    ),
    _format("basic ", "password", rf"basic[ ]{{1,4}}({_B}{{8,2000}}={{0,2}})(?![A-Za-z0-9])", _is_login),
    _format("identified by", "password", r"identified by (?:password )?[\"']([^\"'\n]{4,200})[\"']", _is_password),
    _format(
        "authorization",
        "token",
        rf"authorization[\"'`\]]{{0,2}} ?[:=] ?{_QUOTE}"
        r"(?:(?:token|apikey|api-key|key|bot|negotiate|splunk|sso-key)[ =]{1,4}|digest [^\n]{0,500}?response=\")?"
        r"([A-Za-z0-9._~+/:-]{15,4000}[A-Za-z0-9_~+/-]={0,2})",
        _is_random,
    ),
    _format('"auth"', "password", rf"\"auth\" ?: ?\"({_B}{{8,400}}={{0,2}})\"", _is_login),
    _format("cookie:", "cookies", r"cookie: ?([^\n\"']{16,4000})", _is_cookie),
    _format(
        "private-lines:",
        "private key",
        rf"private-lines: \d{{1,3}}\s+({_B}{{40,80}}(?:\s+{_B}{{4,80}}={{0,2}}){{0,40}})",
    ),
    _format("_auth=", "password", rf"_auth=\"?({_B}{{8,400}}={{0,2}})", _is_login),
    _format("whsec_", "webhook secret", rf"(whsec_{_B}{{24,200}}={{0,2}})"),
    _format("sig=", "signature", r"sig=([A-Za-z0-9%+/_-]{32,2000}={0,2})", _is_random),
    _format("signature=", "signature", r"signature=([A-Za-z0-9%+/_-]{32,2000}={0,2})", _is_random),
    _format("sess", "session", r"sess(?:ion)?[_-]?(?:id|token)?[\"']?=[\"']?([A-Za-z0-9._%,-]{20,300})", _is_random),
    # A key without its end, as cut off by a form, is one all the same.
    _format(
        "-----begin ",
        "private key",
        rf"(-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]){{0,6}}"
        rf"(?={_B}{{16}}|[A-Za-z-]{{4,20}}: ){_KEY_BODY}{{16,20000}}"
        r"(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----)?)",
    ),
    _format(
        "curl ",
        "password",
        rf"curl (?:[^\n]|\\\n){{0,300}}?(?<= )(?:-u|--user)[ =]?{_QUOTE}[^\s:\"']{{1,100}}:([^\s\"']{{3,200}})",
        _is_password,
        effort=2 * _EFFORT_OF_COMMAND,
    ),
    _format("sshpass ", "password", rf"sshpass -p ?{_QUOTE}([^\s\"']{{3,200}})", _is_password),
    _format(
        "mysql",
        "password",
        r"mysql\w{0,40} [^\n]{0,100}?(?<= )-p([^\s\"'=-][^\s\"']{3,100})",
        _is_password,
        effort=_EFFORT_OF_COMMAND,
    ),
    *(
        _option(command, options)
        for command, options in {
            "docker login": "-p[ =]",
            "podman login": "-p[ =]",
            "registry login": "-p[ =]",
            "acr login": "-p[ =]",
            "mongosh ": "-p ?",
            "sqlcmd ": "(?-i:-P) ?",
            "zip ": "(?-i:-P) ",
            "redis-cli ": "-a ",
            "http ": r"(?:-a|--auth)[ =][^\s:]{1,100}:",
            "ldap": "-w ",
            "lftp ": r"-u [^\s,]{1,100},",
            "smbclient ": r"-U ?[^\s%]{1,100}%",
            "net use ": r"/user:\S{1,100} ",
            "rdp ": "/p:",
            "composer ": r"http-basic\.\S{1,100} \S{1,100} ",
            "rabbitmqctl ": r"(?:add_user|change_password) \S{1,100} ",
        }.items()
    ),
    _format(
        "echo ", "password", rf"echo (?:-n )?{_QUOTE}([^\s\"'$|]{{4,200}}){_QUOTE} ?\|[^\n]{{0,80}}--password-stdin"
    ),
    _format("sqlplus ", "password", r"sqlplus [^\s/]{1,60}/([^\s@\"']{3,100})@", _is_password),
    _format("oracle:thin:", "password", r"oracle:thin:[^\s/:@]{1,60}/([^\s@\"']{3,100})@", _is_password),
    # ada / …
    *(
        _format(
            word,
            "password",
            rf"{word}[ \t]?[:=][ \t]?[\w.@+-]{{1,60}} ?[:/] ?([^\s\"'`,]{{4,100}})",
            _is_mixed_password,
        )
        for word in ("credentials", "zugangsdaten")
    ),
    *(
        _format(
            f"{call}(",
            "password",
            rf"{call}\([\"'][^\"'\n]{{1,100}}[\"'], ?[\"']([^\"'\n]{{3,200}})[\"']",
            _is_password,
        )
        for call in ("auth=", "basicauth")
    ),
    # .pgpass
    *(
        _format(mark, "password", r":(?:5432|\*):[^:\s]{1,64}:[^:\s]{1,64}:([^\s:]{3,200})(?=\s|$)", _is_password)
        for mark in (":5432:", ":*:")
    ),
    # User and password as arguments.
    *(
        _format(
            f"{call}(",
            "password",
            rf"{call}\(\s{{0,20}}(?:(?:\"[^\"\n]{{0,300}}\"|'[^'\n]{{0,300}}'|[\w$.]{{1,60}}),\s{{1,20}}){{2}}[\"']([^\"'\n]{{3,200}})[\"']",
            _is_password,
        )
        for call in ("mysqli", "mysqli_connect", "pdo", "getconnection")
    ),
    _format("q~", "Azure secret", r"([A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~.-])", lead=4),
    _format("sha256~", "OpenShift token", rf"(sha256~{_U}{{43}})"),
    _format("1//0", "Google token", rf"(1//0{_U}{{30,500}})"),
    _format(
        "chat.googleapis.com/",
        "webhook",
        r"chat\.googleapis\.com/v1/spaces/([\w/-]{1,100}messages\?[\w=&%.~-]{40,400})",
    ),
    _format(
        "maker.ifttt.com/",
        "webhook",
        rf"maker\.ifttt\.com/trigger/[^\s/]{{1,60}}/(?:json/)?with/key/({_U}{{20,60}})",
    ),
    # Addresses to which anybody can post.
    _format(
        "hooks.slack.com/",
        "webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/+_-]{20,200})",
    ),
    _format("/api/webhooks/", "webhook", rf"/api/webhooks/(\d{{15,21}}/{_U}{{40,100}})"),
    _format(".office.com/webhook", "webhook", r"\.office\.com/webhook(?:b2)?/([A-Za-z0-9@/-]{60,300})"),
    _format("hooks.zapier.com/", "webhook", r"hooks\.zapier\.com/hooks/catch/(\d{4,12}/[a-z0-9]{5,20})"),
    _format(".make.com/", "webhook", r"\.make\.com/([a-z0-9]{28,40})(?![a-z0-9])"),
)

_TOKEN = 32  # characters of a user's name that is a token
_LONGEST_LOGIN = 304  # characters from "://" to "@", as below
# Up to the first "@" that is followed by a host alone.
_ADDRESS = re.compile(
    r"://([^\s/:\"'<>]{0,100}):([^\s/\"'`]{1,200}?)@(?!host(?:name)?\b)(?=[\w.\[\]${}%<>-]{1,255}(?:[:/?#\s\"'`),;\\\x00]|$))"
)


def keywords() -> Iterator[Keyword]:
    """The words by which headers, addresses, command lines and private keys are found."""
    for row in FORMATS:
        yield Keyword(row.needle, partial(_read_format, row))


def _read_format(row: Format, subject: Subject, at: int) -> tuple[Span | None, int]:
    subject.effort += row.effort
    match = row.pattern.match(subject.text, max(0, at - row.lead))
    if match is None:
        return None, at + len(row.needle)
    subject.effort += 2 * _EFFORT
    return Span(match.start(1), match.end(1), row.label) if row.accepts(match[1]) else None, match.end(1)


def find_passwords_of_addresses(subject: Subject) -> Iterator[Span]:
    """``postgresql://user:password@host``."""
    done, tried, at = 0, -1, subject.find(b"@")
    while at >= 0:
        start = subject.data.rfind(b"://", max(done, at - _LONGEST_LOGIN), at)
        match = None
        if start not in (-1, tried):  # an address may contain many of them, and is read once
            subject.effort += _EFFORT
            match, tried = _ADDRESS.match(subject.text, start), start
        if match:
            done = match.end()
            if match[1] != match[2] and not is_placeholder(match[1]) and _is_password(match[2]):
                yield Span(match.start(2), match.end(2), "password")
            if len(match[1]) >= _TOKEN and _is_random(match[1]):  # as in https://…:x-oauth-basic@
                yield Span(match.start(1), match.end(1), "token")
        at = subject.find(b"@", max(done, at + 1))
