"""Files that visitors attach: real images with what photos carry, written here from their formats' specifications."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from flask.testing import FlaskClient
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, stream_encode_multipart

from tests.helpers.offers import signed_offer
from tests.helpers.pages import JSON

PLACE = b"GPS 52.5200 N 13.4050 E"
"""What no file may say once it is stored."""

WITH_FILES = {"KAPA_HANDOFF_FORM": {"attachments": True}}
"""The configuration of a desk that takes files."""


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def exif(orientation: int) -> bytes:
    """A TIFF file with an orientation and a place."""
    entries = struct.pack("<HHIHxx", 0x0112, 3, 1, orientation) + struct.pack("<HHII", 0x010E, 2, len(PLACE), 38)
    return b"II*\0\x08\0\0\0\x02\0" + entries + b"\0\0\0\0" + PLACE


def png(*extra: bytes, width: int = 2, height: int = 2) -> bytes:
    """A red square; ``extra``: further chunks."""
    pixels = zlib.compress((b"\0" + b"\xff\0\0" * min(width, 4)) * min(height, 4))
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            *extra,
            chunk(b"IDAT", pixels),
            chunk(b"IEND", b""),
        ]
    )


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", 2 + len(content)) + content


def jpeg(*extra: bytes) -> bytes:
    """A grey pixel; ``extra``: further segments."""
    dc, ac = bytes([0, 1, *[0] * 14, 0]), bytes([0, 1, *[0] * 14, 0])
    return b"".join(
        [
            b"\xff\xd8",
            segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            *extra,
            segment(0xDB, b"\0" + bytes([1] * 64)),
            segment(0xC0, b"\x08\0\x01\0\x01\x01\x01\x11\0"),
            segment(0xC4, b"\0" + dc),
            segment(0xC4, b"\x10" + ac),
            segment(0xDA, b"\x01\x01\0\0\x3f\0"),
            b"\x3f",
            b"\xff\xd9",
        ]
    )


def gif(*extra: bytes) -> bytes:
    """A pixel; ``extra``: further blocks."""
    return b"".join(
        [
            b"GIF89a\x01\0\x01\0\x80\0\0",
            b"\0\0\0\xff\xff\xff",
            *extra,
            b"!\xf9\x04\x01\0\0\0\0",
            b",\0\0\0\0\x01\0\x01\0\0",
            b"\x02\x02\x44\x01\0",
            b";",
        ]
    )


def webp(*extra: bytes, flags: int = 0x0C) -> bytes:
    """A pixel without loss; ``extra``: further chunks."""
    lossless = bytes.fromhex("2f00000000073010fd8ffe0722a2ff0100")
    parts = [riff(b"VP8X", bytes([flags]) + b"\0" * 9), riff(b"VP8L", lossless), *extra]
    return b"RIFF" + struct.pack("<I", 4 + sum(map(len, parts))) + b"WEBP" + b"".join(parts)


def riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def upload(
    client: FlaskClient,
    *files: tuple[str, bytes],
    offer: str | None = None,
    kept: list[str] | None = None,
    shape: dict[str, str] = JSON,
    **headers: str,
) -> TestResponse:
    """Post files into a form; ``kept``: the ids of those that it has already."""
    data: dict[str, Any] = {
        "offer": offer or signed_offer(client),
        "attachments": kept or [],
        "files": [FileStorage(io.BytesIO(content), name) for name, content in files],
    }
    sent = {**shape, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return post_multipart(client, "/handoff/attachments", data, headers=sent)


def post_multipart(client: FlaskClient, path: str, data: dict[str, Any], **options: Any) -> TestResponse:
    """Post a form with files. werkzeug's own client leaves a temporary file open for large ones."""
    stream, length, boundary = stream_encode_multipart(data, use_tempfile=False)
    content_type = f'multipart/form-data; boundary="{boundary}"'
    return client.post(path, input_stream=stream, content_length=length, content_type=content_type, **options)


def ids_of(response: TestResponse) -> list[str]:
    """The ids of a form's files, from the JSON response."""
    assert response.status_code == 200, response.text
    return [one["id"] for one in response.get_json()["attachments"]]
