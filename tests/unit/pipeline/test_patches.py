"""A photograph as patches of even colour: few tones, none of them lost for being rare, smooth rims, well exposed."""

from __future__ import annotations

import warnings
from dataclasses import replace
from io import BytesIO
from itertools import product

import numpy as np
import pytest
import skimage.data
from PIL import Image, ImageDraw

from pipeline.domain import Picture
from pipeline.generate import GenerateConfig, starting_picture
from pipeline.line import Line
from pipeline.patches import FINE, exposed, in_patches, is_photographic, on_its_mean

CONFIG = GenerateConfig(
    scheduler="ddim", steps=2, strength=0.5, guidance=1.0, structure_scale=1.0, template="{token}", token="sks",
    negative="", seed=0, size_px=192, flatten=0.2, tones=6, badge=True, line=Line(colour=(0, 0, 0), width=0.04),
)  # fmt: skip


def photograph(side: int = 128) -> Image.Image:
    return Image.fromarray(skimage.data.chelsea()[:300, 75:375]).resize((side, side))


def even_share(picture: Image.Image) -> float:
    """Of pixels whose right neighbour has the very same colour."""
    pixels = np.asarray(picture)
    return float((pixels[:, 1:] == pixels[:, :-1]).all(axis=-1).mean())


def test_most_of_a_photograph_becomes_even_in_few_colours() -> None:
    picture = photograph()
    found = in_patches(picture, 8)
    assert found.size == picture.size
    assert even_share(picture) < 0.3
    assert even_share(found) > 0.6
    colours, counts = np.unique(np.asarray(found).reshape(-1, 3), axis=0, return_counts=True)
    assert len(colours) > 8  # rims are blends
    assert counts[np.argsort(counts)[-8:]].sum() > 0.6 * counts.sum()


def test_a_small_spot_of_a_colour_of_its_own_keeps_it() -> None:
    """Plain k-means spends all centres on the fur."""
    noisy = np.random.default_rng(0).normal((150, 110, 80), 12, (128, 128, 3)).clip(0, 255)
    noisy[60:68, 60:68] = (30, 160, 60)
    found = np.asarray(in_patches(Image.fromarray(noisy.astype(np.uint8)), 6)).astype(int)
    spot = found[62:66, 62:66].mean(axis=(0, 1))
    assert spot[1] > spot[0] + 50
    assert spot[1] > spot[2] + 30


@pytest.mark.parametrize(("ground", "spot"), [((225, 220, 210), (15, 12, 10)), ((20, 24, 46), (250, 245, 220))])
def test_small_things_that_are_darkest_or_lightest_stay_so(ground: tuple[int, ...], spot: tuple[int, ...]) -> None:
    """Eyes of a white cat, the moon of a night: less than a hundredth of the picture."""
    pixels = np.random.default_rng(0).normal(ground, 5, (256, 256, 3)).clip(0, 255)
    pixels[100:116, 100:116] = spot
    found = np.asarray(in_patches(Image.fromarray(pixels.astype(np.uint8)), 14)).astype(int)
    assert np.abs(found[105:111, 105:111].mean(axis=(0, 1)) - spot).max() < 40


def test_the_same_photograph_gives_the_same_patches() -> None:
    assert in_patches(photograph(), 10).tobytes() == in_patches(photograph(), 10).tobytes()


def test_a_dull_photograph_gets_its_light_and_an_even_one_survives() -> None:
    dull = Image.fromarray((np.asarray(photograph()) * 0.6 + 50).astype(np.uint8))
    before, light = np.asarray(dull.convert("L")), np.asarray(exposed(dull).convert("L"))
    assert np.ptp(np.percentile(light, (1, 99))) > 1.4 * np.ptp(np.percentile(before, (1, 99)))
    grey = Image.new("RGB", (64, 64), (90, 90, 90))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = np.asarray(in_patches(grey, 14))
    assert found.std(axis=(0, 1)).max() == 0


@pytest.mark.parametrize("colour", [(0, 0, 255), (255, 0, 255), (0, 255, 0)])
def test_colours_beyond_a_screen_s_are_told_by_nobody(colour: tuple[int, int, int]) -> None:
    """Made stronger, the purest ones leave what a screen shows."""
    half = Image.new("RGB", (64, 64), colour)
    half.paste((255, 255, 255), (0, 0, 32, 64))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = np.asarray(in_patches(half, 4)).astype(int)
    assert np.abs(found[32, 60] - colour).max() < 90
    assert found[32, 4].min() > 225


def test_rims_are_blends_of_their_two_sides() -> None:
    slanted = np.add.outer(np.arange(64), 2 * np.arange(64)) > 96
    picture = Image.fromarray(np.where(slanted[..., None], (200, 60, 40), (40, 60, 200)).astype(np.uint8))
    found = np.asarray(in_patches(picture, 2))[..., 0].astype(int)
    low, high = found.min(), found.max()
    between = ((found > low + 10) & (found < high - 10)).mean()
    assert 0.005 < between < 0.1
    assert FINE > 1


def test_a_photograph_s_lines_go_around_its_shapes_not_around_its_patches() -> None:
    """A sky of some blues has a rim between its patches and no line along it; the tower before it has one."""
    random = np.random.default_rng(0)
    clouds = np.asarray(Image.fromarray(random.normal(0, 1, (5, 5))).resize((256, 256), Image.Resampling.BICUBIC))
    sky = (100.0, 150, 215) + clouds[..., None] * 28 + random.normal(0, 6, (256, 256, 3))
    sky[60:, 110:150] = (235, 225, 200)
    photo = Picture(name="a", image=Image.fromarray(sky.clip(0, 255).astype(np.uint8)).convert("RGBA"), sha256="0")
    found = np.asarray(starting_picture(photo, CONFIG)).astype(int)
    air = found[48:112, 24:48]  # off the badge's rim and off the tower
    assert even_share(Image.fromarray(air.astype(np.uint8))) > 0.7
    assert len(np.unique(air[::8, ::8].reshape(-1, 3), axis=0)) > 1  # two patches at least
    assert air.sum(axis=-1).min() > 200  # no ink
    assert found[96, 64:104].sum(axis=-1).min() < 120  # ink along the tower


def test_a_drawing_keeps_its_colours() -> None:
    """Patches are for what fills its frame."""
    shape = Image.new("RGBA", (128, 128))
    shape.paste((250, 200, 60, 255), (30, 30, 98, 98))
    photo = Picture(name="a", image=shape, sha256="0")
    assert starting_picture(photo, CONFIG) == starting_picture(photo, replace(CONFIG, tones=0))


def smiley() -> Image.Image:
    """A drawing with a shade and a line."""
    face = Image.new("RGBA", (320, 320))
    pen = ImageDraw.Draw(face)
    for ring in range(20):
        pen.ellipse((20 + ring, 20 + ring, 300 - ring, 300 - ring), fill=(250 - 2 * ring, 205 - 2 * ring, 60, 255))
    pen.ellipse((20, 20, 300, 300), outline=(30, 20, 20, 255), width=10)
    for left in (100, 190):
        pen.ellipse((left, 110, left + 30, 150), fill=(30, 20, 20, 255))
    pen.arc((100, 120, 220, 240), 20, 160, fill=(30, 20, 20, 255), width=10)
    return face


def cut_out(photo: Image.Image) -> Image.Image:
    """Its middle, round, on nothing."""
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).ellipse((8, 8, photo.width - 8, photo.height - 8), fill=255)
    rgba = photo.convert("RGBA")
    rgba.putalpha(mask)
    return rgba


def test_photographs_are_told_from_drawings() -> None:
    assert is_photographic(photograph().convert("RGBA"))
    assert is_photographic(cut_out(photograph()))
    assert not is_photographic(smiley())
    canvas = Image.new("RGBA", (2000, 2000))
    canvas.paste(smiley().resize((200, 200)), (900, 900))
    assert not is_photographic(canvas)  # however little of its canvas it fills
    on_white, packed = Image.new("RGB", (320, 320), "white"), BytesIO()
    on_white.paste(smiley(), mask=smiley())
    on_white.save(packed, "JPEG", quality=70)
    assert not is_photographic(Image.open(packed).convert("RGBA"))
    shades = Image.fromarray(np.linspace((255, 220, 90), (230, 120, 40), 128).astype(np.uint8)[:, None].repeat(128, 1))
    for drawing in (shades.convert("RGBA"), cut_out(shades), Image.new("RGBA", (64, 64)), Image.new("RGB", (8, 8))):
        assert not is_photographic(drawing)


def test_a_photograph_s_subject_off_its_ground_comes_in_few_colours_too() -> None:
    """Cut out by somebody else, or before a plain wall."""
    on_wall = Image.new("RGBA", (160, 160), "white")
    on_wall.alpha_composite(cut_out(photograph()), (16, 16))
    for image, line, variant in product((cut_out(photograph()), on_wall), (CONFIG.line, None), (0, 1, 2)):
        photo, config = Picture(name="a", image=image, sha256="0"), replace(CONFIG, line=line)
        before, found = (starting_picture(photo, replace(config, tones=tones), variant) for tones in (0, 6))
        middle = (48, 48, 144, 144)
        assert even_share(found.crop(middle)) > even_share(before.crop(middle)) + 0.2
        assert found.getpixel((2, 2)) == (255, 255, 255)


def test_nothing_lends_its_colour_to_what_is_there() -> None:
    half = Image.new("RGBA", (8, 8), (200, 10, 10, 255))
    half.paste((0, 255, 0, 0), (0, 0, 4, 8))
    assert set(on_its_mean(half).get_flattened_data()) == {(200, 10, 10)}
