"""Emoji as a font draws them, in ink alone: one more artist for the eyes, and the one nearest to a pen on paper.

Owns which font, and how its glyphs become drawings. Knows no model. Loads numpy, scipy and Pillow; the font comes from
the npm registry and is never committed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from scripts.embedded import pictures as P
from scripts.embedded.art import MARGIN
from scripts.embedded.names import is_emoji
from scripts.embedded.npm import installed

PACKAGE, VERSION = "@fontsource/noto-emoji", "5.3.2"  # Google's Noto Emoji, SIL Open Font License 1.1
STYLE = "noto-ink"
WEIGHTS = (300, 500, 700)  # how bold: thin lines, and wide ones
SIDE_PX = 64
DRAWN_PX = 256  # side at which a glyph is drawn before it is shrunk
RANGE = re.compile(r"u\+([0-9a-f]+)(?:-([0-9a-f]+))?", re.IGNORECASE)


def glyphs(names: Mapping[str, str], folder: Path) -> P.Art:
    """What the font has of these things, in every weight, on paper inside: its lines enclose white.

    Args:
        names: code → name; only codes of one code point are looked for, flags and families are not.
        folder: where npm puts packages.

    Returns pictures (N, 4, 64, 64).
    """
    codes, found = [], []
    wanted = {code for code in names if is_emoji(code) and "-" not in code}
    for weight in WEIGHTS:
        for path, points in files(folder, weight):
            font = ImageFont.truetype(str(path), DRAWN_PX * 3 // 4)
            for code in sorted(wanted & points):
                drawing = drawn(font, chr(int(code, 16)))
                if drawing is not None:
                    codes.append(code)
                    found.append(drawing)
    return P.Art(
        rgba=torch.from_numpy(np.stack(found)).permute(0, 3, 1, 2),
        names=[names[code] for code in codes],
        styles=[STYLE] * len(codes),
        codes=codes,
    )


def files(folder: Path, weight: int) -> list[tuple[Path, set[str]]]:
    """The font's files of a weight, and the code points of each."""
    package = installed(PACKAGE, VERSION, folder)
    ranges: dict[str, str] = json.loads((package / "unicode.json").read_text(encoding="utf-8"))
    return [
        (package / "files" / f"noto-emoji-{part.strip('[]')}-{weight}-normal.woff", points_of(text))
        for part, text in ranges.items()
        if part.startswith("[")
    ]


def points_of(ranges: str) -> set[str]:
    """``U+1f1e6-1f1ff,U+23`` → the code points, in hexadecimal as the art's codes are."""
    found = set()
    for first, last in RANGE.findall(ranges):
        found |= {f"{point:x}" for point in range(int(first, 16), int(last or first, 16) + 1)}
    return found


def drawn(font: ImageFont.FreeTypeFont, text: str) -> np.ndarray | None:
    """A glyph in black, white where it encloses something. Returns (64, 64, 4) uint8, None where the font has none."""
    left, top, right, bottom = (int(edge) for edge in font.getbbox(text))
    if right - left < DRAWN_PX // 8 or bottom - top < DRAWN_PX // 8 or missing(font, text):
        return None
    side = round(max(right - left, bottom - top) / (1 - 2 * MARGIN))
    mask = Image.new("L", (side, side))
    place = ((side - right + left) // 2 - left, (side - bottom + top) // 2 - top)
    ImageDraw.Draw(mask).text(place, text, fill=255, font=font)
    ink = np.asarray(mask, dtype=np.float32) / 255
    alpha = np.maximum(ink, ndimage.binary_fill_holes(ink > 0.5))
    shade = np.where(alpha > 0, 1 - ink, 0)
    rgba = np.stack([shade, shade, shade, alpha], axis=-1)
    fine = Image.fromarray((rgba * 255).round().astype(np.uint8))
    return np.asarray(fine.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX))


def missing(font: ImageFont.FreeTypeFont, text: str) -> bool:
    """Whether the font draws its sign for what it lacks."""
    return bytes(font.getmask(text)) == bytes(font.getmask("\U0010fffd"))
