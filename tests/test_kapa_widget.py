"""Kapa's tag, the bridge's tags, and the settings in them."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from flask_kapa_handoff import KapaHandoff
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.settings import current_settings, save_settings
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.triggers import parse_triggers
from flask_kapa_handoff.web.urls import STATIC
from tests.helpers.admin import let_pass, save
from tests.helpers.pages import EVIL, Page, render
from tests.helpers.sites import environment_of

pytestmark = pytest.mark.only("sqlite")

WIDGET = "{{ kapa_widget('WEBSITE-ID', project_name='Acme', project_color='#3b5bdb') }}"
HANDOFF = {
    "data-handoff-email": "support@example.com",
    "data-handoff-button-text": "Create ticket",
    "data-handoff-triggers": "always",
    "data-handoff-conversation-length-threshold": "3",
}


def tag(app: Flask, template: str = WIDGET, **context: Any) -> dict[str, str]:
    """Kapa's own tag, the first one."""
    return Page(render(app, template, **context)).all("script")[0]


def change(app: Flask, **values: Any) -> None:
    """What another process's admin does."""
    state = state_of(app)
    with state.database.write() as connection:
        wanted = replace(current_settings(connection, state.config), **values)
        save_settings(connection, state.config, wanted, changed_by="a test")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time passes only when the test says so."""
    now = [1000.0]
    monkeypatch.setattr("flask_kapa_handoff.settings_cache.time.monotonic", lambda: now[0])

    def pass_seconds(seconds: float) -> None:
        now[0] += seconds

    return pass_seconds


# --- Kapa's tag ------------------------------------------------------------------------------------------------------


def test_kapas_tag_carries_the_keywords_and_the_saved_settings(app: Flask) -> None:
    """Underscores become hyphens; the four handoff attributes are the desk's; nothing else is there."""
    assert tag(app) == {
        "async": "",
        "src": "https://widget.kapa.ai/kapa-widget.bundle.js",
        "data-website-id": "WEBSITE-ID",
        "data-project-name": "Acme",
        "data-project-color": "#3b5bdb",
        **HANDOFF,
    }


def test_an_admins_settings_are_in_the_tag(app: Flask) -> None:
    """Text, triggers and threshold, as Kapa spells them."""
    change(app, button_text="Ask a human", triggers=parse_triggers("downvote,uncertainty"), threshold=5)
    assert {name: value for name, value in tag(app).items() if "handoff" in name} == {
        **HANDOFF,
        "data-handoff-button-text": "Ask a human",
        "data-handoff-triggers": "uncertainty,downvote",
        "data-handoff-conversation-length-threshold": "5",
    }


@pytest.mark.parametrize("values", [{"enabled": False}, {"email": None}])
def test_a_desk_that_takes_no_tickets_has_no_handoff_attributes(app: Flask, values: dict[str, Any]) -> None:
    """Kapa shows no button then, even where the page's template names them itself."""
    change(app, **values)
    for template in (WIDGET, "{{ kapa_widget('ID', handoff_email='x@example.com', handoff_triggers='always') }}"):
        assert not [name for name in tag(app, template) if "handoff" in name]


def test_the_settings_take_precedence_over_the_template(app: Flask) -> None:
    """The admin's page says what holds."""
    found = tag(app, "{{ kapa_widget('ID', handoff_email='x@example.com', handoff_button_color='#fff') }}")
    assert found["data-handoff-email"] == "support@example.com"
    assert found["data-handoff-button-color"] == "#fff"


def test_every_value_is_escaped_and_keeps_its_meaning(app: Flask) -> None:
    """Text of any kind; true and false as HTML's data attributes say it; None: no attribute."""
    found = tag(app, "{{ kapa_widget(evil, project_name=evil, nonce=evil, a=true, b=false, c=none, d=7) }}", evil=EVIL)
    assert found["data-website-id"] == found["data-project-name"] == found["nonce"] == EVIL
    assert (found["data-a"], found["data-b"], found["data-d"]) == ("true", "false", "7")
    assert "data-c" not in found
    change(app, button_text=EVIL[:40])
    state_of(app).settings_cache.clear()
    assert tag(app)["data-handoff-button-text"] == EVIL[:40]


def test_marked_up_text_cannot_end_its_attribute(app: Flask) -> None:
    """A translated text with markup of its own keeps it, and its quotes are only quotes."""
    template = """{% set note %}Say "hi" to <b>us</b> &amp; them{% endset %}{{ kapa_widget("ID", modal_note=note) }}"""
    assert tag(app, template)["data-modal-note"] == 'Say "hi" to <b>us</b> & them'


def test_after_kapas_tag_come_its_queue_and_the_bridge(app: Flask) -> None:
    """External scripts; the queue at once, so that whatever follows can call Kapa(); the nonce is on each."""
    kapa, queue, bridge = Page(render(app, "{{ kapa_widget('ID', nonce='abc') }}")).all("script")
    assert queue["src"].startswith("/handoff/static/kapa.js?v=")
    assert not {"async", "defer"} & set(queue)
    assert bridge["src"].startswith("/handoff/static/bridge.js?v=")
    assert (bridge["data-bridge"], bridge["defer"]) == ("takeover", "")
    assert {kapa["nonce"], queue["nonce"], bridge["nonce"]} == {"abc"}
    client = app.test_client()
    for script in (queue, bridge):
        with client.get(script["src"]) as answer:
            assert answer.status_code == 200
            assert "javascript" in (answer.mimetype or "")


# --- the bridge's tag ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["takeover", "button"])
def test_the_script_tag_brings_the_bridge_along(app: Flask, way: str) -> None:
    """After handoff.js, which it feeds, and Kapa's queue; with the desk and the nonce."""
    template = "{{ kapa_handoff_script(bridge=way, desk='sales', nonce='abc') }}"
    script, queue, bridge = Page(render(app, template, way=way)).all("script")
    assert "handoff.js" in script["src"]
    assert "kapa.js" in queue["src"]
    assert not {"async", "defer", "data-desk"} & set(queue)
    assert queue["nonce"] == "abc"
    assert "bridge.js" in bridge["src"]
    assert "defer" in bridge
    assert (bridge["data-bridge"], bridge["data-desk"], bridge["nonce"]) == (way, "sales", "abc")


def test_without_a_bridge_there_is_none(app: Flask) -> None:
    """Also after another page had one: tags are kept."""
    render(app, "{{ kapa_handoff_script(bridge='button') }}")
    assert "bridge.js" not in render(app, "{{ kapa_handoff_script() }}")


@pytest.mark.parametrize("missing", ["''", "none", "nowhere"])
def test_a_widget_without_an_id_is_refused(app: Flask, missing: str) -> None:
    """Such as a configuration key that is not set."""
    with pytest.raises(ValueError, match="website id is missing"):
        render(app, f"{{{{ kapa_widget({missing}) }}}}")


def test_an_unknown_way_is_refused_with_the_allowed_ones(app: Flask) -> None:
    """A typing error shows at once."""
    with pytest.raises(ValueError, match="'buttons' is not allowed; use takeover or button"):
        render(app, "{{ kapa_handoff_script(bridge='buttons') }}")


def test_the_scripts_are_small() -> None:
    """They are on every page (form.js: once a form is opened). Their sizes are gzipped."""
    for name, limit in (
        ("bridge.js", 3 * 1024),
        ("handoff.js", 6 * 1024),
        ("form.js", 4 * 1024),
        ("handoff.css", 3 * 1024),
        ("kapa.js", 300),
    ):
        assert len(gzip.compress((STATIC / name).read_bytes(), 9, mtime=0)) <= limit, name


# --- the settings' short memory --------------------------------------------------------------------------------------


def test_most_page_views_ask_the_database_nothing(app: Flask, clock: Callable[[float], None]) -> None:
    """One query in three seconds, however many pages are shown."""
    tag(app)
    statements: list[str] = []
    engine = state_of(app).database.engine
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    for _ in range(10):
        clock(0.29)
        tag(app)
    assert statements == []
    clock(0.2)
    tag(app)
    assert len([statement for statement in statements if "kapa_handoff_desk" in statement]) == 1


def test_an_admins_change_shows_within_five_seconds(app: Flask, clock: Callable[[float], None]) -> None:
    """On every process: here, on one that did not see the change."""
    tag(app)
    change(app, button_text="Ask a human")
    clock(4.9)
    assert tag(app)["data-handoff-button-text"] == "Ask a human"


def test_the_process_that_saves_shows_it_at_once(
    make_app: Callable[..., Flask], clock: Callable[[float], None]
) -> None:
    """An admin who saves looks at the page next."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass))
    tag(app)
    assert save(app.test_client(), button_text="Ask a human").status_code == 303
    assert tag(app)["data-handoff-button-text"] == "Ask a human"


def test_another_process_shows_it_as_well(app: Flask, tmp_path: Path, clock: Callable[[float], None]) -> None:
    """A real second process saves."""
    tag(app)
    program = (
        "from flask import Flask\n"
        "from flask_kapa_handoff import KapaHandoff\n"
        "from flask_kapa_handoff.testing import change_settings\n"
        "app = Flask('site', instance_path=__import__('sys').argv[1])\n"
        "app.config.update(SECRET_KEY='x', KAPA_HANDOFF_EMAIL='support@example.com')\n"
        "app.config.from_prefixed_env()\n"
        "KapaHandoff(app)\n"
        "change_settings(app, button_text='From elsewhere')\n"
    )
    command = [sys.executable, "-c", program, app.instance_path]
    subprocess.run(command, check=True, env=environment_of(app), cwd=Path(__file__).parent.parent)
    clock(4.9)
    assert tag(app)["data-handoff-button-text"] == "From elsewhere"


@pytest.mark.only("sqlite")
def test_without_a_database_the_known_settings_stay(
    app: Flask, clock: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    """A handoff that this site cannot take then goes to Kapa: better than no button. Not every page tries again."""
    tag(app)
    state = state_of(app)
    state.database.close()
    Path(app.instance_path, "kapa_handoff.sqlite3").rename(Path(app.instance_path, "away"))
    Path(app.instance_path, "kapa_handoff.sqlite3").mkdir()
    for _ in range(3):
        clock(4.0)
        for _ in range(5):
            assert tag(app)["data-handoff-email"] == "support@example.com"
    assert len([record for record in caplog.records if "last known" in record.message]) == 3


def test_while_one_page_reads_the_others_do_not_wait(
    app: Flask, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that hangs delays one page view, however long it hangs; an admin's save meanwhile is not undone."""
    state = state_of(app)
    tag(app)
    change(app, button_text="Ask a human")
    clock(3.1)
    inner, reads = state.database.read, []

    @contextmanager
    def hanging() -> Iterator[Any]:
        reads.append(1)
        clock(14.0)
        assert tag(app)["data-handoff-button-text"] == "Create ticket"  # another page, meanwhile
        with inner() as connection:
            yield connection
        change(app, button_text="Ask Ada")
        state.settings_cache.clear()

    monkeypatch.setattr(state.database, "read", hanging)
    assert tag(app)["data-handoff-button-text"] == "Ask a human"
    assert len(reads) == 1
    monkeypatch.setattr(state.database, "read", inner)
    assert tag(app)["data-handoff-button-text"] == "Ask Ada"


def test_a_reader_that_fails_late_does_not_restore_older_settings(
    app: Flask, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one was quicker and found newer ones."""
    state = state_of(app)
    tag(app)
    change(app, button_text="Ask a human")
    clock(3.1)
    inner = state.database.read

    @contextmanager
    def failing() -> Iterator[Any]:
        monkeypatch.setattr(state.database, "read", inner)
        clock(19.0)
        assert tag(app)["data-handoff-button-text"] == "Ask a human"
        raise Unavailable
        yield

    monkeypatch.setattr(state.database, "read", failing)
    assert tag(app)["data-handoff-button-text"] == "Ask a human"


def test_a_database_that_was_never_there_costs_the_page_nothing_but_the_handoff(
    make_app: Callable[..., Flask], tmp_path: Path, clock: Callable[[float], None]
) -> None:
    """Kapa's widget is shown without its button."""
    app = make_app(KAPA_HANDOFF_DATABASE_URI=f"sqlite:///{tmp_path}")
    found = tag(app)
    assert found["data-website-id"] == "WEBSITE-ID"
    assert not [name for name in found if "handoff" in name]
