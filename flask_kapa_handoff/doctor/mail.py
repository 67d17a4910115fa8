"""Checks the mail server: sender, connection, TLS, login. Sends no mail."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection
from email.utils import parseaddr
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..delivery.mail.mail_settings import MailSettings, find_mail_settings
from ..delivery.mail.sender import find_sender
from ..delivery.outcomes import Unreachable
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State

PATIENCE = 10.0
"""Seconds that the mail server has in all, since somebody is waiting for the page."""

WAITING = _("Tickets are stored and wait to be sent.")
READABLE = _("Anyone on the network path can read the password and the tickets.")

# RFC 4954, 6: the replies to a login. If the server hangs up with one, only its text remains.
_LOG_IN_REPLIES = ("530", "534", "535", "538")


def examine_sender(state: State, recipients: Collection[str]) -> list[Finding]:
    """Check that there is a sender, and that it differs from the recipients."""
    try:
        sender = find_sender(state)
    except ValueError as error:
        sender, why = None, _("MAIL_DEFAULT_SENDER is not an address: %(reason)s.", reason=str(error))
    else:
        why = _("There is no sender.")
    remedy = _("Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER to an address of the site's own domain.")
    if sender is None:
        return [Finding(Level.PROBLEM, why, _("Tickets are stored, but they cannot be sent."), remedy)]
    recipient = parseaddr(sender)[1].lower()
    if recipient in map(str.lower, recipients):
        return [
            Finding(
                Level.WARNING,
                _("Sender and recipient are both %(email)s.", email=recipient),
                _("Many helpdesks drop mails from their own address, or reply to themselves in a loop."),
                remedy,
            )
        ]
    return [Finding(Level.OK, _("Mails come from %(email)s.", email=sender))]


def sends_nothing(state: State) -> bool:
    """Whether the site's configuration turns sending mails off."""
    try:
        return find_mail_settings(state).suppress
    except ValueError:
        return False


def examine_mail_settings(state: State) -> list[Finding]:
    """Check the settings with which a delivery would connect; empty: it can try."""
    try:
        mail = find_mail_settings(state)
    except ValueError as error:
        what, remedy = _("A mail setting is wrong."), _("Fix the setting that the details name.")
        return [Finding(Level.PROBLEM, what, WAITING, remedy, str(error))]
    if mail.suppress:
        return [
            Finding(
                Level.WARNING,
                _("Sending is turned off on this site (MAIL_SUPPRESS_SEND, which TESTING turns on as well)."),
                _("Tickets are stored, but not sent."),
                _("Set MAIL_SUPPRESS_SEND to False in production."),
            )
        ]
    if mail.server is None:
        return [Finding(Level.PROBLEM, _("No mail server is set."), WAITING, _("Set MAIL_SERVER and MAIL_PORT."))]
    return []


def examine_mail_server(state: State) -> list[Finding]:
    """Connect, start TLS and log in, as a delivery would."""
    from ..delivery.mail.transport import Transport

    if found := examine_mail_settings(state):
        return found
    transport = Transport(state)
    mail = transport.site_mail.settings
    where = f"{mail.server}:{mail.port or (465 if mail.use_ssl else 25)}"
    try:
        transport.check(PATIENCE)
    except Unreachable as error:
        what, remedy = _trouble(error, where)
        return [Finding(Level.PROBLEM, what, WAITING, remedy, str(error))]
    return [_reachable(where, mail), *_unencrypted(where, mail), *_unverified_tls(state, where, mail)]


def _trouble(error: Unreachable, where: str) -> tuple[LazyText, LazyText]:
    """What does not work, and how to fix it."""
    import smtplib  # only for mail: a web process need not load it

    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            _("The certificate of the mail server %(server)s cannot be trusted.", server=where),
            _(
                "Set MAIL_SERVER to a name that is in the certificate. If your own authority signed it, set "
                "SSL_CERT_FILE in the environment to that authority's file. As a last resort, "
                "`KAPA_HANDOFF_SMTP_VERIFY_TLS = False` disables certificate checks."
            ),
        )
    if isinstance(cause, ssl.SSLError):
        return (
            _("No secure connection (TLS) to the mail server %(server)s can be made.", server=where),
            _("MAIL_USE_SSL is for a port that is encrypted from the start (465), MAIL_USE_TLS for others (587, 25)."),
        )
    if str(error).startswith("No suitable authentication method"):
        return (
            _("The mail server %(server)s does not offer a login with a password.", server=where),
            _(
                "Check MAIL_SERVER and MAIL_USE_TLS. Some providers take passwords only once you allow it, or at "
                "another server."
            ),
        )
    if isinstance(cause, smtplib.SMTPNotSupportedError):
        return (
            _("The mail server %(server)s does not offer what the configuration asks for.", server=where),
            _(
                "Many servers accept a login only with MAIL_USE_TLS. If this port has no STARTTLS, use port 465 with "
                "MAIL_USE_SSL, or set MAIL_USE_TLS to False."
            ),
        )
    if isinstance(cause, smtplib.SMTPAuthenticationError) or str(error).startswith(_LOG_IN_REPLIES):
        return (
            _("The mail server %(server)s refuses the login.", server=where),
            _("Check MAIL_USERNAME and MAIL_PASSWORD. Many providers require a separate app password."),
        )
    if isinstance(cause, socket.gaierror):
        return _("The host name of the mail server %(server)s could not be found (DNS).", server=where), _(
            "Check MAIL_SERVER."
        )
    # smtplib reports a reply that did not come in time as a disconnect.
    if any(isinstance(one, TimeoutError) for one in (cause, getattr(cause, "__context__", None))):
        return (
            _("The mail server %(server)s did not respond in time.", server=where),
            _(
                "Check MAIL_SERVER and MAIL_PORT. Many networks block port 25: try 587. A port that is encrypted from "
                "the start (465) needs MAIL_USE_SSL."
            ),
        )
    if isinstance(cause, OSError) and not isinstance(cause, smtplib.SMTPException):
        return (
            _("The mail server %(server)s could not be reached.", server=where),
            _("Check MAIL_SERVER and MAIL_PORT, and whether the server is running."),
        )
    return (
        _("The mail server %(server)s cannot be used.", server=where),
        _("Fix what the details say; check MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS and MAIL_USE_SSL."),
    )


def _reachable(where: str, mail: MailSettings) -> Finding:
    if mail.use_tls or mail.use_ssl:
        what = (
            _("The mail server %(server)s responds, with TLS and accepts the login.", server=where)
            if mail.username
            else _("The mail server %(server)s responds, with TLS.", server=where)
        )
    elif mail.username:
        what = _("The mail server %(server)s responds and accepts the login.", server=where)
    else:
        what = _("The mail server %(server)s responds.", server=where)
    return Finding(Level.OK, what)


def _unencrypted(where: str, mail: MailSettings) -> list[Finding]:
    if mail.use_tls or mail.use_ssl or not mail.username or mail.server is None or _is_this_machine(mail.server):
        return []
    return [
        Finding(
            Level.WARNING,
            _("The password goes to %(server)s unencrypted.", server=where),
            READABLE,
            _("Set MAIL_USE_TLS to True (port 587), or MAIL_USE_SSL (port 465)."),
        )
    ]


def _unverified_tls(state: State, where: str, mail: MailSettings) -> list[Finding]:
    if state.config.smtp_verify_tls or not (mail.use_tls or mail.use_ssl):
        return []
    return [
        Finding(
            Level.WARNING,
            _("The certificate of %(server)s is not checked.", server=where),
            READABLE,
            _("Set KAPA_HANDOFF_SMTP_VERIFY_TLS to True."),
        )
    ]


def _is_this_machine(server: str) -> bool:
    try:
        return ip_address(server).is_loopback
    except ValueError:
        return server.lower().rstrip(".") in ("localhost", "localhost.localdomain", "ip6-localhost")
