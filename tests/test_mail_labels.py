"""What a mail is listed by: the name in From, the subject, the attachment. No helpdesk takes it for an older one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from email.headerregistry import Address

import pytest

from flask_kapa_handoff import QuestionAnswer
from tests.helpers.mails import INVISIBLE, LETTERHEAD, LINE_ENDS, assert_unbroken, read

pytestmark = pytest.mark.only("sqlite")

ACME = replace(LETTERHEAD, site_name="Acme", sender="Docs <docs@acme.example>")

# By what helpdesks find their own tickets in a subject, and Roundup a ticket's properties.
NUMBERS = {
    "osTicket": r"\b#(\S+)",
    "Freshdesk": r"\[#\d+\]",
    "Zammad": r"(?i)ticket#\s{0,2}(\d+)",
    "django-helpdesk": r".*\[\w+-\d+\]",
    "Roundup": r"\[\s*\w+\s*\d*\s*\]",
    "Roundup, at the end": r"\[[^\]]*\]$",
    "any number after the sign": r"#\d",
}


def sender(mail: bytes) -> Address:
    (found,) = read(mail)["From"].addresses
    assert isinstance(found, Address)
    return found


# From


def test_from_names_the_visitor_and_the_site(write: Callable[..., bytes]) -> None:
    """The address is the site's own, and the name says for whom it writes."""
    mail = write(letterhead=ACME, visitor_name="Ada")
    assert b'\r\nFrom: "Ada (via Acme)" <docs@acme.example>\r\n' in b"\r\n" + mail
    assert read(mail)["Reply-To"] == "visitor@example.net"


@pytest.mark.parametrize(
    ("name", "email", "expected"),
    [
        (None, "ada.lovelace@mail.example", "ada.lovelace (via Acme)"),
        ("", "ada@mail.example", "ada (via Acme)"),
        (
            "Ada Lovelace, 'the first' \"programmer\"",
            "a@b.example",
            "Ada Lovelace, 'the first' \"programmer (via Acme)",
        ),
        ("Zoë Ångström", "z@b.example", "Zoë Ångström (via Acme)"),
        ("محمد", "m@b.example", "محمد (via Acme)"),
        ("ada@evil.example", "a@b.example", "ada (via Acme)"),
        ("boss@acme.example <boss@acme.example>", "a@b.example", "boss (via Acme)"),
        ("@", "a@b.example", "a (via Acme)"),
        ('" "', "a@b.example", "a (via Acme)"),
        ("\u200b", "a@b.example", "a (via Acme)"),
        ("x" * 500, "a@b.example", "x" * 79 + "… (via Acme)"),
    ],
)
def test_names_of_visitors(write: Callable[..., bytes], name: str | None, email: str, expected: str) -> None:
    """A name holds no address but the site's own; the visitor's address stands for a name without its domain."""
    found = sender(write(letterhead=ACME, visitor_name=name, visitor_email=email))
    # Python puts blanks between the parts of a long word.
    assert found.display_name.replace("x ", "x") == expected
    assert found.addr_spec == "docs@acme.example"


@pytest.mark.parametrize(
    "character", [*LINE_ENDS, *INVISIBLE, '"', "\\", "=?utf-8?q?=0ABcc:?=", ">", ",", "<x@y.example>"], ids=ascii
)
def test_no_name_breaks_the_header(write: Callable[..., bytes], character: str) -> None:
    """Whatever a site's login says, the mail has the same headers and one sender."""
    mail = write(letterhead=ACME, visitor_name=f"Ada{character}Bcc: evil@evil.example")
    assert_unbroken(mail)
    assert sender(mail).addr_spec == "docs@acme.example"
    assert sender(mail).display_name.endswith("(via Acme)")


def test_from_keeps_the_name_of_the_sender_if_the_site_wants_it(write: Callable[..., bytes]) -> None:
    """KAPA_HANDOFF_SENDER_NAMES_VISITOR=False."""
    mail = write(letterhead=replace(ACME, names_visitor=False), visitor_name="Ada")
    assert read(mail)["From"] == "Docs <docs@acme.example>"


@pytest.mark.parametrize("name", ["=?foo?q?x?=", "=?hex?q?zz?=", "=?utf-8?b?/w==?="])
def test_a_name_of_the_sender_that_only_looks_encoded(write: Callable[..., bytes], name: str) -> None:
    """No ticket fails because of it, and no mail program decodes it."""
    mail = write(letterhead=replace(ACME, sender=f"{name} <docs@acme.example>", names_visitor=False))
    assert sender(mail).display_name == name.replace("=?", "= ?")


# Subject


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("[{site}] {reference}: {question}", "[Acme] T-7F3K2Q: error 4521"),
        ("{question}", "error 4521"),
        ("{site}/{desk} ({reference}) for {visitor}", "Acme/sales (T-7F3K2Q) for Ada (12)"),
        ("{{{reference}}} {question} {question}", "{T-7F3K2Q} error 4521 error 4521"),
        ("#{reference}", "#T-7F3K2Q"),
    ],
)
def test_subject_of_the_site(write: Callable[..., bytes], template: str, expected: str) -> None:
    """Each placeholder is filled in; what the site itself writes stays as it is."""
    letterhead = replace(ACME, subject=template)
    fields = {"visitor_name": "Ada [#12]", "desk": "sales", "subject": "error #4521"}
    assert read(write(letterhead=letterhead, **fields))["Subject"] == expected


def test_visitor_without_a_name_is_the_address_in_a_subject(write: Callable[..., bytes]) -> None:
    """{visitor} is never empty."""
    mail = write(letterhead=replace(ACME, subject="{visitor}: {question}"))
    assert read(mail)["Subject"] == "visitor@example.net: How do I rotate a key?"


def test_braces_of_a_visitor_are_text(write: Callable[..., bytes]) -> None:
    """A question is never a template."""
    question = "{reference} {0} {question.__class__} {{x}}"
    assert read(write(letterhead=ACME, subject=question))["Subject"] == f"[Acme] T-7F3K2Q: {question}"


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("error #4521", "error 4521"),
        ("Why error#4521?", "Why error 4521?"),
        ("#4521", "4521"),
        ("(#4521) and ##12", "(4521) and 12"),
        ("Ticket#4521, ticket # 4521, TICKET #4521", "Ticket 4521, ticket 4521, TICKET 4521"),
        ("#\u200b4521", "4521"),
        ("#\u200d4521", "4521"),
        ("support[support-12] fails", "support(support-12) fails"),
        ("[issue12] is [user]", "(issue12) is (user)"),
        ("What is arr[0]", "What is arr(0)"),
        ("Close it [status=resolved]", "Close it (status=resolved)"),
        ("[T-7F3K2Q]", "(T-7F3K2Q)"),
        ("C# 12, F#, #general and issue-12", "C# 12, F#, #general and issue-12"),
        ("UTF-8, SHA-256, 100% of $5, a*b", "UTF-8, SHA-256, 100% of $5, a*b"),
        ("エラー#4521について", "エラー 4521について"),
    ],
)
def test_no_question_has_the_number_of_a_helpdesks_ticket(
    write: Callable[..., bytes], question: str, expected: str
) -> None:
    """Its words and numbers stay; only the signs around a number go."""
    plain = replace(ACME, subject="{question}")
    found = read(write(letterhead=plain, subject=question))["Subject"]
    assert found == expected
    for helpdesk, pattern in NUMBERS.items():
        if not (helpdesk == "osTicket" and question.startswith("C# 12")):  # no number: "," and "F#,"
            assert re.search(pattern, found) is None, helpdesk


# Attachment


@pytest.mark.parametrize("text", ["plain", "ü 🔑", "x" * 3000])
def test_conversation_as_a_text_file(write: Callable[..., bytes], text: str) -> None:
    """The same JSON, letter for letter, under a name and a type that every helpdesk accepts."""
    pairs = [QuestionAnswer("Q", text)]
    (found,) = read(write(letterhead=replace(LETTERHEAD, attach_json="txt"), pairs=pairs)).iter_attachments()
    assert (found.get_filename(), found.get_content_type()) == ("conversation.txt", "text/plain")
    assert found.get_content_disposition() == "attachment"
    (as_json,) = read(write(pairs=pairs)).iter_attachments()
    differing = ("created_at",)
    documents = [json.loads(one.get_content()) for one in (found, as_json)]
    assert [{key: document[key] for key in document if key not in differing} for document in documents] == [
        {key: documents[0][key] for key in documents[0] if key not in differing}
    ] * 2
    assert documents[0]["conversation"][0]["answer"] == text


def test_text_file_that_is_too_large_is_named(write: Callable[..., bytes]) -> None:
    """The mail names the file that it should have had."""
    letterhead = replace(LETTERHEAD, attach_json="txt")
    message = read(write(letterhead=letterhead, pairs=[QuestionAnswer("Q", '"' * 900_000)]))
    assert [file.get_filename() for file in message.iter_attachments()] == ["whole-conversation.txt"]
    text = " ".join(message.get_body(("plain",)).get_content().split())  # type: ignore[union-attr]
    assert "conversation.txt is too large for this mail." in text
    assert "The attached whole-conversation.txt has the whole conversation." in text
