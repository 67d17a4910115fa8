"""What may be attached, and under which name."""

from __future__ import annotations

import pytest

from flask_kapa_handoff.attachments import MAX_NAME, FileRefused, read_file, safe_name, size_in_words
from flask_kapa_handoff.translation import Language, speak
from tests.helpers.files import gif, jpeg, png, webp

ENDINGS = (".txt", ".log")


@pytest.mark.parametrize(
    ("sent", "content", "name", "media_type"),
    [
        ("shot.png", png(), "shot.png", "image/png"),
        ("photo.JPEG", jpeg(), "photo.jpeg", "image/jpeg"),
        ("shot.png", jpeg(), "shot.png.jpg", "image/jpeg"),
        ("moving.gif", gif(), "moving.gif", "image/gif"),
        ("program.exe", webp(flags=0), "program.exe.webp", "image/webp"),
        ("server.log", b"GET / 500\n", "server.log", "text/plain"),
        ("rows.CSV", b"a,b\n", "rows.csv", "text/csv"),
        ("dump.json", b"{}", "dump.json", "application/json"),
        ("notes.md", "Grüße\ufeff".encode(), "notes.md", "text/plain"),
        ("no ending", b"text", "no ending.txt", "text/plain"),
        ("colours.log", b"\x1b[31mred\x1b[0m", "colours.log", "text/plain"),
        # These are texts to read, and never run.
        ("page.html", b"<script>alert(1)</script>", "page.html.txt", "text/plain"),
        ("drawing.svg", b"<svg onload='alert(1)'/>", "drawing.svg.txt", "text/plain"),
        ("drawing.png", b"<svg onload='alert(1)'/>", "drawing.png.txt", "text/plain"),
        ("run.bat", b"del *.*", "run.bat.txt", "text/plain"),
    ],
)
def test_a_file_is_told_by_its_content(sent: str, content: bytes, name: str, media_type: str) -> None:
    file = read_file(sent, content)
    assert (file.name, file.media_type, file.content) == (name, media_type, content)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"MZ\x90\0\x03", "can't be added"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "can't be added"),
        (b"PK\x03\x04\xff", "can't be added"),
        ("Grüße".encode("latin-1"), "can't be added"),
        ("Grüße".encode("utf-16"), "can't be added"),
        (b"text with \0 in it", "can't be added"),
        (png()[:-4], "is damaged"),
    ],
    ids=repr,
)
def test_anything_else_is_refused(content: bytes, why: str) -> None:
    """In a sentence that names the file."""
    with pytest.raises(FileRefused, match=why) as refused:
        read_file("thing.txt", content)
    assert "thing.txt" in str(refused.value)


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\ada\\a.log", "a.log"),
        ("/absolute/", "file.txt"),
        ("", "file.txt"),
        ("...", "file.txt"),
        (".htaccess", "htaccess.txt"),
        ("a.txt. ", "a.txt"),
        ("report\u202egnp.exe", "reportgnp.exe.txt"),
        ("a\u200bb\u2066c.txt", "abc.txt"),
        ('x"; filename="evil.exe', "x_ filename=_evil.exe.txt"),
        ("a\r\nX-Header: 1.txt", "a X-Header_ 1.txt"),
        ("a\0b.txt", "ab.txt"),
        ("<img src=x onerror=alert(1)>.txt", "_img src=x onerror=alert(1)_.txt"),
        ("CON", "_CON.txt"),
        ("nul.log", "_nul.log"),
        ("com1.txt", "_com1.txt"),
        ("Überblick – März.txt", "Überblick – März.txt"),
        ("日本語.log", "日本語.log"),
    ],
)
def test_a_name_is_safe_in_a_path_a_header_and_a_page(sent: str, name: str) -> None:
    assert safe_name(sent, ENDINGS) == name


@pytest.mark.parametrize("letter", ["a", "ü", "日", "\U0001f600", ".", " "])
def test_a_long_name_is_cut_and_keeps_its_ending(letter: str) -> None:
    """Within whole characters."""
    name = safe_name(letter * 10_000 + ".log", ENDINGS)
    assert len(name.encode()) <= MAX_NAME
    assert name.endswith((".log", ".txt"))
    assert "\N{REPLACEMENT CHARACTER}" not in name


@pytest.mark.parametrize(
    ("octets", "words", "german"),
    [
        (1, "1 kB", "1 kB"),
        (120_400, "120 kB", "120 kB"),
        (1_000_000, "1 MB", "1 MB"),
        (1_440_000, "1.4 MB", "1,4 MB"),
        (2_999_999, "3 MB", "3 MB"),
    ],
)
def test_a_size_is_written_for_people(octets: int, words: str, german: str) -> None:
    assert size_in_words(octets) == words
    with speak(Language("de")):
        assert size_in_words(octets) == german
