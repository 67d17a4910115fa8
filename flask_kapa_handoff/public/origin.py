"""Which pages may send a ticket: the site's own, and those of KAPA_HANDOFF_ORIGINS."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, request

from ..config import Config
from ..errors import ForeignOrigin


def require_known_origin(config: Config, *, own_pages_only: bool = False) -> None:
    """Let a browser's request pass only if it comes from a page that may send.

    ``Sec-Fetch-Site`` (Fetch Metadata, W3C) cannot be set by a page's script. Browsers leave it out over plain HTTP;
    ``Origin`` (RFC 6454, 7) is compared then. A request with neither does not come from a browser's page.

    Arguments:
        own_pages_only: KAPA_HANDOFF_ORIGINS does not count, as for what only an admin may do.

    Raises:
        ForeignOrigin: it comes from another site.
    """
    origin = request.headers.get("Origin", "").lower()
    if origin and origin in config.origins and not own_pages_only:
        return
    relation = request.headers.get("Sec-Fetch-Site")
    if relation is not None:
        if relation in ("same-origin", "none"):
            return
    elif not origin or urlsplit(origin).netloc == request.host.lower():
        # The host alone: behind a proxy that speaks TLS the app often takes its own scheme for http.
        return
    named = f" ({origin})" if origin and origin != "null" else ""
    raise ForeignOrigin(f"This form can only be sent from this site's own pages, not from another one{named}.")


def allow_origin(response: Response, config: Config) -> None:
    """Add the CORS headers (Fetch standard) for a page of KAPA_HANDOFF_ORIGINS; never with credentials."""
    if not config.origins:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin", "")
    if origin.lower() not in config.origins:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Accept, Content-Type, X-Kapa-Handoff"
        response.headers["Access-Control-Max-Age"] = "600"
