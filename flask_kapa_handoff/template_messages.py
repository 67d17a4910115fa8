"""Translates a template while it is compiled, so that its messages cost nothing when it is rendered.

For environments of one language. A label that is looked up and escaped at each
rendering takes thirty times longer than one that is part of the template.
"""

from __future__ import annotations

import re
from typing import cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from .translation import Language, current_language, gettext, speak

WRITTEN = "as_written"
"""The name of the filter :func:`.written`, which the environment must have."""

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def translated(template: nodes.Template, language: Language) -> nodes.Template:
    """The template with its constant messages, ``_("…")``, and ``language()`` in a language.

    Other calls, such as ``ngettext()``, stay.
    """
    with speak(language):
        found = _Translation().visit(template)
    return cast("nodes.Template", found.set_environment(template.environment))


class _Translation(NodeTransformer):
    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        """``language().tag`` and its like."""
        of = node.node
        if isinstance(of, nodes.Call) and isinstance(of.node, nodes.Name) and of.node.name == "language":
            return nodes.Const(getattr(current_language(), node.attr), lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        """``_("Files: %(names)s", names=…)``."""
        self.generic_visit(node)
        if not (isinstance(node.node, nodes.Name) and node.node.name == "_" and len(node.args) == 1):
            return node
        (message,) = node.args
        if not isinstance(message, nodes.Const):
            return node
        values = {keyword.key: keyword.value for keyword in node.kwargs}
        if not values:
            return nodes.Const(gettext(message.value), lineno=node.lineno)
        texts, names = _split(gettext(message.value))
        if set(names) - set(values) or any("%" in text for text in texts):
            return node  # a mistake in a site's own catalog: it is told, and shown in English, with each mail
        parts: list[nodes.Expr] = [nodes.Const(texts[0])]
        for name, text in zip(names, texts[1:], strict=True):
            value = values[name]
            parts += [nodes.Filter(value, WRITTEN, [], [], None, None, lineno=node.lineno), nodes.Const(text)]
        return nodes.Concat(parts, lineno=node.lineno)


def _split(message: str) -> tuple[list[str], list[str]]:
    """The texts around a message's placeholders, and the placeholders' names."""
    parts = _PLACEHOLDER.split(message)
    return parts[::2], parts[1::2]
