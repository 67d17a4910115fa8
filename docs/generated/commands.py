"""The commands, from click's group."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from flask_kapa_handoff.cli import group

PROGRAM = "flask kapa-handoff"


def commands() -> str:
    """Every command: how to call it, what it does, and its options."""
    lines: list[str] = []
    for context in walk(click.Context(group, info_name=PROGRAM)):
        name = context.command_path.removeprefix(f"{PROGRAM} ")
        lines += [f"## `{name}`", "", "```text", context.command.get_usage(context).removeprefix("Usage: "), "```", ""]
        lines += [_text(context.command), "", *_options(context)]
    return "\n".join(lines)


def walk(context: click.Context) -> Iterator[click.Context]:
    """The contexts of all commands of a group, those of its groups included."""
    command = context.command
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is None:
            continue
        below = click.Context(child, info_name=name, parent=context)
        # A group that does something alone is a command, too.
        if not isinstance(child, click.Group) or child.invoke_without_command:
            yield below
        yield from walk(below)


def _options(context: click.Context) -> list[str]:
    records = [option.get_help_record(context) for option in context.command.params]
    rows = [f"| `{_cell(name)}` | {_cell(said)} |" for name, said in filter(None, records) if said]
    return ["| option | |", "|---|---|", *rows, ""] if rows else []


def _text(command: click.Command) -> str:
    """The help, whose lines click would wrap; a line \\b would keep them."""
    paragraphs = inspect.cleandoc(command.help or "").replace("\f", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).replace("*", r"\*")


def _cell(text: str) -> str:
    return text.replace("|", r"\|")
