"""Addresses of the package's routes and files, and which pages are the site's own."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path

from flask import current_app, has_request_context, request

from ..state import current_state
from ..urls import host_of

STATIC = Path(__file__).parent.parent / "static"


def visitor_url(path: str) -> str:
    """The address of one of the visitor's routes; ``url_for()`` would take longer than the rest of a tag.

    In an answer of ours to a page of KAPA_HANDOFF_ORIGINS it names this host, too. Never elsewhere: the site may keep
    its pages, and the host is what the request says.
    """
    foreign = has_request_context() and request.blueprint == "kapa_handoff"
    if foreign and request.headers.get("Origin", "").lower() in current_state().config.origins:
        with suppress(ValueError):  # a Host header such as xn--a cannot be decoded
            return f"{request.host_url.rstrip('/')}{current_state().mount}/{path}"
    return f"{current_state().mount}/{path}"


def static_url(filename: str) -> str:
    """The address of one of the package's files, with a mark of its content for caches."""
    return visitor_url(f"static/{filename}?v={content_marks()[filename]}")


@cache
def content_marks() -> dict[str, str]:
    """The marks of the package's files, by their names."""
    return {
        path.relative_to(STATIC).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in STATIC.rglob("*")
        if path.is_file()
    }


def is_own_page(address: str | None) -> bool:
    """Whether an address is of the site that the present request is for, under any name by which it is known."""
    scheme, host = (address or "").partition("://")[0], host_of(address)
    names = (request.host, str(current_app.config["SERVER_NAME"] or ""), *current_state().config.trusted_hosts)
    # The usual port may be written or left out; and behind a proxy that speaks TLS the app often takes its own scheme
    # for http.
    return host is not None and any(host_of(f"{scheme}://{name}") == host for name in names)
