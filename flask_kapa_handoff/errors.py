"""The package's errors. Those that a visitor or a program can get over HTTP are werkzeug exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import HTTPException

from .lazy_text import LazyText
from .text import clean_text
from .translation import gettext as _
from .translation import ngettext
from .translation import noop as N_


class HandoffError(Exception):
    """Base of the errors that are not responses to a request."""


class ConfigurationError(HandoffError, ValueError):
    """A configuration value is wrong; the message names the key, the value and what is allowed."""


class RequestProblem(HTTPException):
    """Base of the errors that are HTTP responses: a status, a stable ``error_code`` and a sentence for people.

    Arguments:
        description: the sentence that is shown, in English or already translated.
        fields: field name -> messages, where single fields are at fault.
        retry_after: seconds after which another attempt makes sense (``Retry-After``, RFC 9110, 10.2.3).
        detail: the exact cause, only for counting refusals: never the visitor's address or text.
    """

    error_code: str = "error"
    title: str = N_("Something went wrong")

    def __init__(
        self,
        description: str | None = None,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after: int | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(description)
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.retry_after = retry_after
        self.detail = detail

    def __str__(self) -> str:
        """What is wrong, for the log and for programs: with the names of the wrong fields, if there are any."""
        return named_errors(self.fields) or self.description or ""

    @property
    def message(self) -> str:
        """The sentence for people, in the current language."""
        return _(self.description) if self.description else ""

    def as_text(self) -> str:
        """Everything that is wrong, on one line."""
        return " ".join([self.message, *(text for texts in self.fields.values() for text in texts)]).strip()

    def as_json(self) -> dict[str, Any]:
        """The JSON body: ``{"error": {"code", "message"[, "fields"]}}``."""
        error: dict[str, Any] = {"code": self.error_code, "message": self.message}
        if self.fields:
            error["fields"] = self.fields
        return {"error": error}


def named_errors(fields: Mapping[str, Sequence[str]]) -> str:
    """The messages of the wrong fields on one line, each with its field's name."""
    return " ".join(
        text if text.startswith(f"{name}:") else f"{name}: {text}" for name, texts in fields.items() for text in texts
    )


class Invalid(RequestProblem):
    code = 422
    error_code = "invalid"
    title = N_("Please check the form")
    description = N_("Some fields need another look.")


class ForeignOrigin(RequestProblem):
    code = 403
    error_code = "foreign_origin"
    title = N_("Not from this site")
    description = N_("This form works only on this site's own pages.")


class Conflict(RequestProblem):
    code = 409
    error_code = "conflict"
    title = N_("Already sent")
    description = N_(
        "You've already sent this form with a different text. To send another ticket, "
        "go back to the answer and press the button again."
    )


class NoLongerOffered(RequestProblem):
    """An expired offer cannot be renewed: by the current settings and facts, the answer does not qualify."""

    code = 409
    error_code = "disabled"
    title = N_("This form has expired")
    description = N_(
        "This form has expired, and you can't create a ticket for this answer any more. Copy your text if you need it."
    )


class Disabled(RequestProblem):
    code = 409
    error_code = "disabled"
    title = N_("Tickets are switched off")
    description = N_("We've just stopped taking requests here. Copy your text if you need it.")


class RateLimited(RequestProblem):
    code = 429
    error_code = "rate_limited"
    title = N_("Too many messages")
    description = N_("We can't take more messages right now.")

    @property
    def message(self) -> str:
        return f"{self.reason} {self.when}"

    @property
    def reason(self) -> str:
        """Which limit was reached, in the current language."""
        return super().message

    @property
    def when(self) -> str:
        """When to try again, in the current language."""
        if self.retry_after is None:
            return _("Your text is safe – try again later.")
        return ngettext(
            "Your text is safe – try again in %(number)s minute.",
            "Your text is safe – try again in %(number)s minutes.",
            -(-self.retry_after // 60),
        )


class Refuse(RequestProblem):
    """Raised by a site's ``ticket_filter``: the ticket is not stored, and the visitor's text stays in the form.

    Arguments:
        words: the message for the visitor.
    """

    code = 422
    error_code = "refused"
    title = N_("Not sent")
    description = N_("We can't take this message. Your text is safe – check it and try again.")

    def __init__(self, words: str | None = None) -> None:
        # Only text can be shown, and a mistake in the site's code must not turn a refusal into an error page.
        super().__init__((clean_text(words).strip() if isinstance(words, str) else "") or None)


class TooLarge(RequestProblem):
    code = 413
    error_code = "too_large"
    title = N_("Too long to send")
    description = N_(
        "This conversation is too long to send. Start a new one with just the question that you need help with."
    )


class Unavailable(RequestProblem):
    code = 503
    error_code = "unavailable"
    title = N_("Please try again in a moment")
    description = N_("We couldn't save your ticket just now. Your text is safe – try again in a moment.")
    before_sending = N_("You can't ask for help here just now. Try again in a moment.")
    """The sentence before there is anything to save."""

    def __init__(self, description: str | None = None, *, retry_after: int = 10) -> None:
        super().__init__(description, retry_after=retry_after)


class RecordUnavailable(Unavailable):
    """The site's own record of a thread cannot be loaded. Not counted here: the loader's failure is counted there."""

    description = N_("We couldn't load this conversation just now. Your text is safe – try again in a moment.")
    before_sending = N_("We couldn't load this conversation just now. Try again in a moment.")


class SchemaError(Unavailable):
    """The database's tables are missing or of another version.

    Visitors see the message of :class:`Unavailable`; ``str()`` of the error is for the site's owner and names the
    command that fixes it.
    """

    def __init__(self, found: LazyText, remedy: LazyText) -> None:
        super().__init__()
        self.found = found
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.found.english} {self.remedy.english}"
