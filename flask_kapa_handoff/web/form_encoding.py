"""Whether the body of a form is encoded as browsers do it; reading another one can take ten times as long."""

from __future__ import annotations

from binascii import a2b_qp

SHORT = 100_000
"""Octets up to which a body is read as it is, which takes little time whatever it contains."""

MOST_BROKEN = 20_000
"""The most percent signs without a number, and octets that are no UTF-8, in a longer body."""


def is_broken(body: bytes) -> bool:
    """Whether an ``application/x-www-form-urlencoded`` body is long, and full of what no browser writes."""
    if len(body) <= SHORT:
        return False
    # Quoted-printable is the same with another sign, and decoded much faster than a form.
    decoded = a2b_qp(body.replace(b"=", b"&").replace(b"%", b"="))
    unfinished = decoded.count(b"=") - body.count(b"%3D") - body.count(b"%3d")
    return unfinished + decoded.decode(errors="replace").count("\ufffd") > MOST_BROKEN
