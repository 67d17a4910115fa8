"""The Jinja helpers: script tag, button, Kapa's tag; and templates that a site replaces."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from sqlalchemy import event

from flask_kapa_handoff import Conversation, QuestionAnswer
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.web.urls import content_mark
from tests.helpers.pages import EVIL, Page, render
from tests.helpers.tickets import ticket_fields

PLAIN = Conversation((QuestionAnswer("How?", "So.", "a1"),), "thread-1")


def button(app: Flask, conversation: Conversation | None, **context: Any) -> str:
    return render(app, "{{ kapa_handoff_button(conversation) }}", conversation=conversation, **context).strip()


@pytest.fixture
def down(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """A site whose handoff database cannot be opened: its path is a directory."""
    return make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}")


# --- script ----------------------------------------------------------------------------------------------------------


def test_the_script_tag_loads_the_script_without_delaying_the_page(app: Flask) -> None:
    """A deferred classic script from the mount, and its style; both can be fetched."""
    page = Page(render(app, "{{ kapa_handoff_script() }}"))
    script, style = page.one("script"), page.one("link", rel="stylesheet")
    assert "defer" in script
    assert script["src"].startswith("/handoff/static/handoff.js")
    assert style["href"].startswith("/handoff/static/handoff.css")
    client = app.test_client()
    for url, kind in ((script["src"], "javascript"), (style["href"], "css")):
        with client.get(url) as answer:
            assert answer.status_code == 200
            assert kind in (answer.mimetype or "")
            assert "Set-Cookie" not in answer.headers
    assert page.text.strip() == ""


def test_the_addresses_carry_a_mark_of_the_content(app: Flask) -> None:
    """What has the mark may be kept for long, what has none may not. form.js has the mark of handoff.js."""
    client = app.test_client()
    page = Page(render(app, "{{ kapa_handoff_script() }}"))
    script, style = page.one("script")["src"], page.one("link")["href"]
    for url in (script, script.replace("handoff.js", "form.js"), style):
        path = url.partition("?")[0]
        with client.get(url) as marked, client.get(path) as plain:
            assert (marked.cache_control.max_age or 0) >= 30 * 24 * 3600
            assert (plain.cache_control.max_age or 0) < 24 * 3600


@pytest.mark.only("sqlite")
def test_a_new_release_is_loaded_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark differs if any of the files does."""
    marks = set()
    for name, text in (("handoff.js", "1"), ("form.js", "1"), ("form.js", "2"), ("vendor/htmx.min.js", "1")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
        monkeypatch.setattr("flask_kapa_handoff.web.urls.STATIC", tmp_path)
        marks.add(content_mark.__wrapped__())
    assert len(marks) == 4


def test_the_script_tag_asks_the_database_nothing(app: Flask, down: Flask) -> None:
    """It is on every page: no query, and no need of a database at all."""
    statements: list[str] = []
    engine = state_of(app).database.engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    render(app, "{{ kapa_handoff_script(desk='default', nonce='n') }}")
    assert statements == []
    assert "<script" in render(down, "{{ kapa_handoff_script() }}")


def test_the_nonce_is_on_every_tag_and_changes_with_each_page(app: Flask) -> None:
    """Nothing of the page before is kept in the next one."""
    for nonce in ("first", "second", EVIL):
        markup = render(app, "{{ kapa_handoff_script(nonce=nonce) }}", nonce=nonce)
        page = Page(markup)
        assert page.one("script")["nonce"] == nonce
        assert page.one("link").get("nonce", nonce) == nonce
        assert "alert(1)</script>" not in markup
    assert "nonce" not in render(app, "{{ kapa_handoff_script() }}")


def test_the_desk_is_passed_on_escaped(app: Flask) -> None:
    """In a data attribute of the script's tag."""
    for desk in ("sales", EVIL):
        markup = render(app, "{{ kapa_handoff_script(desk=desk) }}", desk=desk)
        assert Page(markup).one("script")["data-desk"] == desk
    assert "data-desk" not in render(app, "{{ kapa_handoff_script() }}")


@pytest.mark.parametrize(
    "call",
    ['kapa_handoff_script(desk="sales")', 'kapa_widget("w1", desk="sales")', 'kapa_handoff_button(chat, "sales")'],
)
def test_a_desk_that_does_not_exist_is_logged(app: Flask, call: str, caplog: pytest.LogCaptureFixture) -> None:
    """With those that do; the page does not fail, and the tags that are built once are logged once."""
    chat = Conversation((QuestionAnswer("How?", "So."),))
    for _ in range(2):
        render(app, "{{ " + call + " }}", chat=chat)
    reports = [record.getMessage() for record in caplog.records if "desk" in record.getMessage()]
    assert len(reports) == (2 if "button" in call else 1)
    assert "'sales'" in reports[0]
    assert reports[0].rstrip(".").endswith("use default")
    assert "{" not in reports[0]


@pytest.mark.parametrize("root", ["", "/docs", "/a/b"])
def test_the_addresses_follow_the_place_where_the_site_is_mounted(app: Flask, root: str) -> None:
    """SCRIPT_NAME comes first, then the prefix; one mount's addresses never show up in another's page."""
    for _ in range(2):
        page = Page(render(app, "{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", root=root, c=PLAIN))
        assert page.one("script")["src"].startswith(f"{root}/handoff/static/")
        assert page.one("link")["href"].startswith(f"{root}/handoff/static/")
        assert page.one("form")["action"] == f"{root}/handoff/form"


def test_without_a_request_the_addresses_follow_application_root(make_app: Callable[..., Flask]) -> None:
    """A static page that is built by a command has the right addresses, too."""
    for number, (root, expected) in enumerate([("/", ""), ("/docs", "/docs"), ("/docs/", "/docs")]):
        app = make_app(name=f"site{number}", APPLICATION_ROOT=root)
        with app.app_context():
            page = Page(render_template_string("{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", c=PLAIN))
        assert page.one("script")["src"].startswith(f"{expected}/handoff/static/")
        assert page.one("form")["action"] == f"{expected}/handoff/form"


def test_templates_of_the_site_with_other_names_are_not_ours(app: Flask) -> None:
    """Every name of the package lies under kapa_handoff/."""
    names = [name for name in state_of(app).templates.list_templates() if name.endswith((".html", ".txt"))]
    assert names
    assert all(name.startswith("kapa_handoff/") for name in names)


def test_the_host_of_one_request_gets_into_no_later_page(make_app: Callable[..., Flask]) -> None:
    """A page asked for with another Host and an allowed Origin leaves nothing behind in what is kept."""
    app = make_app(KAPA_HANDOFF_ORIGINS="https://docs.example.com")

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_script() }}{{ kapa_handoff_button(c) }}", c=PLAIN)

    client = app.test_client()
    forged = client.get("/page", headers={"Origin": "https://docs.example.com", "Host": "evil.example.com"})
    assert "evil.example.com/handoff" not in forged.text
    assert 'src="/handoff/static/handoff.js' in client.get("/page").text


def test_the_page_of_an_offer_is_an_address_of_the_web(make_app: Callable[..., Flask]) -> None:
    """What a browser names as its page becomes a link of the confirmation only if it is http or https."""
    app = make_app()

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_button(c) }}", c=PLAIN)

    client = app.test_client()
    shown = client.get("/page", headers={"HX-Current-URL": "javascript://localhost/%0aalert(1)"})
    offer = Page(shown.text).fields["offer"]
    answer = client.post("/handoff/tickets", data=ticket_fields(client, offer=offer))
    assert answer.status_code == 201
    assert "javascript:" not in answer.text
    assert "http://localhost/page" in answer.text


def test_a_long_address_of_a_page_costs_no_button(make_app: Callable[..., Flask]) -> None:
    """A server-rendered button has an offer that fits into an address, which names as much of the page as fits."""
    app = make_app()

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_button(c) }}", c=PLAIN)

    client = app.test_client()
    offer = Page(client.get("/page?x=1&state=" + secrets.token_urlsafe(2_000)).text).fields["offer"]
    assert len(offer) < 1_000
    assert state_of(app).offer_signer().read(offer).page == "http://localhost/page?x=1"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({"question": "How?", "answer": "So."}, "pairs[0] is dict, not QuestionAnswer"),
        (QuestionAnswer("How?", "So.", sources=None), "pairs[0].sources is NoneType, not a list of Source"),  # type: ignore[arg-type]
        (QuestionAnswer("How?", "So.", sources=({"title": "Guide"},)), "pairs[0].sources[0] is dict, not Source"),  # type: ignore[arg-type]
    ],
)
def test_a_conversation_of_wrong_parts_costs_the_page_only_its_button(
    app: Flask, caplog: pytest.LogCaptureFixture, pair: Any, words: str
) -> None:
    """The log names the wrong part, and the site's page goes on."""
    assert button(app, conversation=Conversation((pair,), "t1")) == ""
    assert words in caplog.text
