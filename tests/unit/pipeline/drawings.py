"""A small drawing with transparency, as the bytes of a file, and what is read back of it."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw

from pipeline.images import load_picture


def drawing(size: tuple[int, int] = (40, 30)) -> Image.Image:
    """A red ellipse on nothing, with a blue mark in its upper left corner."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((4, 4, size[0] - 5, size[1] - 5), fill=(200, 30, 30, 255))
    image.paste((20, 20, 220, 255), (0, 0, 8, 8))
    return image


def encoded(image: Image.Image, picture_format: str, **options: object) -> bytes:
    out = BytesIO()
    image.save(out, picture_format, **options)
    return out.getvalue()


def pixel(data: bytes, at: tuple[int, int]) -> tuple[int, ...]:
    image = load_picture(data, name="x").image
    assert image.mode == "RGBA"
    return tuple(image.getpixel(at))
