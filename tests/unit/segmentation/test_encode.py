"""Encoding: PNG, else WEBP; under the limit, and the same bytes every time."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from segmentation.encode import encode

pictures = arrays.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(4)))


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def noise(side_px: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (side_px, side_px, 4), dtype=np.uint8))


@settings(max_examples=60, deadline=None)
@given(pictures)
def test_png_gives_every_visible_pixel_back(pixels: np.ndarray) -> None:
    encoded = encode(Image.fromarray(pixels))
    assert encoded.suffix == ".png"
    image = opened(encoded.data)
    assert image.format == "PNG"
    assert image.mode == "RGBA"
    expected = pixels * (pixels[..., 3:] > 0)  # colour zero where nothing is seen
    np.testing.assert_array_equal(np.asarray(image), expected)


@settings(max_examples=30, deadline=None)
@given(pictures)
def test_the_same_picture_gives_the_same_bytes(pixels: np.ndarray) -> None:
    assert encode(Image.fromarray(pixels)) == encode(Image.fromarray(pixels.copy()))


@settings(max_examples=15, deadline=None)
@given(st.integers(4000, 16000))
def test_the_limit_is_kept_whatever_it_is(limit_bytes: int) -> None:
    assert len(encode(noise(48), limit_bytes=limit_bytes).data) <= limit_bytes


def test_noise_of_a_whole_sticker_fits_as_webp() -> None:
    """512 px of noise is a megabyte as PNG; it still fits Telegram's limit, at its size, with its alpha."""
    picture = noise(512)
    encoded = encode(picture)
    assert encoded.suffix == ".webp"
    assert len(encoded.data) <= 512 * 1024
    image = opened(encoded.data)
    assert image.format == "WEBP"
    assert image.size == (512, 512)
    np.testing.assert_array_equal(np.asarray(image.getchannel("A")), np.asarray(picture.getchannel("A")))


def test_lossless_webp_comes_before_a_lossy_one() -> None:
    """One byte less than the PNG needs: the picture still comes back exactly."""
    ramp = np.zeros((64, 64, 4), dtype=np.uint8)
    ramp[..., 0], ramp[..., 1], ramp[..., 3] = np.arange(64) * 4, np.arange(64)[:, None] * 4, 255
    encoded = encode(Image.fromarray(ramp), limit_bytes=len(encode(Image.fromarray(ramp)).data) - 1)
    assert encoded.suffix == ".webp"
    np.testing.assert_array_equal(np.asarray(opened(encoded.data).convert("RGBA")), ramp)


def test_what_fits_nowhere_is_refused_with_its_sizes() -> None:
    with pytest.raises(ValueError, match=r"does not fit 100 bytes: PNG \d+, lossless WEBP \d+, WEBP 95 \d+"):
        encode(noise(48), limit_bytes=100)


def test_only_rgba_is_taken() -> None:
    with pytest.raises(ValueError, match="'RGB'"):
        encode(Image.new("RGB", (4, 4)))


def test_the_picture_handed_in_is_not_changed() -> None:
    picture = Image.new("RGBA", (4, 4), (9, 9, 9, 0))
    encode(picture)
    assert picture.getpixel((0, 0)) == (9, 9, 9, 0)
