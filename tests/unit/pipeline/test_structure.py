"""The structure map says where things are and does not give the style away."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageOps
from scipy import ndimage

from pipeline.structure import WORKING_PX, edge_strength, lines, structure_map


def shape(kind="ellipse", fill="orange", outline=None, ground="white", side=128, width=5):
    """A disc or a box in the middle of a plain ground."""
    picture = Image.new("RGB", (side, side), ground)
    box = (side * 0.25, side * 0.25, side * 0.75, side * 0.75)
    getattr(ImageDraw.Draw(picture), kind)(box, fill=fill, outline=outline, width=width)
    return picture


def farthest_px(one, other):
    """How far the lines of two maps are apart: nineteen in twenty pixels of each are nearer to one of the other's."""
    drawn = [np.asarray(map_.convert("L")) > 100 for map_ in (one, other)]
    away = [ndimage.distance_transform_edt(~line) for line in drawn]
    return max(float(np.quantile(away[1][drawn[0]], 0.95)), float(np.quantile(away[0][drawn[1]], 0.95)))


def likeness(one, other):
    """Correlation of two maps, a little blurred: lines a pixel apart are the same line."""
    first, second = (ndimage.gaussian_filter(np.asarray(x.convert("L"), dtype=float), 2) for x in (one, other))
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


@pytest.mark.parametrize("size_px", [32, 64, 128, 512])
def test_a_map_is_grey_of_the_wanted_size_with_clear_lines(size_px):
    drawn = np.asarray(structure_map(shape(), size_px))
    assert drawn.shape == (size_px, size_px, 3)
    assert np.array_equal(drawn[..., 0], drawn[..., 1])
    assert np.array_equal(drawn[..., 1], drawn[..., 2])
    assert drawn.max() > 100
    assert np.median(drawn) == 0


@settings(max_examples=15)
@given(colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_a_blank_picture_has_a_blank_map(colour):
    assert structure_map(Image.new("RGB", (40, 40), colour), 64).getextrema() == ((0, 0),) * 3


def test_grain_on_a_plain_ground_stays_silent():
    grain = np.random.default_rng(0).normal(200, 3, (128, 128, 3)).clip(0, 255).astype(np.uint8)
    assert structure_map(Image.fromarray(grain), 128).getextrema() == ((0, 0),) * 3


def test_an_outline_does_not_show():
    """The map of an outlined disc is that of a flat one, within half the outline; a box has another one."""
    flat = structure_map(shape(), 128)
    outlined = structure_map(shape(outline="black"), 128)
    box = structure_map(shape("rectangle"), 128)
    assert farthest_px(flat, outlined) <= 3
    assert farthest_px(flat, box) > 6
    ink = np.asarray(outlined, dtype=float).sum() / np.asarray(flat, dtype=float).sum()
    assert 0.75 < ink < 1.25  # one line, not two


def test_colours_do_not_show():
    """Exchanged channels and the negative have the same edges; so has, in essence, any other colour."""
    red = structure_map(shape(fill="red"), 128)
    assert likeness(red, structure_map(shape(fill="blue"), 128)) > 0.99
    assert likeness(red, structure_map(ImageOps.invert(shape(fill="red")), 128)) > 0.99
    assert likeness(red, structure_map(shape(fill="white", ground="navy"), 128)) > 0.95


def test_a_mirrored_picture_has_the_mirrored_map():
    picture = shape(outline="black")
    ImageDraw.Draw(picture).ellipse((40, 50, 52, 62), fill="black")  # an eye on one side
    mirrored = ImageOps.mirror(structure_map(ImageOps.mirror(picture), 128))
    assert likeness(structure_map(picture, 128), mirrored) > 0.9
    assert likeness(structure_map(picture, 128), ImageOps.mirror(mirrored)) < 0.9


def test_edge_strength_of_a_ramp_is_its_slope_over_all_colours():
    """|∇| = √Σ (∂c/∂x)²: slopes 0.002 and 0.004 in two channels give √(0.002² + 0.004²)."""
    ramp = np.zeros((40, 40, 3), dtype=np.float32)
    ramp[..., 0] = np.arange(40) * 0.002
    ramp[..., 1] = np.arange(40)[:, None] * 0.004
    strength = edge_strength(ramp)
    assert strength[10:30, 10:30] == pytest.approx(np.hypot(0.002, 0.004), rel=1e-4)


def test_near_edges_become_one_line_and_crumbs_go():
    strength = np.zeros((60, 60), dtype=np.float32)
    strength[10:50, 20] = strength[10:50, 23] = 1.0  # the two sides of an outline
    strength[30, 45] = 1.0  # a speck
    thin = lines(strength)
    assert ndimage.label(thin, np.ones((3, 3)))[1] == 1
    assert thin[25:35].sum(axis=1).tolist() == [1] * 10
    assert set(np.nonzero(thin[25:35])[1]) <= {21, 22}
    assert not thin[:, 40:].any()


def test_a_map_costs_little():
    """Under a tenth of a second of one core, whatever the picture's size."""
    large = shape(side=1024, outline="black")
    structure_map(large, 128)
    began = time.process_time()
    for _ in range(3):
        structure_map(large, 128)
    assert (time.process_time() - began) / 3 < 0.1
    assert WORKING_PX <= 128
