"""The edge is drawn to the colour edge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from segmentation.mask import clean_mask, iou
from segmentation.refine import refine_edge


def disc(radius_px: float, centre: float = 32) -> np.ndarray:
    y, x = np.mgrid[:64, :64]
    return np.clip(radius_px + 0.5 - np.hypot(y - centre, x - centre), 0, 1).astype(np.float32)


def painted(mask: np.ndarray) -> np.ndarray:
    inside, ground = np.array([0.8, 0.2, 0.1], dtype=np.float32), np.array([0.9, 0.9, 1.0], dtype=np.float32)
    return mask[..., None] * inside + (1 - mask[..., None]) * ground


def test_a_blurred_shifted_map_is_drawn_to_the_colour_edge() -> None:
    """A map that is off by two pixels, and blurred, loses two thirds of its error."""
    true = disc(18)
    rough = ndimage.gaussian_filter(np.roll(true, (2, 1), axis=(0, 1)), 2.5)
    refined = refine_edge(rough, painted(true), radius_px=4)
    assert 1 - iou(refined, true) < 0.35 * (1 - iou(rough, true))
    assert np.abs(clean_mask(refined) - true).mean() < 0.35 * np.abs(clean_mask(rough) - true).mean()


def test_a_dark_eye_inside_the_mask_makes_no_hole() -> None:
    """Colour edges away from the map's own edge change nothing."""
    picture = painted(disc(24))
    picture[30:34, 30:34] = [0.9, 0.9, 1.0]  # as bright as the ground
    refined = refine_edge(disc(24), picture, radius_px=4)
    assert refined[26:38, 26:38].min() == 1


def test_a_linear_relation_of_map_and_colour_is_kept_exactly() -> None:
    """Where p = a·I + b the filter returns p, up to its regularisation."""
    rgb = np.random.default_rng(0).random((32, 32, 3)).astype(np.float32)
    p = (0.5 * rgb[..., 0] + 0.3 * rgb[..., 1] + 0.1).astype(np.float32)
    np.testing.assert_allclose(refine_edge(p, rgb, radius_px=4, epsilon=1e-7), p, atol=2e-3)


def test_no_radius_and_no_edge_change_nothing() -> None:
    rgb = np.random.default_rng(0).random((64, 64, 3)).astype(np.float32)
    np.testing.assert_array_equal(refine_edge(disc(9), rgb, radius_px=0), disc(9))
    flat = np.full((64, 64), 0.7, dtype=np.float32)
    np.testing.assert_array_equal(refine_edge(flat, rgb, radius_px=3), flat)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        refine_edge(disc(9), np.zeros((10, 10, 3)), radius_px=2)
