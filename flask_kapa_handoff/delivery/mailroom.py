"""The part of an app that the delivery needs."""

from __future__ import annotations

from typing import Any, Protocol

from flask import Flask

from ..config import Config
from ..storage.engine import Database
from ..template_environment import TemplateEnvironment
from ..translation import Language
from .channels import Ways
from .housekeeping import Housekeeping


class Mailroom(Ways, Protocol):
    """One app as its delivery sees it."""

    @property
    def app(self) -> Flask: ...

    @property
    def config(self) -> Config: ...

    @property
    def database(self) -> Database: ...

    @property
    def housekeeping(self) -> Housekeeping: ...

    @property
    def mail(self) -> Any:
        """The ``flask_mail.Mail`` that the site passed; None: the one on the app, or one made from its config."""

    @property
    def site_name(self) -> str: ...

    @property
    def mail_templates(self) -> TemplateEnvironment:
        """Templates in :attr:`site_language`."""

    @property
    def site_language(self) -> Language: ...

    def ticket_url(self, reference: str) -> str | None:
        """The address of a ticket's admin page; None: there is none, or the site's own address is not known."""
