"""Checks the desks: where their tickets go, by which channel, and what pages and rules call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config_values import MAIL
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, LINK, DeskSettings
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from ..refusals import UNKNOWN_DESK, Counts, by_reason, details
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State


def channels_of(desks: Desks) -> dict[str, list[DeskSettings]]:
    """The channels by which tickets go, each with its desks."""
    found: dict[str, list[DeskSettings]] = {}
    for settings in desks.present.values():
        found.setdefault(settings.channel, []).append(settings)
    return found


def examine_desks(state: State, desks: Desks, refused: Counts) -> list[Finding]:
    """Findings on each desk, on the page rules and on the names in pages.

    Arguments:
        refused: what was refused or not found in the last 24 hours.
    """
    findings = [_desk(state, settings) for settings in desks.present.values()]
    findings += [
        Finding(
            Level.WARNING,
            _("The mails hold only a link to the ticket's page, and its address is not known.")
            if settings.desk == DEFAULT_DESK
            else _(
                "The mails of %(desk)s hold only a link to the ticket's page, and its address is not known.",
                desk=settings.shown_label,
            ),
            _("The mails name the ticket, without a link to it."),
            _("Set `SERVER_NAME`, or `KAPA_HANDOFF_TRUSTED_HOSTS`, and pass `admin_required` to KapaHandoff."),
        )
        for settings in desks.present.values()
        if settings.mail_content == LINK and state.ticket_url("T-SAMPLE") is None
    ]
    if astray := [rule for rule in desks.rules if not desks.may_be_named(rule.desk)]:
        findings.append(
            Finding(
                Level.WARNING,
                _(
                    "Some page rules choose no desk: %(rules)s.",
                    rules=", ".join(f"{rule.pattern} ({rule.desk})" for rule in astray),
                ),
                _("Their desk was removed, or is internal, so later rules and the default desk serve these pages."),
                _("Change or remove these rules on the page Desks."),
                page="desks",
            )
        )
    if by_reason(refused)[UNKNOWN_DESK]:
        findings.append(
            Finding(
                Level.WARNING,
                _(
                    "In the last 24 hours, pages named a desk that does not exist or is internal: %(names)s.",
                    names=details(refused, UNKNOWN_DESK),
                ),
                _("The default desk serves these pages."),
                _(
                    "Use the name of a desk in `data-desk` and in templates: %(names)s.",
                    names=", ".join(_nameable(desks)),
                ),
            )
        )
    return findings + _fields(state, desks)


def examine_channel(state: State, name: str, desks: list[DeskSettings]) -> list[Finding]:
    """Check that a channel of the site is registered. Sends nothing."""
    only_default = [settings.desk for settings in desks] == [DEFAULT_DESK]
    whose = ", ".join(settings.shown_label for settings in desks)
    if not state.is_missing(name):
        if only_default:
            return [Finding(Level.OK, _("Tickets go by the site's own channel, %(channel)s.", channel=name))]
        what = _("Tickets of %(desks)s go by the site's own channel, %(channel)s.", desks=whose, channel=name)
        return [Finding(Level.OK, what)]
    what, remedy = _missing(state, name, "" if only_default else whose)
    return [Finding(Level.PROBLEM, what, _("Tickets are stored and wait to be sent."), remedy)]


def _missing(state: State, name: str, whose: str) -> tuple[LazyText, LazyText]:
    """What is wrong if a channel is missing, and what to do."""
    values = {
        "code": f"`@handoff.channel({name!r}, label=…)`",
        "channels": ", ".join((MAIL, *state.registered.channels)),
    }
    if name == state.config.channel:
        return (
            _("KAPA_HANDOFF_CHANNEL is %(channel)s, and no channel of that name is registered.", channel=repr(name)),
            _(
                "Register a function with %(code)s, in the delivering processes, too; or set the key to a channel "
                "that is registered: %(channels)s.",
                **values,
            ),
        )
    return (
        _("Tickets of %(desks)s go by the channel %(channel)s, which is missing.", desks=whose, channel=repr(name))
        if whose
        else _("Tickets go by the channel %(channel)s, which is missing.", channel=repr(name)),
        _(
            "Register a function with %(code)s, in the delivering processes, too; or choose a channel that is "
            "registered: %(channels)s.",
            **values,
        ),
    )


def _nameable(desks: Desks) -> list[str]:
    return [name for name in desks.present if desks.may_be_named(name)]


def _desk(state: State, settings: DeskSettings) -> Finding:
    if settings.takes_tickets and settings.email:
        where = state.label_of_channel(settings.channel) or settings.email
        if settings.desk == DEFAULT_DESK:
            return Finding(Level.OK, _("Tickets go to %(where)s.", where=where))
        return Finding(Level.OK, _("Tickets of %(desk)s go to %(where)s.", desk=settings.shown_label, where=where))
    what, remedy, for_admins = _hidden(settings)
    why = _("Visitors don't see the button.")
    return Finding(Level.WARNING, what, why, remedy, for_admins=for_admins, page="settings")


def _hidden(settings: DeskSettings) -> tuple[LazyText, LazyText, LazyText]:
    """Why visitors don't see a desk's button, and what developers and admins can do."""
    is_default, label = settings.desk == DEFAULT_DESK, settings.shown_label
    if not settings.enabled:
        switch_on = _("Switch it on on the settings page.")
        off = _("The button is switched off.") if is_default else _("The desk %(desk)s is switched off.", desk=label)
        return off, switch_on, switch_on
    enter = _("Enter an address on the settings page.")
    if is_default:
        key = _("Set `KAPA_HANDOFF_EMAIL`, or enter an address on the settings page.")
        return _("There is no address to send tickets to."), key, enter
    return _("The desk %(desk)s has no address to send tickets to.", desk=label), enter, enter


def _fields(state: State, desks: Desks) -> list[Finding]:
    return [
        Finding(
            Level.WARNING,
            _(
                'The field "%(label)s" (%(name)s) names a desk that does not exist: %(desks)s.',
                label=field.label,
                name=field.name,
                desks=", ".join(unknown),
            ),
            _("The form of that desk would have the field, and no other form has it."),
            _(
                "Use %(desks)s in the `desks` of `KAPA_HANDOFF_FIELDS`, or leave `desks` out.",
                desks=", ".join(desks.present),
            ),
        )
        for field in state.config.fields
        if (unknown := field.unknown_desks(desks.present))
    ]
