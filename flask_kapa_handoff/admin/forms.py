"""The admin's forms.

A field that a request omits keeps its value, so a program may send only what it changes, with ``version`` and
``csrf_token``. Browsers omit unticked boxes, so the form sends ``enabled=false`` before the box of ``enabled``, of
which the last value counts, and an empty ``triggers`` before its boxes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, HiddenField, StringField, ValidationError

from ..config import Config, key_of
from ..config_values import parse_button_text, parse_threshold
from ..desk_settings import MAX_LABEL, DeskSettings
from ..form_parsing import FormErrors, parse_flat
from ..settings_values import (
    MAX_TICKETS_PER_HOUR,
    parse_label,
    parse_mail_content,
    parse_tickets_per_hour,
    usable_channels,
)
from ..translation import gettext as _
from ..translation import noop as N_
from ..triggers import MAX_TEXT, Trigger, parse_triggers, read_triggers
from ..unknown import Unknown
from .arrival_fields import ArrivalFields, arrival_fields
from .desk_parts import checked_recipients, too_long
from .form_input import ADD, FALSE, PREFIX, typed_values

EXPIRED = N_("Your session has expired, so nothing was saved. Your changes are still here; save again.")
EXPIRED_ACTION = N_("Your session has expired, so nothing was done. Try again.")


BOXES = ("enabled", "internal", "removed", "take_link")


class AdminForm(FlaskForm):  # type: ignore[misc]  # WTForms is not typed
    """A form that changes something: its token is always checked, even if the site turns its own CSRF check off."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf = True
        csrf_field_name = "csrf_token"
        # As long as the session, since the settings page may stay open in a tab for days. None would mean the site's
        # own limit.
        csrf_time_limit = 365 * 24 * 60 * 60

    @property
    def has_token(self) -> bool:
        """Whether the form was made for this session; call ``validate()`` first."""
        return not self.csrf_token.errors


class TriggersField(Field):  # type: ignore[misc]
    """Names of triggers, as repeated values or comma-separated."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = [name.strip() for value in valuelist for name in value.split(",") if name.strip()]


class SettingsForm(ArrivalFields, AdminForm):
    """A desk's settings."""

    desk = HiddenField()
    version = HiddenField()
    enabled = BooleanField(false_values=FALSE)
    email = StringField()
    button_text = StringField()
    # Before the threshold, which matters only if conversation-length is chosen.
    triggers = TriggersField()
    threshold = StringField()
    label = StringField()
    internal = BooleanField(false_values=FALSE)
    channel = StringField()
    mail_content = StringField()
    tickets_per_hour = StringField()
    removed = BooleanField(false_values=FALSE)

    current: DeskSettings
    pinned: tuple[str, ...] = ()
    typed: dict[str, str]
    typed_errors: Mapping[str, str]
    adds_language: bool

    @classmethod
    def showing(cls, current: DeskSettings, config: Config, channels: Collection[str] = ()) -> SettingsForm:
        """The form with a desk's current settings."""
        form = cls(formdata=MultiDict([*_fields(current).items(), ("version", str(current.version))]))
        form.start(current, config, MultiDict(), channels)
        return form

    @classmethod
    def submitted(
        cls, fields: MultiDict[str, str], current: DeskSettings, config: Config, channels: Collection[str] = ()
    ) -> SettingsForm:
        """A submitted form; after ``validate()``, ``wanted`` has the requested settings.

        Arguments:
            channels: the names of the channels that the site has registered.
        """
        complete = MultiDict(fields)
        for name, value in _fields(current).items():
            values = fields.getlist(name)
            if not values:
                complete[name] = value
            elif name in BOXES:
                complete[name] = values[-1]
        form = cls(formdata=complete)
        form.start(current, config, fields, channels)
        return form

    def start(
        self, current: DeskSettings, config: Config, fields: MultiDict[str, str], channels: Collection[str]
    ) -> None:
        """Set the desk's current settings, the configuration, which pins some of them, and all that was typed."""
        self.typed, self.typed_errors = typed_values(fields, current.form), dict[str, str]()
        self.adds_language = ADD in fields
        self.current, self.pinned, self._config = current, config.pinned, config
        self.usable_channels = usable_channels(config, channels, current.channel)
        self._accepted: dict[str, Any] = {}

    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field, and what the form says."""
        is_valid: bool = super().validate(extra_validators)
        try:
            self.accept("form", parse_flat(self.typed, self.current.form))
        except FormErrors as error:
            self.typed_errors = error.by_name
            self._accepted["form"] = error.right  # for the preview
        except ValidationError as error:
            self.typed_errors = {"languages": str(error)}
        return is_valid and not self.typed_errors

    @property
    def errors(self) -> dict[str, list[str]]:
        """The errors of each field."""
        return {**super().errors, **{f"{PREFIX}{name}": [told] for name, told in self.typed_errors.items()}}

    @property
    def wanted(self) -> DeskSettings:
        """The requested settings; for wrong values, the current ones."""
        boxes: dict[str, Any] = {name: bool(self[name].data) for name in BOXES}
        return replace(self.current, **boxes, **self._accepted)

    def validate_version(self, field: HiddenField) -> None:
        if not (field.data or "").isascii() or not (field.data or "").isdigit() or len(field.data) > 9:
            raise ValidationError("version: must be the number that the form came with.")
        self._accepted["version"] = int(field.data)

    def validate_email(self, field: StringField) -> None:
        text = (field.data or "").strip()
        if self.is_as_stored("email", text):
            return
        try:
            email = checked_recipients(text, self._config) if text else None
        except ValueError as error:
            raise ValidationError(str(error)) from None
        self.accept("email", email)

    def validate_button_text(self, field: StringField) -> None:
        if self.is_as_stored("button_text", field.data):
            return
        try:
            text = parse_button_text(field.data)
        except ValueError as error:
            raise ValidationError(_sentence(error)) from None
        self.accept("button_text", text)

    def validate_triggers(self, field: TriggersField) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one. To hide the button, switch it off."))
        # An unknown trigger, which a later version saved, stays unless the admin unticks its box.
        kept = [name for name in self.current.triggers if isinstance(name, Unknown) and name in field.data]
        chosen = [name for name in field.data if name not in kept]
        try:
            triggers = read_triggers([*(parse_triggers(chosen) if chosen else ()), *kept])
        except ValueError as error:
            raise ValidationError(_sentence(error)) from None
        if len(",".join(triggers)) > MAX_TEXT:
            raise ValidationError(
                _("Their names are longer than %(limit)s characters together. Choose fewer.", limit=MAX_TEXT)
            )
        self.accept("triggers", triggers)

    @property
    def unknown_triggers(self) -> tuple[Unknown, ...]:
        """The chosen triggers that this version does not know."""
        return tuple(name for name in self.current.triggers if isinstance(name, Unknown))

    def validate_threshold(self, field: StringField) -> None:
        if self.is_as_stored("threshold", field.data):
            return
        try:
            threshold = parse_threshold(field.data or "")
        except ValueError as error:
            if Trigger.CONVERSATION_LENGTH not in self._accepted.get("triggers", ()):
                field.data = str(self.current.threshold)  # the field is hidden and must not prevent saving
                return
            raise ValidationError(_sentence(error)) from None
        self.accept("threshold", threshold)

    def validate_label(self, field: StringField) -> None:
        if self.is_as_stored("label", field.data):
            return
        try:
            self.accept("label", parse_label(field.data))
        except ValueError:
            raise ValidationError(too_long(field.data or "", MAX_LABEL)) from None

    def validate_channel(self, field: StringField) -> None:
        if field.data not in self.usable_channels:
            raise ValidationError(_("Choose one of the options."))
        self.accept("channel", field.data)

    def validate_mail_content(self, field: StringField) -> None:
        if self.is_as_stored("mail_content", field.data):
            return
        try:
            self.accept("mail_content", parse_mail_content(field.data))
        except ValueError:
            raise ValidationError(_("Choose one of the options.")) from None

    def validate_tickets_per_hour(self, field: StringField) -> None:
        try:
            self.accept("tickets_per_hour", parse_tickets_per_hour(field.data) if field.data else None)
        except ValueError:
            limit = f"{MAX_TICKETS_PER_HOUR:,}"
            raise ValidationError(
                _("Use a whole number from 1 to %(limit)s, or leave it empty.", limit=limit)
            ) from None

    def is_as_stored(self, name: str, text: str | None) -> bool:
        """Whether a field has the stored value: a later version may allow what this one does not."""
        return text == _fields(self.current)[name]

    def accept(self, name: str, value: Any) -> None:
        """Use a value that was typed, unless the configuration pins another."""
        if name in self.pinned and value != getattr(self.current, name):
            raise ValidationError(
                _("This is set in the site's configuration (%(key)s) and cannot be changed here.", key=key_of(name))
            )
        self._accepted[name] = value


def _fields(settings: DeskSettings) -> dict[str, str]:
    return {
        "desk": settings.desk,
        "enabled": "true" if settings.enabled else "false",
        "email": settings.email or "",
        "button_text": settings.button_text,
        "triggers": ",".join(settings.triggers),
        "threshold": str(settings.threshold),
        "label": settings.label,
        "internal": "true" if settings.internal else "false",
        "channel": settings.channel,
        "mail_content": settings.mail_content,
        "tickets_per_hour": "" if settings.tickets_per_hour is None else str(settings.tickets_per_hour),
        "removed": "true" if settings.removed else "false",
        **arrival_fields(settings),
    }


def _sentence(error: ValueError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
