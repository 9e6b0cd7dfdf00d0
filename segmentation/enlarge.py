"""Small flat art becomes large flat art: crisp colour fields, a crisp anti-aliased silhouette, no ringing.

Owns resampling. Knows no network and no canvas rule. Light: numpy, scipy and Pillow. No weights: for drawings of a few
flat colours the model of the picture is known (fields, and between them steps), and a shock filter restores it.

1. Colour and alpha are parted, and colour is carried outwards over the edge, so that each can be sharpened alone.
2. Lanczos resampling to the final size, clipped to the smallest and largest neighbour in the source.
3. Some steps of a shock filter with smoothing along the edge (Osher & Rudin 1990, eq. 1.3; Alvarez & Mazorra 1994,
   eq. 1.5): u_t = -sign(u_ηη) |∇u| + c u_ξξ, η across and ξ along the edge. Sign and direction are those of the
   luminance, for all three channels, so that edges of the channels stay together and no false colour appears. The
   step moves each side of a blurred edge towards its own plateau; the second term straightens staircases.
4. What ramp is left is steepened between the local minimum and maximum (contrast mapping, Kramer & Bruckner 1975), and
   half a pixel of blur makes the step anti-aliased again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from segmentation.spill import extend_inside

Array = NDArray[np.floating[Any]]  # float32 throughout; the type checker loses track of it

LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
OPAQUE = 0.5  # from here on a pixel's own colour is trusted
TIME_STEP = 0.4  # of the shock filter; explicit upwind scheme, stable below 0.5
COHERENCE = 0.3  # weight of the smoothing along the edge
SIGMA_PX = 1.2  # the sign is taken of a slightly smoothed luminance: noise has no edges
SOFT_SIGN = 0.01  # second derivatives below this act less: gradients and shading stay
STEEPEN = 2.0  # slope of the contrast mapping
SOFTEN_PX = 0.5  # sigma at the end: what the shock made a bare step gets an edge of about 1.3 px again


def enlarge(rgba_premultiplied: Array, size_px: tuple[int, int]) -> Array:
    """Resample a picture to ``size_px``; crisp where it grows, well filtered where it shrinks.

    Args:
        rgba_premultiplied: (H, W, 4) in [0, 1], colour multiplied by alpha.
        size_px: (width, height), each at least 1.

    Returns:
        (height, width, 4) float32 in [0, 1], colour **not** multiplied by alpha, 0 where alpha is 0. Where it
        grows, alpha stays between the smallest and largest alpha of the 3 x 3 source pixels around, and so does
        colour, once it was carried over the edge.

    Raises:
        ValueError: no such picture or size.
    """
    source = np.asarray(rgba_premultiplied, dtype=np.float32)
    if source.ndim != 3 or source.shape[2] != 4 or 0 in source.shape:
        raise ValueError(f"a picture of height x width x 4 is needed, got shape {source.shape!r}")
    if min(size_px) < 1:
        raise ValueError(f"size {size_px!r} must be at least 1 x 1 px")
    height, width = source.shape[:2]
    scale = max(size_px[0] / width, size_px[1] / height)
    result = shrunk(source, size_px) if scale <= 1 else grown(source, size_px, scale)
    result[result[..., 3] <= 0] = 0
    return result


def shrunk(source: Array, size_px: tuple[int, int]) -> Array:
    """Downscale premultiplied colours with a Hamming window: as sharp as bicubic, never below 0 or above 1."""
    planes = resampled(source.transpose(2, 0, 1), size_px, Image.Resampling.HAMMING)  # (4, h, w)
    alpha = np.clip(planes[3], 0, 1)
    rgb = np.clip(planes[:3] / np.maximum(alpha, 1e-6), 0, 1)
    return np.concatenate([rgb, alpha[None]]).transpose(1, 2, 0)


def grown(source: Array, size_px: tuple[int, int], scale: float) -> Array:
    alpha = np.clip(source[..., 3], 0, 1)
    rgb = np.clip(source[..., :3] / np.maximum(alpha, 1e-3)[..., None], 0, 1)
    colour = extend_inside(rgb, alpha, covered=OPAQUE) if alpha.any() else rgb
    planes = crisp(colour.transpose(2, 0, 1), size_px, scale)  # (3, h, w)
    cover = crisp(alpha[None], size_px, scale) if alpha.min() < 1 else np.ones_like(planes[:1])
    return np.concatenate([planes, cover]).transpose(1, 2, 0)


def crisp(planes: Array, size_px: tuple[int, int], scale: float) -> Array:
    """Enlarge (C, H, W), all channels by one set of edges, between the local minima and maxima of the source."""
    low, high = bounds(planes, size_px)
    large = np.clip(resampled(planes, size_px, Image.Resampling.LANCZOS), low, high)
    for _ in range(min(16, round(2 * (scale - 1)))):  # a blurred edge is some `scale` pixels wide
        large = shock_step(large)
    if scale >= 2:
        large = steepened(large, window_px=2 * min(12, round(0.75 * scale)) + 1)
        large = ndimage.gaussian_filter(large, (0, SOFTEN_PX, SOFTEN_PX))
    return np.clip(large, low, high)


def resampled(planes: Array, size_px: tuple[int, int], kernel: Image.Resampling) -> Array:
    """(C, H, W) → (C, h, w) in floating point."""
    images = [Image.fromarray(np.ascontiguousarray(plane)).resize(size_px, kernel) for plane in planes]
    return np.stack([np.asarray(image, dtype=np.float32) for image in images])


def bounds(planes: Array, size_px: tuple[int, int]) -> tuple[Array, Array]:
    """Smallest and largest of the 3 x 3 source pixels around each pixel of the large picture; both (C, h, w)."""
    height, width = planes.shape[1:]
    rows = ((np.arange(size_px[1]) + 0.5) * height / size_px[1]).astype(int)
    columns = ((np.arange(size_px[0]) + 0.5) * width / size_px[0]).astype(int)
    low, high = ndimage.minimum_filter(planes, (1, 3, 3)), ndimage.maximum_filter(planes, (1, 3, 3))
    return low[:, rows[:, None], columns], high[:, rows[:, None], columns]


def shock_step(planes: Array) -> Array:
    """One explicit step of the shock filter on (C, H, W); derivatives of the planes are upwind (minmod)."""
    guide = planes[0] if len(planes) == 1 else np.tensordot(LUMINANCE, planes, 1)  # (H, W)
    nx, ny, sign = edge_frame(guide)
    p = np.pad(planes, ((0, 0), (1, 1), (1, 1)), mode="edge")
    centre = p[:, 1:-1, 1:-1]
    left, right = centre - p[:, 1:-1, :-2], p[:, 1:-1, 2:] - centre
    above, below = centre - p[:, :-2, 1:-1], p[:, 2:, 1:-1] - centre
    across = minmod(left, right) * nx + minmod(above, below) * ny  # derivative along η, signed
    uxy = (p[:, 2:, 2:] - p[:, 2:, :-2] - p[:, :-2, 2:] + p[:, :-2, :-2]) / 4
    along = ny * ny * (right - left) - 2 * nx * ny * uxy + nx * nx * (below - above)  # u_ξξ
    stepped: Array = planes + TIME_STEP * (COHERENCE * along - sign * across)
    return stepped


def edge_frame(guide: Array) -> tuple[Array, Array, Array]:
    """Unit normal (nx, ny) of the edges, and the soft sign of the second derivative across them; each (H, W)."""
    smooth = ndimage.gaussian_filter(guide, SIGMA_PX, truncate=2.5)
    gy, gx = gradient(smooth)
    gyy, gxy = gradient(gy)
    gxx = gradient(gx)[1]
    squared = gx * gx + gy * gy + np.float32(1e-8)
    curve = (gx * gx * gxx + 2 * gx * gy * gxy + gy * gy * gyy) / squared  # u_ηη
    length = np.sqrt(squared)
    return gx / length, gy / length, curve / (np.abs(curve) + np.float32(SOFT_SIGN))


def gradient(values: Array) -> tuple[Array, Array]:
    """Central differences down and across; one-pixel-wide pictures included."""
    p = np.pad(values, 1, mode="edge")
    return (p[2:, 1:-1] - p[:-2, 1:-1]) / 2, (p[1:-1, 2:] - p[1:-1, :-2]) / 2


def minmod(a: Array, b: Array) -> Array:
    """The smaller of two slopes, and 0 where they disagree: at an extremum nothing moves, so nothing overshoots."""
    slope: Array = np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), np.float32(0))
    return slope


def steepened(planes: Array, window_px: int) -> Array:
    """Stretch what is left of each ramp between the extremes of its neighbourhood."""
    low, high = (f(planes, (1, window_px, window_px)) for f in (ndimage.minimum_filter, ndimage.maximum_filter))
    contrast = high - low
    place = np.clip(((planes - low) / np.maximum(contrast, np.float32(1e-4)) - 0.5) * STEEPEN + 0.5, 0, 1)
    # Faint steps are shading, which is left smooth.
    result: Array = np.where(contrast > 0.03, low + place * contrast, planes).astype(np.float32)
    return result
