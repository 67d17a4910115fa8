"""The extension object: reads the configuration and registers the blueprints, commands and template helpers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from flask import Flask
from sqlalchemy import Engine

from .argument_checks import Arguments, check_app, check_channel, check_hook, check_secret_key
from .config import Config
from .delivery.mail.mail_settings import check_mail_keys
from .errors import ConfigurationError
from .hook_checks import CHANNEL, HOOK, identity, name_of
from .hooks import (
    AdminName,
    ContextLoader,
    ConversationLoader,
    DeskChooser,
    Registered,
    RegisteredChannel,
    SendTicket,
    ViewDecorator,
    VisitorLoader,
)
from .settings_api import Settings
from .state import EXTENSION, State, current_state
from .storage.attachments import Attachment, files_of_ticket
from .storage.engine import Database
from .storage.location import Location
from .storage.site_migrations import stop_watching, watch_for_flask_migrate
from .storage.tickets import Ticket
from .ticket_filter import TicketFilter
from .web.csrf import exempt_our_forms

# A hook's decorator returns the function that it was given, with its own type.
_ConversationLoader = TypeVar("_ConversationLoader", bound=ConversationLoader)
_VisitorLoader = TypeVar("_VisitorLoader", bound=VisitorLoader)
_ContextLoader = TypeVar("_ContextLoader", bound=ContextLoader)
_TicketFilter = TypeVar("_TicketFilter", bound=TicketFilter)
_DeskChooser = TypeVar("_DeskChooser", bound=DeskChooser)
_AdminName = TypeVar("_AdminName", bound=AdminName)
_SendTicket = TypeVar("_SendTicket", bound=SendTicket)
_Method = TypeVar("_Method", bound=Callable[..., Any])

if TYPE_CHECKING:
    from flask_mail import Mail

_logger = logging.getLogger(__name__)


def _hook(method: _Method) -> _Method:
    """Decorate a method that registers the hook of the same name: check the function first."""
    hook = HOOK[method.__name__]

    @wraps(method)
    def register(self: KapaHandoff, *functions: Any, **named: Any) -> Any:
        if not functions and not named:
            raise TypeError(
                f"{hook.name}: called without a function; write @handoff.{hook.name} without parentheses, "
                f"or {hook.name}(function)"
            )
        before = getattr(self._registered, hook.name)
        function = (*functions, *named.values())[0]
        check_hook(hook, function)
        method(self, *functions, **named)
        _warn_if_replaced(hook.name, before, function)
        return function

    return cast(_Method, register)


def _warn_if_replaced(name: str, before: object, function: object) -> None:
    if before is not None and identity(before) != identity(function):
        _logger.warning("%s: %s replaces %s, which was registered before.", name, name_of(function), name_of(before))


class KapaHandoff:
    """Ticket handoff for a Flask site.

    Arguments:
        app: the site; None: call :meth:`init_app` later, once for each app.
        admin_required: a view decorator that admits only admins. Flask-Login's ``login_required`` admits every
            signed-in user. Without a decorator, there are no admin pages.
        viewer_required: a view decorator that admits those who may read the admin pages, admins included, without
            changing or sending anything; None: only admins may.
        mail: the site's ``flask_mail.Mail``; None: the one registered on the app, else one made from the app's
            ``MAIL_*`` configuration.
        engine: an SQLAlchemy engine that the site shares; ``flask kapa-handoff db upgrade`` creates the tables.

    Raises:
        ConfigurationError: a ``KAPA_HANDOFF_*`` value or an argument is wrong; the message names the value and what is
            allowed.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        admin_required: ViewDecorator | None = None,
        viewer_required: ViewDecorator | None = None,
        mail: Mail | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._registered = Registered()
        self._arguments = Arguments(admin_required, viewer_required, mail, engine)
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        *,
        admin_required: ViewDecorator | None = None,
        viewer_required: ViewDecorator | None = None,
        mail: Mail | None = None,
        engine: Engine | None = None,
    ) -> None:
        """Mount the package on an app. Arguments given here override those of the class.

        Raises:
            ConfigurationError: as for the class, or the app is already set up.
        """
        from . import cli, visitor
        from .visitor import template_helpers

        check_app(app)
        given = self._arguments.overridden_by(Arguments(admin_required, viewer_required, mail, engine))
        if EXTENSION in app.extensions:
            raise ConfigurationError(
                "KapaHandoff is already set up on this app; call init_app() once, or pass the app to KapaHandoff() "
                "and leave init_app() out"
            )
        config = Config.from_mapping(app.config)
        check_secret_key("SECRET_KEY", app.secret_key)
        check_mail_keys(app, given.mail)
        admin_pages = None
        if given.admin_required is not None:
            from . import admin

            admin_pages = admin.make_blueprint(given.admin_required, given.viewer_required)
        elif given.viewer_required is not None:
            raise ConfigurationError("viewer_required is only allowed together with admin_required: pass both")
        location = Location(app, config.database_uri, given.engine)
        state = State(app, config, location, Database(location), self._registered, given.mail, admin_pages is not None)
        state.check_language()
        state.delivery.prepare()
        app.extensions[EXTENSION] = state

        app.register_blueprint(visitor.blueprint, url_prefix=config.url_prefix)
        if admin_pages is None:
            _logger.warning(
                "%s has no handoff settings page: pass admin_required=<a view decorator such as login_required> "
                "to KapaHandoff to get it at %s/admin/.",
                app.name,
                config.url_prefix,
            )
        else:
            app.register_blueprint(admin_pages, url_prefix=f"{config.url_prefix}/admin")
            state.may_act = admin_pages.may_act
        app.cli.add_command(cli.group)
        for helper in template_helpers.HELPERS:
            app.add_template_global(helper)
        exempt_our_forms(app)
        watch_for_flask_migrate(app)
        app.before_request(_on_request)

    @_hook
    def conversation_loader(self, loader: _ConversationLoader) -> _ConversationLoader:
        """Register ``(thread_id) -> Conversation | None`` for a site that keeps the transcripts itself.

        The browser then sends only the thread's id, and the mail says that the transcript is the site's own record.
        Ids must not be guessable, since the id alone is enough to create a ticket for a thread.

        Raises:
            ConfigurationError: it cannot be called with a thread's id. Every hook is checked like this.
        """
        self._registered.conversation_loader = loader
        return loader

    @_hook
    def visitor_loader(self, loader: _VisitorLoader) -> _VisitorLoader:
        """Register ``() -> Visitor | None``, the signed-in visitor: their email is filled into the form and locked."""
        self._registered.visitor_loader = loader
        return loader

    @_hook
    def context_loader(self, loader: _ContextLoader) -> _ContextLoader:
        """Register ``() -> Mapping[str, str]``: what the site knows of the visitor, such as plan, account and version.

        It runs in the request that sends a ticket. The agent reads its labels and values, at most 20, as the site's
        own word in the mail and on the ticket's page. They are stored with the ticket, and no browser gets or sets
        them.
        """
        self._registered.context_loader = loader
        return loader

    @_hook
    def ticket_filter(self, check: _TicketFilter) -> _TicketFilter:
        """Register ``(submission) -> None | Flag``, the site's own check, such as a captcha.

        It runs in the visitor's request, after the package's own checks of the form and before the ticket is stored.
        It may raise :class:`Refuse` with words for the visitor, or return a :class:`Flag` with words for the agent.
        See docs/limits.md.

        Arguments:
            check: gets a :class:`Submission`. Anything else that it raises or returns is logged, and the ticket is
                stored.
        """
        self._registered.ticket_filter = check
        return check

    @property
    def settings(self) -> Settings:
        """The settings of the current app's desks, to read and to save as the admin's pages do; see docs/desks.md."""
        return Settings()

    def attachments(self, ticket: Ticket) -> list[Attachment]:
        """The files that the visitor attached to a ticket, with their content; for channels and receivers of signals.

        Call it in the app's context.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with current_state().database.read() as connection:
            return files_of_ticket(connection, ticket.id, with_content=True)

    @_hook
    def desk_chooser(self, chooser: _DeskChooser) -> _DeskChooser:
        """Register ``(page: str) -> str``, which chooses the desk of a page that neither its markup nor a rule names.

        It runs in the visitor's request, and may choose internal desks, too. See docs/desks.md.

        Arguments:
            chooser: gets the page's address, which a browser says; returns the name of a desk.
        """
        self._registered.desk_chooser = chooser
        return chooser

    @_hook
    def admin_name(self, source: _AdminName) -> _AdminName:
        """Register ``() -> str | None``, the signed-in admin's name for the history of the settings."""
        self._registered.admin_name = source
        return source

    def channel(self, name: str, label: str) -> Callable[[_SendTicket], _SendTicket]:
        """Register ``(ticket, conversation) -> None``, which sends tickets by another way than mail, such as an API.

        ``KAPA_HANDOFF_CHANNEL`` chooses it. The function sends one ticket, in the app's context and outside of any
        request, before the ticket's lease ends (``KAPA_HANDOFF_SMTP_TIMEOUT`` and 30 seconds). It may raise
        :class:`TryLater` or :class:`Refused`; after anything else that it raises, the ticket waits and is retried. It
        may be called twice for one ticket, so pass the ticket's ``id`` on as an idempotency key. See docs/channels.md.

        Arguments:
            name: lower-case letters, digits, ``_`` and ``-``.
            label: what admins read, such as "Zendesk".

        Raises:
            ConfigurationError: the name, the label or the function cannot be used.
        """
        check_channel(name, label)

        def register(send: _SendTicket) -> _SendTicket:
            check_hook(CHANNEL, send)
            before = self._registered.channels.get(name)
            self._registered.channels[name] = RegisteredChannel(label.strip(), send)
            _warn_if_replaced(f"channel {name}", before and before.send, send)
            return send

        return register


def _on_request() -> None:
    state = current_state()
    if not state.prepared:
        # Here as well as in init_app(), for sites that set up their CSRF protection after this package. The
        # protection's own check then runs after this function.
        exempt_our_forms(state.app)
        state.prepared = True
        stop_watching(state.app)
        from .startup_log import log_start  # brings the check-up, which an import of the package does without

        # Not in init_app(): a site may register its channels and blueprints later.
        log_start(state)
    state.delivery.serving()
