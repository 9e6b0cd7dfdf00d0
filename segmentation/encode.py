"""A picture becomes a file that Telegram takes: PNG, or WEBP where PNG cannot fit the limit.

Owns formats and the size limit. Knows no mask and no canvas. Light: numpy and Pillow. Same picture, same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

LIMIT_BYTES = 512 * 1024  # Telegram's limit of a static sticker
WEBP_QUALITIES = (95, 90, 80, 70, 55, 40, 25, 10)


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """The bytes of a picture file and the suffix that belongs to them."""

    data: bytes
    suffix: str  # ".png" or ".webp"


def encode(image: Image.Image, *, limit_bytes: int = LIMIT_BYTES) -> Encoded:
    """Write the picture as the first format that fits: PNG, lossless WEBP, then WEBP of falling quality.

    Fully transparent pixels get colour zero: nobody sees them, they compress better, and nothing of the old ground
    is given away.

    Args:
        image: RGBA.
        limit_bytes: the largest size allowed.

    Raises:
        ValueError: not RGBA, or no format fits; the message names the sizes that were reached.
    """
    if image.mode != "RGBA":
        raise ValueError(f"a sticker is RGBA, got mode {image.mode!r}; convert it first")
    clean = cleared(image)
    sizes: list[str] = []
    for label, suffix, options in attempts():
        data = written(clean, options)
        if len(data) <= limit_bytes:
            return Encoded(data=data, suffix=suffix)
        sizes.append(f"{label} {len(data)}")
    raise ValueError(f"the picture does not fit {limit_bytes!r} bytes: {', '.join(sizes)}; draw it smaller")


def attempts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, suffix and Pillow's options of each format, best first. Higher WEBP methods take seconds for a percent."""
    yield "PNG", ".png", {"format": "PNG", "optimize": True}
    yield "lossless WEBP", ".webp", {"format": "WEBP", "lossless": True, "quality": 75, "method": 2}
    for quality in WEBP_QUALITIES:
        yield f"WEBP {quality}", ".webp", {"format": "WEBP", "quality": quality, "method": 4, "alpha_quality": 100}


def cleared(image: Image.Image) -> Image.Image:
    """The picture with colour zero where alpha is zero, and without any metadata."""
    pixels = np.array(image)  # (H, W, 4) uint8, a copy
    pixels[pixels[..., 3] == 0] = 0
    return Image.fromarray(pixels)


def written(image: Image.Image, options: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, **options)
    return buffer.getvalue()
