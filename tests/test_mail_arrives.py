"""From the visitor's form to the mail in the agents' mailbox: over HTTP, SQLite and SMTP, each of them real."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.delivery import outbox
from flask_kapa_handoff.delivery.courier import Courier
from flask_kapa_handoff.state import Visitor
from flask_kapa_handoff.storage.engine import now as database_now
from flask_kapa_handoff.storage.models import ticket as ticket_table
from flask_kapa_handoff.storage.models import transcript
from flask_kapa_handoff.storage.records import Status, Ticket, find_ticket
from tests.helpers.offers import signed_offer
from tests.helpers.scripted_smtp import ScriptedServer
from tests.helpers.servers import MailServer, Received, free_port
from tests.helpers.sites import environment_of
from tests.helpers.tickets import send_ticket, ticket_fields

CONVERSATION: list[dict[str, Any]] = [
    {
        "id": "a1",
        "question": "How do I rotate a key?",
        "answer": "Run `keys rotate`. See **the guide**.",
        "sources": [
            {"title": "Key guide", "url": "https://docs.example.com/keys?a=1&b=2"},
            {"title": "A PDF", "url": "urn:isbn:123"},
        ],
        "uncertain": False,
        "reaction": "upvote",
    },
    {
        "id": "a2",
        "question": "And on Tuesdays?",
        "answer": "I am not sure.",
        "sources": [],
        "uncertain": True,
        "reaction": "downvote",
    },
    {
        "id": "a3",
        "question": "Wirklich? 本当に? حقا؟ 🔑👩‍💻",
        "answer": "Ja.\n\n| Tag | geht |\n|---|---|\n| Dienstag | nein |\n\n```sh\nkeys rotate --force\n```",
        "sources": [],
        "uncertain": False,
        "reaction": None,
    },
]


@pytest.fixture
def make_site(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """Builds apps that send to the mail server of the test, in the request."""

    def build(**config: Any) -> Flask:
        return make_app(**{"MAIL_PORT": mail_server.port, "KAPA_HANDOFF_DELIVERY": "inline", **config})

    return build


def send(app: Flask, conversation: list[dict[str, Any]] | None = None, **fields: Any) -> str:
    """Send a ticket with a conversation, by default the long one above; ``facts`` are those of the offer."""
    client = app.test_client()
    facts = {
        "pairs": len(CONVERSATION if conversation is None else conversation),
        "page": "https://docs.example.com/keys",
        **fields.pop("facts", {}),
    }
    text = json.dumps(CONVERSATION if conversation is None else conversation)
    return send_ticket(client, offer=signed_offer(client, **facts), conversation=text, **fields)


def look_up(app: Flask, reference: str) -> Ticket:
    with app.extensions["kapa_handoff"].database.read() as connection:
        ticket = find_ticket(connection, ticket_table.c.reference == reference)
    assert ticket is not None
    return ticket


def make_due(app: Flask, reference: str, **columns: str) -> None:
    """Let the ticket be due now: its waiting time, or the lease of a process that is gone, is over."""
    with app.extensions["kapa_handoff"].database.write() as connection:
        past = database_now(connection) - timedelta(seconds=1)
        changed = connection.execute(
            update(ticket_table)
            .where(ticket_table.c.reference == reference)
            .values({columns.get("column", "next_attempt_at"): past})
        )
        assert changed.rowcount == 1


def deliver(app: Flask) -> Ticket:
    courier = Courier(app, app.extensions["kapa_handoff"])
    try:
        tried = courier.deliver_next()
    finally:
        courier.close()
    assert tried is not None
    return tried


def attachment(mail: Received) -> Any:
    (found,) = mail.message.iter_attachments()
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
    assert message["From"] == "Site <site@example.com>"
    assert message["Reply-To"] == "visitor@example.com"
    assert message["Subject"] == f"[Docs & more] {reference}: How do I rotate a key?"
    assert message["X-Kapa-Handoff-Ticket"] == reference
    assert message["X-Kapa-Handoff-Desk"] == "default"
    assert message["X-Kapa-Handoff-Triggers"] == "always"
    for absent in ("Cc", "Bcc", "Precedence", "Auto-Submitted", "In-Reply-To", "References"):
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
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert "In-Reply-To" not in first
    assert "In-Reply-To" not in other


@pytest.mark.parametrize("kind", ["plain", "html"])
def test_both_texts_say_everything(make_site: Callable[..., Flask], mail_server: MailServer, kind: str) -> None:
    """Text and HTML have the note, address, page, reason and reference, and each pair with all its marks."""
    app = make_site(KAPA_HANDOFF_TRIGGERS="uncertainty, downvote")
    reference = send(app, note="Bitte schnell!\n\nDanke, Jürgen", facts={"uncertain": "true", "downvoted": "true"})
    text = mail_server.received[0].body(kind)
    for words in (
        "Bitte schnell!",
        "Danke, Jürgen",
        "visitor@example.com",
        "https://docs.example.com/keys",
        "the answer was flagged as uncertain; the visitor voted the answer down",
        reference,
        "what the visitor's browser sent" if kind == "plain" else "what the visitor&#39;s browser sent",
        "Key guide",
        "urn:isbn:123",
        "本当に? حقا؟ 🔑👩‍💻",
    ):
        assert words in text or words.replace("&#39;", "'") in text
    if kind == "html":  # the first question is the headline, too
        text = text[text.index("</h1>") :]
    places = [text.index(pair["question"]) for pair in CONVERSATION]
    assert places == sorted(places)
    first, second, third = text[places[0] : places[1]], text[places[1] : places[2]], text[places[2] :]
    assert "oted up" in first
    assert "docs.example.com/keys?a=1&" in first
    assert "lagged as uncertain" in second
    assert "oted down" in second
    assert "oted" not in third.split("Dienstag")[0]
    assert text.index("Bitte schnell!") < places[0]


def test_html_renders_the_answers(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """In the HTML part answers are rendered, links work, and what is no web address is text."""
    send(make_site())
    html = mail_server.received[0].body("html")
    assert "<code>keys rotate</code>" in html
    assert "<strong>the guide</strong>" in html
    assert "<td>Dienstag</td>" in html
    assert 'href="https://docs.example.com/keys?a=1&amp;b=2"' in html
    assert 'href="urn:' not in html
    assert 'href="mailto:visitor@example.com"' in html


def test_text_part_is_complete_by_itself(make_site: Callable[..., Flask], mail_server: MailServer) -> None:
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
    with app.extensions["kapa_handoff"].database.read() as connection:
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
    return "\n".join(f"> {line}" for line in lines)


def assert_carriable(mail: Received) -> None:
    """What every server takes: RFC 5321, 4.5.3.1.6 and 2.3.8."""
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
    """Answers of 100 kB arrive whole."""
    answer = (unit * 100_000)[: 100_000 // len(unit.encode()) * len(unit)]
    send(make_site(), [{"question": "Long?", "answer": answer}, {"question": "Again?", "answer": answer}])
    (mail,) = mail_server.received
    assert_carriable(mail)
    assert [pair["answer"] for pair in attachment(mail)["conversation"]] == [answer] * 2
    assert mail.body("plain").replace("\r\n", "\n").count(as_quoted(answer.strip())) >= 2


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
        assert look_up(app, answer.json["reference"]).visitor_email.isascii()
        return
    assert answer.status_code == 422
    assert list(answer.json["error"]["fields"]) == ["email"]
    assert answer.json["error"]["fields"]["email"][0]


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
        assert list(answer.json["error"]["fields"]) == ["email"]
    else:
        assert look_up(app, answer.json["reference"]).status is Status.DELIVERED


# The mail server is away


def test_nothing_is_lost_while_smtp_is_down(make_app: Callable[..., Flask]) -> None:
    """With nothing listening the visitor still gets a reference; the mail arrives once the server is back."""
    port = free_port()
    app = make_app(MAIL_PORT=port)
    reference = send(app)
    assert deliver(app).status is Status.QUEUED
    server = MailServer(port).start()
    try:
        assert Courier(app, app.extensions["kapa_handoff"]).deliver_next() is None  # not due yet
        make_due(app, reference)
        assert deliver(app).status is Status.DELIVERED
        assert [mail.message["X-Kapa-Handoff-Ticket"] for mail in server.received] == [reference]
    finally:
        server.stop()


SERVING_PROCESS = """
import sys
from flask import Flask
from werkzeug.serving import make_server
from flask_kapa_handoff import KapaHandoff

app = Flask("site", instance_path=sys.argv[2])
app.config.update(SECRET_KEY="a secret of this test", KAPA_HANDOFF_EMAIL="support@example.com",
                  MAIL_DEFAULT_SENDER="Site <site@example.com>", MAIL_PORT=int(sys.argv[1]))
app.config.from_prefixed_env()
KapaHandoff(app)
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def serving(smtp_port: int, app: Flask) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A web server in a process of its own, killed at the end without a chance to tidy up."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVING_PROCESS, str(smtp_port), app.instance_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={**environment_of(app), "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    with process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}", process
        finally:
            process.send_signal(signal.SIGKILL)


def post_ticket(url: str, app: Flask) -> str:
    """Send a ticket over the network; gives its reference."""
    fields = ticket_fields(app.test_client())
    body = {**fields, "conversation": CONVERSATION}
    request = urllib.request.Request(  # noqa: S310
        f"{url}/handoff/tickets", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status == 201
        document = json.load(answer)
    assert document["status"] == "queued"
    reference: str = document["reference"]
    return reference


def wake(url: str) -> None:
    with urllib.request.urlopen(f"{url}/handoff/offer?pairs=1", timeout=20) as answer:  # noqa: S310
        assert answer.status == 200


def wait_for_tries(app: Flask, reference: str, count: int) -> None:
    """Wait until the other process has recorded the end of so many tries; the database has no signal for that."""
    deadline, pause = datetime.now(timezone.utc) + timedelta(seconds=20), threading.Event()
    while (ticket := look_up(app, reference)).attempts < count or ticket.status is Status.SENDING:
        assert datetime.now(timezone.utc) < deadline, ticket
        pause.wait(0.02)


def test_ticket_survives_outage_and_kill(make_app: Callable[..., Flask]) -> None:
    """SMTP is down, the process is killed, another one is started, SMTP comes back: the mail arrives, once."""
    smtp_port = free_port()
    app = make_app()  # looks into the same database
    with serving(smtp_port, app) as (url, _):
        reference = post_ticket(url, app)
        wait_for_tries(app, reference, 1)
    ticket = look_up(app, reference)
    assert ticket.status is Status.QUEUED
    assert "refused" in (ticket.last_error or "")

    server = MailServer(smtp_port).start()
    try:
        make_due(app, reference)
        with serving(smtp_port, app) as (url, _):
            wake(url)
            (mail,) = server.wait_for(1)
            wait_for_tries(app, reference, 2)
        assert mail.message["X-Kapa-Handoff-Ticket"] == reference
        assert mail.message["Message-ID"] == f"<{ticket.id}@example.com>"
        assert look_up(app, reference).status is Status.DELIVERED
        assert outbox.claim(app.extensions["kapa_handoff"].database, 30) is None
    finally:
        server.stop()


def test_kill_in_the_middle_of_a_mail(make_app: Callable[..., Flask]) -> None:
    """A process that is killed in mid-mail leaves the ticket to the next one, under the same Message-ID."""
    app = make_app()
    first: list[subprocess.Popen[str]] = []

    def die_here() -> str:
        first[0].send_signal(signal.SIGKILL)
        return "250 taken"

    with ScriptedServer({"END": [die_here]}) as server:
        with serving(server.port, app) as (url, process):
            first.append(process)
            reference = post_ticket(url, app)
            server.wait_for(lambda: "END" in server.verbs())
            process.wait(20)
        assert look_up(app, reference).status is Status.SENDING
        make_due(app, reference, column="leased_until")
        with serving(server.port, app) as (url, _):
            wake(url)
            server.wait_for(lambda: server.verbs().count("END") == 2)
            wait_for_tries(app, reference, 2)
        assert look_up(app, reference).status is Status.DELIVERED
        copies = [message_from_bytes(mail, policy=policy.default) for mail in server.mails]
    assert len({copy["Message-ID"] for copy in copies}) == 1
    assert [copy["X-Kapa-Handoff-Ticket"] for copy in copies] == [reference] * 2
