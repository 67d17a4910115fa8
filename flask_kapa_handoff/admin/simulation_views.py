"""What the typed settings would have done with the latest answers: a part of the settings page."""

from __future__ import annotations

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from ..insights.latest import simulate_latest
from ..settings import DEFAULT_DESK, current_settings
from ..state import State, current_state
from ..web.origin import require_known_origin
from ..web.requests import wants_fragment
from .forms import SettingsForm
from .responses import fragment_response


def simulation_of(state: State, form: SettingsForm) -> dict[str, Any]:
    """The variables of ``_simulation.html`` for a validated form."""
    if not state.config.statistics_days:
        return {"simulation": None}
    wrong = [*form.triggers.errors, *form.threshold.errors]
    with state.database.read() as connection:
        found = simulate_latest(connection, form.current.desk, form.wanted)
    return {"simulation": found, "simulated": form.wanted, "not_simulated": " ".join(wrong)}


def simulate() -> ResponseReturnValue:
    """Show what the typed settings would have done; without htmx, on the whole page. Stores nothing."""
    from .settings_views import preview  # which needs simulation_of()

    if not wants_fragment():
        return preview()
    state = current_state()
    require_known_origin(state, own_pages_only=True)
    with state.database.read() as connection:
        current = current_settings(connection, state.config, request.form.get("desk") or DEFAULT_DESK)
    form = SettingsForm.submitted(request.form, current, state.config)
    form.validate()
    return fragment_response("simulation", **simulation_of(state, form))
