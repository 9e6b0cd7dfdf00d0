"""Choosing a frame of an animation."""

from __future__ import annotations

import struct
import time
from functools import cache
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageFilter

from pipeline.frames import MAX_FRAMES, Look, best_frame, look_at
from pipeline.images import load_picture


def cross(colour: tuple[int, int, int], side_px: int = 56) -> Image.Image:
    """A cross of ``side_px`` in the middle of 64 px of nothing."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    low, high = (64 - side_px) // 2, (64 + side_px) // 2 - 1
    draw = ImageDraw.Draw(image)
    draw.rectangle((low, 28, high, 36), fill=(*colour, 255))
    draw.rectangle((28, low, 36, high), fill=(*colour, 255))
    return image


def animated(frames: list[Image.Image], picture_format: str) -> bytes:
    out = BytesIO()
    options = {"lossless": True} if picture_format == "WEBP" else {"disposal": 2}
    if picture_format == "PNG":
        options = {"disposal": 1, "blend": 0}
    frames[0].save(out, picture_format, save_all=True, append_images=frames[1:], duration=40, **options)
    return out.getvalue()


@pytest.mark.parametrize("picture_format", ["GIF", "PNG", "WEBP"])
def test_the_blank_and_growing_frames_are_passed_over(picture_format: str) -> None:
    """A sticker that pops in from nothing is taken where it is full, in all three animated formats."""
    frames = [Image.new("RGBA", (64, 64)), cross((0, 200, 0), 20), cross((200, 0, 0), 56), cross((0, 0, 200), 24)]
    image = load_picture(animated(frames, picture_format), name="x").image
    assert image.getpixel((10, 32)) == (200, 0, 0, 255)
    assert image.getpixel((2, 2))[3] == 0


@pytest.mark.parametrize("picture_format", ["GIF", "PNG", "WEBP"])
def test_the_sharp_frame_is_taken(picture_format: str) -> None:
    """Of opaque frames the sharp one wins over a blank and a blurred one."""
    sharp = Image.new("RGB", (64, 64), (250, 250, 250))
    sharp.paste(cross((200, 0, 0)), mask=cross((200, 0, 0)))
    blurred = sharp.filter(ImageFilter.GaussianBlur(5))
    frames = [Image.new("RGB", (64, 64), (255, 255, 255)), blurred, sharp, blurred.copy()]
    image = load_picture(animated(frames, picture_format), name="x").image
    assert image.convert("RGB").getpixel((32, 10))[0] == 200
    assert image.convert("RGB").getpixel((20, 10))[1] > 240


def test_the_rule_by_hand() -> None:
    """Enough content first, then sharpness, then the earliest."""
    looks = [Look(content=0.1, sharpness=99), Look(content=0.85, sharpness=5), Look(content=1.0, sharpness=5)]
    assert best_frame(looks) == 1
    assert best_frame([*looks, Look(content=0.9, sharpness=6)]) == 3
    assert best_frame([*looks, Look(content=0.9, sharpness=6)], enough=0.98) == 2


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    """One white pixel on black, 3 x 3: Laplacian -4v in the middle, v at four sides, 0 at corners: variance 20/9 v²."""
    dot = Image.new("RGB", (3, 3))
    dot.putpixel((1, 1), (90, 90, 90))
    assert look_at(dot).sharpness == pytest.approx(20 / 9 * 90**2, rel=1e-5)


def test_a_gif_of_10_000_frames_is_read_at_its_start_only() -> None:
    """The frames past the bound are never looked at, and the time is that of some frames."""
    data = long_gif(10_000)
    started = time.perf_counter()
    image = load_picture(data, name="x").image
    assert time.perf_counter() - started < 2
    assert image.size == (32, 32)
    assert image.getpixel((0, 0)) == (255, 0, 0, 255)


def long_gif(frames: int) -> bytes:
    """``MAX_FRAMES`` red frames, then blue ones, written by hand: an encoder would take minutes."""
    palette = bytes([255, 0, 0, 0, 0, 255])
    header = b"GIF89a" + struct.pack("<HHBBB", 32, 32, 0x80, 0, 0) + palette
    return header + b"".join(_gif_frame(1 if index >= MAX_FRAMES else 0) for index in range(frames)) + b";"


@cache
def _gif_frame(colour: int) -> bytes:
    """1024 pixels of one colour; a clear code before every two keeps LZW codes at 3 bits (GIF89a, appendix F)."""
    bits = "".join(reversed([code for _ in range(512) for code in ("100", *[f"{colour:03b}"] * 2)]))
    bits = "101" + bits  # the end code, in the highest bits
    packed = int(bits, 2).to_bytes((len(bits) + 7) // 8, "little")
    blocks = b"".join(bytes([len(packed[at : at + 255])]) + packed[at : at + 255] for at in range(0, len(packed), 255))
    return b"," + struct.pack("<HHHHB", 0, 0, 32, 32, 0) + b"\x02" + blocks + b"\0"


def test_a_still_picture_with_a_preview_keeps_its_first() -> None:
    """A phone's JPEG holds a second picture (MPO); it is no animation and never chosen."""
    out = BytesIO()
    plain, busy = Image.new("RGB", (64, 64), (0, 128, 0)), Image.effect_noise((64, 64), 90).convert("RGB")
    plain.save(out, "MPO", save_all=True, append_images=[busy])
    image = load_picture(out.getvalue(), name="x").image.convert("RGB")
    assert image.getextrema() == ((0, 0), (128, 128), (0, 0)) or max(high - low for low, high in image.getextrema()) < 4
