"""What the address of a list says: which tickets, and which page of them. A link to it shows the same list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from flask import request
from sqlalchemy import Connection

from ..errors import Unavailable
from ..locale_formats import language_name
from ..state import State, current_state
from ..storage import search
from ..storage.search_text import MOST_TYPED
from ..storage.tables import ticket
from ..storage.ticket_filters import NO_TRIGGER, STATUSES, different
from ..storage.ticket_list import MOST_COUNTED, NEWEST, Count, Criteria, Place, count
from ..text import clean_text
from ..translation import current_language
from ..translation import gettext as _
from ..translation import noop as N_
from ..triggers import TABLE
from . import labels
from .desk_parts import label_of

PAGE_LENGTH = 50

INDEXED_HERE = 200
"""How many tickets one request makes searchable at most."""

MOST_FILTERED = 100
"""The same where each ticket must be looked at: for other criteria as well, or for all of its attempts."""

LABELS = {
    "": N_("All"),
    "waiting": N_("Waiting"),
    "delivered": N_("Delivered"),
    "failed": N_("Failed"),
    "twice": N_("Possibly twice"),
    "held": N_("Held"),
    "suppressed": N_("Not sent"),
}
"""What the choices of the state are called."""

ALWAYS_SHOWN = ("", "waiting", "delivered", "failed")
"""Those that are shown even if there are no such tickets."""

# "locale": an argument "language" is the language of the page itself.
_TEXTS = {"q": "search", "status": "status", "desk": "desk", "trigger": "trigger", "locale": "language"}
_DAYS = {"from": "since", "to": "until"}


@dataclass(frozen=True)
class StatusChoice:
    """A choice of the state, with the number of its tickets."""

    name: str
    label: str
    number: Count
    arguments: dict[str, Any]


def read_criteria() -> Criteria:
    """The tickets that the address asks for; what cannot be meant is left out."""
    found: dict[str, Any] = {
        of: clean_text(request.args.get(name, ""))[:MOST_TYPED].strip() for name, of in _TEXTS.items()
    }
    if found["status"] not in STATUSES:
        found["status"] = ""
    found |= {of: _day(request.args.get(name, "")) for name, of in _DAYS.items()}
    return Criteria(**found)


def is_understood(criteria: Criteria) -> bool:
    """Whether nothing that the address asks for was left out: without it, other tickets would be meant."""
    asked = {name for name in (*_TEXTS, *_DAYS) if request.args.get(name, "").strip()}
    return asked <= as_arguments(criteria).keys()


def searchable_criteria(state: State) -> Criteria:
    """The same; if they search, the latest tickets are made searchable first, in case that nothing delivers now."""
    criteria = read_criteria()
    if criteria.search:
        # Reading may work even if writing does not, and the page says what a search does not find yet.
        with suppress(Unavailable):
            search.index_some(state.database, INDEXED_HERE)
    return criteria


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_place() -> Place | None:
    """The place that the address asks for; None: there is no such place."""
    for name in ("before", "after"):
        if name in request.args:
            try:
                return Place(UUID(request.args[name]), newer=name == "after")
            except ValueError:
                return None
    return NEWEST


def as_arguments(criteria: Criteria) -> dict[str, Any]:
    """The criteria as arguments of an address, without empty ones."""
    found = {name: getattr(criteria, of) for name, of in _TEXTS.items()}
    found |= {name: day.isoformat() if (day := getattr(criteria, of)) else "" for name, of in _DAYS.items()}
    return {name: text for name, text in found.items() if text}


def status_choices(connection: Connection, criteria: Criteria) -> list[StatusChoice]:
    """The states, with how many tickets of each the other criteria find."""
    found, is_plain = [], criteria == Criteria(status=criteria.status)
    for name, label in LABELS.items():
        wanted = Criteria(**{**vars(criteria), "status": name})
        number = count(connection, wanted, MOST_COUNTED if is_plain and name != "twice" else MOST_FILTERED)
        if number.number or name in ALWAYS_SHOWN or name == criteria.status:
            found.append(StatusChoice(name, _(label), number, as_arguments(wanted)))
    return found


def counted(number: Count, least: int = 0) -> str:
    """A number of tickets as text.

    Arguments:
        least: there are at least so many; with several criteria, only the newest tickets were looked at.
    """
    from babel.numbers import format_decimal

    text = format_decimal(max(number.number, least), locale=current_language().locale)
    return f"{text}+" if number.more else text


def choices(connection: Connection, criteria: Criteria) -> dict[str, list[tuple[str, str]]]:
    """The values and labels to choose from, by argument; those without a choice are left out."""
    known = current_state().desks
    present = known.present if len(known.present) > 1 else ()
    desks = _with(criteria.desk, [*present, *different(connection, ticket.c.desk)])
    languages = (locale.partition("-")[0] for locale in different(connection, ticket.c.locale))
    tags = _with(criteria.language, dict.fromkeys(languages))
    met = _with(criteria.trigger, _met(different(connection, ticket.c.triggers)))
    found: dict[str, list[tuple[str, str]]] = {
        "desk": [(desk, label_of(known, desk)) for desk in desks],
        "trigger": sorted(((name, _trigger(name)) for name in met), key=lambda pair: _place(pair[0])),
        "locale": sorted(((tag, language_name(tag)) for tag in tags), key=lambda pair: pair[1]),
    }
    return {name: pairs for name, pairs in found.items() if len(pairs) > 1 or getattr(criteria, _TEXTS[name])}


def _met(sets: Iterable[str]) -> Iterator[str]:
    for names in sets:
        yield from names.split(",") if names else (NO_TRIGGER,)


def _trigger(name: str) -> str:
    return _("Without a trigger") if name == NO_TRIGGER else labels.met(name)


def _place(name: str) -> int:
    """Where a trigger stands among the others: in their order, then those of a later version, then none."""
    order = [row.name.value for row in TABLE.values()]
    return order.index(name) if name in order else len(order) + (name == NO_TRIGGER)


def _with(chosen: str, values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(filter(None, (*values, chosen))))
