"""Reads images by their content, and writes them without what nobody sees: metadata, and whatever follows their end.

A photo's metadata says where it was taken. What is not part of the image, such as comments and appended files, could
be a program. Pixels are not decoded, so the size of an image costs nothing. Kept of the metadata: the orientation,
without which photos are shown turned, the colour profile and the animation.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator


class DamagedImage(ValueError):
    """It begins like an image, and its structure is another one."""


def read_image(data: bytes) -> tuple[str, bytes] | None:
    """The media type of an image, and the image without metadata; None: it is not a PNG, JPEG, GIF or WebP.

    Raises:
        DamagedImage: it begins like one of these, and its structure is broken.
    """
    for media_type, beginning, rewritten in _KINDS:
        if beginning.match(data):
            try:
                return media_type, b"".join(rewritten(data))
            except (IndexError, ValueError):
                raise DamagedImage(media_type) from None
    return None


# --- JPEG (ITU-T T.81, annex B): segments from marker to marker; the coded data is between two of them ---

_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_DRAWING = frozenset({*range(0xC0, 0xD0), *range(0xDB, 0xE0)} - {0xC8})
_COLOURS = {0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}


def _jpeg(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at, has_scan = 2, False
    while data[at + 1] != 0xD9:
        if data[at] != 0xFF:
            raise DamagedImage
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        marker, end = data[at + 1], at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not at + 4 <= end <= len(data):
            raise DamagedImage
        content = data[at + 4 : end]
        if marker == 0xDA:
            has_scan, scan = True, _END_OF_SCAN.search(data, end)
            if scan is None:
                raise DamagedImage
            end = scan.start()
        if marker == 0xDA or marker in _DRAWING or content.startswith(_COLOURS.get(marker, b"\0not this one")):
            yield data[at:end]
        elif marker == 0xE0 and content.startswith(b"JFIF\0"):
            yield b"\xff\xe0\x00\x10" + content[:12].ljust(12, b"\0") + b"\0\0"  # without its thumbnail
        elif marker == 0xE1 and content.startswith(_EXIF):
            exif = _EXIF + _only_orientation(content[6:])
            yield b"\xff\xe1" + (2 + len(exif)).to_bytes(2, "big") + exif
        at = end
    if not has_scan:
        raise DamagedImage
    yield b"\xff\xd9"


# --- PNG (W3C, section 5): chunks with a length and a check sum ---

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)


def _png(data: bytes) -> Iterator[bytes]:
    yield _PNG
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DamagedImage
        if at == len(_PNG) and (kind != b"IHDR" or end - at != 25):
            raise DamagedImage
        if kind in _PNG_CHUNKS:
            yield data[at:end]
        elif kind == b"eXIf":
            exif = b"eXIf" + _only_orientation(data[at + 8 : end - 4])
            yield (len(exif) - 4).to_bytes(4, "big") + exif + zlib.crc32(exif).to_bytes(4, "big")
        at = end


# --- GIF (GIF89a specification): blocks of sub-blocks ---

_LOOPS = (b"\x0bNETSCAPE2.0", b"\x0bANIMEXTS1.0")


def _gif(data: bytes) -> Iterator[bytes]:
    at = 13 + _colour_table(data[10])
    yield data[:at]
    while data[at] != 0x3B:
        kind, start = data[at], at
        if kind == 0x21:
            label, at = data[at + 1], _after_sub_blocks(data, at + 2)
            is_kept = label == 0xF9 or (label == 0xFF and data.startswith(_LOOPS, start + 2))
        elif kind == 0x2C:
            is_kept, at = True, _after_sub_blocks(data, at + 11 + _colour_table(data[at + 9]))
        else:
            raise DamagedImage
        if is_kept:
            yield data[start:at]
    yield b";"


def _colour_table(flags: int) -> int:
    """The octets of the colour table after these flags."""
    return 3 * 2 ** (1 + flags % 8) if flags & 0x80 else 0


def _after_sub_blocks(data: bytes, at: int) -> int:
    while size := data[at]:
        at += 1 + size
    return at + 1


# --- WebP (RFC 9649, section 2): RIFF chunks ---

_WEBP_CHUNKS = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_HAS_XMP = 0x04


def _webp(data: bytes) -> Iterator[bytes]:
    riff_end = 8 + int.from_bytes(data[4:8], "little")
    if riff_end > len(data):
        raise DamagedImage
    chunks, at = [], 12
    while at + 8 <= riff_end:
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        content = data[at + 8 : at + 8 + size]
        if len(content) != size or at + 8 + size > riff_end or (at == 12 and not kind.startswith(b"VP8")):
            raise DamagedImage
        at += 8 + size + size % 2
        if kind == b"VP8X":
            content = bytes([content[0] & ~_HAS_XMP]) + content[1:]
        if kind == b"EXIF":
            content = _only_orientation(content.removeprefix(_EXIF))
        if kind in _WEBP_CHUNKS or kind == b"EXIF":
            chunks.append(kind + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2))
    if not chunks:
        raise DamagedImage
    yield b"RIFF" + (4 + sum(map(len, chunks))).to_bytes(4, "little") + b"WEBP"
    yield from chunks


# --- Exif (CIPA DC-008, 4.6): a TIFF file ---

_EXIF = b"Exif\0\0"
_ORIENTATION = 0x0112


def _only_orientation(tiff: bytes) -> bytes:
    """A TIFF file that has nothing but this one's orientation."""
    order = "little" if tiff[:2] == b"II" else "big"

    def number(at: int, octets: int) -> int:
        return int.from_bytes(tiff[at : at + octets], "little" if order == "little" else "big")

    first = number(4, 4)
    entries = range(first + 2, min(first + 2 + 12 * number(first, 2), len(tiff)), 12)
    turned = next((number(at + 8, 2) for at in entries if number(at, 2) == _ORIENTATION), 1)
    value = turned if 1 <= turned <= 8 else 1
    return b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([value]) + b"\0\0\0\0\0\0"


_KINDS: tuple[tuple[str, re.Pattern[bytes], Callable[[bytes], Iterator[bytes]]], ...] = (
    ("image/png", re.compile(re.escape(_PNG)), _png),
    ("image/jpeg", re.compile(b"\xff\xd8\xff"), _jpeg),
    ("image/gif", re.compile(b"GIF8[79]a"), _gif),
    ("image/webp", re.compile(b"RIFF.{4}WEBP", re.DOTALL), _webp),
)
