"""Headers in many languages, as independent parsers read them: letter for letter, blank for blank."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest

from flask_kapa_handoff.delivery.mail.headers import address, header, header_text
from tests.helpers.postal_mime import read_by_postal_mime
from tests.helpers.subjects import EACH, subjects

pytestmark = pytest.mark.only("sqlite")

SUBJECTS = subjects()

CLUSTERS = [
    "é",
    "e\u0301\u0302",
    "👩‍💻",
    "👩🏽‍💻",
    "👨‍👩‍👧‍👦",
    "🏳️‍🌈",
    "❤️‍🔥",
    "1️⃣",
    "🇩🇪",
    "क्षि",
    "क्‍ष",
    "നി",
    "ក្ក",
    "각",
    "葛\U000e0100",
]
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"

SPECIAL = {
    "blank lost by Python 3.10 to 3.12": "Как восстановить доступ к платной версии сервиса, если пароль утерян?",
    "Persian": "می‌خواهم کلیدهای API‌ را بچرخانم، چگونه می‌توانم API‌ها را ۲۴‌ساعته ببینم؟",
    "abbreviation": "سال ۱۴۰۲ ه‍.ش. را چگونه وارد کنم؟",
    "emoji": "👩‍💻👩🏽‍💻👨‍👩‍👧‍👦🏳️‍🌈❤️‍🔥🇩🇪🇫🇷" * 6,
    "flags of regions": f"{SCOTLAND} " * 8 + SCOTLAND,
    "blanks": "ü  a   ü    b     " + " " * 90 + "ü",
    "blanks beside": "a   ü   b",
    "one word in the middle": "a long text of plain words that has one Schlüssel in it and goes on for a while after",
    "long word": "https://docs.example.com/" + "a/long-path?of=characters&" * 9 + " and more",
    "long word of letters": "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihung" * 3,
    "no blanks": "日本語の長い文章には空白がありません。" * 5,
    "marks": "x" + "\u0316\u0301" * 15 + "y" + "\u0316\u0301" * 15,
    "punctuation": '_=?=_ "ü" (ü) <ü> ?= =? =?utf-8?q?=41?= a,b;c:d@e.example \\',
    "wide blanks": "日本\u3000語\u2003ü\u00a0x",
    "brackets": "What does the option of version (2) (or newer) Wörterbuchschlüsselverzeichnisse (and) (others) do",
    "beyond the first plane": "𝒳𐍈𠜎" * 30,
}


def mail_of(text: str) -> bytes:
    """A mail whose subject has the text after ASCII, as a ticket's does, and whose names and desk are the text."""
    name = header_text(text)
    return b"".join(
        [
            header("From", address("docs@example.com", name)),
            header("Reply-To", address("a-visitor@mail.example.net", f"{name} (via Docs)")),
            header("Subject", header_text(f"[Docs] T-7F3K2Q: {text}")),
            header("X-Kapa-Handoff-Desk", name),
            b"\r\n",
        ]
    )


def assert_well_formed(mail: bytes) -> None:
    """Lines and encoded words are as short as RFC 2047 wants them, and each encoded word is a text of its own."""
    *lines, last, end = mail.decode("ascii").split("\r\n")
    assert (last, end) == ("", "")
    assert max(map(len, lines)) <= 76
    for line in lines:
        assert line.strip()
        assert not re.fullmatch("[A-Za-z-]+: *", line)
        for word in re.findall(r"=\?.*?\?[qb]\?.*?\?=", line):
            assert len(word) <= 75
            ((content, charset),) = decode_header(word)
            assert charset == "utf-8"
            content.decode()


LANGUAGES = [*SUBJECTS, "special"]


def texts_of(language: str) -> list[str]:
    return list(SPECIAL.values()) if language == "special" else SUBJECTS[language]


@pytest.mark.parametrize("language", LANGUAGES)
def test_subjects_are_read_by_python_as_they_were_written(language: str) -> None:
    """No blank, joiner or letter is lost or added by Python's strict parser, or by its older one."""
    for text in texts_of(language):
        mail = mail_of(text)
        assert_well_formed(mail)
        subject = header_text(f"[Docs] T-7F3K2Q: {text}")
        assert message_from_bytes(mail, policy=policy.strict)["Subject"] == subject
        # As most programs in Python read it.
        older = str(make_header(decode_header(message_from_bytes(mail)["Subject"])))
        assert "".join(older.splitlines()) == subject


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_read_by_python_as_they_were_written(language: str) -> None:
    """No letter of a name is lost, and blanks are where the name has some, although Python puts more there."""
    for text in texts_of(language)[:: 1 if language == "special" else 10]:
        message = message_from_bytes(mail_of(text), policy=policy.strict)
        name = header_text(text)
        assert message["X-Kapa-Handoff-Desk"] == name
        (sender,), (reply_to,) = message["From"].addresses, message["Reply-To"].addresses
        assert [sender.addr_spec, reply_to.addr_spec] == ["docs@example.com", "a-visitor@mail.example.net"]
        for read, written in ((sender.display_name, name), (reply_to.display_name, f"{name} (via Docs)")):
            # RFC 2047, 6.2: there is nothing between the encoded words of a name. Python reads a blank there.
            assert "".join(read.split()) == "".join(written.split())
            if max(map(len, text.encode().split())) <= 40:  # then no word is cut
                assert read.split() == written.split()


def test_headers_are_read_by_another_parser_as_they_were_written() -> None:
    """A parser that shares no code with ours or Python's reads every subject and name."""
    texts = [text for language in LANGUAGES for text in texts_of(language)]
    assert len(SUBJECTS) >= 9
    assert all(len(set(found)) == EACH == 400 for found in SUBJECTS.values())
    for text, mail in zip(texts, read_by_postal_mime([mail_of(text) for text in texts]), strict=True):
        name = header_text(text)
        assert mail["subject"] == header_text(f"[Docs] T-7F3K2Q: {text}")
        assert mail["from"] == {"address": "docs@example.com", "name": name}
        assert mail["replyTo"] == [{"address": "a-visitor@mail.example.net", "name": f"{name} (via Docs)"}]


def test_texts_of_languages_lose_nothing() -> None:
    """Nothing in these sentences is taken for something that hides: marks, joiners and blanks stay."""
    for found in SUBJECTS.values():
        assert [header_text(text) for text in found] == found
    assert "\u200c" in "".join(SUBJECTS["Persian"])


@pytest.mark.parametrize("cluster", [*CLUSTERS, SCOTLAND], ids=ascii)
def test_no_encoded_word_ends_inside_what_a_reader_sees_as_one_character(cluster: str) -> None:
    """Some programs show each encoded word on its own, and would show half an emoji, or a mark alone."""
    for before in range(40):
        mail = header("Subject", "日" * before + cluster * 40)
        words = re.findall(r"=\?utf-8\?[qb]\?.*?\?=", mail.decode("ascii"))
        assert len(words) > 1
        for word in words:
            ((content, _),) = decode_header(word)
            assert not content.decode().lstrip("日").replace(cluster, "")
