"""Choosing one frame of an animation, decoding no more than a bounded number of them.

Owns the rule of what a good frame is. Knows no files. Loads Pillow and numpy.

The rule: of the first frames, keep those that show at least ``ENOUGH_CONTENT`` of what the fullest frame shows
(content is the mean opacity: a sticker that pops in from nothing starts empty), and of these take the sharpest (an
opaque blank or a fade-in has no edges); the earliest one wins a tie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

ANIMATED = ("GIF", "PNG", "WEBP")  # a JPEG may hold more pictures too: depth maps, previews, never frames
MAX_FRAMES = 60  # looked at, from the start: two seconds at 30 a second
MAX_FRAME_PIXELS = 256_000_000  # decoded over all frames looked at
ENOUGH_CONTENT = 0.8  # of the fullest frame's mean opacity

_LOOK_PX = 128  # frames are judged at this size


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a frame is judged by."""

    content: float  # mean opacity in [0, 1]
    sharpness: float  # variance of the Laplacian of the frame on mid grey


def seek_good_frame(image: Image.Image) -> None:
    """Leave ``image`` at its best frame; a still picture stays as it is.

    Raises whatever the decoder raises for a damaged file.
    """
    if getattr(image, "is_animated", False) and image.format in ANIMATED:
        image.seek(best_frame(_looks(image)))


def best_frame(looks: list[Look], enough: float = ENOUGH_CONTENT) -> int:
    """The index of the frame that the rule of this module chooses; ``enough`` is a part of the fullest's content."""
    least = enough * max(look.content for look in looks)
    full = [index for index, look in enumerate(looks) if look.content >= least]
    return max(full, key=lambda index: (looks[index].sharpness, -index))


def _looks(image: Image.Image) -> list[Look]:
    """Looks of the first frames. They are never counted beforehand: for a GIF that reads the whole file."""
    frames = min(MAX_FRAMES, max(1, MAX_FRAME_PIXELS // (image.width * image.height)))
    looks: list[Look] = []
    for index in range(frames):
        try:
            image.seek(index)
        except EOFError:  # fewer frames than that
            break
        looks.append(look_at(image))
    return looks


def look_at(frame: Image.Image) -> Look:
    """Judge one frame at a small size."""
    small = frame.convert("RGBA")
    small.thumbnail((_LOOK_PX, _LOOK_PX), Image.Resampling.BOX)
    ground = Image.new("RGBA", small.size, (128, 128, 128, 255))
    ground.alpha_composite(small)
    opacity = np.asarray(small.getchannel("A"), np.float32) / 255
    return Look(content=float(opacity.mean()), sharpness=_sharpness(np.asarray(ground.convert("L"), np.float32)))


def _sharpness(grey: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    """Variance of the four-neighbour Laplacian (Pech-Pacheco et al. 2000) of a picture (H, W) in [0, 255]."""
    padded = np.pad(grey, 1, mode="edge")
    neighbours = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return float((neighbours - 4 * grey).var())
