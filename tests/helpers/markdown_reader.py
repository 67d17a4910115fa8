"""What a person can read in an answer, according to another parser of Markdown, and on a page of HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.reference import reference
from markdown_it.token import Token

_FORMULA = re.compile(
    r"\\\(.+?\\\)|\\\[.+?\\\]|\$\$.+?\$\$|\$(?=[^\s\d])[^$\n]+?(?<=\S)\$(?!\d)"
    r"|\\begin\{aligned\}.+?\\end\{aligned\}",
    re.DOTALL,
)
_BAR = re.compile(r"(`+[^`]+`+)|(?<!\\)\|")
_EMPHASIS = re.compile(r"\*\*|~~")

ACTIVE_TAGS = {"script", "style", "form", "img", "iframe", "input", "link", "svg", "object", "embed", "base", "meta"}
ACTIVE_ATTRIBUTES = {"src", "srcset", "action", "formaction", "background", "poster"}
INLINE_TAGS = {"a", "b", "bdi", "code", "del", "em", "i", "s", "strong"}


class MarkdownReader:
    """The visible text of a Markdown answer, as words.

    Definitions of links that nothing refers to, and HTML, are text; an image is its text, or its address; a code block
    begins with its name, if that is more than a language. Relative addresses are those of the page.
    """

    def __init__(self, markdown: str, page: str) -> None:
        self._page = page
        self._formulas: list[str] = []
        self._source = _FORMULA.sub(self._placeholder, markdown)
        self._lines = self._source.split("\n")
        self._parser = MarkdownIt("commonmark", {"store_labels": True}).enable(["table", "strikethrough"])
        self._environment: dict[str, Any] = {}

    @property
    def words(self) -> list[str]:
        """The text between blanks."""
        used = {label for token in _walk(self._parse()) if (label := token.meta.get("label"))}

        def used_reference(state: StateBlock, start: int, end: int, silent: bool) -> bool:
            begin = state.bMarks[start] + state.tShift[start]
            label = re.match(r"\[((?:[^\[\]\\]|\\.)+)\]:", state.src[begin : state.eMarks[start]])
            is_used = label is not None and normalizeReference(label[1]) in used and not label[1].startswith("^")
            return is_used and reference(state, start, end, silent)

        self._parser.block.ruler.at("reference", used_reference)
        text = "".join(self._texts(self._parse()))
        return words(re.sub("FORMULA([0-9]+)X", lambda match: self._formulas[int(match[1])], text))

    def _placeholder(self, match: re.Match[str]) -> str:
        self._formulas.append(match[0])
        return f"FORMULA{len(self._formulas) - 1}X"

    def _parse(self) -> list[Token]:
        self._environment = {}
        return self._parser.parse(self._source, self._environment)

    def _texts(self, tokens: list[Token]) -> Iterator[str]:
        row = False
        for token in tokens:
            if token.type == "tr_open" and token.map:
                # A renderer leaves out cells beyond the head's.
                row = True
                line = self._lines[token.map[0]].strip(" >").removeprefix("|").removesuffix("|")
                spaced = _BAR.sub(lambda bar: bar[1] or " | ", line).replace("\\|", "|")
                yield from self._inline(self._parser.parseInline(spaced, self._environment)[0].children or [])
            elif token.type == "tr_close":
                row = False
            elif token.type == "inline" and not row:
                yield from self._inline(token.children or [])
            elif token.type in ("fence", "code_block", "html_block"):
                name = token.info.strip()
                yield f"{name}\n{token.content}" if " " in name or "=" in name else token.content
            yield "\n"

    def _inline(self, tokens: list[Token]) -> Iterator[str]:
        link, text = "", ""
        images: list[str] = []
        for token in tokens:
            if token.type == "link_open":
                link, text, images = self._address(token.attrs["href"]), "", []
            elif token.type == "link_close":
                yield text or link
                if text != link and not link.startswith(("http", "mailto:")):
                    yield f" ({link})"
                yield " ".join(["", *images])
                link = ""
            else:
                said = token.content
                if token.type == "image":
                    address = self._address(token.attrs["src"])
                    said = "".join(self._inline(token.children or [])) or ("" if link else address)
                    images.append(address)
                elif token.type in ("softbreak", "hardbreak"):
                    said = "\n"
                text += said
                yield "" if link else said

    def _address(self, written: object) -> str:
        return urljoin(self._page, str(written))


def _walk(tokens: Iterable[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or ())


class PageReader(HTMLParser):
    """The visible text of the elements with a class, each as words; and what in the page could act.

    Where links lead, as the package adds after their text, is left out.
    """

    def __init__(self, markup: str, name: str) -> None:
        super().__init__()
        self._name = name
        self._depth = 0
        self._hosts = False
        self._text = ""
        self.texts: list[list[str]] = []
        self.active: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if self._depth:
            self._look_at(tag, values)
            self._depth += tag not in ("br", "hr")
            self._text += "" if tag in INLINE_TAGS else "\n"
        elif self._name in values.get("class", "").split():
            self._depth, self._text = 1, ""

    def handle_endtag(self, tag: str) -> None:
        if self._depth:
            self._depth -= 1
            self._text += "" if tag in INLINE_TAGS else "\n"
            if not self._depth:
                self.texts.append(words(self._text))

    def handle_data(self, data: str) -> None:
        if data.startswith("→ "):
            self._text = self._text.removesuffix(" ").removesuffix("\r\n")
        else:
            self._text += data

    def _look_at(self, tag: str, values: dict[str, str]) -> None:
        if tag in ACTIVE_TAGS:
            self.active.append(tag)
        address = values.get("href", "https://")
        if not address.startswith(("https://", "http://", "mailto:")):
            self.active.append(address)
        self.active += [name for name in values if name.startswith("on") or name in ACTIVE_ATTRIBUTES]


def words(text: str) -> list[str]:
    """The words of a text, also of one with bars between the cells of its tables."""
    return re.sub(r"<br ?/?>|(?<!\S)\|(?!\S)", " ", _EMPHASIS.sub("", text)).split()
