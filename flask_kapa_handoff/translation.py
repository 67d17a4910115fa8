"""Translates what people read. A catalog is a ``.po`` file; English needs none, since the messages are English.

Messages are written in the code as ``_("…")``, or as ``N_("…")`` where a constant is translated later, when it is
shown; :mod:`.lazy_text` is for what one place finds and others show. Texts for programs and for the log are not
translated.
"""

from __future__ import annotations

import gettext as _gettext
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from babel import Locale

DOMAIN = "kapa_handoff"
"""The file name of the catalogs, without its suffix."""

CATALOGS = Path(__file__).parent / "translations"
"""The folder of the package's own catalogs: ``<language>/LC_MESSAGES/kapa_handoff.po``."""

SOURCE = "en"
"""The language of the messages in the code."""

MAX_TAG = 40
"""How many characters of a language tag are read: a browser can send any number."""

FIRST_GROUPED = 1000
"""The first number whose digits some language groups."""

_WITHOUT_SCRIPT = {"zh": "zh_Hans"}
"""What a language without a script means, where its catalogs are named with one."""

Text = TypeVar("Text", bound=str)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Language:
    """A language that people can read this product in.

    Arguments:
        name: as its catalog's folder is called: ``de``, ``zh_Hans``.
        catalog: its messages.
    """

    name: str
    catalog: _gettext.NullTranslations = field(default_factory=_gettext.NullTranslations, compare=False, repr=False)

    @property
    def tag(self) -> str:
        """The BCP 47 tag, for the ``lang`` attribute."""
        return self.name.replace("_", "-")

    @property
    def direction(self) -> str:
        """The value of the ``dir`` attribute: ``ltr`` or ``rtl``."""
        return "rtl" if self.locale.character_order == "right-to-left" else "ltr"

    @property
    def start(self) -> str:
        """The side where its lines start: ``left`` or ``right``."""
        return "right" if self.direction == "rtl" else "left"

    @property
    def end(self) -> str:
        """The side where its lines end."""
        return "left" if self.direction == "rtl" else "right"

    def is_meant_by(self, tag: str) -> bool:
        """Whether a BCP 47 tag, such as ``de-AT``, means this language or a variety of it."""
        return self.name in _names_of(tag[:MAX_TAG])

    @cached_property
    def locale(self) -> Locale:
        """Babel's rules for its dates and numbers."""
        from babel import Locale

        return Locale.parse(self.name)


ENGLISH = Language(SOURCE)

_current: ContextVar[Language] = ContextVar("kapa_handoff_language", default=ENGLISH)


class Languages:
    """The languages that there are catalogs for. Thread-safe: a catalog that is loaded twice is the same.

    Arguments:
        folders: with catalogs; the messages of an earlier folder take precedence.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._loaded: dict[str, Language] = {SOURCE: ENGLISH}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of the languages, English included."""
        return frozenset({SOURCE, *(path.parts[-3] for folder in self._folders for path in _files(folder, "*"))})

    def best(self, wanted: Iterable[str]) -> Language | None:
        """The first language of a list of preferences that there is a catalog for; None: there is none for any.

        Arguments:
            wanted: BCP 47 tags or POSIX names, such as ``de-AT`` or ``pt_BR``; what is neither is ignored.
        """
        for tag in wanted:
            for name in _names_of(tag[:MAX_TAG]):
                if name in self.names:
                    return self._get(name)
        return None

    def _get(self, name: str) -> Language:
        if name not in self._loaded:
            catalog = _gettext.NullTranslations()
            for folder in reversed(self._folders):
                for path in _files(folder, name):
                    if (found := _load(path)) is not None:
                        found.add_fallback(catalog)
                        catalog = found
            self._loaded[name] = Language(name, catalog)
        return self._loaded[name]


def current_language() -> Language:
    """The language that :func:`speak` has set; else English."""
    return _current.get()


def begin_speaking(language: Language) -> Token[Language]:
    """Translate into this language until :func:`end_speaking` gets the result."""
    return _current.set(language)


def end_speaking(token: Token[Language]) -> None:
    """Translate into the language before :func:`begin_speaking` again."""
    _current.reset(token)


@contextmanager
def speak(language: Language) -> Iterator[None]:
    """Translate into this language within the block."""
    token = begin_speaking(language)
    try:
        yield
    finally:
        end_speaking(token)


def gettext(message: str, **values: Any) -> str:
    """A message in the current language.

    Arguments:
        values: of its placeholders, such as ``%(email)s``; whole numbers are written as the language writes them.
    """
    return _filled(_found(message), message, values)


def ngettext(singular: str, plural: str, number: int, **values: Any) -> str:
    """A message about a number of things in the current language; the placeholder ``%(number)s`` is the number."""
    values["number"] = number
    return _filled(
        _current.get().catalog.ngettext(singular, plural, number), singular if number == 1 else plural, values
    )


def written(value: Any) -> Any:
    """A whole number as the current language writes it; anything else as it is."""
    if type(value) is not int:
        return value
    if 0 <= value < FIRST_GROUPED:
        return str(value)
    from babel.numbers import format_decimal

    return format_decimal(value, locale=_current.get().locale)


def noop(message: str) -> str:
    """Mark a message for the catalogs; it is translated where it is shown."""
    return message


def gettext_html(message: str, **values: Any) -> Markup:
    """:func:`gettext` for HTML templates: the message and its values are escaped, except values that are markup."""
    return _filled(escape(_found(message)), escape(message), values)


def ngettext_html(singular: str, plural: str, number: int, **values: Any) -> Markup:
    """:func:`ngettext` for HTML templates."""
    values["number"] = number
    found = _current.get().catalog.ngettext(singular, plural, number)
    return _filled(escape(found), escape(singular if number == 1 else plural), values)


def _found(message: str) -> str:
    # Catalogs keep notes on themselves under the empty message.
    return _current.get().catalog.gettext(message) if message else message


def _filled(found: Text, source: Text, values: dict[str, Any]) -> Text:
    if not values:
        return found
    try:
        return cast("Text", found % {name: written(value) for name, value in values.items()})
    except (KeyError, TypeError, ValueError):
        # A mistake in a site's own catalog; the tests check the package's.
        _logger.error("A translation has wrong placeholders (%s); shown in English.", _current.get().tag)
        return cast("Text", source % {name: written(value) for name, value in values.items()})


@lru_cache(maxsize=256)
def _names_of(tag: str) -> tuple[str, ...]:
    """The names that a catalog for a language may have, the most exact one first."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(tag.replace("-", "_"))
    except (ValueError, UnknownLocaleError):
        return ()
    names = [str(locale), f"{locale.language}_{locale.script}", f"{locale.language}_{locale.territory}"]
    if locale.script is None or locale.language not in _WITHOUT_SCRIPT:
        names.append(_WITHOUT_SCRIPT.get(locale.language, locale.language))
    return tuple(names)


def _files(folder: Path, language: str) -> list[Path]:
    return sorted(folder.glob(f"{language}/LC_MESSAGES/{DOMAIN}.po"))


def _load(path: Path) -> _gettext.GNUTranslations | None:
    """A catalog; None, with a line in the log: it cannot be read."""
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    try:
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=path.parts[-3], abort_invalid=True))
    except Exception as error:
        _logger.error("The translations in %s cannot be read: %s: %s", path, type(error).__name__, error)
        return None
    compiled.seek(0)
    return _gettext.GNUTranslations(compiled)
