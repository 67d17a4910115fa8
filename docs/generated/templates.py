"""What the visitors' and the mail's templates read, from the templates themselves."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, meta, nodes

from flask_kapa_handoff.template_environment import OPTIONS, TEMPLATES

EVERYWHERE = ("_", "language", "ngettext")
"""Functions that every template has."""


def table() -> str:
    """Each template that a site may replace with the variables that it reads, beside those that it includes."""
    read = variables()
    lines = ["| template | variables |", "|---|---|"]
    lines += [
        f"| `{name}` | {', '.join(f'`{one}`' for one in sorted(names)) or '–'} |" for name, names in read.items()
    ]
    return "\n".join(lines)


def variables() -> dict[str, set[str]]:
    """By template, the names of the variables that it reads."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), **OPTIONS)  # noqa: S701 - nothing is rendered
    names = [name for name in environment.list_templates() if name.startswith("kapa_handoff/")]
    shown = [name for name in names if not name.startswith("kapa_handoff/admin/")]
    return {name.removeprefix("kapa_handoff/"): _variables(environment, name) for name in sorted(shown)}


def _variables(environment: Environment, name: str) -> set[str]:
    loader = environment.loader
    assert loader is not None  # noqa: S101 - for the type checker
    tree = environment.parse(loader.get_source(environment, name)[0])
    # Jinja also names what one block sets and another one reads.
    own = {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    return meta.find_undeclared_variables(tree) - own - set(EVERYWHERE)
