"""What the package knows of one app: ``app.extensions["kapa_handoff"]``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask, current_app
from jinja2 import Environment

from .config import Config
from .conversation import Conversation
from .delivery.worker import DeliveryThreads
from .errors import ConfigurationError
from .kept_settings import KeptSettings
from .offers import OfferSigner
from .site_name import find_site_name
from .storage.engine import Database
from .template_environment import make_environment

if TYPE_CHECKING:
    from .delivery.publisher import Publisher

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
    admin_name: AdminName | None = None


@dataclass
class State:
    """One app's part of the extension."""

    app: Flask
    config: Config
    database: Database
    hooks: Hooks
    mail: Any = None
    has_admin: bool = False
    prepared: bool = False
    refused_by_site: str | None = None
    publisher: Publisher | None = None
    tags: dict[Any, str] = field(default_factory=dict)
    kept_settings: KeptSettings = field(default_factory=KeptSettings)

    @property
    def site_name(self) -> str:
        """What the site calls itself in mails and on pages."""
        return find_site_name(self.app, self.config).name

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

    def offer_signer(self) -> OfferSigner:
        """A signer with the app's present keys, the newest last."""
        fallbacks = self.app.config.get("SECRET_KEY_FALLBACKS") or []
        if isinstance(fallbacks, (str, bytes)):
            fallbacks = [fallbacks]  # taken letter by letter, each of them would be a key
        return OfferSigner([*fallbacks, self.secret])

    def __post_init__(self) -> None:
        self.threads = DeliveryThreads(self.app, self)


def current_state() -> State:
    """The state of the app that is being served."""
    state: State = current_app.extensions[EXTENSION]
    return state
