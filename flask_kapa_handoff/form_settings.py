"""What a desk's form asks and says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FormSettings:
    """The settings of a desk's form.

    Arguments:
        attachments: whether visitors can attach files.
    """

    attachments: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def parse_form(value: Any) -> FormSettings:
    return read_form(value)


def read_form(value: Any) -> FormSettings:
    return FormSettings(isinstance(value, dict) and value.get("attachments") is True)
