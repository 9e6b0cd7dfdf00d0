"""The canvas of a sticker: empty margins go, one side becomes exactly 512 px and the other at most that.

Owns Telegram's rule about the size of a static sticker. Knows no mask, no file. Light: numpy, scipy and Pillow.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.enlarge import enlarge

Array = NDArray[np.floating[Any]]  # float32 throughout; the type checker loses track of it

SIDE_PX = 512
VISIBLE = 2 / 255  # alpha; fainter pixels cannot be seen and do not hold the margin


def trim(rgba: Array) -> Array:
    """Cut away the rows and columns around the thing in which nothing can be seen.

    Args:
        rgba: (H, W, 4) in [0, 1].

    Returns:
        A view of the visible part; the picture itself where nothing is visible.
    """
    visible = rgba[..., 3] > VISIBLE
    if not visible.any():
        return rgba
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    return rgba[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(rgba: Array, side_px: int = SIDE_PX) -> Array:
    """Scale so that the longer side is exactly ``side_px``; the shape is kept, the shorter side is at least 1 px.

    Args:
        rgba: (H, W, 4) in [0, 1], colour not multiplied by alpha.
        side_px: at least 1.

    Returns:
        (h, w, 4) float32 in [0, 1] with max(h, w) = side_px, colour not multiplied by alpha.

    Raises:
        ValueError: the picture is empty or ``side_px`` below 1.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4 or 0 in rgba.shape:
        raise ValueError(f"a picture of height x width x 4 is needed, got shape {rgba.shape!r}")
    if side_px < 1:
        raise ValueError(f"side_px {side_px!r} must be at least 1")
    height, width = rgba.shape[:2]
    scale = side_px / max(height, width)
    size_px = (max(1, round(width * scale)), max(1, round(height * scale)))
    premultiplied = rgba.astype(np.float32)  # a copy
    premultiplied[..., :3] *= premultiplied[..., 3:]
    return enlarge(premultiplied, size_px)
