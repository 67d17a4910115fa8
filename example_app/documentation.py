"""The documentation pages: Markdown files, read once, cut into sections at their headings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, abort, render_template, url_for

from .markdown import render

PAGES = Path(__file__).parent / "pages"

NAVIGATION = {
    "Get started": ("introduction", "installation", "quick-start"),
    "Using Pebblecask": (
        "vaults",
        "schedules-and-retention",
        "restoring-files",
        "notifications",
        "configuration",
    ),
    "Reference": ("command-line", "api", "security"),
    "Help": ("troubleshooting", "upgrading", "pricing-and-licences", "faq"),
}


@dataclass(frozen=True)
class Section:
    """The text between two headings: the unit that is searched and quoted."""

    slug: str
    page_title: str
    heading: str
    anchor: str
    text: str

    @property
    def title(self) -> str:
        return f"{self.page_title}: {self.heading}" if self.anchor else self.page_title


@dataclass(frozen=True)
class Page:
    slug: str
    title: str
    markdown: str
    sections: tuple[Section, ...]


@cache
def load_pages() -> Mapping[str, Page]:
    """Every page by its slug, in the order of the navigation."""
    slugs = [slug for group in NAVIGATION.values() for slug in group]
    return {slug: _read_page(slug) for slug in slugs}


def _read_page(slug: str) -> Page:
    markdown = (PAGES / f"{slug}.md").read_text(encoding="utf-8")
    title = markdown.partition("\n")[0].removeprefix("# ")
    sections, heading, lines, fenced = [], title, list[str](), False
    for line in [*markdown.splitlines()[1:], "## "]:
        fenced ^= line.startswith("```")
        if line.startswith("## ") and not fenced:
            anchor = "" if heading == title else _anchor(heading)
            sections.append(Section(slug, title, heading, anchor, "\n".join(lines).strip()))
            heading, lines = line.removeprefix("## "), []
        else:
            lines.append(line)
    return Page(slug, title, markdown, tuple(sections))


def _anchor(heading: str) -> str:
    # As GitHub and comrak do it.
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link_pages(markdown: str, *, external: bool = False) -> str:
    """Turn links between the files, such as ``api.md#errors``, into the site's addresses."""
    return re.sub(
        r"\]\(([\w-]+)\.md",
        lambda found: "](" + url_for("documentation.page", slug=found[1], _external=external),
        markdown,
    )


blueprint = Blueprint("documentation", __name__)


@blueprint.app_context_processor
def navigation() -> dict[str, object]:
    pages = load_pages()
    return {"navigation": {name: [pages[slug] for slug in slugs] for name, slugs in NAVIGATION.items()}}


@blueprint.get("/")
def home() -> str:
    return render_template("home.html")


@blueprint.get("/docs/<slug>")
def page(slug: str) -> str:
    pages = load_pages()
    if slug not in pages:
        abort(404)
    order = list(pages)
    place = order.index(slug)
    return render_template(
        "page.html",
        page=pages[slug],
        html=render(link_pages(pages[slug].markdown), anchors=True),
        previous=pages[order[place - 1]] if place else None,
        next=pages[order[place + 1]] if place + 1 < len(order) else None,
    )
