"""The pack's line: whether its artist draws dark lines around things, how wide, in which colour; and lines like these
on another picture.

A drawing in a style with an outline is easier to finish than to begin: what img2img starts from gets the line that the
pack has, and the model makes it its own. Owns the measure and the pen. Knows no model. Light: numpy, scipy, Pillow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from pipeline.domain import Json
from pipeline.framing import has_ground, squared
from segmentation import key

Array = NDArray[np.float32]

MEASURED_PX = 128  # side at which lines are measured
RIM_PX = (0.8, 2.2)  # from the silhouette inwards: here lies a line, if there is one
INNER_PX = (6.0, 12.0)  # and here what it goes around
DARK, STEP = (
    110.0,
    35.0,
)  # levels of 255: a line is darker than the first, and by the second darker than what it encloses
EVEN = 32.0  # levels of 255, median deviation along a rim: a line is of one colour, whatever it encloses
ALONE = 0.1  # share of a rim or an inside below which it tells nothing
SHARE = 0.5  # of the drawings that must have a line
LEAST = 3  # drawings that must have told
EDGE, CONTRAST = 0.25, 8.0  # an edge begins where a colour changes by the first, of 1; and is full so much steeper
THINNEST, WIDEST = 0.001, 0.25  # of the side
FINE = 2  # lines are drawn so many times larger and shrunk, for a smooth rim
INSIDE = 0.6  # width of the lines inside, of that along the silhouette
LIFTED_PX = 512  # side to which a picture is brought before it is taken off its ground
GROUND_DISTANCE = 0.14  # Euclidean, in RGB of 0 to 1; JPEG's noise lies below
LEAST_GROUND = 0.03  # of the picture; and the drawing has as much at least
LIGHT = 0.7  # of 1: before such a ground a dark line is seen
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


@dataclass(frozen=True, kw_only=True)
class Line:
    """What a pack's artist draws around things."""

    colour: tuple[int, int, int]
    width: float  # of the square's side

    @classmethod
    def of(cls, raw: Json) -> Self:
        """A line as a card has it.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        try:
            red, green, blue = (int(value) for value in raw["colour"])
            width = float(raw["width"])
        except OverflowError as error:
            raise ValueError(f"line = {raw!r}: {error}") from error
        if not (THINNEST <= width < WIDEST and all(0 <= value <= 255 for value in (red, green, blue))):
            raise ValueError(
                f"line = {raw!r}: a colour is three numbers of 0 to 255, a width is {THINNEST} to {WIDEST}"
            )
        return cls(colour=(red, green, blue), width=width)


def line_of(pictures: Iterable[Image.Image]) -> Line | None:
    """The line of a pack, by its transparent pictures; None where there is none, or too little to tell by."""
    drawings = (picture if not has_ground(picture) else lifted(picture, light=True) for picture in pictures)
    told = [found for drawing in drawings if drawing is not None for found in (_told(drawing),) if found is not None]
    drawn = [line for line in told if line.width > 0]
    if len(told) < LEAST or len(drawn) < SHARE * len(told):
        return None
    red, green, blue = (round(median(line.colour[place] for line in drawn)) for place in range(3))
    return Line(colour=(red, green, blue), width=round(median(line.width for line in drawn), 4))


def lifted(picture: Image.Image, *, light: bool = False) -> Image.Image | None:
    """A drawing off its plain ground, as photos and screenshots have it: RGBA, or None where the ground is not plain.

    What has the ground's colour and is joined to the rim is ground.

    Args:
        light: leave a dark ground alone, before which a dark line is not to be seen.
    """
    fitting = picture.convert("RGB")
    fitting.thumbnail((LIFTED_PX, LIFTED_PX), Image.Resampling.LANCZOS)
    rgb = np.asarray(fitting, dtype=np.float32) / np.float32(255)
    colour = key.smooth_ground(rgb)
    if colour is None or (light and float(np.mean(colour @ np.array(LUMA))) < LIGHT):
        return None
    ground = key.joined_to_rim(key.distance(rgb, colour) < GROUND_DISTANCE)
    if not LEAST_GROUND < ground.mean() < 1 - LEAST_GROUND:
        return None
    alpha = ndimage.gaussian_filter((~ground).astype(np.float32), 0.6)
    return Image.fromarray((np.dstack([rgb, alpha]) * 255).round().astype(np.uint8))


def _told(picture: Image.Image) -> Line | None:
    """The line of one drawing; one of no width where it has none, None where the drawing tells nothing."""
    rgba = np.asarray(squared(picture).resize((MEASURED_PX, MEASURED_PX), Image.Resampling.LANCZOS), dtype=np.float32)
    depth = ndimage.distance_transform_edt(rgba[..., 3] > 127)
    rim = (depth > RIM_PX[0]) & (depth <= RIM_PX[1])
    inner = (depth > INNER_PX[0]) & (depth <= INNER_PX[1])
    if not rim.any() or inner.sum() < max(1.0, ALONE * rim.sum()):  # faint, or thin all over: it might be all line
        return None
    light = rgba[..., :3] @ np.array(LUMA, dtype=np.float32)
    colour = np.median(rgba[rim][:, :3], axis=0)
    level, enclosed = float(np.median(light[rim])), float(np.median(light[inner]))
    if level <= DARK and enclosed < level + STEP:  # a dark thing: with a line or without, it looks the same
        return None
    uneven = float(np.median(np.abs(light[rim] - level)))
    if level > DARK or uneven > EVEN:
        return Line(colour=(0, 0, 0), width=0.0)
    rings = [light[(depth > at) & (depth <= at + 1)] for at in np.arange(0.5, INNER_PX[1])]
    half = (level + enclosed) / 2
    wide = next((at for at, ring in enumerate(rings) if at > 0 and len(ring) and np.median(ring) > half), len(rings))
    return Line(colour=tuple(int(value) for value in colour), width=(wide + 0.5) / MEASURED_PX)  # type: ignore[arg-type]


def with_line(picture: Image.Image, line: Line, inside: Image.Image | None = None) -> Image.Image:
    """The picture with such a line along its silhouette, and a thinner one wherever its colour changes.

    An edge is where alpha or colour changes within the line's width (morphological gradient; Beucher &
    Lantuéjoul 1979).

    Args:
        picture: RGBA, square.
        inside: of the same size, by whose colours the lines inside are drawn; by the picture's own where None.

    Returns: RGBA of the same size; the drawing is half a line wider on every side.
    """
    rgba = _fine(picture)
    width_px = line.width * rgba.shape[1]
    coloured = rgba if inside is None else _fine(inside)
    laid = coloured[..., :3] * coloured[..., 3:]  # colour behind transparency is no edge
    ink = np.maximum(_edges(rgba[..., 3:], width_px), _edges(laid, INSIDE * width_px))[..., None]
    colour = rgba[..., :3] * (1 - ink) + np.array(line.colour, dtype=np.float32) / np.float32(255) * ink
    drawn = np.concatenate([colour, np.maximum(rgba[..., 3:], ink)], axis=-1)
    return Image.fromarray((drawn * 255).round().astype(np.uint8)).resize(picture.size, Image.Resampling.BOX)


def _fine(picture: Image.Image) -> Array:
    """(H, W, 4) in [0, 1], ``FINE`` times as large."""
    size = (picture.width * FINE, picture.height * FINE)
    large = picture.convert("RGBA").resize(size, Image.Resampling.BICUBIC)
    return np.asarray(large, dtype=np.float32) / np.float32(255)


def _edges(layers: Array, width_px: float) -> Array:
    """How much of a line runs through each pixel. ``layers`` (H, W, C) in [0, 1]; returns (H, W) in [0, 1]."""
    width_px = max(width_px, 2.0)  # between two pixels there is no thinner edge
    reach = np.arange(round(width_px)) - (round(width_px) - 1) / 2
    disc = reach[:, None] ** 2 + reach[None, :] ** 2 <= (width_px / 2) ** 2 + 0.25
    changes = [
        ndimage.grey_dilation(layer, footprint=disc) - ndimage.grey_erosion(layer, footprint=disc)
        for layer in np.moveaxis(layers, -1, 0)
    ]
    found: Array = np.clip((np.max(changes, axis=0) - EDGE) * CONTRAST, 0, 1).astype(np.float32)
    return found
