"""The public names, from ``flask_kapa_handoff.__all__``; autodoc adds their docstrings."""

from __future__ import annotations

import inspect

import flask_kapa_handoff


def public_names() -> str:
    """Autodoc's directives: the extension first, the others by name."""
    names = sorted(flask_kapa_handoff.__all__, key=lambda name: (name != "KapaHandoff", name.lower()))
    lines = ["```{eval-rst}"]
    for name in names:
        is_class = inspect.isclass(getattr(flask_kapa_handoff, name))
        lines.append(f".. auto{'class' if is_class else 'function'}:: flask_kapa_handoff.{name}")
        if is_class:
            lines.append("   :members:")
        lines.append("")
    return "\n".join([*lines, "```"])
