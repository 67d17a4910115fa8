"""Configuration: each key of the contract's table, its default, allowed values, and what stops the start."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import ConfigurationError, Field, KapaHandoff, Trigger
from flask_kapa_handoff.config import KEYS, Config
from flask_kapa_handoff.email_address import parse_email
from flask_kapa_handoff.form_settings import FormSettings
from flask_kapa_handoff.human_requests import HumanRequests
from flask_kapa_handoff.redaction.site_patterns import SitePattern
from flask_kapa_handoff.state import state_of
from tests.helpers.growth import LINEAR, growth

ALWAYS, LENGTH, UNCERTAINTY, DOWNVOTE, *_ = Trigger

# The contract's table: key, attribute, default.
TABLE: list[tuple[str, str, Any]] = [
    ("EMAIL", "email", None),
    ("BUTTON_TEXT", "button_text", "Create ticket"),
    ("TRIGGERS", "triggers", (ALWAYS,)),
    ("CONVERSATION_LENGTH_THRESHOLD", "threshold", 3),
    ("PINNED", "pinned", ()),
    ("URL_PREFIX", "url_prefix", "/handoff"),
    ("SITE_NAME", "site_name", None),
    ("DATABASE_URI", "database_uri", None),
    ("SENDER", "sender", None),
    ("SENDER_NAMES_VISITOR", "sender_names_visitor", True),
    ("SUBJECT", "subject", "[{site}] {reference}: {question}"),
    ("DELIVERY", "delivery", "thread"),
    ("CHANNEL", "channel", "mail"),
    ("SMTP_TIMEOUT", "smtp_timeout", 30),
    ("SMTP_VERIFY_TLS", "smtp_verify_tls", True),
    ("SMTP_CONNECTIONS", "smtp_connections", 2),
    ("AUTO_SUBMITTED", "auto_submitted", False),
    ("ATTACH_JSON", "attach_json", True),
    ("MAX_REQUEST_BYTES", "max_request_bytes", 1_000_000),
    ("MAX_PAIRS", "max_pairs", 200),
    ("TICKETS_PER_CLIENT_PER_HOUR", "tickets_per_client_per_hour", 10),
    ("TICKETS_PER_EMAIL_PER_HOUR", "tickets_per_email_per_hour", 10),
    ("TICKETS_PER_HOUR", "tickets_per_hour", 500),
    ("ORIGINS", "origins", ()),
    ("TRUSTED_HOSTS", "trusted_hosts", ()),
    ("SPECIAL_DOMAINS", "special_domains", ()),
    ("REDACT", "redact", True),
    ("REDACT_PATTERNS", "redact_patterns", ()),
    ("RETENTION_DAYS", "retention_days", None),
    ("STATISTICS_DAYS", "statistics_days", 90),
    ("LANGUAGE", "language", None),
    ("HUMAN_PHRASES", "human_phrases", HumanRequests()),
    ("FIELDS", "fields", ()),
    ("FORM", "form", FormSettings()),
    ("CSP_NONCE", "csp_nonce", None),
    ("ADMIN_TEMPLATE", "admin_template", None),  # the package's own
]
ATTRIBUTES = {key: attribute for key, attribute, _ in TABLE}

GOOD: list[tuple[str, Any, Any]] = [
    ("EMAIL", "support@example.com", "support@example.com"),
    ("EMAIL", " support@example.com ", "support@example.com"),
    ("EMAIL", "a@example.com,b@example.com, a@example.com", "a@example.com, b@example.com"),
    ("EMAIL", ["a@example.com", "b@example.com"], "a@example.com, b@example.com"),
    ("EMAIL", "support@bücher.example", "support@xn--bcher-kva.example"),
    ("EMAIL", "", None),
    ("EMAIL", None, None),
    ("BUTTON_TEXT", "Talk to a human", "Talk to a human"),
    ("BUTTON_TEXT", "x", "x"),
    ("BUTTON_TEXT", "Mit Menschen reden 🦊", "Mit Menschen reden 🦊"),
    ("TRIGGERS", "always", (ALWAYS,)),
    ("TRIGGERS", "uncertainty,downvote", (UNCERTAINTY, DOWNVOTE)),
    ("TRIGGERS", " downvote , conversation-length ", (LENGTH, DOWNVOTE)),
    ("TRIGGERS", ["downvote"], (DOWNVOTE,)),
    ("TRIGGERS", ("uncertainty", "always"), (ALWAYS, UNCERTAINTY)),
    ("TRIGGERS", [Trigger.DOWNVOTE], (DOWNVOTE,)),
    ("TRIGGERS", {"downvote"}, (DOWNVOTE,)),
    ("CONVERSATION_LENGTH_THRESHOLD", 1, 1),
    ("CONVERSATION_LENGTH_THRESHOLD", 100, 100),
    ("CONVERSATION_LENGTH_THRESHOLD", "5", 5),
    ("PINNED", "email", ("email",)),
    ("PINNED", "email, triggers", ("email", "triggers")),
    ("PINNED", ["threshold", "button_text"], ("button_text", "threshold")),
    ("PINNED", ("email", "button_text", "triggers", "threshold"), ("email", "button_text", "triggers", "threshold")),
    ("URL_PREFIX", "/help/tickets", "/help/tickets"),
    ("SITE_NAME", "Acme docs", "Acme docs"),
    ("DATABASE_URI", "sqlite:////var/lib/site/k.sqlite3", "sqlite:////var/lib/site/k.sqlite3"),
    ("SENDER", "site@example.com", "site@example.com"),
    ("SENDER", "Acme <site@example.com>", "Acme <site@example.com>"),
    ("SENDER", ("Acme", "site@example.com"), "Acme <site@example.com>"),
    ("SENDER", "Acme, Inc. <site@example.com>", '"Acme, Inc." <site@example.com>'),
    ("SENDER", "docs@example.com <site@example.com>", '"docs@example.com" <site@example.com>'),
    ("SENDER", r'"The \"Docs\" <3" <site@example.com>', r'"The \"Docs\" <3" <site@example.com>'),
    ("SENDER_NAMES_VISITOR", "off", False),
    ("SUBJECT", "{question}", "{question}"),
    ("SUBJECT", "{site} {desk} {reference} {visitor}", "{site} {desk} {reference} {visitor}"),
    ("SUBJECT", "{{help}} Ünïcode {question}", "{{help}} Ünïcode {question}"),
    ("SUBJECT", "x" * 189 + "{reference}", "x" * 189 + "{reference}"),
    ("DELIVERY", "thread", "thread"),
    ("DELIVERY", "external", "external"),
    ("DELIVERY", "inline", "inline"),
    ("CHANNEL", "mail", "mail"),
    ("CHANNEL", "zendesk_eu-2", "zendesk_eu-2"),
    ("SMTP_TIMEOUT", 5, 5),
    ("SMTP_TIMEOUT", "45", 45),
    ("SMTP_VERIFY_TLS", False, False),
    ("SMTP_VERIFY_TLS", "false", False),
    ("SMTP_CONNECTIONS", 1, 1),
    ("SMTP_CONNECTIONS", 16, 16),
    ("AUTO_SUBMITTED", True, True),
    ("AUTO_SUBMITTED", "True", True),
    ("ATTACH_JSON", "no", False),
    ("ATTACH_JSON", "txt", "txt"),
    ("ATTACH_JSON", " TXT", "txt"),
    ("MAX_REQUEST_BYTES", 50_000, 50_000),
    ("MAX_PAIRS", 1, 1),
    ("TICKETS_PER_CLIENT_PER_HOUR", 1, 1),
    ("TICKETS_PER_EMAIL_PER_HOUR", 3, 3),
    ("TICKETS_PER_HOUR", 10_000, 10_000),
    ("ORIGINS", "https://docs.example.com", ("https://docs.example.com",)),
    ("ORIGINS", ["https://docs.example.com", "http://localhost:8000"], None),
    ("TRUSTED_HOSTS", "Docs.example.com, intranet:8080", ("docs.example.com", "intranet:8080")),
    ("TRUSTED_HOSTS", ["[2001:db8::1]:8080"], ("[2001:db8::1]:8080",)),
    ("ORIGINS", "https://a.example, https://b.example", ("https://a.example", "https://b.example")),
    ("SPECIAL_DOMAINS", "Intranet, .local,@corp.test", ("intranet", "local", "corp.test")),
    ("SPECIAL_DOMAINS", ["test"], ("test",)),
    ("SPECIAL_DOMAINS", "", ()),
    ("REDACT", False, False),
    ("REDACT_PATTERNS", [], ()),
    ("REDACT_PATTERNS", {"Acme key": "ACME-.{8}"}, (SitePattern("Acme key", re.compile("ACME-.{8}")),)),
    ("REDACT_PATTERNS", [["Acme key", "ACME-.{8}"]], (SitePattern("Acme key", re.compile("ACME-.{8}")),)),
    ("RETENTION_DAYS", 90, 90),
    ("RETENTION_DAYS", None, None),
    ("STATISTICS_DAYS", 0, 0),
    ("STATISTICS_DAYS", "365", 365),
    ("ADMIN_TEMPLATE", "site/admin.html", "site/admin.html"),
    ("LANGUAGE", " pt-BR ", "pt-BR"),
    ("HUMAN_PHRASES", ["page Ada"], HumanRequests(("page Ada",))),
    ("HUMAN_PHRASES", "page Ada, call the owl", HumanRequests(("page Ada", "call the owl"))),
    ("HUMAN_PHRASES", {"en": ["page Ada"]}, HumanRequests((), {"en": ("page Ada",)})),
    ("FIELDS", [], ()),
    ("FIELDS", [{"name": "order", "label": "Order number"}], (Field("order", "Order number"),)),
]

BAD: list[tuple[str, Any, str]] = [
    ("EMAIL", "support", "@"),
    ("EMAIL", "a@b", "."),
    ("EMAIL", "a" * 65 + "@example.com", "64"),
    ("EMAIL", "a@" + "b." * 125 + "example", "254"),
    ("EMAIL", "a@example.com, b", "@"),
    ("EMAIL", ", ".join(f"{n}@example.com" for n in range(30)), "together they are longer than 320 characters"),
    ("EMAIL", "a@example.com\nBcc: b@example.com", ""),
    ("EMAIL", 5, "use one address, or several with commas between them, such as support@example.com"),
    ("EMAIL", [], "use one address, or several with commas between them, such as support@example.com"),
    (
        "EMAIL",
        "Support <support@example.com>",
        "use one address, or several with commas between them, such as support@example.com",
    ),
    ("EMAIL", "support", "use one address, or several with commas between them, such as support@example.com"),
    ("EMAIL", "support@printer.local", "ends in .local; use one address, or several"),
    ("BUTTON_TEXT", "", "60"),
    ("BUTTON_TEXT", "   ", "60"),
    ("BUTTON_TEXT", "x" * 61, "60"),
    ("BUTTON_TEXT", "a\x00b", "60"),
    ("BUTTON_TEXT", ["Create"], "60"),
    ("TRIGGERS", "downvotes", "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", "always,never", "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", ["nope"], "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", "", "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", [], "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", 7, "always, conversation-length, uncertainty, downvote"),
    ("TRIGGERS", {"always": True}, "always, conversation-length, uncertainty, downvote"),
    ("CONVERSATION_LENGTH_THRESHOLD", 0, "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", 101, "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", -1, "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", 2.5, "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", "three", "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", "", "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", True, "from 1 to 100"),
    ("CONVERSATION_LENGTH_THRESHOLD", [3], "from 1 to 100"),
    ("PINNED", "mail", "email, button_text, triggers, threshold"),
    ("PINNED", ["email", "enabled"], "email, button_text, triggers, threshold"),
    ("PINNED", 5, "list"),
    ("URL_PREFIX", "handoff", "/handoff"),
    ("URL_PREFIX", "/handoff/", "/handoff"),
    ("URL_PREFIX", "/", "/handoff"),
    ("URL_PREFIX", "/<name>", "/handoff"),
    ("URL_PREFIX", "/a b", "/handoff"),
    ("URL_PREFIX", "//evil.example", "/handoff"),
    ("URL_PREFIX", 5, "/handoff"),
    ("SITE_NAME", "x" * 101, "100"),
    ("SITE_NAME", ["x"], "100"),
    ("DATABASE_URI", "nonsense", "sqlite:///"),
    ("DATABASE_URI", "sqlite://", "file"),
    ("DATABASE_URI", "sqlite:///:memory:", "file"),
    ("DATABASE_URI", "sqlite:///file::memory:?cache=shared&uri=true", "file"),
    ("SENDER", "nobody", "@"),
    ("SENDER", "Docs", "use docs@example.com or 'Docs <docs@example.com>'"),
    ("SENDER", "A\nBcc: x@example.com <site@example.com>", ""),
    ("SENDER_NAMES_VISITOR", "Ada", "True or False"),
    *[
        ("SUBJECT", subject, "the placeholders are {site}, {reference}, {desk}, {question}, {visitor}")
        for subject in (
            "A ticket",
            "",
            "[{site}] {desk}",
            "{question} {email}",
            "{question} {}",
            "{question} {0}",
            "{question.__class__}",
            "{question[0]}",
            "{question:>999999999}",
            "{question:{reference}}",
            "{question!r}",
            "{question",
            "question}",
            "{{question}}",
            "{question}\nBcc: x@example.com",
            "x" * 190 + "{reference}",
            ["{question}"],
        )
    ],
    ("DELIVERY", "threads", "thread, external"),
    ("DELIVERY", "", "inline"),
    ("DELIVERY", ["thread"], "inline"),
    ("CHANNEL", "Zendesk", "lower-case letter"),
    ("CHANNEL", "", "@handoff.channel"),
    ("CHANNEL", "z" * 33, "up to 31 more"),
    ("CHANNEL", ["mail"], "'mail'"),
    ("SMTP_TIMEOUT", 0, "from 1"),
    ("SMTP_TIMEOUT", "soon", "from 1"),
    ("SMTP_VERIFY_TLS", "maybe", "True or False"),
    ("SMTP_VERIFY_TLS", 2, "True or False"),
    ("SMTP_CONNECTIONS", 0, "from 1 to 16"),
    ("SMTP_CONNECTIONS", 17, "from 1 to 16"),
    ("AUTO_SUBMITTED", "", "True or False"),
    ("ATTACH_JSON", [], "use True, False, or 'txt'"),
    ("ATTACH_JSON", "json", "use True, False, or 'txt'"),
    ("MAX_REQUEST_BYTES", 0, "from"),
    ("MAX_REQUEST_BYTES", "1MB", "from"),
    ("MAX_PAIRS", 0, "from 1"),
    ("TICKETS_PER_CLIENT_PER_HOUR", -5, "from"),
    ("TICKETS_PER_EMAIL_PER_HOUR", "many", "from"),
    ("TICKETS_PER_HOUR", 1.5, "from"),
    ("TRUSTED_HOSTS", "https://docs.example.com", "docs.example.com"),
    ("TRUSTED_HOSTS", "docs.example.com/path", "docs.example.com"),
    ("TRUSTED_HOSTS", "*", "docs.example.com"),
    ("TRUSTED_HOSTS", "user@docs.example.com", "docs.example.com"),
    ("TRUSTED_HOSTS", "[", "docs.example.com"),
    ("ORIGINS", "docs.example.com", "https://docs.example.com"),
    ("ORIGINS", "https://docs.example.com/", "https://docs.example.com"),
    ("ORIGINS", "https://docs.example.com/path", "https://docs.example.com"),
    ("ORIGINS", "*", "https://docs.example.com"),
    ("ORIGINS", "null", "https://docs.example.com"),
    ("ORIGINS", "https://user:pass@docs.example.com", "https://docs.example.com"),
    ("ORIGINS", "ftp://docs.example.com", "https://docs.example.com"),
    ("ORIGINS", [None], "list"),
    ("SPECIAL_DOMAINS", "in tranet", "intranet, local"),
    ("SPECIAL_DOMAINS", "a..b", "intranet, local"),
    ("SPECIAL_DOMAINS", "-x", "intranet, local"),
    ("SPECIAL_DOMAINS", "x" * 64, "intranet, local"),
    ("SPECIAL_DOMAINS", 5, "list"),
    ("REDACT", "perhaps", "True or False"),
    ("REDACT_PATTERNS", "ACME-.{8}", "use a dict"),
    ("REDACT_PATTERNS", {"Acme key": ".*"}, "'Acme key': it matches the empty text"),
    ("RETENTION_DAYS", 0, "from 1 to 36_500 days; leave the key out to keep tickets forever"),
    ("RETENTION_DAYS", -1, "from 1"),
    ("RETENTION_DAYS", "forever", "from 1"),
    ("STATISTICS_DAYS", -1, "from 0 to 3_650 days"),
    ("STATISTICS_DAYS", True, "from 0"),
    ("ADMIN_TEMPLATE", 5, "template"),
    ("LANGUAGE", "German", "a language looks like de or pt-BR"),
    ("LANGUAGE", 7, "a language looks like"),
    ("HUMAN_PHRASES", ["talk to (a|an human"], "a bracket is not closed"),
    ("FIELDS", "order", "use a list"),
]


def read(key: str, value: Any) -> Any:
    return getattr(Config.from_mapping({f"KAPA_HANDOFF_{key}": value}), ATTRIBUTES[key])


def test_there_are_the_keys_of_the_contract_and_no_others() -> None:
    """A key that the table does not list is not a key."""
    assert sorted(KEYS) == sorted(f"KAPA_HANDOFF_{key}" for key, _, _ in TABLE)


@pytest.mark.parametrize(("key", "attribute", "default"), TABLE, ids=[row[0] for row in TABLE])
def test_every_key_has_the_default_of_the_contract(key: str, attribute: str, default: Any) -> None:
    """An empty configuration is a good one."""
    found = getattr(Config.from_mapping({}), attribute)
    if key == "ADMIN_TEMPLATE":
        assert found.startswith("kapa_handoff/")
    else:
        assert found == default
    assert type(found) is type(default) or key == "ADMIN_TEMPLATE"


@pytest.mark.parametrize(("key", "value", "expected"), GOOD)
def test_a_good_value_is_taken(key: str, value: Any, expected: Any) -> None:
    """Also as text, the way an environment variable gives it."""
    assert read(key, value) == (tuple(value) if expected is None and key == "ORIGINS" else expected)


@pytest.mark.parametrize(("key", "value", "allowed"), BAD)
def test_a_bad_value_is_refused_with_key_value_and_what_is_allowed(key: str, value: Any, allowed: str) -> None:
    """The message is enough to fix it."""
    with pytest.raises(ConfigurationError) as caught:
        read(key, value)
    message = str(caught.value)
    assert message.startswith(f"KAPA_HANDOFF_{key}: ")
    if "pass" not in str(value):
        assert repr(value) in message
    assert allowed in message


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("TRIGGERS", "uncertain", "'uncertain' is not allowed: use any of always, conversation-"),
        ("TRIGGERS", "always,never", "'always,never' is not allowed: unknown trigger 'never'; use any of always, "),
        ("PINNED", "mail", "'mail' is not allowed: use any of email, "),
        ("FIELDS", [{"name": "order"}], "field 1 ('order'): label must be given"),
        (
            "FIELDS",
            [Field("order", "Order"), Field("area", "Area", kind="list")],
            "field 2 ('area'): kind: 'list'",
        ),
    ],
)
def test_a_message_says_everything_once(key: str, value: Any, message: str) -> None:
    """Neither a name twice, nor a whole list before its wrong row."""
    with pytest.raises(ConfigurationError) as caught:
        read(key, value)
    assert str(caught.value).startswith(f"KAPA_HANDOFF_{key}: {message}")


@pytest.mark.parametrize("key", [key for key, _, default in TABLE if default is None and key != "ADMIN_TEMPLATE"])
def test_an_empty_variable_of_a_key_without_default_is_none(key: str) -> None:
    """KAPA_HANDOFF_X= in an env file means: not set."""
    assert read(key, "") == getattr(Config.from_mapping({}), ATTRIBUTES[key])


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("KAPA_HANDOFF_TRIGGER", "KAPA_HANDOFF_TRIGGERS"),
        ("KAPA_HANDOFF_BUTTONTEXT", "KAPA_HANDOFF_BUTTON_TEXT"),
        ("KAPA_HANDOFF_E_MAIL", "KAPA_HANDOFF_EMAIL"),
        ("KAPA_HANDOFF_DATABASE_URL", "KAPA_HANDOFF_DATABASE_URI"),
    ],
)
def test_an_unknown_key_is_refused_with_the_one_that_was_meant(wrong: str, meant: str) -> None:
    """A misspelt key does not silently do nothing."""
    with pytest.raises(ConfigurationError) as caught:
        Config.from_mapping({wrong: "x"})
    assert wrong in str(caught.value)
    assert meant in str(caught.value)


def test_an_unknown_key_like_no_other_is_refused_too() -> None:
    """Without a suggestion, but with a place to look."""
    with pytest.raises(ConfigurationError, match="KAPA_HANDOFF_ZZZZZZ"):
        Config.from_mapping({"KAPA_HANDOFF_ZZZZZZ": 1})


def test_keys_of_others_are_left_alone() -> None:
    """Keys of Flask and other extensions are ignored."""
    Config.from_mapping({"SECRET_KEY": "x", "KAPA_OTHER": 1, "HANDOFF": 2, "MAIL_SERVER": "x"})


def test_environment_variables_work_through_flask(
    make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    """FLASK_KAPA_HANDOFF_* by app.config.from_prefixed_env(), as text and as JSON."""
    for key, text in {
        "EMAIL": "env@example.com",
        "BUTTON_TEXT": "Ask us",
        "TRIGGERS": "uncertainty,downvote",
        "CONVERSATION_LENGTH_THRESHOLD": "7",
        "PINNED": "email,triggers",
        "SMTP_VERIFY_TLS": "false",
        "ATTACH_JSON": "False",
        "SUBJECT": "[{site}] {question}",
        "MAX_PAIRS": "1_000",
        "ORIGINS": '["https://docs.example.com"]',
        "RETENTION_DAYS": "30",
        "STATISTICS_DAYS": "30",
    }.items():
        monkeypatch.setenv(f"FLASK_KAPA_HANDOFF_{key}", text)
    app = make_app(mount=False)
    app.config.from_prefixed_env()
    KapaHandoff(app)
    config = state_of(app).config
    assert config.email == "env@example.com"
    assert config.button_text == "Ask us"
    assert config.triggers == (UNCERTAINTY, DOWNVOTE)
    assert config.threshold == 7
    assert config.pinned == ("email", "triggers")
    assert config.smtp_verify_tls is False
    assert config.attach_json is False
    assert config.subject == "[{site}] {question}"
    assert config.max_pairs == 1000
    assert config.origins == ("https://docs.example.com",)
    assert config.retention_days == 30
    offer = app.test_client().get("/handoff/offer?pairs=1&downvoted=true")
    assert "Ask us" in offer.text


def test_a_bad_value_stops_the_start_and_leaves_the_app_as_it_was(make_app: Callable[..., Flask]) -> None:
    """Nothing is half registered; once the value is fixed the same app takes the extension."""
    app = make_app(mount=False, KAPA_HANDOFF_TRIGGERS="downvotes")
    before = (set(app.blueprints), set(app.extensions), len(list(app.url_map.iter_rules())))
    with pytest.raises(ConfigurationError, match="KAPA_HANDOFF_TRIGGERS"):
        KapaHandoff(app)
    assert (set(app.blueprints), set(app.extensions), len(list(app.url_map.iter_rules()))) == before
    app.config["KAPA_HANDOFF_TRIGGERS"] = "downvote"
    KapaHandoff(app)
    assert app.test_client().get("/handoff/offer?pairs=1&downvoted=true").status_code == 200


def test_the_error_of_a_bad_value_is_a_value_error() -> None:
    """Code that catches ValueError at start catches it."""
    assert issubclass(ConfigurationError, ValueError)


@pytest.mark.parametrize(
    "uri",
    [
        "mysql://app:s3cret-pass@db.example.com/app",
        "mysql://app:s3cret-p@ss@db.example.com/app",
        "mysql://app:s3cret-p:ss@db.example.com/app",
        "mysql://app:s3cret-p/ss@db.example.com/app",
        "mysql+pymysql://app:s3cret-p%40ss@db.example.com/app",
        "mysql://:s3cret-pass@db.example.com/app",
        "mysql://app:s3cret-pass@db.example.com:notaport/app",
        "oracle://app:s3cret-p ss@db.example.com/app",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3Ds3cret-pass",
        "mysql://db.example.com/app?user=app&password=s3cret-pass",
        "mysql:/app:s3cret-pass@db.example.com/app",
    ],
)
def test_a_password_in_a_database_address_does_not_reach_the_message(uri: str) -> None:
    """The message ends in a log; neither the password nor a piece of it may."""
    with pytest.raises(ConfigurationError) as caught:
        read("DATABASE_URI", uri)
    assert "s3cret" not in str(caught.value)
    assert str(caught.value).startswith("KAPA_HANDOFF_DATABASE_URI: ")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("mysql://db/app", "MySQL and MariaDB are not supported; use sqlite:////"),
        ("mariadb+pymysql://db/app", "MySQL and MariaDB are not supported; use sqlite:////"),
        ("postgresql+asyncpg://db/app", "the driver is psycopg 3"),
        ("oracle://db/app", "use sqlite:////var/lib/site/kapa_handoff.sqlite3 or postgresql://"),
    ],
)
def test_another_database_is_refused_with_what_is_allowed(uri: str, words: str) -> None:
    """MySQL and MariaDB by their names; whatever it is, the message says what to use."""
    with pytest.raises(ConfigurationError, match=re.escape(words)):
        read("DATABASE_URI", uri)


def test_a_short_password_does_not_reach_the_message_either() -> None:
    """Two letters are a bad password, not a public one."""
    with pytest.raises(ConfigurationError) as caught:
        read("DATABASE_URI", "mysql://app:qz@db.example.com/app")
    assert "qz" not in str(caught.value)


def test_a_password_in_an_origin_does_not_reach_the_message() -> None:
    """A private address that was copied into the list puts no password into the log."""
    with pytest.raises(ConfigurationError) as caught:
        read("ORIGINS", "https://user:s3cret-pass@docs.example.com")
    assert "s3cret" not in str(caught.value)


def test_the_configuration_is_read_once(make_app: Callable[..., Flask]) -> None:
    """A change of app.config after the start changes nothing behind the site's back."""
    app = make_app()
    app.config["KAPA_HANDOFF_EMAIL"] = "other@example.com"
    assert state_of(app).config.email == "support@example.com"


@pytest.mark.only("sqlite")
def test_starting_reads_and_writes_no_file(make_app: Callable[..., Flask]) -> None:
    """init_app() does no I/O: the database is opened at first use."""
    app = make_app()
    assert not os.path.exists(app.instance_path)  # noqa: PTH110


def test_a_long_address_is_refused_before_it_is_read() -> None:
    """A megabyte of brackets costs nothing; the longest address that mail knows is taken."""
    assert growth(_refused, "(" * 235_000, "(" * 940_000) < LINEAR
    longest = f"{'a' * 64}@{'b' * 62}.{'b' * 62}.{'b' * 60}.io"
    assert len(longest) == 254
    assert parse_email(longest) == longest


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("kim.example.com", "the @ is missing"),
        ("kim@@example.com", "there is more than one @"),
        ("@example.com", "the part before the @ is missing"),
        ("kim@", "the part after the @ is missing"),
        ("kim lee@example.com", "there is a space in it"),
        ("kim@example", "something like .com is missing after the @"),
        ("kim@example..com", "there is a dot too many"),
        ("kim.@example.com", "there is a dot too many"),
    ],
)
def test_a_mistyped_address_gets_a_specific_message(text: str, mistake: str) -> None:
    """The usual slips have their own messages, which complete "Check the address: …"."""
    with pytest.raises(ValueError, match=f"^{re.escape(mistake)}$"):
        parse_email(text)


def _refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 254"):
        parse_email(text)
