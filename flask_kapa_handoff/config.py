"""``KAPA_HANDOFF_*``: every key, its default, what is allowed. Read once, checked once, at start."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from dataclasses import fields as attributes_of
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .email_address import parse_email
from .errors import ConfigurationError
from .fields import Field
from .hook_checks import CSP_NONCE, misfit
from .site_fields import parse_fields
from .triggers import Trigger, parse_triggers
from .urls import host_of, origin_of, parse_url

if TYPE_CHECKING:
    from sqlalchemy import URL

PREFIX = "KAPA_HANDOFF_"
PINNABLE = ("email", "button_text", "triggers", "threshold")
DELIVERIES = ("thread", "external", "celery", "inline")
MAX_BUTTON_TEXT = 60
MAX_THRESHOLD = 100


def _whole(low: int, high: int, unit: str = "") -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        text = str(value).strip().replace("_", "")
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,15}", text) or not low <= int(text) <= high:
            raise ValueError(f"use a whole number from {low:,} to {high:,}{unit}".replace(",", "_"))
        return int(text)

    return parse


def _flag(value: Any) -> bool:
    # from_prefixed_env() reads "true" as JSON, but leaves a shell's "True" or "no" as text.
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise ValueError("use True or False") from None


def _listed(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(item, str) for item in value):
        raise ValueError("use a list of texts, or comma-separated text")
    return tuple(item.strip() for item in value if item.strip())


def parse_button_text(value: Any) -> str:
    """The button's text on one line.

    Raises:
        ValueError: it is empty, too long, or no text.
    """
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not 1 <= len(text) <= MAX_BUTTON_TEXT or not text.isprintable():
        raise ValueError(f"use text of 1 to {MAX_BUTTON_TEXT} characters")
    return text


parse_threshold = _whole(1, MAX_THRESHOLD)


def _triggers(value: Any) -> tuple[Trigger, ...]:
    names = value if isinstance(value, str) else [str(item) for item in _sequence(value)]
    return parse_triggers(names)


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("use comma-separated text or a list of " + ", ".join(Trigger))
    return list(value)


def _pinned(value: Any) -> tuple[str, ...]:
    names = _listed(value)
    for name in names:
        if name not in PINNABLE:
            raise ValueError(f"unknown setting {name!r}; use any of {', '.join(PINNABLE)}")
    return tuple(name for name in PINNABLE if name in names)


def _url_prefix(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/[\w.~-]+)+", value):
        raise ValueError("use a path such as /handoff, with a slash at the start and none at the end")
    return value


def parse_site_name(value: Any) -> str:
    """A site's name on one line.

    Raises:
        ValueError: it is empty, too long, or no text.
    """
    # from_prefixed_env() reads a name such as 2026 as a number.
    text = " ".join(str(value).split()) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not 1 <= len(text) <= 100 or not text.isprintable():
        raise ValueError("use text of 1 to 100 characters")
    return text


def _database_uri(value: Any) -> str:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    allowed = "use sqlite:////var/lib/site/kapa_handoff.sqlite3 or postgresql://user:password@host/database"
    try:
        # "postgres" is what some hosting services write.
        url = make_url(re.sub(r"^postgres(?=[:+])", "postgresql", str(value)))
    except ArgumentError:
        raise ValueError(allowed) from None
    if url.get_backend_name() in ("mysql", "mariadb"):
        raise ValueError(f"MySQL and MariaDB are not supported; {allowed}")
    if url.get_backend_name() == "postgresql":
        return _postgresql_uri(url, allowed)
    if url.get_backend_name() != "sqlite":
        raise ValueError(allowed)
    if not url.database or ":memory:" in url.database or "mode=memory" in str(value):
        raise ValueError("use a file: a database in memory loses every ticket when the process ends")
    return str(value)


def _postgresql_uri(url: URL, allowed: str) -> str:
    if url.drivername not in ("postgresql", "postgresql+psycopg"):
        raise ValueError(f"the driver is psycopg 3; {allowed}")
    if find_spec("psycopg") is None:
        raise ValueError("psycopg is not installed; run: pip install flask-kapa-handoff[postgresql]")
    # Named, since the one that SQLAlchemy takes by itself depends on its version.
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def parse_sender(value: Any) -> str:
    """A ``From`` address, in Flask-Mail's ways to write one: ``address``, ``Name <address>`` or ``(name, address)``.

    Raises:
        ValueError: it is no such address.
    """
    from email.utils import formataddr, parseaddr

    parts = value if isinstance(value, (tuple, list)) and len(value) == 2 else ("", value)
    if not all(str(part or "").isprintable() for part in parts):
        raise ValueError("use an address, or 'Name <address>', on one line")
    name, address = parts if parts is value else parseaddr(str(value))
    name = str(name or "")
    return formataddr((name, parse_email(address))) if name else parse_email(address)


def _delivery(value: Any) -> str:
    if value not in DELIVERIES:
        raise ValueError("use one of " + ", ".join(DELIVERIES))
    return str(value)


def _origins(value: Any) -> tuple[str, ...]:
    origins = []
    for written in _listed(value):
        parts, origin = parse_url(written), origin_of(written)
        if parts is None or origin is None or written.lower() != f"{parts.scheme}://{parts.netloc.lower()}":
            raise ValueError("an origin looks like https://docs.example.com, without a path")
        origins.append(origin)
    return tuple(origins)


def _hosts(value: Any) -> tuple[str, ...]:
    hosts = tuple(host.lower() for host in _listed(value))
    for host in hosts:
        if host_of(f"http://{host}/") is None or not re.fullmatch(r"[\w.-]+(:\d+)?|\[[\da-f:.]+\](:\d+)?", host):
            raise ValueError("a host looks like docs.example.com or intranet:8080")
    return hosts


def _template(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("use the name of a template that has a block 'content'")
    return value


def _nonce_source(value: Any) -> Callable[[], str]:
    wrong = misfit(value, CSP_NONCE.arguments)
    if wrong:
        raise ValueError(f"{wrong}; use a function without arguments that gives the nonce of this response's policy")
    source: Callable[[], str] = value
    return source


def shown(value: Any) -> str:
    """A value as a message shows it, without a password that may be in it."""
    # A database's address carries a password wherever its dialect likes, and this message ends in a log.
    text = str(value)
    scheme = re.match(r"[\w.+-]+(?=:/)", text)
    if scheme and ("@" in text or scheme[0] not in ("sqlite", "http", "https", "ftp")):
        return f"'{scheme[0]}:…'"
    return "the value" if re.search(r"(?i)pwd|passw", text) else repr(value)


def _key(key: str, default: Any, parse: Callable[[Any], Any]) -> Any:
    return field(default=default, metadata={"key": PREFIX + key, "parse": parse})


@dataclass(frozen=True)
class Config:
    """The package's configuration; one field for each ``KAPA_HANDOFF_*`` key."""

    email: str | None = _key("EMAIL", None, parse_email)
    button_text: str = _key("BUTTON_TEXT", "Create ticket", parse_button_text)
    triggers: tuple[Trigger, ...] = _key("TRIGGERS", (Trigger.ALWAYS,), _triggers)
    threshold: int = _key("CONVERSATION_LENGTH_THRESHOLD", 3, parse_threshold)
    pinned: tuple[str, ...] = _key("PINNED", (), _pinned)
    url_prefix: str = _key("URL_PREFIX", "/handoff", _url_prefix)
    site_name: str | None = _key("SITE_NAME", None, parse_site_name)
    database_uri: str | None = _key("DATABASE_URI", None, _database_uri)
    sender: str | None = _key("SENDER", None, parse_sender)
    delivery: str = _key("DELIVERY", "thread", _delivery)
    delivery_by_name: bool = False  # no key: whether the one above was given, be it as its own default
    smtp_timeout: int = _key("SMTP_TIMEOUT", 30, _whole(1, 600, " seconds"))
    smtp_verify_tls: bool = _key("SMTP_VERIFY_TLS", True, _flag)
    smtp_connections: int = _key("SMTP_CONNECTIONS", 2, _whole(1, 16))
    auto_submitted: bool = _key("AUTO_SUBMITTED", False, _flag)
    attach_json: bool = _key("ATTACH_JSON", True, _flag)
    max_request_bytes: int = _key("MAX_REQUEST_BYTES", 1_000_000, _whole(1_000, 100_000_000, " bytes"))
    max_pairs: int = _key("MAX_PAIRS", 200, _whole(1, 10_000))
    tickets_per_client_per_hour: int = _key("TICKETS_PER_CLIENT_PER_HOUR", 10, _whole(1, 1_000_000))
    tickets_per_email_per_hour: int = _key("TICKETS_PER_EMAIL_PER_HOUR", 10, _whole(1, 1_000_000))
    tickets_per_hour: int = _key("TICKETS_PER_HOUR", 500, _whole(1, 1_000_000))
    origins: tuple[str, ...] = _key("ORIGINS", (), _origins)
    trusted_hosts: tuple[str, ...] = _key("TRUSTED_HOSTS", (), _hosts)
    redact: bool = _key("REDACT", True, _flag)
    retention_days: int | None = _key("RETENTION_DAYS", None, _whole(1, 36_500, " days"))
    fields: tuple[Field, ...] = _key("FIELDS", (), parse_fields)
    csp_nonce: Callable[[], str] | None = _key("CSP_NONCE", None, _nonce_source)  # noqa: RUF009 - a field
    admin_template: str = _key("ADMIN_TEMPLATE", "kapa_handoff/admin/layout.html", _template)

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
                hint = f"; did you mean {close[0]}?" if close else "; see the configuration table in the README"
                raise ConfigurationError(f"{key}: there is no such key{hint}")
        values = {}
        for key, item in known.items():
            value = mapping.get(key)
            if value is None or (value == "" and item.default is None):
                continue
            try:
                values[item.name] = item.metadata["parse"](value)
            except ValueError as error:
                raise ConfigurationError(f"{key}: {shown(value)} is not allowed: {error}") from None
        return cls(**values, delivery_by_name="delivery" in values)


def key_of(name: str) -> str:
    """The configuration key of a field of :class:`Config`."""
    return str(Config.__dataclass_fields__[name].metadata["key"])


_KEYED = [item for item in attributes_of(Config) if item.metadata]

KEYS: Mapping[str, Any] = {item.metadata["key"]: item.default for item in _KEYED}
"""Every key and its default."""
