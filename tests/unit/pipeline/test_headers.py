"""Headers read without a decoder."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from pipeline.headers import format_of, kind_of, moving_kind_of, read_header

CASES = [
    ("PNG", {}),
    ("GIF", {}),
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("JPEG", {"exif": b"Exif\0\0" + bytes(60_000), "comment": b"\xff\xc0 in a comment"}),
    ("WEBP", {"lossless": True}),
    ("WEBP", {"quality": 50}),
    ("WEBP", {"quality": 50, "exif": b"Exif\0\0" + bytes(10)}),
]


@pytest.mark.parametrize(("picture_format", "options"), CASES)
def test_size_agrees_with_the_decoder(picture_format: str, options: dict[str, object]) -> None:
    """Sides as Pillow reads them, for each layout of header that the formats have."""
    out = BytesIO()
    Image.effect_noise((301, 77), 50).convert("RGB").save(out, picture_format, **options)
    header = read_header(out.getvalue())
    assert header is not None
    assert (header.format, header.width_px, header.height_px) == (picture_format, 301, 77)


@pytest.mark.parametrize(("picture_format", "options"), CASES)
def test_every_cut_is_survived(picture_format: str, options: dict[str, object]) -> None:
    """A header cut at any byte gives None or the right size, never an exception or a wrong one."""
    out = BytesIO()
    Image.new("RGB", (301, 77)).save(out, picture_format, **options)
    data = out.getvalue()
    for end in range(min(len(data), 700)):
        header = read_header(data[:end])
        assert header is None or (header.width_px, header.height_px) == (301, 77)


def test_depth_of_a_png() -> None:
    """Bits a channel come from the header."""
    out = BytesIO()
    Image.new("I;16", (20, 20)).save(out, "PNG")
    header = read_header(out.getvalue())
    assert header is not None
    assert header.bit_depth == 16


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        ("Привет".encode() * 999, "a text file"),
        (b"\0\0\0\x1cftypavif", "an AVIF picture"),
        (b"\x1aE\xdf\xa3", "a WEBM video"),
        (b"\x1f\x8b\x08", "a gzip file (an animated .tgs sticker, perhaps)"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\xfe\xfd\xfc", "a file of an unknown kind"),
        (b"\x01\x02\x03", "a file of an unknown kind"),
    ],
)
def test_kinds_have_names(data: bytes, words: str) -> None:
    """What a person sent is named, and text is told from binary data in any alphabet."""
    assert kind_of(data) == words


def test_a_riff_that_is_no_webp() -> None:
    """A WAV sound shares the first four bytes."""
    assert format_of(b"RIFF\x24\0\0\0WAVEfmt ") is None


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"\x1f\x8b\x08", "TGS"), (b"\x1aE\xdf\xa3", "WEBM"), (b"\x1aE\xdf", None), (b"GIF89a", None), (b"", None)],
)
def test_moving_stickers_are_told_by_their_signature(data: bytes, kind: str | None) -> None:
    """gzip may be a Lottie, EBML may be a video; no picture is either."""
    assert moving_kind_of(data) == kind
    assert format_of(data) is None or kind is None
