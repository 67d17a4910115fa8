"""Email addresses: which are taken, whose they are, and how a mail has them."""

from __future__ import annotations

import re
from email import message_from_bytes, policy

import pytest
from email_validator import EmailNotValidError, validate_email

from flask_kapa_handoff.delivery.mail.headers import address, header
from flask_kapa_handoff.email_address import is_automatic, mailbox_of, parse_email, quoted_email

DOTS = [
    ("a..b@docomo.ne.jp", '"a..b"@docomo.ne.jp'),
    ("ab.@docomo.ne.jp", '"ab."@docomo.ne.jp'),
    (".ab@ezweb.ne.jp", '".ab"@ezweb.ne.jp'),
    ("a...b.c..@DoCoMo.ne.jp", '"a...b.c.."@docomo.ne.jp'),
]
"""Addresses of providers that did not keep to RFC 5321, and how it has them."""


@pytest.mark.parametrize(("text", "quoted"), DOTS)
def test_an_address_with_dots_of_its_own_is_taken_and_quoted(text: str, quoted: str) -> None:
    """It is stored as its owner writes it; headers and the envelope have its local part in quotes."""
    stored = parse_email(text)
    assert stored == text.lower()
    assert quoted_email(stored) == quoted
    assert address(stored).addr_spec == quoted
    line = header("Reply-To", address(stored, "Ada, of the docs"))
    assert line == f'Reply-To: "Ada, of the docs" <{quoted}>\r\n'.encode()
    mail = message_from_bytes(header("Reply-To", address(stored)) + b"\r\n", policy=policy.default)
    (read,) = mail["Reply-To"].addresses
    assert (read.username, read.domain) == tuple(stored.rsplit("@", 1))


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("a..b@example.com", "a dot too many"),
        ("a..b@mail.docomo.ne.jp", "a dot too many"),
        ("a..b@notdocomo.ne.jp", "a dot too many"),
        ("..@docomo.ne.jp", "dot too many"),
        ('a.."b@docomo.ne.jp', r"\w"),
        ("a..b c@docomo.ne.jp", "space"),
        ("a..b\r\nBcc: x@docomo.ne.jp", r"\w"),
        ("é..b@docomo.ne.jp", r"\w"),
        (f"{'a..' * 22}@docomo.ne.jp", "too long"),
    ],
)
def test_no_other_address_gets_in_that_way(text: str, mistake: str) -> None:
    """Anywhere else two dots are a slip, and nothing but dots is let through."""
    with pytest.raises(ValueError, match=mistake):
        parse_email(text)


@pytest.mark.parametrize("domain", ["example.com", "docomo.ne.jp", "mail.intranet"])
def test_a_local_part_has_at_most_64_octets(domain: str) -> None:
    """RFC 5321, 4.5.3.1.1."""
    assert parse_email(f"{'a' * 64}@{domain}", ("intranet",)) == f"{'a' * 64}@{domain}"
    for local in ("a" * 65, "é" * 33):
        with pytest.raises(ValueError, match="64 of them before the @"):
            parse_email(f"{local}@{domain}", ("intranet",))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ada@intranet", ("intranet",)),
        ("ada@mail.localhost", ("localhost",)),
        ("ada@mail.corp.test", ("corp.test",)),
        ("ada@printer.local", ("example", "local")),
        ("ada@localhost", ("localhost",)),
        ("ada@intranet", ("intra.net", "intranet")),
    ],
)
def test_special_domains_are_taken_where_the_site_names_them(text: str, names: tuple[str, ...]) -> None:
    """As they are, also those without a dot; without the site's word they are refused."""
    assert parse_email(text.upper().replace("ADA", "ada"), names) == text
    with pytest.raises(ValueError, match=r"something like \.com is missing|can't reach an address that ends in \.\w"):
        parse_email(text)


@pytest.mark.parametrize(
    "text", ["ada@xintranet", "ada@intranet.local", "a b@intranet", "ada@-x.intranet", "@intranet"]
)
def test_a_special_domain_lets_nothing_else_in(text: str) -> None:
    """The name counts as a whole, and the rest of the address is checked as ever."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_email(text, ("intranet",))


AUTOMATIC = (
    *("mailer-daemon", "MAILER-DAEMON", "mailerdaemon", "mail-daemon", "postmaster", "Post.Master", "noreply"),
    *("no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply", "do_not_reply", "dont-reply", "bounce"),
    *("bounces", "bounces+12-ab=example.org", "noreply+tag", "listserv", "majordomo"),
)

PEOPLE = (
    *("ada", "reply-to-ada", "noreen", "replyall", "daemon.lee", "postmasterson", "bouncer", "abounce", "root"),
    *("admin", "info", "support", "post.master.lee"),
)


@pytest.mark.parametrize("local", AUTOMATIC)
def test_who_reads_no_replies_is_known(local: str) -> None:
    """Senders of notices about mail, and those that say so in their name."""
    assert is_automatic(f"{local}@example.com")


@pytest.mark.parametrize("local", PEOPLE)
def test_people_are_not_taken_for_programs(local: str) -> None:
    """A shared address or a name that only looks alike is somebody's."""
    assert not is_automatic(f"{local}@noreply.example.com")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Support@Example.com", "support@example.com", True),
        ("support+docs@example.com", "support@example.com", True),
        ("sup.port@gmail.com", "support+x@gmail.com", True),
        ("support@googlemail.com", "sup.port@gmail.com", True),
        ("+4915112345678@example.com", "+4915187654321@example.com", False),
        ("sup.port@example.com", "support@example.com", False),
        ("support@example.com", "support@mail.example.com", False),
    ],
)
def test_a_mailbox_is_known_by_each_of_its_spellings(one: str, other: str, same: bool) -> None:
    """Upper case and tags are no other mailbox; dots are one, except where the provider ignores them."""
    assert (mailbox_of(one) == mailbox_of(other)) is same


def test_an_ordinary_address_stays_as_it_is() -> None:
    """Quotes only where the dots need them."""
    for text in ("ada@example.com", "a.b.c+d@example.com", '"a b"@example.com'):
        assert quoted_email(text) == text
        assert re.fullmatch(rb"Reply-To: .*\r\n", header("Reply-To", address(text)))


@pytest.mark.parametrize(
    "domain", ["example.com", "EXAMPLE.com", "mail-1.example.co.uk", "xn--mnchen-3ya.de", "1.2.org"]
)
@pytest.mark.parametrize("local", ["a", "ada.lovelace", "a_b-c+d.e", "-", "+49151", "info", "Info", "x" * 64])
def test_plain_addresses_are_read_as_the_library_reads_them(local: str, domain: str) -> None:
    """Of these, only the domain is given to it, and once."""
    found = validate_email(f"{local}@{domain}", check_deliverability=False)
    for _ in range(2):
        assert parse_email(f"{local}@{domain}") == f"{found.ascii_local_part}@{found.ascii_domain}"


@pytest.mark.parametrize(
    ("domain", "mistake"),
    [
        ("", "the part after the @ is missing"),
        ("a", "something like .com is missing after the @"),
        ("a..com", "there is a dot too many"),
        ("a b.com", "there is a space in it"),
        ("example.test", "mail can't reach an address that ends in .test"),
        ("-a.com", None),
        ("xn--a.com", None),
        ("[1.2.3.4]", None),
        ("a.1", None),
    ],
)
def test_a_plain_local_part_makes_no_domain_valid(domain: str, mistake: str | None) -> None:
    """Also the second time; what has no words of its own is told as the library tells it."""
    with pytest.raises(EmailNotValidError) as refused:
        validate_email(f"ada@{domain}", check_deliverability=False)
    told = str(refused.value).rstrip(".")
    for local in ("ada", "Ada", "ada"):
        with pytest.raises(ValueError, match=f"^{re.escape(mistake or told[0].lower() + told[1:])}$"):
            parse_email(f"{local}@{domain}")
