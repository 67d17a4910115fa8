"""Addresses that a request names, read without trust: ``urlsplit("http://[")`` raises, and browsers send worse."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_USUAL_PORTS = {"http": ":80", "https": ":443"}


def parse_url(address: str | None) -> SplitResult | None:
    """The scheme and the host of an address of the web.

    Returns:
        Its parts, without path, query and fragment; None: it is not an absolute ``http`` or ``https`` address on one
        line with a host and, at most, a port, or it names a user (``https://docs.example.com@evil.example``), which
        only misleads.
    """
    # The host's length first: urlsplit() puts it into NFKC, which takes the square of some texts' length.
    beginning = re.match(r"https?://[^/?#\s\\]{1,300}(?=[/?#]|\Z)", address or "", re.IGNORECASE)
    if beginning is None or re.search(r"[\s\\]", address or ""):
        return None
    try:
        parts = urlsplit(beginning[0])  # no more than that: it keeps what it was given
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts if parts.hostname and "@" not in parts.netloc else None


def origin_of(address: str | None) -> str | None:
    """The origin of an address as a browser writes it (RFC 6454, 6.2): scheme, host, and a port that is not the usual.

    Returns:
        Such as ``https://docs.example.com``; None: the address has none.
    """
    parts = parse_url(address)
    if parts is None:
        return None
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.netloc.lower().removesuffix(_USUAL_PORTS[scheme])}"


def host_of(address: str | None) -> str | None:
    """The host and port of an address, in lower case, as a ``Host`` header has them; None: there is none."""
    origin = origin_of(address)
    return None if origin is None else origin.partition("://")[2]
