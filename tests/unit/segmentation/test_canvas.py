"""The canvas: trimmed, and one side exactly 512 px."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.canvas import fit, trim


def test_empty_margins_go() -> None:
    rgba = np.zeros((20, 30, 4), dtype=np.float32)
    rgba[5:9, 11:24, 3] = 1
    assert trim(rgba).shape == (4, 13, 4)


def test_a_margin_that_cannot_be_seen_goes_too() -> None:
    rgba = np.full((20, 30, 4), 1 / 255, dtype=np.float32)
    rgba[5:9, 11:24, 3] = 1
    assert trim(rgba).shape == (4, 13, 4)


def test_nothing_visible_is_not_trimmed() -> None:
    assert trim(np.zeros((20, 30, 4), dtype=np.float32)).shape == (20, 30, 4)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 64))
def test_one_side_is_exact_and_the_other_at_most_that(height_px: int, width_px: int, side_px: int) -> None:
    fitted = fit(np.full((height_px, width_px, 4), 0.5, dtype=np.float32), side_px)
    height, width = fitted.shape[:2]
    assert max(height, width) == side_px
    assert min(height, width) >= 1
    assert height == pytest.approx(max(1, side_px * height_px / max(height_px, width_px)), abs=0.51)


@pytest.mark.parametrize(("shape", "size"), [((1, 1), (512, 512)), ((1, 4000), (1, 512)), ((300, 200), (512, 341))])
def test_sizes_by_hand(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert fit(np.ones((*shape, 4), dtype=np.float32)).shape == (*size, 4)


def test_the_right_size_already_changes_nothing_that_can_be_seen() -> None:
    rgba = np.random.default_rng(0).random((40, 64, 4)).astype(np.float32)
    rgba[..., 3] = rgba[..., 3].clip(0.2, 1)
    np.testing.assert_allclose(fit(rgba, 64), rgba, atol=1e-5)


def test_the_picture_handed_in_is_not_changed() -> None:
    rgba = np.full((8, 8, 4), 0.5, dtype=np.float32)
    fit(rgba, 16)
    assert (rgba == 0.5).all()


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        fit(np.zeros((0, 8, 4), dtype=np.float32))
    with pytest.raises(ValueError, match="side_px 0"):
        fit(np.zeros((8, 8, 4), dtype=np.float32), 0)
