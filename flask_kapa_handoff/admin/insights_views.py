"""The insights page: what became of answers, how quickly tickets went out, and what visitors ask. And its CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue

from ..conversation import is_link
from ..desk_settings import DEFAULT_DESK
from ..insights.chart import Chart, make_chart
from ..insights.funnel import STEPS, Counts
from ..insights.gaps import Gap
from ..insights.period import MOST_DAYS, Period, parse_period
from ..insights.report import Report, make_report
from ..links import Links
from ..locale_formats import format_day
from ..state import current_state
from ..storage.engine import now
from ..translation import gettext as _
from ..triggers import Trigger
from . import insights_labels
from .csv_cells import BYTE_ORDER_MARK, as_csv
from .desk_parts import label_of
from .responses import page_response
from .ticket_pages import not_found

USUAL_LENGTHS = (7, 30, 90)

CHARTS = (
    (("answers", "offered"), ("answers", "offered")),
    (("opened", "sent"), ("opened", "sent", "cancelled", "delivered")),
)
"""What the charts show: a number and, darker, a part of it; and what the table under each shows."""

GAPS = ("questions", "pages", "sources")
"""The lists of :class:`.Gaps` whose rows have a page of their tickets."""

MAX_TEXT = 100


@dataclass(frozen=True)
class Asked:
    """What somebody asks to see.

    Arguments:
        typed: the dates as the fields show them.
        problem: what is wrong with the typed dates; the numbers are of the usual ones.
    """

    period: Period
    today: date
    desk: str | None
    trigger: str | None
    typed: tuple[str, str]
    problem: str | None

    @property
    def filters(self) -> dict[str, str]:
        """The desk and the trigger as parts of an address."""
        return {name: value for name in ("desk", "trigger") if (value := getattr(self, name)) is not None}

    def address(self, endpoint: str = "insights", period: Period | None = None) -> str:
        """The address of the same for another period, or as CSV."""
        chosen = period or self.period
        return _address(endpoint, chosen.first, chosen.last, self.filters)

    @property
    def unfiltered(self) -> str:
        """The address of the same of all desks and triggers."""
        return _address("insights", self.period.first, self.period.last, {})

    def tickets(self, day: date | None = None, **more: str) -> str:
        """The address of the list of the tickets that were counted.

        Arguments:
            more: further arguments of a list's address, see :mod:`.ticket_query`.
        """
        first, last = (day, day) if day else (self.period.first, self.period.last)
        return _address("tickets", first, last, {**self.filters, **more})

    def gap(self, kind: str, gap: Gap) -> str:
        """The address of the list of a gap's tickets.

        Arguments:
            kind: one of :data:`GAPS`.
        """
        return _address(
            "insights_tickets", self.period.first, self.period.last, {**self.filters, "of": kind, "name": _key(gap)}
        )


def _address(endpoint: str, first: date, last: date, filters: Mapping[str, str]) -> str:
    values: dict[str, Any] = {"from": first.isoformat(), "to": last.isoformat(), **filters}
    return url_for(f"kapa_handoff_admin.{endpoint}", **values)


def insights_tickets() -> ResponseReturnValue:
    """Show all tickets of a gap in the documentation."""
    asked, report = _read()
    kind, name = request.args.get("of", ""), request.args.get("name", "")
    gaps = getattr(report.gaps, kind) if kind in GAPS else ()
    found = next((gap for gap in gaps if _key(gap) == name), None)
    if found is None:
        return not_found(_("These tickets are not in the insights any more."))
    return page_response("insights_tickets", insights={"asked": asked, "gap": found, "labels": insights_labels})


def _key(gap: Gap) -> str:
    return gap.name if gap.url is None else gap.url


def insights() -> ResponseReturnValue:
    """Show the page."""
    asked, report = _read()
    by_day, desks = report.by_day, current_state().desks
    others = sorted({*report.by_desk, asked.desk or DEFAULT_DESK} - desks.present.keys())
    page = {
        "asked": asked,
        "report": report,
        "by_day": list(by_day.items()),
        "charts": [(names, _chart(by_day.values(), *names), steps) for names, steps in CHARTS],
        "days": [(day, counts) for day, counts in reversed(by_day.items()) if counts != Counts()],
        "delivered_within": [insights_labels.time_taken(time) for time in report.delivered_within or ()],
        "desks": {name: label_of(desks, name) for name in (*desks.present, *others)},
        "is_empty": not any(vars(report.total).values()),
        "is_partial": report.gaps.looked_at < report.total.sent,
        "labels": insights_labels,
        "lengths": [(days, Period.until(asked.today, days)) for days in USUAL_LENGTHS],
        "link": Links().link,
        "is_link": is_link,
        "records": current_state().config.statistics_days > 0,
        "steps": STEPS,
        "triggers": (*Trigger, None),
    }
    return page_response("insights", 200 if asked.problem is None else 422, insights=page)


def insights_csv() -> ResponseReturnValue:
    """Download the counts of each day and desk for each combination of triggers."""
    asked, report = _read(with_gaps=False)
    rows = (row.values() for row in report.as_rows())
    text = BYTE_ORDER_MARK + as_csv([["day", "desk", "triggers", *STEPS], *rows])
    response = Response(text, mimetype="text/csv")
    name = f"insights-{asked.period.first}-{asked.period.last}.csv"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read(*, with_gaps: bool = True) -> tuple[Asked, Report]:
    state = current_state()
    state.answers.write()  # what this process has noted but not written yet
    desk, trigger, first, last = (
        request.args.get(name, "")[:MAX_TEXT].replace("\0", "") for name in ("desk", "trigger", "from", "to")
    )
    with state.database.read() as connection:
        today = now(connection).date()
        problem = None
        try:
            period = parse_period(first, last, today)
            first, last = period.first.isoformat(), period.last.isoformat()
        except ValueError:
            period = parse_period("", "", today)
            problem = _(
                "Choose two dates such as %(date)s, at most %(number)s days apart.",
                date=format_day(today),
                number=MOST_DAYS,
            )
        kept_since = today - timedelta(days=state.config.statistics_days)
        report = make_report(
            connection,
            period,
            desk=desk or None,
            trigger=trigger or None,
            kept_since=kept_since,
            with_gaps=with_gaps,
        )
    return Asked(period, today, desk or None, trigger or None, (first, last), problem), report


def _chart(days: Iterable[Counts], whole: str, part: str) -> Chart:
    return make_chart([(getattr(counts, whole), getattr(counts, part)) for counts in days])
