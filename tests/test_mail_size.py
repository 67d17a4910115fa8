"""A mail is shown whole: Gmail shows 102 kB of HTML, comments at helpdesks end at 64 KiB; the rest is attached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from jinja2 import DictLoader

from flask_kapa_handoff import Conversation, QuestionAnswer, Source
from flask_kapa_handoff.delivery.mail.bodies import MAX_HTML, MAX_TEXT
from flask_kapa_handoff.delivery.mail.message import compose
from flask_kapa_handoff.pair_extras import MAX_COMMENT, MAX_FILE_NAME, MAX_FILES
from flask_kapa_handoff.template_environment import make_environment
from tests.helpers.mails import LETTERHEAD, a_ticket, content, read

pytestmark = pytest.mark.only("sqlite")


def sized(data: bytes) -> tuple[str, str, dict[str, str]]:
    """Text and HTML, which are within their limits, and the attachments by name."""
    message = read(data)
    bodies = []
    for kind, limit in (("plain", MAX_TEXT), ("html", MAX_HTML)):
        part = message.get_body((kind,))
        assert isinstance(part, EmailMessage)
        assert len(part.get_payload(decode=True)) <= limit
        bodies.append(content(part).replace("\r\n", "\n"))
    files = {str(part.get_filename()): part.get_content() for part in message.iter_attachments()}
    return bodies[0], bodies[1], files


def pairs(count: int, length: int, unit: str = "Some words. ") -> list[QuestionAnswer]:
    filling = (unit * length)[:length]
    return [
        QuestionAnswer(f"Question {number}?", f"Answer {number}. {filling}", f"a{number}") for number in range(count)
    ]


@pytest.mark.parametrize("pressed", [0, 100, 199])
def test_two_hundred_pairs_of_a_megabyte(write: Callable[..., bytes], pressed: int) -> None:
    """The note, the pressed pair and the latest pairs stay; everything is in conversation.html."""
    text, html, files = sized(write(pairs=pairs(200, 5_000), answer_id=f"a{pressed}", note="NOTE"))
    assert list(files) == ["conversation.html", "conversation.json"]
    for body in (text, html):
        assert "NOTE" in body
        shown = [number for number in range(200) if f"Answer {number}. " in body]
        latest = [number for number in shown if number != pressed]
        assert pressed in shown
        assert latest == list(range(min(latest), 200 - (pressed == 199)))
        assert len(shown) >= 8
        hidden = 200 - len(shown)
        assert f"{hidden} earlier questions are not shown here. The attached conversation.html has the whole" in body
    assert all(f"Answer {number}. " in files["conversation.html"] for number in range(200))
    assert "not shown here" not in files["conversation.html"]


def test_the_latest_answers_are_rendered(write: Callable[..., bytes]) -> None:
    """The earlier ones, which only the file has, do not use up the time for them."""
    conversation = pairs(200, 5_000, "**Some** *words*. ")
    _, html, _ = sized(write(pairs=conversation, answer_id="a0"))
    latest = html[html.index("Answer 199. ") :]
    assert "<strong>Some</strong>" in latest
    assert "**Some**" not in html


def test_most_of_the_room_is_used(write: Callable[..., bytes]) -> None:
    """Not much less than what fits."""
    text, _, _ = sized(write(pairs=pairs(200, 1_000)))
    assert len(text) > 0.8 * MAX_TEXT


def test_what_fits_has_no_further_file(write: Callable[..., bytes]) -> None:
    """And says nothing of it."""
    text, html, files = sized(write(pairs=pairs(20, 2_000)))
    assert list(files) == ["conversation.json"]
    for body in (text, html):
        assert "conversation.html" not in body
        assert all(f"Answer {number}. " in body for number in range(20))


@pytest.mark.parametrize(
    "unit", ["x", "word ", '"', "\n", "<&", "本", "**a** `b` ", "| a | b |\n", "https://ü.example/ "], ids=ascii
)
def test_one_answer_alone_may_be_too_large(write: Callable[..., bytes], unit: str) -> None:
    """Its beginning is there, and all of it in the file."""
    text, html, files = sized(write(pairs=[*pairs(3, 100), *pairs(1, 200_000, unit), *pairs(1, 10)], answer_id="a0"))
    for body in (text, html):
        assert "Long texts are shortened here." in body or "earlier questions are not shown here." in body
        assert "It does not work on Tuesdays." in body
        assert "conversation." in body
    assert files


LONG = {
    "note": '"' * 5_000,
    "visitor_name": "&" * 200,
    "page": "https://docs.example.com/?" + "&" * 1_900,
    "fields": {f"field{number}": '"' * 5_000 for number in range(20)},
    "flag": "<" * 500,
}


@pytest.mark.parametrize("pressed", [0, 50], ids=["pressed first", "pressed last"])
def test_the_latest_pairs_stay_beside_a_very_long_one(write: Callable[..., bytes], pressed: int) -> None:
    """A pressed pair that must be cut leaves room for what was said after it, or right before it."""
    conversation = [*pairs(pressed, 100), *pairs(1, 300_000), *pairs(50 - pressed, 100)]
    conversation = [replace(pair, id=str(number)) for number, pair in enumerate(conversation)]
    text, html, _ = sized(write(pairs=conversation, answer_id=str(pressed)))
    for body in (text, html):
        assert "Long texts are shortened here." in body
        assert body.count("Some words.") > 1_000
        assert f"Answer {49 if pressed == 0 else pressed - 1}. " in body
        assert "earlier questions are not shown here." in body


def test_questions_after_the_pressed_one_are_not_called_earlier(write: Callable[..., bytes]) -> None:
    """When there is no room for any of them."""
    text, _, _ = sized(write(pairs=pairs(3, 200_000), answer_id="a0"))
    assert "2 other questions are not shown here." in text


def test_everything_that_a_visitor_can_make_long(write: Callable[..., bytes]) -> None:
    """The note stays whole; other long texts are cut, and whole in the file."""
    sources = tuple(Source('"' * 2_000, "https://e.example/" + "&" * 2_000) for _ in range(100))
    pressed = QuestionAnswer(
        '"' * 50_000,
        "<" * 50_000,
        "a1",
        sources,
        uncertain=True,
        reaction="downvote",
        comment="&" * MAX_COMMENT,
        files=('"' * MAX_FILE_NAME,) * MAX_FILES,
    )
    text, html, files = sized(write(pairs=[*pairs(50, 5_000), pressed], answer_id="a1", **LONG))
    assert '"' * 5_000 in text
    assert "&#34;" * 5_000 in html
    for body in (text, html):
        assert "Long texts are shortened here." in body
        assert "conversation." in body
    assert files


def test_json_that_is_too_large_is_named(write: Callable[..., bytes]) -> None:
    """Beside what is said of the rest."""
    conversation = [QuestionAnswer("Q", "A", f"a{number}", files=('"' * 255,) * 20) for number in range(160)]
    text, html, files = sized(write(pairs=conversation))
    for body in (text, html):
        assert "conversation.json is too large for this mail." in body
    assert "conversation.json" not in files


def a_site(app: Flask, **templates: str) -> Any:
    app.jinja_loader = DictLoader({f"kapa_handoff/mail/ticket.{kind}": source for kind, source in templates.items()})
    return make_environment(app)


def test_a_sites_own_templates_get_the_pairs_that_fit(app: Flask) -> None:
    """They loop over ``pairs``, and say themselves what is left out, by ``remark``."""
    own = "{% for pair in pairs %}{{ pair.question }} {{ pair.answer }}{% endfor %} {{ remark }}"
    ticket, _ = a_ticket()
    message = compose(a_site(app, txt=own, html=own), LETTERHEAD, ticket, Conversation(tuple(pairs(200, 5_000))))
    assert len(message.text) <= MAX_TEXT
    assert "Answer 199. " in message.text
    assert "earlier questions are not shown here. The attached conversation.html" in message.text


def test_a_sites_own_templates_may_be_larger(app: Flask) -> None:
    """A logo in the HTML is the site's decision; nothing is dropped for it."""
    own = "<p>{{ pairs[-1].answer }}" + "<!-- logo -->" * 10_000
    ticket, _ = a_ticket()
    message = compose(a_site(app, html=own), LETTERHEAD, ticket, Conversation(tuple(pairs(3, 5_000))))
    for body in (message.text, str(message.html)):
        assert ("Answer 2. " + "Some words. " * 400) in body
    assert [part.get_filename() for part in read(message.data).iter_attachments()] == ["conversation.json"]


def test_without_html_the_text_is_attached(app: Flask) -> None:
    """If the site's HTML template fails."""
    ticket, _ = a_ticket()
    letterhead = replace(LETTERHEAD, attach_json=False)
    message = compose(a_site(app, html="{{ x.y }}"), letterhead, ticket, Conversation(tuple(pairs(200, 5_000))))
    assert message.html is None
    assert len(message.text) <= MAX_TEXT
    assert "The attached conversation.txt has the whole conversation." in message.text
    (file,) = read(message.data).iter_attachments()
    assert file.get_filename() == "conversation.txt"
    assert all(f"Answer {number}. " in file.get_content() for number in range(200))
