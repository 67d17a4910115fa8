"""The Jinja environment of the package's own templates: pages, fragments and mails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import render_template
from flask.templating import Environment as FlaskEnvironment
from jinja2 import ChoiceLoader, Environment, FileSystemLoader
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from .locale_formats import format_moment
from .template_messages import WRITTEN, translated
from .tracebacks import place_of
from .translation import Language, current_language, gettext, gettext_html, ngettext, ngettext_html, written

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from flask import Flask
    from jinja2 import nodes

_PACKAGE = Path(__file__).parent

TEMPLATES = _PACKAGE / "templates"
"""Where the templates are: inside the package in a wheel, beside it in a checkout or editable install."""
if not TEMPLATES.is_dir():
    TEMPLATES = _PACKAGE.parent / "templates"

MAX_FAILURES = 100
"""How many different failures of a site's templates are kept."""

OPTIONS: dict[str, Any] = {
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    "autoescape": lambda name: name is None or not name.endswith(".txt"),
}
"""The options that the package's templates need; the delimiters are Jinja's defaults."""


class TemplateEnvironment(FlaskEnvironment):
    """The environment of one app's templates.

    Arguments:
        failures: where a template of the site's own failed.
        language: of all its templates; None: each time, the current one.
    """

    failures: set[str]
    language: Language | None

    def _generate(
        self, source: nodes.Template, name: str | None, filename: str | None, defer_init: bool = False
    ) -> str:
        # Jinja's hook between parsing a template and turning it into Python.
        if self.language is not None:
            source = translated(source, self.language)
        return super()._generate(source, name, filename, defer_init)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        # Jinja makes a ChainMap, and reads it whole for each template of a page. None of ours has globals of its own.
        return super().make_globals(d) if d else self.globals

    def note(self, error: BaseException) -> str | None:
        """Keep where a template failed, for the check-up; returns the place, or None if it is known already."""
        place = place_of(error)
        if place in self.failures or len(self.failures) >= MAX_FAILURES:
            return None
        self.failures.add(place)
        return place


WORDS: dict[str, Any] = {
    "_": gettext_html,
    "ngettext": ngettext_html,
    "language": current_language,
    "format_moment": format_moment,
}
"""What the package's templates translate with."""

TEXT_WORDS: dict[str, Any] = {"_": gettext, "ngettext": ngettext, "language": current_language}
"""The same for templates of plain text."""


def make_environment(app: Flask, *, replaceable: bool = True, language: Language | None = None) -> TemplateEnvironment:
    """An environment for the package's templates, separate from the site's own.

    A site may use other delimiters, a sandbox, no autoescaping or a loader that knows only its theme: none of that
    affects these templates. A file with the same path in the site's templates takes precedence, and can use the site's
    filters, globals and extensions.

    Arguments:
        replaceable: whether the site's templates take precedence.
        language: of all its templates; None: each time, the current one.
    """
    site = app.jinja_env
    shipped = FileSystemLoader(TEMPLATES)
    # Flask's class, not the site's: a sandbox would forbid what our templates do.
    own = TemplateEnvironment(
        app,
        loader=ChoiceLoader([site.loader, shipped]) if replaceable and site.loader is not None else shipped,
        auto_reload=site.auto_reload,
        **OPTIONS,
    )
    own.failures, own.language = set(), language
    for name, value in vars(site).items():
        vars(own).setdefault(name, value)  # where extensions keep their state
    own.extensions = {name: extension.bind(own) for name, extension in site.extensions.items()}
    own.policies = site.policies
    # Jinja's own names keep their meaning in our templates, even if the site reuses them.
    own.filters = {**site.filters, **FILTERS, WRITTEN: written}
    own.tests = {**site.tests, **TESTS}
    own.globals = {**site.globals, **DEFAULT_NAMESPACE, "url_for": app.url_for}
    own.globals |= WORDS
    return own


def render(environment: Environment, name: str, context: dict[str, Any]) -> str:
    """Render one of the package's templates, with the site's context processors and Flask's signals."""
    # Given with each page, since the site's context processors take precedence over globals.
    return render_template(environment.get_template(f"kapa_handoff/{name}.html"), **WORDS, **context)
