"""Where the ground is one colour or a gradient, the colour itself tells it from the sticker: a region-grown key.

Owns the key and how it and the network settle what is ground: on a smooth ground the key knows the edge better than any
network, on a busy one it knows nothing and says so. Drafts stand on plain grounds, for the style is learned on them.

A gradient taken for one colour is worse than no key: what is off that colour counts as sticker, and so a corner of the
ground did. Hence the ground's colour is asked for at every pixel.
Light: numpy and scipy only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

FRAME = 0.03  # of the shorter side: the picture's rim, whose colour the ground has
GROUND_SHARE = 0.8  # of the rim that must be ground; a sticker may touch the rest
TRIMS = 5  # fits of the ground's colour, each without the pixels that lay farthest off the one before
NEAR = 0.07  # distance in RGB (0..1.73) up to which a colour is the ground's own
FAR = 0.17  # and from which it is not; between, a pixel is mixed
SURE = 0.9  # the network's "sticker" from which it overrules the key, for white stickers on white
HOLE_DOUBT = 0.5  # mean probability under which an enclosed patch of the ground's colour is a hole
STRAY = 0.01  # share of what the network is sure is ground, beyond which other colours there make it no smooth one
AGREEMENT = 0.3  # IoU of key and network under which the key has found something else than the network


def smooth_ground(rgb: NDArray[Any]) -> Array | None:
    """The colour of the ground at every pixel, or None where the picture's rim has neither one colour nor a gradient.

    Each channel is a plane over the picture, c(x, y) = a + b x + d y, fitted to the rim by least squares that are
    trimmed (Rousseeuw 1984): a sticker may touch the rim, and its pixels lie far from the plane of the others.

    Args:
        rgb: (H, W, 3) in [0, 1].

    Returns: (H, W, 3) float32; outside [0, 1] where a steep gradient leaves it.
    """
    height, width = rgb.shape[:2]
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = np.stack([np.ones_like(rows), columns, rows], axis=-1)  # (H, W, 3)
    frame_px = max(1, round(FRAME * min(height, width)))
    on_rim = np.ones((height, width), dtype=bool)
    on_rim[frame_px:-frame_px, frame_px:-frame_px] = False
    places, colours = terms[on_rim], rgb[on_rim]
    kept = np.ones(len(places), dtype=bool)
    for _ in range(TRIMS):
        planes, *_rest = np.linalg.lstsq(places[kept], colours[kept], rcond=None)  # (3 terms, 3 channels)
        away = distance(colours, places @ planes)
        kept = away <= np.quantile(away, GROUND_SHARE)
    ground: Array = (terms @ planes).astype(np.float32)
    return ground if (away < NEAR).mean() >= GROUND_SHARE else None


def distance(rgb: NDArray[Any], colour: Array) -> Array:
    """Euclidean distance of each colour (..., 3) from ``colour`` (3,), or from one of its own (..., 3)."""
    result: Array = np.linalg.norm(rgb - colour, axis=-1)
    return result


def settled(probability: NDArray[Any], rgb: NDArray[Any]) -> Array:
    """The network's map, corrected by the key where the ground is smooth.

    Ground is what has its colour and is joined to the rim, unless the network is sure of the contrary; and enclosed
    patches of that colour that the network doubts too. All else is sticker. Where the rim is no smooth ground, or what
    the network is sure is ground is not (a photograph's sky has one colour, the tower before it has not), or key and
    network disagree on what stands there at all, the map comes back as it is.

    Args:
        probability: (H, W) in [0, 1], how likely each pixel is sticker.
        rgb: (H, W, 3) in [0, 1].

    Returns: (H, W) float32 in [0, 1].
    """
    network = np.asarray(probability, dtype=np.float32)
    colour = smooth_ground(rgb)
    if colour is None:
        return network
    away = distance(rgb, colour)
    bare = network < 1 - SURE
    if bare.any() and (away[bare] > FAR).mean() > STRAY:
        return network
    ground = joined_to_rim((away < (NEAR + FAR) / 2) & (network < SURE))
    ground |= doubted_patches((away < NEAR) & ~ground, network)
    sticker = ~ground
    if not agree(sticker, network > 0.5):
        return network
    mixed = np.clip((away - NEAR) / (FAR - NEAR), 0, 1)  # how much of a pixel at the edge is sticker
    rim_of_sticker = sticker & ndimage.binary_dilation(ground, iterations=2)
    keyed = np.where(sticker, 1.0, 0.0)
    result: Array = np.where(rim_of_sticker, np.maximum(mixed, 0.5), keyed).astype(np.float32)
    return result


def joined_to_rim(mask: Mask) -> Mask:
    """The parts of ``mask`` that reach the edge of the picture."""
    labels, _ = ndimage.label(mask)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    joined: Mask = np.isin(labels, np.unique(edge[edge > 0]))
    return joined


def doubted_patches(mask: Mask, network: Array) -> Mask:
    """The parts of ``mask`` that the network takes for ground on the whole."""
    labels, count = ndimage.label(mask)
    if not count:
        return mask
    means = np.asarray(ndimage.mean(network, labels, np.arange(1, count + 1)))
    doubted = np.concatenate([[False], means < HOLE_DOUBT])  # label 0 is what is not in the mask
    result: Mask = doubted[labels]
    return result


def agree(one: Mask, other: Mask) -> bool:
    """Whether two masks show the same thing, roughly."""
    union = int((one | other).sum())
    return union > 0 and int((one & other).sum()) / union >= AGREEMENT
