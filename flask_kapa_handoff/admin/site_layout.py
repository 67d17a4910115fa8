"""A site's own layout around the admin's pages.

It is written in the site's syntax and rendered as the site's own pages are. So the page is rendered first, in the
package's environment; a small template of the site's environment then puts the markup into the layout's blocks.
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
        page: what ``kapa_handoff/admin/_inside.html`` gives: the title, a comment, then the content.

    Raises:
        NoContentBlock: the layout has none.
        Exception: whatever else the site's layout or its context processors raise.
    """
    # The title is escaped, so it cannot hold the comment.
    title, _, content = (Markup(part) for part in page.partition("<!-- content -->"))  # noqa: S704 - rendered templates
    title = title.strip()
    # Parsed in the usual syntax, compiled for the site's environment with its own rules.
    child = Environment(autoescape=True).parse(_CHILD)
    child.set_environment(current_app.jinja_env)
    whole = render_template(
        current_app.jinja_env.from_string(child),
        kapa_handoff_layout=layout,
        kapa_handoff_title=lambda parent: _titled(parent, title),
        kapa_handoff_content=content,
        title=title,
    )
    if content not in whole:
        raise NoContentBlock
    return whole


def _titled(parent: Callable[[], str], title: Markup) -> Markup:
    """The title, inside the ``<title>`` element where the layout's block brings it along."""
    try:
        there = str(parent())
    except Exception:
        return title  # it needs what only the site's own views give it
    element = re.search(r"<title\b[^>]*>(.*?)</title>", there, re.DOTALL | re.IGNORECASE)
    if element is None:
        return title
    return Markup(there[: element.start(1)] + str(title) + there[element.end(1) :])  # noqa: S704 - the layout's markup
