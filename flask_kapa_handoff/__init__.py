"""Ticket handoff from an AI answer widget to a human, for Flask sites."""

from .conversation import Conversation, QuestionAnswer, Source
from .errors import ConfigurationError
from .extension import KapaHandoff
from .monitoring import Health, health
from .state import Visitor
from .triggers import Trigger

__all__ = [
    "ConfigurationError",
    "Conversation",
    "Health",
    "KapaHandoff",
    "QuestionAnswer",
    "Source",
    "Trigger",
    "Visitor",
    "health",
]
