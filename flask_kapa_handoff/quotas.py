"""Quotas: how many tickets and octets are allowed in an hour, and for whom they are counted."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from .config import Config
from .translation import noop as N_

WINDOW = timedelta(hours=1)

SHARE_OF_LARGEST = 4
"""A quota's octets: as if one ticket in this many had the size KAPA_HANDOFF_MAX_REQUEST_BYTES."""


class Usage(NamedTuple):
    """How much of a quota the last hour has used."""

    tickets: int
    octets: int


@dataclass(frozen=True)
class Quota:
    """One row of the table.

    Arguments:
        name: its name in the log and the check-up.
        column: the ticket's column to count by; None: all tickets count.
        setting: the field of :class:`Config` that says how many tickets.
        times: the factor by which to multiply that number.
        refusal: for the visitor, which limit was reached.
    """

    name: str
    column: str | None
    setting: str
    times: int
    refusal: str

    def tickets(self, config: Config) -> int:
        """How many tickets an hour may have."""
        return self.times * int(getattr(config, self.setting))

    def octets(self, config: Config) -> int:
        """How many octets of notes and conversations an hour may have."""
        return self.tickets(config) * config.max_request_bytes // SHARE_OF_LARGEST

    def exceeded(self, config: Config, used: Usage, size: int) -> str | None:
        """Which limit one more ticket of this size would exceed; None: it fits.

        The first ticket of an hour always fits: a site's own record of a thread may be larger than any request.
        """
        if used.tickets >= self.tickets(config):
            return self.name
        return f"{self.name} bytes" if used.octets and used.octets + size > self.octets(config) else None


_NETWORK = N_("We can't take more messages from your network right now.")
_SITE = N_("We can't take more messages right now.")

# Each wider network gets four times more: somebody who owns a whole network counts as four neighbours, not thousands.
QUOTAS = (
    Quota("client", "client_key", "tickets_per_client_per_hour", 1, _NETWORK),
    Quota("network", "network_key", "tickets_per_client_per_hour", 4, _NETWORK),
    Quota("wide network", "wide_network_key", "tickets_per_client_per_hour", 16, _NETWORK),
    Quota(
        "email",
        "mailbox_key",
        "tickets_per_email_per_hour",
        1,
        N_("We can't take more messages for this email address right now."),
    ),
    Quota("site", None, "tickets_per_hour", 10, _SITE),
)
"""Beyond any of these, a ticket is refused."""

UNHELD = Quota("site", None, "tickets_per_hour", 1, _SITE)
"""Beyond this, a ticket is held."""


@dataclass(frozen=True)
class Keys:
    """For whom a ticket is counted: keyed hashes, which tell visitors apart without storing where they come from.

    Arguments:
        client_key: of the visitor's address; for IPv6, of its /64, which one connection gets.
        network_key: of the /24 or /56 around it.
        wide_network_key: of the /48 around it; None for IPv4.
        mailbox_key: of the email address without ``+tag`` and dots, together with the network in which it was typed.
    """

    client_key: str
    network_key: str
    wide_network_key: str | None
    mailbox_key: str


def keys_of(address: str | None, email: str, secret: bytes, *, signed_in: bool = False) -> Keys:
    """The keys by which a ticket is counted.

    Arguments:
        address: the request's ``REMOTE_ADDR``, with or without a port; everything else counts as one client.
        email: the visitor's email address.
        secret: the site's secret key.
        signed_in: whether the site says that the email address is this visitor's. If not, the same address typed in
            another network is counted separately, so that nobody can use up the owner's quota.
    """

    def key(kind: str, of: bytes) -> str:
        return hmac.digest(secret, f"kapa-handoff-{kind}:".encode() + of, "sha256").hex()[:32]

    found = parse_address(address)
    packed = found.packed if found is not None else b""
    is_wide = isinstance(found, IPv6Address)
    # For IPv6 a /64, a /56 and a /48; for IPv4 the address and its /24.
    client, network = (packed[:8], packed[:7]) if is_wide else (packed, packed[:3])
    # Everything that is not an address is one network, which differs from the one of signed-in visitors.
    whose = b"" if signed_in else b"in " + network
    return Keys(
        key("client", client),
        key("network", network),
        key("wide-network", packed[:6]) if is_wide else None,
        key("mailbox", whose + b"\0" + _mailbox(email).encode()),
    )


@lru_cache(maxsize=256)  # each request asks more than once
def parse_address(address: str | None) -> IPv4Address | IPv6Address | None:
    """A network address, given with or without a port; None: it is not one."""
    # Some proxies add the port to X-Forwarded-For, and so to REMOTE_ADDR: 203.0.113.9:52011, [v6]:port.
    text = re.sub(r"^\[(.*)\](?::\d+)?$|^([^:]*):\d+$", r"\1\2", (address or "").strip())
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _mailbox(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
