"""The files of one form, as it is shown and as it was sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ..attachments import ACCEPTED, MAX_FILES, MAX_OCTETS, size_in_words
from ..offers import Offer
from ..settings import DeskSettings
from ..storage.attachments import Attachment

MAX_IDS = 20
"""How many ids of files are read."""


@dataclass
class FormFiles:
    """The files in a form.

    Arguments:
        kept: the stored ones, without their content.
        problems: what is wrong, in sentences for the visitor.
        added: by id, the position of a file among those that were just sent, for its preview.
    """

    kept: list[Attachment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    added: dict[UUID, int] = field(default_factory=dict)

    accepted = ACCEPTED
    max_files = MAX_FILES
    max_megabytes = MAX_OCTETS // 1_000_000
    size_in_words = staticmethod(size_in_words)


def takes_files(settings: DeskSettings, offered: Offer | None) -> bool:
    """Whether a form has a place for files: Kapa's own has none."""
    return settings.form.attachments and not (offered is not None and offered.requested)


def ids_of_files(values: Iterable[Any]) -> list[UUID]:
    """The ids in the values of the field ``attachments``; what is not an id is left out."""
    texts = [text for value in values for text in (value if isinstance(value, list) else [value])]
    found = []
    for text in texts[:MAX_IDS]:
        try:
            found.append(UUID(str(text)))
        except ValueError:
            continue
    return found
