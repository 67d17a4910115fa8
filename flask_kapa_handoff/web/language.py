"""Chooses the language of a request, and of what the site itself sends."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, after_this_request, has_request_context, request

from ..config import DEFAULT_BUTTON_TEXT
from ..settings import DeskSettings
from ..state import FLASK_BABEL, State, current_state
from ..tracebacks import place_of
from ..translation import ENGLISH, Language, begin_speaking, current_language, end_speaking
from ..translation import gettext as _
from .requests import browser_language, browser_languages, page_language

# In a request's own environment: `g` is also that of a request that is made up within this one.
_TOKEN = "kapa_handoff.language"  # noqa: S105

_logger = logging.getLogger(__name__)


def choose_language(of_page: str | None = None) -> Language:
    """The language for the visitor or admin of this request; English if there is a catalog for none that they read.

    In this order: KAPA_HANDOFF_LANGUAGE, Flask-Babel's locale, the page's language, the browser's languages.

    Arguments:
        of_page: the ``lang`` of the page that asks, if known.
    """
    state = current_state()
    if state.config.language:
        return state.site_language
    wanted = [*_of_flask_babel(state), *([of_page] if of_page else [])]
    if has_request_context():
        wanted += browser_languages()
    return state.languages.best(wanted) or ENGLISH


def language_of_site_page(named: object = None) -> Language:
    """The language for what goes into a page that the site renders; caches are told what it depends on.

    Arguments:
        named: the page's language, if the site names it.
    """
    if has_request_context() and not current_state().config.language:
        after_this_request(_vary)
    return choose_language(str(named) if named else None)


def _vary(response: Response) -> Response:
    response.vary.add("Accept-Language")
    return response


def speak_language_of_page(language: str | None) -> None:
    """For the rest of this request, prefer the language of the page that its offer was made for."""
    _end(None)
    request.environ[_TOKEN] = begin_speaking(choose_language(language))


def visitor_language() -> str | None:
    """The visitor's language for the agent, BCP 47: the form's if it is not the site's own, else the browser's first.

    None: it is not known.
    """
    spoken = current_language()
    return spoken.tag if spoken != current_state().site_language else browser_language()


def shown_button_text(settings: DeskSettings, *, directly: bool = False) -> str:
    """A desk's button text: as an admin typed it for the current language, or for all; else the package's own."""
    if typed := settings.form.text("button_text", current_language().tag):
        return typed
    if settings.button_text != DEFAULT_BUTTON_TEXT:
        return settings.button_text
    return _("Ask us directly") if directly else _(DEFAULT_BUTTON_TEXT)


def translate_requests(blueprint: Blueprint) -> None:
    """Let each request of a blueprint be answered in its language."""
    blueprint.before_request(_begin)
    blueprint.teardown_request(_end)


def _begin() -> None:
    if request.endpoint != "kapa_handoff.static":  # the site's locale_selector may ask its database
        speak_language_of_page(page_language())


def _end(_error: BaseException | None) -> None:
    if (token := request.environ.pop(_TOKEN, None)) is not None:
        end_speaking(token)


def _of_flask_babel(state: State) -> list[str]:
    if FLASK_BABEL not in state.app.extensions:
        return []
    from flask_babel import get_locale

    try:
        locale = get_locale()
    except Exception as error:  # the site's own function
        if (place := place_of(error)) not in state.explained:
            state.explained.add(place)
            _logger.error("Flask-Babel's locale_selector fails (%s); the browser's language is used.", place)
        return []
    return [] if locale is None else [str(locale)]
