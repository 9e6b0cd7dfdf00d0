"""The network's blurred edge is drawn to the colour edge of the picture: a guided filter with a colour guide.

Owns that filter. SegFormer answers at a quarter of the size it looks at, so its map knows the edge to a few pixels
only; the picture knows it exactly. Does not know the network. Light: numpy and scipy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating[Any]]

EPSILON = 3e-4  # regularisation, of colours in [0, 1]: steps under about 0.02 are not taken for edges


def refine_edge(probability: NDArray[Any], rgb: NDArray[Any], *, radius_px: int, epsilon: float = EPSILON) -> Array:
    """Guided filter of He, Sun & Tang (2010, eq. 14-16): in each window the map is a linear function of the colour.

    Where the colour says nothing (a flat window) this is a mean of the map; at a colour edge the map takes the edge's
    place. It acts near the map's own edges; elsewhere the map is left as it is, so that a dark eye inside a bright
    face does not become a hole.

    Args:
        probability: (H, W) in [0, 1].
        rgb: (H, W, 3) in [0, 1].
        radius_px: half a window, about as far as the map's edge may be off; 0 changes nothing.
        epsilon: regularisation.

    Returns:
        (H, W) float32 in [0, 1].

    Raises:
        ValueError: the shapes do not belong together.
    """
    p, guide = np.asarray(probability, dtype=np.float32), np.asarray(rgb, dtype=np.float32)
    if p.ndim != 2 or guide.shape != (*p.shape, 3):
        raise ValueError(f"a map of shape {p.shape!r} and a picture of shape {guide.shape!r} do not belong together")
    if radius_px <= 0:
        return p
    window = 2 * radius_px + 1
    near = ndimage.maximum_filter(p, window) - ndimage.minimum_filter(p, window) > 0.5
    if not near.any():
        return p
    filtered = guided(p, guide, window, epsilon)
    result: Array = np.where(near, np.clip(filtered, 0, 1), p).astype(np.float32)
    return result


def guided(p: Array, guide: Array, window_px: int, epsilon: float) -> Array:
    """q = mean(a)·I + mean(b) with a = (Σ + ε E)⁻¹ cov(I, p), b = mean(p) - a·mean(I)."""

    def mean(values: Array) -> Array:
        result: Array = ndimage.uniform_filter(values, window_px, mode="nearest")
        return result

    mean_p, mean_i = mean(p), [mean(guide[..., c]) for c in range(3)]
    sigma = np.empty((*p.shape, 3, 3), dtype=np.float32)  # covariance of the colours in each window
    for c in range(3):
        for d in range(c, 3):
            sigma[..., c, d] = sigma[..., d, c] = mean(guide[..., c] * guide[..., d]) - mean_i[c] * mean_i[d]
    sigma += np.float32(epsilon) * np.eye(3, dtype=np.float32)
    covariance = np.stack([mean(guide[..., c] * p) - mean_i[c] * mean_p for c in range(3)], axis=-1)  # (H, W, 3)
    a = np.linalg.solve(sigma, covariance[..., None])[..., 0]  # (H, W, 3)
    b = mean_p - sum(a[..., c] * mean_i[c] for c in range(3))
    q: Array = mean(b) + sum(mean(a[..., c]) * guide[..., c] for c in range(3))
    return q
