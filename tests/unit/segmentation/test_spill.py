"""Colour spill against the composition formula C = alpha F + (1 - alpha) B."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.spill import remove_spill

colours = st.tuples(*[st.floats(0, 1)] * 3)


def soft_disc(radius_px: float = 12, edge_px: float = 2) -> np.ndarray:
    y, x = np.mgrid[:40, :40]
    return np.clip((radius_px - np.hypot(y - 20, x - 20)) / edge_px + 0.5, 0, 1).astype(np.float32)


def over(alpha: np.ndarray, inside: np.ndarray, ground: np.ndarray) -> np.ndarray:
    return (alpha[..., None] * inside + (1 - alpha[..., None]) * ground).astype(np.float32)


@settings(max_examples=30)
@given(colours, colours)
def test_a_plain_composite_is_unmixed_exactly(inside: tuple[float, ...], ground: tuple[float, ...]) -> None:
    """Of known F and B, every pixel that can be seen comes back as F within 1/1000."""
    alpha = soft_disc()
    clean = remove_spill(over(alpha, np.array(inside), np.array(ground)), alpha)
    assert np.abs(clean[alpha > 0] - np.array(inside)).max() < 1e-3


def test_a_shaded_ground_is_unmixed_within_three_hundredths() -> None:
    """The ground's colour is taken nearby, not from the picture's mean."""
    alpha, ramp = soft_disc(), np.linspace(0, 1, 40)
    ground = np.stack([np.tile(ramp, (40, 1)), np.tile(ramp[:, None], (1, 40)), np.full((40, 40), 0.5)], axis=-1)
    inside = np.array([0.7, 0.1, 0.2])
    spilled = over(alpha, inside, ground)
    clean = remove_spill(spilled, alpha)
    seen = alpha > 0.02
    assert np.abs(clean[seen] - inside).max() < 0.03
    assert np.abs(spilled[seen] - inside).max() > 0.5


def test_an_outline_as_thin_as_the_edge_survives() -> None:
    """A dark line at the very edge is not painted over with the colour inside it."""
    y, x = np.mgrid[:40, :40]
    distance = np.hypot(y - 20, x - 20)
    alpha = np.clip(12.5 - distance, 0, 1).astype(np.float32)
    inside = np.where((distance > 10.5)[..., None], [0.0, 0.0, 0.0], [1.0, 0.6, 0.1])
    clean = remove_spill(over(alpha, inside, np.ones(3)), alpha)
    rim = (alpha > 0.05) & (alpha < 1)
    assert clean[rim].max() < 0.05


def test_covered_pixels_are_left_alone() -> None:
    rgb = np.random.default_rng(0).random((40, 40, 3)).astype(np.float32)
    alpha = soft_disc()
    np.testing.assert_array_equal(remove_spill(rgb, alpha)[alpha == 1], rgb[alpha == 1])


def test_bare_pixels_hold_no_trace_of_the_ground() -> None:
    alpha = soft_disc()
    clean = remove_spill(over(alpha, np.array([1.0, 0, 0]), np.array([0, 1.0, 0])), alpha)
    assert clean[..., 1].max() < 1e-3


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_without_an_edge_the_colours_come_back(value: float) -> None:
    rgb = np.random.default_rng(1).random((5, 6, 3)).astype(np.float32)
    np.testing.assert_array_equal(remove_spill(rgb, np.full((5, 6), value)), rgb)


def test_a_see_through_pane_keeps_its_colour() -> None:
    """Far from anything solid, a half-covered area is unmixed by the formula, not painted over."""
    alpha = np.zeros((40, 60), dtype=np.float32)
    alpha[10:30, 5:25], alpha[10:30, 30:55] = 1, 0.5
    inside = np.zeros((40, 60, 3))
    inside[:, :28], inside[:, 28:] = [1, 0, 0], [0, 0, 1]
    clean = remove_spill(over(alpha, inside, np.full(3, 0.5)), alpha)
    np.testing.assert_allclose(clean[15:25, 38:50], np.broadcast_to([0, 0, 1], (10, 12, 3)), atol=0.02)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong together"):
        remove_spill(np.zeros((4, 4, 3)), np.zeros((5, 4)))
