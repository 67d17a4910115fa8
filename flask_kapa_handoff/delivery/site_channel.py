"""A channel that the site has registered: a function that sends one ticket."""

from __future__ import annotations

from ..conversation import Conversation
from ..hook_checks import CHANNEL
from ..hook_failures import HookFailures
from ..hooks import RegisteredChannel
from ..storage.tickets import Ticket
from ..text import clean_text, one_line
from .outcomes import Delivered, Refused, TryLater

MAX_WHY = 500


class SiteChannel:
    """Sends tickets by a function of the site; see :class:`~.channels.Channel`.

    Arguments:
        failures: logs and counts a function that raises something else, or returns something.
    """

    def __init__(self, registered: RegisteredChannel, failures: HookFailures) -> None:
        self._label, self._send = registered
        self._failures = failures

    def send(self, ticket: Ticket, conversation: Conversation) -> Delivered:
        """Call the function.

        Raises:
            TryLater: the function raised it, or anything else that is not expected.
            Refused: the function raised it. Or it returned something: it may or may not have sent the ticket, so
                sending it again is up to a person.
        """
        try:
            found: object = self._send(ticket, conversation)
        except TryLater as error:
            raise TryLater(self._told("did not accept it yet", error), seconds=error.seconds) from error
        except Refused as error:
            raise Refused(self._told("did not accept it", error)) from error
        except Exception as error:
            self._failures.raised(CHANNEL, self._send, error)
            # Its text is stored only in the ticket, since it may contain an address.
            raise TryLater(f"The site's code for {self._label} raised {type(error).__name__}{_why(error)}") from error
        if found is not None:
            self._failures.returned(CHANNEL, self._send, found)
            raise Refused(f"The site's code for {self._label} returned {type(found).__name__}, not None")
        return Delivered("")

    def close(self) -> None:
        """There is nothing to close."""

    def _told(self, what: str, error: TryLater | Refused) -> str:
        return f"{self._label} {what}{_why(error) or '.'}"


def _why(error: Exception) -> str:
    """The error's text in a form that every database can store; empty: it has none."""
    text = one_line(clean_text(str(error)))[:MAX_WHY]
    return f": {text}" if text else ""
