"""The texts of a ticket in the form in which they are stored, which is also the form that a visitor reviews."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .config import Config
from .conversation import Conversation
from .fields import further_fields
from .redaction import redact, redact_conversation
from .text import clean_text


@dataclass(frozen=True)
class TicketContent:
    """What a visitor sends.

    Arguments:
        page: the address of the page with the answer.
        fields: the values of the form's further fields, by name.
    """

    note: str
    conversation: Conversation
    page: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)

    def as_stored(self, config: Config) -> TicketContent:
        """The same cleaned, and with its secrets masked unless KAPA_HANDOFF_REDACT is off."""
        note, page = clean_text(self.note), self.page
        fields = {name: clean_text(value) for name, value in self.fields.items() if value}
        if not config.redact:
            return TicketContent(note, self.conversation, page, fields)
        extra = config.redact_patterns
        typed = {row.name for row in further_fields(config.fields) if row.is_typed}
        return TicketContent(
            redact(note, extra),
            redact_conversation(self.conversation, extra),
            redact(page, extra) if page else None,
            {name: redact(value, extra) if name in typed else value for name, value in fields.items()},
        )
