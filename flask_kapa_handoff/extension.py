"""The extension object: reads the configuration, registers the blueprints, the commands and the template helpers."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from .config import Config
from .csrf import exempt_our_forms
from .delivery.dispatch import prepare_delivery
from .errors import ConfigurationError
from .state import EXTENSION, AdminName, ConversationLoader, Hooks, State, ViewDecorator, VisitorLoader, current_state
from .storage.engine import Database

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
        from . import cli, markup, public

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
        database = Database(lambda: _locate_database(app, config, shared))
        state = State(app, config, database, self._hooks, mail or self._mail, has_admin=admin_required is not None)
        prepare_delivery(state)
        app.extensions[EXTENSION] = state

        app.register_blueprint(public.blueprint, url_prefix=config.url_prefix)
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
        for helper in markup.HELPERS:
            app.add_template_global(helper)
        exempt_our_forms(app)
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
    if state.config.delivery == "thread":
        state.threads.start()


def _locate_database(app: Flask, config: Config, engine: Engine | None) -> str | Engine:
    if engine is not None:
        return engine
    if config.database_uri is not None:
        url = make_url(config.database_uri)
        if url.get_backend_name() != "sqlite":
            return config.database_uri
        # As Flask-SQLAlchemy does: the working directories of web and worker differ.
        file = Path(app.instance_path) / str(url.database)
        is_file = not str(url.database).startswith("file:")
        return url.set(database=str(file)).render_as_string(hide_password=False) if is_file else config.database_uri
    flask_sqlalchemy = app.extensions.get("sqlalchemy")
    if flask_sqlalchemy is not None:
        with app.app_context():
            default: Engine | None = flask_sqlalchemy.engines.get(None)
        if default is not None:
            return default
    return f"sqlite:///{Path(app.instance_path) / 'kapa_handoff.sqlite3'}"
