"""Finds the site's name if KAPA_HANDOFF_SITE_NAME is not set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .config import Config
from .config_values import parse_site_name

if TYPE_CHECKING:
    from flask import Flask

TITLE_KEYS = ("SITE_NAME", "SITE_TITLE", "PROJECT_TITLE", "APP_TITLE", "APP_NAME", "TITLE")
"""Config keys in which apps keep their title, such as Otter Wiki's SITE_NAME."""

_UNINFORMATIVE = {"__main__", "app", "application", "asgi", "flask_app", "main", "run", "server", "src", "web", "wsgi"}
"""Parts of import names that many sites share."""


class SiteName(NamedTuple):
    """A name, and whether it is only a guess from the app's import name."""

    name: str
    guessed: bool = False


def find_site_name(app: Flask, config: Config) -> SiteName:
    """KAPA_HANDOFF_SITE_NAME, else the title in the site's own configuration, else one from its import name.

    ``my_docs_site`` becomes "My docs site"; if the import name says nothing, such as ``app`` or ``wsgi``, SERVER_NAME
    is used instead.
    """
    if config.site_name:
        return SiteName(config.site_name)
    for key in TITLE_KEYS:
        try:
            return SiteName(parse_site_name(app.config.get(key)))
        except ValueError:
            continue
    words = [part for part in app.name.split(".") if part.lower() not in _UNINFORMATIVE]
    if words:
        name = re.sub(r"[_\W]+", " ", words[0]).strip()
        return SiteName(name[:1].upper() + name[1:] or app.name, guessed=True)
    return SiteName(str(app.config.get("SERVER_NAME") or app.name), guessed=True)
