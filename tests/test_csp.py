"""Sites with nonces in their Content-Security-Policy: our scripts and styles have the site's nonce."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, g, render_template_string
from flask_talisman import Talisman
from jinja2 import DictLoader, pass_context

from flask_kapa_handoff import ConfigurationError, KapaHandoff
from tests.helpers.admin import let_pass
from tests.helpers.offers import signed_offer

MakeApp = Callable[..., Flask]
POLICY = {"default-src": "'none'", "script-src": "'strict-dynamic'", "style-src": [], "img-src": "'self'"}

pytestmark = pytest.mark.only("sqlite")


def tags(page: str) -> list[str]:
    """The tags of a page to which a policy applies."""
    return re.findall(r'<script[^>]*>|<link rel="stylesheet"[^>]*>', page)


def with_talisman(make_app: MakeApp, *, nonce_in: list[str], **config: Any) -> Flask:
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), **config)
    Talisman(app, content_security_policy=POLICY, content_security_policy_nonce_in=nonce_in, force_https=False)
    app.config["SESSION_COOKIE_SECURE"] = False
    return app


@pytest.mark.parametrize("layout", [None, "frame.html"])
def test_the_nonce_of_flask_talisman_is_found(make_app: MakeApp, layout: str | None) -> None:
    """Each tag of the admin's pages, of the visitor's and of the helpers carries the nonce of its response."""
    config = {"KAPA_HANDOFF_ADMIN_TEMPLATE": layout} if layout else {}
    app = with_talisman(make_app, nonce_in=["script-src", "style-src"], **config)
    app.jinja_loader = DictLoader({"frame.html": "{% block content %}{% endblock %}"})

    @app.get("/page")
    def page() -> str:
        return render_template_string("{{ kapa_handoff_script(bridge='button') }}{{ kapa_widget('id') }}")

    client = app.test_client()
    offer = signed_offer(client)
    for path, count in (
        ("/handoff/admin/", 3 if layout else 4),
        ("/page", 7),
        (f"/handoff/form?offer={offer}", 1),
        ("/handoff/form?offer=x", 1),
    ):
        answer = client.get(path)
        nonce = re.search(r"'nonce-([^']+)'", answer.headers["Content-Security-Policy"])
        assert nonce
        assert len(tags(answer.text)) == count
        for tag in tags(answer.text):
            assert tag.count(f' nonce="{nonce[1]}"') == 1, tag
            assert tag.count("nonce=") == 1, tag


def test_without_a_nonce_in_the_policy_the_tags_have_none(make_app: MakeApp) -> None:
    """Talisman gives an empty text where it makes none."""
    app = with_talisman(make_app, nonce_in=[])
    assert "nonce" not in app.test_client().get("/handoff/admin/").text
    with app.test_request_context():
        assert "nonce" not in render_template_string("{{ kapa_handoff_script() }}")


def test_the_sites_own_nonce_comes_first(make_app: MakeApp) -> None:
    """KAPA_HANDOFF_CSP_NONCE is set once for all tags; an argument is of one page."""
    app = make_app(
        handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_CSP_NONCE=lambda: g.setdefault("nonce", 'a"b')
    )
    app.add_template_global(lambda: "talisman", "csp_nonce")
    for tag in tags(app.test_client().get("/handoff/admin/").text):
        assert 'nonce="a&#34;b"' in tag
    with app.test_request_context():
        assert 'nonce="a&#34;b"' in render_template_string("{{ kapa_handoff_script() }}")
        assert 'nonce="c"' in render_template_string("{{ kapa_handoff_script(nonce='c') }}")
        assert 'nonce="c"' in render_template_string("{{ kapa_widget('id', nonce='c') }}")


def test_a_failing_nonce_breaks_no_page(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    """The page is shown without one, and the log says where the error was raised."""

    def broken() -> str:
        raise RuntimeError("SECRET")

    app = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_CSP_NONCE=broken)
    with caplog.at_level(logging.ERROR):
        assert "nonce" not in app.test_client().get("/handoff/admin/").text
    assert f".broken) raised RuntimeError in broken ({__file__}, line " in caplog.text
    assert "SECRET" not in caplog.text


def test_a_template_function_that_is_not_talismans_is_left_alone(make_app: MakeApp) -> None:
    """One that wants the template's context is no source of ours."""
    app = make_app()

    @app.template_global("csp_nonce")
    @pass_context
    def csp_nonce(context: Any) -> str:
        return "x"

    with app.test_request_context():
        assert "handoff.js" in render_template_string("{{ kapa_handoff_script() }}")


def test_outside_a_request_there_is_no_nonce(make_app: MakeApp) -> None:
    """A page that a command renders."""
    app = with_talisman(make_app, nonce_in=["script-src"])
    with app.app_context():
        assert "nonce" not in render_template_string("{{ kapa_handoff_script() }}")


@pytest.mark.parametrize("value", ["abc", 5, True])
def test_a_nonce_must_be_a_function(make_app: MakeApp, value: object) -> None:
    """A fixed text would be no nonce."""
    with pytest.raises(ConfigurationError, match=r"KAPA_HANDOFF_CSP_NONCE: .* use a function"):
        make_app(KAPA_HANDOFF_CSP_NONCE=value)


def test_a_policy_of_the_site_is_not_replaced(make_app: MakeApp) -> None:
    """One header, the site's."""
    app = with_talisman(make_app, nonce_in=["script-src"])
    answer = app.test_client().get("/handoff/admin/")
    assert len(answer.headers.getlist("Content-Security-Policy")) == 1
    assert "strict-dynamic" in answer.headers["Content-Security-Policy"]
