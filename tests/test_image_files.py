"""Images are told by their structure, and keep nothing that nobody sees."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_kapa_handoff.image_files import DamagedImage, read_image
from tests.helpers.files import PLACE, chunk, exif, gif, jpeg, png, riff, segment, webp

TURNED = 6
IMAGES = {"image/png": png(), "image/jpeg": jpeg(), "image/gif": gif(), "image/webp": webp()}
WITH_A_PLACE = {
    "image/png": png(
        chunk(b"eXIf", exif(TURNED)),
        chunk(b"tEXt", b"Comment\0" + PLACE),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + PLACE),
        chunk(b"tIME", b"\x07\xea\x0b\x1e\0\0\0"),
        chunk(b"prVt", PLACE),
    ),
    "image/jpeg": jpeg(
        segment(0xE1, b"Exif\0\0" + exif(TURNED)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + PLACE),
        segment(0xED, b"Photoshop 3.0\0" + PLACE),
        segment(0xE2, b"MPF\0" + PLACE),
        segment(0xFE, PLACE),
    ),
    "image/gif": gif(
        b"!\xfe" + bytes([len(PLACE)]) + PLACE + b"\0",
        b"!\xff\x0bXMP DataXMP" + bytes([len(PLACE)]) + PLACE + b"\0",
    ),
    "image/webp": webp(riff(b"EXIF", exif(TURNED)), riff(b"XMP ", PLACE), riff(b"priv", PLACE)),
}
KEPT = {
    "image/png": png(chunk(b"iCCP", b"profile\0\0"), chunk(b"acTL", b"\0\0\0\x01\0\0\0\0")),
    "image/jpeg": jpeg(segment(0xE2, b"ICC_PROFILE\0\x01\x01profile"), segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")),
    "image/gif": gif(b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"),
    "image/webp": webp(riff(b"ICCP", b"profile"), flags=0x20),
}


def cleaned(data: bytes) -> bytes:
    found = read_image(data)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("media_type", IMAGES)
def test_an_image_is_told_by_its_content(media_type: str) -> None:
    """And one that has no metadata, or only its colours, its loops and its frames, stays as it is."""
    found = read_image(IMAGES[media_type])
    assert found is not None
    assert found[0] == media_type
    if media_type != "image/webp":  # that one claims metadata that it does not have
        assert found[1] == IMAGES[media_type]
    assert cleaned(KEPT[media_type]) == KEPT[media_type]


@pytest.mark.parametrize("media_type", WITH_A_PLACE)
def test_metadata_is_removed(media_type: str) -> None:
    """The place of a photo, comments and private chunks; what is left is a whole image of the same type."""
    data = WITH_A_PLACE[media_type]
    assert PLACE in data
    clean = cleaned(data)
    assert PLACE not in clean
    assert read_image(clean) == (media_type, clean)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
@pytest.mark.parametrize("order", ["little", "big"])
def test_the_orientation_stays(media_type: str, order: str) -> None:
    """Without it, photos of a phone would lie on their side."""
    tiff = exif(TURNED)
    if order == "big":
        tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    made = {
        "image/png": lambda: png(chunk(b"eXIf", tiff)),
        "image/jpeg": lambda: jpeg(segment(0xE1, b"Exif\0\0" + tiff)),
        "image/webp": lambda: webp(riff(b"EXIF", b"Exif\0\0" + tiff)),
    }[media_type]()
    assert b"\x01\x12\0\x03\0\0\0\x01\0\x06" in cleaned(made)


def test_a_jpegs_thumbnail_is_removed() -> None:
    """It may show what was cropped away."""
    start = jpeg()[:2] + segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01" + b"\xfa\xfb\xfc")
    data = start + jpeg()[20:]
    assert cleaned(data) == jpeg()


@pytest.mark.parametrize("media_type", IMAGES)
@pytest.mark.parametrize("tail", [b"<script>alert(1)</script>", b"PK\x03\x04 an archive", png(), b"\0" * 100])
def test_what_follows_the_end_is_cut_off(media_type: str, tail: bytes) -> None:
    """An archive or a page that pretends to be an image, or the rest of a picture that was cropped."""
    assert cleaned(IMAGES[media_type] + tail) == cleaned(IMAGES[media_type])


@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a/*<script>alert(1)</script>*/=1;",
        b"\x89PNG\r\n\x1a\n<script>alert(1)</script>",
        b"\xff\xd8\xff<html><script>alert(1)</script>",
        b"\xff\xd8\xff\xd9",
        b"RIFF\x20\0\0\0WEBP<script>alert(1)</script>",
        b"RIFF\x04\0\0\0WEBP",
        png().replace(b"IDAT", b"IDAX"),
        b"\x89PNG\r\n\x1a\n" + chunk(b"IEND", b""),
        *(data[: len(data) // 2] for data in IMAGES.values()),
        *(data[:-1] for data in IMAGES.values()),
    ],
    ids=lambda data: repr(data[:12]),
)
def test_a_broken_structure_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedImage):
        read_image(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!doctype html><img>",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"BM\0\0",
        b" \x89PNG\r\n\x1a\n",
        b"RIFF\0\0\0\0WAVE",
    ],
    ids=repr,
)
def test_anything_else_is_no_image(data: bytes) -> None:
    assert read_image(data) is None


def test_an_image_of_sixty_thousand_pixels_is_not_decoded() -> None:
    """Its header says 3.6 thousand million pixels; reading it takes no time and no memory."""
    started = time.process_time()
    assert cleaned(png(width=60_000, height=60_000))
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize("start", IMAGES.values(), ids=list(IMAGES))
@given(position=st.integers(0, 400), junk=st.binary(max_size=40))
def test_no_damage_raises_anything_else(start: bytes, position: int, junk: bytes) -> None:
    """Octets that are changed anywhere give an image, a refusal, or no image."""
    data = start[:position] + junk + start[position + len(junk) :]
    try:
        found = read_image(data)
    except DamagedImage:
        return
    assert found is None or read_image(found[1]) == found


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff" * 3_000_000,
        jpeg()[:-2] + b"\xff\x00" * 1_500_000,
        jpeg()[:-2] + b"\xff" * 100_000 + b"\x00",
        gif()[:19] + b"!\xfe" + b"\x01a" * 1_500_000,
        b"RIFF\xc0\xc6\x2d\0WEBP" + riff(b"VP8X", b"\0" * 10) + riff(b"junk", b"") * 375_000,
        png()[:33] + chunk(b"tEXt", b"") * 250_000,
    ],
    ids=["fill bytes", "stuffed bytes", "fill bytes in a scan", "sub-blocks", "chunks of WebP", "chunks of PNG"],
)
def test_hostile_structure_takes_little_time(data: bytes) -> None:
    """Up to three megabytes of the smallest parts."""
    started = time.process_time()
    with suppress(DamagedImage):
        read_image(data)
    assert time.process_time() - started < 5
