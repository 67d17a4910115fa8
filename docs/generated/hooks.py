"""The hooks, from the table in ``flask_kapa_handoff/hook_checks.py``."""

from __future__ import annotations

from flask_kapa_handoff.hook_checks import CSP_NONCE, HOOKS


def table() -> str:
    """Each hook: what it gets, what it may return, and what happens when it fails."""
    lines = ["| hook | gets | returns | when it fails |", "|---|---|---|---|"]
    for hook in HOOKS:
        name = "`KAPA_HANDOFF_CSP_NONCE`" if hook is CSP_NONCE else f"`{hook.name}`"
        gets = ", ".join(f"`{argument}`" for argument in hook.arguments) or "nothing"
        lines.append(f"| {name} | {gets} | {hook.returns} | {hook.otherwise} |")
    return "\n".join(lines)
