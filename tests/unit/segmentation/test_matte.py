"""A mask's rim by the picture's colours: blur is cut away, contours and unclear edges stay."""

import numpy as np
import pytest
from scipy import ndimage

from segmentation.matte import tightened

SIDE = 64
DISC = np.hypot(*np.mgrid[-32:32, -32:32] + 0.5) < 20


def painted(inner, ground, blur_px=0.0):
    """A disc on a ground, blurred. Returns the picture and how much of each pixel is disc."""
    cover = DISC.astype(np.float32)
    if blur_px:
        cover = ndimage.gaussian_filter(cover, blur_px)
    colours = [np.asarray(c, dtype=np.float32) for c in (inner, ground)]
    return cover[..., None] * colours[0] + (1 - cover[..., None]) * colours[1], cover


@pytest.mark.parametrize("ground", [(1, 1, 1), (0.7, 0.85, 0.9), (0, 0, 0)])
def test_a_mask_that_took_the_blur_for_thing_is_cut_back_to_the_true_cover(ground):
    picture, cover = painted((0.1, 0.6, 0.2), ground, blur_px=1.0)
    loose = (cover > 0.04).astype(np.float32)
    tight = tightened(loose, picture)
    assert np.abs(tight - cover).max() < 0.12
    assert np.abs(loose - cover).max() > 0.9
    assert (tight <= loose).all()


def test_a_thin_part_without_an_inside_is_cut_back_too():
    """A leg of three pixels on a disc, blurred by one: its rim is ground by half and more."""
    shape = DISC.copy()
    shape[31:34, 50:62] = True
    cover = ndimage.gaussian_filter(shape.astype(np.float32), 0.8)
    picture = cover[..., None] * np.float32([0.1, 0.1, 0.3]) + (1 - cover[..., None])
    loose = (cover > 0.1).astype(np.float32)
    tight = tightened(loose, picture)
    leg = np.s_[28:37, 55:60]
    assert loose[leg].sum() > 1.5 * cover[leg].sum()
    assert tight[leg].sum() < 1.25 * cover[leg].sum()


def test_a_sharp_edge_stays_as_it_is():
    picture, cover = painted((0.1, 0.6, 0.2), (1, 1, 1))
    assert np.array_equal(tightened(cover, picture), cover)


def test_a_contour_of_its_own_colour_is_no_mixture():
    """A white border around a red disc, on grey: white lies on no line between red and grey."""
    picture, cover = painted((0.8, 0.1, 0.1), (0.5, 0.5, 0.5))
    border = DISC & ~ndimage.binary_erosion(DISC, iterations=2)
    picture[border] = 1.0
    assert np.array_equal(tightened(cover, picture)[border], cover[border])


def test_where_thing_and_ground_have_one_colour_nothing_is_told():
    picture, cover = painted((0.95, 0.95, 0.95), (1, 1, 1), blur_px=1.0)
    loose = (cover > 0.04).astype(np.float32)
    assert np.array_equal(tightened(loose, picture), loose)


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_an_empty_or_full_mask_comes_back(fill):
    mask = np.full((8, 8), fill, dtype=np.float32)
    assert np.array_equal(tightened(mask, np.random.default_rng(0).random((8, 8, 3))), mask)
