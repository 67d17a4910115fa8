"""The package's state for one app: ``app.extensions["kapa_handoff"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import Flask, current_app, has_request_context, request
from itsdangerous import Signer

from .answers import Answers
from .argument_checks import check_secret_key
from .config import Config, key_of
from .config_values import MAIL
from .delivery.channels import Channel
from .delivery.engines import make_engine
from .delivery.housekeeping import Housekeeping
from .desk_directory import Desks
from .desk_settings import DEFAULT_DESK, LINK, DeskSettings
from .errors import ConfigurationError
from .hook_failures import HookFailures
from .hooks import Hooks, Registered
from .limits import SiteCount
from .mail_links import LinkKind, LinkSigner
from .offer_signing import OfferSigner
from .receipts import ReceiptSigner
from .redaction import redact
from .refusals import Refusals
from .settings import default_settings
from .settings_cache import SettingsCache
from .site_name import find_site_name
from .storage.engine import Database
from .storage.location import Location
from .template_environment import TemplateEnvironment, make_environment
from .translation import CATALOGS, ENGLISH, Language, Languages
from .triggers import Asks, Trigger

if TYPE_CHECKING:
    from flask_mail import Mail

EXTENSION = "kapa_handoff"

FLASK_BABEL = "babel"
"""Where Flask-Babel registers itself in ``app.extensions``."""


@dataclass
class State:
    """The extension's state for one app."""

    app: Flask
    config: Config
    location: Location
    database: Database
    registered: Registered
    mail: Mail | None = None
    has_admin: bool = False
    may_act: Callable[[], bool] = lambda: True
    prepared: bool = False
    not_announced: Lock = field(default_factory=Lock)
    refused_by_site: str | None = None
    explained: set[str] = field(default_factory=set)
    admin_address: str | None = None
    tags: dict[Any, str] = field(default_factory=dict)
    refused_origins: set[tuple[str, str]] = field(default_factory=set)
    settings_cache: SettingsCache = field(default_factory=SettingsCache)
    site_count: SiteCount = field(default_factory=SiteCount)

    @property
    def site_name(self) -> str:
        """The site's name in mails and on pages."""
        return find_site_name(self.app, self.config).name

    @property
    def secret(self) -> bytes:
        """The app's secret key.

        Raises:
            ConfigurationError: it has none, or one that is neither text nor bytes.
        """
        secret = self.app.secret_key
        if not secret:
            raise ConfigurationError(
                "SECRET_KEY is not set. Set it to a random value: offers and forms are signed with it."
            )
        check_secret_key("SECRET_KEY", secret)
        return secret.encode() if isinstance(secret, str) else secret

    @cached_property
    def templates(self) -> TemplateEnvironment:
        """The environment of the package's templates, one for each app, so that templates are compiled once."""
        return make_environment(self.app)

    def templates_in(self, language: Language) -> TemplateEnvironment:
        """The same for pages in one language, whose messages are part of the compiled templates."""
        found = self._templates_by_language.get(language.name)
        if found is None:
            found = make_environment(self.app, language=language)
            found.failures = self.templates.failures
            self._templates_by_language[language.name] = found
        return found

    @cached_property
    def mail_templates(self) -> TemplateEnvironment:
        """The same for mails, which are all in the site's language."""
        return make_environment(self.app, language=self.site_language)

    @cached_property
    def shipped_templates(self) -> TemplateEnvironment:
        """The same without the site's own templates, for when one of them fails."""
        return make_environment(self.app, replaceable=False)

    @cached_property
    def languages(self) -> Languages:
        """The languages that there are catalogs for, those in the site's own folders first."""
        # Where Flask-Babel looks for the site's own catalogs.
        named = str(self.app.config.get("BABEL_TRANSLATION_DIRECTORIES") or "translations").split(";")
        return Languages(*(Path(self.app.root_path, folder.strip()) for folder in named), CATALOGS)

    @cached_property
    def site_language(self) -> Language:
        """The language of what the site itself sends: KAPA_HANDOFF_LANGUAGE, Flask-Babel's default, or English.

        Read at the first request or delivery: a site may set up Flask-Babel after this package.
        """
        set_up = self.app.extensions.get(FLASK_BABEL)
        default = self.app.config.get("BABEL_DEFAULT_LOCALE") or getattr(set_up, "default_locale", None)
        return self.languages.best([self.config.language or str(default or "")]) or ENGLISH

    def check_language(self) -> None:
        """Check that there is a catalog for KAPA_HANDOFF_LANGUAGE, if it is set.

        Raises:
            ConfigurationError: there is none.
        """
        fixed = self.config.language
        if fixed and self.languages.best([fixed]) is None:
            raise ConfigurationError(
                f"{key_of('language')}: {fixed!r} is not allowed: there is no translation; use one of "
                f"{', '.join(sorted(self.languages.names))}, or add yours (docs/languages.md)"
            )

    @property
    def mount(self) -> str:
        """The path under which the current request sees the visitor's routes."""
        root = request.script_root if has_request_context() else str(self.app.config["APPLICATION_ROOT"]).rstrip("/")
        return root + self.config.url_prefix

    @property
    def address(self) -> str | None:
        """The address of the handoff's pages; None: the site's own address is not known.

        From the configuration alone, since mails are composed outside requests, and a request may name any host.
        """
        config = self.app.config
        host = config["SERVER_NAME"] or next(iter(self.config.trusted_hosts), None)
        root = str(config["APPLICATION_ROOT"]).rstrip("/")
        return f"{config['PREFERRED_URL_SCHEME']}://{host}{root}{self.config.url_prefix}" if host else None

    def ticket_url(self, reference: str) -> str | None:
        """The address of a ticket's admin page; None: there is none, or the site's own address is not known."""
        address = self.address if self.has_admin else None
        return address and f"{address}/admin/tickets/{reference}"

    def mail_link(self, kind: LinkKind, of: UUID) -> str | None:
        """The address of a link in a mail; None: the site's own address is not known."""
        # A test mail is sent by an admin, and only the admin's own browser names the host of that request.
        address = self.address or (self.admin_address if kind is LinkKind.ARRIVED else None)
        return address and f"{address}/{kind.path}?key={self.link_signer().sign(kind, of)}"

    def offer_signer(self) -> OfferSigner:
        """A signer with the app's current keys, for offers of this app and mount."""
        return OfferSigner(self._keys(), f"{self.app.name} {self.mount}", self.serving)

    def receipt_signer(self) -> ReceiptSigner:
        """A signer with the app's current keys, for receipts of this app and mount."""
        return ReceiptSigner(self._keys(), f"{self.app.name} {self.mount}")

    def link_signer(self) -> LinkSigner:
        """A signer with the app's current keys, for links in mails of this app and mount."""
        return LinkSigner(self._keys(), f"{self.app.name} {self.config.url_prefix}")

    def bridge_mark(self) -> str:
        """The token of the bridge's tag for requests from another form than this package's."""
        if not self.app.secret_key:
            return ""  # pages must not fail because of something that visitors cannot use yet
        return Signer(self._keys(), salt="kapa-handoff-bridge").get_signature(self.app.name).decode()

    def is_bridge_mark(self, mark: str) -> bool:
        """Whether :meth:`bridge_mark` made this token with one of the current keys."""
        if not mark:
            return False
        signer = Signer(self._keys(), salt="kapa-handoff-bridge")
        return signer.verify_signature(self.app.name.encode(), mark.encode(errors="replace"))

    def _keys(self) -> list[bytes]:
        """The app's current keys, the newest last."""
        fallbacks = self.app.config.get("SECRET_KEY_FALLBACKS") or []
        if isinstance(fallbacks, (str, bytes)):
            fallbacks = [fallbacks]  # otherwise each letter would be a key
        return [*(key.encode() if isinstance(key, str) else key for key in fallbacks), self.secret]

    def __post_init__(self) -> None:
        self._templates_by_language: dict[str, TemplateEnvironment] = {}
        self.refusals = Refusals(self.app, self.database)
        self.hook_failures = HookFailures(self.refusals)
        self.hooks = Hooks(self.registered, self.hook_failures, self.config.special_domains)
        self.answers = Answers(
            self.app, self.database, self.config.statistics_days, lambda: self.secret, self._without_secrets
        )
        self.housekeeping = Housekeeping(self.database, self.config.retention_days, self.config.statistics_days)
        self.delivery = make_engine(self)

    def _without_secrets(self, text: str) -> str:
        return redact(text, self.config.redact_patterns) if self.config.redact else text

    def asks_for_human(self, settings: DeskSettings) -> Asks | None:
        """Whether a question asks for a human; None: the desk has no such trigger."""
        return self.config.human_phrases.found_in if Trigger.ASKED_FOR_HUMAN in settings.triggers else None

    @property
    def known_desks(self) -> Desks | None:
        """Every desk, as it was a moment ago; None: the database cannot be reached, and never could."""
        return self.settings_cache.desks(self.database, self.config)

    @property
    def desks(self) -> Desks:
        """The same, or only the default one as it is configured."""
        known = self.known_desks
        return Desks({DEFAULT_DESK: default_settings(self.config)}) if known is None else known

    def serving(self, desk: str) -> str:
        """The name of the desk that serves where ``desk`` is named; as long as nothing is known of desks, ``desk``."""
        known = self.known_desks
        return desk if known is None else known.serving(desk).desk

    def channel_of(self, desk: str) -> str:
        """The name of the channel that a desk's tickets use; a removed desk keeps its own."""
        found = self.desks.all.get(desk)
        return self.config.channel if found is None else found.channel

    def desks_of_other_channels(self, name: str) -> frozenset[str]:
        """The names of the desks whose tickets do not go by this channel."""
        return frozenset(desk for desk in self.desks.all if self.channel_of(desk) != name)

    @property
    def desk_limits(self) -> dict[str, int]:
        """How many tickets an hour go out from desks that have a limit of their own, by name."""
        limits = {name: settings.tickets_per_hour for name, settings in self.desks.all.items()}
        return {name: limit for name, limit in limits.items() if limit is not None}

    def mails_only_a_link(self, desk: str) -> bool:
        """Whether a desk's mails hold only a link to the ticket's admin page; a removed desk keeps its choice."""
        found = self.settings_of(desk)
        return found is not None and found.mail_content == LINK

    def settings_of(self, desk: str) -> DeskSettings | None:
        """The settings of a desk, as they were a moment ago; None: there never was such a desk."""
        return self.desks.all.get(desk)

    def open_reminders(self) -> Channel:
        """A new channel that sends tickets once more by mail, as reminders."""
        from .delivery.mail.channel import MailChannel

        return MailChannel(self, reminds=True)

    def open_channel(self, name: str) -> Channel | None:
        """A new channel; None: no channel of this name is registered."""
        # Here, since they import smtplib and more, which only a delivering process needs.
        if name == MAIL:
            from .delivery.mail.channel import MailChannel

            return MailChannel(self)
        from .delivery.site_channel import SiteChannel

        registered = self.registered.channels.get(name)
        return None if registered is None else SiteChannel(registered, self.hook_failures)

    def is_missing(self, channel: str) -> bool:
        """Whether there is no channel of this name."""
        return channel != MAIL and self.open_channel(channel) is None

    def channel_label(self, desk: str) -> str | None:
        """What people call the site's channel of a desk; None: its tickets go by mail."""
        return self.label_of_channel(self.channel_of(desk))

    def label_of_channel(self, name: str) -> str | None:
        """What people call a channel of the site; None: it is mail."""
        registered = self.registered.channels.get(name)
        return None if name == MAIL else registered.label if registered else name

    def destination(self, desk: str, recipient: str) -> str:
        """Where a desk's tickets go: the recipient's address, or the label of a channel, which has no @."""
        return self.channel_label(desk) or recipient


def state_of(app: Flask) -> State:
    """The state of an app.

    Raises:
        ConfigurationError: the package is not set up on it.
    """
    state = app.extensions.get(EXTENSION)
    if not isinstance(state, State):
        raise ConfigurationError(f"KapaHandoff is not set up on the app {app.name!r}: call KapaHandoff(app) first.")
    return state


def current_state() -> State:
    """The state of the current app."""
    state: State = current_app.extensions[EXTENSION]
    return state
