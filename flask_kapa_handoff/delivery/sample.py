"""Sends a sample ticket, which is never stored, to check whether tickets reach an address."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple
from uuid import uuid4

from ..conversation import Conversation, QuestionAnswer
from ..settings import DEFAULT_DESK
from ..storage.tickets import Status, Ticket
from ..triggers import Trigger
from .channels import Channels
from .mailroom import Mailroom
from .outcomes import Refused, Suppressed, TryLater

CONVERSATION = Conversation(
    (
        QuestionAnswer(
            "Does the handoff reach us?",
            "Yes, it does: **this is a test mail**. No visitor is waiting for a reply.",
        ),
    )
)


class SampleAttempt(NamedTuple):
    """The result of sending: ``accepted``, ``suppressed``, ``delayed`` or ``refused``, and the server's reply."""

    outcome: str
    reply: str
    recipient: str


def send_sample(mailroom: Mailroom, recipient: str, *, desk: str = DEFAULT_DESK) -> SampleAttempt:
    """Send a sample ticket of a desk now.

    Arguments:
        recipient: the address it is sent to, which is also its reply address.
    """
    channels = Channels(mailroom)
    try:
        with mailroom.app.app_context():
            delivered = channels.send(sample_ticket(recipient, desk=desk), CONVERSATION)
    except TryLater as error:
        return SampleAttempt("delayed", str(error), recipient)
    except Refused as error:
        return SampleAttempt("refused", str(error), recipient)
    except Suppressed as error:
        return SampleAttempt("suppressed", str(error), recipient)
    finally:
        channels.close()
    return SampleAttempt("accepted", delivered.reply, recipient)


def sample_ticket(recipient: str, *, desk: str = DEFAULT_DESK) -> Ticket:
    """A ticket as a visitor would send it; not in the database."""
    moment = datetime.now(timezone.utc)
    return Ticket(
        id=uuid4(),
        reference="T-SAMPLE",
        submission_id=uuid4(),
        content_digest="",
        created_at=moment,
        desk=desk,
        recipient=recipient,
        visitor_email=recipient,
        email_key=recipient.lower(),
        visitor_name="Test mail",
        note="This is a test mail. A visitor's note appears here.",
        subject="Test mail: does the handoff reach us?",
        pairs=len(CONVERSATION.pairs),
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
