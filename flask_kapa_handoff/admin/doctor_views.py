"""The check-up page, for admins without a shell."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from flask import request
from flask.typing import ResponseReturnValue

from ..delivery.alarms import read_situation
from ..desk_settings import DEFAULT_DESK
from ..doctor import Finding, Level, examine
from ..errors import Unavailable
from ..state import State, current_state
from ..translation import ENGLISH, speak
from ..web.requests import proxy_unheeded
from .responses import page_response

PACKAGES = ("flask-kapa-handoff", "Flask", "SQLAlchemy", "Flask-Mail")
"""Those whose versions the report names."""


def doctor() -> ResponseReturnValue:
    """Show the findings, worst first."""
    state = current_state()
    test_desk = _desk_in_trouble(state)  # first: reading creates the tables, and without them no arrival is looked at
    findings = examine(state.app, state, proxy_unheeded=proxy_unheeded())
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    findings.sort(key=lambda finding: list(Level).index(finding.level), reverse=True)
    return page_response(
        "doctor",
        findings=findings,
        problems=counts[Level.PROBLEM],
        warnings=counts[Level.WARNING],
        to_confirm=[finding.desk for finding in findings if "confirm_arrival" in finding.acts],
        test_desk=test_desk,
        developers_report=_report(findings),
    )


def _desk_in_trouble(state: State) -> str:
    try:
        with state.database.read() as connection:
            return read_situation(connection).desk or DEFAULT_DESK
    except Unavailable:
        return DEFAULT_DESK


def _report(findings: list[Finding]) -> str:
    """All findings as plain text in English, with what developers need to know of the installation."""
    with speak(ENGLISH):
        return "\n".join(_report_lines(findings))


def _report_lines(findings: list[Finding]) -> list[str]:
    lines = [f"Check-up of {request.host}", _versions(), ""]
    for finding in findings:
        lines.append(f"{finding.level.value.upper()}: {finding.what}")
        if finding.why:
            lines.append(f"  {finding.why}")
        if finding.remedy:
            lines.append(f"  -> {finding.remedy}")
        if finding.details and not finding.tickets:
            lines.append(f"  Details: {finding.details}")
    return lines


def _versions() -> str:
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
