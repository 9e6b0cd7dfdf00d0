"""What a file is by its bytes: its kind, its size in pixels, how long it plays. Never by its name.

Owns the sniffing and measuring of pictures, TGS and WebM. Knows no rules of sets or messages; loads Pillow.
"""

from __future__ import annotations

import enum
import io
import json
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

MOST_TGS_JSON_BYTES = 8 << 20
MATROSKA_MASTERS = {
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0xAE,
    0xE0,
}  # EBML, Segment, Info, Tracks, a track, its video


class Container(enum.Enum):
    """What the first bytes say."""

    PNG = "image/png"
    WEBP = "image/webp"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    TGS = "application/x-tgsticker"  # gzip; whether a Lottie is inside shows when it is measured
    WEBM = "video/webm"  # any EBML
    MP4 = "video/mp4"
    OTHER = "application/octet-stream"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Width and height in pixels; seconds and frames per second where the file says them."""

    width: int
    height: int
    duration_s: float = 0.0
    fps: float = 0.0
    codec: str = ""
    has_audio: bool = False


class Unreadable(ValueError):
    """The bytes are not what they began as."""


def sniffed(content: bytes) -> Container:
    """The container, told by magic numbers."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Container.WEBP
    if content[4:8] == b"ftyp":
        return Container.MP4
    magics = {
        b"\x89PNG\r\n\x1a\n": Container.PNG,
        b"\xff\xd8\xff": Container.JPEG,
        b"GIF8": Container.GIF,
        b"\x1f\x8b": Container.TGS,
        b"\x1a\x45\xdf\xa3": Container.WEBM,
    }
    return next((kind for magic, kind in magics.items() if content.startswith(magic)), Container.OTHER)


def measured(content: bytes) -> Measured:
    """Pixels and playing time of a picture, a TGS or a WebM. Raises Unreadable."""
    kind = sniffed(content)
    if kind is Container.TGS:
        return _lottie(content)
    if kind is Container.WEBM:
        return _webm(content)
    with opened(content) as picture:
        return Measured(width=picture.width, height=picture.height)


def opened(content: bytes) -> Image.Image:
    """The picture by its header, nothing decoded yet. Raises Unreadable."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # only the header is read; rules come after
            return Image.open(io.BytesIO(content), formats=["PNG", "WEBP", "JPEG", "GIF"])
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as failure:
        raise Unreadable(f"no picture: {type(failure).__name__}") from None


def has_alpha(content: bytes) -> bool:
    """Is any pixel of the picture not wholly opaque?"""
    with opened(content) as picture:
        return picture.convert("RGBA").getchannel("A").histogram()[255] < picture.width * picture.height


def _lottie(content: bytes) -> Measured:
    """Canvas and playing time of a gzipped Lottie."""
    try:
        inflater = zlib.decompressobj(31)
        text = inflater.decompress(content, MOST_TGS_JSON_BYTES)
        if not inflater.eof:
            raise Unreadable(f"the animation is cut, or above {MOST_TGS_JSON_BYTES} bytes unpacked")
        scene = json.loads(text)
        fps = float(scene["fr"])
        duration_s = (float(scene["op"]) - float(scene["ip"])) / fps
        return Measured(width=int(scene["w"]), height=int(scene["h"]), duration_s=duration_s, fps=fps)
    except (zlib.error, ValueError, KeyError, TypeError, ZeroDivisionError, RecursionError) as failure:
        raise Unreadable(f"no Lottie: {failure}") from None


def _number(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """An EBML variable-length number and where it ends."""
    if at >= len(data) or data[at] == 0:
        raise Unreadable("no EBML number")
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), at + length


def _elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, bytes]]:
    """The elements of Matroska that describe the file, masters opened, up to the first cluster."""
    while at < end:
        identity, at = _number(data, at, keep_marker=True)
        size, body = _number(data, at, keep_marker=False)
        at = body + size if body + size <= end else end  # unknown sizes run to the end
        if identity == 0x1F43B675:  # Cluster: pictures from here on
            return
        yield identity, data[body : min(at, body + 64)]
        if identity in MATROSKA_MASTERS:
            yield from _elements(data, body, at)


def _webm(content: bytes) -> Measured:
    """Size, codec, playing time of a WebM, read from its header."""
    found: dict[int, bytes] = {}
    codecs = []
    for identity, body in _elements(content, 0, len(content)):
        found.setdefault(identity, body)
        if identity == 0x86:
            codecs.append(body.decode("ascii", "replace").rstrip("\0"))
    if found.get(0x4282, b"").rstrip(b"\0") != b"webm" or 0xB0 not in found or 0xBA not in found:
        raise Unreadable("no WebM with a video track")
    scale = int.from_bytes(found.get(0x2AD7B1, (1_000_000).to_bytes(4, "big")), "big")
    frame_ns = int.from_bytes(found.get(0x23E383, b""), "big")
    return Measured(
        width=int.from_bytes(found[0xB0], "big"),
        height=int.from_bytes(found[0xBA], "big"),
        duration_s=_real(found.get(0x4489, b"")) * scale / 1e9,
        fps=1e9 / frame_ns if frame_ns else 0.0,
        codec=next((codec for codec in codecs if codec.startswith("V_")), ""),
        has_audio=any(codec.startswith("A_") for codec in codecs),
    )


def _real(body: bytes) -> float:
    """An EBML float of 4 or 8 bytes."""
    return float(struct.unpack(">f" if len(body) == 4 else ">d", body)[0]) if len(body) in (4, 8) else 0.0
