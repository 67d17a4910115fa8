"""Reads what a request says apart from its fields: the kind of response, the language, the visitor's address."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from flask import request
from htmx_flask.requests import HtmxHeaders
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from ..errors import Invalid
from ..quotas import parse_address

MAX_FORWARDED = 1_000
"""Characters that are read of a proxy's header: a visitor can send any number."""

MAX_WANTED = 20
"""How many languages of a browser's list are looked at."""

_LANGUAGE = re.compile(r"[A-Za-z0-9-]{1,35}")  # RFC 5646, 2.1 and 4.4.1


def wants_json() -> bool:
    """Whether the response is for a program."""
    accepted = _accepted(request.headers.get("Accept"))
    return accepted.prefers_json or (request.is_json and not accepted.has_html and not is_own_script())


class _Accepted(NamedTuple):
    prefers_json: bool
    has_html: bool


@lru_cache(maxsize=250)  # browsers send the same few, and reading one takes long
def _accepted(header: str | None) -> _Accepted:
    found = parse_accept_header(header, MIMEAccept)
    best = found.best_match(["text/html", "application/json"])
    return _Accepted(best == "application/json", "text/html" in found.values())


def browser_languages() -> tuple[str, ...]:
    """The languages that the browser names, the best one first, and at most :data:`MAX_WANTED`."""
    return _languages(request.headers.get("Accept-Language"))


@lru_cache(maxsize=250)
def _languages(header: str | None) -> tuple[str, ...]:
    return tuple(islice(parse_accept_header(header, LanguageAccept).values(), MAX_WANTED))


def is_own_script() -> bool:
    """Whether handoff.js asks, or a program in its place."""
    return request.headers.get("X-Kapa-Handoff") == "fragment"


def wants_fragment() -> bool:
    """Whether the response goes into a page that is already open. A boosted link asks for a whole page."""
    headers = HtmxHeaders(request.headers)
    return is_own_script() or (bool(headers) and not headers.boosted)


def require_readable_query() -> None:
    """Refuse an address whose query is not text, since werkzeug raises wherever it is first read.

    Raises:
        Invalid: it has unquoted octets that are not UTF-8.
    """
    try:
        _ = request.args
    except UnicodeDecodeError:
        raise Invalid("The address of this page is damaged: its query is not UTF-8.") from None


def browser_language() -> str | None:
    """The language that the browser prefers, BCP 47; None: it is not known."""
    best = next(iter(browser_languages()), "")
    return best if _LANGUAGE.fullmatch(best) else None


def page_language() -> str | None:
    """The language of the page that asks, BCP 47, as handoff.js reports it; None: it is not known."""
    said = request.args.get("language", "")
    return said if _LANGUAGE.fullmatch(said) else None


def proxy_unheeded() -> bool:
    """Whether a proxy names the client's address, but the site took the proxy's address for it.

    ProxyFix and the like put one of the header's addresses into ``REMOTE_ADDR``. A client can forge the header, so
    this is a hint, not proof.
    """
    named = (request.headers.get("X-Forwarded-For") or request.headers.get("Forwarded") or "")[:MAX_FORWARDED]
    if not named:
        return False
    known = {parse_address(one) for one in re.findall(r'\[[^\[\]]{0,60}\](?::\d+)?|[^\s,;="\[\]]+', named)}
    address = parse_address(request.remote_addr)
    return address is None or address not in known


def quoted(text: object) -> str:
    """The beginning of a sent value, in quotes, for a message about it."""
    return repr(str(text)[:60])
