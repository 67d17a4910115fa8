"""A site's own templates that fail: the package's take their place, and the check-up names them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask, render_template_string

from flask_kapa_handoff import Conversation, QuestionAnswer
from flask_kapa_handoff.testing import make_offer
from tests.helpers.commands import findings
from tests.helpers.pages import FRAGMENT
from tests.helpers.tickets import post, send_ticket, ticket_fields

pytestmark = pytest.mark.only("sqlite")

Site = Callable[[Mapping[str, str]], Flask]

BROKEN = {"it raises": "<b>\n{{ nothing.at.all }}", "it cannot be compiled": "<b>\n{% if %}"}
LOG = "flask_kapa_handoff.visitor.rendering"


@pytest.fixture
def site_with(make_app: Callable[..., Flask], tmp_path: Path) -> Site:
    """Builds a site with templates of its own, by their names in its folder kapa_handoff/."""

    def build(templates: Mapping[str, str]) -> Flask:
        app = make_app(TESTING=True)
        for name, text in templates.items():
            file = tmp_path / "templates" / "kapa_handoff" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        app.template_folder = str(tmp_path / "templates")
        return app

    return build


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == LOG]


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_button_costs_neither_the_page_nor_the_button(
    site_with: Site, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """On the site's page and as a fragment; the log names the line, once."""
    app = site_with({"_button.html": broken})
    conversation = Conversation((QuestionAnswer("How?", "So."),))
    for _ in range(2):
        with app.test_request_context():
            page = render_template_string("<h1>Chat</h1>{{ kapa_handoff_button(c) }}", c=conversation)
        assert "<h1>Chat</h1>" in page
        assert "data-kapa-handoff-open" in page
        assert "data-kapa-handoff-open" in app.test_client().get("/handoff/offer?pairs=1").text
    (report,) = reports(caplog)
    assert "_button.html, line 2); the package's is shown." in report


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("headers", [{}, FRAGMENT], ids=["page", "fragment"])
def test_a_broken_form_is_replaced_and_a_ticket_can_be_sent(
    site_with: Site, broken: str, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Empty, and with what was typed."""
    app = site_with({"_form.html": broken})
    client = app.test_client()
    shown = client.get("/handoff/form", query_string={"offer": make_offer(client)}, headers=headers)
    assert shown.status_code == 200
    assert "data-kapa-handoff-form" in shown.text
    again = post(
        client, "fragment" if headers else "page", ticket_fields(client, email="nobody", note="My own words.")
    )
    assert again.status_code == 422
    assert "My own words." in again.text
    assert send_ticket(client)
    assert len(reports(caplog)) == 1
    assert "My own words." not in caplog.text


def test_an_error_of_the_site_around_it_is_not_hidden(site_with: Site) -> None:
    """A context processor that raises fails with the package's templates as well."""
    app = site_with({})

    @app.context_processor
    def fail() -> dict[str, object]:
        raise KeyError("the site's own")

    with pytest.raises(KeyError, match="the site's own"):
        app.test_client().get("/handoff/offer?pairs=1")


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("name", ["_button.html", "_form.html", "_confirmation.html", "mail/ticket.txt"])
def test_the_check_up_names_a_broken_template(site_with: Site, name: str, broken: str) -> None:
    """With its line, before any visitor has seen it."""
    _, output = findings(site_with({name: broken}))
    assert f"{Path(name).name}, line 2." in output
    assert output.count("A template of yours") == 1


def test_the_check_up_names_a_misnamed_template(site_with: Site) -> None:
    """And leaves alone what a site's own templates include."""
    _, output = findings(site_with({"_forms.html": "<p>", "_form_captcha.html": "<p>", "mail/tickets.txt": "Hi"}))
    assert "_forms.html takes the place of none: did you mean kapa_handoff/_form.html?" in output
    assert "mail/tickets.txt takes the place of none: did you mean kapa_handoff/mail/ticket.txt?" in output
    assert "captcha" not in output


def test_templates_that_work_are_not_mentioned(site_with: Site) -> None:
    """With what the package's own use, and what only a request has."""
    form = "{{ request.path }} {{ form.shown | length }} {{ site_name }}"
    _, output = findings(site_with({"_form.html": form, "_button.html": "{{ button_text }}"}))
    assert "emplate of yours" not in output
