"""What the package knows of one app: ``app.extensions["kapa_handoff"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, current_app, has_request_context, request
from itsdangerous import Signer
from jinja2 import Environment

from .config import Config
from .conversation import Conversation
from .delivery.housekeeping import Housekeeping
from .delivery.worker import DeliveryThreads
from .errors import ConfigurationError
from .kept_settings import KeptSettings
from .location import Location
from .offers import OfferSigner
from .refusals import Refusals
from .site_name import find_site_name
from .storage.engine import Database
from .template_environment import make_environment
from .urls import host_of

if TYPE_CHECKING:
    from flask_mail import Mail

    from .delivery.publisher import Publisher
    from .ticket_filter import TicketFilter

EXTENSION = "kapa_handoff"


class Visitor(NamedTuple):
    """A signed-in visitor: the address to answer to, and a name if there is one."""

    email: str
    name: str | None = None


ViewDecorator = Callable[[Callable[..., Any]], Callable[..., Any]]
ConversationLoader = Callable[[str], "Conversation | None"]
VisitorLoader = Callable[[], "Visitor | None"]
AdminName = Callable[[], str]


@dataclass
class Hooks:
    """What the site knows better; each may be missing."""

    conversation_loader: ConversationLoader | None = None
    visitor_loader: VisitorLoader | None = None
    ticket_filter: TicketFilter | None = None
    admin_name: AdminName | None = None


@dataclass
class State:
    """One app's part of the extension."""

    app: Flask
    config: Config
    location: Location
    database: Database
    hooks: Hooks
    mail: Mail | None = None
    has_admin: bool = False
    prepared: bool = False
    refused_by_site: str | None = None
    explained: set[str] = field(default_factory=set)
    publisher: Publisher | None = None
    tags: dict[Any, str] = field(default_factory=dict)
    refused_origins: set[tuple[str, str]] = field(default_factory=set)
    kept_settings: KeptSettings = field(default_factory=KeptSettings)

    @property
    def site_name(self) -> str:
        """What the site calls itself in mails and on pages."""
        return find_site_name(self.app, self.config).name

    @property
    def delivers_in_threads(self) -> bool:
        """Whether threads of this web process deliver.

        Not while the site is tested, unless they were asked for by name: they would work beside a test, in whatever
        database and with whatever mail server it has just set up. ``app.testing`` is often set after everything else,
        so this is asked at each request.
        """
        config = self.config
        return config.delivery == "thread" and (config.delivery_by_name or not self.app.testing)

    @property
    def secret(self) -> bytes:
        """The app's secret key.

        Raises:
            ConfigurationError: it has none.
        """
        secret = self.app.secret_key
        if not secret:
            raise ConfigurationError(
                "SECRET_KEY is not set. Set it to a random value: offers and forms are signed with it."
            )
        return secret.encode() if isinstance(secret, str) else secret

    @cached_property
    def templates(self) -> Environment:
        """The environment of the package's templates, one for each app: a template is compiled once."""
        return make_environment(self.app)

    @property
    def mount(self) -> str:
        """The path under which the visitor's routes are, as the present request sees it."""
        root = request.script_root if has_request_context() else str(self.app.config["APPLICATION_ROOT"]).rstrip("/")
        return root + self.config.url_prefix

    def offer_signer(self) -> OfferSigner:
        """A signer with the app's present keys, for offers of this app and mount."""
        return OfferSigner(self._keys(), f"{self.app.name} {self.mount}")

    def bridge_mark(self) -> str:
        """What the bridge's tag says when it asks for a visitor who has used a form that is not ours."""
        if not self.app.secret_key:
            return ""  # a page must not fail with what its visitors cannot use yet
        return Signer(self._keys(), salt="kapa-handoff-bridge").get_signature(self.app.name).decode()

    def is_bridge_mark(self, mark: str) -> bool:
        """Whether :meth:`bridge_mark` has given this mark, with one of the present keys."""
        signer = Signer(self._keys(), salt="kapa-handoff-bridge")
        return signer.verify_signature(self.app.name.encode(), mark.encode(errors="replace"))

    def _keys(self) -> list[bytes]:
        """The app's present keys, the newest last."""
        fallbacks = self.app.config.get("SECRET_KEY_FALLBACKS") or []
        if isinstance(fallbacks, (str, bytes)):
            fallbacks = [fallbacks]  # taken letter by letter, each of them would be a key
        return [*(key.encode() if isinstance(key, str) else key for key in fallbacks), self.secret]

    def __post_init__(self) -> None:
        self.threads = DeliveryThreads(self.app, self)
        self.refusals = Refusals(self.app, self.database)
        self.housekeeping = Housekeeping(self)


def is_own_page(address: str | None) -> bool:
    """Whether an address is of the site that the present request is for, under any name by which it is known."""
    scheme, host = (address or "").partition("://")[0], host_of(address)
    names = (request.host, str(current_app.config["SERVER_NAME"] or ""), *current_state().config.trusted_hosts)
    # The usual port may be written or left out; and behind a proxy that speaks TLS the app often takes its own scheme
    # for http.
    return host is not None and any(host_of(f"{scheme}://{name}") == host for name in names)


def current_state() -> State:
    """The state of the app that is being served."""
    state: State = current_app.extensions[EXTENSION]
    return state
