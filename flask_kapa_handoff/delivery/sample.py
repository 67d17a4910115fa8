"""Sends a sample ticket to check whether tickets reach an address. It is never stored, only that it was sent."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone
from typing import NamedTuple
from uuid import uuid4

from ..config_values import MAIL
from ..conversation import Conversation, QuestionAnswer
from ..errors import Unavailable
from ..mail_links import LinkKind
from ..settings import DEFAULT_DESK
from ..storage.arrivals import note_sent
from ..storage.tickets import Status, Ticket
from ..translation import gettext as _
from ..translation import speak
from ..triggers import Trigger
from .channels import Channels
from .mailroom import Mailroom
from .outcomes import Refused, Suppressed, TryLater, unexpected

SAMPLE_REFERENCE = "T-SAMPLE"
"""No ticket has it: it has letters that references never contain. It has no page, so nothing may link to one."""


class SampleAttempt(NamedTuple):
    """The result: ``accepted``, ``suppressed``, ``delayed`` or ``refused``, the reply, and where it was sent.

    ``has_link``: the mail has a link by which one confirms that it arrived.
    """

    outcome: str
    reply: str
    destination: str
    has_link: bool = False


def send_sample(
    mailroom: Mailroom, recipient: str, *, desk: str = DEFAULT_DESK, visitor: str | None = None
) -> SampleAttempt:
    """Send a sample ticket of a desk now, by the desk's channel, in the site's language.

    Arguments:
        recipient: the address it is sent to, unless it goes by a channel of the site.
        visitor: its reply address; None: the same.
    """
    channels, destination, has_link = Channels(mailroom), mailroom.destination(desk, recipient), False
    try:
        with mailroom.app.app_context(), speak(mailroom.site_language):
            sample = sample_ticket(recipient, desk, visitor)
            if mailroom.channel_of(desk) == MAIL and mailroom.mail_link(LinkKind.ARRIVED, sample.id):
                with suppress(Unavailable):  # the mail shows then that mail works, and its link does not
                    note_sent(mailroom.database, sample.id, desk, recipient)
                    has_link = True
            delivered = channels.send(sample, sample_conversation())
    except TryLater as error:
        return SampleAttempt("delayed", str(error), destination)
    except Refused as error:
        return SampleAttempt("refused", str(error), destination)
    except Suppressed as error:
        return SampleAttempt("suppressed", str(error), destination)
    except Exception as error:  # the admin who is testing should read of it, and a ticket would wait, too
        return SampleAttempt("delayed", unexpected(error), destination)
    finally:
        channels.close()
    return SampleAttempt("accepted", delivered.reply, destination, has_link)


def sample_conversation() -> Conversation:
    """One question and its answer, in the current language."""
    answer = _("Yes, it does: **this is a test**. No visitor is waiting for a reply.")
    return Conversation((QuestionAnswer(_("Does the handoff reach us?"), answer),))


def sample_ticket(recipient: str, desk: str, visitor: str | None = None) -> Ticket:
    """A ticket as a visitor would send it, in the current language; not in the database."""
    moment = datetime.now(timezone.utc)
    return Ticket(
        id=uuid4(),
        reference=SAMPLE_REFERENCE,
        submission_id=uuid4(),
        content_digest="",
        created_at=moment,
        desk=desk,
        recipient=recipient,
        visitor_email=visitor or recipient,
        email_key=(visitor or recipient).lower(),
        visitor_name=_("Test"),
        note=_("This is a test. A visitor's note appears here."),
        subject=_("Test: does the handoff reach us?"),
        pairs=1,
        transcript_source="site",
        triggers=Trigger.ALWAYS.value,
        answer_id=None,
        thread_id=None,
        page=None,
        locale=None,
        client_key="",
        follows=None,
        status=Status.SENDING,
        attempts=1,
        queued_at=moment,
        next_attempt_at=None,
        leased_until=None,
        last_error=None,
        delivered_at=None,
    )
