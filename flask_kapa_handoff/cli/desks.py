"""``settings`` and ``desks``: read and change them, with the checks and the history of the admin's pages."""

from __future__ import annotations

import getpass
import json
from typing import IO, Any

import click
from flask.cli import with_appcontext

from ..desk_settings import DEFAULT_DESK, SETTINGS, DeskSettings
from ..settings_api import Settings
from ..triggers import labels
from .group import group, reachable


def _changed_by() -> str:
    """Who types, for the history."""
    try:
        return f"{getpass.getuser()} (command line)"
    except (KeyError, OSError):  # a container's user may have no name
        return "command line"


def _pairs(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, Any]:
    """``NAME=VALUE`` by name; the value of ``form`` is JSON."""
    found: dict[str, Any] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or name not in SETTINGS:
            raise click.BadParameter(f"{text!r}: use NAME=VALUE, where NAME is one of {', '.join(SETTINGS)}.")
        try:
            found[name] = json.loads(value) if name == "form" else value
        except ValueError as error:
            raise click.BadParameter(f"form: this is not JSON: {error}.") from None
    return found


def _saved(desk: str, values: dict[str, Any]) -> DeskSettings:
    try:
        return reachable(Settings().save, desk, changed_by=_changed_by(), **values)
    except ValueError as error:
        raise click.ClickException(f"Nothing was saved. {error}") from None


@group.command("settings")
@click.argument("desk", default=DEFAULT_DESK)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", callback=_pairs, help="Change a setting first.")
def settings(desk: str, as_json: bool, changes: dict[str, Any]) -> None:
    """Print the settings of DESK (the default one, if none is named), or change them.

    The names are those that this prints. Addresses and triggers have commas between them; form takes JSON as
    KAPA_HANDOFF_FORM does. Each change is in the history on the settings page.
    """
    try:
        current = reachable(Settings().get, desk)
    except LookupError:
        known = ", ".join(reachable(Settings().all))
        raise click.ClickException(f"There is no desk {desk!r}; there are {known}.") from None
    if changes:
        current = _saved(desk, changes)
    if as_json:
        click.echo(json.dumps(current.as_json(), ensure_ascii=False).encode())
        return
    for name in SETTINGS:
        if name != "removed":
            click.echo(f"{name + ':':17} {_shown(current, name)}")


def _shown(current: DeskSettings, name: str) -> str:
    if name == "form":
        return json.dumps(current.form.as_json(), ensure_ascii=False)
    if name == "triggers":
        return f"{','.join(current.triggers)} ({labels(current.triggers)})"
    value = getattr(current, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, "") else str(value)


@group.group("desks", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (JSON Lines).")
@click.pass_context
@with_appcontext
def desks(context: click.Context, as_json: bool) -> None:
    """List the desks and the page rules; add or remove a desk."""
    if context.invoked_subcommand is not None:
        return
    found, rules = reachable(Settings().all), reachable(lambda: Settings().page_rules)
    for name, one in found.items():
        if as_json:
            own = [rule.pattern for rule in rules if rule.desk == name]
            click.echo(json.dumps({**one.as_json(), "page_rules": own}, ensure_ascii=False).encode())
            continue
        state = "" if one.takes_tickets else "  (no button)"
        click.echo(f"{name:20} {one.email or 'no address'}{state}{'  (internal)' if one.internal else ''}")
    for rule in rules if not as_json else ():
        click.echo(f"pages {rule.pattern} -> {rule.desk}")


@desks.command("add")
@click.argument("name")
@click.argument("address", required=False)
@click.option("--label", default="", help="What people call it.")
def add(name: str, address: str | None, label: str) -> None:
    """Add the desk NAME, whose tickets go to ADDRESS, or several with commas between them."""
    if name in reachable(Settings().all):
        raise click.ClickException(f"There is a desk {name!r} already.")
    added = _saved(name, {"label": label, **({"email": address} if address else {})})
    click.echo(f"The desk {name} is there. Its tickets go to {added.email or 'nobody yet: set an address'}.")


@desks.command("remove")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def remove(name: str, yes: bool) -> None:
    """Remove the desk NAME. Its tickets stay."""
    if name not in reachable(Settings().all):
        raise click.ClickException(f"There is no desk {name!r}.")
    if not yes:
        click.confirm(f"Remove the desk {name}? Its tickets are kept.", abort=True)
    try:
        reachable(Settings().remove, name, changed_by=_changed_by())
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"The desk {name} was removed.")


@desks.command("rules")
@click.argument("rules", nargs=-1, required=True, metavar="PATH=DESK...")
def rules_command(rules: tuple[str, ...]) -> None:
    """Replace the page rules by these, in this order, such as '/pricing/*=sales'."""
    pairs = [(pattern, desk) for pattern, _, desk in (text.rpartition("=") for text in rules)]
    try:
        reachable(Settings().save_page_rules, pairs, changed_by=_changed_by())
    except ValueError as error:
        raise click.ClickException(f"Nothing was saved. {error}") from None
    click.echo(f"{len(rules)} page rule{'s' if len(rules) != 1 else ''} saved.")


@desks.command("export")
def export_desks() -> None:
    """Print all desks and page rules as one JSON object, for `desks import` on another site or later."""
    click.echo(json.dumps(reachable(Settings().export), ensure_ascii=False, indent=2).encode())


@desks.command("import")
@click.argument("file", type=click.File(encoding="utf-8"))
def import_desks(file: IO[str]) -> None:
    """Save the desks and page rules in FILE, as `desks export` prints them ("-": standard input).

    Desks that are not in it stay. If anything in it is not allowed, nothing is saved.
    """
    try:
        changed = reachable(Settings().load, json.load(file), changed_by=_changed_by())
    except (ValueError, RecursionError) as error:  # also what is no JSON, or no text
        raise click.ClickException(f"Nothing was saved. {error}") from None
    click.echo(f"Changed: {', '.join(changed)}." if changed else "No desk changed.")
