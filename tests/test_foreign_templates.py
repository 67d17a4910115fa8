"""Sites whose templates have another syntax or place than Flask's: ours are shown, and so are theirs."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, render_template_string
from jinja2 import (
    BaseLoader,
    ChainableUndefined,
    DictLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    meta,
    nodes,
)
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer
from flask_kapa_handoff.admin import responses as admin_answers
from flask_kapa_handoff.template_environment import TEMPLATES, WORDS
from flask_kapa_handoff.testing import tickets
from flask_kapa_handoff.visitor import responses as public_answers
from tests.helpers.admin import fields, let_pass, save, shown
from tests.helpers.servers import MailServer
from tests.helpers.tickets import send_ticket, whole_way

MakeApp = Callable[..., Flask]
PLAIN = Conversation((QuestionAnswer("How?", "So.", "a1"),), "thread-1")
DELIMITERS = {
    "block_start_string": "[%",
    "block_end_string": "%]",
    "variable_start_string": "[[",
    "variable_end_string": "]]",
    "comment_start_string": "[#",
    "comment_end_string": "#]",
}

pytestmark = pytest.mark.only("sqlite")


class Sandbox(ImmutableSandboxedEnvironment):
    """A sandbox as sites have it: it also gets what Flask gives to its own class."""

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(loader=app.create_global_jinja_loader(), **options)


class OneTheme(BaseLoader):
    """A theme's loader, which asks no blueprint for templates."""

    def __init__(self, **sources: str) -> None:
        self.sources = sources

    def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:
        name = template.removesuffix(".html").replace("/", "_")
        if name not in self.sources:
            raise TemplateNotFound(template)
        return self.sources[name], None, None


def mount(make_app: MakeApp, prepare: Callable[[Flask], None] = lambda app: None, **config: Any) -> Flask:
    """An app with our admin pages, and with what the site does before it mounts us."""
    app = make_app(mount=False, **config)
    prepare(app)
    KapaHandoff(app, admin_required=let_pass)
    return app


def see_everything(app: Flask) -> None:
    """Each kind of page and fragment is shown, and a change is saved."""
    client = app.test_client()
    whole_way(client)
    for path in ("", "tickets", "doctor", f"tickets/{tickets(app)[0].reference}"):
        assert "Settings Tickets 1 Waiting Insights Check-up" in shown(client.get(f"/handoff/admin/{path}")), path
    assert save(client, button_text="Ask a person").status_code == 303
    assert "Saved. Live now." in save(client, htmx=True, button_text="Ask us").text
    tried = client.post("/handoff/admin/test-mail", data=fields(client))
    assert "data-outcome" in tried.text


# --- our own templates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        DELIMITERS,
        {"line_statement_prefix": "<", "line_comment_prefix": "  "},
        {"trim_blocks": True, "lstrip_blocks": True, "autoescape": False, "undefined": ChainableUndefined},
        {"undefined": StrictUndefined, "autoescape": lambda name: False},
        {"finalize": lambda value: "" if value is None else f"<{value}>"},
        {"extensions": ["jinja2.ext.i18n", "jinja2.ext.do"]},
        {"loader": None},
    ],
    ids=["delimiters", "line statements", "whitespace", "strict", "finalize", "i18n", "no loader"],
)
def test_pages_are_shown_whatever_the_sites_jinja_options(make_app: MakeApp, options: dict[str, Any]) -> None:
    """Ours are read by rules of their own."""

    def prepare(app: Flask) -> None:
        app.jinja_options = options

    app = mount(make_app, prepare)
    client = app.test_client()
    whole_way(client)
    for path in ("", "tickets", "doctor", "tickets/T-NONE"):
        page = client.get(f"/handoff/admin/{path}")
        assert "Settings Tickets 1 Waiting Insights Check-up" in shown(page)
        assert "{{" not in page.text
    assert save(client, button_text="<Ask>").status_code == 303
    assert "&lt;Ask&gt;" in client.get("/handoff/admin/").text


class Plain(Environment):
    """An environment that Flask knows nothing of."""

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(loader=DictLoader({}), autoescape=False)


@pytest.mark.parametrize("environment", [Sandbox, Plain])
def test_pages_are_shown_where_the_sites_environment_is_of_another_class(
    make_app: MakeApp, environment: Callable[..., Environment]
) -> None:
    """A sandbox, or one that Flask knows nothing of."""

    def prepare(app: Flask) -> None:
        app.jinja_environment = environment  # type: ignore[assignment]

    client = mount(make_app, prepare).test_client()
    whole_way(client)
    assert save(client, button_text="Ask").status_code == 303
    assert 'value="Ask"' in client.get("/handoff/admin/").text


def test_pages_are_shown_where_a_themes_loader_asks_no_blueprint(make_app: MakeApp) -> None:
    """Our templates need none of the site's loaders, and a theme may replace one."""

    def prepare(app: Flask) -> None:
        app.jinja_env.loader = OneTheme(kapa_handoff__problem="<p>The theme's own: {{ problem }}</p>")

    client = mount(make_app, prepare).test_client()
    whole_way(client)
    assert "The theme's own: The link to this form" in client.get("/handoff/form?offer=forged").text
    assert "Settings" in client.get("/handoff/admin/").text


def test_a_site_with_other_delimiters_uses_the_helpers_in_its_own_syntax(make_app: MakeApp) -> None:
    """The tags and the button are in its page."""

    def prepare(app: Flask) -> None:
        app.jinja_options = DELIMITERS

    app = mount(make_app, prepare)
    with app.test_request_context():
        page = render_template_string("[[ kapa_handoff_script() ]][[ kapa_handoff_button(c) ]]", c=PLAIN)
    assert "handoff.js" in page
    assert "data-kapa-handoff-open" in page


def test_a_template_that_a_site_replaces_has_the_sites_filters_globals_and_tests(make_app: MakeApp) -> None:
    """It is written as ours are, with what the site has added."""

    def prepare(app: Flask) -> None:
        app.jinja_options = DELIMITERS
        app.add_template_filter(lambda text: str(text).upper(), "shout")
        app.add_template_global(lambda: "GLOBAL", "own_global")
        app.add_template_test(lambda value: True, "fine")
        app.context_processor(lambda: {"of_the_site": "PROCESSOR"})
        source = "{{ problem | shout }} {{ own_global() }} {{ of_the_site }} {{ 'yes' if 1 is fine }}"
        app.jinja_loader = DictLoader({"kapa_handoff/_problem.html": source})

    page = mount(make_app, prepare).test_client().get("/handoff/form?offer=forged").text
    assert "THE LINK TO THIS FORM" in page
    assert "GLOBAL PROCESSOR yes" in page


def test_what_a_site_calls_as_jinja_calls_its_own_does_not_change_ours(make_app: MakeApp) -> None:
    """Filters, tests and globals that take the place of Jinja's."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("the site's own")

    def prepare(app: Flask) -> None:
        for name in ("join", "default", "truncate", "length", "capitalize", "replace", "urlencode"):
            app.add_template_filter(broken, name)
        app.add_template_test(broken, "none")
        app.add_template_test(broken, "defined")
        for name in ("namespace", "range", "url_for", "icon", "time", "labels", "static_url"):
            app.add_template_global(broken, name)

    see_everything(mount(make_app, prepare))


def test_names_that_a_site_gives_to_all_templates_do_not_get_into_the_admins(make_app: MakeApp) -> None:
    """A context processor's names are the site's own business, whatever they are."""
    names = {*admin_answers._NAMES, *public_answers._NAMES, "labels", "key_of", "nonce", "url_for", "request"}

    def prepare(app: Flask) -> None:
        app.context_processor(lambda: dict.fromkeys(names, "THE-SITES-OWN"))

    app = mount(make_app, prepare)
    client = app.test_client()
    for path in ("", "tickets", "doctor", "tickets/T-NONE"):
        page = client.get(f"/handoff/admin/{path}")
        assert page.status_code in (200, 404)
        assert "THE-SITES-OWN" not in page.text
    assert "THE-SITES-OWN" not in save(client, htmx=True, button_text="Ask").text


@pytest.mark.parametrize(
    ("folder", "given"),
    [("admin", admin_answers._NAMES), (".", public_answers._NAMES)],
)
def test_every_name_that_our_templates_read_is_given(folder: str, given: Any) -> None:
    """What one view does not set is set to None, so that a site's variable of that name does not get in."""
    imported = {"details", "icon", "time", "status", "error", "state", "pinned_hint"}  # where it is included
    everywhere = {"key_of", "nonce", "own_layout", "request", "site_name", "static_url", "url_for", "labels"} | set(
        WORDS
    )
    everywhere |= {"desk_label", "form_labels", "may_act", "zone_names", "action_form", "delivery_state"}
    button = {"offer", "form_url", "conversation", "thread_id", "answer_id", "desk"}  # all given with each button
    button |= {"look", "radius", "thread_key"}
    stage = {"stage", "words", "button_text", "note_max"}  # all given with each part of the preview
    read: set[str] = set()
    for file in (TEMPLATES / "kapa_handoff" / folder).glob("*.html"):
        template = Environment(autoescape=True).parse(file.read_text())
        read |= meta.find_undeclared_variables(template) - _set_or_imported(template)
    assert read - imported - everywhere - button - stage - set(DEFAULT_NAMESPACE) <= set(given)


def _set_or_imported(template: nodes.Template) -> set[str]:
    names = {name.name for name in template.find_all(nodes.Name) if name.ctx != "load"}
    for imports in template.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in imports.names}
    return names


def test_mails_are_written_where_the_site_has_other_delimiters(make_app: MakeApp, mail_server: MailServer) -> None:
    """Text and HTML go out, as anywhere."""

    def prepare(app: Flask) -> None:
        app.jinja_options = DELIMITERS

    app = mount(make_app, prepare, KAPA_HANDOFF_DELIVERY="inline", MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    send_ticket(app.test_client())
    (received,) = mail_server.wait_for(1)
    assert "It does not work on Tuesdays." in received.body("plain")
    assert ">keys rotate</code>" in received.body("html")


# --- the site's own layout -------------------------------------------------------------------------------------------


def in_layout(
    make_app: MakeApp, layout: str, prepare: Callable[[Flask], None] = lambda app: None, **sources: str
) -> Flask:
    """An app whose admin pages are in this layout."""

    def prepared(app: Flask) -> None:
        prepare(app)
        app.jinja_loader = DictLoader({"frame.html": layout, **sources})

    return mount(make_app, prepared, KAPA_HANDOFF_ADMIN_TEMPLATE="frame.html")


@pytest.mark.parametrize("sandboxed", [False, True])
def test_a_layout_is_written_in_the_sites_own_syntax(make_app: MakeApp, sandboxed: bool) -> None:
    """Its delimiters, its context processors, its escaping, its sandbox."""

    def prepare(app: Flask) -> None:
        app.jinja_options = {**DELIMITERS, "undefined": StrictUndefined}
        app.context_processor(lambda: {"menu": "<Menu>"})
        if sandboxed:
            app.jinja_environment = Sandbox  # type: ignore[assignment]

    layout = (
        "<title>[% block title %]Office[% endblock %]</title>[[ menu ]]<main>[% block content %][% endblock %]</main>"
    )
    client = in_layout(make_app, layout, prepare).test_client()
    page = client.get("/handoff/admin/tickets").text
    assert page.startswith("<title>Tickets</title>&lt;Menu&gt;<main>")
    assert page.count('class="kapa-handoff-admin"') == 1
    assert "admin.css" in page
    assert "&lt;div" not in page
    assert save(client, button_text="Ask").status_code == 303


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ("{% block title %}{% endblock %}", "Tickets"),
        ("{% block title %}<title>Home – Wiki</title>{% endblock %}", "<title>Tickets</title>"),
        (
            '{% block title %}<meta name="a"><TITLE lang="en">{{ x }} – Wiki</TITLE>{% endblock %}',
            '<meta name="a"><TITLE lang="en">Tickets</TITLE>',
        ),
        ("{% block title %}{{ nothing.at.all }}{% endblock %}", "Tickets"),
        ("<title>{{ title }} – Wiki</title>", "<title>Tickets – Wiki</title>"),
    ],
)
def test_the_title_is_where_the_layout_has_it(make_app: MakeApp, block: str, expected: str) -> None:
    """In the block, in the title element that the block brings along, or in a variable."""
    layout = f"<head>{block}</head>{{% block content %}}{{% endblock %}}"
    page = in_layout(make_app, layout).test_client().get("/handoff/admin/tickets").text
    assert page.startswith(f"<head>{expected}</head>")


def theme(name: str) -> str:
    raise RuntimeError("Could not find the active theme")


@pytest.mark.parametrize(
    ("layout", "reason"),
    [
        # FlaskBB's layout asks for its theme, which only its own views set.
        ("{% include theme('_partials/flashed_messages.html') %}{% block content %}{% endblock %}", "RuntimeError"),
        # An Otter Wiki's layout prints a block that only its own pages have.
        ("{{ self.extra_nav() }}{% block content %}{% endblock %}", "UndefinedError"),
        ("{{ url_for('nowhere') }}{% block content %}{% endblock %}", "BuildError"),
        ("{{ current_user.theme.name }}{% block content %}{% endblock %}", "UndefinedError"),
        ("{% block content %}", "TemplateSyntaxError"),
        ("{% extends 'missing.html' %}", "there is no template missing.html"),
        ("{% block body %}{% endblock %}", "it has no block 'content'"),
    ],
)
def test_a_layout_that_fails_gives_way_to_our_own_with_a_notice(
    make_app: MakeApp, caplog: pytest.LogCaptureFixture, layout: str, reason: str
) -> None:
    """The notice names the template and what is wrong; the page works, and the log has the rest."""
    app = in_layout(make_app, layout, lambda app: app.add_template_global(theme) and None)
    client = app.test_client()
    with caplog.at_level(logging.ERROR):
        page = client.get("/handoff/admin/")
    assert page.status_code == 200
    said = shown(page)
    assert "Your layout frame.html ( KAPA_HANDOFF_ADMIN_TEMPLATE ) could not be used: " + reason in said
    assert "Show the button" in said
    assert page.text.count("<main") == 1
    assert "frame.html" in caplog.text
    assert save(client, button_text="Ask").status_code == 303
    assert client.get("/handoff/admin/tickets/T-NONE").status_code == 404


def test_the_notice_names_the_line_of_the_template(make_app: MakeApp, tmp_path: Path) -> None:
    """Where the layout includes another file, that one's."""
    app = mount(make_app, KAPA_HANDOFF_ADMIN_TEMPLATE="frame.html")
    app.jinja_loader = FileSystemLoader(tmp_path)
    (tmp_path / "frame.html").write_text("\n{% include 'menu.html' %}{% block content %}{% endblock %}")
    (tmp_path / "menu.html").write_text("\n\n{{ current_user.theme.name }}")
    said = shown(app.test_client().get("/handoff/admin/"))
    assert "could not be used: UndefinedError in menu.html, line 3." in said


def test_a_layout_that_is_missing_gives_way_as_well(make_app: MakeApp) -> None:
    """A name that is mistyped is no reason for a 500."""
    app = mount(make_app, KAPA_HANDOFF_ADMIN_TEMPLATE="no-such.html")
    assert "could not be used: there is no template no-such.html" in shown(app.test_client().get("/handoff/admin/"))


def test_what_our_page_is_given_does_not_get_into_the_sites_layout(make_app: MakeApp) -> None:
    """Its own variables stay its own, or undefined."""
    layout = "{{ problem }}{{ form }}{{ notice }}{{ tickets }}|{% block content %}{% endblock %}"
    page = in_layout(make_app, layout).test_client().get("/handoff/admin/tickets").text
    assert page.startswith("|")
