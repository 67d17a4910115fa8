"""What a serving process says once, at its first request: what is on, what is missing and how to get it.

Each line is about one thing. What is on is logged as INFO, what is missing as WARNING. A command or the reloader's
parent serves no request, and so says nothing; a site under test says what is an error alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import URL, Engine, make_url

from .config_values import MAIL
from .delivery.channels import not_registered
from .delivery.mail.mail_settings import find_mail_settings
from .doctor.finding import Finding
from .doctor.mail import examine_mail_settings, examine_sender
from .doctor.secret import examine_secret
from .errors import SchemaError
from .lazy_text import LazyText
from .storage.file_access import obstacle
from .tracebacks import without_message
from .web.admin_layout import layout_trouble

if TYPE_CHECKING:
    from .state import State

_logger = logging.getLogger(__name__)


class Line(NamedTuple):
    """One thing: what there is, and what to do if something is missing."""

    said: str
    level: int = logging.INFO


def log_start(state: State) -> None:
    """Log the lines of an app, the first time that it is called. Never raises, since pages must not fail."""
    if not state.not_announced.acquire(blocking=False):
        return
    testing = state.app.testing
    for part in (_way_out, _admin_pages) if testing else PARTS:
        try:
            for line in part(state):
                if line.level >= logging.ERROR or not testing:
                    _logger.log(line.level, "Handoff of %s: %s", state.app.name, line.said)
        except Exception as error:
            _logger.error("The start-up log is incomplete. %s", without_message(error))


def _missing(what: LazyText | str, remedy: LazyText | str | None) -> Line:
    said = (text.english if isinstance(text, LazyText) else text for text in (what, remedy))
    return Line(" ".join(filter(None, said)), logging.WARNING)


def _lines_of(findings: list[Finding]) -> Iterator[Line]:
    """What is wrong; what is well is said in words without an address."""
    return (_missing(found.what, found.remedy) for found in findings if found.level.is_trouble)


def _secret(state: State) -> Iterator[Line]:
    found = examine_secret(state.app.secret_key)
    yield from _lines_of([found]) if found.level.is_trouble else [Line(found.what.english)]


def _address(state: State) -> Iterator[Line]:
    # Admins can enter one as well: the database is asked only if the configuration has none.
    if state.config.email or any(desk.takes_tickets and desk.email for desk in state.desks.present.values()):
        yield Line("Tickets have an address to go to.")
    else:
        or_enter = " or enter one on the settings page" if state.has_admin else ""
        yield _missing("There is no address for tickets, so no button is shown.", f"Set KAPA_HANDOFF_EMAIL{or_enter}.")


def _way_out(state: State) -> Iterator[Line]:
    channel = state.config.channel
    if channel != MAIL:
        if state.is_missing(channel):
            yield Line(f"{not_registered(channel)}. Tickets wait until it is.", logging.ERROR)
        else:
            yield Line(f"Tickets go out by the channel {channel}.")
        return
    yield from _lines_of(examine_sender(state, ()))
    troubles = [*_lines_of(examine_mail_settings(state))]
    yield from troubles
    if not troubles:
        mail = find_mail_settings(state)
        if "MAIL_SERVER" not in state.app.config and state.mail is None:
            yield _missing(
                f"MAIL_SERVER is not set, so mail goes to this machine's own mail server ({mail.server}:{mail.port}).",
                "Set MAIL_SERVER and MAIL_PORT.",
            )
            return
        encrypted = "with TLS" if mail.use_tls or mail.use_ssl else "without TLS"
        yield Line(f"Mail goes through {mail.server}:{mail.port or (465 if mail.use_ssl else 25)}, {encrypted}.")


def _delivery(state: State) -> Iterator[Line]:
    found = state.delivery.obstacle()
    yield _missing(found.what, found.remedy) if found else Line(state.delivery.who_sends)


def _admin_pages(state: State) -> Iterator[Line]:
    if not state.has_admin:
        return  # what to do was logged when the site was mounted, in commands as well
    yield Line(f"The admin pages are at {state.config.url_prefix}/admin/, guarded by the site's decorator.")
    if trouble := layout_trouble(state.app, state.config):
        yield Line(
            f"KAPA_HANDOFF_ADMIN_TEMPLATE: {state.config.admin_template!r} is not allowed: {trouble}; use the name of "
            "a template that has a block 'content'. The admin pages use a plain layout.",
            logging.ERROR,
        )


def _database(state: State) -> Iterator[Line]:
    if state.location.warning:
        yield _missing(state.location.warning, "Set KAPA_HANDOFF_DATABASE_URI to a place that stays.")
        return
    try:
        found, file = state.location(), state.database.file
    except SchemaError as problem:
        yield _missing(problem.found, problem.remedy)
        return
    if file is not None and (in_the_way := obstacle(file)):
        yield _missing(in_the_way.what, in_the_way.remedy)
        return
    url = found.url if isinstance(found, Engine) else make_url(found)
    # Without the user's name, the password, and the query, where some drivers take a password, too.
    where = file or URL.create(url.get_backend_name(), host=url.host, port=url.port, database=url.database)
    shared = "" if file else ", whose tables `flask kapa-handoff db upgrade` creates"
    yield Line(f"Tickets are kept in {where}{shared}.")


def _languages(state: State) -> Iterator[Line]:
    if state.config.language:
        yield Line(f"Everybody reads it in one language, {state.config.language}.")
    else:
        yield Line(f"Visitors read it in their own language, one of {len(state.languages.names)}.")


PARTS: tuple[Callable[[State], Iterator[Line]], ...] = (
    _secret,
    _address,
    _way_out,
    _delivery,
    _admin_pages,
    _database,
    _languages,
)
