"""Content to send, made by code: pictures with transparent ground, a TGS, a WebM, a picture in any format.

Owns synthetic files that Telegram would take. The WebM is a header and one block of nothing: right in what servers
check, without pictures to decode. Loads Pillow.
"""

from __future__ import annotations

import gzip
import io
import json
import struct

from PIL import Image, ImageDraw

COLOURS = ("tomato", "gold", "mediumseagreen", "cornflowerblue", "orchid", "sandybrown", "turquoise", "slateblue")


def picture(number: int = 0, size: tuple[int, int] = (512, 512), *, transparent: bool = True) -> Image.Image:
    """A disc with two eyes; another for every number."""
    ground = (0, 0, 0, 0) if transparent else (245, 240, 225, 255)
    image = Image.new("RGBA", size, ground)
    draw = ImageDraw.Draw(image)
    width, height = size
    margin = 0.08 + 0.01 * (number % 7)
    box = (width * margin, height * margin, width * (1 - margin), height * (1 - margin))
    draw.ellipse(box, fill=COLOURS[number % len(COLOURS)], outline="white", width=max(1, width // 40))
    for side in (0.38, 0.62):
        left, top = width * side, height * (0.35 + 0.02 * (number % 5))
        draw.ellipse((left - width / 24, top, left + width / 24, top + height / 8), fill="black")
    draw.line(
        (width * 0.4, height * 0.66, width * 0.6, height * (0.66 + 0.005 * number)),
        fill="black",
        width=max(1, width // 40),
    )
    return image


def encoded(image: Image.Image, kind: str) -> bytes:
    """A picture as PNG, WEBP, JPEG or GIF."""
    out = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    (image.convert("RGB") if kind == "JPEG" else image).save(out, kind, **options)
    return out.getvalue()


def png(number: int = 0, size: tuple[int, int] = (512, 512)) -> bytes:
    return encoded(picture(number, size), "PNG")


def webp(number: int = 0, size: tuple[int, int] = (512, 512)) -> bytes:
    return encoded(picture(number, size), "WEBP")


def jpeg(number: int = 0, size: tuple[int, int] = (800, 600)) -> bytes:
    return encoded(picture(number, size, transparent=False), "JPEG")


def tgs(number: int = 0, *, side_px: int = 512, seconds: float = 2.0, fps: int = 30) -> bytes:
    """A gzipped Lottie: one disc that turns."""
    colour = [(number % 5) / 5, 0.5, 1 - (number % 5) / 5, 1]
    ellipse = {"ty": "el", "p": {"a": 0, "k": [0, 0]}, "s": {"a": 0, "k": [300, 300]}}
    fill = {"ty": "fl", "c": {"a": 0, "k": colour}, "o": {"a": 0, "k": 100}}
    place = {"ty": "tr", "p": {"a": 0, "k": [0, 0]}, "a": {"a": 0, "k": [0, 0]}, "s": {"a": 0, "k": [100, 100]}}
    place |= {"r": {"a": 0, "k": 0}, "o": {"a": 0, "k": 100}}
    frames = round(seconds * fps)
    stand = {"o": {"a": 0, "k": 100}, "r": {"a": 0, "k": 0}, "p": {"a": 0, "k": [256, 256, 0]}}
    stand |= {"a": {"a": 0, "k": [0, 0, 0]}, "s": {"a": 0, "k": [100, 100, 100]}}
    layer = {
        "ty": 4,
        "ip": 0,
        "op": frames,
        "st": 0,
        "ks": stand,
        "shapes": [{"ty": "gr", "it": [ellipse, fill, place]}],
    }
    scene = {"tgs": 1, "v": "5.5.2", "fr": fps, "ip": 0, "op": frames, "w": side_px, "h": side_px, "layers": [layer]}
    return gzip.compress(json.dumps(scene).encode(), mtime=0)


def _element(identity: int, body: bytes) -> bytes:
    name = identity.to_bytes(-(-identity.bit_length() // 8), "big")
    return name + _size(len(body)) + body


def _size(length: int) -> bytes:
    """An EBML length of eight bytes."""
    return (1 << 56 | length).to_bytes(8, "big")


def _unsigned(identity: int, value: int) -> bytes:
    return _element(identity, value.to_bytes(max(1, -(-value.bit_length() // 8)), "big"))


def webm(
    number: int = 0,
    size: tuple[int, int] = (512, 512),
    *,
    seconds: float = 2.0,
    codec: str = "V_VP9",
    audio: bool = False,
) -> bytes:
    """The header of a video sticker, and one block without a picture in it."""
    head = _unsigned(0x4286, 1) + _unsigned(0x42F7, 1) + _unsigned(0x42F2, 4) + _unsigned(0x42F3, 8)
    head += _element(0x4282, b"webm") + _unsigned(0x4287, 4) + _unsigned(0x4285, 2)
    info = _unsigned(0x2AD7B1, 1_000_000) + _element(0x4489, struct.pack(">d", seconds * 1000))
    video = _unsigned(0xB0, size[0]) + _unsigned(0xBA, size[1])
    track = _unsigned(0xD7, 1) + _unsigned(0x73C5, 1) + _unsigned(0x83, 1) + _element(0x86, codec.encode())
    tracks = _element(0xAE, track + _unsigned(0x23E383, 40_000_000) + _element(0xE0, video))
    if audio:
        tracks += _element(0xAE, _unsigned(0xD7, 2) + _unsigned(0x83, 2) + _element(0x86, b"A_OPUS"))
    block = _element(0xA3, b"\x81\x00\x00\x80" + bytes([number % 256]))
    segment = (
        _element(0x1549A966, info) + _element(0x1654AE6B, tracks) + _element(0x1F43B675, _unsigned(0xE7, 0) + block)
    )
    return _element(0x1A45DFA3, head) + _element(0x18538067, segment)
