"""The structure map: where things are in a picture, without how they are drawn.

The ControlNet reads this map, so that a draft keeps the photo's content while the style comes from the pack. The map
must not give the style away: an outlined drawing has two edges beside every line, a flat one a single edge, a
photograph soft ones. So edges are found at one coarse scale, neighbouring edges are closed to one, and every line is
thinned to its middle and drawn again at one width. Photos, drawings and pack pictures all take the same way.
How much of the style it still tells is measured by ``stickers evaluate --only structure``.

Knows no model. Light: numpy, scipy, scikit-image, Pillow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.morphology import skeletonize

Map = NDArray[np.float32]

WORKING_PX = 128  # side at which edges are sought; coarser than any profile's picture
SMOOTHING_PX = 1.0  # standard deviation of the Gaussian whose derivative finds the edges
EDGE_SHARE = 0.16  # an edge counts from this share of the strongest edges on
LEAST_STRENGTH = 0.02  # and from this gradient on, so that noise on a plain ground stays silent
CLOSING_PX = 4  # edges nearer than this become one
CRUMB_PX = 8  # area below which an edge is taken for noise; an eye is larger
LINE_PX = 0.9  # standard deviation of the line that is drawn


def edge_strength(rgb: Map) -> Map:
    """Gradient magnitude over all colours (Di Zenzo 1986, without the cross term).

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns: (H, W), non-negative.
    """
    rows, columns = (
        ndimage.gaussian_filter(rgb, (SMOOTHING_PX, SMOOTHING_PX, 0), order=order) for order in ((1, 0, 0), (0, 1, 0))
    )
    strength: Map = np.sqrt((rows**2 + columns**2).sum(axis=-1)).astype(np.float32)
    return strength


def lines(strength: Map, *, edge_share: float = EDGE_SHARE, closing_px: int = CLOSING_PX) -> NDArray[np.bool_]:
    """The middle lines of the strong edges, one pixel wide. ``strength`` (H, W). Returns (H, W) bool."""
    threshold = max(LEAST_STRENGTH, edge_share * float(np.percentile(strength, 99.5)))
    bands = np.pad(strength > threshold, closing_px)
    closed = ndimage.binary_closing(bands, structure=_disc(closing_px))[closing_px:-closing_px, closing_px:-closing_px]
    labels, count = ndimage.label(closed, structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    areas[0] = 0
    thin: NDArray[np.bool_] = skeletonize(areas[labels] >= CRUMB_PX)
    return thin


def structure_map(
    picture: Image.Image,
    size_px: int,
    *,
    edge_share: float = EDGE_SHARE,
    closing_px: int = CLOSING_PX,
    line_px: float = LINE_PX,
) -> Image.Image:
    """The structure map of a picture, white lines on black.

    Args:
        picture: RGB; lay a transparent picture on a ground first.
        size_px: side of the square map that is returned.
        edge_share, closing_px, line_px: as the constants above; training draws them at random so that the ControlNet
            does not lean on one thickness or contrast.

    Returns: an RGB picture of ``size_px`` x ``size_px``.
    """
    small = picture.convert("RGB").resize((WORKING_PX, WORKING_PX), Image.Resampling.BICUBIC)
    rgb = np.asarray(small, dtype=np.float32) / np.float32(255)
    thin = lines(edge_strength(rgb), edge_share=edge_share, closing_px=closing_px)
    drawn = ndimage.gaussian_filter(thin.astype(np.float32), line_px) * (line_px * 2.5)
    grey = Image.fromarray((np.clip(drawn, 0, 1) * 255).astype(np.uint8))
    return grey.resize((size_px, size_px), Image.Resampling.BICUBIC).convert("RGB")


def _disc(diameter_px: int) -> NDArray[np.bool_]:
    radius = (diameter_px - 1) / 2
    rows, columns = np.ogrid[:diameter_px, :diameter_px]
    disc: NDArray[np.bool_] = (rows - radius) ** 2 + (columns - radius) ** 2 <= radius**2 + 0.5
    return disc
