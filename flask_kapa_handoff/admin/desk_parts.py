"""What the admin's other pages say about desks, and how they send a ticket whose desk is gone."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import Config
from ..config_values import parse_recipients
from ..desk_directory import Desks
from ..desk_settings import DEFAULT_DESK, DeskSettings
from ..state import State
from ..translation import gettext as _
from ..translation import noop as N_

LABEL_TAKEN = N_("Another desk has this name already.")


def label(settings: DeskSettings) -> str:
    """What a desk is called."""
    return _("Main desk") if settings.desk == DEFAULT_DESK and not settings.label else settings.shown_label


def too_long(text: str, limit: int) -> str:
    """What is wrong about a text with more characters than that."""
    return _("This is %(length)s characters long. The limit is %(limit)s.", length=len(text), limit=limit)


def named(settings: DeskSettings) -> str | None:
    """The desk as an address names it; None: the default one, which no address names."""
    return None if settings.desk == DEFAULT_DESK else settings.desk


def desk_shown(desks: Desks, name: str) -> str | None:
    """A desk as text; None: it is the only one there is."""
    return None if name in desks.present and len(desks.present) == 1 else label_of(desks, name)


def label_of(desks: Desks, name: str) -> str:
    """What the desk with this name is called; its name if nothing is known of it."""
    found = desks.all.get(name)
    if found is None:
        return name
    return _("%(desk)s (removed)", desk=label(found)) if found.removed else label(found)


def is_unreached(state: State, desks: Desks, settings: DeskSettings) -> bool:
    """Whether no page rule leads to a desk that has no other way, unless a page's markup names it."""
    if settings.desk == DEFAULT_DESK or settings.internal or settings.removed:
        return False
    has_rule = any(rule.desk == settings.desk for rule in desks.rules)
    return not has_rule and state.registered.desk_chooser is None


def named_recipient(config: Config, fields: Mapping[str, str]) -> str | None:
    """The addresses that an admin names for a ticket whose desk is gone; None: its own.

    Raises:
        ValueError: they are not addresses; the message is a sentence.
    """
    typed = fields.get("recipient", "").strip()
    if not typed or "email" in config.pinned:
        return None
    return checked_recipients(typed, config)


def checked_recipients(typed: str, config: Config) -> str:
    """Addresses that an admin typed, with ``, `` between them.

    Raises:
        ValueError: one of them is not an address; the message is a sentence.
    """
    try:
        return parse_recipients(typed, config.special_domains)
    except ValueError as error:
        mistake, several = _mistake(error), [one for name in typed.split(",") if (one := name.strip())]
    for name in several if len(several) > 1 else ():
        try:
            parse_recipients(name, config.special_domains)
        except ValueError as error:
            told = _("Check the address %(address)s: %(mistake)s.", address=name[:60], mistake=_mistake(error))
            raise ValueError(told) from None
    raise ValueError(_("Check the address: %(mistake)s.", mistake=mistake))


def _mistake(error: ValueError) -> str:
    return str(error).partition("; use one address")[0]
