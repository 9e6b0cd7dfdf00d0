"""Masks: what goes, what stays, and how the edge looks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from segmentation.mask import clean_mask, iou

SIDE_PX = 64
maps = arrays.arrays(np.float32, (20, 24), elements=st.floats(0, 1, width=32))


def disc(radius_px: float, row: float = 32, column: float = 32, side_px: int = SIDE_PX) -> np.ndarray:
    """A disc with an exactly one pixel wide soft edge."""
    y, x = np.mgrid[:side_px, :side_px]
    return np.clip(radius_px + 0.5 - np.hypot(y - row, x - column), 0, 1).astype(np.float32)


@st.composite
def blobs(draw: st.DrawFn) -> np.ndarray:
    """Binary masks of one to four discs, some of them holes; each large enough to be meant."""
    mask = np.zeros((SIDE_PX, SIDE_PX), dtype=np.float32)
    for _ in range(draw(st.integers(1, 4))):
        part = disc(draw(st.floats(4, 20)), draw(st.floats(0, 63)), draw(st.floats(0, 63))) >= 0.5
        mask[part] = 1 - mask[part].round().max() if draw(st.booleans()) else 1
    return mask


@given(maps, st.floats(0.05, 0.95))
def test_any_map_gives_values_in_the_unit_range(probability: np.ndarray, threshold: float) -> None:
    alpha = clean_mask(probability, threshold=threshold)
    assert alpha.dtype == np.float32
    assert alpha.shape == probability.shape
    assert alpha.min() >= 0
    assert alpha.max() <= 1


@settings(max_examples=60)
@given(blobs())
def test_cleaning_binary_blobs_twice_is_cleaning_them_once(mask: np.ndarray) -> None:
    once = clean_mask(mask)
    assert set(np.unique(once)) <= {0.0, 1.0}
    np.testing.assert_array_equal(clean_mask(once), once)


@settings(max_examples=60)
@given(blobs())
def test_what_stays_of_binary_blobs_stays_as_it_is(mask: np.ndarray) -> None:
    """Cleaning moves no edge: it only drops crumbs and closes pin holes, here under 0.5 % + 0.05 % of pixels each."""
    changed = np.abs(clean_mask(mask) - mask).sum()
    assert changed <= max(0.005 * mask.sum(), 0.0005 * mask.size) * 12


@given(st.integers(0, 62), st.integers(0, 62))
def test_crumbs_go(row: int, column: int) -> None:
    """A single pixel far from the shape goes, with its soft rim; wherever it lies."""
    mask = disc(12)
    if np.hypot(row - 32, column - 32) < 17:
        return
    crumbed = mask.copy()
    crumbed[row, column] = 0.9
    crumbed[row, column + 1] = 0.4
    np.testing.assert_array_equal(clean_mask(crumbed), clean_mask(mask))


def test_a_real_hole_stays() -> None:
    ring = disc(20) - disc(8)
    alpha = clean_mask(ring)
    assert alpha[32, 32] == 0
    assert iou(alpha, ring) == 1


def test_a_pin_hole_is_closed_without_a_scar() -> None:
    mask = disc(20)
    mask[32, 32] = 0
    alpha = clean_mask(mask, pinhole_of_picture=5e-4)
    assert alpha[30:35, 30:35].min() == 1


def test_a_notch_at_the_border_is_no_hole() -> None:
    mask = np.ones((64, 64), dtype=np.float32)
    mask[0, 10] = 0
    assert clean_mask(mask)[0, 10] == 0


def test_a_speech_bubble_stays() -> None:
    """A second shape of a twentieth of the first one's area is kept whole."""
    both = np.maximum(disc(20, 40, 24), disc(4.5, 10, 54))
    alpha = clean_mask(both)
    assert alpha[10, 54] == 1
    assert iou(alpha, both) == 1


def test_the_edge_of_a_blurred_map_is_about_a_pixel_and_a_half_wide() -> None:
    """A ramp of 10 px becomes one of 1.4 px, at the same place."""
    x = np.arange(40, dtype=np.float32)
    blurred = np.tile(np.clip((x - 14.7) / 10, 0, 1), (40, 1))
    row = clean_mask(blurred)[20]
    soft = (row > 0.01) & (row < 0.99)
    assert 1 <= soft.sum() <= 2
    assert row.sum() == pytest.approx(40 - 19.7 - 0.5, abs=0.1)  # the last centre is 39, and its pixel ends at 39.5


def test_an_anti_aliased_edge_stays_anti_aliased() -> None:
    soft = disc(20.3)
    alpha = clean_mask(soft)
    assert ((alpha > 0.1) & (alpha < 0.9)).sum() > 40
    assert np.abs(alpha - soft).max() < 0.3
    assert np.abs(alpha - soft).mean() < 0.01


def test_the_threshold_is_where_the_edge_runs() -> None:
    ramp = np.tile(np.linspace(0, 1, 101, dtype=np.float32), (20, 1))
    assert clean_mask(ramp, threshold=0.3)[10, 30] == pytest.approx(0.5, abs=0.01)
    assert clean_mask(ramp, threshold=0.8)[10, 80] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_all_ground_gives_an_empty_mask(value: float) -> None:
    assert not clean_mask(np.full((30, 20), value)).any()


def test_all_sticker_gives_a_full_mask() -> None:
    assert clean_mask(np.full((30, 20), 0.9)).min() == 1


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (np.zeros((3, 3, 1)), "height x width"),
        (np.zeros((0, 3)), "height x width"),
        (np.full((3, 3), np.nan), r"\[0, 1\]"),
        (np.full((3, 3), 1.5), r"1\.5"),
    ],
)
def test_what_is_no_map_is_refused(bad: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        clean_mask(bad)


def test_a_threshold_outside_the_unit_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"threshold 1\.0"):
        clean_mask(np.zeros((3, 3)), threshold=1.0)


def test_iou_by_hand() -> None:
    """Three pixels shared of five covered: 3 / 5."""
    a, b = np.array([[1, 1, 1, 1, 0]]), np.array([[0, 1, 1, 1, 1]])
    assert iou(a, b) == pytest.approx(3 / 5)
    assert iou(a * 0, b * 0) == 1
    assert iou(a, b * 0) == 0
    with pytest.raises(ValueError, match="shapes"):
        iou(a, b.T)
