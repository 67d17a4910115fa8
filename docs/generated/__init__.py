"""The parts of the documentation that come from the code, and a Sphinx extension that puts them into the pages.

A page says where, with a code block whose language is ``{generated}``. Its first line names one of :data:`PARTS`, or a
file; the second one is for those who read the page in the repository.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pygments.lexers.shell import BashLexer
from pygments.lexers.templates import HtmlDjangoLexer

from . import commands, configuration, database, errors, hooks, html, javascript, pages, python_api, templates

PARTS: dict[str, Callable[[], str]] = {
    "admin routes": errors.admin_routes,
    "commands": commands.commands,
    "configuration": configuration.keys,
    "errors": errors.codes,
    "hooks": hooks.table,
    "javascript": javascript.members,
    "javascript types": javascript.types,
    "public names": python_api.public_names,
    "tables": database.tables,
    "templates": templates.table,
}
"""By name; each function returns Markdown."""

_BLOCK = re.compile(r"^```\{generated\}\n(.+)\n\(.+\)\n```$", re.MULTILINE)


def complete(name: str, source: str) -> str:
    """A page with its generated parts, and with links that work on the site.

    Arguments:
        name: the page's, such as ``index``.
        source: its Markdown.

    Raises:
        KeyError: the page names a part that does not exist.
    """
    source = pages.with_links_of_site(f"docs/{name}.md", source)
    source = _BLOCK.sub(lambda block: _part(block[1]), source)
    return pages.with_table_of_contents(name, source)


def _part(name: str) -> str:
    if name.startswith("file "):
        return pages.included(name.removeprefix("file "))
    return PARTS[name]()


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
