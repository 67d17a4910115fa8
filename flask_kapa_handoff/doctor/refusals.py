"""Reports what was refused in the last 24 hours, why that matters and how to fix it."""

from __future__ import annotations

from ..hook_checks import CSP_NONCE, HOOKS
from ..refusals import Counts, by_reason, details
from .finding import Finding, Level

TRUST = (
    "Let the proxy pass the name on, such as nginx with `proxy_set_header Host $http_host;`, or list it in "
    "`KAPA_HANDOFF_TRUSTED_HOSTS`, with its port if the address has one. "
    "Pairs of two different sites were refused for good reason."
)

REASONS = {
    "rate_limited": (
        "over a limit",
        "These visitors were asked to wait, and their text stayed in the form.",
        "If they were real visitors, raise `KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR` (client, network, wide "
        "network), `KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR` (email) or `KAPA_HANDOFF_TICKETS_PER_HOUR` (site). If "
        "nearly all come from one client, the site may mistake its proxy for the visitor: use werkzeug's ProxyFix.",
    ),
    "offer_invalid": (
        "with a damaged or forged form",
        "A real visitor whose form is refused cannot send a ticket.",
        "Some come from bots. Otherwise the processes of this site may have different values of `SECRET_KEY`; "
        "if it was changed, keep the old value in `SECRET_KEY_FALLBACKS`.",
    ),
    "too_large": (
        "too large",
        "These visitors could not send their conversation.",
        "Raise `KAPA_HANDOFF_MAX_REQUEST_BYTES` or `KAPA_HANDOFF_MAX_PAIRS`, and the limit of the web server in "
        "front.",
    ),
    "foreign_save": (
        "by an admin, as coming from another site",
        "Each pair is the site of the page, and the host that the request named. If both are this site, a proxy "
        "rewrites the Host header, and admins cannot save anything.",
        TRUST,
    ),
    "foreign_origin": (
        "as coming from another site",
        "Each pair is the site of the page, and the host that the request named. If both are this site, a proxy "
        "rewrites the Host header.",
        TRUST,
    ),
    "unavailable": (
        "because the database could not be used",
        "These visitors were asked to try again.",
        "The site's log says what was wrong with the database.",
    ),
}
"""The reasons that need attention: what was refused, why it matters, how to fix it."""

FROM = {"offer_invalid": 10}
"""The number from which a reason needs attention, if a few mean nothing: a crawler follows any address."""

INTENDED = {
    "refused": "by the site's own check",
    "disabled": "while the button was switched off",
    "conflict": "because the same form was sent again with a different text",
}
"""The other reasons: nothing is wrong."""


def examine_refusals(refused: Counts) -> list[Finding]:
    """A finding for each reason.

    Arguments:
        refused: the refusals of the last 24 hours.
    """
    sums = by_reason(refused)

    def counted(what: str, reason: str) -> str:
        number, more = sums[reason], details(refused, reason)
        requests = f"{number} request{'s' if number != 1 else ''} {what}"
        return f"Refused in the last 24 hours: {requests}{f' ({more})' if more else ''}."

    findings = [
        Finding(Level.WARNING, counted(what, reason), why, remedy)
        if sums[reason] >= FROM.get(reason, 1)
        else Finding(Level.OK, counted(what, reason))
        for reason, (what, why, remedy) in REASONS.items()
        if sums[reason]
    ]
    findings += [
        Finding(
            Level.WARNING,
            f"The site's {hook.name} failed in the last 24 hours: {details(refused, hook.reason)}.",
            hook.otherwise,
            f"Fix the function{' in `KAPA_HANDOFF_CSP_NONCE`' if hook is CSP_NONCE else ''}. "
            f"It may return {hook.returns}.",
        )
        for hook in HOOKS
        if sums[hook.reason]
    ]
    findings += [Finding(Level.OK, counted(what, reason)) for reason, what in INTENDED.items() if sums[reason]]
    return findings or [Finding(Level.OK, "No visitor was refused in the last 24 hours.")]
