"""The site's functions: what is refused at registration, and how a failure in a request is handled."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, abort
from jinja2 import DictLoader
from werkzeug.local import LocalProxy
from werkzeug.test import TestResponse

from flask_kapa_handoff import ConfigurationError, Conversation, KapaHandoff, QuestionAnswer, Source, Visitor, health
from flask_kapa_handoff.doctor import Level, examine
from flask_kapa_handoff.refusals import recent_refusals
from flask_kapa_handoff.state import state_of
from flask_kapa_handoff.testing import conversation_of, tickets
from tests.helpers.admin import let_pass, save, shown
from tests.helpers.offers import offer_without_database, signed_offer
from tests.helpers.pages import JSON, Page
from tests.helpers.tickets import post, send_ticket, ticket_fields

MakeApp = Callable[..., Flask]
Log = pytest.LogCaptureFixture

pytestmark = pytest.mark.only("sqlite")

WORD = "xylophone"
"""What a visitor wrote, or who the visitor is: no log and no check-up repeats it."""


async def awaited(*values: Any) -> None: ...


def found_by_doctor(app: Flask, hook: str) -> str:
    """What the check-up says about a hook, why it matters and how to fix it."""
    state = state_of(app)
    findings = [one for one in examine(app, state) if str(one.what).startswith(f"The site's {hook} failed")]
    assert all(one.level is Level.WARNING for one in findings)
    return "\n".join(f"{one.what} {one.why} {one.remedy}" for one in findings)


def error_of(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.text)["error"]["code"]


def counted(app: Flask) -> dict[tuple[str, str], int]:
    state = state_of(app)
    state.refusals.write()
    return dict(recent_refusals(state.database))


def reports(caplog: Log) -> list[str]:
    """What the log says about hooks."""
    return [one.getMessage() for one in caplog.records if one.name == "flask_kapa_handoff.hook_failures"]


def reported(app: Flask, caplog: Log, hook: str, words: str, remedy: str) -> str:
    """The one line in the log about a hook that went wrong; the check-up says the same, and how to fix it."""
    (report,) = reports(caplog)
    assert report.startswith(f"The site's {hook} (")
    assert words in report
    told = found_by_doctor(app, hook)
    assert words in told
    assert remedy in told
    assert WORD not in caplog.text + told
    return report


# --- conversation_loader ---------------------------------------------------------------------------------------------

PAIR = QuestionAnswer(WORD, "So.")


class Row:
    """An object of a site's database."""

    cleaned = "no method"


LOADED: list[tuple[Any, str]] = [
    ([{"question": WORD, "answer": "So."}], "returned list"),
    ({"question": WORD}, "returned dict"),
    (WORD, "returned str"),
    (True, "returned bool"),
    (False, "returned bool"),
    ((), "returned tuple"),
    (Row(), "returned Row"),
    (Conversation, "returned the class Conversation"),
    (PAIR, "returned QuestionAnswer"),
    (Conversation([{"question": WORD}]), "returned Conversation, where pairs[0] is dict, not QuestionAnswer"),  # type: ignore[list-item]
    (Conversation(WORD), "returned Conversation, where pairs[0] is str"),  # type: ignore[arg-type]
    (Conversation([PAIR, QuestionAnswer("How?", None)]), "where pairs[1].answer is NoneType, not text"),  # type: ignore[arg-type]
    (Conversation([QuestionAnswer(b"How?", "So.")]), "where pairs[0].question is bytes, not text"),  # type: ignore[arg-type]
    (Conversation([QuestionAnswer("a", "b", sources=None)]), "where pairs[0].sources is NoneType, not a list"),  # type: ignore[arg-type]
    (Conversation([QuestionAnswer("a", "b", sources=[{"url": WORD}])]), "where pairs[0].sources[0] is dict"),  # type: ignore[list-item]
    (Conversation([QuestionAnswer("a", "b", sources=(Source(None, "c"),))]), "has a title or url that is not text"),  # type: ignore[arg-type]
    (Conversation((QuestionAnswer(" ", ""),)), "where no pair has any text"),
]


def with_loader(make_app: MakeApp, loaded: Any, **config: Any) -> Flask:
    handoff = KapaHandoff(admin_required=let_pass)

    @handoff.conversation_loader
    def load(thread_id: str) -> Any:
        return loaded() if inspect.isfunction(loaded) else loaded

    return make_app(handoff=handoff, **config)


@pytest.mark.parametrize(("loaded", "words"), LOADED)
def test_a_record_of_another_type_offers_nothing_and_costs_no_ticket(
    make_app: MakeApp, caplog: Log, loaded: Any, words: str
) -> None:
    """503 at the offer, as for a loader that raises; the browser's word at the ticket, marked as such."""
    app = with_loader(make_app, loaded)
    client = app.test_client()
    answer = client.get("/handoff/offer?pairs=1&thread_id=x&downvoted=true", headers=JSON)
    assert error_of(answer) == (503, "unavailable")
    send_ticket(client, offer=offer_without_database(app))
    assert tickets(app)[0].transcript_source == "browser"
    report = reported(app, caplog, "conversation_loader", words, "Fix the function. It may return Conversation(")
    assert "it may return Conversation([QuestionAnswer(question, answer), …]) or None. No button" in report


ODD: list[tuple[dict[str, Any], str]] = [
    ({"reaction": "down"}, "pairs[0].reaction is 'down'; use 'upvote', 'downvote' or None"),
    ({"reaction": -1}, "pairs[0].reaction is -1; use"),
    ({"reaction": True}, "pairs[0].reaction is True; use"),
    ({"reaction": [WORD]}, "pairs[0].reaction is list; use"),
    ({"reaction": f"{WORD} is wrong"}, "pairs[0].reaction is str; use"),
    ({"uncertain": "no"}, "pairs[0].uncertain is 'no'; use True or False"),
    ({"stopped": 2}, "pairs[0].stopped is 2; use True or False"),
]


@pytest.mark.parametrize(("values", "words"), ODD)
def test_a_wrong_vote_or_flag_is_named_and_costs_nothing(
    make_app: MakeApp, caplog: Log, values: dict[str, Any], words: str
) -> None:
    """It counts as none; the record is used, and the check-up says what is wrong."""
    app = with_loader(make_app, Conversation([QuestionAnswer("How?", "So.", **values)]))
    client = app.test_client()
    send_ticket(client, offer=signed_offer(client, thread_id="x"), conversation=None)
    (ticket,) = tickets(app)
    assert ticket.transcript_source == "site"
    assert conversation_of(app, ticket).pairs == (QuestionAnswer("How?", "So."),)
    (report,) = reports(caplog)
    assert words in report
    assert report.endswith("Such a vote is left out, and such a flag counts as False.")
    assert words in found_by_doctor(app, "conversation_loader")
    assert WORD not in caplog.text


def test_votes_and_flags_as_databases_keep_them_are_right(make_app: MakeApp, caplog: Log) -> None:
    """Without booleans, as 0 and 1; nothing is logged."""
    pairs = [
        QuestionAnswer("How?", "So.", uncertain=1, stopped=None, reaction="downvote"),  # type: ignore[arg-type]
        QuestionAnswer("Why?", "So.", uncertain=0),  # type: ignore[arg-type]
    ]
    app = with_loader(make_app, Conversation(pairs))
    client = app.test_client()
    send_ticket(client, offer=signed_offer(client, thread_id="x"), conversation=None)
    first, second = conversation_of(app, tickets(app)[0]).pairs
    assert (first.uncertain, first.stopped, first.reaction) == (True, False, "downvote")
    assert second.uncertain is False
    assert not reports(caplog)


def test_a_loader_that_fails_is_not_told_to_a_visitor_as_a_ticket_that_was_not_saved(make_app: MakeApp) -> None:
    """Before there is a form there is nothing to save; afterwards the text is kept."""
    app = with_loader(make_app, [])
    client = app.test_client()
    answer = client.get("/handoff/offer?pairs=1&thread_id=x", headers=JSON)
    message = "We couldn't load this conversation just now. Try again in a moment."
    assert json.loads(answer.text)["error"]["message"] == message
    fields = ticket_fields(client, offer=offer_without_database(app), conversation=None)
    sent = json.loads(post(client, "json", fields).text)["error"]["message"]
    assert sent == "We couldn't load this conversation just now. Your text is safe – try again in a moment."


def test_a_wrong_record_with_nothing_from_the_browser_is_unavailable(make_app: MakeApp) -> None:
    """There is nothing to send; the text is kept, and it may be fixed in a moment."""
    app = with_loader(make_app, [])
    fields = ticket_fields(app.test_client(), offer=offer_without_database(app), conversation=None)
    answer = post(app.test_client(), "page", fields)
    assert answer.status_code == 503
    assert fields["note"] in answer.text


def test_a_coroutine_that_a_wrapper_hides_is_named(make_app: MakeApp, caplog: Log) -> None:
    """And it is closed: Python would warn that nothing awaits it."""
    app = with_loader(make_app, lambda: awaited())
    assert app.test_client().get("/handoff/offer?pairs=1&thread_id=x").status_code == 503
    assert "returned coroutine; it may return" in reports(caplog)[0]


def test_a_failure_is_logged_once_and_counted_each_time(make_app: MakeApp, caplog: Log) -> None:
    """No flood; another kind is another line, and health counts no refusal."""
    given: list[Any] = [[], [], [], {}, {}]
    app = with_loader(make_app, lambda: given.pop(0))
    for _ in range(5):
        app.test_client().get("/handoff/offer?pairs=1&thread_id=x")
    assert [words for one in reports(caplog) for words in ("returned list", "returned dict") if words in one] == [
        "returned list",
        "returned dict",
    ]
    numbers = {detail.split()[-1]: number for (reason, detail), number in counted(app).items()}
    assert numbers == {"list": 3, "dict": 2}
    with app.app_context():
        assert health(app).refused_by_reason == {}
    assert "Failed since the last count: 5 x conversation_loader (3 x " in caplog.text


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_loader_that_aborts_says_no_and_does_not_fail(make_app: MakeApp, caplog: Log, status: int) -> None:
    """``abort(404)`` and ``get_or_404()``: nothing is offered, and nobody has to fix anything."""
    app = with_loader(make_app, lambda: abort(status))
    answer = app.test_client().get("/handoff/offer?pairs=1&thread_id=x&downvoted=true", headers=JSON)
    assert error_of(answer) == (503, "unavailable")
    assert not reports(caplog)
    assert not found_by_doctor(app, "conversation_loader")


def test_a_loader_whose_backend_responds_with_500_fails(make_app: MakeApp, caplog: Log) -> None:
    """``abort(502)`` is no answer about the thread."""
    app = with_loader(make_app, lambda: abort(502))
    assert app.test_client().get("/handoff/offer?pairs=1&thread_id=x").status_code == 503
    assert "raised BadGateway in " in reports(caplog)[0]


def test_two_apps_of_one_handoff_have_their_own_counts(make_app: MakeApp) -> None:
    """The functions are shared, and the failures are not."""
    handoff = KapaHandoff()
    handoff.conversation_loader(lambda thread_id: None)
    first, second = (make_app(handoff=handoff, name=name) for name in ("first", "second"))
    handoff.conversation_loader(lambda thread_id: [])  # type: ignore[type-var]
    assert first.test_client().get("/handoff/offer?pairs=1&thread_id=x").status_code == 503
    assert found_by_doctor(first, "conversation_loader")
    assert not found_by_doctor(second, "conversation_loader")


# --- visitor_loader --------------------------------------------------------------------------------------------------


def with_visitor(make_app: MakeApp, visitor: Any) -> Flask:
    handoff = KapaHandoff(admin_required=let_pass)

    @handoff.visitor_loader
    def who() -> Any:
        if isinstance(visitor, Exception):
            raise visitor
        return visitor

    return make_app(handoff=handoff)


class Broken:
    @property
    def email(self) -> str:
        raise RuntimeError(WORD)


ADDRESS = f"{WORD}@example.com"
VISITORS: list[tuple[Any, str]] = [
    ({"email": ADDRESS}, "returned dict"),
    (ADDRESS, "returned str"),
    ((ADDRESS, "Ada"), "returned tuple"),
    (True, "returned bool"),
    (False, "returned bool"),
    (Visitor, "returned the class Visitor"),
    (SimpleNamespace(username=WORD), "returned SimpleNamespace"),
    (SimpleNamespace(email=5), "returned SimpleNamespace, where email is int, not text"),
    (Visitor(ADDRESS.encode()), "returned Visitor, where email is bytes, not text"),  # type: ignore[arg-type]
    (Visitor(WORD), "returned Visitor, where email is not an address that mail can go to"),
    (Broken(), "raised RuntimeError"),
    (RuntimeError(WORD), "raised RuntimeError"),
]


@pytest.mark.parametrize(("visitor", "words"), VISITORS)
def test_a_visitor_of_another_type_types_an_address(make_app: MakeApp, caplog: Log, visitor: Any, words: str) -> None:
    """The form is open, the ticket is taken, and the log and the check-up say why."""
    app = with_visitor(make_app, visitor)
    client = app.test_client()
    page = Page(client.get("/handoff/form", query_string={"offer": signed_offer(client)}).text)
    assert "readonly" not in page.one("input", name="email")
    send_ticket(client, email="typed@example.com")
    (ticket,) = tickets(app)
    assert (ticket.visitor_email, ticket.visitor_name) == ("typed@example.com", None)
    report = reported(app, caplog, "visitor_loader", words, "It may return Visitor(email, name) or None.")
    assert report.endswith("Visitors are asked for their address.")


@pytest.mark.parametrize(
    ("visitor", "name"),
    [
        (Visitor("ada@example.com"), None),
        (SimpleNamespace(email="ada@example.com"), None),
        (SimpleNamespace(email="ada@example.com", name="Ada"), "Ada"),
        (LocalProxy(lambda: SimpleNamespace(email="ada@example.com", name="Ada")), "Ada"),
    ],
)
def test_a_user_object_with_an_address_is_enough(
    make_app: MakeApp, caplog: Log, visitor: Any, name: str | None
) -> None:
    """It needs no name."""
    app = with_visitor(make_app, visitor)
    send_ticket(app.test_client(), email="typed@example.com")
    (ticket,) = tickets(app)
    assert (ticket.visitor_email, ticket.visitor_name) == ("ada@example.com", name)
    assert not reports(caplog)


def test_a_name_that_is_no_text_is_left_out(make_app: MakeApp, caplog: Log) -> None:
    """The address counts all the same."""
    app = with_visitor(make_app, Visitor("ada@example.com", ("Ada", WORD)))  # type: ignore[arg-type]
    send_ticket(app.test_client())
    (ticket,) = tickets(app)
    assert (ticket.visitor_email, ticket.visitor_name) == ("ada@example.com", None)
    assert "returned Visitor, where name is tuple, not text" in reports(caplog)[0]
    assert WORD not in caplog.text


@pytest.mark.parametrize(
    "nobody",
    [None, LocalProxy(lambda: None), Visitor(""), Visitor(None), SimpleNamespace(email=None)],  # type: ignore[arg-type]
)
def test_a_missing_visitor_is_no_mistake(make_app: MakeApp, caplog: Log, nobody: Any) -> None:
    """Nobody is signed in, or the site knows no address."""
    app = with_visitor(make_app, nobody)
    send_ticket(app.test_client(), email="typed@example.com")
    assert tickets(app)[0].visitor_email == "typed@example.com"
    assert not reports(caplog)


# --- admin_name ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "words"), [(5, "returned int"), (RuntimeError(WORD), "raised RuntimeError")])
def test_a_wrong_name_of_an_admin_is_found_by_the_check_up(
    make_app: MakeApp, caplog: Log, name: Any, words: str
) -> None:
    """The change is saved, and the history names the admin another way."""
    handoff = KapaHandoff(admin_required=let_pass)

    @handoff.admin_name
    def who() -> Any:
        if isinstance(name, Exception):
            raise name
        return name

    app = make_app(handoff=handoff)
    for text in ("One", "Two"):
        assert save(app.test_client(), button_text=text).status_code == 303
    reported(app, caplog, "admin_name", words, "It may return text or None.")
    assert "2 x " in found_by_doctor(app, "admin_name")


# --- KAPA_HANDOFF_CSP_NONCE ------------------------------------------------------------------------------------------


def broken_nonce() -> str:
    raise RuntimeError(WORD)


@pytest.mark.parametrize(
    ("source", "words"),
    [(lambda: WORD.encode(), "returned bytes"), (lambda: 5, "returned int"), (broken_nonce, "raised RuntimeError")],
)
def test_a_wrong_nonce_breaks_no_page(make_app: MakeApp, caplog: Log, source: Any, words: str) -> None:
    """The tags have none; this is logged once, though each page asks several times."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_CSP_NONCE=source)
    assert "nonce=" not in app.test_client().get("/handoff/admin/").text
    reported(app, caplog, "csp_nonce", words, "Fix the function in `KAPA_HANDOFF_CSP_NONCE`.")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (awaited, "it is an async function"),
        (lambda response: "x", "it cannot be called with no arguments"),
        (str, "class"),
    ],
)
def test_a_function_that_can_give_no_nonce_stops_the_start(make_app: MakeApp, source: Any, words: str) -> None:
    """As any other value of the configuration."""
    with pytest.raises(ConfigurationError) as caught:
        make_app(KAPA_HANDOFF_CSP_NONCE=source)
    assert str(caught.value).startswith("KAPA_HANDOFF_CSP_NONCE: ")
    assert words in str(caught.value)


# --- KAPA_HANDOFF_ADMIN_TEMPLATE -------------------------------------------------------------------------------------


def test_a_layout_that_is_missing_is_named_at_the_first_request(make_app: MakeApp, caplog: Log) -> None:
    """Whatever is asked for: the log has key, value and what is allowed, with the name that was meant."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_ADMIN_TEMPLATE="admin/bsae.html")
    app.jinja_loader = DictLoader({"admin/base.html": "{% block content %}{% endblock %}"})
    client = app.test_client()
    for _ in range(2):
        client.get("/handoff/offer?pairs=1")
    (record,) = [one for one in caplog.records if "ADMIN_TEMPLATE" in one.getMessage()]
    assert record.levelno == logging.ERROR
    assert record.getMessage() == (
        "Handoff of site: "
        "KAPA_HANDOFF_ADMIN_TEMPLATE: 'admin/bsae.html' is not allowed: there is no template admin/bsae.html (did you "
        "mean admin/base.html?); use the name of a template that has a block 'content'. The admin pages use a "
        "plain layout."
    )
    findings = [str(one.what) for one in examine(app, state_of(app))]
    assert any("cannot be used: there is no template admin/bsae.html (did you mean" in what for what in findings)


def test_a_layout_that_is_missing_is_logged_once_by_the_pages(make_app: MakeApp, caplog: Log) -> None:
    """Each page says it to the admin, and the log keeps quiet."""
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), KAPA_HANDOFF_ADMIN_TEMPLATE="nowhere.html")
    client = app.test_client()
    for _ in range(3):
        assert "could not be used: there is no template nowhere.html" in shown(client.get("/handoff/admin/"))
    assert len([one for one in caplog.records if one.name == "flask_kapa_handoff.admin.responses"]) == 1


@pytest.mark.parametrize("layout", [None, "frame.html"])
def test_an_existing_layout_is_not_logged(make_app: MakeApp, caplog: Log, layout: str | None) -> None:
    """Even if its templates were added after the package."""
    config = {"KAPA_HANDOFF_ADMIN_TEMPLATE": layout} if layout else {}
    app = make_app(handoff=KapaHandoff(admin_required=let_pass), **config)
    app.jinja_loader = DictLoader({"frame.html": "{% block content %}{% endblock %}"})
    assert app.test_client().get("/handoff/admin/").status_code == 200
    assert "ADMIN_TEMPLATE" not in caplog.text
