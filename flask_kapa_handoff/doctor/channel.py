"""Checks the channel by which tickets go, where it is not mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..delivery.channels import not_registered
from .finding import Finding, Level

if TYPE_CHECKING:
    from ..state import State


def examine_channel(state: State) -> list[Finding]:
    """Check that the channel is registered. Sends nothing."""
    name = state.missing_channel
    if name is None:
        return [Finding(Level.OK, f"Tickets go by the site's own channel, {state.config.channel}.")]
    known = ", ".join(state.registered.channels)
    return [
        Finding(
            Level.PROBLEM,
            f"{not_registered(name)}.",
            "Tickets are stored and wait to be sent.",
            f"Register a function with `@handoff.channel({name!r}, label=…)`, in the delivering processes, too; or "
            f"set the key to a channel that is registered: mail{f', {known}' if known else ''}.",
        )
    ]
