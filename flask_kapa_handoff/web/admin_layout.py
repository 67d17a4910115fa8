"""Checks whether the site's layout for the admin pages can be loaded."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from jinja2 import TemplateNotFound

from ..config import Config
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from ..tracebacks import place_of

if TYPE_CHECKING:
    from flask import Flask


def layout_trouble(app: Flask, config: Config) -> LazyText | None:
    """Why the site's layout for the admin pages cannot be loaded; None: it can, or there is none."""
    name = config.admin_template
    if name == Config.admin_template:
        return None
    try:
        app.jinja_env.get_template(name)
    except Exception as error:
        if isinstance(error, TemplateNotFound) and error.name == name and (close := _similar_template(app, name)):
            return _("%(place)s (did you mean %(name)s?)", place=place_of(error), name=close)
        place = place_of(error)
        return LazyText(lambda: place)
    return None


def _similar_template(app: Flask, name: str) -> str | None:
    try:
        names = app.jinja_env.list_templates()
    except TypeError:
        return None  # a loader that cannot list its templates
    return next(iter(get_close_matches(name, names, 1)), None)
