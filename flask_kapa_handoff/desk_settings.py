"""What a desk is: one destination of tickets, with its own address, words, triggers and limits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .config_values import MAIL
from .form_parsing import read_form
from .form_settings import FormSettings
from .triggers import Trigger, read_triggers
from .unknown import Unknown

DEFAULT_DESK = "default"
"""The desk that always exists."""

DESK_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What a desk's name may be; pages name it in their markup."""

MAX_LABEL = 60

TRANSCRIPT, LINK = "transcript", "link"
MAIL_CONTENTS = (TRANSCRIPT, LINK)
"""What a desk's mails hold: the whole transcript, or only a link to the ticket's admin page."""


DEFAULT_REMINDER_HOURS, MAX_REMINDER_HOURS = 4, 200


@dataclass(frozen=True)
class DeskSettings:
    """The settings of one desk.

    Arguments:
        desk: the desk's name.
        enabled: whether it shows buttons and takes tickets at all.
        email: where its tickets go, several addresses with ``, `` between them; None: no button.
        button_text: the text of the button.
        triggers: an answer that meets any of these gets a button; no answer meets an unknown one, which a later
            version saved.
        threshold: the number of pairs from which ``conversation-length`` is met.
        version: 0 until an admin saves; one more with every change.
        form: what the form says, and how it looks.
        label: what admins and agents call it; empty: its name.
        internal: whether only the site's own code may choose it, and no browser.
        channel: the name of the channel by which its tickets go.
        mail_content: one of :data:`MAIL_CONTENTS`.
        tickets_per_hour: how many of its tickets go out in an hour before further ones are held; None: the site's
            limit alone counts.
        removed: whether an admin has removed it; its tickets stay.
        take_link: whether its mails have a link with which one says "I'm on it".
        reminder_email: where a ticket is sent once more that nobody has taken; None: nowhere.
        reminder_hours: after how many office hours; of a desk without them, after how many hours.
    """

    desk: str
    enabled: bool
    email: str | None
    button_text: str
    triggers: tuple[Trigger | Unknown, ...]
    threshold: int
    version: int = 0
    form: FormSettings = field(default_factory=FormSettings)
    label: str = ""
    internal: bool = False
    channel: str = MAIL
    mail_content: str = TRANSCRIPT
    tickets_per_hour: int | None = None
    removed: bool = False
    take_link: bool = False
    reminder_email: str | None = None
    reminder_hours: int = DEFAULT_REMINDER_HOURS

    @property
    def has_take_link(self) -> bool:
        """Whether one can take its tickets from their mails."""
        return self.take_link and self.channel == MAIL

    @property
    def reminds(self) -> bool:
        """Whether tickets that nobody has taken are sent once more."""
        return self.has_take_link and bool(self.reminder_email) and not self.removed

    @property
    def takes_tickets(self) -> bool:
        """Whether tickets can be sent: the desk is there, is on and has an address."""
        return self.enabled and bool(self.email) and not self.removed

    @property
    def open_directly(self) -> bool:
        """Whether a visitor may open the form without an answer that qualifies."""
        return self.form.open_directly

    @property
    def recipients(self) -> tuple[str, ...]:
        """The addresses that its tickets go to."""
        return recipients_in(self.email)

    @property
    def shown_label(self) -> str:
        """What people call it."""
        return self.label or self.desk

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        triggers = [trigger.value for trigger in self.triggers]
        return {**values, "triggers": triggers, "form": self.form.as_json()}

    @classmethod
    def from_json(cls, values: Any) -> DeskSettings | None:
        """Read settings that :meth:`as_json` wrote, maybe in a later version, whose further keys are ignored.

        Returns:
            None: they cannot be read.
        """
        found = dict(values) if isinstance(values, Mapping) else {}
        if isinstance(found.get("triggers"), list):
            found["triggers"] = read_triggers(found["triggers"])
        if not all(isinstance(found.get(name), types) for name, types in _TYPES.items()):
            return None
        # Earlier versions knew no form settings, and none of these.
        later = {name: found[name] for name in _LATER.keys() & found.keys() if isinstance(found[name], _LATER[name])}
        return cls(**{name: found[name] for name in _TYPES}, **later, form=read_form(found.get("form")))

    def differences(self, other: DeskSettings) -> tuple[str, ...]:
        """The names of the settings that differ, except the version."""
        return tuple(name for name in SETTINGS if getattr(self, name) != getattr(other, name))


_TYPES: Mapping[str, tuple[type, ...]] = {
    "desk": (str,),
    "enabled": (bool,),
    "email": (str, type(None)),
    "button_text": (str,),
    "triggers": (tuple,),
    "threshold": (int,),
    "version": (int,),
}

_LATER: Mapping[str, tuple[type, ...]] = {
    "label": (str,),
    "internal": (bool,),
    "channel": (str,),
    "mail_content": (str,),
    "tickets_per_hour": (int,),
    "removed": (bool,),
    "take_link": (bool,),
    "reminder_email": (str, type(None)),
    "reminder_hours": (int,),
}

SETTINGS = ("enabled", "email", "button_text", "triggers", "threshold", "form", *_LATER)
"""The names of the settings that can be saved."""


def is_desk_name(value: object) -> bool:
    """Whether it is the name of a desk; a damaged text is none."""
    return type(value) is str and DESK_NAME.fullmatch(value) is not None


def recipients_in(text: str | None) -> tuple[str, ...]:
    """The addresses in a text that has ``, `` between them, as settings and tickets store them."""
    return tuple(address for part in (text or "").split(",") if (address := part.strip()))
