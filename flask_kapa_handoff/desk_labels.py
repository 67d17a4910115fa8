"""Tells whether people would call two desks the same."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from .desk_settings import DEFAULT_DESK, DeskSettings
from .errors import Invalid
from .translation import gettext as _


def same_label(desks: Mapping[str, DeskSettings], wanted: DeskSettings) -> DeskSettings | None:
    """The other desk that people would call as they call this one; None: there is none.

    Capitals and compatibility characters (full width, ligatures) make no difference.

    Arguments:
        desks: those that were not removed, by name.
    """
    others = (settings for name, settings in desks.items() if name != wanted.desk)
    return None if wanted.removed else next((one for one in others if _called(one) & _called(wanted)), None)


def check_label(desks: Mapping[str, DeskSettings], wanted: DeskSettings) -> None:
    """Check that people would call no other desk as they call this one; see :func:`same_label`.

    Raises:
        Invalid: they would.
    """
    if other := same_label(desks, wanted):
        told = f"the desk {other.desk!r} is called {wanted.shown_label!r}, too; use another label"
        raise Invalid(fields={"label": [told]})


def is_new_label(before: DeskSettings, after: DeskSettings) -> bool:
    """Whether people did not call a desk so before, or it was removed."""
    return before.removed or _called(before) != _called(after)


def _called(settings: DeskSettings) -> set[str]:
    """What people call a desk, in a form that can be compared."""
    names = {settings.shown_label}
    if settings.desk == DEFAULT_DESK and not settings.label:
        names.add(_("Main desk"))
    return {" ".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in names}
