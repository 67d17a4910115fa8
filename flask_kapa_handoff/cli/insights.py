"""``insights``: what became of answers, and what visitors ask."""

from __future__ import annotations

import json
from datetime import date, timedelta

import click

from ..insights.funnel import STEPS
from ..insights.period import MOST_DAYS, Period, parse_period
from ..insights.report import Report, make_report, name_of
from ..state import current_state
from ..storage.engine import now
from .group import group, reachable

_DATE = "such as 2026-01-31"


@group.command("insights")
@click.option("--from", "first", default="", metavar="DATE", help=f"The first day (UTC), {_DATE}.")
@click.option("--to", "last", default="", metavar="DATE", help="The last day (UTC); default: today.")
@click.option("--desk", help="Only this desk.")
@click.option("--trigger", help="Only what met this trigger.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def insights(first: str, last: str, desk: str | None, trigger: str | None, as_json: bool) -> None:
    """Print what became of the answers of the last 30 days, and what visitors asked before they sent a ticket."""
    report = reachable(_report, first, last, desk, trigger)
    if as_json:
        # As bytes: JSON is UTF-8, whatever the terminal's encoding.
        click.echo(json.dumps(report.as_json(), ensure_ascii=False).encode())
        return
    click.echo(f"{report.period.first} to {report.period.last} (UTC)")
    click.echo("  ".join(f"{step} {getattr(report.total, step)}" for step in STEPS))
    for reason, counts in report.by_trigger.items():
        click.echo(f"  {name_of(reason) or 'without a trigger':20} offered {counts.offered}  sent {counts.sent}")
    if report.delivered_within is not None:
        half, most = (round(time.total_seconds(), 1) for time in report.delivered_within)
        if half == most:
            click.echo(f"95 of 100 tickets were delivered within {most} s.")
        else:
            click.echo(f"Half of the tickets were delivered within {half} s, 95 of 100 within {most} s.")
    for gap in report.gaps.questions:
        click.echo(f"{gap.count:6}  {gap.name}")


def _report(first: str, last: str, desk: str | None, trigger: str | None) -> Report:
    state = current_state()
    with state.database.read() as connection:
        today = now(connection).date()
        kept_since = today - timedelta(days=state.config.statistics_days)
        period = _period(first, last, today)
        return make_report(connection, period, desk=desk, trigger=trigger, kept_since=kept_since)


def _period(first: str, last: str, today: date) -> Period:
    try:
        return parse_period(first, last, today)
    except ValueError:
        raise click.BadParameter(
            f"use two dates {_DATE}, at most {MOST_DAYS} days apart.", param_hint="--from, --to"
        ) from None
