"""Markdown's options never change what an answer says: numbers, formulas, addresses, notes and directions stay."""

from __future__ import annotations

import html
import re

import pytest

from flask_kapa_handoff.markdown import Renderer, to_html

PAGE = "https://docs.acme.example/guides/keys?lang=en#top"


def shown(markdown: str, page: str | None = PAGE) -> str:
    """The HTML without directions and what each link has."""
    markup = str(to_html(markdown, page)).strip().replace(' rel="noopener noreferrer nofollow"', "")
    return re.sub(' dir="(auto|ltr|rtl)"', "", markup)


def text(markdown: str, page: str | None = PAGE) -> str:
    return to_html(markdown, page).striptags()


@pytest.mark.parametrize(
    "markdown",
    [
        "大约3~5天，价格100~200元",
        "Takes ~5 min; use 10~20 workers",
        "~one~ two",
        "~/.config and ~root, a ~ b ~ c",
        "npm i acme@~2.0 ~1",
    ],
)
def test_a_single_tilde_is_a_tilde(markdown: str) -> None:
    """Only two strike through."""
    assert shown(markdown) == f"<p>{markdown}</p>"


def test_tildes_stay_in_code_and_addresses() -> None:
    """Also where a tilde is protected for nothing."""
    assert shown("`a~b` ~~gone~~") == "<p><code>a~b</code> <del>gone</del></p>"
    assert shown("```\n~a~\n```") == "<pre><code>~a~\n</code></pre>"
    address = "https://x.example/~ada/a~b"
    link = f'<a href="{address}">'
    assert shown(f"{address} <{address}>") == f"<p>{link}{address}</a> {link}{address}</a></p>"
    assert shown(f"[a]({address})") == f"<p>{link}a</a> <bdi>→ x.example</bdi></p>"
    assert shown(f"[a]\n\n[a]: {address}") == f"<p>{link}a</a> <bdi>→ x.example</bdi></p>"


@pytest.mark.parametrize(
    ("markdown", "address", "after"),
    [
        ("https://docs.acme.example/keys。谢谢", "https://docs.acme.example/keys", "。谢谢"),
        ("https://docs.acme.example/keys请看", "https://docs.acme.example/keys", "请看"),
        ("https://docs.acme.example，谢谢", "https://docs.acme.example", "，谢谢"),
        ("https://docs.acme.example请看", "https://docs.acme.example", "请看"),
        ("https://docs.acme.example:8443请看", "https://docs.acme.example:8443", "请看"),
        ("https://docs.acme.example/keys?a=1&b=2#c）", "https://docs.acme.example/keys?a=1&b=2#c", "）"),
        ("https://docs.acme.example/keysを参照", "https://docs.acme.example/keys", "を参照"),
        ("https://docs.acme.example/keys를 참조", "https://docs.acme.example/keys", "를 참조"),
        ("https://docs.acme.example/keysครับ", "https://docs.acme.example/keys", "ครับ"),
        ("https://docs.acme.exampleមើល", "https://docs.acme.example", "មើល"),
        ("https://docs.acme.example/keysကို", "https://docs.acme.example/keys", "ကို"),
        ("https://docs.acme.example/~a/keys」と", "https://docs.acme.example/~a/keys", "」と"),
        ("https://docs.acme.example/keys”", "https://docs.acme.example/keys", "”"),
        ("https://docs.acme.example/keys…", "https://docs.acme.example/keys", "…"),
        ("https://docs.acme.example/keys؟", "https://docs.acme.example/keys", "؟"),
        ("https://docs.acme.example/keys।", "https://docs.acme.example/keys", "।"),
    ],
)
def test_a_bare_address_ends_before_text_without_a_blank(markdown: str, address: str, after: str) -> None:
    """Chinese, Japanese, Korean, Thai and their like have none there, nor has punctuation."""
    written = address.replace("&", "&amp;")
    assert shown(markdown) == f'<p><a href="{written}">{written}</a>{after}</p>'


def test_markdown_after_a_bare_address_is_markdown() -> None:
    """The address swallows neither emphasis nor links, nor a second address."""
    link = '<a href="https://x.example/a">https://x.example/a</a>'
    assert shown("https://x.example/a。**重要**") == f"<p>{link}。<strong>重要</strong></p>"
    assert shown("**https://x.example/a**请看") == f"<p><strong>{link}</strong>请看</p>"
    assert shown("https://x.example/a和https://x.example/a") == f"<p>{link}和{link}</p>"
    other = '<a href="https://y.example/b">文档</a> <bdi>→ y.example</bdi>'
    assert shown("https://x.example/a和[文档](https://y.example/b)") == f"<p>{link}和{other}</p>"


@pytest.mark.parametrize(
    ("markdown", "address"),
    [
        ("[文](https://x.example/日本)", "https://x.example/%E6%97%A5%E6%9C%AC"),
        ("[文](<https://x.example/日本>)", "https://x.example/%E6%97%A5%E6%9C%AC"),
        ("<https://x.example/日本>", "https://x.example/%E6%97%A5%E6%9C%AC"),
        ("[文]\n\n[文]: https://x.example/日本", "https://x.example/%E6%97%A5%E6%9C%AC"),
        ("https://東京.jp/a", "https://%E6%9D%B1%E4%BA%AC.jp/a"),
        ("https://ru.example/Ключ", "https://ru.example/%D0%9A%D0%BB%D1%8E%D1%87"),
        ("https://en.example/Michelson–Morley", "https://en.example/Michelson%E2%80%93Morley"),
    ],
)
def test_an_address_in_other_letters_stays_whole(markdown: str, address: str) -> None:
    """Where its end is marked, in its host, and in languages that have blanks."""
    assert f'<a href="{address}">' in shown(markdown)


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        (
            "**「設定」**を開き、**重要：**再起動",
            "<strong>「設定」</strong>を開き、<strong>重要：</strong>再起動",
        ),
        ("~~「旧」~~を使わない", "<del>「旧」</del>を使わない"),
        ('**"설정"**을 열고', "<strong>&quot;설정&quot;</strong>을 열고"),
        ("**สำคัญ:**รีสตาร์ท", "<strong>สำคัญ:</strong>รีสตาร์ท"),
        ('เปิด**"ตั้งค่า"**แล้ว', "เปิด<strong>&quot;ตั้งค่า&quot;</strong>แล้ว"),
        ("(**เปิด**) *ปิด!*และ `:**ก`", "(<strong>เปิด</strong>) <em>ปิด!</em>และ <code>:**ก</code>"),
        ("**ចំណាំ៖**បើក **(សំខាន់)**ណាស់", "<strong>ចំណាំ៖</strong>បើក <strong>(សំខាន់)</strong>ណាស់"),
        ("$*ก$ 5*ก \\*ก\\*", "<bdi>$*ก$</bdi> 5*ก *ก*"),
    ],
)
def test_emphasis_beside_cjk_punctuation(markdown: str, expected: str) -> None:
    """There is no blank around it."""
    assert shown(markdown).replace('"', "&quot;") == f"<p>{expected}</p>"


@pytest.mark.parametrize(
    "formula",
    [
        r"\(c = n^*(k) \cdot m^*\)",
        r"\(d_0\)",
        r"\[L = n * k * m\]",
        r"\[x_1, \{y_2\} \\ z\]",
        "$a_1*b*c$",
        r"$\{x\} \, y_*$ and $z_*$",
        r"$$L = \sum_{i=1}^{n} x_i * y_i$$",
        r"\( a < b \& c > d \)",
    ],
)
def test_inline_formulas_keep_every_character(formula: str) -> None:
    """Also their brackets."""
    assert text(f"so {formula} is") == f"so {formula} is"
    assert text(f"- {formula}") == formula
    assert "<em>" not in shown(formula)


@pytest.mark.parametrize(
    "formula",
    [
        "\\[\nd_n\n= d_0 * 2^n\n+ r \\\\\n- s\n\\]",
        "$$\na_1 * b_1 * c\n\n1. d \\\\\n> e\n$$",
        "\\begin{aligned}\nx &= y * z * w \\\\\n- q &= 2\n\\end{aligned}",
        "\\begin{cases} a_1 \\\\ *b* \\end{cases}",
        "\\[ a\n# b\n\\].",
    ],
)
def test_formulas_of_several_lines_keep_every_character(formula: str) -> None:
    """A line that begins with a minus is no list."""
    for prefix in ("", "> ", "- a\n\n  "):
        lines = formula.replace("\n", "\n" + prefix.rpartition("\n")[2])
        markup = to_html(f"{prefix}{lines}\n{prefix.rpartition(chr(10))[2]}\nafter _it_")
        code = re.search("<pre[^>]*><code[^>]*>(.*?)</code></pre>", markup, re.DOTALL)
        assert code is not None
        assert code[1].replace("&amp;", "&").replace("&gt;", ">") == f"{formula}\n"
        assert "<em>it</em>" in markup


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("costs $5 or **more**, then $6", "costs $5 or <strong>more</strong>, then $6"),
        ("in $HOME and **$PATH**", "in $HOME and <strong>$PATH</strong>"),
        ("${A} *and* ${B}", "${A} <em>and</em> ${B}"),
        ("for $12, `$x$`", "for $12, <code>$x$</code>"),
        (r"\[options\] \(optional\) \[12\]", "[options] (optional) [12]"),
        (r"- \[x\] done", "[x] done"),
        ("`\\(x\\)` and `$y$`", "<code>\\(x\\)</code> and <code>$y$</code>"),
        (r"\(left open", r"\(left open"),
    ],
)
def test_what_is_no_formula(markdown: str, expected: str) -> None:
    """Money, variables, code and escaped brackets stay what they are."""
    assert expected in shown(markdown)


def test_code_with_formulas_stays_code() -> None:
    """No fence appears in it."""
    code = "\\[\na\n\\]\n$$\n- b\n$$\n"
    indented = "".join(f"    {line}\n" for line in code.splitlines())
    assert shown(f"a\n\n{indented}") == f"<p>a</p>\n<pre><code>{code}</code></pre>"
    for fence in ("```", "~~~~"):
        assert shown(f"{fence}latex\n{code}{fence}") == f"<pre><code>{code}</code></pre>"


@pytest.mark.parametrize(
    ("markdown", "address", "page"),
    [
        ("[w](/docs/keys#rotate)", "https://docs.acme.example/docs/keys#rotate", PAGE),
        ("[w](rotate.html)", "https://docs.acme.example/guides/rotate.html", PAGE),
        ("[w](../a?b=1&c=2)", "https://docs.acme.example/a?b=1&amp;c=2", PAGE),
        ("[w](#limits)", "https://docs.acme.example/guides/keys?lang=en#limits", PAGE),
        ("[w](?q=1)", "https://docs.acme.example/guides/keys?q=1", PAGE),
        ("[w](//cdn.acme.example/x)", "https://cdn.acme.example/x", PAGE),
        ("[w]\n\n[w]: /ref", "https://docs.acme.example/ref", PAGE),
        ("[w](/docs/keys)", None, None),
        ("[w](/docs/keys)", None, "javascript:alert(1)"),
    ],
)
def test_relative_links_lead_where_they_led_on_the_page(markdown: str, address: str | None, page: str | None) -> None:
    """Without a page, the address is text."""
    if address:
        assert shown(markdown, page).startswith(f'<p><a href="{address}">w</a>')
    else:
        assert "<a" not in shown(markdown, page)
        assert text(markdown, page) == "w (/docs/keys)"


def test_many_relative_links_do_not_multiply_a_long_address() -> None:
    """Beyond 500, they are text."""
    page = "https://docs.acme.example/" + "x" * 2000 + "/y"
    markup = Renderer(page)("[a](b) " * 5000)
    assert markup.count("<a ") == 500
    assert markup.count("a (b)") == 4500


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("fast<br>slow<br/>off<BR />x", "fast<br>slow<br>off<br>x"),
        ("`<br>` a<br>b", "<code>&lt;br&gt;</code> a<br>b"),
        (r"\<br> a", "&lt;br&gt; a"),
        ("<br>", "&lt;br&gt;"),
        ("<b>a</b><br>b", "&lt;b&gt;a&lt;/b&gt;<br>b"),
    ],
)
def test_a_break_in_a_cell_breaks_the_line(cell: str, expected: str) -> None:
    """A cell about ``<br>`` itself keeps it."""
    assert f"<td>{expected}</td>" in shown(f"| a | b |\n|---|---|\n| {cell} | x |")


def test_a_break_elsewhere_is_text() -> None:
    """As all HTML is."""
    assert shown("a<br>b") == "<p>a&lt;br&gt;b</p>"


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        ("| 1 | 2 | 3 |", ["1", "2 | 3"]),
        ("1 | 2 | 3 | 4", ["1", "2 | 3 | 4"]),
        ("| `a|b` | c |", ["<code>a|b</code>", "c"]),
        ("| `a || b` | `c|d` |", ["<code>a || b</code>", "<code>c|d</code>"]),
        (r"| a \| b | c |", ["a | b", "c"]),
    ],
)
def test_no_cell_is_left_out(row: str, cells: list[str]) -> None:
    """Cells beyond the head's belong to the last one; bars in code are code."""
    for prefix in ("", "> ", "- "):
        follow = prefix.replace("-", " ")
        markup = shown(f"{prefix}| a | b |\n{follow}|---|---|\n{follow}{row}")
        assert re.findall("<td>(.*)</td>", markup) == cells
    code = f"| a | b |\n|---|---|\n{row}\n"
    assert shown(f"```\n{code}```") == f"<pre><code>{code}</code></pre>"


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("[INFO]: started", "[INFO]: started"),
        ("[docs]: https://x.example 'a title'", "[docs]: https://x.example 'a title'"),
        ("Limits.[^1]\n\n[^1]: https://x.example", "Limits.[^1]\n[^1]: https://x.example"),
        ("Limits.[^n]\n\n[^n]: Daily.", "Limits.[^n]\n[^n]: Daily."),
        ("Limits.[^n]\n\n[^n]: At **midnight** UTC.", "Limits.[^n]\n[^n]: At midnight UTC."),
        ("[a]: b\n[a]: c\n\n[a]", "[a]: c\na (b)"),
        ("`[a]`\n\n[a]: b", "[a]\n[a]: b"),
        ("> [a]: b\n\n- [c]: d", "[a]: b\n[c]: d"),
        ("[unused]: b\n[used]: https://x.example\n\n[used]", "[unused]: b\nused → x.example"),
        ("<!-- ask first -->\n\nRefunds <!-- or not -->", "<!-- ask first -->\nRefunds <!-- or not -->"),
        ("> [!NOTE]\n> Once.", "[!NOTE]\nOnce."),
        ("Rate limit\n: Requests a minute.", "Rate limit\n: Requests a minute."),
        ("*[API]: Application Programming Interface", "*[API]: Application Programming Interface"),
        ("a ^[inline note] ==b== ||c|| ^d^ ++e++ :smile: [[wiki]]",) * 2,
        ("---\ntitle: x\n---\n", "title: x"),
        ("```js app.js\nx\n```", "js app.js\nx"),
        ('```bash title="a b"\nx\n```', 'bash title="a b"\nx'),
        ("```{.python}\nx\n```", "{.python}\nx"),
        ("```python\nx\n```", "x"),
        ("[](https://x.example/a)", "https://x.example/a"),
        ("[call us](tel:+49301234567)", "call us (tel:+49301234567)"),
    ],
)
def test_what_a_renderer_would_swallow_is_text(markdown: str, expected: str) -> None:
    """Definitions, notes, comments and the names of code."""
    lines = re.sub("</?[a-z][^>]*>", "", str(to_html(markdown))).split("\n")
    assert [html.unescape(line) for line in lines if line] == expected.split("\n")


def test_definitions_in_code_stay_code() -> None:
    """No mark appears in it."""
    code = "[a]: b | c ~ d $HOME \\(e\\)\n"
    assert shown(f"[x]\n\n```\n{code}```\n\n[x]: https://x.example").endswith(f"<pre><code>{code}</code></pre>")


@pytest.mark.parametrize(
    ("markdown", "numbers"),
    [
        ("1. a\n3. b\n4. c\n7. d", [None, "3", None, "7"]),
        ("3. a\n\n5. b", [None, "5"]),
        ("> 1) é **a**\n> 4) [b](https://x.example)", [None, "4"]),
        ("1. a\n   - x\n\n     2. y\n     4. z\n9. b", [None, None, None, "4", "9"]),
        ("1. a\n1. b\n1. c\n\ntext\n\n5. d\n6. e", [None] * 5),
        ("1. a\n2. b\n\n   1. x\n   2. y\n   3. z\n3. c", [None] * 6),
        ("5. a\n2. b", [None, "2"]),
    ],
)
def test_lists_keep_their_numbers(markdown: str, numbers: list[str | None]) -> None:
    """A renderer counts from the first one; a list that repeats one number wants that."""
    assert [value or None for value in re.findall('<li(?: value="([0-9]+)")?', shown(markdown))] == numbers
    assert "sourcepos" not in to_html(markdown)


def test_html_keeps_its_lines() -> None:
    """A block of HTML is a paragraph of text, with a line for each of its own."""
    assert shown("<div>\n  **a**\n</div>\n\nb") == ("<p>&lt;div&gt;<br>\n  **a**<br>\n&lt;/div&gt;</p>\n<p>b</p>")
    assert shown("> <!-- a\n>\n> b -->") == "<blockquote>\n<p>&lt;!-- a<br>\n<br>\nb --&gt;</p>\n</blockquote>"


def test_each_block_has_its_own_direction() -> None:
    """Code is always written from left to right, and a list, a quote or a table has the direction of its text."""
    markup = to_html(
        "# שלום\n\nافتح `acme login` ثم https://x.example/\n\n- مفتاح\n- Press Save\n\n1. `x` حفظ\n\n   b\n\n"
        "| שלב | b |\n|---|---|\n| x | y |\n\n```sh\nacme\n```\n\n- a\n\n> c \\(d_1\\)\n\n---\n\n> ציטוט"
    )
    assert re.findall('<([a-z0-9]+)[^>]* dir="([a-z]+)"', markup) == [
        ("h1", "auto"),
        ("p", "auto"),
        ("code", "ltr"),
        ("a", "ltr"),
        ("ul", "rtl"),
        ("li", "auto"),
        ("li", "auto"),
        ("ol", "rtl"),
        ("li", "rtl"),
        ("p", "auto"),
        ("code", "ltr"),
        ("p", "auto"),
        ("table", "rtl"),
        ("th", "auto"),
        ("th", "auto"),
        ("td", "auto"),
        ("td", "auto"),
        ("pre", "ltr"),
        ("code", "ltr"),
        ("ul", "ltr"),
        ("li", "auto"),
        ("blockquote", "ltr"),
        ("p", "auto"),
        ("bdi", "ltr"),
        ("blockquote", "rtl"),
        ("p", "auto"),
    ]


@pytest.mark.parametrize("character", ["\ufdd0", "\ufdd1", "\ufdd0\\", "\t\ufdd1"], ids=ascii)
def test_marks_in_an_answer_mean_nothing(character: str) -> None:
    """Nobody can put one into a text to hide something from the renderer, or to unhide it."""
    assert text(f"a{character}b ~c~ [x](https://x.example/{character}y)").replace("\t", "").startswith("a")
    assert "\ufdd0" not in to_html(f"{character}~{character} `{character}`")
    assert "\ufdd1" not in to_html(f"{character}~{character} `{character}`")
