"""Checks the mail server: sender, connection, TLS, login. Sends no mail."""

from __future__ import annotations

import socket
import ssl
from email.utils import parseaddr
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ..delivery.outcomes import Unreachable
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State

PATIENCE = 10.0
"""Seconds that the mail server has in all, since somebody is waiting for the page."""

WAITING = "Tickets are stored and wait."

# RFC 4954, 6: the replies to a login. If the server hangs up with one, only its text remains.
_LOG_IN_REPLIES = ("530", "534", "535", "538")


def examine_sender(state: State, recipient: str | None) -> list[Finding]:
    """Check that there is a sender, and that it differs from the recipient."""
    from ..delivery.mail.site_mail import SiteMail

    try:
        sender = SiteMail(state).sender
    except ValueError as error:
        sender, why = None, f"MAIL_DEFAULT_SENDER is no address: {error}"
    else:
        why = "There is no sender."
    remedy = "Set KAPA_HANDOFF_SENDER or MAIL_DEFAULT_SENDER to an address of the site's own domain."
    if sender is None:
        return [Finding(Level.PROBLEM, why, "Tickets are stored, but no mail can be sent.", remedy)]
    if recipient and parseaddr(sender)[1].lower() == recipient.lower():
        return [
            Finding(
                Level.WARNING,
                f"Sender and recipient are both {recipient}.",
                "Many helpdesks drop mails from their own address, or answer themselves in a loop.",
                remedy,
            )
        ]
    return [Finding(Level.OK, f"Mails come from {sender}.")]


def examine_mail_server(state: State) -> list[Finding]:
    """Connect, start TLS and log in, as a delivery would."""
    from ..delivery.mail.transport import Transport

    transport = Transport(state)
    mail = transport.site_mail.state
    if mail.suppress:
        return [
            Finding(
                Level.WARNING,
                "MAIL_SUPPRESS_SEND is on (TESTING switches it on as well).",
                "Tickets count as delivered, but no mail leaves.",
                "Set MAIL_SUPPRESS_SEND to False in production.",
            )
        ]
    if not mail.server:
        return [Finding(Level.PROBLEM, "No mail server is set.", WAITING, "Set MAIL_SERVER and MAIL_PORT.")]
    where = f"{mail.server}:{mail.port}"
    try:
        transport.check(PATIENCE)
    except Unreachable as error:
        what, remedy = _trouble(error)
        return [Finding(Level.PROBLEM, f"The mail server {where} {what}: {error}", WAITING, remedy)]
    return [_reachable(where, mail), *_unencrypted(where, mail), *_unverified_tls(state, where, mail)]


def _trouble(error: Unreachable) -> tuple[str, str]:
    """A finding: what does not work, and how to fix it."""
    import smtplib  # only for mail: a web process need not load it

    cause = error.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            "shows a certificate that cannot be trusted",
            "Set MAIL_SERVER to a name that stands in the certificate. If an authority of your own has signed it, set "
            "SSL_CERT_FILE in the environment to its file. KAPA_HANDOFF_SMTP_VERIFY_TLS = False gives the check up.",
        )
    if isinstance(cause, ssl.SSLError):
        return (
            "does not begin TLS",
            "MAIL_USE_SSL is for a port that is encrypted from the start (465), MAIL_USE_TLS for others (587, 25).",
        )
    if isinstance(cause, smtplib.SMTPNotSupportedError):
        return (
            "does not offer what the configuration asks for",
            "Many servers take a log-in only with MAIL_USE_TLS. Where this port has no STARTTLS, take port 465 with "
            "MAIL_USE_SSL, or set MAIL_USE_TLS to False.",
        )
    if isinstance(cause, smtplib.SMTPAuthenticationError) or str(error).startswith(_LOG_IN_REPLIES):
        return (
            "refuses the log-in",
            "Check MAIL_USERNAME and MAIL_PASSWORD. Many providers want a password made for programs alone.",
        )
    if isinstance(cause, socket.gaierror):
        return "has a name that the DNS does not know", "Check MAIL_SERVER."
    # smtplib reports a reply that did not come in time as a disconnect.
    if any(isinstance(one, TimeoutError) for one in (cause, getattr(cause, "__context__", None))):
        return (
            "does not answer in time",
            "Check MAIL_SERVER and MAIL_PORT. Many networks let nothing out on port 25: try 587. A port that is "
            "encrypted from the start (465) needs MAIL_USE_SSL.",
        )
    if isinstance(cause, OSError) and not isinstance(cause, smtplib.SMTPException):
        return "cannot be reached", "Check MAIL_SERVER and MAIL_PORT, and whether the server runs."
    return "cannot be used", "Mend what it says; check MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS and MAIL_USE_SSL."


def _reachable(where: str, mail: Any) -> Finding:
    encrypted = ", with TLS" if mail.use_tls or mail.use_ssl else ""
    log_in = ", and takes the log-in" if mail.username and mail.password else ""
    return Finding(Level.OK, f"The mail server {where} answers{encrypted}{log_in}.")


def _unencrypted(where: str, mail: Any) -> list[Finding]:
    if mail.use_tls or mail.use_ssl or not (mail.username and mail.password) or _is_this_machine(mail.server):
        return []
    return [
        Finding(
            Level.WARNING,
            f"The password goes to {where} in the clear.",
            "Whoever sits between can read it, and the tickets.",
            "Set MAIL_USE_TLS to True (port 587), or MAIL_USE_SSL (port 465).",
        )
    ]


def _unverified_tls(state: State, where: str, mail: Any) -> list[Finding]:
    if state.config.smtp_verify_tls or not (mail.use_tls or mail.use_ssl):
        return []
    return [
        Finding(
            Level.WARNING,
            f"The certificate of {where} is not checked.",
            "Whoever sits between can read the tickets and the password.",
            "Set KAPA_HANDOFF_SMTP_VERIFY_TLS to True.",
        )
    ]


def _is_this_machine(server: str) -> bool:
    try:
        return ip_address(server).is_loopback
    except ValueError:
        return server.lower().rstrip(".") in ("localhost", "localhost.localdomain", "ip6-localhost")
