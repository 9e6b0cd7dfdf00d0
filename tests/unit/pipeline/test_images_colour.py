"""Colours by the ICC profile that a file carries."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.images import load_picture
from tests.unit.pipeline.drawings import drawing, encoded, pixel


def tagged(image: Image.Image, profile: bytes, picture_format: str = "PNG") -> bytes:
    return encoded(image, picture_format, icc_profile=profile)


def swapped_channels() -> bytes:
    """sRGB with red and blue changed for each other: a matrix profile whose colourants' tags have changed names."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = (data.index(name, 128) for name in (b"rXYZ", b"bXYZ"))  # in the table of tags, after the header
    data[red : red + 4], data[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("picture_format", ["PNG", "WEBP"])
def test_colours_are_read_by_the_profile_that_the_file_carries(picture_format: str) -> None:
    """Where the profile says that the first channel is blue, blue it is; alpha and size stay."""
    options = {"lossless": True} if picture_format == "WEBP" else {}
    data = encoded(drawing(), picture_format, icc_profile=swapped_channels(), **options)
    red, green, blue, alpha = pixel(data, (20, 15))  # stored as 200, 30, 30
    assert blue > 190
    assert red < 40
    assert green < 40
    assert alpha == 255
    assert pixel(data, (39, 29))[3] == 0


def test_srgb_itself_changes_nothing_that_can_be_seen() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    seen = np.asarray(load_picture(tagged(drawing(), profile), name="x").image, dtype=int)
    assert np.abs(seen - np.asarray(drawing(), dtype=int)).max() <= 1


@pytest.mark.parametrize("profile", [b"no profile", swapped_channels()[:200], b"\0" * 600])
def test_a_broken_profile_is_passed_over(profile: bytes) -> None:
    """The pixels are as good as before."""
    assert pixel(tagged(drawing(), profile), (20, 15)) == (200, 30, 30, 255)


def test_a_profile_for_other_channels_is_passed_over() -> None:
    """Lab is not what an RGB picture has; and a grey one stays grey."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert pixel(tagged(drawing(), lab), (20, 15)) == (200, 30, 30, 255)
    assert pixel(tagged(Image.new("L", (30, 30), 77), swapped_channels()), (5, 5)) == (77, 77, 77, 255)
