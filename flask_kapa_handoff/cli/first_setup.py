"""``init``: write the first configuration, and check it."""

from __future__ import annotations

import copy
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from ..config import Config
from ..config_values import parse_recipients, parse_sender, parse_site_name
from ..delivery.mail.mail_settings import check_mail_keys, parse_server
from ..doctor import examine
from ..errors import ConfigurationError
from ..state import State, current_state
from .group import group, this_app
from .setting_up import echo_finding

SUBMISSION = 587
TLS_KEYS = {465: "MAIL_USE_SSL", SUBMISSION: "MAIL_USE_TLS"}
"""The key that turns TLS on at each usual port of a mail server."""

BLOCK = """\
# flask_kapa_handoff, written by `flask kapa-handoff init`. Load it before KapaHandoff is set up.

# Where tickets go: an address, or several with commas between them. Admins can change it on the settings page.
KAPA_HANDOFF_EMAIL = {email}

# What mails and pages call this site.
KAPA_HANDOFF_SITE_NAME = {site_name}

# The From address of the mails, in your own domain. Replies go to the visitor.
KAPA_HANDOFF_SENDER = {sender}

{mail_server}
# If it asks for a login, set MAIL_USERNAME and MAIL_PASSWORD, but not in a file that others read: with
# app.config.from_prefixed_env(), they come from the environment, as FLASK_MAIL_USERNAME and FLASK_MAIL_PASSWORD.

# When the button appears: any of always, conversation-length, uncertainty, downvote, asked-for-human.
# KAPA_HANDOFF_TRIGGERS = "always"

# What sends tickets: "thread" (the web processes), "external" (`flask kapa-handoff worker`) or "celery".
# KAPA_HANDOFF_DELIVERY = "thread"

# Where tickets are kept. By default: your Flask-SQLAlchemy database, else a file in the instance folder.
# KAPA_HANDOFF_DATABASE_URI = "sqlite:////var/lib/site/kapa_handoff.sqlite3"

# Other origins whose pages may create tickets, such as a static docs site.
# KAPA_HANDOFF_ORIGINS = ["https://docs.example.com"]

# One language for everybody, instead of each visitor's own.
# KAPA_HANDOFF_LANGUAGE = "en"
"""

MAIL_SERVER = """\
# The mail server. Port 587 needs MAIL_USE_TLS, port 465 needs MAIL_USE_SSL.
"""
NO_MAIL_SERVER = 'MAIL_SERVER = "smtp.example.com"\nMAIL_PORT = 587\nMAIL_USE_TLS = True'


PORT = click.IntRange(1, 65_535)


class _Question(NamedTuple):
    """What a flag or an answer says, and the parser of its configuration key."""

    option: str
    words: str
    parse: Callable[..., str]
    is_address: bool = False

    def check(self, given: str | None) -> str | None:
        """What the flag says; None: it is not given."""
        if given is None:
            return None
        try:
            return self._parsed(given)
        except click.BadParameter as error:
            error.param_hint = f"'{self.option}'"
            raise

    def ask(self, default: str | None = None) -> str:
        """What somebody answers."""
        return str(_ask(self.words, self.option, self._parsed, default))

    def _parsed(self, text: str) -> str:
        # Here and not as click's type: the app is known only when the command runs.
        domains = [current_state().config.special_domains] if self.is_address else []
        try:
            return self.parse(text, *domains)
        except ValueError as error:
            raise click.BadParameter(f"{text!r} is not allowed: {error}.") from None


EMAIL = _Question("--email", "Where should tickets go", parse_recipients, is_address=True)
SITE_NAME = _Question("--site-name", "What is your site called", parse_site_name)
SENDER = _Question("--sender", "From which address do mails come", parse_sender, is_address=True)
SERVER = _Question("--mail-server", "Its host name", parse_server)


@group.command("init")
@click.option("--email", metavar="ADDRESS", help="Where tickets go; several with commas between them.")
@click.option("--sender", metavar="ADDRESS", help="The From address of the mails, in your own domain.")
@click.option("--site-name", metavar="NAME", help="What mails and pages call this site.")
@click.option("--mail-server", metavar="HOST", help="The mail server; leave it out if you have none yet.")
@click.option("--mail-port", type=PORT, default=SUBMISSION, show_default=True, help="Its port.")
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to this new file instead of standard output.",
)
def init(
    email: str | None,
    sender: str | None,
    site_name: str | None,
    mail_server: str | None,
    mail_port: int,
    file: Path | None,
) -> None:
    """Write the first configuration, say what is still missing, and how to get it.

    It asks for the address, the sender and the site's name, unless options give all three. The configuration goes to
    standard output, everything else to standard error. Nothing that exists is changed, and no secret is printed.
    """
    if file is not None and os.path.lexists(file):
        raise _exists(file)
    # All flags before the first question.
    email, site_name, sender = EMAIL.check(email), SITE_NAME.check(site_name), SENDER.check(sender)
    mail_server = SERVER.check(mail_server)
    asks, config = None in (email, sender, site_name), current_state().config
    email = email or EMAIL.ask(config.email)
    site_name = site_name or SITE_NAME.ask(config.site_name)
    sender = sender or SENDER.ask(config.sender)
    if asks and mail_server is None and click.confirm("Do you know your mail server", err=True):
        mail_server, mail_port = SERVER.ask(), _ask("Its port", "--mail-port", PORT, SUBMISSION)
    values = {"KAPA_HANDOFF_EMAIL": email, "KAPA_HANDOFF_SITE_NAME": site_name, "KAPA_HANDOFF_SENDER": sender}
    mail = {} if mail_server is None else _mail_keys(mail_server, mail_port)
    _put(_block(values, mail), file)
    _check({**values, **mail})


def _ask(question: str, option: str, kind: Any, default: Any = None) -> Any:
    try:
        return click.prompt(question, default=default, type=kind, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        click.echo(err=True)
        raise click.UsageError(f"There is nobody to ask here. Give {option}.") from None


def _mail_keys(server: str, port: int) -> dict[str, Any]:
    return {"MAIL_SERVER": server, "MAIL_PORT": port, **({TLS_KEYS[port]: True} if port in TLS_KEYS else {})}


def _block(values: Mapping[str, Any], mail: Mapping[str, Any]) -> str:
    """The configuration as Python, for ``app.config.from_pyfile()``."""
    if mail:
        lines = "".join(f"{key} = {_literal(value)}\n" for key, value in mail.items())
    elif current_state().app.config.get("MAIL_SERVER"):
        lines = "# It is configured already: MAIL_SERVER is set.\n"
    else:
        lines = "".join(f"# {line}\n" for line in NO_MAIL_SERVER.splitlines())
    names = {key.removeprefix("KAPA_HANDOFF_").lower(): _literal(value) for key, value in values.items()}
    return BLOCK.format(**names, mail_server=(MAIL_SERVER + lines).rstrip())


def _literal(value: Any) -> str:
    """The value in Python, with double quotes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _put(block: str, file: Path | None) -> None:
    if file is None:
        click.echo(block, nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(block)
    except FileExistsError:
        raise _exists(file) from None
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}.") from None
    click.echo(f"Written to {file}. Load it before KapaHandoff is set up:", err=True)
    click.echo(f"    app.config.from_pyfile({_literal(str(file.resolve()))})", err=True)


def _exists(file: Path) -> click.ClickException:
    return click.ClickException(
        f"{file} exists already, so nothing was written. Name a new file, or leave --write out and copy what you need."
    )


def _check(values: Mapping[str, Any]) -> None:
    """Say what is still missing once these values are loaded."""
    try:
        state = _state_with(values)
    except ConfigurationError as error:
        raise click.ClickException(f"With what is configured already, this does not work: {error}.") from None
    troubles = [finding for finding in examine(state.app, state) if finding.level.is_trouble]
    click.echo("\nWhat is still missing:" if troubles else "\nNothing is missing.", err=True)
    for finding in troubles:
        echo_finding(finding, err=True)
    click.echo("Once the configuration is loaded, `flask kapa-handoff doctor` checks all of it.", err=True)


def _state_with(values: Mapping[str, Any]) -> State:
    """The app's state as it would be with further values; the app itself stays as it is.

    Raises:
        ConfigurationError: they contradict the rest of the configuration.
    """
    present = current_state()
    app = copy.copy(this_app())
    app.config = copy.copy(app.config)
    app.config.update(values)
    # Flask-Mail read the configuration before; without it, the values are used.
    app.extensions = {name: found for name, found in app.extensions.items() if name != "mail"}
    config = Config.from_mapping(app.config)
    check_mail_keys(app, None)
    return State(app, config, present.location, present.database, present.registered, has_admin=present.has_admin)
