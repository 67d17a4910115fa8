"""Addresses that a request names."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.urls import host_of, origin_of, parse_url


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
