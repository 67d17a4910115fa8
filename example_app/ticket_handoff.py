"""The extension, with what this site tells it."""

from __future__ import annotations

from flask_kapa_handoff import Conversation, KapaHandoff

from . import threads

handoff = KapaHandoff()


@handoff.conversation_loader
def load_conversation(thread_id: str) -> Conversation | None:
    """The chat's own record: browsers send only the thread's id, and the mail says that the record is the site's."""
    return threads.load_conversation(thread_id)
