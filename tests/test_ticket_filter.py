"""The site's own check: what it sees, how it refuses or flags, and what becomes of a ticket when it fails."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import uuid
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, abort, request
from werkzeug.test import TestResponse

from flask_kapa_handoff import Flag, KapaHandoff, Refuse, Submission
from flask_kapa_handoff.doctor import examine
from flask_kapa_handoff.errors import Unavailable
from flask_kapa_handoff.refusals import recent_refusals
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import deliver, tickets
from tests.helpers.offers import own_offer, signed_offer
from tests.helpers.pages import json_of
from tests.helpers.servers import MailServer
from tests.helpers.sites import close
from tests.helpers.tickets import ticket_fields

DOCUMENTED = Path(__file__).parent.parent / "docs" / "limits.md"
JSON = {"Accept": "application/json"}
MakeSite = Callable[..., Flask]


@pytest.fixture
def make_site(make_app: Callable[..., Flask]) -> MakeSite:
    """A site with this check, and admin pages that are open to everyone."""

    def make(check: Callable[[Submission], Any], **config: Any) -> Flask:
        handoff = KapaHandoff(admin_required=lambda view: view)
        assert handoff.ticket_filter(check) is check
        return make_app(handoff=handoff, **config)

    return make


def send(app: Flask, headers: dict[str, str] = JSON, **fields: Any) -> TestResponse:
    client = app.test_client()
    return client.post("/handoff/tickets", data=ticket_fields(client, **fields), headers=headers)


def counted(app: Flask) -> dict[tuple[str, str], int]:
    state = state_of(app)
    state.refusals.write()
    return recent_refusals(state.database)


def refuse(submission: Submission) -> None:
    raise Refuse("Solve the riddle first.")


# --- Refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"X-Kapa-Handoff": "fragment"}], ids=["page", "fragment"])
def test_a_refused_visitor_reads_the_sites_words_and_keeps_the_text(
    make_site: MakeSite, headers: dict[str, str]
) -> None:
    """422, with the form shown again."""
    app = make_site(refuse)
    answer = send(app, headers, note="My long text", email="ada@example.com")
    assert answer.status_code == 422
    for kept in ("Solve the riddle first.", "My long text", 'value="ada@example.com"'):
        assert kept in answer.text
    assert tickets(app) == []


def test_a_refused_program_gets_the_code(make_site: MakeSite) -> None:
    """JSON, and the refusal is counted."""
    app = make_site(refuse)
    answer = send(app)
    assert answer.status_code == 422
    assert answer.json == {"error": {"code": "refused", "message": "Solve the riddle first."}}
    assert counted(app) == {("refused", ""): 1}


@pytest.mark.parametrize("refusal", [Refuse, Refuse(), Refuse(""), Refuse(7)])  # type: ignore[arg-type]
def test_a_refusal_without_words_has_the_packages_own(make_site: MakeSite, refusal: Any) -> None:
    """The message for the visitor is never empty."""

    def check(submission: Submission) -> None:
        raise refusal

    assert json_of(send(make_site(check)))["error"]["message"].startswith("We can't take this message.")


# --- Flagged ---------------------------------------------------------------------------------------------------------


def test_a_flag_is_shown_wherever_the_ticket_is(make_site: MakeSite, mail_server: MailServer) -> None:
    """On top of the mail, in its JSON, in the list, on the ticket's page, on the command line and in the export."""
    words = "likely <spam>, score 0.9"
    app = make_site(lambda submission: Flag(words), MAIL_SERVER="127.0.0.1", MAIL_PORT=mail_server.port)
    answer = send(app)
    assert answer.status_code == 201
    (ticket,) = tickets(app)
    assert ticket.flag == words
    deliver(app)
    text, html, attached = (part for part in mail_server.received[0].message.walk() if not part.is_multipart())
    assert text.get_content().splitlines()[1:3] == [f"Flagged by this site's own check: {words}", ""]
    assert "likely &lt;spam&gt;, score 0.9" in html.get_content()
    assert json.loads(attached.get_content())["flag"] == words
    client, run = app.test_client(), app.test_cli_runner()
    for page in ("tickets", f"tickets/{ticket.reference}"):
        assert "likely &lt;spam&gt;, score 0.9" in client.get(f"/handoff/admin/{page}").text
    assert f"[{words}]" in run.invoke(args=["kapa-handoff", "tickets"]).output
    assert json.loads(run.invoke(args=["kapa-handoff", "export"]).output)["flag"] == words


def test_an_unflagged_ticket_shows_no_flag(make_site: MakeSite) -> None:
    """Neither a line nor a mark."""
    app = make_site(lambda submission: None)
    assert send(app).status_code == 201
    assert tickets(app)[0].flag is None
    assert "Flagged" not in app.test_client().get(f"/handoff/admin/tickets/{tickets(app)[0].reference}").text


def test_a_flag_is_one_line_of_text() -> None:
    """Line breaks and control characters are taken out, and what is too long is cut."""
    assert Flag(" two\n\x00lines ").text == "two lines"
    assert len(Flag("x" * 501).text) == 500
    with pytest.raises(ValueError, match="empty"):
        Flag(" \n")
    with pytest.raises(TypeError, match="int"):
        Flag(7)  # type: ignore[arg-type]


# --- What it sees, and when ------------------------------------------------------------------------------------------


def test_it_sees_the_checked_submission_and_the_request(make_site: MakeSite) -> None:
    """What the visitor typed, cleaned, and what the site's own field and header say."""
    seen: list[tuple[Any, ...]] = []

    def check(submission: Submission) -> None:
        own = (request.form["_captcha"], request.headers["X-Captcha"])
        seen.append(
            (submission.email, submission.note, submission.offer.desk, len(submission.conversation.pairs), *own)
        )

    app = make_site(check)
    answer = send(app, {**JSON, "X-Captcha": "header"}, email="ada@EXAMPLE.com", note=" Help \n", _captcha="field")
    assert answer.status_code == 201
    assert seen == [("ada@example.com", "Help", "default", 1, "field", "header")]


def test_it_runs_neither_for_a_form_with_mistakes_nor_for_a_forged_one(make_site: MakeSite) -> None:
    """Only what would be stored is worth a captcha's answer."""
    app = make_site(lambda submission: pytest.fail("it ran"))
    assert send(app, email="nobody").status_code == 422
    assert send(app, offer="forged").status_code == 403


def test_it_runs_once_for_a_submission_that_is_sent_again(make_site: MakeSite) -> None:
    """The same form again has the same reference, and other content is a conflict, without a second look."""
    calls: list[Submission] = []
    app = make_site(lambda submission: calls.append(submission))
    fields = ticket_fields(app.test_client())
    found = [send(app, **fields), send(app, **fields), send(app, **{**fields, "note": "another"})]
    assert [answer.status_code for answer in found] == [201, 200, 409]
    assert len(calls) == 1


def test_each_app_has_its_own_check(make_app: Callable[..., Flask], make_site: MakeSite) -> None:
    """A site without one takes every ticket."""
    assert send(make_site(refuse, name="guarded")).status_code == 422
    assert send(make_app(name="open")).status_code == 201


# --- When it fails ---------------------------------------------------------------------------------------------------


def fail(submission: Submission) -> None:
    raise ValueError(f"no good: {submission.email}")


def forbid(submission: Submission) -> None:
    abort(403)


def pretend(submission: Submission) -> None:
    raise Unavailable


@pytest.mark.parametrize(("check", "error"), [(fail, "ValueError"), (forbid, "Forbidden"), (pretend, "Unavailable")])
def test_a_check_that_raises_loses_no_ticket(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, check: Callable[[Submission], None], error: str
) -> None:
    """The log and the check-up name the function, the error's type and the place, and not what the visitor typed."""
    app = make_site(check)
    assert send(app).status_code == 201
    (record,) = [one for one in caplog.records if one.name == "flask_kapa_handoff.hook_failures"]
    assert record.levelno == logging.ERROR
    assert f"({check.__name__}) raised {error} in " in record.getMessage()
    assert ".py, line" in record.getMessage()
    assert counted(app).keys() <= {("filter_failed", detail) for _, detail in counted(app)}
    (finding,) = [one for one in examine(app, state_of(app)) if "ticket_filter failed" in str(one.what)]
    assert f"{check.__name__} raised {error}" in str(finding.what)
    assert "visitor@example.com" not in f"{caplog.text}{finding.what}"


@pytest.mark.parametrize(
    ("wrong", "kind"), [(True, "bool"), ("spam", "str"), (Flag, "the class Flag"), (Refuse("no"), "Refuse")]
)
def test_a_wrong_result_loses_no_ticket(
    make_site: MakeSite, caplog: pytest.LogCaptureFixture, wrong: Any, kind: str
) -> None:
    """The log names the function, what it returned and what is allowed."""

    def check(submission: Submission) -> Any:
        return wrong

    assert send(make_site(check)).status_code == 201
    assert f"check) returned {kind}; it may return None or Flag('…')" in caplog.text


# --- The example of the documentation --------------------------------------------------------------------------------


@pytest.fixture
def documented(tmp_path: Path) -> Iterator[Flask]:
    """The site of docs/limits.md."""
    (program,) = re.findall(r"```python\n(.*?)```", DOCUMENTED.read_text(), re.DOTALL)
    program = program.replace("Flask(__name__)", f"Flask('documented', instance_path={str(tmp_path)!r})")
    program = program.replace("handoff =", "app.config['KAPA_HANDOFF_DELIVERY'] = 'external'\nhandoff =")
    names: dict[str, Any] = {}
    exec(compile(program, str(DOCUMENTED), "exec"), names)  # noqa: S102 - our own documentation
    yield names["app"]
    close(names["app"])


def test_the_documented_proof_of_work_works(documented: Flask) -> None:
    """Done work passes, other work is refused, and none is flagged."""
    offer = signed_offer(documented.test_client())

    def answer_to(**fields: Any) -> int:
        return send(documented, offer=own_offer(documented.test_client(), offer), **fields).status_code

    def is_proof(number: int) -> bool:
        return hashlib.sha256(f"{submission_id}:{number}".encode()).hexdigest().startswith("000")

    submission_id = str(uuid.uuid4())
    proof = next(filter(is_proof, count()))
    wrong = next(number for number in count() if not is_proof(number))
    assert answer_to(submission_id=submission_id, _proof=str(wrong)) == 422
    assert answer_to(submission_id=submission_id, _proof=str(proof)) == 201
    assert answer_to() == 201
    assert [ticket.flag for ticket in tickets(documented)] == [None, "sent without a proof of work"]
