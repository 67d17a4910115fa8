"""The parts of the documentation that come from the code, and a Sphinx extension that puts them into the pages.

They are committed between two comments that name the part, so that the pages are complete wherever one reads them: in
the repository, in an editor, and on the site. ``make reference`` writes them. A part of :data:`ON_SITE` is longer on
the site: Sphinx reads the docstrings, or another file, where the repository has a table or a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pygments.lexers.shell import BashLexer
from pygments.lexers.templates import HtmlDjangoLexer

from . import commands, configuration, database, errors, hooks, html, javascript, pages, python_api, templates

PARTS: dict[str, Callable[[], str]] = {
    "admin routes": errors.admin_routes,
    "commands": commands.commands,
    "configuration": configuration.keys,
    "errors": errors.codes,
    "functions for tests": python_api.testing_table,
    "hooks": hooks.table,
    "javascript": javascript.members,
    "javascript types": javascript.types,
    "public names": python_api.public_table,
    "signals": python_api.signals_table,
    "tables": database.tables,
    "template helpers": python_api.helpers_table,
    "templates": templates.table,
}
"""By name; each function returns Markdown for the repository."""

ON_SITE: dict[str, Callable[[], str]] = {
    "functions for tests": python_api.testing_directives,
    "public names": python_api.public_directives,
    "signals": python_api.signals_directives,
    "template helpers": python_api.helpers_directives,
}
"""What the site has instead."""

FILE = "file "
"""Begins the name of a part that is another file of the repository: a link there, its text on the site."""

_BLOCK = re.compile(r"<!-- make reference: ([^\n]+) -->\n.*?<!-- end -->", re.DOTALL)


def written(source: str) -> str:
    """A page's source with the parts as they are now.

    Raises:
        KeyError: the page names a part that does not exist.
    """
    return _BLOCK.sub(
        lambda block: f"<!-- make reference: {block[1]} -->\n\n{_part(block[1])}\n\n<!-- end -->", source
    )


def complete(name: str, source: str) -> str:
    """A page as the site has it, with links that work there.

    Arguments:
        name: the page's, such as ``index``.
        source: its Markdown.
    """
    source = pages.with_links_of_site(f"docs/{name}.md", source)
    source = pages.with_dark_pictures(source)
    source = _BLOCK.sub(lambda block: _on_site(block[1]) or block[0], source)
    return pages.with_table_of_contents(name, source)


def _part(name: str) -> str:
    return pages.link(name.removeprefix(FILE)) if name.startswith(FILE) else PARTS[name]().strip()


def _on_site(name: str) -> str | None:
    if name.startswith(FILE):
        return pages.included(name.removeprefix(FILE))
    return ON_SITE[name]() if name in ON_SITE else None


def write(folder: Path) -> None:
    """Write the parts of every page in a folder again."""
    for page in folder.glob("*.md"):
        page.write_text(written(page.read_text("utf-8")), "utf-8")


def _on_source_read(_app: Any, name: str, source: list[str]) -> None:
    source[0] = complete(name, source[0])


def _on_docstring(*arguments: Any) -> None:
    arguments[-1][:] = [pages.with_page_links(line) for line in arguments[-1]]


def _on_signature(*arguments: Any) -> tuple[str | None, str | None]:
    return python_api.signature(*arguments[-2:])


def _on_page(_app: Any, _name: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    context["body"] = html.readable(context.get("body", ""))


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_lexer("crontab", BashLexer)
    app.add_lexer("jinja", HtmlDjangoLexer)
    app.connect("source-read", _on_source_read)
    app.connect("html-page-context", _on_page)
    app.connect("autodoc-process-docstring", _on_docstring)
    app.connect("autodoc-process-signature", _on_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
