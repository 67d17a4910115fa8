"""In other people's applications: how it is mounted, under which path, and behind which proxy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_kapa_handoff import ConfigurationError, Conversation, KapaHandoff
from flask_kapa_handoff.testing import tickets
from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON, PLAIN, Page, json_of
from tests.helpers.tickets import send_ticket, ticket_fields, whole_way


def test_an_app_factory_mounts_one_extension_object_on_many_apps(make_app: Callable[..., Flask]) -> None:
    """init_app() as often as there are apps; each has its own configuration and tickets."""
    handoff = KapaHandoff()
    one = make_app(handoff=handoff, name="one", KAPA_HANDOFF_EMAIL="one@example.com")
    two = make_app(handoff=handoff, name="two", KAPA_HANDOFF_EMAIL="two@example.com", KAPA_HANDOFF_URL_PREFIX="/help")
    whole_way(one.test_client())
    whole_way(two.test_client(), "/help")
    assert [ticket.recipient for ticket in tickets(one)] == ["one@example.com"]
    assert [ticket.recipient for ticket in tickets(two)] == ["two@example.com"]


def test_two_lines_mount_it(make_app: Callable[..., Flask]) -> None:
    """KapaHandoff(app), and nothing else."""
    app = make_app(mount=False)
    KapaHandoff(app)
    whole_way(app.test_client())


def test_two_apps_in_one_process_know_nothing_of_each_other(make_app: Callable[..., Flask]) -> None:
    """Neither do the hooks of one extension object reach the other's app, nor an offer its form."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: PLAIN)
    one, two = make_app(handoff=handoff, name="one", SECRET_KEY="one"), make_app(name="two", SECRET_KEY="two")
    send_ticket(one.test_client(), conversation=None)
    answer = two.test_client().post("/handoff/tickets", data=ticket_fields(two.test_client(), conversation=None))
    assert answer.status_code == 422
    offer = signed_offer(one.test_client())
    assert two.test_client().get("/handoff/form", query_string={"offer": offer}).status_code == 403


def test_a_second_mount_on_one_app_is_refused_with_what_to_do(app: Flask) -> None:
    """The error says so, and the first mount goes on working."""
    with pytest.raises(ConfigurationError, match=r"init_app\(\)"):
        KapaHandoff(app)
    handoff = KapaHandoff()
    with pytest.raises(ConfigurationError, match="already"):
        handoff.init_app(app)
    whole_way(app.test_client())


def test_hooks_may_be_registered_after_the_mount(make_app: Callable[..., Flask]) -> None:
    """The usual order: KapaHandoff(app), then the decorated functions; a hook stays the function that it was."""
    handoff = KapaHandoff()
    app = make_app(handoff=handoff)

    @handoff.conversation_loader
    def load(thread_id: str) -> Conversation:
        return PLAIN

    assert load("x") is PLAIN
    send_ticket(app.test_client(), conversation=None)
    assert tickets(app)[0].transcript_source == "site"


@pytest.mark.parametrize("prefix", ["/handoff", "/help", "/a/b-c/d.e"])
def test_it_works_under_any_prefix(make_app: Callable[..., Flask], prefix: str) -> None:
    """Every address in the markup follows."""
    app = make_app(KAPA_HANDOFF_URL_PREFIX=prefix)
    client = app.test_client()
    for answer in whole_way(client, prefix):
        if answer.status_code != 204:
            for _, attributes in Page(answer.text).elements:
                for name in ("action", "href", "src"):
                    assert attributes.get(name, prefix).startswith(prefix)
    if prefix != "/handoff":
        assert client.get("/handoff/offer?pairs=1").status_code == 404


def test_it_works_under_another_applications_path(make_app: Callable[..., Flask]) -> None:
    """Mounted with a dispatcher, SCRIPT_NAME is in every address, and styles load."""
    app = make_app(APPLICATION_ROOT="/docs")
    client = Client(DispatcherMiddleware(NotFound(), {"/docs": app}))
    answers = whole_way(client, "/docs/handoff")
    assert Page(answers[0].text).one("form")["action"] == "/docs/handoff/form"
    style = Page(answers[1].text).one("link", rel="stylesheet")["href"]
    assert style.startswith("/docs/handoff/static/")
    with client.get(style) as answer:
        assert answer.status_code == 200
    said = client.get("/docs/handoff/offer?pairs=1", headers=JSON)
    assert json_of(said)["form_url"] == "/docs/handoff/form"


def test_behind_a_proxy_the_origin_and_the_prefix_are_those_of_the_outside(make_app: Callable[..., Flask]) -> None:
    """With ProxyFix the browser's Origin is the forwarded host, and addresses have the forwarded prefix."""
    app = make_app()
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    client = app.test_client()
    forwarded = {
        "X-Forwarded-For": "192.0.2.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "docs.example.com",
        "X-Forwarded-Prefix": "/kb",
    }
    button = client.get("/handoff/offer?pairs=1", headers=forwarded)
    assert Page(button.text).one("form")["action"] == "/kb/handoff/form"
    fields = ticket_fields(client, offer=Page(button.text).fields["offer"])
    own = {**JSON, **forwarded, "Origin": "https://docs.example.com"}
    assert client.post("/handoff/tickets", data=fields, headers=own).status_code == 201
    foreign = {**JSON, **forwarded, "Origin": "https://evil.example"}
    assert client.post("/handoff/tickets", data=fields, headers=foreign).status_code == 403


@pytest.mark.parametrize(
    ("trusted", "headers", "unheeded"),
    [
        (None, {}, False),
        (None, {"X-Forwarded-For": "192.0.2.7"}, True),
        (None, {"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, True),
        (None, {"Forwarded": "for=127.0.0.1;proto=https"}, False),
        (0, {"X-Forwarded-For": "192.0.2.7"}, True),
        (1, {"X-Forwarded-For": "192.0.2.7"}, False),
        (1, {"X-Forwarded-For": "203.0.113.9, 192.0.2.7"}, False),
        (1, {"X-Forwarded-For": "2001:db8::1"}, False),
        (1, {}, False),
    ],
)
def test_a_ticket_tells_whether_a_proxy_hid_its_visitor(
    make_app: Callable[..., Flask], trusted: int | None, headers: dict[str, str], unheeded: bool
) -> None:
    """The request names the visitor's address, and the site ignored it: the check-up finds that in the ticket."""
    app = make_app()
    if trusted is not None:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=trusted)  # type: ignore[method-assign]
    client = app.test_client()
    assert client.post("/handoff/tickets", data=ticket_fields(client), headers=JSON | headers).status_code == 201
    assert [ticket.proxy_unheeded for ticket in tickets(app)] == [unheeded]


def test_importing_the_package_leaves_what_it_may_not_need() -> None:
    """Alembic, smtplib, Markdown, the form library and PostgreSQL come when they are used, not at import."""
    program = "import sys, flask_kapa_handoff; print([n for n in sys.argv[1:] if n in sys.modules])"
    names = ["alembic", "smtplib", "comrak", "nh3", "flask_mail", "wtforms", "email_validator"]
    names += ["sqlalchemy.dialects.postgresql"]
    done = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
