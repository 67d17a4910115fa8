"""What a visitor may attach: images and text files, told by their content, under names that are safe everywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .image_files import DamagedImage, read_image
from .text import clean_text, visible
from .translation import gettext as _

MAX_FILES = 3
"""The most files of one ticket."""

MAX_OCTETS = 3_000_000
"""The most octets of a ticket's files together."""

MAX_NAME = 120
"""The longest name, in octets of UTF-8."""

TEXT = "text/plain"

_SUFFIXES = {
    "image/png": (".png",),
    "image/jpeg": (".jpg", ".jpeg"),
    "image/gif": (".gif",),
    "image/webp": (".webp",),
    TEXT: (".txt", ".log", ".md"),
    "text/csv": (".csv",),
    "application/json": (".json",),
}
"""By type, how the names of files end; the first one is added to another name."""

ACCEPTED = "image/png,image/jpeg,image/gif,image/webp,text/plain,.log,.md,.csv,.json"
"""For the ``accept`` attribute of a file input. What a visitor picks all the same is told by its content."""

# Characters that have a meaning in paths, and in the names of Windows, its shell and HTML.
_SPECIAL = re.compile(r'[<>:"|?*&%$`^;]+')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)


class FileRefused(ValueError):
    """A file that nobody may attach; the message is a sentence for the visitor."""


@dataclass(frozen=True)
class File:
    """A file to attach.

    Arguments:
        name: safe in a path, a header and a page, with the ending of its type.
        media_type: one of those that are allowed.
        content: as it is sent; an image has no metadata.
    """

    name: str
    media_type: str
    content: bytes

    @property
    def size(self) -> int:
        """In octets."""
        return len(self.content)


def read_file(name: str, content: bytes) -> File:
    """A visitor's file as it is kept.

    Arguments:
        name: as the browser sent it; it says nothing about an image's type.

    Raises:
        FileRefused: it is empty, or neither an image nor a text.
    """
    shown = safe_name(name)
    if not content:
        raise FileRefused(_("%(file)s is empty.", file=shown))
    try:
        image = read_image(content)
    except DamagedImage:
        raise FileRefused(_("%(file)s is damaged. Save the image again and add the new file.", file=shown)) from None
    if image is not None:
        media_type, content = image
    elif _is_text(content):
        endings = [kind for kind in ("text/csv", "application/json") if shown.lower().endswith(_SUFFIXES[kind])]
        media_type = endings[0] if endings else TEXT
    else:
        raise FileRefused(
            _("%(file)s can't be added: use an image (PNG, JPEG, GIF, WebP) or a text file (UTF-8).", file=shown)
        )
    return File(safe_name(name, _SUFFIXES[media_type]), media_type, content)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def safe_name(name: str, endings: tuple[str, ...] = ("",)) -> str:
    """A file's name without its folders and without characters that mislead people or programs.

    Arguments:
        endings: how it may end; another name gets the first of them.
    """
    text = visible(clean_text(name)).replace("\\", "/").rpartition("/")[2]
    text = " ".join(_SPECIAL.sub("_", text).split()).strip(" .")
    if not text.strip("_"):
        text = "file"
    if _DEVICE.match(text):
        text = f"_{text}"
    ending = next((one for one in endings if text.lower().endswith(one)), None)
    stem, ending = (text, endings[0]) if ending is None else (text[: len(text) - len(ending)], ending)
    if len(stem.encode()) + len(ending) > MAX_NAME:
        stem = stem.encode()[: MAX_NAME - len(ending)].decode(errors="ignore").rstrip(" .")
    return (stem or "file") + ending


def size_in_words(octets: int) -> str:
    """A size for people, such as ``120 kB``."""
    if octets < 1_000_000:
        return _("%(number)s kB", number=max(1, round(octets / 1000)))
    whole, tenth = divmod(round(octets / 100_000), 10)
    return _("%(number)s MB", number=_decimal(whole, tenth))


def _decimal(whole: int, tenth: int) -> str | int:
    if not tenth:
        return whole
    from babel.numbers import format_decimal

    from .translation import current_language

    return format_decimal(whole + tenth / 10, locale=current_language().locale)
