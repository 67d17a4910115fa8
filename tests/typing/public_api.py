"""The public API as a typed site uses it. ``make lint`` has mypy read it; nothing runs it.

What must be wrong has ``type: ignore`` with its code: mypy says so when it no longer is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

from flask import Flask, Response, abort, jsonify
from flask.typing import ResponseReturnValue
from flask_login import login_required
from flask_mail import Mail
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Engine, create_engine
from typing_extensions import ParamSpec, assert_type

from flask_kapa_handoff import (
    Attachment,
    ConfigurationError,
    Conversation,
    Field,
    Flag,
    Health,
    KapaHandoff,
    QuestionAnswer,
    Refuse,
    Refused,
    Source,
    Submission,
    Ticket,
    Trigger,
    TryLater,
    Visitor,
    health,
)
from flask_kapa_handoff.signals import (
    handoff_cancelled,
    handoff_opened,
    settings_changed,
    ticket_created,
    ticket_delivered,
    ticket_failed,
)

app = Flask(__name__)
database = SQLAlchemy(app)
engine: Engine = create_engine("sqlite://")

View = TypeVar("View", bound=Callable[..., Any])
Taken = ParamSpec("Taken")
Given = TypeVar("Given")


# The decorators of views that sites write.


def any_view(view: View) -> View:
    return view


def same_arguments(view: Callable[Taken, Given]) -> Callable[Taken, Given]:
    @wraps(view)
    def guarded(*args: Taken.args, **kwargs: Taken.kwargs) -> Given:
        return view(*args, **kwargs)

    return guarded


def flask_views(view: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    return view


def no_decorator(page: str) -> bool:
    return bool(page)


# Setting it up.

handoff = KapaHandoff()
handoff.init_app(app)
handoff.init_app(app, admin_required=login_required, mail=Mail(app), engine=engine)
handoff.init_app(app, admin_required=any_view, engine=database.engine)
handoff.init_app(app, admin_required=None, mail=None, engine=None)
KapaHandoff(app)
KapaHandoff(app, admin_required=same_arguments, mail=Mail(), engine=engine)
KapaHandoff(app, admin_required=flask_views)
KapaHandoff(None, admin_required=lambda view: view)

KapaHandoff(app, login_required)  # type: ignore[call-arg]
KapaHandoff("app")  # type: ignore[arg-type]
KapaHandoff(app, admin_required=no_decorator)  # type: ignore[arg-type]
KapaHandoff(app, admin_required=True)  # type: ignore[arg-type]
KapaHandoff(app, engine="sqlite:///tickets.sqlite3")  # type: ignore[arg-type]
handoff.init_app()  # type: ignore[call-arg]
handoff.init_app(app, admin_required=no_decorator)  # type: ignore[arg-type]
handoff.init_app(app, engine=database)  # type: ignore[arg-type]

try:
    KapaHandoff(app)
except ConfigurationError as error:
    problem: ValueError = error


# What was said.

sources = (Source("Sign in", "https://docs.example.com/sign-in"), Source(title="Keys", url="https://docs.example.com"))
pair = QuestionAnswer("How do I sign in?", "Press *Sign in*.")
whole_pair = QuestionAnswer(
    question="And then?",
    answer="Choose a team.",
    id="a2",
    sources=list(sources),
    files=["log.txt"],
    uncertain=True,
    reaction="downvote",
    stopped=False,
)
conversation = Conversation((pair, whole_pair), "thread-1")
assert_type(conversation.pairs, tuple[QuestionAnswer, ...])
assert_type(conversation.thread_id, str | None)
Conversation([pair])
Conversation(pairs=(one for one in [pair]), thread_id=None)

QuestionAnswer("How do I sign in?")  # type: ignore[call-arg]
QuestionAnswer("How do I sign in?", "Press *Sign in*.", reaction="bad")  # type: ignore[arg-type]
Conversation(pair)  # type: ignore[arg-type]
Conversation({"question": "How do I sign in?", "answer": "Press it."})  # type: ignore[dict-item]
pair.uncertain = True  # type: ignore[misc]


# The hooks. A decorator gives back the function that it was given.


@handoff.conversation_loader
def load_conversation(thread_id: str) -> Conversation | None:
    return conversation if thread_id == "thread-1" else None


@handoff.conversation_loader
def always_known(thread_id: str, *, fresh: bool = False) -> Conversation:
    return Conversation((QuestionAnswer("Fresh?", str(fresh)),), thread_id)


assert_type(load_conversation("thread-1"), Conversation | None)
assert_type(always_known("thread-1", fresh=True), Conversation)


@handoff.visitor_loader
def load_visitor() -> Visitor | None:
    return Visitor("ada@example.com", "Ada")


@handoff.visitor_loader
def signed_in() -> Visitor:
    return Visitor(email="ada@example.com")


assert_type(load_visitor(), Visitor | None)
assert_type(signed_in().email, str)
assert_type(signed_in().name, str | None)


@handoff.context_loader
def load_context() -> dict[str, str]:
    return {"Plan": "Team"}


assert_type(load_context(), dict[str, str])


@handoff.ticket_filter
def check(submission: Submission) -> Flag | None:
    if not solved(submission.submission_id):
        raise Refuse("Please solve the captcha.")
    if submission.name is None and submission.email.endswith("@example.org"):
        return Flag("not a customer")
    raise Refuse


@handoff.ticket_filter
def lets_pass(submission: Submission) -> None:
    assert_type(submission.conversation, Conversation)
    assert_type(submission.note, str)


@handoff.desk_chooser
def choose_desk(page: str) -> str:
    return "sales" if "/pricing" in page else "default"


assert_type(choose_desk("/"), str)
handoff.settings.save("sales", email=["sales@example.com"], changed_by="deploy")
assert_type(handoff.settings.get("sales").recipients, tuple[str, ...])


@handoff.admin_name
def admin_name() -> str:
    return "Ada"


assert_type(admin_name(), str)
handoff.admin_name(lambda: "Ada")


@handoff.channel("zendesk", label="Zendesk")
def to_zendesk(ticket: Ticket, conversation: Conversation) -> None:
    assert_type(handoff.attachments(ticket), list[Attachment])
    assert_type(ticket.id, UUID)
    assert_type(conversation.pairs, tuple[QuestionAnswer, ...])
    if ticket.page is None:
        raise TryLater("busy", seconds=30)
    if not ticket.note:
        raise TryLater
    raise Refused("no note")


assert_type(to_zendesk(Ticket(*[]), conversation), None)
handoff.channel("webhook", "Webhook")(to_zendesk)


@handoff.channel("later", label="Later")  # type: ignore[type-var]
async def sends_later(ticket: Ticket, conversation: Conversation) -> None: ...


@handoff.channel("half", label="Half")  # type: ignore[type-var]
def takes_no_conversation(ticket: Ticket) -> None: ...


handoff.channel(to_zendesk)  # type: ignore[call-arg, arg-type]
TryLater(seconds="30")  # type: ignore[arg-type]


def solved(challenge: UUID) -> bool:
    return bool(challenge)


@handoff.conversation_loader  # type: ignore[type-var]
def gives_dicts(thread_id: str) -> list[dict[str, str]]:
    return [{"question": thread_id, "answer": ""}]


@handoff.conversation_loader  # type: ignore[type-var]
def takes_nothing() -> Conversation | None:
    return None


@handoff.conversation_loader  # type: ignore[type-var]
async def loads_later(thread_id: str) -> Conversation | None:
    return load_conversation(thread_id)


@handoff.visitor_loader  # type: ignore[type-var]
def takes_an_id(user_id: int) -> Visitor | None:
    return Visitor(f"{user_id}@example.com")


@handoff.visitor_loader  # type: ignore[type-var]
def gives_an_address() -> str:
    return "ada@example.com"


@handoff.context_loader  # type: ignore[type-var]
def gives_numbers() -> dict[str, int]:
    return {"Seats": 5}


@handoff.ticket_filter  # type: ignore[type-var]
def gives_text(submission: Submission) -> str:
    return submission.note


@handoff.ticket_filter  # type: ignore[type-var]
def gives_a_decision(submission: Submission) -> bool:
    return bool(submission.note)


@handoff.admin_name  # type: ignore[type-var]
def gives_a_number() -> int:
    return 1


handoff.conversation_loader()  # type: ignore[call-arg]
Visitor()  # type: ignore[call-arg]
Flag(None)  # type: ignore[arg-type]
Refuse(422)  # type: ignore[arg-type]


# Fields of the site.

order = Field("order", "Order number", max_length=40, help="On your invoice.")
area = Field("area", "Area", kind="select", choices=("Billing", "Technical"), required=True, desks=("default",))
assert_type(order.name, str)
Field("order")  # type: ignore[call-arg]
Field("order", "Order number", max_length="40")  # type: ignore[arg-type]


# The health.


@app.get("/status")
def status() -> Response:
    found = health(app)
    assert_type(found, Health)
    assert_type(found.queued, int)
    assert_type(found.oldest_queued_seconds, float | None)
    assert_type(found.failed, int)
    assert_type(found.held, int)
    assert_type(found.last_delivered_at, datetime | None)
    assert_type(found.refused_last_hour, int)
    assert_type(found.refused_by_reason, Mapping[str, int])
    if found.failed:
        abort(503)
    return jsonify(found.as_json())


health()  # type: ignore[call-arg]
health(handoff)  # type: ignore[arg-type]


# The triggers are text.

assert_type([trigger.value for trigger in Trigger], list[str])
app.config["KAPA_HANDOFF_TRIGGERS"] = [Trigger.ALWAYS, Trigger.DOWNVOTE]
text: str = Trigger("uncertainty")


# The signals. Their receivers keep their types, too.


@ticket_created.connect
@ticket_delivered.connect_via(app)
@handoff_opened.connect
@handoff_cancelled.connect
def count(site: Flask, **facts: Any) -> None:
    site.logger.info("%s", facts)


@ticket_failed.connect
def ring(site: Flask, ticket: Any, error: str) -> None:
    site.logger.error("%s: %s", ticket.reference, error)


@settings_changed.connect
def note(site: Flask, desk: str, changed_by: str, **versions: Any) -> None:
    site.logger.info("%s changed %s", changed_by, desk)


assert_type(ring(app, None, "550"), None)
later: Awaitable[Conversation | None] = loads_later("thread-1")
