"""Reads addresses from requests without trusting them: ``urlsplit("http://[")`` raises, and browsers send worse."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

MAX_PAGE = 1000
"""The longest page address that is kept, in characters: an offer contains it encoded, in an address of its own."""

_USUAL_PORTS = {"http": ":80", "https": ":443"}


def parse_url(address: str | None) -> SplitResult | None:
    """Split a web address into its scheme and host.

    Returns:
        Its parts, without path, query and fragment; None: it is not an absolute ``http`` or ``https`` address on one
        line with a host and, at most, a port, or it contains a user name (``https://docs.example.com@evil.example``),
        which only misleads.
    """
    # Check the host's length first: urlsplit() normalises it to NFKC, which takes quadratic time for some texts.
    beginning = re.match(r"https?://[^/?#\s\\]{1,300}(?=[/?#]|\Z)", address or "", re.IGNORECASE)
    if beginning is None or re.search(r"[\s\\]", address or ""):
        return None
    try:
        parts = urlsplit(beginning[0])  # no more than that, since it caches its arguments
        _ = parts.port  # raises if it is not a number
    except ValueError:
        return None
    return parts if parts.hostname and "@" not in parts.netloc else None


def shortened(address: str) -> str:
    """The address of a page in at most :data:`MAX_PAGE` characters.

    A longer one keeps as many whole parameters of its query as fit; a path that is too long ends before a percent
    escape that does not fit. ``PAGE`` in ``frontend/handoff/buttons.ts`` does the same.
    """
    if len(address) <= MAX_PAGE:
        return address
    found = re.match(r"[^#]{0,1000}(?![^?&#])|.{0,998}[^%]{2}", address, re.DOTALL)
    return found[0] if found else ""


def origin_of(address: str | None) -> str | None:
    """The origin of an address as a browser writes it (RFC 6454, 6.2): scheme, host, and any port but the default one.

    Returns:
        For example ``https://docs.example.com``; None: the address has none.
    """
    parts = parse_url(address)
    if parts is None:
        return None
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.netloc.lower().removesuffix(_USUAL_PORTS[scheme])}"


def host_of(address: str | None) -> str | None:
    """The host and port of an address in lower case, as in a ``Host`` header; None: there is none."""
    origin = origin_of(address)
    return None if origin is None else origin.partition("://")[2]
