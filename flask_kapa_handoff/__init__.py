"""Ticket handoff from an AI answer widget to a human, for Flask sites."""

from .conversation import Conversation, QuestionAnswer, Source
from .errors import ConfigurationError, Refuse
from .extension import KapaHandoff
from .fields import Field
from .health import Health, health
from .hooks import Visitor
from .submission import Submission
from .ticket_filter import Flag
from .triggers import Trigger

__all__ = [
    "ConfigurationError",
    "Conversation",
    "Field",
    "Flag",
    "Health",
    "KapaHandoff",
    "QuestionAnswer",
    "Refuse",
    "Source",
    "Submission",
    "Trigger",
    "Visitor",
    "health",
]
