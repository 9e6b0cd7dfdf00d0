"""Whether two pictures are the same one, saved twice.

Owns the fingerprint of a picture's looks and its threshold. Knows no files. Loads Pillow and numpy.

A difference hash of 64 bits cannot serve here: a red and a blue heart, or a skin tone and the next, agree in all bits.
So both pictures are averaged down to a grid of colour (on mid grey) and opacity, and the largest difference of any cell
decides, where a cell may match any of the nine around its place (a resize moves edges by a fraction of a cell).
Measured on OpenMoji: the closest of different drawings (faces, clocks, skin tones, hearts) differ by 41 of 255;
copies as JPEG, as WEBP at quality 50, or resized by half or by an odd factor, by at most 21.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GRID = 32  # cells a side
SAME_BELOW = 30  # of 255: copies differ by less, different drawings by more


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """A picture as a grid of averages, and the range of each cell's neighbourhood."""

    cells: NDArray[np.int16]  # (GRID, GRID, 4): RGB on mid grey and alpha, in [0, 255]
    lowest: NDArray[np.int16]  # the same shape: minimum over 3 x 3 cells
    highest: NDArray[np.int16]
    aspect: float  # width / height


def looks_of(image: Image.Image) -> Looks:
    """The looks of an RGBA picture of any size."""
    ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
    ground.alpha_composite(image)
    channels = (*ground.convert("RGB").split(), image.getchannel("A"))
    grids = [channel.resize((GRID, GRID), Image.Resampling.BOX) for channel in channels]
    cells = np.dstack([np.asarray(grid, np.int16) for grid in grids])
    padded = np.pad(cells, ((1, 1), (1, 1), (0, 0)), mode="edge")
    shifted = [padded[row : row + GRID, column : column + GRID] for row in range(3) for column in range(3)]
    return Looks(
        cells=cells,
        lowest=np.min(shifted, axis=0),
        highest=np.max(shifted, axis=0),
        aspect=image.width / image.height,
    )


def difference(one: Looks, other: Looks) -> int:
    """The largest difference of any cell, in [0, 255]; symmetric."""
    over = np.maximum(one.cells - other.highest, other.cells - one.highest)
    under = np.maximum(other.lowest - one.cells, one.lowest - other.cells)
    return max(0, int(np.maximum(over, under).max()))


def same(one: Looks, other: Looks) -> bool:
    """True for one picture saved twice: other format, quality or size."""
    return abs(one.aspect / other.aspect - 1) < 0.05 and difference(one, other) < SAME_BELOW
