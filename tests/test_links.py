"""Links that show where they lead."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.links import MAX_FOREIGN_HOSTS, Links
from flask_kapa_handoff.markdown import to_html
from tests.helpers.growth import LINEAR, growth

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
    markup = Links().link(address, words)
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
def test_a_misleading_address_is_not_a_link(address: str, words: str, shown: str | None) -> None:
    """Addresses with a user, of another kind, or with an impossible host are shown as text."""
    markup = Links().link(address, words)
    assert "<a" not in markup or shown is None
    if shown is not None:
        assert markup.unescape() == shown


def test_words_and_address_are_escaped() -> None:
    """Nothing in them is markup."""
    markup = Links().link('https://x.example/"><script>', "<script>\"'&")
    assert "<script" not in markup
    assert markup.count("<") == 4


def test_no_address_contains_a_tag() -> None:
    """Not even as the oldest nh3 that is allowed writes it, and a style is written into each tag afterwards."""
    cleaned = f'<a href="https://a.example/<p><img/src=x/onerror=alert(1)>/" {REL}>a</a>'
    markup = Links().with_hosts(cleaned)
    assert markup.startswith('<a href="https://a.example/&lt;p&gt;&lt;img/src=x/onerror=alert(1)&gt;/" rel=')


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
        ("[words](/relative)", "words (/relative)"),
    ],
)
def test_links_of_answers_show_their_hosts(markdown: str, shown: str) -> None:
    """Whatever the way to write it in Markdown."""
    assert to_html(markdown).striptags() == shown


def test_many_links_take_linear_time() -> None:
    """Twenty thousand links take about four times as long as five thousand."""
    one = f'<a href="http://%C3%BC.a" {REL}>a</a> '
    assert growth(Links().with_hosts, one * 2500, one * 10_000) < LINEAR


def test_beyond_a_hundred_hosts_in_other_letters_addresses_are_plain_text() -> None:
    """To write one in ASCII takes the square of its length; the same host again costs nothing."""
    links = Links()
    for _ in range(2):
        for number in range(MAX_FOREIGN_HOSTS):
            assert "xn--" in links.link(f"https://ключ{number}.example/")
    assert "<a " not in links.link("https://другой.example/")
    assert "<a " in links.link("https://docs.example.com/")
    assert links.plain_address("https://другой.example/") == "https://другой.example/"


@pytest.mark.parametrize(
    "host", ["я" * 240, "a." * 100 + "я" * 60, "\ufdfa" * 200, "%D0%B0" * 42, "\uff9e\u0334" * 100_000]
)
def test_an_impossible_host_is_not_a_link(host: str) -> None:
    """It is not even parsed."""
    assert "<a " not in Links().link(f"http://{host}/")


@pytest.mark.parametrize(
    "markdown",
    [
        '[https://bank.example/reset](https://evil.example/reset "x")',
        '[https://bank.example/](https://bank.example@evil.example/ "x")',
        '[https://bank.example/](https://b\u0430nk.example/ "x")',
    ],
)
def test_a_title_does_not_hide_where_a_link_leads(markdown: str) -> None:
    """It is left out."""
    shown = to_html(markdown)
    assert "title" not in shown
    assert "evil.example" in shown.striptags() or "xn--" in shown.striptags()


@pytest.mark.parametrize(
    ("words", "address"),
    [
        ("https://%65%76%69%6c%2e%65xample%2F@bank.example/reset", "https://evil.example/@bank.example/reset"),
        ("http://evil@x.example", "mailto:evil@x.example"),
        ("https://bank.example", "https://evil.example#bank.example"),
        ("bank.example", "https://evil.example/bank.example"),
    ],
)
def test_words_that_only_resemble_the_address_do_not_hide_the_host(words: str, address: str) -> None:
    """A browser reads them another way."""
    assert "→" in Links().link(address, words) or "<a " not in Links().link(address, words)
    assert "→" in to_html(f"[{words}]({address})")


@pytest.mark.parametrize(
    "address",
    [
        "http://evil%C2%AD.example",
        "mailto:support@bаnk.example",
        "mailto:a@b@evil.example",
    ],
)
def test_an_address_that_browsers_read_differently_is_not_a_link(address: str) -> None:
    """Browsers leave invisible characters out, and a mailbox in other letters has no form in ASCII here."""
    assert "<a " not in Links().link(address)


def test_hosts_in_other_letters_cost_little_however_many_there_are() -> None:
    """Some of one character are long when they are normalised; the hundred that are allowed count before that."""
    hosts = [f"http://{chr(0xFDFA) * 140}{number}/" for number in range(4000)]

    def shown(count: int) -> None:
        links = Links()
        for host in hosts[:count]:
            links.link(host)
            links.plain_address(host)

    assert growth(shown, 1000, 4000) < LINEAR
