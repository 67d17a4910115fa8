"""Everything that the insights page, its CSV and the command show of a period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from ..storage.ticket_filters import NO_TRIGGER
from .funnel import STEPS, Cell, Counts, Reason, by_day, by_desk, by_trigger, find_cells, times_to_delivery, total
from .gaps import Gap, Gaps, find_gaps
from .period import Period

WITHOUT_TRIGGER = ""
"""The name of tickets without a trigger in CSV and JSON; in addresses, it is :data:`.NO_TRIGGER`."""

MOST_NAMED = 10
"""How many tickets of a gap are named in JSON."""


@dataclass(frozen=True)
class Report:
    """The insights of a period.

    Arguments:
        before: the counts of as many days before it; None: answers of that time are no longer kept.
        delivered_within: in what time half of the tickets were delivered, and 95 of 100; None: none was.
    """

    period: Period
    cells: list[Cell]
    before: Counts | None
    delivered_within: tuple[timedelta, timedelta] | None
    gaps: Gaps

    @cached_property
    def total(self) -> Counts:
        """All counts together."""
        return total(self.cells)

    @cached_property
    def by_day(self) -> dict[date, Counts]:
        """The counts of each day."""
        return by_day(self.cells, self.period)

    @cached_property
    def by_desk(self) -> Mapping[str, Counts]:
        """The counts of each desk."""
        return by_desk(self.cells)

    @cached_property
    def by_trigger(self) -> Mapping[Reason, Counts]:
        """The counts of each trigger."""
        return by_trigger(self.cells)

    def as_rows(self) -> list[dict[str, Any]]:
        """The counts of each day and desk for each combination of triggers, which add up."""
        return [
            {
                "day": cell.day.isoformat(),
                "desk": cell.desk,
                "triggers": ",".join(cell.triggers),
                **vars(cell.counts),
            }
            for cell in self.cells
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for programs; times in seconds."""
        within = self.delivered_within
        return {
            "from": self.period.first.isoformat(),
            "to": self.period.last.isoformat(),
            "total": vars(self.total),
            "before": None if self.before is None else vars(self.before),
            "rates": {step: _rounded(self.total.rate(step)) for step in STEPS[1:]},
            "triggers": {name_of(reason): vars(counts) for reason, counts in self.by_trigger.items()},
            "desks": {desk: vars(counts) for desk, counts in self.by_desk.items()},
            "days": self.as_rows(),
            "seconds_to_delivery": None
            if within is None
            else {"median": _rounded(within[0].total_seconds()), "p95": _rounded(within[1].total_seconds())},
            "looked_at": self.gaps.looked_at,
            "questions": [_gap_as_json(gap, "question") for gap in self.gaps.questions],
            "pages": [_gap_as_json(gap, "page") for gap in self.gaps.pages],
            "sources": [_gap_as_json(gap, "title") for gap in self.gaps.sources],
            "languages": [_gap_as_json(gap, "language") for gap in self.gaps.languages],
        }


def make_report(
    connection: Connection,
    period: Period,
    *,
    desk: str | None = None,
    trigger: str | None = None,
    kept_since: date,
    with_gaps: bool = True,
) -> Report:
    """Count and group what a period brought.

    Arguments:
        desk: only of this desk; None: of all.
        trigger: only what met this trigger, or :data:`.NO_TRIGGER`; None: everything. All answers count.
        kept_since: the first day whose answers are still kept.
        with_gaps: also what the documentation lacks.
    """
    earlier = period.before
    both = find_cells(connection, Period(earlier.first, period.last), desk)
    if trigger is not None:
        both = [found for cell in both if (found := _of_trigger(cell, trigger)) is not None]
    cells = [cell for cell in both if cell.day >= period.first]
    comparable = earlier.first >= kept_since
    return Report(
        period,
        cells,
        total(cell for cell in both if cell.day < period.first) if comparable else None,
        times_to_delivery(connection, period, desk, trigger),
        find_gaps(connection, period, desk, trigger) if with_gaps else Gaps(),
    )


def _of_trigger(cell: Cell, trigger: str) -> Cell | None:
    """The cell if it met the trigger; else its answers alone, since a rate is of all answers."""
    if trigger in cell.triggers or (trigger == NO_TRIGGER and not cell.triggers):
        return cell
    return replace(cell, counts=Counts(answers=cell.counts.answers)) if cell.counts.answers else None


def name_of(reason: Reason) -> str:
    """A trigger's name for programs."""
    return WITHOUT_TRIGGER if reason is None else str(reason.value)


def _gap_as_json(gap: Gap, name: str) -> dict[str, Any]:
    return {
        name: gap.name,
        **({"url": gap.url} if gap.url is not None else {}),
        **({"answers": gap.answers} if gap.answers is not None else {}),
        "tickets": gap.count,
        "references": [ticket.reference for ticket in gap.tickets[:MOST_NAMED]],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
