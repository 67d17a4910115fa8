"""Chooses the desk of a page: its markup, a page rule, the site's desk_chooser, or else the default desk."""

from __future__ import annotations

import logging
from typing import NamedTuple

from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, DESK_NAME
from ..page_rules import path_of
from ..refusals import UNKNOWN_DESK
from ..state import State

_logger = logging.getLogger(__name__)


class Named(NamedTuple):
    """How a page names its desk.

    Arguments:
        desk: the name; None or empty: it names none.
        may_be_internal: whether no browser has a say in it.
        helper: the template helper to which the site's own code passes it; empty: a browser names it.
    """

    desk: object = None
    may_be_internal: bool = False
    helper: str = ""


def choose_desk(state: State, desks: Desks | None, named: Named, page: str | None) -> str:
    """The name of the desk that serves a page.

    Arguments:
        desks: None: the database cannot be reached, so nothing is known of them.
        page: its address. From a browser it may be any address, so a rule never leads to an internal desk.
    """
    if desks is None:
        return DEFAULT_DESK
    if named.desk:
        return str(named.desk) if is_known(state, desks, named) else DEFAULT_DESK
    if rule := desks.of_path(path_of(page)):
        return rule.desk
    chosen = state.hooks.chosen_desk(page or "", tuple(desks.present))
    return DEFAULT_DESK if chosen is None else chosen


def is_known(state: State, desks: Desks, named: Named) -> bool:
    """Whether this desk serves the page that names it. If not, that is counted for the check-up."""
    desk = named.desk
    if isinstance(desk, str) and (desk in desks.present if named.may_be_internal else desks.may_be_named(desk)):
        return True
    shown = str(desk) if DESK_NAME.fullmatch(str(desk)) else "another name"
    state.refusals.count(UNKNOWN_DESK, shown)
    if named.helper and (told := f"{named.helper}: {shown}") not in state.explained:
        state.explained.add(told)
        _logger.error(
            "%s(): desk: %.60r is not allowed: there is no such desk, so the default one serves; use %s.",
            named.helper,
            desk,
            ", ".join(desks.present),
        )
    return False
