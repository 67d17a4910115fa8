"""The check-up page, for admins without a shell."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from ..doctor import Level, examine
from ..doctor.arrivals import desks_to_confirm
from ..errors import Unavailable
from ..state import current_state
from ..web.requests import proxy_unheeded
from .forms import AdminForm
from .responses import page_response


def doctor() -> ResponseReturnValue:
    """Show the findings, worst first."""
    state = current_state()
    findings = examine(state.app, state, proxy_unheeded=proxy_unheeded())
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    findings.sort(key=lambda finding: list(Level).index(finding.level), reverse=True)
    try:
        to_confirm = desks_to_confirm(state)
    except Unavailable:
        to_confirm = []  # a finding says so
    return page_response(
        "doctor",
        findings=findings,
        problems=counts[Level.PROBLEM],
        warnings=counts[Level.WARNING],
        to_confirm=to_confirm,
        form=AdminForm(formdata=None),
    )
