"""Reports what was refused in the last 24 hours, why that matters and how to fix it."""

from __future__ import annotations

from ..hook_checks import CSP_NONCE, HOOKS
from ..lazy_text import LazyText
from ..lazy_text import lazy_gettext as _
from ..lazy_text import lazy_ngettext as ngettext
from ..refusals import Counts, by_reason, details
from ..translation import noop as N_
from .finding import Finding, Level

TRUST = _(
    "Let the proxy pass the name on, such as nginx with %(code)s, or list it in `KAPA_HANDOFF_TRUSTED_HOSTS`, with "
    "its port if the address has one. Pairs of two different sites were refused for good reason.",
    code="`proxy_set_header Host $http_host;`",
)

REASONS = {
    "rate_limited": (
        N_("Refused in the last 24 hours: %(requests)s over a limit%(details)s."),
        _("These visitors were asked to wait, and their text stayed in the form."),
        _(
            "If they were real visitors, raise `KAPA_HANDOFF_TICKETS_PER_CLIENT_PER_HOUR` (client, network, wide "
            "network), `KAPA_HANDOFF_TICKETS_PER_EMAIL_PER_HOUR` (email) or `KAPA_HANDOFF_TICKETS_PER_HOUR` (site). "
            "If nearly all come from one client, the site may mistake its proxy for the visitor: use werkzeug's "
            "ProxyFix."
        ),
    ),
    "offer_invalid": (
        N_("Refused in the last 24 hours: %(requests)s with a damaged or forged form%(details)s."),
        _("A real visitor whose form is refused cannot send a ticket."),
        _(
            "Some come from bots. Otherwise the processes of this site may have different values of `SECRET_KEY`; "
            "if it was changed, keep the old value in `SECRET_KEY_FALLBACKS`."
        ),
    ),
    "too_large": (
        N_("Refused in the last 24 hours: %(requests)s too large%(details)s."),
        _("These visitors could not send their conversation."),
        _(
            "Raise `KAPA_HANDOFF_MAX_REQUEST_BYTES` or `KAPA_HANDOFF_MAX_PAIRS`, and the limit of the web server in "
            "front."
        ),
    ),
    "foreign_save": (
        N_("Refused in the last 24 hours: %(requests)s by an admin, as coming from another site%(details)s."),
        _(
            "Each pair is the site of the page, and the host that the request named. If both are this site, a proxy "
            "rewrites the Host header, and admins cannot save anything."
        ),
        TRUST,
    ),
    "foreign_origin": (
        N_("Refused in the last 24 hours: %(requests)s as coming from another site%(details)s."),
        _(
            "Each pair is the site of the page, and the host that the request named. If both are this site, a proxy "
            "rewrites the Host header."
        ),
        TRUST,
    ),
    "unavailable": (
        N_("Refused in the last 24 hours: %(requests)s because the database could not be used%(details)s."),
        _("These visitors were asked to try again."),
        _("The site's log says what was wrong with the database."),
    ),
}
"""The reasons that need attention: what was refused, why it matters, how to fix it.

``details`` is empty, or begins with a blank and is in brackets."""

FROM = {"offer_invalid": 10}
"""The number from which a reason needs attention, if a few mean nothing: a crawler follows any address."""

INTENDED = {
    "refused": N_("Refused in the last 24 hours: %(requests)s by the site's own check%(details)s."),
    "disabled": N_("Refused in the last 24 hours: %(requests)s while the button was switched off%(details)s."),
    "conflict": N_(
        "Refused in the last 24 hours: %(requests)s because the same form was sent again with a different "
        "text%(details)s."
    ),
}
"""The other reasons: nothing is wrong."""


def examine_refusals(refused: Counts) -> list[Finding]:
    """A finding for each reason.

    Arguments:
        refused: the refusals of the last 24 hours.
    """
    sums = by_reason(refused)

    def counted(what: str, reason: str) -> LazyText:
        requests, more = ngettext("%(number)s request", "%(number)s requests", sums[reason]), details(refused, reason)
        return _(what, requests=requests, details=" (" + more + ")" if more else "")

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
            _(
                "The site's %(name)s failed in the last 24 hours: %(details)s.",
                name=hook.name,
                details=details(refused, hook.reason),
            ),
            _(hook.otherwise),
            _("Fix the function in `KAPA_HANDOFF_CSP_NONCE`. It may return %(returns)s.", returns=_(hook.returns))
            if hook is CSP_NONCE
            else _("Fix the function. It may return %(returns)s.", returns=_(hook.returns)),
        )
        for hook in HOOKS
        if sums[hook.reason]
    ]
    findings += [Finding(Level.OK, counted(what, reason)) for reason, what in INTENDED.items() if sums[reason]]
    return findings or [Finding(Level.OK, _("No visitor was refused in the last 24 hours."))]
