"""What can be registered as a hook, and what is refused with its name and what is allowed."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial, wraps
from typing import Any

import pytest
from flask import Flask

from flask_kapa_handoff import ConfigurationError, Conversation, KapaHandoff
from flask_kapa_handoff.hook_checks import CHANNEL, CSP_NONCE, HOOKS, misfit
from flask_kapa_handoff.hooks import Registered

MakeApp = Callable[..., Flask]
Log = pytest.LogCaptureFixture

pytestmark = pytest.mark.only("sqlite")

ARGUMENTS = {hook.name: len(hook.arguments) for hook in HOOKS if hook not in (CHANNEL, CSP_NONCE)}


async def awaited(*values: Any) -> None: ...


def generator(*values: Any) -> Iterator[None]:
    yield None


async def async_generator(*values: Any) -> AsyncIterator[None]:
    yield None


class Awaited:
    async def __call__(self, *values: Any) -> None: ...


class Loader:
    def __call__(self, *values: Any) -> None: ...


def two(first: Any, second: Any) -> None: ...


def keyword(*values: Any, tenant: str) -> None: ...


WRONG: list[tuple[Any, str]] = [
    (None, "None is not allowed: it is not callable"),
    ("load", "'load' is not allowed: it is not callable"),
    (Conversation, "Conversation is not allowed: it is a class"),
    (Loader, "Loader is not allowed: it is a class"),
    (awaited, "awaited is not allowed: it is an async function, and nothing awaits it"),
    (partial(awaited), "it is an async function"),
    (Awaited(), "it is an async function"),
    (generator, "generator is not allowed: it is a generator (it has a yield)"),
    (async_generator, "it is a generator"),
    (two, "two is not allowed: it cannot be called with"),
    (keyword, "it cannot be called with"),
]


@pytest.mark.parametrize(("function", "words"), WRONG)
@pytest.mark.parametrize("hook", ARGUMENTS)
def test_what_cannot_be_the_hook_is_refused_when_it_is_registered(hook: str, function: Any, words: str) -> None:
    """The message says the hook, what came, and what is allowed."""
    handoff = KapaHandoff()
    with pytest.raises(ConfigurationError) as caught:
        getattr(handoff, hook)(function)
    message = str(caught.value)
    assert message.startswith(f"{hook}: ")
    assert words in message
    assert "; use a function (" in message
    assert getattr(handoff._registered, hook) is None


def test_the_message_says_what_is_allowed() -> None:
    """All of it, once."""
    with pytest.raises(ConfigurationError) as caught:
        KapaHandoff().conversation_loader(lambda: None)  # type: ignore[type-var]
    assert str(caught.value).endswith(
        "<lambda> is not allowed: it cannot be called with 1 argument (thread_id); its own are (); "
        "use a function (thread_id) that returns Conversation([QuestionAnswer(question, answer), …]) or None"
    )


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds an argument to the function, such as a session of the database."""

    @wraps(function)
    def run(*values: Any) -> Any:
        return function("session", *values)

    return run


RIGHT: list[Callable[[int], Any]] = [
    lambda number: lambda *values: None,
    lambda number: lambda *values, tenant="acme": None,
    lambda number: partial(lambda first, *values: None, 1),
    lambda number: Loader(),
    lambda number: Loader().__call__,
    lambda number: wrapped(two if number else lambda session: None),
    lambda number: staticmethod(lambda *values: None),
]


@pytest.mark.parametrize("make", RIGHT)
@pytest.mark.parametrize("hook", ARGUMENTS)
def test_what_can_be_called_is_taken_and_stays_what_it_is(hook: str, make: Callable[[int], Any]) -> None:
    """Default values, *args, partials, methods, and a decorator that adds an argument."""
    handoff, function = KapaHandoff(), make(ARGUMENTS[hook])
    assert getattr(handoff, hook)(function) is function
    assert getattr(handoff._registered, hook) is function


def test_a_builtin_without_a_signature_is_taken() -> None:
    """Nothing is known of it until it is called."""
    assert misfit(min, ("thread_id",)) is None
    assert misfit({}.get, ("thread_id",)) is None


@pytest.mark.parametrize("hook", ARGUMENTS)
def test_parentheses_are_explained(hook: str) -> None:
    """``@handoff.conversation_loader()``."""
    with pytest.raises(TypeError, match=rf"{hook}: .*write @handoff\.{hook} without parentheses"):
        getattr(KapaHandoff(), hook)()


def test_the_argument_may_be_named() -> None:
    """As the method declares it."""
    handoff, function = KapaHandoff(), Loader()
    assert handoff.admin_name(source=function) is function
    with pytest.raises(TypeError):
        handoff.admin_name(lambda: "Ada", lambda: "Bob")  # type: ignore[call-arg]


def test_the_table_has_every_hook() -> None:
    """One row each, with a reason that the database's column holds."""
    assert {*ARGUMENTS, "channels"} == {*Registered.__dataclass_fields__}
    assert len({hook.reason for hook in HOOKS}) == len(HOOKS)
    for hook in HOOKS:
        assert len(hook.reason) <= 32
        assert hook.name == "csp_nonce" or getattr(KapaHandoff, hook.name).__doc__


def test_the_last_one_registered_counts_and_the_log_says_so(caplog: Log) -> None:
    """It may be a slip; an app factory that runs twice is none."""
    handoff = KapaHandoff()

    def factory() -> Callable[[], str]:
        @handoff.admin_name
        def ada() -> str:
            return "Ada"

        return ada

    factory()
    again = factory()
    assert handoff._registered.admin_name is again
    assert not caplog.records

    @handoff.admin_name
    def bob() -> str:
        return "Bob"

    assert handoff._registered.admin_name is bob
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "admin_name: " in record.getMessage()
    assert ".bob replaces " in record.getMessage()
