"""What the typed settings would have done with the latest answers: a part of the settings page."""

from __future__ import annotations

from typing import Any

from ..insights.latest import simulate_latest
from ..state import State
from .forms import SettingsForm


def simulation_of(state: State, form: SettingsForm) -> dict[str, Any]:
    """The variables of ``_simulation.html`` for a validated form."""
    if not state.config.statistics_days:
        return {"simulation": None}
    wrong = [*form.triggers.errors, *form.threshold.errors]
    with state.database.read() as connection:
        found = simulate_latest(connection, form.current.desk, form.wanted)
    return {"simulation": found, "simulated": form.wanted, "not_simulated": " ".join(wrong)}
