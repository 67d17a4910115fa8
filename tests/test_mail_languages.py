"""The mail is in the site's language for every visitor and every kind of delivery, and names the visitor's."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from gettext import NullTranslations
from html.parser import HTMLParser
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer, Source
from flask_kapa_handoff.delivery.mail.bodies import Files, write_bodies
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.fields import CONSENT, Field
from flask_kapa_handoff.locale_formats import format_ago, format_moment, language_name
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.storage.attachments import Attachment
from flask_kapa_handoff.template_environment import make_environment
from flask_kapa_handoff.translation import CATALOGS, ENGLISH, Language, Languages, speak
from flask_kapa_handoff.unknown import Unknown
from tests.helpers.commands import invoke
from tests.helpers.couriers import deliver
from tests.helpers.deliveries import look_up, watching
from tests.helpers.mails import LETTERHEAD, a_ticket, body, read
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

ALL = sorted(name for name in Languages(CATALOGS).names if name != "en")
MOMENT = datetime(2026, 11, 30, 15, 20, tzinfo=timezone.utc)

# What visitors, the AI and sites wrote has no Latin letters here, so that those of a mail are its labels'.
PAIRS = (
    QuestionAnswer("1?", "11", "a1", (Source("111", "https://2.3/4"),), reaction="upvote", files=("5",)),
    QuestionAnswer("2?", "22", "a2", uncertain=True, reaction="downvote", comment="222", stopped=True),
    QuestionAnswer("3?", "33", "a3", reaction=Unknown("4"), comment="333"),
    QuestionAnswer("4?", "44", "a4", comment="444"),
)
SITE = replace(LETTERHEAD, site_name="123", site_fields=(Field("6", "66"),))
EVERYTHING: dict[str, Any] = {
    "reference": "7",
    "visitor_email": "8@9.0",
    "visitor_name": "88",
    "note": "99",
    "subject": "1?",
    "page": "https://1.2/3",
    "triggers": "always,conversation-length,uncertainty,downvote,asked-for-human,7",
    "flag": "77",
    "fields": {"6": "666", CONSENT.name: "6666"},
    "context": {"5": "55"},
    "locale": "7",
    "pairs": 4,
    "left_out": 2,
    "answer_id": "a2",
    "created_at": MOMENT,
}
FILES = Files((Attachment(uuid4(), "8", "text/plain", 8_000),), left_out=True)


def language(name: str) -> Language:
    found = Languages(CATALOGS).best([name])
    assert found is not None
    return found


class _Marked(NullTranslations):
    """Marks each message: what a mail says and is not marked has not gone through a catalog."""

    def gettext(self, message: str) -> str:
        return f"«{message}»"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"«{msgid1 if n == 1 else msgid2}»"


MARKED = Language("en", _Marked())

LARGE = Conversation(tuple(replace(pair, answer="9 " * 12_000) for pair in PAIRS))
HUGE = Conversation((replace(PAIRS[1], answer="9 " * 800_000),))
CASES: dict[str, tuple[dict[str, Any], Conversation]] = {
    "everything": ({}, Conversation(PAIRS)),
    "a follow-up": ({"earlier_pairs": 2}, Conversation(PAIRS)),
    "one pair": ({"pairs": 1}, Conversation(PAIRS[:1])),
    "no pair": ({"pairs": 0, "triggers": ""}, Conversation(())),
    "the site's own record": ({"transcript_source": "site"}, Conversation(PAIRS)),
    "a record of a later version": ({"transcript_source": "7"}, Conversation(PAIRS)),
    "too large": ({}, LARGE),
    "too large even as a file": ({}, HUGE),
}


class _Said(HTMLParser):
    """The text of a page, without its styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self._in_style = "", False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._in_style else data


def unmarked(text: str) -> str:
    """What is outside all marks."""
    while (rest := re.sub("«[^«»]*»", "", text)) != text:
        text = rest
    return text


@pytest.mark.parametrize(("fields", "conversation"), CASES.values(), ids=CASES)
def test_all_that_it_says_is_translated(app: Flask, fields: dict[str, Any], conversation: Conversation) -> None:
    """No word of ours is outside the catalogs, in either part and in the file with the rest."""
    ticket, _ = a_ticket(**{**EVERYTHING, **fields})
    environment = make_environment(app, language=MARKED)
    letterhead = replace(SITE, ticket_url=None if fields else "https://7.8/9")
    with speak(MARKED):
        bodies = write_bodies(environment, letterhead, ticket, conversation, FILES)
    assert bodies.html is not None
    files = [one.text for one in bodies.attachments if one.content_type != "application/json"]
    for said in (bodies.text, *(_Said(one).text for one in (bodies.html, *files))):
        assert "«" in said
        left = re.sub(r"https?://\S+|\bUTC\b", "", unmarked(said))
        assert re.findall(r"[A-Za-z]+", left) == []


@pytest.mark.parametrize("name", ["en", "fr", "ar", "zh_Hans"])
def test_a_template_in_one_language_says_the_same_as_one_in_any(app: Flask, name: str) -> None:
    """Whether its words are put into it when it is compiled or looked up at each rendering."""
    chosen = language(name)
    bound, unbound = make_environment(app, language=chosen), make_environment(app)
    for fields, conversation in list(CASES.values())[:6]:
        ticket, _ = a_ticket(**{**EVERYTHING, **fields})
        with speak(chosen):
            one, other = (write_bodies(each, SITE, ticket, conversation, FILES) for each in (bound, unbound))
        assert one.text == other.text
        assert one.html == other.html


LABELS = {
    "de": ("Antwort an", "Sprache", "Japanisch", "Hier um Hilfe gebeten", "Laut 123", "30.11.2026, 15:20 UTC"),
    "ar": ("الرد على", "اللغة", "اليابانية", "طُلبت المساعدة هنا", "بحسب 123", "3:20 م UTC"),
    "ja": ("返信先", "言語", "ドイツ語", "ここで問い合わせ", "123 の情報", "2026/11/30 15:20 UTC"),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("kind", ["plain", "html"])
def test_its_labels(app: Flask, name: str, kind: str) -> None:
    """Outside of any request; nothing that programs read changes."""
    ticket, _ = a_ticket(**{**EVERYTHING, "reference": "T-7F3K2Q", "locale": "de-DE" if name == "ja" else "ja"})
    ticket = replace(ticket, visitor_email="visitor@example.net")
    here, english = (
        compose(make_environment(app, language=one), SITE, ticket, Conversation(PAIRS)).data
        for one in (language(name), ENGLISH)
    )
    said = body(here, kind)
    for label in LABELS[name]:
        assert label in said
    ours, theirs = read(here), read(english)
    machine = ("X-Kapa-Handoff-Ticket", "X-Kapa-Handoff-Triggers", "Date", "Message-ID", "Subject", "Reply-To")
    assert [ours[header] for header in machine] == [theirs[header] for header in machine]
    attached, other = (next(iter(mail.iter_attachments())) for mail in (ours, theirs))
    assert attached.get_filename() == "conversation.json"
    assert json.loads(attached.get_content()) == json.loads(other.get_content())
    assert read(here)["From"].addresses[0].addr_spec == "docs@example.com"


@pytest.mark.parametrize(("name", "expected"), [("ja", "88（123 経由）"), ("ar", "88 (عبر 123)")])
def test_the_sender_s_name(app: Flask, name: str, expected: str) -> None:
    ticket, conversation = a_ticket(visitor_name="88")
    data = compose(make_environment(app, language=language(name)), SITE, ticket, conversation).data
    assert read(data)["From"].addresses[0].display_name == expected


@pytest.mark.parametrize(
    ("name", "tag", "direction", "start", "end"),
    [("en", "en", "ltr", "left", "right"), ("zh_Hans", "zh-Hans", "ltr", "left", "right"),
     ("ar", "ar", "rtl", "right", "left")],
)  # fmt: skip
def test_the_html_says_its_language_and_direction(
    app: Flask, name: str, tag: str, direction: str, start: str, end: str
) -> None:
    """In an element that mail programs keep, too. What others wrote has its own direction, in an unknown language."""
    ticket, _ = a_ticket(**{**EVERYTHING, "visitor_email": "visitor@example.net"})
    conversation = Conversation((QuestionAnswer("كيف؟", "هكذا.", "a1", comment="لا"),))
    html = body(compose(make_environment(app, language=language(name)), SITE, ticket, conversation).data, "html")
    assert f'<html lang="{tag}" dir="{direction}">' in html
    assert f'<div class="mail" lang="{tag}" dir="{direction}"' in html
    assert f"border-{start}:4px" in html
    assert f"text-align:{start};" in html
    assert f"padding-{end}:16px" in html
    assert f"text-align:{end}" not in html
    for their in ("note", "question", "answer"):
        assert f'class="{their}" lang="" dir="auto"' in html


def test_a_mistake_in_a_site_s_catalog_costs_only_its_message(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    """It is shown in English, as elsewhere."""

    class Wrong(_Marked):
        def gettext(self, message: str) -> str:
            return "%(nobody)s" if message == "According to %(site)s" else f"100 % {message}"

    ticket, _ = a_ticket(**{**EVERYTHING, "visitor_email": "visitor@example.net"})
    wrong = make_environment(app, language=Language("de", Wrong()))
    data = compose(wrong, SITE, ticket, Conversation(PAIRS)).data
    assert "According to 123" in body(data, "plain")
    assert "100 % Reply to: visitor@example.net" in body(data, "plain")
    assert ">100 % Reply to<" in body(data, "html")
    assert "wrong placeholders" in caplog.text


# However it is delivered


@pytest.fixture
def german_site(make_app: Callable[..., Flask], mail_server: MailServer) -> Callable[..., Flask]:
    """Builds a German site whose visitors choose their language, by a function that needs their request."""

    def build(**config: Any) -> Flask:
        from flask import request
        from flask_babel import Babel

        app = make_app(handoff=KapaHandoff(), MAIL_PORT=mail_server.port, **config)
        Babel(app, default_locale="de", locale_selector=lambda: request.headers["X-Language"])
        return app

    return build


FRENCH = {"HTTP_X_LANGUAGE": "fr"}


def is_german(mail_server: MailServer) -> bool:
    (mail,) = mail_server.received
    said = mail.body("plain"), mail.body("html")
    return all(word in part for part in said for word in ("Antwort an", "Sprache", "Französisch", "Hier um Hilfe"))


def test_delivery_in_the_visitor_s_request(german_site: Callable[..., Flask], mail_server: MailServer) -> None:
    app = german_site(KAPA_HANDOFF_DELIVERY="inline")
    client = app.test_client()
    client.environ_base.update(FRENCH)
    reference = send_ticket(client)
    assert look_up(app, reference).locale == "fr"
    assert is_german(mail_server)


def test_delivery_by_threads(german_site: Callable[..., Flask], mail_server: MailServer) -> None:
    app = german_site(KAPA_HANDOFF_DELIVERY="thread")
    client = app.test_client()
    client.environ_base.update(FRENCH)
    with watching(app) as endings:
        reference = send_ticket(client)
        endings.wait_for(reference)
    assert is_german(mail_server)


def test_delivery_by_the_command(german_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """No function of the site is asked: there is no request."""
    app = german_site(KAPA_HANDOFF_DELIVERY="external")
    client = app.test_client()
    client.environ_base.update(FRENCH)
    send_ticket(client)
    assert invoke(app, "deliver").output.startswith("1 delivered")
    assert is_german(mail_server)


def test_the_test_mail(german_site: Callable[..., Flask], mail_server: MailServer) -> None:
    """Its sample, too, is in the site's language."""
    invoke(german_site(), "test-mail", "agent@example.com")
    (mail,) = mail_server.received
    assert mail.message["Subject"].endswith("T-SAMPLE: Test: Kommt die Übergabe bei uns an?")
    assert "Das ist ein Test." in mail.body("plain")
    assert "Antwort an: agent@example.com" in mail.body("plain")


# The visitor's language


@pytest.mark.parametrize(
    ("config", "page", "accepted", "stored", "named"),
    [
        ({}, "", "", None, ""),
        ({}, "", "en-GB", "en-GB", ""),
        ({}, "", "ja", "ja", "Japanese"),
        ({}, "en", "ja-JP,en", "ja-JP", "Japanese"),  # they read an English page
        ({}, "ja", "en", "ja", "Japanese"),
        ({}, "", "sv", "sv", "Swedish"),  # there is no catalog for it
        ({"BABEL_DEFAULT_LOCALE": "de"}, "de", "de-AT", "de-AT", ""),
        ({"KAPA_HANDOFF_LANGUAGE": "de"}, "de", "pt-PT", "pt-PT", "Portugiesisch (Portugal)"),
        ({"KAPA_HANDOFF_LANGUAGE": "ar"}, "ar", "ar-EG", "ar-EG", ""),
    ],
)
def test_it_is_stored_and_named_if_it_is_another(
    make_app: Callable[..., Flask],
    mail_server: MailServer,
    config: dict[str, str],
    page: str,
    accepted: str,
    stored: str | None,
    named: str,
) -> None:
    app = make_app(MAIL_PORT=mail_server.port, **config)
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = accepted
    query = {"pairs": "1", "answer_id": "a1", "language": page}
    offered = client.get("/handoff/offer", query_string=query, headers={"Accept": "application/json"})
    reference = send_ticket(client, offer=offered.get_json()["offer"])
    assert look_up(app, reference).locale == stored
    deliver(app)
    (mail,) = mail_server.received
    heading = {"": "Language", "de": "Sprache", "ar": "اللغة"}[config.get("KAPA_HANDOFF_LANGUAGE", "")]
    assert (f"\n{heading}: {named}\r\n" in mail.body("plain")) == bool(named)
    assert (f">{heading}<" in mail.body("html")) == bool(named)
    assert named in mail.body("html")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("ja", "Japanisch"),
        ("de-AT", "Deutsch (Österreich)"),
        ("en-US", "Englisch"),
        ("en-GB", "Englisch (Vereinigtes Königreich)"),
        ("zh-Hans", "Chinesisch (Vereinfacht)"),
        ("xx", "xx"),
        ("x-private", "x-private"),
        ("---", "---"),
        ("<b>" * 20, "<b>" * 13 + "<"),
    ],
)
def test_names_of_languages(tag: str, name: str) -> None:
    with speak(language("de")):
        assert language_name(tag) == name


@pytest.mark.parametrize("name", ["en", *ALL])
def test_a_moment_has_its_year_day_and_time_in_every_language(name: str) -> None:
    with speak(language(name)):
        said = format_moment(MOMENT)
    assert {"2026", "30", "20"} < set(re.findall(r"\d+", said))
    assert said.endswith(" UTC")
    if name == "en":
        assert said == "2026-11-30 15:20 UTC"


@pytest.mark.parametrize(
    ("name", "minutes", "told"),
    [
        ("en", 0, "just now"),
        ("en", 181, "3 hours ago"),
        ("de", 3 * 24 * 60, "vor 3 Tagen"),
        ("ja", 5, "5 分前"),
        ("en", -10, "just now"),
        ("en", 1, "1 minute ago"),
    ],
)
def test_how_long_ago_a_moment_was(name: str, minutes: int, told: str) -> None:
    """Less than a minute is just now, also by a clock that is ahead."""
    with speak(language(name)):
        assert format_ago(MOMENT, MOMENT + timedelta(minutes=minutes)) == told


def test_flask_babel_may_be_set_up_later(make_app: Callable[..., Flask]) -> None:
    from flask_babel import Babel

    app = make_app()
    Babel(app, default_locale="pt_BR")
    assert state_of(app).site_language.name == "pt"
    assert state_of(app).mail_templates.language == language("pt")


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="SpamAssassin is not installed")
def test_a_russian_mail_is_not_a_mix_of_alphabets(app: Flask) -> None:
    """SpamAssassin counts letters that look alike: English labels around Russian text cost a point (MIXED_ES)."""
    words = "Всё сделала по инструкции, но ключ не меняется, и приложение больше не видит сервер."
    ticket, _ = a_ticket(note=words, visitor_name="Анна Петрова", subject="Как сменить ключ?", pairs=2)
    conversation = Conversation((QuestionAnswer(words, words, "a1"), QuestionAnswer(words, words, "a2")))
    data = compose(make_environment(app, language=language("ru")), LETTERHEAD, ticket, conversation).data
    told = subprocess.run(["spamassassin", "-L", "-t"], input=data, capture_output=True, check=True).stdout.decode()
    assert "Content analysis details" in told
    assert "MIXED_ES" not in told
