"""``db upgrade``, ``doctor``, ``test-mail``: set up the package, and check that it works."""

from __future__ import annotations

import click

from ..doctor import Finding, Level, examine
from ..email_address import parse_email
from ..settings import DEFAULT_DESK
from ..state import current_state
from ..storage import schema
from .group import database_group, group, reachable, this_app


@database_group.command("upgrade")
def upgrade() -> None:
    """Create the tables, or upgrade them to this version."""
    before, after = reachable(current_state().database.upgrade)
    if after != schema.HEAD:
        click.echo(
            f"The tables are at version {after}, from a newer version of this package. This one knows up to "
            f"{schema.HEAD} and can use them. Nothing was changed."
        )
    elif before == after:
        click.echo(f"The tables are already at version {after}.")
    else:
        click.echo(f"The tables are now at version {after} (before: {before or 'none'}).")


@group.command("doctor")
@click.option("--quiet", is_flag=True, help="Print only warnings and problems (for cron).")
def doctor(quiet: bool) -> None:
    """Say what is wrong with this setup, why it matters and how to fix it."""
    findings = examine(this_app(), current_state())
    for finding in findings:
        if quiet and not finding.level.is_trouble:
            continue
        echo_finding(finding)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise SystemExit(1)


def echo_finding(finding: Finding, *, err: bool = False) -> None:
    """Print a finding of the check-up."""
    click.echo(f"{finding.level.value:8} {finding.what}", err=err)
    if finding.why:
        click.echo(f"{'':8} {finding.why}", err=err)
    if finding.remedy:
        click.echo(f"{'':8} -> {finding.remedy}", err=err)
    if finding.details:
        click.echo(f"{'':8} Details: {finding.details}", err=err)


@group.command("test-mail")
@click.argument("address")
@click.option("--desk", default=DEFAULT_DESK, show_default=True, help="The desk whose mail it is.")
def test_mail(address: str, desk: str) -> None:
    """Send a sample ticket to ADDRESS now, and print what the mail server says.

    If the desk has another channel than mail, it goes to that channel, with ADDRESS as the visitor's.
    """
    from ..delivery.sample import send_sample

    try:
        recipient = parse_email(address, current_state().config.special_domains)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ADDRESS") from None
    if desk not in (present := current_state().desks.present):
        raise click.BadParameter(f"there is no desk {desk!r}; use {', '.join(present)}.", param_hint="--desk")
    tried = send_sample(current_state(), recipient, desk=desk)
    if tried.outcome in ("delayed", "refused"):
        trouble = _trouble(tried.reply, desk)
        details = "" if tried.reply in trouble else f"\nDetails: {tried.reply}"
        raise click.ClickException(f"Not sent. {trouble}{details}")
    if tried.outcome == "suppressed":
        click.echo("Not sent: sending is turned off on this site (MAIL_SUPPRESS_SEND).")
    elif tried.destination == recipient:
        click.echo(f"The mail server accepted the message for {recipient}. Check that inbox.\nDetails: {tried.reply}")
        if tried.has_link:
            click.echo("To confirm that it arrived, press the button in it; the check-up then says so.")
    else:
        click.echo(f"{tried.destination} accepted the sample ticket, T-SAMPLE. Look for it there.")


def _trouble(reply: str, desk: str) -> str:
    """Why a mail was not sent: what the check-up finds, with the server and the keys, else what the reply means."""
    from ..config_values import MAIL
    from ..delivery.reasons import plain_reason
    from ..doctor.mail import examine_mail_server, examine_sender

    state = current_state()
    by_mail = state.channel_of(desk) == MAIL
    for finding in (*examine_sender(state, ()), *examine_mail_server(state)) if by_mail else ():
        if finding.level is Level.PROBLEM:
            return f"{finding.what}\n-> {finding.remedy}"
    return plain_reason(reply).replace("Ask the site's operator to check", "Check")
