"""Every state that people see: axe-core finds nothing, and assistive technology is told what a file says.

States are rows of tables: visitor_states.py, admin_states.py, example_states.py. All of a table are reached in one
page of the browser, and whatever is wrong in any of them is told at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import BrowserContext

from example_app import create_app
from example_app.inbox import mail_folder
from example_app.mail_server import start_mail_server
from flask_kapa_handoff.web import form_words
from tests.browser.accessibility import admin_states, example_states, visitor_states
from tests.browser.accessibility.axe import bring_axe, findings
from tests.browser.accessibility.states import State, Visit
from tests.browser.accessibility.stops import faults
from tests.browser.accessibility.tree import FOLDER, difference, tree_of
from tests.example.site import PASSWORD
from tests.helpers.servers import MailServer
from tests.helpers.sites import close
from tests.helpers.tickets import send_ticket

pytestmark = pytest.mark.only("sqlite")

PHONE, DESKTOP = (360, 640), (1280, 720)
LANGUAGES = {"en": DESKTOP, "de": PHONE, "ar": DESKTOP}
"""The languages in which the states are walked, with the size of the window."""

Walk = Callable[[Mapping[str, State], Mapping[str, Flask], str], Iterator[tuple[str, Visit]]]


@pytest.fixture
def walk(serve: Callable[[Any], str], open_context: Callable[..., BrowserContext]) -> Walk:
    """Brings somebody who reads a language to each state of a table in turn."""

    def through(states: Mapping[str, State], sites: Mapping[str, Flask], language: str) -> Iterator[tuple[str, Visit]]:
        width, height = LANGUAGES[language]
        context = open_context(locale=language, reduced_motion="reduce", viewport={"width": width, "height": height})
        bring_axe(context)
        page = context.new_page()
        visits = {name: Visit(page, site, serve(site), language) for name, site in sites.items()}
        for name, state in states.items():
            visit = visits[state.site]
            try:
                state.reach(visit)
            except Exception as error:
                raise AssertionError(f"no way to {name}") from error
            yield name, visit

    return through


class Sunday(datetime):
    """A clock on which offices are closed."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Sunday:
        return cls(2026, 11, 29, 12, tzinfo=tz)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_visitors_see(
    language: str, make_app: Callable[..., Flask], walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trees are compared in English; Tab goes through some of the states on a phone."""
    monkeypatch.setattr(form_words, "datetime", Sunday)
    sites = {
        name: visitor_states.add_chat(make_app(name=name, **config)) for name, config in visitor_states.SITES.items()
    }
    send_ticket(sites["limited"].test_client())
    wrong = []
    for name, visit in walk(visitor_states.STATES, sites, language):
        wrong += findings(name, visit.page)
        if language == "en":
            wrong += difference(name, tree_of(visit.page))
        if language == "de" and name in visitor_states.WALKED:
            wrong += faults(name, visit.page)
    assert not wrong, "\n\n".join(wrong)


def test_each_tree_is_that_of_a_state() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(visitor_states.STATES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_admins_see(language: str, make_app: Callable[..., Flask], walk: Walk, mail_server: MailServer) -> None:
    sites = {}
    for name, (handoff, config) in admin_states.SITES.items():
        sites[name] = make_app(
            name=name, handoff=handoff(), MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port, **config
        )
    admin_states.fill_in(sites["busy"], mail_server)
    wrong = []
    for name, visit in walk(admin_states.STATES, sites, language):
        wrong += findings(name, visit.page)
        if language == "de" and name in admin_states.WALKED:
            wrong += faults(name, visit.page)
    assert not wrong, "\n\n".join(wrong)


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Flask]:
    """The example site; its tickets are delivered by the test."""
    mails = start_mail_server(mail_folder(tmp_path))
    site = create_app(
        {
            "INSTANCE_PATH": str(tmp_path),
            "MAIL_PORT": mails.port,
            "ADMIN_PASSWORD": PASSWORD,
            "KAPA_CHAT_SECONDS": 0,
            "KAPA_HANDOFF_DELIVERY": "inline",
        }
    )
    yield site
    close(site)
    mails.stop()


def test_the_example_site(example: Flask, walk: Walk) -> None:
    wrong = []
    for name, visit in walk(example_states.STATES, {"example": example}, "en"):
        wrong += findings(name, visit.page)
        if name in example_states.WALKED:
            wrong += faults(name, visit.page)
    assert not wrong, "\n\n".join(wrong)
