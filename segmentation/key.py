"""Where the ground is one plain colour, the colour itself tells it from the sticker: a region-grown key.

Owns the key and how it and the network settle what is ground: on a plain ground the key knows the edge better than any
network, on a busy one it knows nothing and says so. Drafts stand on plain grounds, for the style is learned on them.
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
PLAIN_SHARE = 0.8  # of the rim that must have one colour; a sticker may touch the rest
NEAR = 0.07  # distance in RGB (0..1.73) up to which a colour is the ground's own
FAR = 0.17  # and from which it is not; between, a pixel is mixed
SURE = 0.9  # the network's "sticker" from which it overrules the key, for white stickers on white
HOLE_DOUBT = 0.5  # mean probability under which an enclosed patch of the ground's colour is a hole
AGREEMENT = 0.3  # IoU of key and network under which the key has found something else than the network


def plain_ground(rgb: NDArray[Any]) -> Array | None:
    """The colour of the ground (3,), or None where the picture's rim has no one colour. ``rgb`` (H, W, 3) in [0, 1]."""
    frame_px = max(1, round(FRAME * min(rgb.shape[:2])))
    inside = np.zeros(rgb.shape[:2], dtype=bool)
    inside[frame_px:-frame_px, frame_px:-frame_px] = True
    rim = rgb[~inside]
    colour: Array = np.median(rim, axis=0).astype(np.float32)
    return colour if (distance(rim, colour) < FAR).mean() >= PLAIN_SHARE else None


def distance(rgb: NDArray[Any], colour: Array) -> Array:
    """Euclidean distance of each colour (..., 3) from ``colour`` (3,)."""
    result: Array = np.linalg.norm(rgb - colour, axis=-1)
    return result


def settled(probability: NDArray[Any], rgb: NDArray[Any]) -> Array:
    """The network's map, corrected by the key where the ground is plain.

    Ground is what has its colour and is joined to the rim, unless the network is sure of the contrary; and enclosed
    patches of that colour that the network doubts too. All else is sticker. Where the rim has no one colour, or key
    and network disagree on what stands there at all, the map comes back as it is.

    Args:
        probability: (H, W) in [0, 1], how likely each pixel is sticker.
        rgb: (H, W, 3) in [0, 1].

    Returns: (H, W) float32 in [0, 1].
    """
    network = np.asarray(probability, dtype=np.float32)
    colour = plain_ground(rgb)
    if colour is None:
        return network
    away = distance(rgb, colour)
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
