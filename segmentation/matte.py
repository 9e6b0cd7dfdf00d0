"""The rim of a mask by what the picture shows there: how much of each pixel is thing, how much ground.

Owns the estimate of alpha along the rim. Does not know where the mask comes from. Light: numpy and scipy only.

A network's mask takes blurred edges for thing, and the ground shines through as a fringe. Where a pixel's colour lies
between the ground's colour B outside and the thing's colour F inside, C = alpha F + (1 - alpha) B tells alpha; where
it lies elsewhere (a contour of its own colour), or F is no other colour than B, nothing can be told.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from segmentation.spill import BARE, Array, ground_colour

RIM_PX = 3.5  # depth of the rim: a generator's blur reaches about so far in
REACH_PX = 7.0  # F is taken from inner pixels no further than this
THIN_PX = 2  # where none is so near, from the pixel within this that is least like the ground: a leg has no inside
LEAST_CONTRAST = 0.2  # Euclidean distance of F and B in RGB (0..1.73) from which they can be told apart
LEAST_FIT = 0.12  # distance of C from the line between B and F up to which it counts as a mixture


def tightened(alpha: NDArray[Any], rgb: NDArray[Any]) -> Array:
    """The mask with its rim no fuller than the picture's colours say; nothing is added to it.

    Args:
        alpha: (H, W) in [0, 1].
        rgb: (H, W, 3) in [0, 1].

    Returns:
        (H, W) float32 in [0, 1], nowhere above ``alpha``.
    """
    cover, colour = np.asarray(alpha, dtype=np.float32), np.asarray(rgb, dtype=np.float32)
    depth = ndimage.distance_transform_edt(cover > BARE)  # px to the nearest bare pixel
    inside = depth > RIM_PX
    rim = (depth > 0) & ~inside
    if not inside.any() or not rim.any() or not (cover <= BARE).any():
        return cover  # nothing to compare
    away, (rows, columns) = ndimage.distance_transform_edt(~inside, return_indices=True)
    ground = ground_colour(colour, cover)
    thing = np.where((away <= REACH_PX)[..., None], colour[rows, columns], clearest(colour, ground, cover))
    span = thing - ground  # (H, W, 3)
    length = np.maximum((span**2).sum(axis=-1), np.float32(1e-6))
    share = np.clip(((colour - ground) * span).sum(axis=-1) / length, 0, 1)
    off_line = np.linalg.norm(colour - ground - share[..., None] * span, axis=-1)
    told = rim & (length >= LEAST_CONTRAST**2) & (off_line <= LEAST_FIT)
    tight: Array = np.where(told, np.minimum(cover, share), cover).astype(np.float32)
    return tight


def clearest(colour: Array, ground: Array, cover: Array) -> Array:
    """For every pixel the colour, within THIN_PX, of the covered pixel that is least like the ground; (H, W, 3)."""
    contrast = np.linalg.norm(colour - ground, axis=-1) * (cover > BARE)
    size = 2 * THIN_PX + 1
    padded = np.pad(contrast, THIN_PX)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))  # (H, W, size, size)
    best = windows.reshape(*contrast.shape, -1).argmax(axis=-1)
    rows, columns = np.indices(contrast.shape)
    rows = np.clip(rows + best // size - THIN_PX, 0, contrast.shape[0] - 1)
    columns = np.clip(columns + best % size - THIN_PX, 0, contrast.shape[1] - 1)
    found: Array = colour[rows, columns]
    return found
