"""Links that show where they lead."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.links import link, with_hosts
from flask_kapa_handoff.markdown import to_html
from tests.growth import LINEAR, growth

REL = 'rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("address", "words", "shown"),
    [
        ("https://evil.example", "https://a.example/reset", "https://a.example/reset → evil.example"),
        ("https://evil.example/a.example", "a.example", "a.example → evil.example"),
        ("https://docs.example.com/keys", "The guide", "The guide → docs.example.com"),
        ("https://docs.example.com:8443/keys", "The guide", "The guide → docs.example.com:8443"),
        ("http://[2001:db8::1]/", "The guide", "The guide → [2001:db8::1]"),
        ("https://DOCS.example.com/", "docs", "docs → docs.example.com"),
        ("https://docs.example.com/keys", "docs.example.com/other", "docs.example.com/other → docs.example.com"),
        ("https://docs.example.com/keys", "", "https://docs.example.com/keys"),
        ("https://docs.example.com/keys", "docs.example.com/keys", "docs.example.com/keys"),
        ("https://docs.example.com/", "https://docs.example.com", "https://docs.example.com"),
        ("https://docs.example.com/%C3%BC", "https://docs.example.com/ü", "https://docs.example.com/ü"),
        ("https://bücher.example/", "books", "books → xn--bcher-kva.example"),
        ("https://b%C3%BCcher.example/", "books", "books → xn--bcher-kva.example"),
        ("https://\u0435vil.example/", "", "https://\u0435vil.example/ → xn--vil-qdd.example"),
        ("https://ｅｖｉｌ.example/", "t", "t → evil.example"),
        ("https://x.example/\u202egnp.exe", "pay\u202epal", "paypal → x.example"),
    ],
)
def test_a_link_shows_its_host(address: str, words: str, shown: str) -> None:
    """Unless its words are its own address, in letters that cannot be mistaken for others."""
    markup = link(address, words)
    assert markup.striptags() == shown
    assert markup.startswith('<a href="http')
    assert REL in markup


@pytest.mark.parametrize(
    ("address", "words", "shown"),
    [
        ("https://bank.example@evil.example/", "bank", "bank (https://bank.example@evil.example/)"),
        ("https://bank.example:443@evil.example/", "bank", "bank (https://bank.example:443@evil.example/)"),
        ("https://evil.example%2Fbank.example/", "bank", "bank (https://evil.example%2Fbank.example/)"),
        ("https://evil.example\\@bank.example/", "bank", "bank (https://evil.example\\@bank.example/)"),
        ("http://[", "", "http://["),
        ("javascript:alert(1)", "x", "x (javascript:alert(1))"),
        ("https://" + "a" * 254, "x", f"x (https://{'a' * 254})"),
        ("https://\u0301/", "x", None),
        ("urn:isbn:123", "A <b>", "A <b> (urn:isbn:123)"),
    ],
)
def test_what_may_mislead_is_no_link(address: str, words: str, shown: str | None) -> None:
    """Addresses with a user, of another kind, or with a host that cannot be: shown as they are."""
    markup = link(address, words)
    assert "<a" not in markup or shown is None
    if shown is not None:
        assert markup.unescape() == shown


def test_words_and_address_are_escaped() -> None:
    """Nothing in them is markup."""
    markup = link('https://x.example/"><script>', "<script>\"'&")
    assert "<script" not in markup
    assert markup.count("<") == 4


@pytest.mark.parametrize(
    ("markdown", "shown"),
    [
        ("[https://a.example/reset](https://evil.example/x)", "https://a.example/reset → evil.example"),
        ("[**bank**.example](https://evil.example/x)", "bank.example → evil.example"),
        ("[bank.example](mailto:evil@x.example)", "bank.example → evil@x.example"),
        ("[x](mailto:a@b.example?bcc=c@d.example)", "x (mailto:a@b.example?bcc=c@d.example)"),
        ("[bank](https://bank.example@evil.example/)", "bank (https://bank.example@evil.example/)"),
        ("<https://a.example/reset>", "https://a.example/reset"),
        ("www.a.example and a@b.example", "www.a.example and a@b.example"),
        ("https://\u0435vil.example/x", "https://\u0435vil.example/x → xn--vil-qdd.example"),
        ("[a\u202eb](https://x.example)", "ab → x.example"),
        ("&#8238;gpj.exe `\u202ex`", "gpj.exe x"),
        ("[words](/relative)", "words"),
    ],
)
def test_links_of_answers_show_their_hosts(markdown: str, shown: str) -> None:
    """Whatever the way to write it in Markdown."""
    assert to_html(markdown).striptags() == shown


def test_many_links_take_no_square() -> None:
    """Twenty thousand links take four times what five thousand take."""
    one = f'<a href="http://%C3%BC.a" {REL}>a</a> '
    assert growth(with_hosts, one * 2500, one * 10_000) < LINEAR
