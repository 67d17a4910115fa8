"""Messages that are translated where they are shown, in the language that is current there.

What the check-up finds is read in more than one place: on a page in the admin's language, on the command line, in the
log and in the report for developers in English.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from .translation import ENGLISH, gettext, ngettext, speak


@dataclass(frozen=True)
class LazyText:
    """A text whose ``str()`` is in the current language. It can be a value of another message.

    Arguments:
        translate: returns the text in the current language.
    """

    translate: Callable[[], str]

    def __str__(self) -> str:
        return self.translate()

    @property
    def english(self) -> str:
        """The text for the log and for errors, whatever language is current."""
        with speak(ENGLISH):
            return self.translate()


def lazy_gettext(message: str, **values: Any) -> LazyText:
    """:func:`.translation.gettext`, later."""
    return LazyText(partial(gettext, message, **values))


def lazy_ngettext(singular: str, plural: str, number: int, **values: Any) -> LazyText:
    """:func:`.translation.ngettext`, later."""
    return LazyText(partial(ngettext, singular, plural, number, **values))


def lazy_join(separator: str, texts: Iterable[object]) -> LazyText:
    """Several texts as one, joined later."""
    kept = tuple(texts)
    return LazyText(lambda: separator.join(map(str, kept)))
