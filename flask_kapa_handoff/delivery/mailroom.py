"""The part of an app that the delivery needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from flask import Flask

from ..config import Config
from ..desk_settings import DeskSettings
from ..mail_links import LinkKind
from ..storage.engine import Database
from ..template_environment import TemplateEnvironment
from ..translation import Language
from .channels import Channel, Ways
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

    @property
    def desk_limits(self) -> Mapping[str, int]:
        """How many tickets an hour go out from desks that have a limit of their own, by name."""

    def mails_only_a_link(self, desk: str) -> bool:
        """Whether a desk's mails hold only a link to the ticket's admin page."""

    def settings_of(self, desk: str) -> DeskSettings | None:
        """The settings of a desk, as they were a moment ago; None: there never was such a desk."""

    def open_reminders(self) -> Channel:
        """A new channel that sends tickets once more by mail, as reminders."""

    def mail_link(self, kind: LinkKind, of: UUID) -> str | None:
        """The address of a link in a mail; None: the site's own address is not known."""

    def ticket_url(self, reference: str) -> str | None:
        """The address of a ticket's admin page; None: there is none, or the site's own address is not known."""
