"""Puts the admin's pages into a site's own layout.

The layout uses the site's syntax and is rendered like the site's own pages. So the page is rendered first, in the
package's environment; a small template in the site's environment then puts the markup into the layout's blocks.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from flask import current_app, render_template
from jinja2 import Environment
from markupsafe import Markup

_CHILD = """
{%- extends kapa_handoff_layout %}
{%- block title %}{{ kapa_handoff_title(super) }}{% endblock %}
{%- block content %}{{ kapa_handoff_content }}{% endblock %}
"""


class NoContentBlock(Exception):
    """The page does not appear in the layout."""

    def __init__(self) -> None:
        super().__init__("it has no block 'content'")


def put_into_layout(layout: str, page: str) -> str:
    """The site's layout around a page.

    Arguments:
        layout: the name of the site's template.
        page: the output of ``kapa_handoff/admin/_inside.html``: the title, a comment, then the content.

    Raises:
        NoContentBlock: the layout has no block for the content.
        Exception: anything else that the site's layout or its context processors raise.
    """
    # The title is escaped, so it cannot contain the comment.
    title, _, content = (Markup(part) for part in page.partition("<!-- content -->"))  # noqa: S704 - rendered templates
    title = title.strip()
    # Parsed with Jinja's default syntax, compiled for the site's environment with its own rules.
    child = Environment(autoescape=True).parse(_CHILD)
    child.set_environment(current_app.jinja_env)
    whole = render_template(
        current_app.jinja_env.from_string(child),
        kapa_handoff_layout=layout,
        kapa_handoff_title=lambda parent: _render_title(parent, title),
        kapa_handoff_content=content,
        title=title,
    )
    if content not in whole:
        raise NoContentBlock
    return whole


def _render_title(parent: Callable[[], str], title: Markup) -> Markup:
    """The title, inside a ``<title>`` element if the layout's block contains that."""
    try:
        there = str(parent())
    except Exception:
        return title  # it needs variables that only the site's own views set
    element = re.search(r"<title\b[^>]*>(.*?)</title>", there, re.DOTALL | re.IGNORECASE)
    if element is None:
        return title
    return Markup(there[: element.start(1)] + str(title) + there[element.end(1) :])  # noqa: S704 - the layout's markup
