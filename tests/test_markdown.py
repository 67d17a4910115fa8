"""Markdown of answers: hostile input comes out harmless, and not a word of it is lost."""

from __future__ import annotations

import html
import logging
import re
from html.parser import HTMLParser

import pytest

from flask_kapa_handoff.markdown import TAGS, Renderer, lines, to_html
from tests.helpers.growth import LINEAR, growth

BLOCKS = ("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "table", "th", "td")


class _Reader(HTMLParser):
    """What a browser would make of it: tags, attributes, links, text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attributes}
        self.links += [value or "" for name, value in attributes if name in ("href", "src")]

    def handle_data(self, text: str) -> None:
        self.text += text


def read(markdown: str, page: str | None = None) -> _Reader:
    reader = _Reader(str(to_html(markdown, page)))
    assert reader.tags <= TAGS
    assert reader.attributes <= {
        ("a", "href"),
        ("a", "rel"),
        ("ol", "start"),
        ("li", "value"),
        ("td", "align"),
        ("th", "align"),
        *((tag, "dir") for tag in (*BLOCKS, "a", "bdi", "code", "pre")),
    }
    assert all(link.startswith(("http://", "https://", "mailto:")) for link in reader.links)
    return reader


# What answers are made of


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("plain", '<p dir="auto">plain</p>'),
        (
            "**bold** *soft* ~~gone~~ `code`",
            '<p dir="auto"><strong>bold</strong> <em>soft</em> <del>gone</del> <code dir="ltr">code</code></p>',
        ),
        ("# Head\n\ntext", '<h1 dir="auto">Head</h1>\n<p dir="auto">text</p>'),
        ("- a\n- b", '<ul dir="ltr">\n<li dir="auto">a</li>\n<li dir="auto">b</li>\n</ul>'),
        ("3. a\n4. b", '<ol start="3" dir="ltr">\n<li dir="auto">a</li>\n<li dir="auto">b</li>\n</ol>'),
        ("> said", '<blockquote>\n<p dir="auto">said</p>\n</blockquote>'),
        ("a  \nb", '<p dir="auto">a<br>\nb</p>'),
        ("---", "<hr>"),
        ("", ""),
    ],
)
def test_markup_of_answers(markdown: str, expected: str) -> None:
    """The markup that models write is rendered."""
    assert str(to_html(markdown)).strip() == expected


def test_code_keeps_its_lines() -> None:
    """A code block stays as it was typed, markup characters and blank lines included."""
    code = 'if a < b and "x":\n\n    print(f"{a}")  # **not bold** <b>\n'
    reader = read(f"```python\n{code}```")
    assert {"pre", "code"} <= reader.tags
    assert "strong" not in reader.tags
    assert reader.text.rstrip("\n") == code.rstrip("\n")


def test_table() -> None:
    """A table has its head, its rows and its alignment."""
    reader = read("| a | b |\n|:--|--:|\n| 1 | **2** |\n| `x` | [l](https://e.example) |")
    assert {"table", "thead", "tbody", "th", "td", "strong", "a"} <= reader.tags
    assert ("td", "align") in reader.attributes


@pytest.mark.parametrize(
    ("markdown", "link"),
    [
        ("[t](https://e.example/a?b=c&d=e#f)", "https://e.example/a?b=c&d=e#f"),
        ("https://e.example/bare", "https://e.example/bare"),
        ("<https://e.example/angle>", "https://e.example/angle"),
        ("docs@e.example", "mailto:docs@e.example"),
        ("[t][1]\n\n[1]: http://e.example/ref", "http://e.example/ref"),
    ],
)
def test_links(markdown: str, link: str) -> None:
    """Web and mail addresses become links, which tell the other site nothing and lend it no weight."""
    reader = read(markdown)
    assert reader.links == [link]
    assert 'rel="noopener noreferrer nofollow"' in to_html(markdown)


# Hostile input


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\tscript:alert(1)",
        "javascript&colon;alert(1)",
        "&#106;avascript:alert(1)",
        "\x01javascript:alert(1)",
        "vbscript:msgbox(1)",
        "data:text/html,<script>alert(1)</script>",
        "data:image/svg+xml;base64,PHN2Zz4=",
        "file:///etc/passwd",
        "//evil.example/protocol-relative",
        "/relative",
        "blob:https://e.example/x",
        "ftp://e.example/x",
        "tel:+19005550123",
        "ms-word:ofe|u|https://e.example/x.docx",
        "search-ms:query=x",
    ],
)
@pytest.mark.parametrize("form", ["[words]({})", "[words](<{}>)", "<{}>", "[words][1]\n\n[1]: {}", "![words]({})"])
def test_no_link_but_web_and_mail(form: str, address: str) -> None:
    """Whatever the way to write it, only http, https and mailto become links; the words stay."""
    reader = read(form.format(address))  # which looks at every link
    if "words" in form and reader.links == []:
        assert "words" in reader.text


@pytest.mark.parametrize(
    ("markdown", "text", "links"),
    [
        ("![words](https://e.example/x.gif)", "words → e.example", ["https://e.example/x.gif"]),
        ('![words](https://e.example/x.gif "title")', "words → e.example", ["https://e.example/x.gif"]),
        ("![words][1]\n\n[1]: https://e.example/x.png", "words → e.example", ["https://e.example/x.png"]),
        ("![](https://e.example/x.png)", "https://e.example/x.png", ["https://e.example/x.png"]),
        ('![a < b "c"](https://e.example/x.png)', 'a < b "c" → e.example', ["https://e.example/x.png"]),
        ("![words](/x.png)", "words → docs.example", ["https://docs.example/x.png"]),
        ("![words](data:image/png;base64,AAAA)", "words", []),
        ("![](data:image/png;base64,AAAA)", "data:image/png", []),
        (
            "[![words](https://i.example/x.png)](https://e.example)",
            "words → e.example https://i.example/x.png",
            ["https://e.example", "https://i.example/x.png"],
        ),
    ],
)
def test_images_are_their_text(markdown: str, text: str, links: list[str]) -> None:
    """No image is loaded: it would tell a stranger when the agent reads the mail. Its words and its address stay."""
    reader = read(markdown, "https://docs.example/keys/")
    assert reader.text.strip() == text
    assert reader.links == links


@pytest.mark.parametrize(
    "raw",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<Button onClick={save}>Save</Button>",
        "<svg/onload=alert(1)>",
        "<iframe src='https://e.example'></iframe>",
        "<style>body { display: none }</style>",
        '<a href="https://e.example" onclick="x()">t</a>',
        "<!-- a comment -->",
        "<?php echo 1 ?>",
        "<![CDATA[ text ]]>",
        "<!DOCTYPE html>",
        "</div></td></table></body>",
        "<b",
        "a < b > c & d &amp; &lt;",
        "<p align=center>text",
        "<math><mtext></p><style><img src=x onerror=alert(1)>",
    ],
)
@pytest.mark.parametrize("form", ["{}", "before {} after", "- item {}", "> {}", "| a |\n|---|\n| {} |", "# {}"])
def test_raw_html_is_shown_as_text(form: str, raw: str) -> None:
    """HTML in an answer is text: nothing of it works, nothing of it is lost."""
    text = read(form.format(raw)).text
    # Entities are Markdown's own: "&amp;" means "&".
    assert squeezed(html.unescape(raw)) in squeezed(text)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_nested_structures() -> None:
    """Lists, quotes, tables and code in each other come out balanced."""
    lines = [
        "- one",
        "  1. two",
        "",
        "     ```",
        "     <three>",
        "     ```",
        "  2. four",
        "- five",
        "",
        "| a |",
        "|---|",
        "| six |",
    ]
    markdown = "\n".join(f"> {line}" for line in lines)
    markup = str(to_html(markdown))
    reader = read(markdown)
    for word in ("one", "two", "<three>", "four", "five", "six"):
        assert word in reader.text
    for tag in reader.tags - {"br", "hr"}:
        assert len(re.findall(f"<{tag}[ >]", markup)) == markup.count(f"</{tag}>")


SIZE = 64 * 1024


@pytest.mark.parametrize(
    "unit",
    [
        "[",
        "![",
        "[a][b",
        "[a](",
        "*a **a ",
        "_a __a ",
        "`",
        "``` ",
        "> ",
        "- ",
        "  - a\n",
        "> > a\n",
        "<",
        "<a ",
        "<!--",
        "&",
        "&#x",
        "\"'",
        "~~a",
        "| a ",
        "|-",
        "a|b\n-|-\n",
        "\\",
        "#",
        "https://a.b/",
        "a@b.c ",
        "[a]: b\n",
        "<b><i>",
        "a**b",
        "\n",
        "\t",
        "\u202e\u0301",
        "x",
        "$$\n",
        "\\[\n",
        "\\(\\[",
        "\\[\\(a\\)\n",
        "$a$",
        "~文",
        "“www.a”",
        "www.a.文",
        "https://a.b/文]](",
        "[文]: 文\n",
        "[a]: /b\n[c]: d\n",
        "[a]: b\n\n[a] ",
        "[a](/b) ",
        "[![a](b)](c) ",
        "|a|b\n|-|-\n|x|y|`|`|`\n",
        "|<br>|<br>|\n|-|-|\n",
        "<div>\n\n",
        "1. م\n\n   a\n",
        "```a b\n",
        "\ufdd0\t\ufdd1",
        "1. a\n5. b\n",
        "1. 3. 1. a\n",
    ],
    ids=ascii,
)
def test_adversarial_input_returns(unit: str) -> None:
    """64 kB of what makes parsers slow or deep comes back, harmless."""
    read((unit * SIZE)[:SIZE])


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"{'`' * length} " for length in range(350)),
        "".join("> " * depth + "a\n" for depth in range(250)),
        "".join("  " * depth + "- a\n" for depth in range(250)),
        "[a]: https://e.example/" + "x" * 30_000 + "\n\n" + "[a] " * 8000,
        "*a " * 10_000 + "a* " * 10_000,
        "**" * 10_000 + "a" + "**" * 10_000,
    ],
    ids=lambda text: text[:12],
)
def test_growing_structures_return(text: str) -> None:
    """Structures that grow with each repetition come back, too."""
    read(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("|", "a@b.c ", "a:b@c.d", "&", '"', "a|b\n-|-\n", "http://ü.a ", "<a@a.a>"),
        *("\\(", "\\[", "\\[\n", "\\(\\[", "$$\n", "www.", "www.a.文", "https://a.a.a.", "[文]: 文\n", "[a](/b) "),
        *("[![a](b)](c) ", "|`|`", "|a|b\n|-|-\n|`|`|`|`\n", "[" + "a" * 997 + "\n", "1. م\n\n   a\n"),
    ],
)
def test_time_grows_with_the_text(unit: str) -> None:
    """64 kB takes about four times what 16 kB takes: of a line that is nearly a table's, of addresses, of entities."""
    small, large = (unit * (size // len(unit)) + "x" for size in (SIZE // 4, SIZE - 100))
    assert growth(to_html, small, large) < LINEAR


@pytest.mark.parametrize("unit", ["a@b.c ", "a@a.", "*a* ", "[a](http://b) ", "a|b\n-|-\n", "&"])
def test_many_texts_cost_no_more_than_a_page_allows(unit: str) -> None:
    """Texts that would take too long together are shown unrendered; the page grows with its text; nothing is lost."""
    text = unit * (SIZE // len(unit))
    render = Renderer()
    shown = [str(render(text)) for _ in range(16)]
    assert sum(map(len, shown)) < 6 * 16 * SIZE
    assert shown[-1] == f'<p dir="auto">{lines(text)}</p>'


def test_a_long_conversation_is_rendered() -> None:
    """A hundred ordinary answers are far below what a page may cost."""
    answer = (
        "Open **Settings**, then:\n\n1. press `Rotate`\n2. see [the guide](https://docs.example.com)\n\n"
        + "word " * 300
    )
    render = Renderer()
    assert all("<ol " in render(answer) for _ in range(100))


@pytest.mark.parametrize(
    "text",
    [
        "| " + "a | " * 500 + "\n|" + "-|" * 500 + "\n" + "| b\n" * 3000,
        "> | " + "a | " * 500 + "\n> |" + " :-: |" * 500 + "\n" + "> | b\n" * 3000,
        "1. a" + "|a" * 500 + "\n   -" + "|-" * 500 + "\n" + "   b\n" * 3000,
    ],
    ids=["plain", "in a quote", "in a list"],
)
def test_huge_table_stays_text(text: str) -> None:
    """A small text that would become a table of a million cells is shown as it is: markup grows with the text."""
    markup = to_html(text)
    assert len(markup) < 10 * len(text)
    assert squeezed(read(text).text) == squeezed(text)


@pytest.mark.parametrize("text", ["> " * 20_000 + "x", "> - 1. " * 5000 + "x", "- " * 20_000 + "x", "<b>&\n" * 20_000])
def test_an_absurd_text_stays_text(text: str) -> None:
    """Thousands of quotes in each other, or a text of more than 64 kB, are shown as they are, line by line."""
    assert str(to_html(text)).count("<br>") == text.count("\n")
    assert read(text).text.replace("\n", "") == text.replace("\n", "")
    assert read(text).tags <= {"p", "br"}


def test_large_answers_are_rendered() -> None:
    """A long answer with real tables, quotes and rules is rendered."""
    table = "| name | value | meaning |\n|---|---|---|\n" + "| `a` | 1 | the first |\n" * 300
    reader = read(f"# Head\n\n{table}\n\n{'-' * 500}\n\n> > quoted **twice**\n\n" + "Some *text*. " * 3000)
    assert {"h1", "table", "td", "hr", "blockquote", "strong", "em"} <= reader.tags


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b", "\ufeff", "\r\n\r\n", "\u2028", "🔑" * 1000, "مفتاح \u202e abc"], ids=ascii
)
def test_odd_characters(text: str) -> None:
    """Characters that are hardly text do not stop the rendering."""
    read(text)


class Panic(BaseException):
    """As PyO3 raises for a panic in Rust: no Exception, and its words may hold the text."""


def test_a_text_that_the_renderer_fails_at_stays_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A panic in the renderer loses the markup, not the page; the log reports it without the text."""

    def fail(text: str, **options: object) -> str:
        raise Panic(f"byte index 5 is out of bounds of `{text}`")

    monkeypatch.setattr("comrak.render_markdown", fail)
    assert str(to_html("**private** <b>\nline")) == '<p dir="auto">**private** &lt;b&gt;<br>\nline</p>'
    assert "Panic" in caplog.text
    assert "private" not in logging.Formatter().format(caplog.records[0])


def test_interrupt_is_no_failure_of_the_renderer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of an answer ends the program, as anywhere else."""

    def interrupt(text: str, **options: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("comrak.render_markdown", interrupt)
    with pytest.raises(KeyboardInterrupt):
        to_html("text")
