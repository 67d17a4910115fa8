"""``flask kapa-handoff ...``: what a site's owner does from a shell or from cron."""

from __future__ import annotations

from . import delivering, desks, first_setup, insights, keeping, setting_up, snippets
from .group import database_group, group

__all__ = [
    "database_group",
    "delivering",
    "desks",
    "first_setup",
    "group",
    "insights",
    "keeping",
    "setting_up",
    "snippets",
]
