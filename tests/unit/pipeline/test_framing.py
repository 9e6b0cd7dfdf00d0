"""Pictures made square and laid on a ground: drawings are trimmed, photos cropped, and no drawing melts away."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from pipeline.framing import (
    BADGE_SIDE,
    CLEARANCE,
    GROUNDS,
    MARGIN,
    POSES,
    badged,
    flattened,
    ground_for,
    has_busy_ground,
    has_ground,
    on_ground,
    posed,
    squared,
    trimmed,
)

COLOURS = st.tuples(*[st.integers(0, 255)] * 3)


def drawing(size, box, fill="red", rim=None):
    """A filled box on a transparent ground."""
    picture = Image.new("RGBA", size)
    ImageDraw.Draw(picture).rectangle(box, fill=fill, outline=rim, width=4)
    return picture


def box_of(picture):
    """Left, top, right, bottom of what is not transparent."""
    return picture.getchannel("A").getbbox()


def test_a_photo_is_cropped_to_its_middle():
    photo = Image.new("RGB", (90, 40), "blue")
    photo.paste("red", (25, 0, 65, 40))
    square = squared(photo)
    assert square.size == (40, 40)
    assert np.all(np.asarray(square) == (255, 0, 0, 255))


@pytest.mark.parametrize("box", [(2, 3, 51, 22), (30, 2, 49, 61), (0, 0, 9, 9)])
def test_a_drawing_is_trimmed_and_centred_with_an_even_margin(box):
    drawn = drawing((120, 80), box)
    square = squared(drawn)
    left, top, right, bottom = box_of(square)
    width, height = right - left, bottom - top
    assert (width, height) == (box[2] - box[0] + 1, box[3] - box[1] + 1)
    assert square.width == square.height
    assert max(width, height) / square.width == pytest.approx(1 - 2 * MARGIN, abs=0.04)
    assert abs(left - (square.width - right)) <= 1
    assert abs(top - (square.height - bottom)) <= 1


def test_a_hundredth_of_transparent_pixels_tells_a_drawing_from_a_photo():
    """Rounded corners make no drawing of a photo; a cut-out corner does."""
    picture = Image.new("RGBA", (100, 100), "red")
    picture.paste((0, 0, 0, 0), (0, 0, 9, 11))  # 99 pixels
    assert has_ground(picture)
    picture.paste((0, 0, 0, 0), (0, 0, 10, 10))  # 109 together
    assert not has_ground(picture)


def test_dust_that_nobody_sees_is_no_drawing():
    faint = drawing((60, 60), (20, 20, 39, 39))
    faint.putpixel((0, 0), (0, 0, 0, 5))
    assert trimmed(faint).size == (20, 20)


@settings(max_examples=40)
@given(colour=COLOURS)
def test_a_drawing_stands_out_from_its_ground(colour):
    """For any plain colour: the first ground that is far enough, white before all others; never none."""
    ground = ground_for(drawing((64, 64), (12, 12, 51, 51), fill=colour))
    distances = {other: float(np.linalg.norm(np.subtract(colour, other))) for other in GROUNDS}
    assert distances[ground] >= CLEARANCE
    assert all(distances[earlier] < CLEARANCE for earlier in GROUNDS[: GROUNDS.index(ground)])


def test_the_rim_decides_not_the_inside():
    assert ground_for(drawing((64, 64), (12, 12, 51, 51), fill="white", rim="black")) == GROUNDS[0]
    assert ground_for(drawing((64, 64), (12, 12, 51, 51), fill="black", rim="white")) != GROUNDS[0]


def test_one_melting_side_is_enough():
    """A drawing whose upper third is white is not laid on white."""
    drawn = drawing((64, 64), (12, 12, 51, 51), fill="black")
    drawn.paste("white", (12, 12, 52, 26))
    assert ground_for(drawn) != GROUNDS[0]


def test_the_ground_shows_where_the_drawing_is_transparent():
    laid = on_ground(drawing((64, 64), (12, 12, 51, 51)), 50, ground=(1, 2, 3))
    assert laid.getpixel((0, 0)) == (1, 2, 3)
    assert laid.getpixel((25, 25)) == (255, 0, 0)
    assert on_ground(Image.new("RGBA", (30, 20)), 16).getcolors() == [(256, GROUNDS[0])]  # nothing at all


def test_hidden_colours_do_not_bleed_into_the_edge():
    """Transparent pixels are black by nature; scaling must not darken the rim of a light drawing with them."""
    picture = drawing((64, 64), (16, 16, 47, 47), fill=(255, 255, 0))
    laid = np.asarray(on_ground(picture, 20, ground=(255, 255, 0)))
    assert np.abs(laid.astype(int) - (255, 255, 0)).max() <= 1


@settings(max_examples=30)
@given(
    width=st.integers(16, 90), height=st.integers(16, 90), opaque=st.booleans(), size_px=st.sampled_from([8, 32, 50])
)
def test_any_picture_becomes_a_square_of_the_wanted_side(width, height, opaque, size_px):
    picture = Image.new("RGBA", (width, height), (90, 10, 200, 255 if opaque else 0))
    picture.paste((250, 240, 10, 255), (3, 3, width // 2 + 4, height // 2 + 4))
    laid = on_ground(picture, size_px)
    assert (laid.size, laid.mode) == ((size_px, size_px), "RGB")


def test_flattening_smooths_texture_and_keeps_edges() -> None:
    """Noise of a few levels goes, a step of a hundred stays; weight 0 changes nothing."""
    random = np.random.default_rng(0)
    pixels = np.full((64, 64, 3), 80.0)
    pixels[:, 32:] = 180.0
    noisy = Image.fromarray(np.clip(pixels + random.normal(0, 8, pixels.shape), 0, 255).astype(np.uint8))
    smooth = np.asarray(flattened(noisy, 0.2)).astype(float)
    assert smooth[:, 4:28].std() < 2.0
    assert smooth[:, 40:60].mean() - smooth[:, 4:24].mean() > 80
    assert flattened(noisy, 0) is noisy


def test_a_ground_is_busy_when_the_border_has_more_than_one_colour() -> None:
    plain = Image.new("RGB", (200, 160), (240, 240, 236))
    plain.paste((200, 20, 20), (60, 40, 140, 120))
    assert not has_busy_ground(plain)
    halves = plain.copy()
    halves.paste((20, 20, 90), (0, 0, 200, 80))
    assert has_busy_ground(halves)
    assert not has_busy_ground(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))


def test_a_badge_keeps_the_middle_and_rounds_the_corners() -> None:
    """The superellipse's area is side² · Γ(1+1/n)² / Γ(1+2/n) of its bounding square, 0.927 for n = 4."""
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 255, (128, 128, 3), dtype=np.uint8))
    badge = badged(photo)
    alpha = np.asarray(badge.getchannel("A")) / 255
    assert badge.size == (128, 128)
    assert alpha[0, 0] == alpha[-1, 0] == alpha[0, -1] == 0
    assert np.array_equal(np.asarray(badge)[32:96, 32:96, :3], np.asarray(photo)[32:96, 32:96])
    assert alpha.mean() == pytest.approx(0.927 * BADGE_SIDE**2, abs=0.01)


def test_variants_stand_otherwise_and_the_first_as_it_was() -> None:
    """An L, which has no symmetry: every pose of it is another picture, and none loses paint."""
    picture = Image.new("RGBA", (120, 120))
    ImageDraw.Draw(picture).polygon([(20, 10), (45, 10), (45, 85), (100, 85), (100, 110), (20, 110)], fill="red")
    found = [posed(picture, number) for number in range(2 * len(POSES))]
    assert found[0] == picture == found[len(POSES)]
    shapes = [np.asarray(on_ground(one, 64, GROUNDS[0]).convert("L"), dtype=float) < 128 for one in found[: len(POSES)]]
    for number, one in enumerate(shapes):
        assert all((one != other).mean() > 0.03 for other in shapes[:number])
    painted = [(np.asarray(one.getchannel("A"), dtype=float) / 255).sum() for one in found]
    assert max(painted) / min(painted) < 1.02
    edge = np.asarray(found[1])
    assert (edge[(edge[..., 3] > 8), 0] > 200).all()  # red up to the rim: transparency lends no black
