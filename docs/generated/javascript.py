"""What pages may call in the browser, from the types and comments in ``frontend/``."""

from __future__ import annotations

import re

from .pages import CHECKOUT

TYPES = {
    "shared/conversation.ts": ("Pair", "ToldPair", "HandoffDetail"),
    "handoff/types.ts": ("Reaction", "KnownPair"),
    "handoff/events.ts": ("EventName", "Handler"),
    "handoff/server.ts": ("MakeRequest",),
}
"""The types that the members' signatures use, by file."""

INTERNAL = ("parts",)
"""Members for the package's own scripts."""

_MEMBER = re.compile(
    r"^  /\*\*(?P<doc>.*?)\*/\n"
    r"  (?P<start>(?:async |get )?(?P<name>\w+))(?P<rest>\(.*?\): .*?(?= \{$)|: undefined as [^,]+|,)",
    re.DOTALL | re.MULTILINE,
)


def members() -> str:
    """Each member of ``window.KapaHandoff`` with its signature and its comment."""
    source = _read("handoff/api.ts").partition("export const api = {")[2]
    lines = []
    for found in _MEMBER.finditer(source):
        if found["name"] not in INTERNAL:
            lines += [f"### `KapaHandoff.{found['name']}`", "", "```typescript", _signature(found), "```", ""]
            lines += [_text(found["doc"]), ""]
    return "\n".join(lines)


def types() -> str:
    """The declarations of the types, with their comments."""
    declarations = [_declaration(_read(file), name) for file, names in TYPES.items() for name in names]
    return "\n".join(["```typescript", "\n\n".join(declarations), "```"])


def _signature(member: re.Match[str]) -> str:
    name, rest = member["name"], " ".join(member["rest"].split())
    if member["start"].startswith("get "):
        return f"{name}: {rest.partition('): ')[2]}"
    return name + re.sub(r" = server\.\w+|(?<=: )undefined as ", "", rest)


def _declaration(source: str, name: str) -> str:
    pattern = rf"^export ((?:interface {name} .*?^\}})|(?:type {name} = .*?;$))"
    found = re.search(pattern, source, re.DOTALL | re.MULTILINE)
    if found is None:
        raise LookupError(f"frontend/ declares no {name}")
    return found[1]


def _read(file: str) -> str:
    return (CHECKOUT / "frontend" / file).read_text("utf-8")


def _text(comment: str) -> str:
    return " ".join(re.sub(r"^\s*\* ?", "", line, count=1).strip() for line in comment.strip().splitlines())
