"""Completes the renderer's HTML: what it left out, what must not be an image, and where each block's text begins."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urljoin

from ..urls import parse_url
from .source import LATEX

# The renderer's own syntax: what was typed as HTML is text here, with its "<" escaped.
_FORMULA = re.compile(r'<span data-math-style="(inline|display)">([^<]*)</span>')
_LINK = re.compile(r'<a href="([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_UNUSUAL_LINK = re.compile(r'<a href="(?!https?://|mailto:)([^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
_IMAGE = re.compile(r'<img src="([^"]*)" alt="([^"]*)"[^>]*>')
_CELL = re.compile(r"(<t[dh](?: align=\"[a-z]+\")?>)(.*?)(?=</t[dh]>)", re.DOTALL)
_BREAK = re.compile(r"(<code>[^<]*</code>)|&lt;br ?/?&gt;", re.IGNORECASE)
_RAW = re.compile(r">\n( {0,3}&lt;[^<]*[^<\s])")  # after a tag
_RAW_FOLLOWS = re.compile("</(?:p|ul|ol|li|table|pre|blockquote|h[1-6])>|<(?:blockquote|li|hr /)>")
_RULE = "<hr />\n"
_CODE = re.compile(r'<pre><code((?: [a-z-]+="[^"]*")+)>')
_INFO = re.compile(r' (class|data-meta)="(?:language-)?([^"]*)"')
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")

# Brackets that were escaped around plain words, a number or the mark of a box are no formula.
_WORDS = re.compile(r"(?=.*[^\W\d_]{3}|[\d\s,]+\Z)(?:[^\W_]|[\s.,:;|'-])+", re.DOTALL)
_BRACKETS = {"inline": ("\\(", "\\)", "(", ")"), "display": ("\\[", "\\]", "[", "]")}

_ADDRESS = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_DATA = re.compile(r"data:[^;,]{0,100}", re.IGNORECASE)
_SCRIPT = re.compile(r"\s*(?:javascript|vbscript|data):", re.IGNORECASE)
_MOST_RESOLVED = 500  # relative links of a text: each takes a while, and grows by the page's address

# Groups as nh3 writes them: their own text is that of their blocks, which "auto" does not look at.
_GROUP = re.compile(
    r'<(blockquote|(?:ul|ol(?: start="\d+")?|table|li(?: value="\d+")?)(?= dir))(?: dir="[a-z]+")?(?=>\n)'
)
_ASCII_LINK = re.compile(r'(<a href="[^"]*" rel="[^"]*")(?=>[!-;=-~]+</a>)')
_RTL = re.compile("[\u0590-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
_RTL_BYTES = bytes([*range(0xD6, 0xE1), 0xEF, 0xF0])  # with which these begin in UTF-8
_NOT_TEXT = re.compile(r"<code[ >][^<]*</code>|<[^>]*>|&[#\w]+;")
_STRONG = re.compile(r"[^\W\d_]")
_WINDOW = 300  # characters


DIRECTIONS = {
    tag: {"dir": direction}
    for direction, tags in {"auto": "p h1 h2 h3 h4 h5 h6 li th td", "ltr": "code pre bdi ul ol table"}.items()
    for tag in tags.split()
}
"""The direction of each tag's text: each block of text has its own, and code is always written from left to right."""


def completed(markup: str, page: str | None) -> str:
    """The renderer's HTML with everything that it left out.

    Arguments:
        markup: as the renderer wrote it, with the marks of :func:`.source.prepared`.
        page: the address of the page where the answer was shown, which completes relative links.
    """
    if "<span" in markup:
        markup = _FORMULA.sub(_formula, markup)
    has_images = "<img" in markup
    if has_images or "<a " in markup:
        link = _linker(page if parse_url(page) else None)
        # A link in usual form stays as it is.
        markup = (_LINK if has_images or '"></a>' in markup else _UNUSUAL_LINK).sub(link, markup)
        markup = _IMAGE.sub(link, markup) if has_images else markup
    if "<t" in markup and "&lt;" in markup:
        markup = _CELL.sub(_cell, markup)
    if "&lt;" in markup:
        markup = _RAW.sub(_raw, _RULE + markup)[len(_RULE) :]  # the first block follows a tag, too
    return _CODE.sub(lambda match: _code(match[1]), markup) if "<pre><code " in markup else markup


def has_rtl(text: str) -> bool:
    """Whether there is a letter that is written from right to left, as in Arabic and Hebrew."""
    if text.isascii():
        return False
    data = text.encode(errors="replace")  # quicker than a search, and most texts have none
    return len(data.translate(None, _RTL_BYTES)) != len(data) and _RTL.search(text) is not None


def with_directions(markup: str) -> str:
    """Finished HTML with :data:`DIRECTIONS`; lists, quotes, tables and addresses have that of their text, too."""
    return _ASCII_LINK.sub(r'\1 dir="ltr"', _GROUP.sub(_group, markup))


def _group(match: re.Match[str]) -> str:
    text = _NOT_TEXT.sub("", match.string[match.end() : match.end() + _WINDOW])
    first = _STRONG.search(text)
    return f'<{match[1]} dir="{"rtl" if first and _RTL.match(first[0]) else "ltr"}"'


def _formula(match: re.Match[str]) -> str:
    style, written = match.groups()
    if not written.startswith(LATEX):
        dollars = "$" if style == "inline" else "$$"
        return f"<bdi>{dollars}{written}{dollars}</bdi>"
    written = written[len(LATEX) :]
    begin, end, plain_begin, plain_end = _BRACKETS[style]
    if _WORDS.fullmatch(written) or (style == "display" and written in ("x", "X")):
        return f"{plain_begin}{written}{plain_end}"
    return f"<bdi>{begin}{written}{end}</bdi>"


def _linker(page: str | None) -> Callable[[re.Match[str]], str]:
    """Writes a match of :data:`_LINK` or :data:`_IMAGE`: an image as its text with its address as a link."""
    left = _MOST_RESOLVED

    def resolved(address: str) -> str:
        nonlocal left
        if page is None or not address or not left or _SCHEME.match(address):
            return address
        left -= 1
        try:
            return html.escape(urljoin(page, html.unescape(address)))
        except ValueError:
            return address

    def link(address: str, words: str) -> str:
        address = resolved(address)
        if _ADDRESS.match(address):
            return f'<a href="{address}">{words or address}</a>'
        if not address or _SCRIPT.match(html.unescape(address)) or address == words:
            return words
        return f"{words} ({address})" if words else address

    def image(address: str, words: str) -> str:
        if data := _DATA.match(address):
            return words or data[0]
        return link(address, words)

    def written(match: re.Match[str]) -> str:
        address, words = match[1], match[2]
        if match.re is _IMAGE:
            return image(address, words)
        images = list(_IMAGE.finditer(words))
        words = _IMAGE.sub(lambda found: found[2], words)
        # Links cannot be nested: the images' addresses follow.
        return " ".join([link(address, words), *(image(found[1], "") for found in images)])

    return written


def _cell(match: re.Match[str]) -> str:
    """A cell whose ``<br>`` break the line, unless there is nothing else in it."""
    begin, content = match.groups()
    if "&lt;b" not in content.lower():
        return match[0]
    broken = _BREAK.sub(lambda found: found[1] or "<br>", content)
    return begin + (broken if broken.replace("<br>", "").strip() else content)


def _raw(match: re.Match[str]) -> str:
    """A block of HTML as a paragraph that keeps its lines."""
    begin = match.start()
    if not _RAW_FOLLOWS.fullmatch(match.string, match.string.rfind("<", 0, begin), begin + 1):
        return match[0]
    paragraph = match[1].replace("\n", "<br>\n")
    return f">\n<p>{paragraph}</p>"


@lru_cache(maxsize=100)
def _code(attributes: str) -> str:
    """The beginning of a code block, after the line of its name if that is more than a language."""
    info = {found[1]: found[2] for found in _INFO.finditer(attributes)}
    words = " ".join(filter(None, (info.get("class"), info.get("data-meta"))))
    return "<pre><code>" if not words or _LANGUAGE.fullmatch(words) else f"<p><code>{words}</code></p>\n<pre><code>"
