"""What the tests make once in a process is really made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from flask_kapa_handoff.template_environment import TemplateEnvironment
from tests.helpers.tickets import send_ticket, ticket_fields


@pytest.mark.only("sqlite")
def test_a_second_app_compiles_no_template(make_app: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither for its pages nor in another language."""

    def use(app: Flask) -> None:
        client = app.test_client()
        send_ticket(client)
        for language in ("en", "de"):
            refused = client.post(
                "/handoff/tickets", data=ticket_fields(client, email="nobody"), headers={"Accept-Language": language}
            )
            assert refused.status_code == 422

    use(make_app(name="first"))
    monkeypatch.setattr(TemplateEnvironment, "_generate", None)
    use(make_app(name="second"))
