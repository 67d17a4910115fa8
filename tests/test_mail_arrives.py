"""From the visitor's form to the mail in the agents' mailbox: over real HTTP, SQLite and SMTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.hooks import Visitor
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.tables import transcript
from flask_kapa_handoff.storage.tickets import Status
from tests.helpers.couriers import deliver
from tests.helpers.deliveries import look_up, make_due
from tests.helpers.mails import CONVERSATION, send
from tests.helpers.offers import signed_offer
from tests.helpers.pages import json_of
from tests.helpers.servers import MailServer, Received
from tests.helpers.tickets import send_ticket, ticket_fields


@pytest.fixture
def make_site(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """Builds apps that send to the mail server of the test, in the request."""

    def build(**config: Any) -> Flask:
        return make_app(**{"MAIL_PORT": mail_server.port, "KAPA_HANDOFF_DELIVERY": "inline", **config})

    return build


def attachment(mail: Received) -> Any:
    *_, found = mail.message.iter_attachments()
    assert found.get_filename() == "conversation.json"
    return json.loads(found.get_content())


# A mail


def test_a_mail_arrives(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """The mail goes to the desk alone, comes from the site, and an answer to it goes to the visitor."""
    reference = send(make_site(KAPA_HANDOFF_SITE_NAME="Docs & more"))
    (mail,) = mail_server.received
    assert mail.recipients == ["support@example.com"]
    assert mail.sender == "site@example.com"
    message = mail.message
    assert not message.defects
    assert message.get_all("To") == ["support@example.com"]
    assert message["From"].addresses[0].addr_spec == "site@example.com"
    assert message["Reply-To"] == "visitor@example.com"
    assert message["Subject"] == f"[Docs & more] {reference}: How do I rotate a key?"
    assert message["X-Kapa-Handoff-Ticket"] == reference
    assert message["X-Kapa-Handoff-Desk"] == "default"
    assert message["X-Kapa-Handoff-Triggers"] == "always"
    for absent in ("Cc", "Bcc", "Precedence", "Auto-Submitted", "In-Reply-To"):
        assert absent not in message


def test_message_id_and_date_are_the_tickets(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Message-ID and Date are the stored ticket's, so that a repeated mail is recognised as the same."""
    app = make_site()
    ticket = look_up(app, send(app))
    (mail,) = mail_server.received
    assert mail.message["Message-ID"] == f"<{ticket.id}@example.com>"
    assert mail.message["Date"].datetime == ticket.created_at.replace(microsecond=0)


def test_retries_are_the_same_mail(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A mail that is sent again after an error, hours later, has the Message-ID and Date of the first."""
    mail_server.replies["DATA"] = ["451 try again"]
    app = make_site()
    reference = send(app)
    ticket = look_up(app, reference)
    assert (ticket.status, ticket.last_error) == (Status.QUEUED, "451 try again")
    make_due(app, reference)
    assert deliver(app).status is Status.DELIVERED
    (mail,) = mail_server.received
    assert mail.message["Message-ID"] == f"<{ticket.id}@example.com>"
    assert mail.message["Date"].datetime == ticket.created_at.replace(microsecond=0)


def test_follow_up_joins_the_thread(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """A second ticket of a conversation answers the first one's mail; one of another conversation does not."""
    app = make_site()
    send(app, facts={"thread_id": "one"})
    send(app, facts={"thread_id": "two"})
    send(app, facts={"thread_id": "one"})
    first, other, second = (mail.message for mail in mail_server.received)
    assert second["In-Reply-To"] == first["Message-ID"]
    assert second["References"].split() == [first["References"], first["Message-ID"]]
    assert other["References"] != first["References"]
    assert "In-Reply-To" not in first
    assert "In-Reply-To" not in other


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_texts_say_everything(make_site: Callable[..., Flask], mail_server: MailServer, kind: str) -> None:
    """Text and HTML have the note, address, page, reason and reference, and each pair with all its marks."""
    app = make_site(KAPA_HANDOFF_TRIGGERS="uncertainty, downvote")
    facts = {"uncertain": "true", "downvoted": "true", "answer_id": "a3"}
    reference = send(app, note="Bitte schnell!\n\nDanke, Jürgen", facts=facts)
    text = mail_server.received[0].body(kind)
    for words in (
        "Bitte schnell!",
        "Danke, Jürgen",
        "visitor@example.com",
        "https://docs.example.com/keys",
        "the answer was flagged as uncertain or was incomplete; the visitor voted the answer down",
        reference,
        "The visitor's browser sent this transcript"
        if kind == "plain"
        else "The visitor&#39;s browser sent this transcript",
        "Key guide",
        "urn:isbn:123",
        "本当に? حقا؟ 🔑👩‍💻",
    ):
        assert words in text or words.replace("&#39;", "'") in text
    places = [text.rindex(pair["question"]) for pair in CONVERSATION]
    assert places == sorted(places)
    first, second, third = text[places[0] : places[1]], text[places[1] : places[2]], text[: places[0]]
    assert "oted up" in first
    assert "docs.example.com/keys?a=1&" in first
    assert "lagged as uncertain" in second
    assert "oted down" in second
    third = third[third.index("Asked for help here") :]
    assert "oted" not in third
    assert "Dienstag" in third
    assert text.index("Bitte schnell!") < text.index("Asked for help here")


def test_html_renders_the_answers(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """In the HTML part answers are rendered, links work, and what is no web address is text."""
    send(make_site())
    html = mail_server.received[0].body("html")
    assert ">keys rotate</code>" in html
    assert "<strong>the guide</strong>" in html
    assert ">Dienstag</td>" in html
    assert 'href="https://docs.example.com/keys?a=1&amp;b=2"' in html
    assert 'href="urn:' not in html
    assert 'href="mailto:visitor@example.com"' in html


def test_text_part_is_complete_on_its_own(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """The plain text has the answers letter for letter, quoted, and the addresses of the sources."""
    send(make_site())
    text = mail_server.received[0].body("plain").replace("\r\n", "\n")
    for pair in CONVERSATION:
        assert as_quoted(pair["question"]) in text
        assert as_quoted(pair["answer"]) in text
        for source in pair["sources"]:
            assert f"{source['title']}: {source['url']}" in text


def test_attachment_equals_what_is_stored(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """conversation.json is the stored conversation, which is the one that was sent."""
    app = make_site()
    ticket = look_up(app, send(app))
    with state_of(app).database.read() as connection:
        stored = connection.execute(
            select(transcript.c.conversation).where(transcript.c.ticket_id == ticket.id)
        ).scalar_one()
    document = attachment(mail_server.received[0])
    assert document["conversation"] == json.loads(stored) == CONVERSATION
    assert document["reference"] == ticket.reference
    assert document["email"] == "visitor@example.com"


def test_attachment_off(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """KAPA_HANDOFF_ATTACH_JSON=False leaves the attachment out."""
    send(make_site(KAPA_HANDOFF_ATTACH_JSON=False))
    assert list(mail_server.received[0].message.iter_attachments()) == []


def test_keys_of_the_mail_reach_it(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """The site's subject, its sender's own name, and the conversation as a text file."""
    keys = {"SUBJECT": "{desk} {question}", "SENDER_NAMES_VISITOR": False, "ATTACH_JSON": "txt"}
    send(make_site(**{f"KAPA_HANDOFF_{key}": value for key, value in keys.items()}))
    message = mail_server.received[0].message
    assert message["From"] == "Site <site@example.com>"
    assert message["Subject"] == "default How do I rotate a key?"
    assert [one.get_filename() for one in message.iter_attachments()] == ["conversation.txt"]


@pytest.mark.parametrize(("wanted", "header"), [(True, "auto-generated"), (False, None)])
def test_auto_submitted(
    make_site: Callable[..., Flask], mail_server: MailServer, wanted: bool, header: str | None
) -> None:
    """KAPA_HANDOFF_AUTO_SUBMITTED adds the header that several helpdesks suspend."""
    send(make_site(KAPA_HANDOFF_AUTO_SUBMITTED=wanted))
    assert mail_server.received[0].message["Auto-Submitted"] == header


def test_no_note_no_page(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Without a note and a page the mail has no empty lines or labels for them."""
    app = make_site()
    client = app.test_client()
    send_ticket(client, note=None)
    text, html = (mail_server.received[0].body(kind) for kind in ("plain", "html"))
    assert "None" not in text
    assert "None" not in html
    assert "Page" not in text
    assert "Page" not in html


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_sites_own_record_and_signed_in_visitor(
    make_site: Callable[..., Flask], mail_server: MailServer, kind: str
) -> None:
    """A transcript that the site has on record is called that, and a signed-in visitor has a name."""
    handoff = KapaHandoff()

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        return Conversation((QuestionAnswer(f"What is said in {thread_id}?", "This."),))

    @handoff.visitor_loader
    def visitor() -> Visitor:
        return Visitor("ada@example.org", "Ada Łovelace")

    app = make_site(handoff=handoff)
    client = app.test_client()
    send_ticket(client, offer=signed_offer(client, thread_id="th-7"), conversation=None, email="other@example.net")
    (mail,) = mail_server.received
    assert mail.message["Reply-To"] == "ada@example.org"
    assert "Ada Łovelace" in mail.body(kind)
    assert "What is said in th-7?" in mail.body(kind)
    assert "own record" in mail.body(kind)


# Difficult text


DIFFICULT = {
    "dots": ".\r\n..\r\n.a\r\n\r\n.\r\n",
    "from": "From the start\n>From quoted\nFrom: x@example.com\nSubject: forged\n\nBcc: evil@example.com",
    "long line": "x" * 5000,
    "long words": ("ä" * 997 + " ") * 5,
    "right to left": "مرحبا \u202eabc\u202c שלום",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 \U0001f9d1\U0001f3fd",
    "markup": "</pre></div><script>alert(1)</script> {{ 7 * 7 }} {% raw %} %s %(x)s",
    "mime": "--=_0\r\nContent-Type: text/html\r\n\r\n<b>forged</b>\r\n--=_0--",
    "controls": "a\x00b\x07c\x0bd\x0ce\x1bf\x7fg\x85h\u2028i\u2029j",
    "surrogates": "a\ud83d b \udc80",
    "end of data": "\r\n.\r\nMAIL FROM:<evil@example.com>\r\n",
}


@pytest.mark.parametrize("name", DIFFICULT)
def test_difficult_text_arrives(make_site: Callable[..., Flask], mail_server: MailServer, name: str) -> None:
    """Whatever was typed, one mail arrives, 7-bit, with CRLF and short lines, and has the text as stored."""
    text = DIFFICULT[name]
    app = make_site()
    client = app.test_client()
    body = {
        "offer": signed_offer(client),
        "submission_id": "0b9cbe7e-2c6c-4b4c-8f43-40d1c8a8d000",
        "email": "visitor@example.com",
        "note": text[:5000],
        "conversation": [
            {"question": text, "answer": text, "sources": [{"title": text, "url": "https://e.example/"}]}
        ],
    }
    assert client.post("/handoff/tickets", json=body).status_code == 201
    (mail,) = mail_server.received
    assert mail.recipients == ["support@example.com"]
    assert_carriable(mail)
    stored = attachment(mail)["conversation"][0]
    assert len(stored["question"]) >= len(text.replace("\r\n", "\n")) - 12
    plain = mail.body("plain").replace("\r\n", "\n")
    assert as_quoted(stored["question"]) in plain
    assert as_quoted(stored["answer"]) in plain
    assert "<script" not in mail.body("html")
    assert "{{ 7 * 7 }}" in plain or "{{" not in text


def as_quoted(text: str) -> str:
    """A text as the plain part has it: each line quoted, and no bidirectional controls."""
    lines = re.split("[\n\u2028\u2029]", re.sub("[\u202a-\u202e]", "", text).rstrip("\n"))
    return "\n".join(f"| {line}" for line in lines)


def assert_carriable(mail: Received) -> None:
    """Every server accepts it: RFC 5321, 4.5.3.1.6 and 2.3.8."""
    assert mail.data.isascii()
    assert max(map(len, mail.data.split(b"\r\n"))) <= 998
    assert b"\n" not in mail.data.replace(b"\r\n", b"")
    assert b"\r" not in mail.data.replace(b"\r\n", b"")
    assert not mail.message.defects
    names = [name.lower() for name in mail.message]
    assert len(names) == len(set(names))
    assert not {"bcc", "cc"} & set(names)


@pytest.mark.parametrize("unit", ["word ", "x", "ü🔑\n", "* item with `code`\n", ".\n"])
def test_large_answers_arrive(make_site: Callable[..., Flask], mail_server: MailServer, unit: str) -> None:
    """Answers of 100 kB arrive whole: in a file, since programs would cut them off, with the beginning in the mail."""
    answer = (unit * 100_000)[: 100_000 // len(unit.encode()) * len(unit)]
    send(make_site(), [{"question": "Long?", "answer": answer}, {"question": "Again?", "answer": answer}])
    (mail,) = mail_server.received
    assert_carriable(mail)
    assert [pair["answer"] for pair in attachment(mail)["conversation"]] == [answer] * 2
    whole, _ = mail.message.iter_attachments()
    assert whole.get_filename() == "conversation.html"
    for letter in unit.strip("*.\n` "):
        assert whole.get_content().count(letter) >= 2 * answer.count(letter)
    assert as_quoted(answer[:2_500]) in mail.body("plain").replace("\r\n", "\n")
    assert "The attached conversation.html has the whole conversation." in mail.body("html")


@pytest.mark.parametrize(
    "line_end", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"], ids=ascii
)
def test_question_forges_no_header(make_site: Callable[..., Flask], mail_server: MailServer, line_end: str) -> None:
    """A question that becomes the subject adds no header, no recipient and no body."""
    question = f"Help{line_end}Bcc: evil@example.net{line_end}{line_end}forged =?UTF-8?Q?=0A?=Cc: e@example.net"
    send(make_site(), [{"question": question, "answer": "No."}])
    (mail,) = mail_server.received
    assert mail.recipients == ["support@example.com"]
    assert_carriable(mail)
    assert "evil@example.net" in mail.message["Subject"]
    assert len(mail.message["Subject"].splitlines()) == 1
    assert sorted(mail.message.keys()) == [
        "Content-Type",
        "Date",
        "From",
        "MIME-Version",
        "Message-ID",
        "References",
        "Reply-To",
        "Subject",
        "To",
        "X-Kapa-Handoff-Desk",
        "X-Kapa-Handoff-Ticket",
        "X-Kapa-Handoff-Triggers",
    ]


@pytest.mark.parametrize(
    "name", ["docs\x0bBcc: evil@example.net", "docs\r\nBcc: evil@example.net", "=?UTF-8?Q?=0A?=x"]
)
def test_apps_name_forges_no_header(make_site: Callable[..., Flask], mail_server: MailServer, name: str) -> None:
    """The app's own name, which stands in for a missing KAPA_HANDOFF_SITE_NAME, adds no header either."""
    app = make_site()
    app.name = name
    send(app)
    assert_carriable(mail_server.received[0])
    assert len(mail_server.received[0].message["Subject"].splitlines()) == 1


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "jö@example.com",
        "用户@example.com",
        "a@b@c",
        "a@example.com\r\nBcc: evil@example.net",
        "a@example.com\x0bBcc: evil@example.net",
        "a@example.com, b@example.com",
        "Name <a@example.com>",
        "a\u202e@example.com",
        "a\u200b@example.com",
        "a@exam\u200bple.com\n",
        "a",
        " ",
    ],
    ids=ascii,
)
def test_address_that_mail_cannot_carry_is_a_field_error(make_site: Callable[..., Flask], address: str) -> None:
    """An address that cannot be answered is refused at the field, in words, before anything is stored."""
    app = make_site()
    client = app.test_client()
    fields = ticket_fields(client, email=address)
    answer = client.post("/handoff/tickets", data=fields, headers={"Accept": "application/json"})
    if answer.status_code == 201:  # harmless once the edges were trimmed
        assert look_up(app, json_of(answer)["reference"]).visitor_email.isascii()
        return
    assert answer.status_code == 422
    assert list(json_of(answer)["error"]["fields"]) == ["email"]
    assert json_of(answer)["error"]["fields"]["email"][0]


@pytest.mark.parametrize(
    "address",
    [
        "o'brien+docs=x&y@example.com",
        "{a}~b!c@example.com",
        "a/b?c@example.com",
        "VISITOR@Example.COM",
        "a@bücher.example",
    ],
)
def test_unusual_addresses_are_answered(
    make_site: Callable[..., Flask], mail_server: MailServer, address: str
) -> None:
    """An address with unusual characters gets into Reply-To as it is; a domain in another script as punycode."""
    send(make_site(), email=address)
    expected = {"VISITOR@Example.COM": "VISITOR@example.com", "a@bücher.example": "a@xn--bcher-kva.example"}
    assert mail_server.received[0].message["Reply-To"] == expected.get(address, address)


@pytest.mark.parametrize("address", ["=?UTF-8?Q?=0A?=@example.com", "=?utf-8?q?x?=@example.com"])
def test_address_like_an_encoded_word_loses_no_ticket(
    make_site: Callable[..., Flask], mail_server: MailServer, address: str
) -> None:
    """An address that headers cannot carry is refused at the field; its ticket does not fail silently later."""
    app = make_site()
    client = app.test_client()
    answer = client.post(
        "/handoff/tickets", data=ticket_fields(client, email=address), headers={"Accept": "application/json"}
    )
    if answer.status_code == 422:
        assert list(json_of(answer)["error"]["fields"]) == ["email"]
    else:
        assert look_up(app, json_of(answer)["reference"]).status is Status.DELIVERED
