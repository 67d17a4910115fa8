"""The Jinja environment of the package's own templates: pages, fragments and mails."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import render_template
from flask.templating import Environment as FlaskEnvironment
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, TemplateNotFound
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from .config import Config
from .tracebacks import place_of

if TYPE_CHECKING:
    from flask import Flask

_PACKAGE = Path(__file__).parent

TEMPLATES = _PACKAGE / "templates"
"""Where the templates are: inside the package in a wheel, beside it in a checkout or an editable install."""
if not TEMPLATES.is_dir():
    TEMPLATES = _PACKAGE.parent / "templates"

OPTIONS: dict[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": lambda name: name is None or not name.endswith(".txt"),
}
"""How the package's templates are written; delimiters are Jinja's usual ones."""


def make_environment(app: Flask) -> Environment:
    """An environment for the package's templates, beside the site's own.

    A site may have other delimiters, a sandbox, no autoescaping or a loader that knows its theme alone: none of that
    changes how these templates are read. A file of the same path in the site's templates comes first, and it has the
    site's filters, globals and extensions.
    """
    site = app.jinja_env
    shipped = FileSystemLoader(TEMPLATES)
    # Flask's class, not the site's: a sandbox would refuse what our templates do.
    own = FlaskEnvironment(
        app,
        loader=ChoiceLoader([site.loader, shipped]) if site.loader is not None else shipped,
        auto_reload=site.auto_reload,
        **OPTIONS,
    )
    for name, value in vars(site).items():
        vars(own).setdefault(name, value)  # what extensions keep there
    own.extensions = {name: extension.bind(own) for name, extension in site.extensions.items()}
    own.policies = site.policies
    # Jinja's own names keep their meaning in our templates, whatever the site calls so.
    own.filters = {**site.filters, **FILTERS}
    own.tests = {**site.tests, **TESTS}
    own.globals = {**site.globals, **DEFAULT_NAMESPACE, "url_for": app.url_for}
    return own


def layout_trouble(app: Flask, config: Config) -> str | None:
    """Why the site's layout for the admin pages cannot be loaded; None: it can, or there is none."""
    name = config.admin_template
    if name == Config.admin_template:
        return None
    try:
        app.jinja_env.get_template(name)
    except Exception as error:
        if isinstance(error, TemplateNotFound) and error.name == name and (close := _like(app, name)):
            return f"{place_of(error)} (did you mean {close}?)"
        return place_of(error)
    return None


def _like(app: Flask, name: str) -> str | None:
    try:
        names = app.jinja_env.list_templates()
    except TypeError:
        return None  # a loader that cannot list them
    return next(iter(get_close_matches(name, names, 1)), None)


def render(environment: Environment, name: str, context: dict[str, Any]) -> str:
    """Render one of the package's templates, with the site's context processors and Flask's signals."""
    return render_template(environment.get_template(f"kapa_handoff/{name}.html"), **context)
