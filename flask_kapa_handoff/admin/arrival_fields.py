"""The fields of the settings that say whether one takes tickets by mail, and who is reminded."""

from __future__ import annotations

from typing import Any

from wtforms import BooleanField, StringField, ValidationError

from ..config import Config
from ..desk_settings import MAX_REMINDER_HOURS, DeskSettings
from ..email_address import parse_email
from ..settings_values import parse_reminder_hours
from ..translation import gettext as _
from .form_input import FALSE


class ArrivalFields:
    """What :class:`.SettingsForm` has beside its own fields."""

    take_link = BooleanField(false_values=FALSE)
    reminder_email = StringField()
    reminder_hours = StringField()

    _config: Config

    def accept(self, name: str, value: Any) -> None:
        raise NotImplementedError

    def is_as_stored(self, name: str, text: str | None) -> bool:
        raise NotImplementedError

    def validate_reminder_email(self, field: StringField) -> None:
        text = (field.data or "").strip()
        if self.is_as_stored("reminder_email", text):
            return
        try:
            email = parse_email(text, self._config.special_domains) if text else None
        except ValueError as error:
            raise ValidationError(_("Check the address: %(mistake)s.", mistake=str(error))) from None
        self.accept("reminder_email", email)

    def validate_reminder_hours(self, field: StringField) -> None:
        if self.is_as_stored("reminder_hours", field.data):
            return
        try:
            self.accept("reminder_hours", parse_reminder_hours(field.data))
        except ValueError:
            raise ValidationError(
                _("Use a whole number from %(low)s to %(high)s.", low=1, high=MAX_REMINDER_HOURS)
            ) from None


def arrival_fields(settings: DeskSettings) -> dict[str, str]:
    """A desk's values of these fields as text."""
    return {
        "take_link": "true" if settings.take_link else "false",
        "reminder_email": settings.reminder_email or "",
        "reminder_hours": str(settings.reminder_hours),
    }
