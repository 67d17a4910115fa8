"""Links and tables of contents: the same pages are read in the repository and on the site."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

CHECKOUT = Path(__file__).parent.parent.parent

PARTS = ("how-to", "reference", "explanation")
"""The pages that list those of their part."""

ON_SITE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "benchmarks/README.md": "measured.md",
}
"""Where the site has what the repository has elsewhere."""

_LINK = re.compile(r"\[([^\]]*)\]\((?!\w+:|#)([^)#\s]*)(#[^)\s]*)?\)")
_PICTURE = re.compile(r"^!\[([^\]]*)\]\(([\w-]+)\.png\)$", re.MULTILINE)
_PAGE = re.compile(r"docs/([\w-]+\.md)(#[\w-]+)?")


def with_links_of_site(path: str, source: str) -> str:
    """A page whose links lead to the site's pages; a link to a file that the site does not have becomes its words.

    Arguments:
        path: the page's own, from the root of the repository.
    """

    def on_site(link: re.Match[str]) -> str:
        words, target, anchor = link[1], link[2], link[3] or ""
        file = os.path.normpath(PurePosixPath(path).parent / target)
        if file.startswith("docs/"):
            return f"[{words}]({file.removeprefix('docs/')}{anchor})"
        known = ON_SITE.get(file + anchor) or (ON_SITE[file] + anchor if file in ON_SITE else None)
        if known:
            return f"[{words}]({known})"
        return f"`{file}`" if words.strip("`") == file else f"{words} (`{file}`)"

    return _LINK.sub(on_site, source)


def with_dark_pictures(source: str) -> str:
    """A page whose pictures are dark beside dark text, where there is a ``name-dark.png`` beside ``name.png``."""

    def both(picture: re.Match[str]) -> str:
        words, name = picture[1], picture[2]
        if not (CHECKOUT / "docs" / f"{name}-dark.png").is_file():
            return picture[0]
        kinds = {f"{name}.png": "only-light", f"{name}-dark.png": "only-dark"}
        return "\n\n".join(f"```{{image}} {file}\n:alt: {words}\n:class: {kind}\n```" for file, kind in kinds.items())

    return _PICTURE.sub(both, source)


def included(path: str) -> str:
    """A Markdown file of the repository without its title."""
    source = (CHECKOUT / path).read_text("utf-8")
    return with_links_of_site(path, source).partition("\n")[2].strip()


def link(path: str) -> str:
    """For the repository: where the file is."""
    return f"See [{path}](../{path})."


def with_table_of_contents(name: str, source: str) -> str:
    """A part's first page, with the pages that it links as its own, in the same order; any other page as it is."""
    if name not in PARTS:
        return source
    listed = dict.fromkeys(re.findall(r"^- \[[^\]]+\]\(([\w-]+)\.md\)", source, re.MULTILINE))
    return "\n".join([source, "```{toctree}", ":hidden:", "", *listed, "```", ""])


def with_page_links(text: str) -> str:
    """A docstring, in which a page is ``docs/form.md``, in reStructuredText with links."""
    return _PAGE.sub(lambda page: f":doc:`{page[1].removesuffix('.md')}`", text)


def with_page_links_in_markdown(text: str) -> str:
    """The same in Markdown; a link has the page's title."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    return _PAGE.sub(lambda page: f"[{title(page[1])}]({page[1]}{page[2] or ''})", text)


def title(page: str) -> str:
    """Of a page in ``docs/``."""
    return (CHECKOUT / "docs" / page).read_text("utf-8").partition("\n")[0].removeprefix("# ")
