"""Decides which pages may send a ticket: the site's own, and those of KAPA_HANDOFF_ORIGINS."""

from __future__ import annotations

import logging
import re
from typing import Protocol

from flask import Response, request

from ..config import Config
from ..errors import ForeignOrigin
from ..state import State
from ..translation import gettext as _
from ..urls import host_of, origin_of
from .urls import is_own_page

MOST_LOGGED = 100
"""The most pairs of origin and host that one process logs, since a client can invent any number."""

_HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d+)?")
_ORIGIN = re.compile(rf"https?://{_HOST.pattern}")

_logger = logging.getLogger(__name__)


class Signed(Protocol):
    """What this package has signed for a page of this origin: an offer, or a receipt."""

    @property
    def origin(self) -> str | None: ...


def require_known_origin(state: State, *, offered: Signed | None = None, own_pages_only: bool = False) -> bool:
    """Refuse a browser's request unless it comes from a page that may send.

    A page's script cannot set ``Sec-Fetch-Site`` (Fetch Metadata, W3C). Over plain HTTP browsers omit it; then
    ``Origin`` (RFC 6454, 7) is compared. A request with neither does not come from a page in a browser.

    Arguments:
        offered: the valid offer or receipt in the request. If a proxy rewrites ``Host``, or the page's
            ``Referrer-Policy`` hides its origin, it shows that the page may send. Anyone can get an offer for a
            page of theirs, so such a request is treated as an anonymous visitor's.
        own_pages_only: ignore KAPA_HANDOFF_ORIGINS, as for the admin's routes.

    Returns:
        Whether it certainly comes from such a page: only then may the request act for a signed-in visitor.

    Raises:
        ForeignOrigin: it comes from another site.
    """
    said = request.headers.get("Origin", "").lower()
    if said and said in state.config.origins and not own_pages_only:
        return True
    relation = request.headers.get("Sec-Fetch-Site")
    if relation is not None:
        if relation in ("same-origin", "none"):
            return True
    elif not said or is_own_page(said):
        return True
    elif offered is not None and (said == "null" or (offered.origin and origin_of(said) == offered.origin)):
        return False
    _report(state, said, relation, reason="foreign_save" if own_pages_only else "foreign_origin")
    if own_pages_only:
        raise ForeignOrigin(
            _(
                "Nothing was saved: this request seems to come from another site (%(origin)s), not from %(host)s. If "
                "both are this site, a proxy rewrites the Host header; the check-up shows the line to add.",
                origin=origin_of(said) or relation,
                host=request.host[:200],
            )
        )
    raise ForeignOrigin


def _report(state: State, said: str, relation: str | None, *, reason: str) -> None:
    """Count a refusal, and log each pair once: if a proxy rewrites ``Host``, it may be one of the site's own pages."""
    # As origins and hosts only: an admin reads them, and a stranger can write anything into a header.
    host = host_of(f"http://{request.host}") or ""
    pair = (said if _ORIGIN.fullmatch(said) else "a hidden page", host if _HOST.fullmatch(host) else "an odd host")
    state.refusals.count(reason, f"{pair[0]} to {pair[1]}")
    # Visitors can invent any number of origins; on the admin's pages, only admins are refused.
    most = MOST_LOGGED if reason == "foreign_origin" else 2 * MOST_LOGGED
    if pair in state.refused_origins or len(state.refused_origins) >= most:
        return
    state.refused_origins.add(pair)
    _logger.warning(
        "A handoff request from %r to %r was refused as another site's%s. If both are this site, a proxy rewrites the "
        "Host header: in nginx add `proxy_set_header Host $http_host;`, or set KAPA_HANDOFF_TRUSTED_HOSTS = %r.",
        *pair,
        f" (Sec-Fetch-Site: {relation})" if relation in ("cross-site", "same-site") else "",
        host_of(pair[0]) or "docs.example.com",
    )


def allow_origin(response: Response, config: Config) -> None:
    """Add the CORS headers (Fetch standard) for a page in KAPA_HANDOFF_ORIGINS; never with credentials."""
    if not config.origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin.lower() not in config.origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "Retry-After, X-Kapa-Handoff"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, X-Kapa-Handoff"
        response.headers["Access-Control-Max-Age"] = "600"
