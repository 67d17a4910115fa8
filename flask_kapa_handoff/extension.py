"""The extension object: reads the configuration, registers the blueprints, the commands and the template helpers."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from sqlalchemy import Engine

from .config import Config
from .errors import ConfigurationError
from .hooks import AdminName, ConversationLoader, Hooks, ViewDecorator, VisitorLoader
from .state import EXTENSION, State, current_state
from .storage.engine import Database
from .storage.location import Location
from .storage.site_migrations import stop_watching, watch_for_flask_migrate
from .ticket_filter import TicketFilter
from .web.csrf import exempt_our_forms

_logger = logging.getLogger(__name__)


class KapaHandoff:
    """Ticket handoff for a Flask site.

    Arguments:
        app: the site; none: call :meth:`init_app` later, for as many apps as there are.
        admin_required: a view decorator that lets admins pass, such as Flask-Login's ``login_required``. Without it
            the admin pages do not exist.
        mail: the site's ``flask_mail.Mail``; none: the one that is registered on the app, or else one made from the
            app's ``MAIL_*`` configuration.
        engine: an SQLAlchemy engine that the site shares; its tables are made by ``flask kapa-handoff db upgrade``.

    Raises:
        ConfigurationError: a ``KAPA_HANDOFF_*`` value is wrong.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        admin_required: ViewDecorator | None = None,
        mail: Any = None,
        engine: Engine | None = None,
    ) -> None:
        self._hooks = Hooks()
        self._admin_required = admin_required
        self._mail = mail
        self._engine = engine
        if app is not None:
            self.init_app(app)

    def init_app(
        self,
        app: Flask,
        *,
        admin_required: ViewDecorator | None = None,
        mail: Any = None,
        engine: Engine | None = None,
    ) -> None:
        """Mount the package into an app; the arguments are those of the class and take precedence over them."""
        from . import cli, visitor
        from .visitor import template_helpers

        admin_required = admin_required or self._admin_required
        if EXTENSION in app.extensions:
            raise ConfigurationError(
                "KapaHandoff is already set up on this app; call init_app() once, or pass the app to KapaHandoff() "
                "and leave init_app() out"
            )
        if admin_required is not None and not callable(admin_required):
            raise ConfigurationError(
                f"admin_required: {admin_required!r} is not allowed; give a view decorator such as login_required"
            )
        config = Config.from_mapping(app.config)
        shared = engine if engine is not None else self._engine
        location = Location(app, config.database_uri, shared)
        state = State(
            app, config, location, Database(location), self._hooks, mail or self._mail, admin_required is not None
        )
        state.delivery.prepare()
        app.extensions[EXTENSION] = state

        app.register_blueprint(visitor.blueprint, url_prefix=config.url_prefix)
        if admin_required is None:
            _logger.warning(
                "%s has no handoff settings page: pass admin_required=<a view decorator such as login_required> "
                "to KapaHandoff to get it at %s/admin/.",
                app.name,
                config.url_prefix,
            )
        else:
            from . import admin

            app.register_blueprint(admin.make_blueprint(admin_required), url_prefix=f"{config.url_prefix}/admin")
        app.cli.add_command(cli.group)
        for helper in template_helpers.HELPERS:
            app.add_template_global(helper)
        exempt_our_forms(app)
        watch_for_flask_migrate(app)
        app.before_request(_on_request)

    def conversation_loader(self, loader: ConversationLoader) -> ConversationLoader:
        """Register ``(thread_id) -> Conversation | None``: the site keeps the transcripts itself.

        The browser then sends the thread's id alone, and the mail says that the transcript is the site's own record.
        The ids must not be guessable, since a ticket for a thread needs nothing but its id.
        """
        self._hooks.conversation_loader = loader
        return loader

    def visitor_loader(self, loader: VisitorLoader) -> VisitorLoader:
        """Register ``() -> Visitor | None``: who is signed in; prefills and locks the email of the form."""
        self._hooks.visitor_loader = loader
        return loader

    def ticket_filter(self, check: TicketFilter) -> TicketFilter:
        """Register ``(submission) -> None | Flag``: the site's own check, such as a captcha.

        It runs in the visitor's request, after the package's own checks of the form and before the ticket is stored.
        It may raise :class:`Refuse` with words for the visitor, or return a :class:`Flag` with words for the agent.
        See docs/limits.md.

        Arguments:
            check: gets a :class:`Submission`. Whatever else it raises or returns is logged, and the ticket goes on.
        """
        self._hooks.ticket_filter = check
        return check

    def admin_name(self, source: AdminName) -> AdminName:
        """Register ``() -> str``: how the history of the settings calls the admin who is signed in."""
        self._hooks.admin_name = source
        return source


def _on_request() -> None:
    state = current_state()
    if not state.prepared:
        # Here as well as in init_app(), for sites that set their CSRF protection up after this package. Its own check
        # runs after this function then.
        exempt_our_forms(state.app)
        state.prepared = True
        stop_watching(state.app)
        if state.location.warning:
            _logger.warning("%s Set KAPA_HANDOFF_DATABASE_URI to a place that stays.", state.location.warning)
    state.delivery.serving()
