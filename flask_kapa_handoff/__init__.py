"""Ticket handoff from an AI answer widget to a human, for Flask sites."""

from .conversation import Conversation, QuestionAnswer, Source
from .delivery.outcomes import Refused, TryLater
from .errors import ConfigurationError, Refuse
from .extension import KapaHandoff
from .fields import Field
from .health import Health, health
from .hooks import Visitor
from .storage.attachments import Attachment
from .storage.tickets import Ticket
from .submission import Submission
from .ticket_filter import Flag
from .triggers import Trigger

__all__ = [
    "Attachment",
    "ConfigurationError",
    "Conversation",
    "Field",
    "Flag",
    "Health",
    "KapaHandoff",
    "QuestionAnswer",
    "Refuse",
    "Refused",
    "Source",
    "Submission",
    "Ticket",
    "Trigger",
    "TryLater",
    "Visitor",
    "health",
]
