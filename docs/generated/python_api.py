"""The Python names that sites use: a table for the repository; on the site, autodoc adds their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import flask_kapa_handoff
from flask_kapa_handoff import signals, testing
from flask_kapa_handoff.visitor import template_helpers

from .pages import with_page_links_in_markdown

WITH_MEMBERS = ("KapaHandoff", "Trigger", "Visitor")
"""Classes whose members sites use. Those of the others are attributes, which are also arguments."""

HELPERS = (
    "kapa_handoff_script",
    "kapa_handoff_button",
    "kapa_widget",
    "kapa_handoff_script_url",
    "kapa_handoff_style_url",
)

_SIGNAL = re.compile(r"^- ``(\w+)\((.*?)\)``: (.*?)$(?!\n  )", re.DOTALL | re.MULTILINE)
_TYPE_VARIABLE = r"~?[\w.]*\b_[A-Z]\w*"


def public_table() -> str:
    """The public names."""
    return _table(flask_kapa_handoff, _public_names())


def public_directives() -> str:
    """The extension first, the others by name."""
    lines = []
    for name in _public_names():
        is_class = inspect.isclass(getattr(flask_kapa_handoff, name))
        lines.append(f".. auto{'class' if is_class else 'function'}:: flask_kapa_handoff.{name}")
        if name in WITH_MEMBERS:
            lines += ["   :members:", "   :undoc-members:"]
        lines.append("")
    return _directives(lines)


def signals_table() -> str:
    """Each signal, with its keyword arguments and when it is sent, as the module's docstring says it."""
    lines = ["| signal | keyword arguments | |", "|---|---|---|"]
    for name, arguments, said in _SIGNAL.findall(inspect.getdoc(signals) or ""):
        told = with_page_links_in_markdown(" ".join(said.split()))
        lines.append(f"| `{name}` | {', '.join(f'`{one}`' for one in arguments.split(', ')[1:])} | {told} |")
    return "\n".join(lines)


def signals_directives() -> str:
    """The docstring of the module."""
    return _directives([".. automodule:: flask_kapa_handoff.signals"])


def testing_table() -> str:
    """What ``flask_kapa_handoff.testing`` has."""
    return _table(testing, [name for name in testing.__all__ if callable(getattr(testing, name))])


def testing_directives() -> str:
    """The same with its docstrings."""
    return _directives([".. automodule:: flask_kapa_handoff.testing", "   :members:", "   :imported-members:"])


def helpers_table() -> str:
    """The functions for templates."""
    return _table(template_helpers, HELPERS)


def helpers_directives() -> str:
    """The same with their docstrings."""
    module = template_helpers.__name__
    return _directives([f".. currentmodule:: {module}", "", *(f".. autofunction:: {name}" for name in HELPERS)])


def signature(arguments: str | None, returns: str | None) -> tuple[str | None, str | None]:
    """A signature without our own type variables: a hook's decorator takes a function, and returns it."""
    if returns and re.search(_TYPE_VARIABLE, returns):
        returns = None
    return arguments and re.sub(f": {_TYPE_VARIABLE}", "", arguments), returns


def _public_names() -> list[str]:
    return sorted(flask_kapa_handoff.__all__, key=lambda name: (name != "KapaHandoff", name.lower()))


def _table(module: Any, names: Iterable[str]) -> str:
    lines = ["| name | |", "|---|---|"]
    for name in names:
        said = inspect.getdoc(getattr(module, name)) or ""
        sentence = " ".join(said.partition("\n\n")[0].split()).replace("|", r"\|")
        lines.append(f"| `{name}` | {with_page_links_in_markdown(sentence)} |")
    return "\n".join(lines)


def _directives(lines: list[str]) -> str:
    return "\n".join(["```{eval-rst}", *lines, "```"])
