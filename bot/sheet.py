"""A contact sheet for a chat: stickers side by side, numbered, on a light ground, for a photo has no transparency.

Owns its layout. Knows no message. Light: Pillow.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from PIL import Image, ImageDraw

from pipeline.lettering import write
from pipeline.sheet import GROUND, INK

TILE_PX, GAP_PX, ACROSS = 400, 24, 2
MARK_PX = 56  # of a number's disc
PAPER = (255, 255, 255)


def contact_sheet(pictures: Sequence[Image.Image]) -> bytes:
    """PNG of the pictures in rows of two, with their numbers from 1 on.

    Args:
        pictures: any size, with or without alpha.
    """
    down = -(-len(pictures) // ACROSS)
    pitch = TILE_PX + GAP_PX
    sheet = Image.new("RGB", (ACROSS * pitch + GAP_PX, down * pitch + GAP_PX), GROUND)
    for index, picture in enumerate(pictures):
        _place(sheet, picture, (GAP_PX + index % ACROSS * pitch, GAP_PX + index // ACROSS * pitch), index + 1)
    file = BytesIO()
    sheet.save(file, "PNG")
    return file.getvalue()


def _place(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], number: int) -> None:
    left, top = at
    tile = picture.convert("RGBA")
    tile.thumbnail((TILE_PX, TILE_PX), Image.Resampling.LANCZOS)
    sheet.paste(tile, (left + (TILE_PX - tile.width) // 2, top + (TILE_PX - tile.height) // 2), tile)
    ImageDraw.Draw(sheet).ellipse((left, top, left + MARK_PX, top + MARK_PX), fill=PAPER, outline=INK, width=3)
    middle = (left + MARK_PX // 2, top + MARK_PX // 2)
    write(sheet, middle, str(number), size=MARK_PX * 5 // 8, colour=INK, anchor="mm")
