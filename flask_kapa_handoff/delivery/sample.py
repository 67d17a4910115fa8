"""A ticket that nobody sent: for trying out the way to the mail server."""

from __future__ import annotations

from datetime import datetime, timezone
from uuid import uuid4

from ..conversation import Conversation, QuestionAnswer, Source
from ..storage.records import Status, Ticket
from ..triggers import Trigger


def sample_ticket(recipient: str, *, desk: str = "default") -> tuple[Ticket, Conversation]:
    """A ticket and its conversation, stored nowhere, that look like real ones.

    Arguments:
        recipient: where the mail goes; answers to it go there, too.
    """
    moment = datetime.now(timezone.utc)
    conversation = Conversation(
        (
            QuestionAnswer(
                "How do I change where tickets go?",
                "On the **settings page** of the handoff, under *Email*.",
                sources=(Source("The settings page", "https://example.com/handoff/settings"),),
                reaction="upvote",
            ),
            QuestionAnswer(
                "And how do I know that mails arrive?",
                "Send a test mail. If you can read this one, *they do*.",
                uncertain=True,
            ),
        )
    )
    ticket = Ticket(
        id=uuid4(),
        reference="T-SAMPLE",
        submission_id=uuid4(),
        content_digest="",
        created_at=moment,
        desk=desk,
        recipient=recipient,
        visitor_email=recipient,
        visitor_name=None,
        note="This is a test mail. Nobody asked for anything: real tickets look like this one.",
        subject="Test mail",
        pairs=len(conversation.pairs),
        transcript_source="site",
        triggers=Trigger.UNCERTAINTY.value,
        answer_id=None,
        thread_id=None,
        page=None,
        locale=None,
        client_key="",
        follows=None,
        status=Status.QUEUED,
        attempts=0,
        queued_at=moment,
        next_attempt_at=None,
        leased_until=None,
        last_error=None,
        delivered_at=None,
    )
    return ticket, conversation
