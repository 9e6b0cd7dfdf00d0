"""The colour of the old ground is taken out of the half-covered pixels along the edge.

Owns the unmixing C = alpha F + (1 - alpha) B. Does not know where the mask comes from. Light: numpy and scipy only.

Two ways are known: solve the equation for F with B guessed from the ground nearby, or extend the colours of the inside
outwards. Solving divides by alpha: at alpha = 0.1 an error of 0.02 in C or B becomes 0.2 in F. Extending never
amplifies, but loses an outline that is itself no wider than the edge. So: solve where at least three quarters are
covered (errors grow by a third at most), and extend from there into the thinner pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating[Any]]  # float32 throughout; the type checker loses track of it
Mask = NDArray[np.bool_]

COVERED = 0.75  # of a pixel; from here on the unmixed colour is trusted
BARE = 0.02  # of a pixel; up to here the pixel shows the ground
# How far an edge reaches; half-covered pixels beyond it are see-through things and keep their own colour.
REACH_PX = 4.0
GROUND_SIGMA_PX = 4.0  # the ground's colour is averaged over such a neighbourhood


def remove_spill(rgb: NDArray[Any], alpha: NDArray[Any]) -> Array:
    """Colours of the thing itself, free of the ground it stood on.

    Args:
        rgb: (H, W, 3) in [0, 1], the picture as it is.
        alpha: (H, W) in [0, 1].

    Returns:
        (H, W, 3) float32 in [0, 1], not multiplied by alpha; unchanged where alpha is 1. Bare pixels hold the colour
        of the nearest covered one, so that later filters never mix the old ground in. Without any covered or any bare
        pixel there is nothing to learn from, and the colours come back as they are.

    Raises:
        ValueError: the shapes do not belong together.
    """
    colour, cover = np.asarray(rgb, dtype=np.float32), np.asarray(alpha, dtype=np.float32)
    if colour.ndim != 3 or colour.shape[2] != 3 or colour.shape[:2] != cover.shape:
        raise ValueError(f"rgb of shape {colour.shape!r} and alpha of shape {cover.shape!r} do not belong together")
    if not (cover <= BARE).any() or not (cover > BARE).any():
        return colour.copy()
    ground = ground_colour(colour, cover)  # (H, W, 3)
    share = cover[..., None]
    unmixed = (colour - (1 - share) * ground) / np.maximum(share, BARE)
    return extend_inside(np.clip(unmixed, 0, 1).astype(np.float32), cover, covered=COVERED)


def ground_colour(colour: Array, cover: Array) -> Array:
    """The ground's colour at every pixel: a Gaussian average of bare pixels nearby (normalised convolution).

    Pixels right beside the edge are left out where others are in reach: a mask that runs half a pixel too tight
    would make them half foreground.
    """
    bare = cover <= BARE
    inner = ndimage.binary_erosion(bare, np.ones((3, 3), dtype=bool), border_value=1)
    if not inner.any():
        inner = bare
    weight = smoothed(inner.astype(np.float32))
    total = np.stack([smoothed(colour[..., c] * inner) for c in range(3)], axis=-1)
    near = weight > 1e-3
    average: Array = total / np.maximum(weight, np.float32(1e-3))[..., None]
    return nearest_colour(average, near)


def smoothed(values: Array) -> Array:
    result: Array = ndimage.gaussian_filter(values, GROUND_SIGMA_PX, mode="constant", truncate=3.0)
    return result


def extend_inside(colour: Array, cover: Array, *, covered: float) -> Array:
    """Give bare pixels and the thin rim the colour of the nearest pixel that is at least ``covered``.

    Half-covered pixels further than REACH_PX from any covered one belong to see-through things: they keep their own.
    """
    sure = cover >= covered
    if sure.any():
        far = ndimage.distance_transform_edt(~sure) > REACH_PX
        sure |= far & (cover > BARE)
    else:
        sure = cover >= cover.max() / 2
    return nearest_colour(colour, sure)


def nearest_colour(colour: Array, known: Mask) -> Array:
    """Every pixel that is not ``known`` takes the colour of the nearest known one; (H, W, 3)."""
    if known.all() or not known.any():
        return colour
    rows, columns = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    filled: Array = colour[rows, columns]
    return filled
