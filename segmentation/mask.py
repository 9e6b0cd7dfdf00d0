"""A map of probabilities becomes a clean soft mask: crumbs go, real holes stay, the edge is anti-aliased.

Owns the clean-up of masks, the edge's refinement by colour, and the measure of agreement. Does not know where the map
comes from. Light: loads numpy and scipy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating[Any]]  # float32 throughout; the type checker loses track of it
Mask = NDArray[np.bool_]

RAMP_PX = 1.4  # width of the edge; at most sqrt(2), so that a mask that is already binary stays as it is
EIGHT = np.ones((3, 3), dtype=bool)  # diagonal neighbours touch: for shapes; holes use the default, four neighbours


def clean_mask(
    probability: NDArray[Any],
    *,
    threshold: float = 0.5,
    crumb_of_picture: float = 5e-4,
    crumb_of_largest: float = 5e-3,
    pinhole_of_picture: float = 5e-4,
) -> Array:
    """Turn probabilities into a soft mask.

    A shape stays when it covers at least ``crumb_of_picture`` of the picture and ``crumb_of_largest`` of the largest
    shape, so that speech bubbles and second objects stay and specks go. A hole is closed when it covers less than
    ``pinhole_of_picture``. Between, the mask is 1 or 0, but for a ramp of 1.4 px along the contour at ``threshold``.

    Args:
        probability: (H, W) in [0, 1].
        threshold: in (0, 1); where the edge runs.
        crumb_of_picture, crumb_of_largest, pinhole_of_picture: areas as shares.

    Returns:
        (H, W) float32 in [0, 1]; all zero where nothing was found.

    Raises:
        ValueError: not two-dimensional, not finite, or a threshold outside (0, 1).
    """
    level = centred(checked(probability), threshold)  # (H, W) in [-0.5, 0.5], 0 on the contour
    found = level >= 0
    kept = without_crumbs(found, max(crumb_of_picture * found.size, crumb_of_largest * largest_area(found)))
    if not kept.any():
        return np.zeros(kept.shape, dtype=np.float32)
    alpha = ramp(level)
    crumbs = found & ~kept
    if crumbs.any():
        alpha[ndimage.binary_dilation(crumbs, EIGHT, iterations=2) & ~kept] = 0.0  # their soft rims go with them
    closed = pinholes(kept, pinhole_of_picture * kept.size)
    if closed.any():
        alpha[closed] = 1.0
        alpha[ndimage.binary_dilation(closed, EIGHT, iterations=2) & kept] = 1.0
    return alpha


def checked(probability: NDArray[Any]) -> Array:
    """The map as float32, refused where it is none."""
    values = np.asarray(probability, dtype=np.float32)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"a mask is a picture of height x width, got shape {values.shape!r}")
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
        raise ValueError(f"probabilities lie in [0, 1], got {values.min()!r} to {values.max()!r}")
    return values


def centred(probability: Array, threshold: float) -> Array:
    """Piecewise linear: 0 → -0.5, threshold → 0, 1 → 0.5."""
    if not 0 < threshold < 1:
        raise ValueError(f"threshold {threshold!r} must lie between 0 and 1")
    above = probability - np.float32(threshold)
    scale = np.where(above >= 0, 0.5 / (1 - threshold), 0.5 / threshold).astype(np.float32)
    level: Array = above * scale
    return level


def ramp(level: Array) -> Array:
    """Coverage of each pixel from its distance to the zero contour, d ≈ level / |∇level| (first order).

    However blurred the map is, the edge comes out RAMP_PX wide; a binary map comes out unchanged, since
    |level| = 0.5 and a central difference |∇level| ≤ sqrt(0.5) there put every pixel at least 0.707 px away.
    """
    padded = np.pad(level, 1, mode="edge")
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    distance_px = level / np.maximum(np.sqrt(dx * dx + dy * dy), np.float32(1e-6))
    alpha: Array = np.clip(0.5 + distance_px / RAMP_PX, 0, 1).astype(np.float32)
    return alpha


def largest_area(found: Mask) -> int:
    """Pixels of the largest shape; 0 where there is none."""
    labels, count = ndimage.label(found, EIGHT)
    return int(np.bincount(labels.ravel())[1:].max()) if count else 0


def without_crumbs(found: Mask, least_px: float) -> Mask:
    """The shapes of at least ``least_px`` pixels."""
    labels, _ = ndimage.label(found, EIGHT)
    areas = np.bincount(labels.ravel())
    stays = areas >= least_px
    stays[0] = False  # label 0 is the ground
    kept: Mask = stays[labels]
    return kept


def pinholes(kept: Mask, least_px: float) -> Mask:
    """Holes of less than ``least_px`` pixels; ground that reaches the border is no hole."""
    labels, _ = ndimage.label(~kept)
    areas = np.bincount(labels.ravel())
    small = areas < least_px
    small[0] = False
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small[border] = False
    holes: Mask = small[labels]
    return holes


def iou(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union of two masks, cut at 0.5; 1.0 where both are empty.

    Raises:
        ValueError: the shapes differ.
    """
    left, right = np.asarray(a) >= 0.5, np.asarray(b) >= 0.5
    if left.shape != right.shape:
        raise ValueError(f"masks of shapes {left.shape!r} and {right.shape!r} cannot be compared; scale one first")
    union = np.count_nonzero(left | right)
    return np.count_nonzero(left & right) / union if union else 1.0
