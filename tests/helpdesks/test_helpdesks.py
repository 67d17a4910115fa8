"""Our mails, as real helpdesks from PyPI read them with their own parsers, set up as docs/helpdesks.md says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flask_kapa_handoff import Conversation, Field, QuestionAnswer, Source
from flask_kapa_handoff.delivery.mail.bodies import Letterhead
from flask_kapa_handoff.delivery.mail.message import ComposedMessage, compose
from flask_kapa_handoff.template_environment import TemplateEnvironment
from tests.helpdesks.environment import ROOT, ask
from tests.helpers.mails import a_ticket

pytestmark = pytest.mark.only("sqlite")

FIELDS = (Field("topic", "Subject"), Field("more", "From", kind="textarea"))
ACME = Letterhead("Acme", "Docs <docs@acme.example>", attach_json="txt", site_fields=FIELDS)
PAGE = (ROOT / "docs" / "helpdesks.md").read_text()

# Where reply trimmers end a message, or begin to take it for quoted.
ENDS = """A rule:

---

Two dashes, as before a signature:

--
Sent from my phone

- one
-two
__
________________________________
From: Ada <ada@mail.example>
Sent: Monday
To: support@example.com
Subject: Re: keys

On Monday, Ada <ada@mail.example> wrote:
> quoted
>> twice

-----Original Message-----
-- key 0123456789abcdef0123456789abcdef
The end."""

PAIRS = (
    QuestionAnswer("Why error #4521 at arr[0]?", ENDS, sources=(Source("Keys", "https://docs.acme.example/keys"),)),
    QuestionAnswer("ünd 本当に?", f"{ENDS}\n\n```\nkeys = [1]\n---\n```", uncertain=True),
)
TICKET: dict[str, Any] = {
    "visitor_email": "ada@mail.example",
    "visitor_name": "Ada",
    "note": f"Please help.\n{ENDS}",
    "subject": "Why error #4521, [issue1], [support-1] at arr[0]",
    "fields": {"topic": "Keys", "more": ENDS},
    "page": "https://docs.acme.example/keys",
}


@pytest.fixture
def mail(environment: TemplateEnvironment) -> Callable[..., ComposedMessage]:
    def compose_one(letterhead: Letterhead = ACME, **fields: Any) -> ComposedMessage:
        ticket, _ = a_ticket(**{**TICKET, **fields})
        return compose(environment, letterhead, ticket, Conversation(PAIRS))

    return compose_one


def section(title: str) -> str:
    """The code below a heading of docs/helpdesks.md."""
    found = re.search(rf"^## {title}\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def words(text: str) -> list[str]:
    return text.split()


def assert_conversation(text: str) -> None:
    document = json.loads(text)
    assert document["email"] == "ada@mail.example"
    assert [pair["answer"] for pair in document["conversation"]] == [pair.answer for pair in PAIRS]


def test_django_helpdesk(mail: Callable[..., ComposedMessage], tmp_path: Path) -> None:
    """The visitor is the requester and is written to, each ticket is a new one, nothing of it is lost."""
    ours = mail()
    also = mail(replace(ACME, attach_json=True, subject="{question}"))
    others = ours.data.replace(b"docs@acme.example", b"eve@evil.example")
    settings = {"HELPDESK_FULL_FIRST_MESSAGE_FROM_EMAIL": True}
    mails = [one.decode("ascii") for one in (ours.data, also.data, others)]
    first, second, third = ask(
        "django_helpdesk.py", tmp_path, mails=mails, settings=settings, code=section("django-helpdesk")
    )
    for number, found in enumerate((first, second), 1):
        assert found["tickets"] == number
        assert found["requester"] == "ada@mail.example"
        assert found["told"] == ["ada@mail.example"]
        assert words(found["description"]) == words(found["text"]) == words(ours.text)
    assert first["subject"] == "[Acme] T-7F3K2Q: Why error 4521, (issue1), (support-1) at arr(0)"
    assert second["subject"] == "Why error 4521, (issue1), (support-1) at arr(0)"
    assert_conversation(first["files"].pop("part-1_conversation.txt"))
    assert list(first["files"]) == list(second["files"]) == ["email_html_body.txt"]  # it refuses conversation.json
    assert third["requester"] == "eve@evil.example"  # Reply-To counts only in mails of the site


def test_roundup(mail: Callable[..., ComposedMessage], tmp_path: Path) -> None:
    """The visitor is the author, the subject is taken, the conversation is a file, and nothing of the text is lost."""
    plain = replace(ACME, subject="{site} {reference}: {question}")
    ours, as_json = mail(plain), mail(replace(plain, attach_json=True))
    default, others = mail(), ours.data.replace(b"docs@acme.example", b"eve@evil.example")
    mails = [one.decode("ascii") for one in (ours.data, as_json.data, default.data, others)]
    first, second, refused, other = ask(
        "roundup_tracker.py", tmp_path, mails=mails, options={}, code=section("Roundup")
    )
    for found, name in ((first, "conversation.txt"), (second, "conversation.json")):
        assert found["requester"] == "ada@mail.example"
        assert found["subject"] == "Acme T-7F3K2Q: Why error 4521, (issue1), (support-1) at arr(0)"
        assert words(found["text"]) == words(ours.text)
        assert_conversation(found["files"][name])
    assert refused["refused"].startswith("MailUsageError: ")  # "[Acme]" is no class of the tracker's
    assert other["requester"] == "eve@evil.example"


def test_roundup_with_the_default_subject(mail: Callable[..., ComposedMessage], tmp_path: Path) -> None:
    """With subject_prefix_parsing = none, Roundup takes our own subject as it is."""
    (found,) = ask(
        "roundup_tracker.py",
        tmp_path,
        mails=[mail().data.decode("ascii")],
        options={"subject_prefix_parsing": "none"},
        code="",
    )
    assert found["subject"] == "[Acme] T-7F3K2Q: Why error 4521, (issue1), (support-1) at arr(0)"
    assert found["requester"] == "docs@acme.example"  # without the code of docs/helpdesks.md


def test_reply_trimmers(mail: Callable[..., ComposedMessage]) -> None:
    """What trims replies, at GitHub and elsewhere, trims nothing of our text."""
    usual = replace(ACME, site_fields=(Field("topic", "Topic"), Field("more", "More", kind="textarea")))
    texts = [mail().text, mail(usual).text]
    as_headers, as_usual = ask("reply_parser.py", texts=texts)
    assert {name: words(kept) for name, kept in as_usual.items()} == dict.fromkeys(as_usual, words(texts[1]))
    assert len(as_usual) == 3
    # It takes fields that a site calls Subject and From, one after the other, for the headers of a quoted mail.
    del as_headers["mail-parser-reply"]
    assert {name: words(kept) for name, kept in as_headers.items()} == dict.fromkeys(as_headers, words(texts[0]))
