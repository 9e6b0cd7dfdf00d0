"""The key: what the colour of a plain ground tells, and where it keeps silent."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.key import settled, smooth_ground
from segmentation.mask import iou

SIDE_PX = 64
ROWS, COLUMNS = np.mgrid[:SIDE_PX, :SIDE_PX]


def disc(radius_px: float, row: float = 32, column: float = 32) -> np.ndarray:
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= radius_px**2


def picture(mask: np.ndarray, colour: tuple[float, ...], ground: tuple[float, ...]) -> np.ndarray:
    return np.where(mask[..., None], colour, ground).astype(np.float32)


def test_a_vague_network_is_made_exact_on_a_plain_ground() -> None:
    truth = disc(20)
    vague = np.where(disc(14), 0.8, 0.3).astype(np.float32)
    corrected = settled(vague, picture(truth, (0.9, 0.2, 0.1), (1, 1, 1)))
    assert iou(vague, truth.astype(np.float32)) < 0.55
    assert iou(corrected, truth.astype(np.float32)) > 0.99


def test_a_busy_ground_leaves_the_network_alone() -> None:
    noise = np.random.default_rng(0).random((SIDE_PX, SIDE_PX, 3)).astype(np.float32)
    p = np.where(disc(14), 0.8, 0.3).astype(np.float32)
    assert smooth_ground(noise) is None
    np.testing.assert_array_equal(settled(p, noise), p)


def test_white_on_white_is_kept_where_the_network_is_sure() -> None:
    body = disc(20)
    rgb = picture(body, (1, 1, 1), (1, 1, 1))
    rgb[disc(5)] = (0, 0, 0)  # a nose, so that something is seen
    p = np.where(body, 0.97, 0.02).astype(np.float32)
    assert iou(settled(p, rgb), body.astype(np.float32)) > 0.95


@pytest.mark.parametrize(("inside", "is_hole"), [(0.1, True), (0.8, False)])
def test_an_enclosed_patch_is_a_hole_only_if_the_network_doubts_it(inside: float, is_hole: bool) -> None:
    ring = disc(24) & ~disc(10)
    p = np.where(ring, 0.95, 0.05).astype(np.float32)
    p[disc(10)] = inside
    corrected = settled(p, picture(ring, (0.2, 0.4, 0.9), (1, 1, 1)))
    assert bool(corrected[32, 32] < 0.5) is is_hole


def test_a_key_that_finds_something_else_than_the_network_is_not_believed() -> None:
    p = np.where(disc(8, 12, 12), 0.8, 0.1).astype(np.float32)
    rgb = picture(disc(8, 50, 50), (0.9, 0.2, 0.1), (1, 1, 1))
    np.testing.assert_array_equal(settled(p, rgb), p)


def test_a_tower_before_a_smooth_sky_is_no_sticker() -> None:
    """The rim is the sky's; what the network is sure is ground has other colours, too."""
    body, tower = disc(14, column=40), (abs(COLUMNS - 12) < 3) & (ROWS > 10) & (ROWS < 55)
    rgb = picture(body | tower, (0.9, 0.8, 0.2), (0.3, 0.5, 0.8))
    assert smooth_ground(rgb) is not None
    found = settled(np.where(body, 0.97, 0.02).astype(np.float32), rgb)
    assert iou(found, body.astype(np.float32)) > 0.99
    unsure = settled(np.where(body, 0.97, np.where(tower, 0.3, 0.02)).astype(np.float32), rgb)
    assert iou(unsure, (body | tower).astype(np.float32)) > 0.95  # a part that the network half saw


def test_a_sticker_that_touches_the_rim_does_not_hide_the_ground() -> None:
    truth = disc(20, 46, 32)
    found = smooth_ground(picture(truth, (0.9, 0.2, 0.1), (0.5, 0.8, 0.5)))
    assert found is not None
    np.testing.assert_allclose(found, np.broadcast_to((0.5, 0.8, 0.5), found.shape), atol=1e-3)


def gradient(ramp: np.ndarray, first: tuple[float, ...], last: tuple[float, ...]) -> np.ndarray:
    """A ground that goes from one colour to another, (H, W, 3); ``ramp`` (H, W) in [0, 1]."""
    return (1 - ramp[..., None]) * np.array(first) + ramp[..., None] * np.array(last)


@pytest.mark.parametrize("ramp", [ROWS / 63, COLUMNS / 63, (ROWS + COLUMNS) / 126], ids=["down", "across", "aslant"])
@pytest.mark.parametrize("last", [(0.65, 0.72, 1), (0.2, 0.3, 0.9)], ids=["slight", "strong"])
def test_a_gradient_is_keyed_by_its_colour_at_every_place(ramp: np.ndarray, last: tuple[float, ...]) -> None:
    """Also a slight one, of which most is near its middle colour: its far corner is no sticker."""
    truth = disc(20)
    vague = np.where(disc(17), 0.9, 0.1).astype(np.float32)
    rgb = np.where(truth[..., None], (0.9, 0.2, 0.1), gradient(ramp, (0.9, 0.95, 1), last)).astype(np.float32)
    assert iou(settled(vague, rgb), truth.astype(np.float32)) > 0.99


def test_a_ground_that_bends_is_left_to_the_network() -> None:
    """No plane: half a picture of one colour, half of another."""
    rgb = np.where((COLUMNS < 32)[..., None], (0.9, 0.9, 1), (0.2, 0.6, 0.2)).astype(np.float32)
    p = np.where(disc(14), 0.8, 0.3).astype(np.float32)
    assert smooth_ground(rgb) is None
    np.testing.assert_array_equal(settled(p, rgb), p)
