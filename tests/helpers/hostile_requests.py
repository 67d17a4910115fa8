"""Hostile requests: every route, every header that is read, any body. They are made from a random source."""

from __future__ import annotations

import io
import json
import random
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from flask import Flask, render_template_string
from werkzeug.test import run_wsgi_app

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from tests.helpers.pages import Page, json_of
from tests.helpers.tickets import PAIR, post, send_ticket, ticket_fields

PIECES = (
    *(
        "",
        "a",
        "default",
        "true",
        "null",
        "0",
        "-1",
        "1e9",
        "9" * 40,
        "T-ABC234",
        "x" * 300,
        " ",
        "\t",
        "%00",
        "../",
        "..;/",
    ),
    *("\x00", "\x0b", "\x1b[0m", "\x7f", "\x85", "\xa0", "\xff", "é", "\u0315\u0316", "\u202e", "\u200d", "\ufeff"),
    *("\ud800", "\udfff", "\u2028", "\U0001f469\u200d\U0001f4bb", "İ", "ﬁ", "\u0627\u0644", "\uff0f", "\U000e0061"),
    *("\ufb2c" * 190, "\uff9e\u0334" * 60, "\u3164", "xn--a"),
    *("http://[", "http://[::1", "https://a@b", "http://localhost/x", "javascript:alert(1)", "//x", "http://x:99999"),
    *("<b>", "'\"", "{{7*7}}", "{% raise %}", "[a](b)", "```\n", "| a |\n|-|\n", "> > >", "[]", "{}", '{"a":', "[[[["),
    *(
        "visitor@example.com",
        "a@b",
        "=?utf-8?q?=0a?=",
        "a,b@c.example",
        "(" * 50,
        "password=hunter22",
        "4111111111111111",
    ),
)
"""What texts are put together from."""

HEADERS = (
    *("Accept", "Accept-Language", "Authorization", "Cookie", "Forwarded", "Host", "HX-Boosted", "HX-Current-URL"),
    *(
        "HX-Request",
        "HX-Target",
        "Origin",
        "Range",
        "Referer",
        "Sec-Fetch-Site",
        "X-Forwarded-For",
        "X-Forwarded-Host",
    ),
    *("X-Forwarded-Prefix", "X-Forwarded-Proto", "X-Kapa-Handoff", "If-None-Match", "User-Agent"),
)
KNOWN_VALUES = (
    *(
        "application/json",
        "text/html",
        "*/*;q=x",
        "true",
        "fragment",
        "same-origin",
        "cross-site",
        "null",
        "http://localhost",
    ),
    *(
        "http://[",
        "https://evil.example",
        "de-DE,de;q=0.9",
        "\x00",
        "en\x00",
        "Basic \xff",
        "Basic YTpi",
        "203.0.113.9:52011",
    ),
    *("[2001:db8::1]:443", "unknown", "for=x", "bytes=-5", '"x"', "localhost", "localhost:80", "a" * 3000),
    *("xn--a", "a.xn--p", "[" * 4000, "for=[," * 700, "x:y:z"),
)
CONTENT_TYPES = (
    *("application/x-www-form-urlencoded", "application/json", "application/json; charset=\xff", "text/plain", ""),
    *("multipart/form-data", "multipart/form-data; boundary=x", "application/vnd.api+json", "\x00"),
)
ROUTES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "/handoff/offer": (("GET", "HEAD", "OPTIONS"), ()),
    "/handoff/form": (("GET", "POST"), ("offer", "conversation")),
    "/handoff/tickets": (
        ("POST",),
        ("offer", "submission_id", "email", "note", "conversation", "left_out", "website"),
    ),
    "/handoff/review": (("POST",), ("offer", "email", "note", "conversation", "left_out")),
    "/handoff/events": (("POST",), ("offer", "event")),
    "/handoff/address": (("POST",), ("receipt", "email")),
    "/handoff/copy": (("POST",), ("receipt",)),
    "/handoff/static/": (("GET",), ()),
    "/handoff/admin/": (("GET",), ()),
    "/handoff/admin/settings": (
        ("POST",),
        ("desk", "version", "enabled", "email", "button_text", "triggers", "threshold", "csrf_token"),
    ),
    "/handoff/admin/preview": (("POST",), ("desk", "email", "button_text", "triggers", "threshold", "csrf_token")),
    "/handoff/admin/tickets": (("GET",), ()),
    "/handoff/admin/tickets/<reference>": (("GET",), ()),
    "/handoff/admin/tickets/<reference>/send-again": (("POST",), ("csrf_token",)),
    "/handoff/admin/tickets/release-held": (("POST",), ("csrf_token",)),
    "/handoff/admin/tickets/send-suppressed": (("POST",), ("csrf_token",)),
    "/handoff/admin/test-mail": (("POST",), ("csrf_token", "desk")),
    "/handoff/admin/doctor": (("GET",), ()),
    "/handoff/admin/health": (("GET",), ()),
    "/chat": (("GET", "POST"), ("question",)),
}
"""Each route with its methods and the fields that it reads; the last one is the site's own, with a button."""

QUERY = (
    *("pairs", "uncertain", "downvoted", "thread_id", "answer_id", "desk", "page", "requested", "offer", "before"),
    *("history", "saved", "unchanged", "queued", "v"),
)


@dataclass
class Reply:
    """The response: status, size of the body in octets, and processor time in seconds."""

    status: int
    size: int
    seconds: float
    request: dict[str, Any] = field(repr=False, default_factory=dict)


def hostile_site(make: Callable[..., Flask], **config: Any) -> Flask:
    """An app with admin pages and a page of its own that shows a button, on which limits are far away."""
    config.setdefault("handoff", KapaHandoff(admin_required=lambda view: view))
    app = make(
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1_000_000,
        KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR=1_000_000,
        KAPA_HANDOFF_TICKETS_PER_HOUR=1_000_000,
        KAPA_HANDOFF_ORIGINS="https://docs.example.com",
        PROPAGATE_EXCEPTIONS=True,
        **config,
    )

    @app.route("/chat", methods=["GET", "POST"])
    def chat() -> str:
        conversation = Conversation((QuestionAnswer("How?", "So.", "a1"),), "thread-1")
        return render_template_string("{{ kapa_handoff_button(conversation) }}", conversation=conversation)

    return app


class Attacker:
    """Makes requests and sends them. Half of the time what is needed to come far is right: an offer, a session."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        client = app.test_client()
        offered = client.get("/handoff/offer?pairs=1&thread_id=t&answer_id=a1", headers={"Accept": "application/json"})
        self._form: Callable[[], str] = lambda: (
            client.get("/handoff/form", query_string={"offer": json_of(offered)["offer"]}).text
        )
        self._sent: Callable[[], Page] = lambda: Page(post(client, "page", ticket_fields(client)).text)
        self._reference = send_ticket(client)
        settings = client.get("/handoff/admin/")
        self._token = settings.text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
        self._cookie = settings.headers["Set-Cookie"].split(";")[0]

    def attack(self, source: random.Random, route: str) -> Reply:
        """Send one request to a route, or to a similar address."""
        return self.send(self._environ(source, route))

    def send(self, environ: dict[str, Any]) -> Reply:
        """Send a request unchanged."""
        began = time.thread_time()
        body, status, _ = run_wsgi_app(self._app, dict(environ), buffered=True)
        size = sum(len(part) for part in body)
        return Reply(int(status[:3]), size, time.thread_time() - began, environ)

    def _environ(self, source: random.Random, route: str) -> dict[str, Any]:
        methods, names = ROUTES[route]
        path = route.replace("<reference>", self._reference if source.random() < 0.5 else text(source))
        path += text(source) if route.endswith("/") and source.random() < 0.8 else ""
        content_type, body = self._body(source, names)
        environ = {
            "REQUEST_METHOD": source.choice(methods),
            "SCRIPT_NAME": "",
            "PATH_INFO": _latin1(path),
            "QUERY_STRING": _query(source),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": source.choice(["127.0.0.1", "::1", "203.0.113.9:52011", "", "unix:", "\x00"]),
            "HTTP_HOST": "localhost",
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": source.choice(["http", "https"]),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if source.random() < 0.7:
            environ["HTTP_COOKIE"] = self._cookie
        for name in source.sample(HEADERS, source.randint(0, 4)):
            value = source.choice(KNOWN_VALUES) if source.random() < 0.7 else text(source)
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = _latin1(value).replace("\r", "").replace("\n", "")
        return environ

    def _body(self, source: random.Random, names: tuple[str, ...]) -> tuple[str, bytes]:
        if source.random() < 0.05:
            return source.choice(CONTENT_TYPES), text(source, 30).encode(errors="surrogatepass")
        values = {name: self._value(source, name) for name in names if source.random() < 0.95}
        if source.random() < 0.1:
            values[text(source)] = text(source)
        if source.random() < 0.5:
            return "application/json", json.dumps(values).encode()
        pairs = [
            quote_from_bytes(name.encode(errors="surrogatepass")) + "=" + quote_from_bytes(_as_text(value))
            for name, value in values.items()
        ]
        return "application/x-www-form-urlencoded", "&".join(pairs).encode()

    def _value(self, source: random.Random, name: str) -> Any:
        if source.random() < 0.3:
            return anything(source)
        if name == "offer":
            return self._form().split('name="offer"')[1].split('value="')[1].split('"')[0]
        if name == "receipt":
            return self._sent().fields["receipt"]
        if name == "conversation":
            pairs: Any = [{**PAIR, "answer": text(source, 20), "question": text(source)}, PAIR]
            return pairs if source.random() < 0.5 else json.dumps(pairs)
        usual = {
            "submission_id": str(uuid.UUID(int=source.getrandbits(128))),
            "email": "visitor@example.com",
            "note": text(source, 20),
            "website": "",
            "left_out": [text(source)] if source.random() < 0.2 else [],
            "event": "cancel",
            "csrf_token": self._token,
            "desk": "default",
            "version": str(source.randint(0, 3)),
            "enabled": "true",
            "button_text": text(source, 3),
            "triggers": "always,downvote",
            "threshold": "3",
        }
        return usual.get(name, text(source))


def text(source: random.Random, most: int = 6) -> str:
    """A text of pieces that often cause trouble."""
    return "".join(source.choice(PIECES) for _ in range(source.randint(0, most)))


def anything(source: random.Random, depth: int = 3) -> Any:
    """Any JSON value."""
    if source.random() < 0.02:
        return json.loads("[" * 900 + "]" * 900)
    kind = source.randrange(8 if depth else 5)
    if kind < 5:
        return (text(source), source.randint(-(10**20), 10**20), source.random(), None, True)[kind]
    if kind == 5:
        return [anything(source, depth - 1) for _ in range(source.randint(0, 3))]
    names = ("question", "answer", "id", "sources", "url", "title", "uncertain", "reaction", "metadata", text(source))
    return {name: anything(source, depth - 1) for name in source.sample(names, source.randint(0, 4))}


def _as_text(value: Any) -> bytes:
    written = value if isinstance(value, str) else json.dumps(value)
    return written.encode(errors="surrogatepass")


def _latin1(value: str) -> str:
    """Octets as WSGI (PEP 3333) passes them."""
    return value.encode(errors="surrogatepass").decode("latin-1")


def _query(source: random.Random) -> str:
    names = ["pairs", *source.sample(QUERY, source.randint(0, 5))]
    parts = []
    for name in names:
        value = "1" if name == "pairs" and source.random() < 0.8 else text(source)
        octets = value.encode(errors="surrogatepass")
        # Raw octets as well: attackers do not quote. A line's end would end the request line.
        raw = octets.replace(b"\r", b"").replace(b"\n", b"").decode("latin-1")
        parts.append(f"{name}={quote_from_bytes(octets) if source.random() < 0.7 else raw}")
    return "&".join(parts)
