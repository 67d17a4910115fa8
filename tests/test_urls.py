"""Addresses that a request names."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.urls import MAX_PAGE, host_of, origin_of, parse_url, shortened


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://docs.example.com/a?b#c", "https://docs.example.com"),
        ("HTTPS://Docs.Example.com:443/", "https://docs.example.com"),
        ("http://intranet:80", "http://intranet"),
        ("http://127.0.0.1:5000/chat", "http://127.0.0.1:5000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("https://example.com:80/", "https://example.com:80"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(address: str, origin: str) -> None:
    """In lower case, without the usual port."""
    assert origin_of(address) == origin
    assert host_of(address) == origin.partition("://")[2]


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "null",
        "http://[",
        "http://[::1",
        "http://a]b/",
        "http://",
        "http:///path",
        "https://example.com:port/",
        "https://example.com:99999/",
        "https://bank.example@evil.example/",
        "https://evil.example\\@bank.example/",
        "javascript:alert(1)",
        "//example.com",
        "ftp://example.com",
        "http://a b",
        "http://a\n.example",
        "https://\uff0fexample.com",
        "http://\u2100.example/",
    ],
)
def test_what_is_no_address_of_the_web_has_no_parts(address: str | None) -> None:
    """And raises nothing."""
    assert parse_url(address) is None
    assert origin_of(address) is None
    assert host_of(address) is None


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://a.example/p?x=1&y=2", "https://a.example/p?x=1&y=2"),
        ("https://a.example/p?state=" + "s" * 2_700, "https://a.example/p"),
        ("https://a.example/p?x=1&state=" + "s" * 2_700 + "&y=2", "https://a.example/p?x=1"),
        ("https://a.example/p?next=/q?r&s=" + "s" * 2_700, "https://a.example/p?next=/q?r"),
        # 18 characters and the escapes of 982: 327 whole ones, and the "%" of the next.
        ("https://a.example/" + "%E8" * 400, "https://a.example/" + "%E8" * 327),
        ("https://a.example/p" + "%E8" * 400, "https://a.example/p" + "%E8" * 327),
        ("https://a.example/pp" + "%E8" * 400, "https://a.example/pp" + "%E8" * 326),
        ("https://a.example/" + "x" * 2_000, "https://a.example/" + "x" * 982),
    ],
    ids=range(8),
)
def test_a_long_address_loses_its_last_parameters_first(address: str, kept: str) -> None:
    """A parameter is whole or gone, and so is a percent escape of a path."""
    assert shortened(address) == kept
    assert len(kept) <= MAX_PAGE
