"""How far the outline of a mask is from the true one.

Owns the measure. Knows no model. Light: numpy and scipy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]


def boundary(mask: Mask) -> Mask:
    """The pixels of a mask that have a side in common with what is not in it; beyond the frame nothing is in it."""
    inner: Mask = ndimage.binary_erosion(mask, border_value=0)
    return mask & ~inner


def boundary_error_px(found: Mask, true: Mask) -> float:
    """Mean distance between two outlines, in pixels.

    The average symmetric surface distance (Heimann et al. 2009, "Comparison and evaluation of methods for liver
    segmentation from CT datasets", IEEE Transactions on Medical Imaging 28(8)): of every pixel of either outline the
    distance to the nearest pixel of the other, and the mean of all. Where one of the masks is empty there is no
    distance, and the picture's diagonal stands for it; two empty masks agree.
    """
    if not found.any() and not true.any():
        return 0.0
    if not found.any() or not true.any():
        return math.hypot(*true.shape)
    ours, theirs = boundary(found), boundary(true)
    to_theirs = ndimage.distance_transform_edt(~theirs)[ours]
    to_ours = ndimage.distance_transform_edt(~ours)[theirs]
    return float((to_theirs.sum() + to_ours.sum()) / (len(to_theirs) + len(to_ours)))


def iou(found: Mask, true: Mask) -> float:
    """Intersection over union; two empty masks agree."""
    union = (found | true).sum()
    return float((found & true).sum() / union) if union else 1.0
