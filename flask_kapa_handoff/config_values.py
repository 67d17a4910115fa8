"""Parses the values of ``KAPA_HANDOFF_*``: each parser returns the value in its final form or says what is allowed.

A value may come from a Python file or, as text, from the environment (``from_prefixed_env()``). All parsers raise
ValueError for a value that is not allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from string import Formatter
from typing import TYPE_CHECKING, Any

from .email_address import parse_email
from .hook_checks import CSP_NONCE, misfit
from .triggers import Trigger, parse_triggers
from .urls import host_of, origin_of, parse_url

if TYPE_CHECKING:
    from sqlalchemy import URL

PINNABLE = ("email", "button_text", "triggers", "threshold", "form")
MAIL = "mail"
"""The channel that is always there."""

DELIVERIES = ("thread", "external", "celery", "inline")
AS_TEXT = "txt"
DEFAULT_SUBJECT = "[{site}] {reference}: {question}"
SUBJECT_PLACEHOLDERS = ("site", "reference", "desk", "question", "visitor")
MAX_SUBJECT = 200
MAX_BUTTON_TEXT = 60
MAX_THRESHOLD = 100
CHANNEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def whole_number(low: int, high: int, unit: str = "") -> Callable[[Any], int]:
    """A parser for whole numbers from ``low`` to ``high``; ``unit`` is for its message, such as `` seconds``."""

    def parse(value: Any) -> int:
        text = str(value).strip().replace("_", "")
        if isinstance(value, bool) or not re.fullmatch(r"[+-]?\d{1,15}", text) or not low <= int(text) <= high:
            raise ValueError(f"use a whole number from {low:,} to {high:,}{unit}".replace(",", "_"))
        return int(text)

    return parse


def parse_flag(value: Any) -> bool:
    """True or False, also as text."""
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


def parse_attach_json(value: Any) -> bool | str:
    """True, False, or :data:`AS_TEXT`."""
    if str(value).strip().lower() == AS_TEXT:
        return AS_TEXT
    try:
        return parse_flag(value)
    except ValueError:
        raise ValueError(f"use True, False, or {AS_TEXT!r} to attach the same as a text file") from None


def parse_subject(value: Any) -> str:
    """The subject of mails, with any of :data:`SUBJECT_PLACEHOLDERS`."""
    names = ", ".join(f"{{{name}}}" for name in SUBJECT_PLACEHOLDERS)
    allowed = f"use text with {{reference}} or {{question}}; the placeholders are {names}"
    if not isinstance(value, str) or not value.isprintable() or len(value) > MAX_SUBJECT:
        raise ValueError(f"{allowed}; on one line of at most {MAX_SUBJECT} characters")
    try:
        found = [tuple(rest) for _, *rest in Formatter().parse(value) if rest[0] is not None]
    except ValueError:  # an unpaired brace
        raise ValueError(f"{allowed}; write {{{{ or }}}} for a brace") from None
    for name, form, conversion in found:
        if name not in SUBJECT_PLACEHOLDERS or form or conversion:
            raise ValueError(f"there is no placeholder {{{name}}}; {allowed}" if not (form or conversion) else allowed)
    if not {"reference", "question"} & {name for name, *_ in found}:
        raise ValueError(allowed)
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, (list, tuple, set, frozenset)) or not all(isinstance(item, str) for item in value):
        raise ValueError("use a list of texts, or comma-separated text")
    return tuple(item.strip() for item in value if item.strip())


MAX_RECIPIENTS = 320
"""The most characters of a desk's addresses together, with ``, `` between them."""


def parse_recipients(value: Any, *special_domains: Any) -> str:
    """The addresses that tickets go to, with ``, `` between them.

    Arguments:
        value: comma-separated text, or a list.
        special_domains: for :func:`.parse_email`.
    """
    allowed = "use one address, or several with commas between them, such as support@example.com"
    try:
        names = _texts(value)
    except ValueError:
        raise ValueError(allowed) from None
    if not names or any("<" in name for name in names):
        raise ValueError(allowed)
    try:
        addresses = dict.fromkeys(parse_email(name, *special_domains) for name in names)
    except ValueError as error:
        raise ValueError(f"{error}; {allowed}, or name its domain in KAPA_HANDOFF_SPECIAL_DOMAINS") from None
    if len(joined := ", ".join(addresses)) > MAX_RECIPIENTS:
        raise ValueError(f"together they are longer than {MAX_RECIPIENTS} characters; use a list address of your own")
    return joined


def parse_button_text(value: Any) -> str:
    """The button's text on one line."""
    text = " ".join(value.split()) if isinstance(value, str) else ""
    if not 1 <= len(text) <= MAX_BUTTON_TEXT or not text.isprintable():
        raise ValueError(f"use text of 1 to {MAX_BUTTON_TEXT} characters")
    return text


parse_threshold = whole_number(1, MAX_THRESHOLD)
parse_retention = whole_number(1, 36_500, " days; leave the key out to keep tickets forever")


def parse_trigger_setting(value: Any) -> tuple[Trigger, ...]:
    """Triggers, from comma-separated text or a list."""
    names = value if isinstance(value, str) else [str(item) for item in _sequence(value)]
    try:
        return parse_triggers(names)
    except ValueError as error:
        # The message begins with the value already.
        raise ValueError(str(error).removeprefix(f"unknown trigger {value!r}; ")) from None


def _sequence(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise ValueError("use comma-separated text or a list of " + ", ".join(Trigger))
    return list(value)


def parse_pinned(value: Any) -> tuple[str, ...]:
    """The settings that admins cannot change."""
    names = _texts(value)
    for name in names:
        if name not in PINNABLE:
            unknown = "" if name == value else f"unknown setting {name!r}; "
            raise ValueError(f"{unknown}use any of {', '.join(PINNABLE)}")
    return tuple(name for name in PINNABLE if name in names)


def parse_channel(value: Any) -> str:
    """The name of a channel. Whether the site has registered it is not known yet."""
    if not isinstance(value, str) or not CHANNEL_NAME.fullmatch(value):
        raise ValueError(
            f"use {MAIL!r}, or the name of a channel that @handoff.channel(…) registers: a lower-case letter, then up "
            "to 31 more, digits, _ or -"
        )
    return value


def parse_url_prefix(value: Any) -> str:
    """The path under which the package is mounted."""
    if not isinstance(value, str) or not re.fullmatch(r"(/[\w.~-]+)+", value):
        raise ValueError("use a path such as /handoff, with a slash at the start and none at the end")
    return value


def parse_site_name(value: Any) -> str:
    """A site's name on one line."""
    # from_prefixed_env() reads a name such as 2026 as a number.
    text = " ".join(str(value).split()) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    if not 1 <= len(text) <= 100 or not text.isprintable():
        raise ValueError("use text of 1 to 100 characters")
    return text


def parse_database_uri(value: Any) -> str:
    """The address of an SQLite file or a PostgreSQL database, with its driver."""
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
    # Named, since SQLAlchemy's default driver depends on its version.
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def parse_sender(value: Any, special_domains: tuple[str, ...] = ()) -> str:
    """A ``From`` address, as Flask-Mail accepts it: ``address``, ``Name <address>`` or ``(name, address)``.

    Arguments:
        special_domains: see :func:`.parse_email`.
    """
    from email.utils import formataddr

    parts = value if isinstance(value, (tuple, list)) and len(value) == 2 else ("", value)
    if not all(str(part or "").isprintable() for part in parts):
        raise ValueError("use an address, or 'Name <address>', on one line")
    name, address = parts if parts is value else _name_and_address(str(value))
    name = str(name or "")
    try:
        address = parse_email(address, special_domains)
    except ValueError as error:
        raise ValueError(f"{error}; use docs@example.com or 'Docs <docs@example.com>'") from None
    return formataddr((name, address)) if name else address


def _name_and_address(text: str) -> tuple[str, str]:
    """The parts of ``Name <address>``. The name may contain anything, such as another address."""
    from email.utils import parseaddr

    # Python versions differ in which address parseaddr() finds in "docs@example.com <support@example.com>".
    found = re.fullmatch(r"([^<>]*[^<>\s])\s*<([^<>]*)>", text.strip())
    if found is None:
        return parseaddr(text)
    name, address = found.groups()
    return (re.sub(r"\\(.)", r"\1", name[1:-1]) if re.fullmatch('".*"', name) else name), address


def parse_delivery(value: Any) -> str:
    """One of :data:`DELIVERIES`."""
    if value not in DELIVERIES:
        raise ValueError("use one of " + ", ".join(DELIVERIES))
    return str(value)


def parse_origins(value: Any) -> tuple[str, ...]:
    """Origins of pages, each as browsers write it."""
    origins = []
    for written in _texts(value):
        parts, origin = parse_url(written), origin_of(written)
        if parts is None or origin is None or written.lower() != f"{parts.scheme}://{parts.netloc.lower()}":
            raise ValueError("an origin looks like https://docs.example.com, without a path")
        origins.append(origin)
    return tuple(origins)


def parse_hosts(value: Any) -> tuple[str, ...]:
    """Host names in lower case, each with a port if it is given."""
    hosts = tuple(host.lower() for host in _texts(value))
    for host in hosts:
        if host_of(f"http://{host}/") is None or not re.fullmatch(r"[\w.-]+(:\d+)?|\[[\da-f:.]+\](:\d+)?", host):
            raise ValueError("a host looks like docs.example.com or intranet:8080")
    return hosts


def parse_special_domains(value: Any) -> tuple[str, ...]:
    """Domain names in lower case that email addresses may have although the internet doesn't know them."""
    names = tuple(name.lower().lstrip("@.") for name in _texts(value))
    for name in names:
        labels = name.split(".")
        if len(name) > 253 or not all(re.fullmatch(r"(?!-)[a-z\d-]{1,63}(?<!-)", label) for label in labels):
            raise ValueError("a domain looks like intranet, local or corp.test")
    return names


def parse_language(value: Any) -> str:
    """The tag of a language; whether there is a catalog for it shows when the app is known."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*", value.strip()):
        raise ValueError("a language looks like de or pt-BR")
    return value.strip()


def parse_template_name(value: Any) -> str:
    """The name of a template."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("use the name of a template that has a block 'content'")
    return value


def parse_nonce_source(value: Any) -> Callable[[], str]:
    """A function that returns the nonce of the current response's policy."""
    wrong = misfit(value, CSP_NONCE.arguments)
    if wrong:
        raise ValueError(f"{wrong}; use a function without arguments that gives the nonce of this response's policy")
    source: Callable[[], str] = value
    return source


def shown(value: Any) -> str:
    """A value as error messages show it, without any password in it."""
    # Where a database's address has its password depends on the dialect, and this message ends up in a log.
    text = str(value)
    scheme = re.match(r"[\w.+-]+(?=:/)", text)
    if scheme and ("@" in text or scheme[0] not in ("sqlite", "http", "https", "ftp")):
        return f"'{scheme[0]}:…'"
    return "the value" if re.search(r"(?i)pwd|passw", text) else repr(value)
