"""``snippet``: the tags for pages that this app does not render."""

from __future__ import annotations

import click
from flask import current_app

from ..state import current_state
from ..urls import origin_of
from ..visitor.template_helpers import BRIDGES, static_page_tags
from .group import group


def _origin(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
    """The origin as browsers write it; empty: none was given."""
    if value is None:
        return ""
    origin = origin_of(value)
    if origin is None or origin.count("/") != value.rstrip("/").count("/") or "?" in value or "#" in value:
        raise click.BadParameter(
            f"{value!r} is not an origin; give scheme and host, and the port, unless it is 80 or 443, "
            "such as https://help.example.com. The path comes from APPLICATION_ROOT and KAPA_HANDOFF_URL_PREFIX."
        )
    return origin


def _require_nameable(desk: str | None) -> None:
    """A desk that pages may name."""
    desks = current_state().desks
    if desk is not None and not desks.may_be_named(desk):
        known = ", ".join(name for name in desks.present if desks.may_be_named(name))
        raise click.BadParameter(f"{desk!r} is no desk that pages may name; use one of {known}.", param_hint="--desk")


@group.command("snippet")
@click.option(
    "--origin",
    callback=_origin,
    help="The address of the site that runs this app, such as https://help.example.com, for pages of another origin.",
)
@click.option("--bridge", type=click.Choice(BRIDGES), help="For pages with Kapa's widget or SDK.")
@click.option("--desk", help="The desk that takes these pages' tickets.")
def snippet(origin: str, bridge: str | None, desk: str | None) -> None:
    """Print the tags for pages that are not Jinja templates of this app.

    They go into each page's head. What else has to be set is printed on standard error.
    """
    _require_nameable(desk)
    click.echo(static_page_tags(bridge=bridge, desk=desk, origin=origin))
    for note in _notes(origin):
        click.echo(note, err=True)


def _notes(origin: str) -> list[str]:
    config = current_state().config
    if not origin:
        server = current_app.config["SERVER_NAME"]
        own = f"https://{server}" if server else "https://help.example.com"
        return [f"These tags are for pages of this app's own host. For pages of another one add --origin {own}"]
    named = ", ".join(config.origins) or "none"
    return [
        f"Pages of another origin than {origin} must be named in KAPA_HANDOFF_ORIGINS, such as "
        f"https://docs.example.com; it names: {named}",
        f"A page with a Content-Security-Policy must allow {origin} in script-src, style-src and connect-src, "
        "and in form-action if it has that.",
    ]
