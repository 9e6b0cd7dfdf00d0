"""The die-cut outline: a band of constant width and one colour around the thing.

Owns the outline's geometry and colour. Knows no canvas rule: it grows the picture, so that nothing is clipped. Light.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating[Any]]  # float32 throughout; the type checker loses track of it


def margin_px(width_px: int) -> int:
    """By how much ``add_outline`` grows every side: the width, and a pixel for the soft edge; 0 without an outline."""
    return width_px + 1 if width_px else 0


def add_outline(rgba: Array, width_px: int, colour: str) -> Array:
    """Lay a band of ``width_px`` under and around the thing.

    Args:
        rgba: (H, W, 4) in [0, 1], colour not multiplied by alpha.
        width_px: at least 0; 0 returns the picture as it is.
        colour: ``#rrggbb``.

    Returns:
        (H + 2 m, W + 2 m, 4) float32 with m = ``margin_px(width_px)``, colour not multiplied by alpha.

    Raises:
        ValueError: a negative width or no such colour.
    """
    if width_px < 0:
        raise ValueError(f"outline width {width_px!r} px must not be negative")
    paint = parse_colour(colour)
    if width_px == 0:
        return rgba
    margin = margin_px(width_px)
    thing = np.pad(rgba.astype(np.float32), ((margin, margin), (margin, margin), (0, 0)))
    alpha = thing[..., 3]
    # The ring lies under the thing, so see-through parts of the thing show it: "over" of Porter & Duff (1984).
    below = outline_cover(alpha, width_px) * (1 - alpha)
    out_alpha = alpha + below
    rgb = (thing[..., :3] * alpha[..., None] + paint * below[..., None]) / np.maximum(out_alpha, 1e-6)[..., None]
    return np.concatenate([rgb, out_alpha[..., None]], axis=-1).astype(np.float32)


def outline_cover(alpha: Array, width_px: int) -> Array:
    """Share of each pixel that lies within ``width_px`` of the thing's edge or inside it; (H, W) in [0, 1].

    The Euclidean distance runs between pixel centres; the true edge runs ``offset`` beyond the centre of the last
    pixel inside: by its own alpha - 0.5, and by what the half-covered pixel next to it holds.
    """
    inside = alpha >= 0.5
    if not inside.any():
        return np.zeros_like(alpha)
    distance, (rows, columns) = ndimage.distance_transform_edt(~inside, return_indices=True)
    beyond = ndimage.maximum_filter(np.where(inside, 0, alpha), 3)
    offset = (alpha - 0.5 + beyond)[rows, columns]
    cover: Array = np.clip(width_px + offset - distance + 0.5, 0, 1).astype(np.float32)
    return cover


def parse_colour(colour: str) -> Array:
    """``#rrggbb`` as three numbers in [0, 1]."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise ValueError(f"colour {colour!r} must be written #rrggbb, such as #ffffff")
    return np.array(list(bytes.fromhex(colour[1:])), dtype=np.float32) / 255
