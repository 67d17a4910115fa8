"""Quotas: whom a ticket is counted for, how many and how much an hour may bring, and when one more fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import literal, select, update
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import TestResponse

from flask_kapa_handoff import KapaHandoff, Visitor, limits
from flask_kapa_handoff.config import Config
from flask_kapa_handoff.quotas import QUOTAS, UNHELD, Keys, Usage, keys_of
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.engine import Database
from flask_kapa_handoff.storage.tables import ticket as ticket_table
from flask_kapa_handoff.testing import tickets
from flask_kapa_handoff.web.requests import proxy_unheeded
from tests.helpers.pages import json_of
from tests.helpers.tickets import PAIR, ticket_fields

SECRET = b"a secret"
VICTIM = "visitor@example.com"


def keys(address: str | None, email: str = VICTIM, **more: Any) -> Keys:
    return keys_of(address, email, SECRET, **more)


def send(app: Flask, address: str | None, email: str = VICTIM, **fields: Any) -> TestResponse:
    """Send a ticket from a network address."""
    client = app.test_client()
    return client.post(
        "/handoff/tickets",
        data=ticket_fields(client, email=email, **fields),
        headers={"Accept": "application/json"},
        environ_overrides={"REMOTE_ADDR": address},
    )


def statuses(app: Flask, addresses: list[str], emails: Callable[[int], str] = "v{}@example.com".format) -> list[int]:
    return [send(app, address, emails(number)).status_code for number, address in enumerate(addresses)]


# --- Whom a ticket is counted for ----------------------------------------------------------------------------------


def test_keys_tell_visitors_apart_without_their_address() -> None:
    """The same visitor has the same keys, another site has other ones, and no address is in them."""
    found = keys("192.0.2.7")
    assert found == keys("192.0.2.7")
    assert found.client_key != keys("192.0.2.8").client_key
    assert found.client_key != keys_of("192.0.2.7", VICTIM, b"another secret").client_key
    everything = "".join(vars(keys("2001:db8::1")).values())
    assert "192" not in bytes.fromhex(everything).decode("latin-1")
    assert len(set(vars(keys("2001:db8::1")).values())) == 4


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("fe80::1%eth0", "fe80::1%eth1", True),
        ("203.0.113.9:52011", "203.0.113.9", True),
        ("203.0.113.9:52011", "203.0.113.9:52012", True),
        ("203.0.113.9:52011", "203.0.113.8:52011", False),
        ("[2001:db8::1]:443", "2001:db8::1", True),
        ("[2001:db8::1]", "2001:db8::1", True),
        ("[::ffff:203.0.113.9]:52011", "203.0.113.9", True),
        (None, None, True),
        ("", None, True),
        ("unix:", None, True),
        ("unknown", "_hidden:80", True),
        ("203.0.113.9:52011:1", "garbage", True),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_64(one: str | None, other: str | None, same: bool) -> None:
    """A port does not make another client, and everything that is no address is one client."""
    assert (keys(one).client_key == keys(other).client_key) is same


@pytest.mark.parametrize(
    ("one", "other", "network", "wide"),
    [
        ("192.0.2.1", "192.0.2.254", True, True),
        ("192.0.2.1", "192.0.3.1", False, True),
        ("2001:db8:0:a000::1", "2001:db8:0:a0ff::1", True, True),
        ("2001:db8:0:a000::1", "2001:db8:0:a100::1", False, True),
        ("2001:db8:0::1", "2001:db8:1::1", False, False),
    ],
)
def test_networks_are_nested(one: str, other: str, network: bool, wide: bool) -> None:
    """IPv4 by its /24; IPv6 by its /56 and its /48."""
    assert (keys(one).network_key == keys(other).network_key) is network
    assert (keys(one).wide_network_key == keys(other).wide_network_key) is wide


@pytest.mark.parametrize(
    "same",
    [
        "VISITOR@Example.com",
        "visitor+tag@example.com",
        "visitor+a+b@example.com",
        "vi.si.tor@example.com",
        "v.isitor+x@example.com",
    ],
)
def test_tags_and_dots_do_not_make_another_mailbox(same: str) -> None:
    """For the limits alone: the ticket keeps the address as it was typed."""
    assert keys("192.0.2.7", same).mailbox_key == keys("192.0.2.7").mailbox_key


def test_dots_of_the_domain_and_other_names_are_other_mailboxes() -> None:
    """Only the part before the @ has tags and dots."""
    for other in ("visitor@exam.ple.com", "visitors@example.com", "visitor@example.org"):
        assert keys("192.0.2.7", other).mailbox_key != keys("192.0.2.7").mailbox_key


# --- How many ------------------------------------------------------------------------------------------------------


def test_each_step_outwards_has_four_times_more() -> None:
    """Of tickets and of octets; the site as a whole has its own number, and refuses at ten times of it."""
    config = Config()
    found = {quota.name: (quota.tickets(config), quota.octets(config)) for quota in (*QUOTAS, UNHELD)}
    assert found == {
        "client": (10, 2_500_000),
        "network": (40, 10_000_000),
        "wide network": (160, 40_000_000),
        "email": (10, 2_500_000),
        "site": (500, 125_000_000),
    }
    assert QUOTAS[-1].tickets(config) == 5_000


def test_one_more_fits_or_not() -> None:
    """The number counts first; the first ticket of an hour fits whatever its size."""
    config, client = Config(tickets_per_client_per_hour=4, max_request_bytes=1_000), QUOTAS[0]
    assert client.exceeded(config, Usage(3, 900), 100) is None
    assert client.exceeded(config, Usage(3, 900), 101) == "client bytes"
    assert client.exceeded(config, Usage(4, 0), 1) == "client"
    assert client.exceeded(config, Usage(0, 0), 5_000) is None


@pytest.mark.parametrize(
    ("addresses", "fourth_step"),
    [
        ([f"192.0.2.{n}" for n in range(1, 7)], 4),
        ([f"2001:db8:0:a0{n:02x}::1" for n in range(6)], 4),
    ],
)
def test_a_network_has_four_times_as_many_as_one_client(
    make_app: Callable[..., Flask], addresses: list[str], fourth_step: int
) -> None:
    """A visitor who changes the address within a /24 or a /56 is stopped there, and the next network is not."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    assert statuses(app, addresses) == [201] * fourth_step + [429] * (6 - fourth_step)
    assert send(app, "198.51.100.1", "other@example.com").status_code == 201


def test_a_48_has_sixteen_times_as_many_as_one_client(make_app: Callable[..., Flask]) -> None:
    """A provider's customer with 65,536 networks is one neighbour among others."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    assert statuses(app, [f"2001:db8:0:{n:02x}00::1" for n in range(18)]) == [201] * 16 + [429] * 2
    assert send(app, "2001:db8:1::1", "other@example.com").status_code == 201


def test_clients_with_unreadable_addresses_are_one(make_app: Callable[..., Flask]) -> None:
    """A unix socket, and whatever a proxy makes up, share one client's number."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=2)
    assert [send(app, odd, f"{n}@example.com").status_code for n, odd in enumerate((None, "", "unknown"))] == [
        201,
        201,
        429,
    ]


def test_a_port_in_x_forwarded_for_makes_no_other_client(make_app: Callable[..., Flask]) -> None:
    """ProxyFix hands on what the header says, and each connection has another port."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)  # type: ignore[method-assign]
    client = app.test_client()
    found = [
        client.post(
            "/handoff/tickets",
            data=ticket_fields(client, email=f"v{number}@example.com"),
            headers={"X-Forwarded-For": forwarded, "Accept": "application/json"},
        ).status_code
        for number, forwarded in enumerate(
            ("203.0.113.9:52011", "203.0.113.9:52012", "[2001:db8::1]:1", "[2001:db8::2]:2")
        )
    ]
    assert found == [201, 429, 201, 429]


@pytest.mark.parametrize(
    ("named", "address", "unheeded"),
    [
        ({"X-Forwarded-For": "[2001:db8::1]:443"}, "[2001:db8::1]:443", False),
        ({"X-Forwarded-For": "[2001:db8::1]:443"}, "2001:db8::1", False),
        ({"X-Forwarded-For": "203.0.113.9:52011, 10.0.0.1"}, "203.0.113.9", False),
        ({"X-Forwarded-For": "203.0.113.9:52011"}, "127.0.0.1", True),
        ({"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, "2001:db8::1", False),
        ({"Forwarded": "for=unknown"}, "127.0.0.1", True),
        ({"Forwarded": "for=203.0.113.9;proto=https"}, "", True),
    ],
)
def test_a_port_does_not_hide_that_the_site_knows_its_proxy(
    app: Flask, named: dict[str, str], address: str, unheeded: bool
) -> None:
    """The check-up tells of a proxy only where the site takes the proxy's address for the visitor's."""
    with app.test_request_context(headers=named, environ_base={"REMOTE_ADDR": address}):
        assert proxy_unheeded() is unheeded


# --- How much ------------------------------------------------------------------------------------------------------


def test_the_size_is_that_of_note_and_conversation_as_they_are_stored(app: Flask) -> None:
    """In octets."""
    assert send(app, "192.0.2.1", note="Grüße").status_code == 201
    (ticket,) = tickets(app)
    conversation = json.dumps([{**PAIR, "sources": [], "uncertain": False, "reaction": None}], separators=(",", ":"))
    assert ticket.size == len("Grüße".encode()) + len(conversation)


def test_the_hours_octets_are_limited_and_one_more_fits_when_enough_have_left(make_app: Callable[..., Flask]) -> None:
    """429 names the quota for the admin; Retry-After is the time until this ticket fits."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=8, KAPA_HANDOFF_MAX_REQUEST_BYTES=6_000)

    def send_large(number: int) -> TestResponse:
        return send(app, "192.0.2.1", f"v{number}@example.com", note="x" * 4_000)

    for number in range(2):  # of 12,000
        assert send_large(number).status_code == 201
        age_tickets(app, timedelta(minutes=10))
    refused = send_large(3)
    assert refused.status_code == 429
    assert json_of(refused)["error"]["code"] == "rate_limited"
    assert abs(int(refused.headers["Retry-After"]) - 40 * 60) <= 15
    assert send(app, "192.0.2.1", "small@example.com", note="").status_code == 201
    age_tickets(app, timedelta(seconds=int(refused.headers["Retry-After"])))
    assert send_large(4).status_code == 201


def test_a_single_ticket_larger_than_the_hours_octets_is_taken(make_app: Callable[..., Flask]) -> None:
    """Or else it could never be sent."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1, KAPA_HANDOFF_MAX_REQUEST_BYTES=6_000)
    assert send(app, "192.0.2.1", note="x" * 4_000).status_code == 201


def test_a_submit_reads_what_was_used_out_of_indexes(tmp_path: Path) -> None:
    """However large the table is, none of its rows is looked at."""
    database = Database(lambda: f"sqlite:///{tmp_path / 'plan.sqlite3'}")
    with database.read() as connection:
        query = str(limits.with_usage(select(literal(1))).compile(connection.engine)).replace("?", "'x'")
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")]
    database.close()
    looks = [line for line in plan if "kapa_handoff_ticket" in line]
    assert len(looks) == len(QUOTAS)
    assert all("SEARCH" in line and "COVERING INDEX" in line for line in looks), plan


# --- The visitor's email address -----------------------------------------------------------------------------------


def test_strangers_do_not_lock_a_visitor_out(make_app: Callable[..., Flask]) -> None:
    """Tickets that others send under somebody's address from their own networks use up nothing of its owner's."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    assert [send(app, f"198.51.{n}.1").status_code for n in range(4)] == [201] * 4
    assert send(app, "2001:db8::1").status_code == 201
    assert [send(app, "192.0.2.1").status_code for _ in range(2)] == [201, 429]


def test_one_stranger_is_limited_under_an_address_as_well(make_app: Callable[..., Flask]) -> None:
    """From one network, whatever its hosts, tags and dots."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=2)
    emails = [VICTIM, "vis.itor@example.com", "visitor+1@example.com"]
    found = [send(app, f"192.0.2.{n}", email) for n, email in enumerate(emails)]
    assert [answer.status_code for answer in found] == [201, 201, 429]
    assert "for this email address" in json_of(found[-1])["error"]["message"]
    assert [ticket.visitor_email for ticket in tickets(app)] == [VICTIM, "vis.itor@example.com"]


def test_a_signed_in_visitor_is_counted_over_all_networks_and_apart_from_strangers(
    make_app: Callable[..., Flask],
) -> None:
    """The site vouches for the address: changing networks helps nobody, and strangers use up nothing."""
    handoff, who = KapaHandoff(), {"visitor": None}
    handoff.visitor_loader(lambda: who["visitor"])
    app = make_app(handoff=handoff, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=2)
    assert [send(app, "192.0.2.1").status_code for _ in range(3)] == [201, 201, 429]
    who["visitor"] = Visitor(VICTIM)  # type: ignore[assignment]
    found = [send(app, address).status_code for address in ("192.0.2.1", "198.51.100.1", "203.0.113.1")]
    assert found == [201, 201, 429]


def test_the_longest_of_several_waits_is_returned(make_app: Callable[..., Flask]) -> None:
    """A visitor who comes back after Retry-After is let through by every quota."""
    app = make_app(KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=2, KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1)
    for email in ("first@example.com", VICTIM):
        assert send(app, "192.0.2.1", email).status_code == 201
        age_tickets(app, timedelta(minutes=10))
    refused = send(app, "192.0.2.1")  # the client's wait is 40 minutes, the address's 50
    assert abs(int(refused.headers["Retry-After"]) - 50 * 60) <= 15
    assert json_of(refused)["error"]["message"] == (
        "We can't take more messages for this email address right now. Your text is safe – try again in 50 minutes."
    )


def age_tickets(app: Flask, age: timedelta) -> None:
    """Let all tickets have been sent earlier."""
    database = state_of(app).database
    for ticket in tickets(app):
        with database.write() as connection:
            connection.execute(
                update(ticket_table)
                .where(ticket_table.c.id == ticket.id)
                .values(created_at=ticket.created_at - age, queued_at=ticket.queued_at - age)
            )


def test_an_address_that_cannot_be_parsed_uses_up_nothing_of_a_visitor_who_is_signed_in() -> None:
    """What strangers type is counted apart, wherever they come from."""
    secret = b"a secret of this test"
    strangers = {keys_of(address, "v@example.com", secret).mailbox_key for address in ("unknown", None, "", "::1")}
    assert keys_of("203.0.113.9", "v@example.com", secret, signed_in=True).mailbox_key not in strangers
