"""What a file is and how large it claims to be, read from its first bytes before any decoder sees it.

Owns the signatures and size fields of PNG, JPEG, GIF and WEBP. Knows no limits and decodes no pixel. Loads only the
standard library. Sources: PNG 3rd edition §11.2.2, JPEG (ITU T.81) Annex B.2, GIF89a §18, WebP container (RFC 9649).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

HEAD_BYTES = 4096  # enough to tell what kind of file it is

_JPEG_SEGMENTS = 4096  # a real file has some dozens before its frame header
_JPEG_NO_FRAME = {0xC4, 0xC8, 0xCC}  # tables and extensions that share the range of the frame headers 0xC0..0xCF
_JPEG_BARE = {0x01, *range(0xD0, 0xD9)}  # markers without a length: TEM, RST0..7, SOI

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"PK\x05\x06", "an empty zip archive"),
    (0, b"%PDF", "a PDF document"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"\x1f\x8b", "a gzip file (an animated .tgs sticker, perhaps)"),
    (0, b"\x1aE\xdf\xa3", "a WEBM video"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyp", "an MP4 video"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\0\0\1\0", "an ICO picture"),
)


@dataclass(frozen=True, kw_only=True)
class Header:
    """What the first bytes claim; a forged file may claim anything."""

    format: str  # Pillow's name: PNG, JPEG, GIF or WEBP
    width_px: int
    height_px: int
    bit_depth: int = 8  # bits a channel; PNG alone has others


def read_header(data: bytes) -> Header | None:
    """The header of a picture in one of the four formats.

    Returns None where the header is broken, and where it is another format; ``format_of`` tells the two apart.
    """
    reader = _READERS.get(format_of(data) or "")
    try:
        return reader(data) if reader else None
    except (struct.error, IndexError):
        return None


def format_of(data: bytes) -> str | None:
    """PNG, JPEG, GIF or WEBP by the file's signature, or None."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    return None


def moving_kind_of(data: bytes) -> str | None:
    """TGS or WEBM for what may be a moving sticker by its signature (gzip; EBML), or None."""
    if data.startswith(b"\x1f\x8b"):
        return "TGS"
    return "WEBM" if data.startswith(b"\x1aE\xdf\xa3") else None


def kind_of(data: bytes) -> str:
    """What a file is, in words that finish the sentence "it is …"."""
    if not data:
        return "an empty file"
    if (known := format_of(data)) is not None:
        return f"a {known} picture"
    for offset, signature, words in _SIGNATURES:
        if data[offset:].startswith(signature):
            return words
    if not _is_text(data[:HEAD_BYTES]):
        return "a file of an unknown kind"
    return "an SVG drawing" if b"<svg" in data[:HEAD_BYTES].lower() else "a text file"


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < HEAD_BYTES - 4:  # there, a character cut in two is no sign of binary data
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character.isspace() for character in text)


def _png(data: bytes) -> Header | None:
    if data[12:16] != b"IHDR":
        return None
    width, height, depth = struct.unpack_from(">IIB", data, 16)
    return Header(format="PNG", width_px=width, height_px=height, bit_depth=depth)


def _gif(data: bytes) -> Header:
    width, height = struct.unpack_from("<HH", data, 6)
    return Header(format="GIF", width_px=width, height_px=height)


def _jpeg(data: bytes) -> Header | None:
    at = 2
    for _ in range(_JPEG_SEGMENTS):
        if data[at] != 0xFF:
            return None
        while data[at] == 0xFF:  # any number of fill bytes may stand before a marker
            at += 1
        marker = data[at]
        at += 1
        if 0xC0 <= marker <= 0xCF and marker not in _JPEG_NO_FRAME:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return Header(format="JPEG", width_px=width, height_px=height)
        if marker not in _JPEG_BARE:
            at += int(struct.unpack_from(">H", data, at)[0])
    return None


def _webp(data: bytes) -> Header | None:
    kind = data[12:16]
    if kind == b"VP8X":  # extended: the canvas, 24 bits a side
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L" and data[20] == 0x2F:  # lossless: 14 bits a side
        bits = struct.unpack_from("<I", data, 21)[0]
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":  # lossy: 14 bits a side, 2 of scale above them
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        return None
    return Header(format="WEBP", width_px=width, height_px=height) if len(data) >= 30 else None


_READERS: dict[str, Callable[[bytes], Header | None]] = {"PNG": _png, "GIF": _gif, "JPEG": _jpeg, "WEBP": _webp}
