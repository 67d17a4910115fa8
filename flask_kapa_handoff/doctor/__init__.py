"""The check-up: finds what is wrong with a setup, why it matters and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..config_values import MAIL
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK
from ..lazy_text import lazy_gettext as _
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

__all__ = ["Finding", "Level", "examine", "examine_quickly", "examine_sending", "sends_nothing"]


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
    findings += _obstacle(state)
    for name, served in channels.items():
        findings += examine_mail_server(state) if name == MAIL else examine_channel(state, name, served)
    findings += [*_late_keys(state), *_site_name(state), *_refused_forms(state), *_layout(state)]
    findings += examine_templates(state)
    if not state.has_admin:
        findings.append(
            Finding(
                Level.WARNING,
                _("There are no admin pages."),
                _("Settings can be changed only with a deploy, and nobody sees failed tickets."),
                _(
                    "Pass %(code)s to KapaHandoff.",
                    code="`admin_required=<a view decorator such as login_required>`",
                ),
            )
        )
    return findings


def examine_quickly(state: State, refused: Counts) -> list[Finding]:
    """What is found without a query or a connection, but for :func:`examine_sending`.

    Arguments:
        refused: the refusals of the last 24 hours.
    """
    return [
        examine_secret(state.app.secret_key),
        *examine_desks(state, state.desks, refused),
        *examine_refusals(refused),
        *_late_keys(state),
        *_site_name(state),
        *_refused_forms(state),
        *_layout(state),
    ]


def examine_sending(state: State) -> list[Finding]:
    """What the configuration lacks for tickets to be sent, found without a query or a connection."""
    channels = channels_of(state.desks)
    by_mail = channels.pop(MAIL, [])
    return [
        *(examine_mail_settings(state) if by_mail else ()),
        *(examine_sender(state, [to for desk in by_mail for to in desk.recipients]) if by_mail else ()),
        *(one for name, desks in channels.items() for one in examine_channel(state, name, desks)),
        *_obstacle(state),
    ]


def _obstacle(state: State) -> list[Finding]:
    found = state.delivery.obstacle()
    return [] if found is None else [Finding(Level.PROBLEM, *found)]


def _late_keys(state: State) -> list[Finding]:
    late = state.config.keys_changed_in(state.app.config)
    if not late:
        return []
    return [
        Finding(
            Level.WARNING,
            _("Set after KapaHandoff was set up: %(keys)s.", keys=", ".join(late)),
            _("These keys are read once, so the handoff does not use the new values."),
            _("Set them before `KapaHandoff(app)` or `init_app(app)`."),
        )
    ]


def _site_name(state: State) -> list[Finding]:
    found = find_site_name(state.app, state.config)
    if not found.guessed:
        return [Finding(Level.OK, _("Mails and pages call this site %(name)s.", name=found.name))]
    return [
        Finding(
            Level.WARNING,
            _("Mails and pages call this site %(name)s, which is the app's import name.", name=found.name),
            _("Visitors and your team may not recognise it."),
            _("Set the name, such as %(code)s.", code='`KAPA_HANDOFF_SITE_NAME = "Acme"`'),
        )
    ]


def _layout(state: State) -> list[Finding]:
    trouble = layout_trouble(state.app, state.config)
    if trouble is None:
        return []
    return [
        Finding(
            Level.WARNING,
            _("The layout %(name)s cannot be used: %(reason)s.", name=state.config.admin_template, reason=trouble),
            _("The admin pages use a plain layout."),
            _("Fix the template, or the name in `KAPA_HANDOFF_ADMIN_TEMPLATE`."),
        )
    ]


def _refused_forms(state: State) -> list[Finding]:
    if state.refused_by_site is None:
        return []
    return [
        Finding(
            Level.PROBLEM,
            _("The site itself refused %(request)s before it reached the handoff.", request=state.refused_by_site),
            _(
                "Visitors may not be able to send tickets. Perhaps a CSRF check of the site gets in the way; the "
                "forms of the handoff protect themselves."
            ),
            _(
                "Put this line at the top of that check, but not of one that requires a sign-in: %(code)s",
                code="`" + REMEDY + "`",
            ),
        )
    ]
