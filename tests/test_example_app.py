"""The example: a documentation site that a stranger starts with one command and tries the whole way."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import signal
import smtplib
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from example_app import create_app, kept_secret
from example_app.__main__ import listen
from example_app.documentation import load_pages
from example_app.inbox import mail_folder
from example_app.kapa_bundle import bundle
from example_app.kapa_chat import SCRIPT
from example_app.mail_server import MailServer, start_mail_server
from example_app.search import answer
from tests.helpers.sites import close

ROOT = Path(__file__).parent.parent
HTMX = {"HX-Request": "true"}
PASSWORD = "correct horse"


@pytest.fixture
def mail_server(tmp_path: Path) -> Iterator[MailServer]:
    server = start_mail_server(mail_folder(tmp_path))
    yield server
    server.stop()


@pytest.fixture
def app(tmp_path: Path, mail_server: MailServer) -> Iterator[Flask]:
    app = create_app(
        {
            "INSTANCE_PATH": str(tmp_path),
            "MAIL_PORT": mail_server.port,
            "ADMIN_PASSWORD": PASSWORD,
            "KAPA_CHAT_SECONDS": 0,
            "KAPA_HANDOFF_DELIVERY": "inline",
        }
    )
    yield app
    close(app)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class _Markup(HTMLParser):
    """What a test wants to know about a page: its links, its ids, its forms' fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.fields: dict[str, str] = {}
        self.buttons: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.links += [values[name] for name in ("href", "src") if name in values]
        self.ids.add(values.get("id", ""))
        if tag == "input" and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")
        if tag == "button":
            self.buttons.append(values)

    @property
    def answers(self) -> list[str]:
        return sorted(found.removeprefix("answer-") for found in self.ids if found.startswith("answer-"))

    @property
    def offers_a_ticket(self) -> bool:
        return any("data-kapa-handoff-open" in button for button in self.buttons)


def ask(client: FlaskClient, question: str, thread: str = "") -> TestResponse:
    response = client.post("/ask/", data={"question": question, "thread": thread}, follow_redirects=True)
    assert response.status_code == 200
    return response


def sign_in(client: FlaskClient, password: str = PASSWORD, address: str = "/login") -> TestResponse:
    token = _Markup(client.get("/login").text).fields["csrf_token"]
    return client.post(address, data={"user": "admin", "password": password, "csrf_token": token})


def test_every_page_answers_and_every_link_on_it_leads_somewhere(client: FlaskClient) -> None:
    bundle(SCRIPT)  # raises what to do where Node.js is missing
    pages: dict[str, _Markup | None] = {}
    anchors: list[tuple[str, str, str]] = []
    waiting = deque([("/", "")])
    while waiting:
        address, origin = waiting.popleft()
        if address in pages:
            continue
        with client.get(address, follow_redirects=True) as response:
            assert response.status_code == 200, f"{address}, linked from {origin}"
            is_page = response.mimetype == "text/html" and not address.startswith("/handoff/")
            found = pages[address] = _Markup(response.text) if is_page else None
        for link in found.links if found else []:
            target = urlsplit(urljoin(f"http://localhost{address}", link))
            if target.netloc == "localhost":
                whole = target.path + (f"?{target.query}" if target.query else "")
                waiting.append((whole, address))
                anchors.append((whole, target.fragment, address))
    assert {f"/docs/{slug}" for slug in load_pages()} < pages.keys()
    assert {"/ask/", "/inbox/", "/login"} < pages.keys()
    for target_page, fragment, origin in anchors:
        page = pages[target_page]
        assert not fragment or (page and fragment in page.ids), f"{target_page}#{fragment}, linked from {origin}"


def test_the_pages_are_real_documentation() -> None:
    pages = load_pages()
    assert len(pages) >= 12
    assert {path.stem for path in (ROOT / "example_app/pages").glob("*.md")} == set(pages)
    for page in pages.values():
        assert 250 <= len(page.markdown.split()) <= 550, page.slug
        assert len(page.sections) >= 4, page.slug
        hosts = re.findall(r"https?://([\w.-]+)", page.markdown)
        assert all(host.endswith("example.com") or host == "localhost" for host in hosts), page.slug


CERTAIN = [
    ("How do I restore a single file?", "restoring-files#restore-a-single-file"),
    ("What does the Team plan cost?", "pricing-and-licences#editions-and-what-they-cost"),
    ("Which port does the keeper use?", "installation#firewall-and-ports"),
    ("How do I limit the bandwidth?", "configuration#limiting-bandwidth"),
    ("I forgot my passphrase!", "security#lost-passphrase"),
    ("Can I back up a PostgreSQL database?", "schedules-and-retention#hooks"),
    ("What are the system requirements?", "installation#system-requirements"),
    ("Can I get a refund?", "pricing-and-licences#cancelling-a-subscription"),
    ("Is there a mobile app?", "faq#is-there-an-app-for-phones"),
    ("My agent is offline", "troubleshooting#the-agent-is-shown-as-offline"),
    ("How do I upgrade from version 2?", "upgrading#from-version-2-to-version-3"),
    ("How do I exclude node_modules?", "schedules-and-retention#excluding-files"),
    ("Does it protect me against ransomware?", "faq#does-it-protect-against-ransomware"),
    ("What do the exit codes mean?", "command-line#exit-codes"),
    ("How do I create an API token?", "api#authentication"),
    ("Is my data encrypted?", "security#encryption"),
    ("How long are snapshots kept?", "schedules-and-retention#how-long-snapshots-are-kept"),
    ("Can I get alerts in Slack?", "notifications#slack-and-microsoft-teams"),
]
UNCERTAIN = [
    "Will it rain tomorrow?",
    "Who won the football world cup?",
    "How do I bake sourdough bread?",
    "Can I pay with bitcoin?",
    "Do you have a Kubernetes operator?",
    "What is the capital of France?",
    "Can I run it on FreeBSD?",
    "hello",
    "is it?",
]


@pytest.mark.parametrize(("question", "source"), CERTAIN)
def test_a_question_that_the_pages_answer_is_answered_from_the_right_section(question: str, source: str) -> None:
    found = answer(question)
    assert (found.sections[0].slug, found.sections[0].anchor) == tuple(source.split("#"))
    assert not found.uncertain


@pytest.mark.parametrize("question", UNCERTAIN)
def test_a_question_that_the_pages_do_not_answer_is_flagged_as_uncertain(question: str) -> None:
    assert answer(question).uncertain


@pytest.mark.parametrize(
    "question",
    [
        '"', '""', "'", "*", "(", ")", "^", "NEAR(a b)", "AND", "OR NOT", "text:restore", "restore*", "-restore",
        "{page heading}: x", "a\0b", "___", "; DROP TABLE section; --", "<script>alert(1)</script>", "\ud83d",
        "日本語でバックアップ", "\u202e\u200b", "restore " * 1_250, "x" * 10_000, "🦔" * 3_000, "%s%n{{7*7}}",
    ],
)  # fmt: skip
def test_hostile_questions_get_an_answer(client: FlaskClient, question: str) -> None:
    page = ask(client, question.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    assert len(_Markup(page.text).answers) == 1
    assert "<script>alert" not in page.text


@pytest.mark.parametrize("question", ["", "  \n\t ", "\0"])
def test_an_empty_question_changes_nothing(client: FlaskClient, question: str) -> None:
    assert _Markup(ask(client, question).text).answers == []
    assert client.post("/ask/").status_code == 303


def test_an_answer_names_its_sources_with_addresses_that_work_in_a_mail(client: FlaskClient) -> None:
    page = _Markup(ask(client, "How do I restore a single file?").text)
    assert "http://localhost/docs/restoring-files#restore-a-single-file" in page.links


def test_links_within_an_answer_are_absolute(client: FlaskClient) -> None:
    page = _Markup(ask(client, "The disk of the vault is full").text)
    assert "http://localhost/docs/schedules-and-retention#pruning" in page.links
    assert not [link for link in page.links if ".md" in link]


def test_a_conversation_goes_on_in_its_thread_and_the_third_answer_offers_a_ticket(client: FlaskClient) -> None:
    thread = ""
    offered = []
    for question in ("How do I restore a single file?", "What are the exit codes?", "Is my data encrypted?"):
        page = _Markup(ask(client, question, thread).text)
        thread = page.fields["thread"]
        offered.append(page.offers_a_ticket)
    assert len(page.answers) == 3
    assert offered == [False, False, True]


def test_with_htmx_only_the_new_answer_and_what_it_changes_are_sent(client: FlaskClient) -> None:
    first = _Markup(ask(client, "Will it rain tomorrow?").text)
    assert first.offers_a_ticket
    response = client.post(
        "/ask/", data={"question": "Is my data encrypted?", "thread": first.fields["thread"]}, headers=HTMX
    )
    new = _Markup(response.text)
    assert "<html" not in response.text
    assert len(new.answers) == 1
    assert f"footer-{first.answers[0]}" in new.ids, "the earlier answer gives its button up"
    assert not new.offers_a_ticket


def test_a_thread_that_does_not_exist_begins_a_new_one(client: FlaskClient) -> None:
    assert client.get("/ask/no-such-thread").status_code == 404
    page = _Markup(ask(client, "Is my data encrypted?", "no-such-thread").text)
    assert len(page.fields["thread"]) >= 20
    assert page.fields["thread"] != "no-such-thread"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["without script", "htmx"])
def test_a_vote_down_offers_a_ticket_until_it_is_taken_back(client: FlaskClient, headers: dict[str, str]) -> None:
    first = _Markup(ask(client, "Is my data encrypted?").text)
    thread, answer_id = first.fields["thread"], first.answers[0]
    second = _Markup(ask(client, "What are the exit codes?", thread).text)
    assert not second.offers_a_ticket

    def vote(reaction: str) -> _Markup:
        data = {"answer": answer_id, "reaction": reaction}
        response = client.post(f"/ask/{thread}/vote", data=data, headers=headers, follow_redirects=True)
        assert ("<html" in response.text) == (not headers)
        return _Markup(response.text)

    def pressed(page: _Markup) -> list[str]:
        return [button["id"] for button in page.buttons if button.get("aria-pressed") == "true"]

    down = vote("downvote")
    assert down.offers_a_ticket
    assert pressed(down) == [f"downvote-{answer_id}"]
    up = vote("upvote")
    assert not up.offers_a_ticket
    assert pressed(up) == [f"upvote-{answer_id}"]
    assert pressed(vote("")) == []


def test_a_vote_that_makes_no_sense_is_refused(client: FlaskClient) -> None:
    page = _Markup(ask(client, "Is my data encrypted?").text)
    thread, answer_id = page.fields["thread"], page.answers[0]
    for data, address, status in (
        ({"answer": answer_id, "reaction": "sideways"}, thread, 400),
        ({"answer": "other", "reaction": "upvote"}, thread, 404),
        ({"answer": answer_id, "reaction": "upvote"}, "no-such-thread", 404),
    ):
        assert client.post(f"/ask/{address}/vote", data=data).status_code == status


def test_a_visitor_gets_no_cookie(client: FlaskClient) -> None:
    page = ask(client, "Will it rain tomorrow?")
    responses = [client.get(address) for address in ("/", "/docs/faq", "/ask/", "/kapa/", "/inbox/", "/no-such-page")]
    for response in [page, *page.history, *responses]:
        assert "Set-Cookie" not in response.headers


def test_every_response_carries_a_strict_content_security_policy(client: FlaskClient) -> None:
    for address in ("/", "/docs/faq", "/ask/", "/kapa/", "/inbox/", "/login", "/no-such-page", "/static/site.css"):
        response = client.get(address)
        response.close()
        policy = response.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self'; ")
        assert "unsafe" not in policy
        assert "http" not in policy
        if response.mimetype == "text/html":
            assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", response.text), address


def test_with_a_website_id_the_pages_carry_kapas_widget(tmp_path: Path) -> None:
    app = create_app({"INSTANCE_PATH": str(tmp_path), "KAPA_WEBSITE_ID": "0000-1111"})
    response = app.test_client().get("/docs/faq")
    close(app)
    assert "https://widget.kapa.ai/kapa-widget.bundle.js" in response.text
    assert 'data-website-id="0000-1111"' in response.text
    assert "script-src 'self' https:;" in response.headers["Content-Security-Policy"]


def kapa_chunks(response: TestResponse) -> list[dict[str, Any]]:
    """The chunks of an answer in Kapa's wire format."""
    *parts, rest = response.text.split("␞")
    assert rest == ""
    return [json.loads(part)["chunk"] for part in parts]


def kapa_answer(client: FlaskClient, question: str, thread: str | None = None) -> tuple[str, dict[str, Any]]:
    """What the scripted backend says: the text, and the content of the other chunks by their types."""
    address = f"/kapa/proxy/query/v2/{f'thread/{thread}/' if thread else ''}chat/stream/"
    chunks = kapa_chunks(client.post(address, json={"query": question}))
    text = "".join(chunk["content"]["text"] for chunk in chunks if chunk["type"] == "partial_answer")
    return text, {chunk["type"]: chunk["content"] for chunk in chunks}


def test_the_scripted_backend_streams_in_kapas_wire_format(client: FlaskClient) -> None:
    """Kapa's types in Kapa's order; only the last chunk says that the stream ends."""
    chunks = kapa_chunks(client.post("/kapa/proxy/query/v2/chat/stream/", json={"query": CERTAIN[0][0]}))
    kinds = [chunk["type"] for chunk in chunks]
    assert kinds.count("partial_answer") > 20
    assert [kind for kind in kinds if kind != "partial_answer"] == [
        "stream_start", "relevant_sources", "metadata", "identifiers",
    ]  # fmt: skip
    assert [chunk["stream_end"] for chunk in chunks] == [False] * (len(chunks) - 1) + [True]


@pytest.mark.parametrize(("question", "uncertain"), [(CERTAIN[0][0], False), (UNCERTAIN[0], True)])
def test_the_scripted_backend_answers_as_ask_ai_does(client: FlaskClient, question: str, uncertain: bool) -> None:
    """The answers are the search's own, and each source's address stands in the text, as the SDK wants it."""
    text, others = kapa_answer(client, question)
    sources = others["relevant_sources"]["relevant_sources"]
    assert answer(question).text in text
    assert others["metadata"] == {"is_uncertain": uncertain}
    assert len(sources) == len(answer(question).sections)
    assert all(source["source_url"] in text for source in sources)


def test_the_scripted_backend_keeps_a_conversation_in_its_thread(client: FlaskClient) -> None:
    """The next question is answered in the thread that it names, under an id of its own."""
    first = kapa_answer(client, UNCERTAIN[0])[1]["identifiers"]
    second = kapa_answer(client, UNCERTAIN[0], first["thread_id"])[1]["identifiers"]
    assert second["thread_id"] == first["thread_id"]
    assert second["question_answer_id"] != first["question_answer_id"]
    assert client.post("/kapa/proxy/query/v2/thread/none/chat/stream/", json={"query": "?"}).status_code == 404


def test_the_scripted_backend_takes_votes_and_no_tickets(client: FlaskClient) -> None:
    """What the SDK sends of votes is taken; a handoff that no bridge takes over fails."""
    for body, status in (({"reaction": "downvote"}, 200), ({"reaction": "sideways"}, 400), ({}, 400), ([], 400)):
        assert client.post("/kapa/proxy/query/v2/feedback/upsert/", json=body).status_code == status
    thread = "0193b0f0-0000-7000-8000-000000000000"
    assert client.post(f"/kapa/proxy/query/v2/thread/{thread}/handoff/", json={}).status_code == 503


def test_the_kapa_chat_loads_its_bundle_from_this_site_alone(client: FlaskClient) -> None:
    """Every script of the page is the site's own, the captcha's stand-in before the bundle; caches keep the bundle."""
    for way in ("button", "takeover"):
        page = client.get(f"/kapa/?way={way}")
        scripts = [link for link in _Markup(page.text).links if urlsplit(link).path.endswith(".js")]
        assert all(link.startswith("/") for link in scripts)
        assert [urlsplit(link).path for link in scripts[-2:]] == ["/static/no-captcha.js", "/kapa/chat.js"]
        with client.get(scripts[-1]) as script:
            assert script.mimetype == "text/javascript"
            assert script.cache_control.max_age == 31_536_000
    assert client.get("/kapa/?way=other").status_code == 404


def test_without_node_the_kapa_chat_says_what_is_missing(
    client: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Node.js is not installed, the page says so, and the rest of the site works."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    page = client.get("/kapa/")
    assert page.status_code == 503
    assert "Install Node.js 18 or newer" in page.text
    assert "chat.js" not in page.text
    assert client.get("/kapa/chat.js").status_code == 503
    assert client.get("/kapa/?way=widget").status_code == client.get("/ask/").status_code == 200


@pytest.mark.parametrize("website_id", [None, "0000-1111"])
def test_the_widgets_page_has_the_widget_or_says_how_to_get_it(tmp_path: Path, website_id: str | None) -> None:
    """With a website id the page shows Kapa's widget; the chats beside it never do."""
    app = create_app({"INSTANCE_PATH": str(tmp_path), "KAPA_WEBSITE_ID": website_id})
    pages = {way: app.test_client().get(f"/kapa/?way={way}").text for way in ("widget", "button", "takeover")}
    close(app)
    assert ("kapa-widget.bundle.js" in pages["widget"]) == bool(website_id)
    assert ("make demo" in pages["widget"]) == (not website_id)
    assert "kapa-widget.bundle.js" not in pages["button"] + pages["takeover"]


def test_an_unsure_answer_becomes_a_ticket_whose_mail_is_in_the_inbox(client: FlaskClient) -> None:
    chat = _Markup(ask(client, "Will it rain tomorrow?").text)
    form = _Markup(client.get("/handoff/form", query_string={"offer": chat.fields["offer"]}).text)
    ticket = client.post(
        "/handoff/tickets", data=form.fields | {"email": "ada@example.com", "note": "I plan a picnic."}
    )
    assert ticket.status_code == 201

    inbox = client.get("/inbox/")
    assert "Reply to ada@example.com" in inbox.text
    assert "Will it rain tomorrow?" in inbox.text
    address = next(link for link in _Markup(inbox.text).links if re.fullmatch(r"/inbox/\d+-\w+", link))
    mail = client.get(address)
    for text in ("support@pebblecask.example.com", "X-Kapa-Handoff-Ticket", "I plan a picnic.", "conversation.json"):
        assert text in mail.text
    html = client.get(f"{address}/html")
    assert "I plan a picnic." in html.text
    assert html.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "default-src 'none'" in html.headers["Content-Security-Policy"]


def send(server: MailServer, message: EmailMessage) -> None:
    message["From"], message["To"] = "docs@example.com", "support@example.com"
    with smtplib.SMTP("127.0.0.1", server.port) as connection:
        connection.send_message(message)


def test_the_inbox_shows_any_mail_and_none_of_it_runs(client: FlaskClient, mail_server: MailServer) -> None:
    assert "No mail yet" in client.get("/inbox/").text
    message = EmailMessage()
    message["Subject"] = "<script>alert('subject')</script> größer"
    message.set_content("plain <b>text</b>\n")
    message.add_alternative("<html><head></head><body><script>alert(1)</script></body></html>", subtype="html")
    message.add_attachment(b"<svg/>", maintype="image", subtype="svg+xml", filename="évil.svg")
    send(mail_server, message)

    inbox = client.get("/inbox/")
    assert "<script>alert" not in inbox.text
    address = next(link for link in _Markup(inbox.text).links if re.fullmatch(r"/inbox/\d+-\w+", link))
    mail = client.get(address)
    assert "plain &lt;b&gt;text&lt;/b&gt;" in mail.text
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in mail.text
    attachment = client.get(f"{address}/attachments/0")
    assert attachment.data == b"<svg/>"
    assert attachment.mimetype == "application/octet-stream"
    assert attachment.headers["Content-Disposition"].startswith("attachment")
    assert client.get(f"{address}/source").mimetype == "text/plain"


def test_the_inbox_is_sent_again_only_when_a_mail_has_arrived(client: FlaskClient, mail_server: MailServer) -> None:
    def newest(text: str) -> str:
        found = re.search(r'hx-get="([^"]+)"', text)
        assert found
        return found[1]

    address = newest(client.get("/inbox/").text)
    assert client.get(address, headers=HTMX).status_code == 204
    message = EmailMessage()
    message["Subject"] = "It has arrived"
    send(mail_server, message)
    response = client.get(address, headers=HTMX)
    assert "It has arrived" in response.text
    assert "<html" not in response.text
    assert client.get(newest(response.text), headers=HTMX).status_code == 204


def test_a_mail_without_parts_or_headers_can_be_read(client: FlaskClient, tmp_path: Path) -> None:
    (mail_folder(tmp_path) / "1-bare.eml").write_bytes(b"\nnothing but text \xff\n")
    (mail_folder(tmp_path) / "2-broken.eml").write_bytes(b"Date: never\nSubject: \xff=?utf-8?q?=ff?=\n\n")
    assert "(no subject)" in client.get("/inbox/").text
    assert "nothing but text" in client.get("/inbox/1-bare").text
    assert client.get("/inbox/2-broken").status_code == 200
    assert client.get("/inbox/1-bare/html").status_code == 404


@pytest.mark.parametrize("name", ["..%2Fsecret-key", "%2e%2e", "no-such-mail", "..\\secret-key"])
def test_the_inbox_shows_files_of_its_own_folder_only(client: FlaskClient, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret-key.eml").write_text("Subject: secret\n\n")
    assert client.get(f"/inbox/{name}").status_code == 404


def test_the_settings_are_behind_the_login(client: FlaskClient) -> None:
    response = client.get("/handoff/admin/")
    assert response.status_code == 302
    assert response.location.startswith("/login?next=")
    assert sign_in(client, address=response.location).location == "/handoff/admin/"
    assert client.get("/handoff/admin/").status_code == 200
    home = client.get("/")
    assert "Sign out" in home.text
    assert client.post("/logout").status_code == 303
    assert client.get("/handoff/admin/").status_code == 200, "without its token, the form does nothing"
    client.post("/logout", data={"csrf_token": _Markup(home.text).fields["csrf_token"]})
    assert client.get("/handoff/admin/").status_code == 302


def test_a_wrong_password_is_refused_and_says_so(client: FlaskClient) -> None:
    response = sign_in(client, "wrong")
    assert response.status_code == 403
    assert "do not belong together" in response.text
    assert client.get("/handoff/admin/").status_code == 302


@pytest.mark.parametrize(
    "target", ["https://example.com/", "//example.com", "/\\example.com", "/\t/example.com", "example.com"]
)
def test_the_login_leads_to_pages_of_this_site_only(client: FlaskClient, target: str) -> None:
    token = _Markup(client.get("/login").text).fields["csrf_token"]
    data = {"user": "admin", "password": PASSWORD, "csrf_token": token}
    assert client.post("/login", query_string={"next": target}, data=data).location == "/"


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = kept_secret(path)
    assert len(secret) >= 24
    assert kept_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_usual_port_is_used_unless_it_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", None, usual=port) as other:
            assert other.getsockname()[1] not in (0, port)
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("before", ["", "trap '' INT; "], ids=["in front", "in the background of a shell"])
def test_one_command_starts_everything_and_ctrl_c_ends_it(tmp_path: Path, before: str) -> None:
    program = [sys.executable, "-W", "error", "-m", "example_app", "--port", "0", "--data", str(tmp_path)]
    command = ["sh", "-c", f"{before}exec {shlex.join(program)}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert select.select([process.stdout], [], [], 30)[0]
            printed = ""
            for line in process.stdout:
                printed += line
                if "Ctrl+C" in line:
                    break
            address = re.search(r"http://127\.0\.0\.1:(\d+)/\n", printed)
            assert address, printed
            with socket.create_connection(("127.0.0.1", int(address[1])), 10) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                assert b" 200 " in connection.recv(15)
            assert (tmp_path / "admin-password").read_text() in printed
            os.kill(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=30)
            assert process.returncode == 0
            assert not re.search("Traceback|Warning", errors), errors
        finally:
            process.kill()
