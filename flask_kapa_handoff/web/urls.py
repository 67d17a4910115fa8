"""Makes the addresses of the package's routes and files, and tells which pages are the site's own."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app, has_request_context, request

from ..state import current_state
from ..urls import host_of

STATIC = Path(__file__).parent.parent / "static"


def visitor_url(path: str) -> str:
    """The address of one of the visitor's routes; ``url_for()`` would take longer than the rest of a tag.

    Responses to a page in KAPA_HANDOFF_ORIGINS include this host. Nothing else does: the site may cache its pages, and
    the host comes from the request.
    """
    state = current_state()
    foreign = state.config.origins and has_request_context() and request.blueprint == "kapa_handoff"
    if foreign and request.headers.get("Origin", "").lower() in state.config.origins:
        with suppress(ValueError):  # a Host header such as xn--a cannot be decoded
            return f"{request.host_url.rstrip('/')}{state.mount}/{path}"
    return f"{state.mount}/{path}"


def static_url(filename: str) -> str:
    """The address of one of the package's files, with a mark for caches."""
    return visitor_url(f"static/{filename}?v={content_mark()}")


@cache
def content_mark() -> str:
    """A hash of all the package's files. It is the same for each of them: handoff.js asks for form.js with its own."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def is_own_page(address: str | None) -> bool:
    """Whether an address belongs to the site that serves the current request, under any of its names."""
    scheme, host = (address or "").partition("://")[0], host_of(address)
    names = (request.host, str(current_app.config["SERVER_NAME"] or ""), *current_state().config.trusted_hosts)
    # The default port may be written or left out; and behind a proxy that handles TLS, the app often sees its own
    # scheme as http.
    return host is not None and any(host_of(f"{scheme}://{name}") == host for name in names)


def way_back(page: str | None = None) -> str | None:
    """The page of the site that a page of ours leads back to; None: there is none.

    Arguments:
        page: where help was asked for. If it is unknown or another site's: the page that the visitor comes from, else
            the site's first one.
    """
    ours = f"{current_state().mount}/"
    for address in (page, request.referrer):
        if address is not None and is_own_page(address) and not urlsplit(address).path.startswith(ours):
            return address
    pages = current_app.create_url_adapter(request)
    return f"{request.script_root}/" if pages is not None and pages.test("/", "GET") else None
