"""``KAPA_HANDOFF_*``: every key, its default, what is allowed. Read and checked once, at startup."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as attributes_of
from typing import Any

from .config_values import (
    DEFAULT_SUBJECT,
    MAIL,
    parse_attach_json,
    parse_button_text,
    parse_channel,
    parse_database_uri,
    parse_delivery,
    parse_flag,
    parse_hosts,
    parse_language,
    parse_nonce_source,
    parse_origins,
    parse_pinned,
    parse_recipients,
    parse_retention,
    parse_sender,
    parse_site_name,
    parse_special_domains,
    parse_subject,
    parse_template_name,
    parse_threshold,
    parse_trigger_setting,
    parse_url_prefix,
    shown,
    whole_number,
)
from .errors import ConfigurationError
from .fields import Field
from .form_parsing import parse_form
from .form_settings import DEFAULTS, FormSettings
from .human_requests import HumanRequests, parse_human_phrases
from .redaction.site_patterns import SitePattern, parse_redact_patterns
from .site_fields import parse_fields
from .translation import noop as N_
from .triggers import Trigger

PREFIX = "KAPA_HANDOFF_"


def _key(key: str, default: Any, parse: Callable[..., Any], *, address: bool = False) -> Any:
    """One key; ``address``: its parser needs the special domains, so it comes later."""
    return field(default=default, metadata={"key": PREFIX + key, "parse": parse, "address": address})


DEFAULT_BUTTON_TEXT = N_("Create ticket")
"""The only button text that is translated: what somebody else wrote stays as it is."""


@dataclass(frozen=True)
class Config:
    """The package's configuration: one field for each ``KAPA_HANDOFF_*`` key, with what the key means below it."""

    email: str | None = _key("EMAIL", None, parse_recipients, address=True)
    """Where tickets go: an address, or several with commas between them. Without it, there is no button. For further
    destinations, see docs/desks.md."""
    button_text: str = _key("BUTTON_TEXT", DEFAULT_BUTTON_TEXT, parse_button_text)
    """What the button says."""
    triggers: tuple[Trigger, ...] = _key("TRIGGERS", (Trigger.ALWAYS,), parse_trigger_setting)
    """Any of ``always``, ``conversation-length``, ``uncertainty``, ``downvote``, ``asked-for-human``: comma-separated
    text or a list. The button appears when any of them is met: see docs/triggers.md."""
    threshold: int = _key("CONVERSATION_LENGTH_THRESHOLD", 3, parse_threshold)
    """The number of questions that meets ``conversation-length``, 1 to 100."""
    form: FormSettings = _key("FORM", DEFAULTS, parse_form)  # noqa: RUF009 - a field
    """What the form says, its office hours and colours: see docs/form.md."""
    pinned: tuple[str, ...] = _key("PINNED", (), parse_pinned)
    """Of ``email``, ``button_text``, ``triggers``, ``threshold``, ``form``: what admins cannot change."""
    url_prefix: str = _key("URL_PREFIX", "/handoff", parse_url_prefix)
    """The path under which the routes are mounted."""
    site_name: str | None = _key("SITE_NAME", None, parse_site_name)
    """In subjects and on pages. The default is ``SITE_NAME``, ``SITE_TITLE``, ``PROJECT_TITLE``, ``APP_TITLE``,
    ``APP_NAME`` or ``TITLE`` from the configuration, or else a name made from the import name (``my_docs`` becomes "My
    docs")."""
    database_uri: str | None = _key("DATABASE_URI", None, parse_database_uri)
    """An SQLite file of its own, or ``postgresql://user:password@host/database``; by default, the site's
    Flask-SQLAlchemy database, else the file ``kapa_handoff.sqlite3`` in the instance folder: see docs/database.md."""
    sender: str | None = _key("SENDER", None, parse_sender, address=True)
    """The ``From`` address, in the site's own domain; by default, ``MAIL_DEFAULT_SENDER``."""
    sender_names_visitor: bool = _key("SENDER_NAMES_VISITOR", True, parse_flag)
    """Whether ``From`` has the visitor's name, as in ``"Ada (via Acme)" <docs@acme.example>``; if not, the name of the
    sender above."""
    subject: str = _key("SUBJECT", DEFAULT_SUBJECT, parse_subject)
    """The mail's subject, with any of ``{site}``, ``{reference}``, ``{desk}``, ``{question}`` and ``{visitor}``; it
    needs ``{reference}`` or ``{question}``."""
    delivery: str = _key("DELIVERY", "thread", parse_delivery)
    """``thread``: in the web processes. ``external``: by ``flask kapa-handoff worker``, or ``deliver`` from cron
    (docs/worker.md). ``celery``: by the site's Celery workers (docs/celery.md). ``inline``: in the request; for
    scripts and tests."""
    delivery_by_name: bool = False  # no key: whether the site set the one above, even to its default
    channel: str = _key("CHANNEL", MAIL, parse_channel)
    """How tickets go out: ``mail``, or a channel that the site registered with ``@handoff.channel(…)``: see
    docs/channels.md."""
    smtp_timeout: int = _key("SMTP_TIMEOUT", 30, whole_number(1, 600, " seconds"))
    """Seconds for each step with the mail server, 1 to 600."""
    smtp_verify_tls: bool = _key("SMTP_VERIFY_TLS", True, parse_flag)
    """Whether the mail server's certificate is checked."""
    smtp_connections: int = _key("SMTP_CONNECTIONS", 2, whole_number(1, 16))
    """Connections to the mail server at once, per delivering process, 1 to 16."""
    auto_submitted: bool = _key("AUTO_SUBMITTED", False, parse_flag)
    """Whether mails have ``Auto-Submitted: auto-generated``; several helpdesks suspend such mail."""
    attach_json: bool | str = _key("ATTACH_JSON", True, parse_attach_json)
    """Whether ``conversation.json`` is attached; ``"txt"``: the same as a text file, for helpdesks that refuse JSON.
    """
    max_request_bytes: int = _key("MAX_REQUEST_BYTES", 1_000_000, whole_number(1_000, 100_000_000, " bytes"))
    """The largest request that is allowed."""
    max_pairs: int = _key("MAX_PAIRS", 200, whole_number(1, 10_000))
    """The longest conversation that is allowed, in question-and-answer pairs; an answer has at most 100 sources."""
    tickets_per_client_per_hour: int = _key("TICKETS_PER_CLIENT_PER_HOUR", 10, whole_number(1, 1_000_000))
    """For one client (an IPv4 address, an IPv6 /64); four times as many for its network (/24, /56), sixteen for its
    /48. Raise it while you develop. See docs/limits.md."""
    tickets_per_email_per_hour: int = _key("TICKETS_PER_EMAIL_PER_HOUR", 10, whole_number(1, 1_000_000))
    """For one email address, from one network or signed in."""
    tickets_per_hour: int = _key("TICKETS_PER_HOUR", 500, whole_number(1, 1_000_000))
    """For the whole site; above it tickets are held, and released automatically an hour later or by an admin."""
    origins: tuple[str, ...] = _key("ORIGINS", (), parse_origins)
    """Other origins whose pages may create tickets, such as a static docs site, ``https://docs.example.com``: see
    docs/other-pages.md."""
    trusted_hosts: tuple[str, ...] = _key("TRUSTED_HOSTS", (), parse_hosts)
    """The host names that visitors use for this site, such as ``intranet.example.com``, if a proxy rewrites ``Host``.
    """
    special_domains: tuple[str, ...] = _key("SPECIAL_DOMAINS", (), parse_special_domains)
    """Domains that the internet doesn't know and that email addresses may have, with their subdomains, such as
    ``"intranet, corp.local"``."""
    redact: bool = _key("REDACT", True, parse_flag)
    """Whether keys, tokens, passwords and card numbers are masked before anything is stored: see docs/redaction.md."""
    redact_patterns: tuple[SitePattern, ...] = _key("REDACT_PATTERNS", (), parse_redact_patterns)
    """What else is masked, such as ``{"Acme key": r"ACME-[0-9A-F]{32}"}``; checked at start so that no text makes it
    slow. See docs/redaction.md."""
    retention_days: int | None = _key("RETENTION_DAYS", None, parse_retention)
    """Tickets that were delivered, failed or not sent more days ago are deleted, by the delivering processes and by
    ``flask kapa-handoff purge``."""
    statistics_days: int = _key("STATISTICS_DAYS", 90, whole_number(0, 3_650, " days"))
    """How many days answer records are kept, 0 to 3,650; 0: none are made. See docs/insights.md."""
    language: str | None = _key("LANGUAGE", None, parse_language)
    """The one language of buttons, forms, admin pages and mails, such as ``"de"``; else each visitor's: see
    docs/languages.md."""
    human_phrases: HumanRequests = _key("HUMAN_PHRASES", HumanRequests(), parse_human_phrases)  # noqa: RUF009 - a field
    """More phrases that meet ``asked-for-human``, or others for a language: see
    docs/triggers.md#when-a-question-asks-for-a-human."""
    fields: tuple[Field, ...] = _key("FIELDS", (), parse_fields)
    """Further fields of the form, such as ``[Field("order", "Order number")]``: see docs/fields.md."""
    csp_nonce: Callable[[], str] | None = _key("CSP_NONCE", None, parse_nonce_source)  # noqa: RUF009 - a field
    """It gets no arguments, and returns the nonce of this response's Content-Security-Policy. Flask-Talisman's is
    found automatically."""
    admin_template: str = _key("ADMIN_TEMPLATE", "kapa_handoff/admin/layout.html", parse_template_name)
    """The site's layout for the admin pages, with ``{% block content %}``: see
    docs/templates.md#your-layout-for-the-admin-pages."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Config:
        """Read and check a Flask config.

        Raises:
            ConfigurationError: a value is wrong, or a key with our prefix is unknown. The message names
                the key, the value and what is allowed.
        """
        known = {item.metadata["key"]: item for item in _KEYED}
        for key in mapping:
            if key.startswith(PREFIX) and key not in known:
                close = [name for name in known if name.endswith(key.removeprefix(PREFIX))]
                close = close or difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean {close[0]}?" if close else "; docs/configuration.md has them all"
                raise ConfigurationError(f"{key}: there is no such key{hint}")
        values: dict[str, Any] = {}
        for key, item in sorted(known.items(), key=lambda pair: bool(pair[1].metadata["address"])):
            value = mapping.get(key)
            if value is None or (value == "" and item.default is None):
                continue
            try:
                further = [values.get("special_domains", ())] if item.metadata["address"] else []
                values[item.name] = item.metadata["parse"](value, *further)
            except ValueError as error:
                # A message about one row of a list names the row, and the whole list would hide it.
                told = "" if str(error).startswith("field ") else f"{shown(value)} is not allowed: "
                raise ConfigurationError(f"{key}: {told}{error}") from None
        return cls(**values, delivery_by_name="delivery" in values)

    def keys_changed_in(self, mapping: Mapping[str, Any]) -> list[str]:
        """The keys that were set or changed in a Flask config after this was read from it."""
        try:
            now = Config.from_mapping(mapping)
        except ConfigurationError as error:
            return [str(error).partition(":")[0]]
        return [item.metadata["key"] for item in _KEYED if getattr(now, item.name) != getattr(self, item.name)]


def key_of(name: str) -> str:
    """The configuration key for a field of :class:`Config`."""
    return str(Config.__dataclass_fields__[name].metadata["key"])


_KEYED = [item for item in attributes_of(Config) if item.metadata]

KEYS: Mapping[str, Any] = {item.metadata["key"]: item.default for item in _KEYED}
"""Every key and its default."""
