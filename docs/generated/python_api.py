"""The public names, from ``flask_kapa_handoff.__all__``; autodoc adds their docstrings."""

from __future__ import annotations

import inspect
import re

import flask_kapa_handoff

WITH_MEMBERS = ("KapaHandoff", "Trigger", "Visitor")
"""Classes whose members sites use. Those of the others are attributes, which are also arguments."""

_TYPE_VARIABLE = r"~?[\w.]*\b_[A-Z]\w*"


def public_names() -> str:
    """Autodoc's directives: the extension first, the others by name."""
    names = sorted(flask_kapa_handoff.__all__, key=lambda name: (name != "KapaHandoff", name.lower()))
    lines = ["```{eval-rst}"]
    for name in names:
        is_class = inspect.isclass(getattr(flask_kapa_handoff, name))
        lines.append(f".. auto{'class' if is_class else 'function'}:: flask_kapa_handoff.{name}")
        if name in WITH_MEMBERS:
            lines += ["   :members:", "   :undoc-members:"]
        lines.append("")
    return "\n".join([*lines, "```"])


def signature(arguments: str | None, returns: str | None) -> tuple[str | None, str | None]:
    """A signature without our own type variables: a hook's decorator takes a function, and returns it."""
    if returns and re.search(_TYPE_VARIABLE, returns):
        returns = None
    return arguments and re.sub(f": {_TYPE_VARIABLE}", "", arguments), returns
