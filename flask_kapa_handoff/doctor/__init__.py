"""The check-up: finds what is wrong with a setup, why it matters and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config_values import MAIL
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK
from ..refusals import Counts
from ..settings import default_settings
from ..site_name import find_site_name
from ..web.admin_layout import layout_trouble
from ..web.csrf import REMEDY
from .arrivals import examine_arrivals
from .database import examine_database
from .desks import channels_of, examine_channel, examine_desks
from .finding import Finding, Level
from .mail import examine_mail_server, examine_mail_settings, examine_sender, sends_nothing
from .refusals import examine_refusals
from .secret import examine_secret
from .templates import examine_templates
from .tickets import examine_tickets

if TYPE_CHECKING:
    from flask import Flask

    from ..state import State

__all__ = ["Finding", "Level", "count_quickly", "examine", "sends_nothing"]


def examine(app: Flask, state: State, *, proxy_unheeded: bool = False) -> list[Finding]:
    """Check everything: configuration, database, tickets, mail server or channel. Sends nothing; takes seconds.

    Arguments:
        proxy_unheeded: whether the current request came through a proxy that the site ignores; the latest ticket is
            checked for this in any case.
    """
    findings = [examine_secret(app.secret_key)]
    state.refusals.write()  # what this process has counted but not written yet
    of_database, situation = examine_database(app, state)
    findings += of_database
    # Without a database, which the check-up does not create, desks are as they are configured.
    desks = situation.desks if situation is not None else Desks({DEFAULT_DESK: default_settings(state.config)})
    channels = channels_of(desks)
    if situation is not None:
        findings += examine_desks(state, situation.desks, situation.refused)
        if MAIL in channels:
            findings += examine_sender(state, [to for desk in channels[MAIL] for to in desk.recipients])
        if state.database.present_version():  # else reading would create it
            findings += examine_arrivals(state, situation.desks)
        findings += examine_tickets(
            state.config, situation, when_overdue=state.delivery.when_overdue, proxy_unheeded=proxy_unheeded
        )
        findings += examine_refusals(situation.refused)
    if obstacle := state.delivery.obstacle():
        findings.append(Finding(Level.PROBLEM, *obstacle))
    for name, served in channels.items():
        findings += examine_mail_server(state) if name == MAIL else examine_channel(state, name, served)
    findings += [*_late_keys(state), *_site_name(state), *_refused_forms(state), *_layout(state)]
    findings += examine_templates(state)
    if not state.has_admin:
        findings.append(
            Finding(
                Level.WARNING,
                "There are no admin pages.",
                "Settings can be changed only with a deploy, and nobody sees failed tickets.",
                "Pass `admin_required=<a view decorator such as login_required>` to KapaHandoff.",
            )
        )
    return findings


def count_quickly(state: State, refused: Counts) -> int:
    """How many warnings and problems there are among those that are found without a query or a connection.

    Arguments:
        refused: the refusals of the last 24 hours.
    """
    desks = state.desks
    channels = channels_of(desks)
    by_mail = channels.get(MAIL, [])
    findings = [
        examine_secret(state.app.secret_key),
        *examine_desks(state, desks, refused),
        *(examine_sender(state, [to for desk in by_mail for to in desk.recipients]) if by_mail else ()),
        *(examine_mail_settings(state) if by_mail else ()),
        *(one for name in channels.keys() - {MAIL} for one in examine_channel(state, name, channels[name])),
        *examine_refusals(refused),
        *_late_keys(state),
        *_site_name(state),
        *_refused_forms(state),
        *_layout(state),
    ]
    obstacle = state.delivery.obstacle() is not None
    return sum(finding.level is not Level.OK for finding in findings) + obstacle


def _late_keys(state: State) -> list[Finding]:
    late = state.config.keys_changed_in(state.app.config)
    if not late:
        return []
    return [
        Finding(
            Level.WARNING,
            f"Set after KapaHandoff was set up: {', '.join(late)}.",
            "These keys are read once, so the handoff does not use the new values.",
            "Set them before `KapaHandoff(app)` or `init_app(app)`.",
        )
    ]


def _site_name(state: State) -> list[Finding]:
    found = find_site_name(state.app, state.config)
    if not found.guessed:
        return [Finding(Level.OK, f"Mails and pages call this site {found.name}.")]
    return [
        Finding(
            Level.WARNING,
            f"Mails and pages call this site {found.name}, which is the app's import name.",
            "Visitors and your team may not recognise it.",
            'Set the name, such as `KAPA_HANDOFF_SITE_NAME = "Acme"`.',
        )
    ]


def _layout(state: State) -> list[Finding]:
    trouble = layout_trouble(state.app, state.config)
    if trouble is None:
        return []
    return [
        Finding(
            Level.WARNING,
            f"The layout {state.config.admin_template} cannot be used: {trouble}.",
            "The admin pages use a plain layout.",
            "Fix the template, or the name in `KAPA_HANDOFF_ADMIN_TEMPLATE`.",
        )
    ]


def _refused_forms(state: State) -> list[Finding]:
    if state.refused_by_site is None:
        return []
    return [
        Finding(
            Level.PROBLEM,
            f"The site itself refused {state.refused_by_site} before it reached the handoff.",
            "Visitors may not be able to send tickets. Perhaps a CSRF check of the site gets in the way; the forms of "
            "the handoff protect themselves.",
            f"Put this line at the top of that check, but not of one that requires a sign-in: `{REMEDY}`",
        )
    ]
