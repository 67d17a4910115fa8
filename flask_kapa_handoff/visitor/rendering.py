"""Renders the visitor's templates, and falls back to the package's own if one of the site's fails."""

from __future__ import annotations

import logging
from typing import Any

from ..state import current_state
from ..template_environment import render
from ..translation import current_language

_logger = logging.getLogger(__name__)


def render_for_visitor(name: str, context: dict[str, Any]) -> str:
    """A page or a fragment.

    If a template of the site's own fails, which the log says once, all templates of this page are the package's.

    Raises:
        Exception: what the package's own templates raise as well, such as an error of the site's context processors.
    """
    state = current_state()
    try:
        return render(state.templates_in(current_language()), name, context)
    except Exception as error:
        page = render(state.shipped_templates, name, context)
        if place := state.templates.note(error):
            # Without the error's message, which may contain a visitor's text.
            _logger.error("A template of yours in kapa_handoff/ fails (%s); the package's is shown.", place)
        return page
