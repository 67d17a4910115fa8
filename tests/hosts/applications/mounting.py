"""Runs in an application's own environment: mounts the installed package into it and adds two pages with a chat.

Nothing of the test suite can be imported here; the folder of these modules is copied out of the source tree.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, render_template_string
from werkzeug.serving import make_server

from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer

QUESTION, ANSWER = "How do I rotate a key?", "Run `keys rotate` twice."
CHAT = """
{% extends layout %}{% block content %}
<h2>Ask our AI</h2>
{{ kapa_handoff_script() }}
<div id="answer" data-kapa-handoff-slot></div>
<script defer src="{{ url_for('chat.script') }}"></script>
{% endblock %}"""
RENDERED = """
{% extends layout %}{% block content %}
<h2>Ask our AI</h2>
{{ kapa_handoff_script() }}
<p>{{ question }}</p><p>{{ answer }}</p>
{{ kapa_handoff_button(conversation) }}
{% endblock %}"""
SCRIPT = """
document.addEventListener("DOMContentLoaded", () => KapaHandoff.answer({
  threadId: "thread-1", id: "a1", sources: [], uncertain: true, question: %s, answer: %s,
}));
"""


def mount(
    app: Flask,
    admin_required: Callable[..., Any],
    *,
    layout: str,
    admin_name: Callable[[], str] | None = None,
) -> Flask:
    """What the README says, and a page of ours inside the application's own layout.

    Arguments:
        layout: the application's layout, with a block ``content``: for the pages with the chat and the admin's.
        admin_name: how the application calls the admin who is signed in, where it has a login of its own.
    """
    if not os.environ["HANDOFF_CONFIG"]:
        return app  # to compare with
    app.config.update(json.loads(os.environ["HANDOFF_CONFIG"]), KAPA_HANDOFF_ADMIN_TEMPLATE=layout)
    handoff = KapaHandoff()
    if admin_name is not None:
        handoff.admin_name(admin_name)
    handoff.init_app(app, admin_required=admin_required)
    chat = Blueprint("chat", __name__, url_prefix="/chat", template_folder="templates")

    @chat.get("/")
    def asked_in_the_browser() -> str:
        return render_template_string(CHAT, layout=layout)

    @chat.get("/rendered")
    def rendered_by_the_server() -> str:
        conversation = Conversation((QuestionAnswer(QUESTION, ANSWER, id="a1", uncertain=True),), "thread-1")
        return render_template_string(
            RENDERED,
            layout=layout,
            question=QUESTION,
            answer=ANSWER,
            conversation=conversation,
        )

    @chat.get("/chat.js")
    def script() -> tuple[str, dict[str, str]]:
        return SCRIPT % (json.dumps(QUESTION), json.dumps(ANSWER)), {"Content-Type": "text/javascript"}

    app.register_blueprint(chat)
    return app


def make_app() -> Flask:
    """The application that ``HANDOFF_APPLICATION`` names, with its data in the working directory."""
    module = importlib.import_module(f"applications.{os.environ['HANDOFF_APPLICATION']}")
    app: Flask = module.create_app(Path.cwd(), int(os.environ["HANDOFF_MAIL_PORT"]))
    return app


def main() -> None:
    """Serve it on a free port, and print the address."""
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # one of the applications lets its own server end
    print(f"serving http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
