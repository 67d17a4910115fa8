"""Checks the desks: where their tickets go, by which channel, and what pages and rules call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..delivery.channels import not_registered
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, LINK, DeskSettings
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
            f"The mails {_of(settings)}hold only a link to the ticket's page, and its address is not known.",
            "The mails name the ticket, without a link to it.",
            "Set `SERVER_NAME`, or `KAPA_HANDOFF_TRUSTED_HOSTS`, and pass `admin_required` to KapaHandoff.",
        )
        for settings in desks.present.values()
        if settings.mail_content == LINK and state.ticket_url("T-SAMPLE") is None
    ]
    if astray := [rule for rule in desks.rules if not desks.may_be_named(rule.desk)]:
        findings.append(
            Finding(
                Level.WARNING,
                f"Some page rules choose no desk: {', '.join(f'{rule.pattern} ({rule.desk})' for rule in astray)}.",
                "Their desk was removed, or is internal, so later rules and the default desk serve these pages.",
                "Change or remove these rules on the page Desks.",
            )
        )
    if by_reason(refused)[UNKNOWN_DESK]:
        findings.append(
            Finding(
                Level.WARNING,
                "In the last 24 hours, pages named a desk that does not exist or is internal: "
                f"{details(refused, UNKNOWN_DESK)}.",
                "The default desk serves these pages.",
                f"Use the name of a desk in `data-desk` and in templates: {', '.join(_nameable(desks))}.",
            )
        )
    return findings + _fields(state, desks)


def examine_channel(state: State, name: str, desks: list[DeskSettings]) -> list[Finding]:
    """Check that a channel of the site is registered. Sends nothing."""
    only_default = [settings.desk for settings in desks] == [DEFAULT_DESK]
    whose = "" if only_default else f" of {', '.join(settings.shown_label for settings in desks)}"
    if not state.is_missing(name):
        return [Finding(Level.OK, f"Tickets{whose} go by the site's own channel, {name}.")]
    known = ", ".join(state.registered.channels)
    is_configured = name == state.config.channel
    what = not_registered(name) if is_configured else f"Tickets{whose} go by the channel {name!r}, which is missing"
    return [
        Finding(
            Level.PROBLEM,
            f"{what}.",
            "Tickets are stored and wait to be sent.",
            f"Register a function with `@handoff.channel({name!r}, label=…)`, in the delivering processes, too; or "
            f"{'set the key to' if is_configured else 'choose'} a channel that is registered: "
            f"mail{f', {known}' if known else ''}.",
        )
    ]


def _nameable(desks: Desks) -> list[str]:
    return [name for name in desks.present if desks.may_be_named(name)]


def _of(settings: DeskSettings) -> str:
    return "" if settings.desk == DEFAULT_DESK else f"of {settings.shown_label} "


def _desk(state: State, settings: DeskSettings) -> Finding:
    if settings.takes_tickets and settings.email:
        where = state.label_of_channel(settings.channel) or settings.email
        return Finding(Level.OK, f"Tickets {_of(settings)}go to {where}.")
    if settings.desk == DEFAULT_DESK:
        what = "The button is switched off." if not settings.enabled else "There is no address to send tickets to."
    else:
        why = "is switched off" if not settings.enabled else "has no address to send tickets to"
        what = f"The desk {settings.shown_label} {why}."
    key = "Set `KAPA_HANDOFF_EMAIL`, or enter" if settings.desk == DEFAULT_DESK else "Enter"
    remedy = "Switch it on" if not settings.enabled else f"{key} an address"
    return Finding(Level.WARNING, what, "Visitors don't see the button.", f"{remedy} on the settings page.")


def _fields(state: State, desks: Desks) -> list[Finding]:
    return [
        Finding(
            Level.WARNING,
            f'The field "{field.label}" ({field.name}) names a desk that does not exist: {", ".join(unknown)}.',
            "The form of that desk would have the field, and no other form has it.",
            f"Use {', '.join(desks.present)} in the `desks` of `KAPA_HANDOFF_FIELDS`, or leave `desks` out.",
        )
        for field in state.config.fields
        if (unknown := field.unknown_desks(desks.present))
    ]
