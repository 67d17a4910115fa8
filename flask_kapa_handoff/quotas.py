"""Quotas: how many tickets, and how many octets of them, an hour may bring, and whom they are counted for."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from .config import Config

WINDOW = timedelta(hours=1)

SHARE_OF_LARGEST = 4
"""The tickets of a quota may together be as large as one in so many of them at KAPA_HANDOFF_MAX_REQUEST_BYTES."""


class Usage(NamedTuple):
    """What the last hour has used of a quota."""

    tickets: int
    octets: int


@dataclass(frozen=True)
class Quota:
    """One row of the table.

    Arguments:
        name: what the log and the check-up call it.
        column: the ticket's column that it is counted by; None: all tickets count.
        setting: the field of :class:`Config` that says how many tickets.
        times: how many times as many.
        whose: what the visitor is told was too much.
    """

    name: str
    column: str | None
    setting: str
    times: int
    whose: str

    def tickets(self, config: Config) -> int:
        """How many tickets fit into an hour."""
        return self.times * int(getattr(config, self.setting))

    def octets(self, config: Config) -> int:
        """How many octets of notes and conversations fit into an hour."""
        return self.tickets(config) * config.max_request_bytes // SHARE_OF_LARGEST

    def exceeded(self, config: Config, used: Usage, size: int) -> str | None:
        """What one more ticket of this size would be too many of; None: it fits.

        The first ticket of an hour always fits: a site's own record of a thread may be larger than any request.
        """
        if used.tickets >= self.tickets(config):
            return self.name
        return f"{self.name} bytes" if used.octets and used.octets + size > self.octets(config) else None


# Four times more at each step outwards: somebody who has a whole network is worth four neighbours, not thousands.
QUOTAS = (
    Quota("client", "client_key", "tickets_per_client_per_hour", 1, "from your network"),
    Quota("network", "network_key", "tickets_per_client_per_hour", 4, "from your network"),
    Quota("wide network", "wide_network_key", "tickets_per_client_per_hour", 16, "from your network"),
    Quota("email", "mailbox_key", "tickets_per_email_per_hour", 1, "for this email address"),
    Quota("site", None, "tickets_per_hour", 10, ""),
)
"""Beyond these a ticket is refused."""

UNHELD = Quota("site", None, "tickets_per_hour", 1, "")
"""Beyond this a ticket is held."""


@dataclass(frozen=True)
class Keys:
    """Whom a ticket is counted for: keyed hashes, which tell visitors apart without keeping where they come from.

    Arguments:
        client_key: of the visitor's address; IPv6: of its /64, which is what one connection gets.
        network_key: of the /24 or /56 around it.
        wide_network_key: of the /48 around it; None: IPv4.
        mailbox_key: of the email address without ``+tag`` and dots, and of the network that it was typed in.
    """

    client_key: str
    network_key: str
    wide_network_key: str | None
    mailbox_key: str


def keys_of(address: str | None, email: str, secret: bytes, *, signed_in: bool = False) -> Keys:
    """Whom a ticket is counted for.

    Arguments:
        address: the request's ``REMOTE_ADDR``, with or without a port; everything that is no address is one client.
        email: the visitor's.
        secret: the site's secret key.
        signed_in: the site says that the email address is this visitor's. If not, the same address typed in another
            network has a count of its own, so that nobody uses up what its owner may send.
    """

    def key(kind: str, of: bytes) -> str:
        return hmac.digest(secret, f"kapa-handoff-{kind}:".encode() + of, "sha256").hex()[:32]

    found = parse_address(address)
    packed = found.packed if found is not None else b""
    is_wide = isinstance(found, IPv6Address)
    # IPv6: a /64, a /56 and a /48; IPv4: the address and its /24.
    client, network = (packed[:8], packed[:7]) if is_wide else (packed, packed[:3])
    # Everything that is no address is one network, and another one than that of those who are signed in.
    whose = b"" if signed_in else b"in " + network
    return Keys(
        key("client", client),
        key("network", network),
        key("wide-network", packed[:6]) if is_wide else None,
        key("mailbox", whose + b"\0" + _mailbox(email).encode()),
    )


def parse_address(address: str | None) -> IPv4Address | IPv6Address | None:
    """A network address, with or without a port; None: it is none."""
    # Some proxies write the port as well, into X-Forwarded-For and so into REMOTE_ADDR: 203.0.113.9:52011, [v6]:port.
    text = re.sub(r"^\[(.*)\](?::\d+)?$|^([^:]*):\d+$", r"\1\2", (address or "").strip())
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _mailbox(email: str) -> str:
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"
