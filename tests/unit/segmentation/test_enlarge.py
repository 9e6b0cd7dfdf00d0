"""Enlargement of flat art: crisper than Lanczos, no ringing, honest about alpha."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw
from scipy import ndimage

from segmentation.enlarge import bounds, enlarge

tiny = arrays.arrays(np.float32, (7, 6, 4), elements=st.floats(0, 1, width=32))


def drawing(side_px: int) -> np.ndarray:
    """A face with an outline, eyes and a mouth, premultiplied, anti-aliased by drawing it eight times as large."""
    big = Image.new("RGBA", (side_px * 8, side_px * 8))
    pen, unit = ImageDraw.Draw(big), side_px * 8 / 64
    pen.ellipse([6 * unit, 8 * unit, 58 * unit, 56 * unit], fill="#ffcc33", outline="#221100", width=round(2 * unit))
    for x in (22, 42):
        pen.ellipse([(x - 3) * unit, 20 * unit, (x + 3) * unit, 32 * unit], fill="#221100")
    pen.chord([20 * unit, 32 * unit, 44 * unit, 50 * unit], 0, 180, fill="#cc2233")
    pixels = np.asarray(big, dtype=np.float32) / 255
    pixels = np.concatenate([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], axis=-1)
    return pixels.reshape(side_px, 8, side_px, 8, 4).mean(axis=(1, 3))


def on_green(premultiplied: np.ndarray) -> np.ndarray:
    return premultiplied[..., :3] + (1 - premultiplied[..., 3:]) * np.array([0.2, 0.8, 0.3])


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def premultiplied(rgba: np.ndarray) -> np.ndarray:
    return np.concatenate([rgba[..., :3] * rgba[..., 3:], rgba[..., 3:]], axis=-1)


@pytest.mark.parametrize("blur_px", [0.0, 0.6, 1.0])
def test_flat_art_comes_out_nearer_to_the_truth_than_by_lanczos(blur_px: float) -> None:
    """At least 2 dB nearer to the picture drawn at 256 px, for sharp and for blurred sources of 64 px."""
    small, truth = ndimage.gaussian_filter(drawing(64), (blur_px, blur_px, 0)), drawing(256)
    planes = [Image.fromarray(small[..., c]).resize((256, 256), Image.Resampling.LANCZOS) for c in range(4)]
    lanczos = np.clip(np.stack([np.asarray(plane) for plane in planes], axis=-1), 0, 1)
    ours = premultiplied(enlarge(small, (256, 256)))
    assert psnr_db(on_green(ours), on_green(truth)) > psnr_db(on_green(lanczos), on_green(truth)) + 2


def test_the_silhouette_is_crisp_and_anti_aliased() -> None:
    """Across a straight edge alpha takes 1 to 3 values between 0.05 and 0.95 at four times the size."""
    small = np.zeros((32, 32, 4), dtype=np.float32)
    small[:, 10:] = 1
    small[:, 9] = 0.3
    row = enlarge(small, (128, 128))[64, :, 3]
    assert 1 <= ((row > 0.05) & (row < 0.95)).sum() <= 3
    assert row.sum() == pytest.approx((22 + 0.3) * 4, abs=1.5)


def test_a_slanted_edge_is_anti_aliased() -> None:
    y, x = np.mgrid[:32, :32]
    small = np.repeat(np.clip(x - 0.4 * y - 8, 0, 1)[..., None], 4, axis=2).astype(np.float32)
    alpha = enlarge(small, (128, 128))[16:112, :, 3]
    soft = ((alpha > 0.05) & (alpha < 0.95)).sum(axis=1)
    assert 1 <= soft.mean() <= 4


@settings(max_examples=40, deadline=None)
@given(tiny, st.integers(1, 30), st.integers(1, 30))
def test_alpha_never_overshoots_its_neighbours(source: np.ndarray, width_px: int, height_px: int) -> None:
    source[..., :3] *= source[..., 3:]
    large = enlarge(source, (width_px, height_px))
    assert large.shape == (height_px, width_px, 4)
    assert large.min() >= 0
    assert large.max() <= 1
    if max(width_px / 6, height_px / 7) > 1:
        low, high = bounds(source[None, ..., 3], (width_px, height_px))
        assert (large[..., 3] >= low[0]).all()
        assert (large[..., 3] <= high[0]).all()


@settings(max_examples=40, deadline=None)
@given(arrays.arrays(np.float32, (7, 6, 3), elements=st.floats(0, 1, width=32)))
def test_colour_never_overshoots_its_neighbours(rgb: np.ndarray) -> None:
    source = np.concatenate([rgb, np.ones((7, 6, 1), dtype=np.float32)], axis=-1)
    large = enlarge(source, (24, 28))[..., :3].transpose(2, 0, 1)
    low, high = bounds(rgb.transpose(2, 0, 1), (24, 28))
    assert (large >= low).all()
    assert (large <= high).all()


def test_no_old_ground_shines_through_at_the_edge() -> None:
    """Every visible pixel of a plain red thing is plain red, however thin its cover."""
    source = drawing(32)
    source[..., :3] = source[..., 3:] * np.array([0.9, 0.1, 0.2], dtype=np.float32)
    large = enlarge(source, (128, 128))
    seen = large[large[..., 3] > 0]
    np.testing.assert_allclose(seen[:, :3], np.broadcast_to([0.9, 0.1, 0.2], (len(seen), 3)), atol=1e-3)
    assert not large[large[..., 3] == 0].any()


def test_soft_shading_stays_soft() -> None:
    """A slow gradient keeps its values within 2/100: it is not turned into steps."""
    ramp = np.tile(np.linspace(0.2, 0.8, 64, dtype=np.float32), (64, 1))
    source = np.stack([ramp, ramp, ramp, np.ones_like(ramp)], axis=-1)
    row = enlarge(source, (256, 256))[128, :, 0]
    np.testing.assert_allclose(
        row[8:-8], np.interp((np.arange(256) + 0.5) / 4 - 0.5, np.arange(64), ramp[0])[8:-8], atol=0.02
    )


def test_a_see_through_pane_stays_see_through() -> None:
    source = np.zeros((32, 32, 4), dtype=np.float32)
    source[8:24, 8:24] = [0, 0, 0.5, 0.5]
    large = enlarge(source, (128, 128))
    np.testing.assert_allclose(large[48:80, 48:80], np.broadcast_to([0, 0, 1, 0.5], (32, 32, 4)), atol=1e-3)


def test_shrinking_keeps_the_mean_and_does_not_ring() -> None:
    source = drawing(128)
    small = premultiplied(enlarge(source, (32, 32)))
    np.testing.assert_allclose(small.mean(axis=(0, 1)), source.mean(axis=(0, 1)), atol=0.003)
    assert psnr_db(small, drawing(32)) > 30


def test_nothing_visible_stays_nothing() -> None:
    assert not enlarge(np.zeros((4, 4, 4), dtype=np.float32), (9, 9)).any()


@pytest.mark.parametrize(("shape", "size_px"), [((4, 4, 3), (8, 8)), ((0, 4, 4), (8, 8)), ((4, 4, 4), (0, 8))])
def test_no_picture_and_no_size_are_refused(shape: tuple[int, ...], size_px: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=r"shape|size"):
        enlarge(np.zeros(shape, dtype=np.float32), size_px)
