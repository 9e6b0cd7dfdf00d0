"""The contact sheet: the pack on top, then photo → draft → sticker for each drawing, in one picture.

Owns its layout, palette and lettering. Knows pictures and words only, no file and no stage. Light: Pillow.
The same input gives the same pixels on the same machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from pipeline.lettering import write

WIDTH_PX = 1400
MARGIN_PX = 64
GAP_PX = 28  # between cards
PADDING_PX = 30  # within a card
MAX_PACK_SHOWN = 24
PACK_ACROSS = 12
PACK_TILE_PX = 150  # at most; a small pack is not blown up
ONE_ACROSS = 8  # up to so many rows are wide; more go in two columns
HEADINGS = ("photo", "draft", "sticker")
NO_NAMES = ("", "pack", "stickers", "sticker-pack", "sticker_pack", "pictures", "images")  # tell nobody whose it is

GROUND, CARD, WELL = (246, 242, 235), (255, 255, 255), (247, 243, 237)
CHECK_LIGHT, CHECK_DARK = (252, 250, 247), (237, 232, 224)
INK, MUTED, ACCENT = (56, 52, 48), (128, 119, 106), (222, 122, 91)
SHADOW, RIM = (120, 100, 70), (228, 221, 210)
CHECK_PX = 12
CORNER_PX = 28  # radius of a card's corners
SHADOW_PX = 24  # reach of its shadow
SMOOTH = 4  # shapes are drawn so much larger and shrunk, for smooth edges

Box = tuple[int, int, int, int]  # left, top, right, bottom; px


@dataclass(frozen=True, kw_only=True)
class SheetRow:
    """One drawing: what came in, what was drawn, what came out."""

    photo: Image.Image
    draft: Image.Image
    sticker: Image.Image  # with alpha
    caption: str


@dataclass(frozen=True, kw_only=True)
class _Card:
    """Sizes of a row's card."""

    width: int
    tile: int
    arrow: int  # the space between two tiles
    caption: int  # size of the letters

    @property
    def height(self) -> int:
        return PADDING_PX + self.tile + self.caption * 2 + 2 * PADDING_PX // 3


def draw_sheet(title: str, pack: Sequence[Image.Image], rows: Sequence[SheetRow]) -> Image.Image:
    """Draw the contact sheet.

    Args:
        title: the name of the pack.
        pack: its pictures, any size, with alpha; the first ``MAX_PACK_SHOWN`` are shown, the others counted.
        rows: one for each drawing; more than ``ONE_ACROSS`` are set in two columns.

    Returns:
        RGB, ``WIDTH_PX`` wide, as high as it takes.
    """
    across = 1 if len(rows) <= ONE_ACROSS else 2
    card = _card_of(across)
    top = MARGIN_PX + 96
    pack_height = _pack_height(len(pack))
    rows_top = top + pack_height + GAP_PX + 40
    down = -(-len(rows) // across)
    height = (rows_top + down * (card.height + GAP_PX) - GAP_PX if rows else top + pack_height) + MARGIN_PX
    sheet = Image.new("RGB", (WIDTH_PX, height), GROUND)
    _draw_title(sheet, title, len(pack), len(rows))
    _draw_pack(sheet, pack, (MARGIN_PX, top, WIDTH_PX - MARGIN_PX, top + pack_height))
    for column in range(across if rows else 0):
        _draw_headings(sheet, MARGIN_PX + column * (card.width + GAP_PX), rows_top - 34, card)
    for index, row in enumerate(rows):
        left = MARGIN_PX + index % across * (card.width + GAP_PX)
        _draw_row(sheet, row, (left, rows_top + index // across * (card.height + GAP_PX)), card)
    return sheet


def _card_of(across: int) -> _Card:
    width = (WIDTH_PX - 2 * MARGIN_PX - (across - 1) * GAP_PX) // across
    arrow = 84 if across == 1 else 46
    tile = (width - 2 * PADDING_PX - 2 * arrow) // 3
    return _Card(width=width, tile=tile, arrow=arrow, caption=26 if across == 1 else 19)


def _draw_title(sheet: Image.Image, title: str, pack_size: int, row_count: int) -> None:
    """Whose style it is, and what the sheet shows."""
    drawings = f"{row_count} new {'one' if row_count == 1 else 'ones'}" if row_count else "nothing drawn yet"
    stickers = f"{pack_size} sticker{'' if pack_size == 1 else 's'} in the pack"
    width = WIDTH_PX - 2 * MARGIN_PX
    write(sheet, (MARGIN_PX, MARGIN_PX - 14), heading(title), size=50, colour=INK, width=width)
    write(sheet, (MARGIN_PX, MARGIN_PX + 50), f"{stickers}, {drawings}", size=22, colour=MUTED, width=width)


def heading(pack: str) -> str:
    """``In the style of cats``; "this pack" where the folder's name says no more."""
    return f"In the style of {'this pack' if pack.strip().casefold() in NO_NAMES else pack}"


def _pack_grid(count: int) -> tuple[int, int, int]:
    """Tiles across, tiles down, and a tile's side in px."""
    shown = min(count, MAX_PACK_SHOWN)
    across = max(1, min(PACK_ACROSS, shown if shown <= PACK_ACROSS else -(-shown // 2)))
    inner = WIDTH_PX - 2 * MARGIN_PX - 2 * PADDING_PX
    return across, -(-shown // across), min(PACK_TILE_PX, (inner - (across - 1) * 14) // across)


def _pack_height(count: int) -> int:
    _, down, tile = _pack_grid(count)
    more = 44 if count > MAX_PACK_SHOWN else 0
    return 2 * PADDING_PX + max(down * (tile + 14) - 14, 0) + more


def _draw_pack(sheet: Image.Image, pack: Sequence[Image.Image], box: Box) -> None:
    """The pack's pictures on a chequered ground, and how many more there are."""
    _draw_card(sheet, box)
    across, _, tile = _pack_grid(len(pack))
    left = (box[0] + box[2] - across * (tile + 14) + 14) // 2
    for index, picture in enumerate(pack[:MAX_PACK_SHOWN]):
        at = (left + index % across * (tile + 14), box[1] + PADDING_PX + index // across * (tile + 14))
        _paste_tile(sheet, picture, at, tile, chequered=True)
    if len(pack) > MAX_PACK_SHOWN:
        words, middle = f"+{len(pack) - MAX_PACK_SHOWN} more", (box[0] + box[2]) // 2
        write(sheet, (middle, box[3] - PADDING_PX - 24), words, size=22, colour=MUTED, anchor="ma")


def _draw_headings(sheet: Image.Image, left: int, top: int, card: _Card) -> None:
    for column, heading in enumerate(HEADINGS):
        middle = left + PADDING_PX + column * (card.tile + card.arrow) + card.tile // 2
        write(sheet, (middle, top), heading, size=20, colour=MUTED, anchor="ma")


def _draw_row(sheet: Image.Image, row: SheetRow, at: tuple[int, int], card: _Card) -> None:
    """A card: photo → draft → sticker, and the caption below."""
    left, top = at
    _draw_card(sheet, (left, top, left + card.width, top + card.height))
    pictures = (row.photo, row.draft, row.sticker)
    for column, picture in enumerate(pictures):
        x, y = left + PADDING_PX + column * (card.tile + card.arrow), top + PADDING_PX
        _paste_tile(sheet, picture, (x, y), card.tile, chequered=column == 2)
        if column:
            _draw_arrow(sheet, (x - card.arrow // 2, y + card.tile // 2), card.arrow // 2)
    y = top + PADDING_PX + card.tile + PADDING_PX * 2 // 3
    width = card.width - 2 * PADDING_PX
    write(sheet, (left + PADDING_PX, y), row.caption, size=card.caption, colour=INK, width=width)


def _draw_card(sheet: Image.Image, box: Box) -> None:
    """A white card with round corners and a soft shadow."""
    width, height = box[2] - box[0], box[3] - box[1]
    sheet.paste(SHADOW, (box[0] - SHADOW_PX, box[1] - SHADOW_PX + 6), _shadow(width, height))
    sheet.paste(CARD, box[:2], _rounded(width, height, CORNER_PX))


@lru_cache(maxsize=8)
def _shadow(width: int, height: int) -> Image.Image:
    """A mask of a card's shadow, ``SHADOW_PX`` larger on every side."""
    hard = Image.new("L", (width + 2 * SHADOW_PX, height + 2 * SHADOW_PX))
    hard.paste(_rounded(width, height, CORNER_PX).point(lambda cover: cover // 6), (SHADOW_PX, SHADOW_PX))
    return hard.filter(ImageFilter.GaussianBlur(9))


def _paste_tile(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], side: int, *, chequered: bool) -> None:
    """A picture, whole and centred in a square: one that fills its frame in its own shape, others on a ground."""
    rgba = picture.convert("RGBA")
    opaque = rgba.getchannel("A").getextrema()[0] == 255
    room = side if opaque else side - 2 * (side // 14)  # what has no frame of its own gets air around it
    scale = room / max(rgba.size)
    size = (max(1, round(rgba.width * scale)), max(1, round(rgba.height * scale)))
    drawn = _resized(rgba, size)
    middle = ((side - size[0]) // 2, (side - size[1]) // 2)
    if opaque:
        _paste_rounded(sheet, drawn.convert("RGB"), (at[0] + middle[0], at[1] + middle[1]), side // 16)
    else:
        ground = _chequered(side).copy() if chequered else Image.new("RGB", (side, side), WELL)
        ground.paste(drawn, middle, drawn)
        _paste_rounded(sheet, ground, at, side // 16)


def _paste_rounded(sheet: Image.Image, picture: Image.Image, at: tuple[int, int], radius: int) -> None:
    """A picture with round corners and a hairline rim, so that a white one does not melt into its card."""
    width, height = picture.size
    radius = max(10, radius)
    if min(width, height) < 2 * radius + 2:  # a sliver: little but rim would be left
        sheet.paste(picture, at)
        return
    sheet.paste(RIM, at, _rounded(width, height, radius))
    inner = picture.crop((1, 1, width - 1, height - 1))
    sheet.paste(inner, (at[0] + 1, at[1] + 1), _rounded(width - 2, height - 2, radius))


def _resized(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scale with alpha multiplied in, so that hidden colours do not bleed into the edge."""
    return picture.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


@lru_cache(maxsize=8)
def _chequered(side: int) -> Image.Image:
    """The usual sign for nothing: a chequered ground."""
    ground = Image.new("RGB", (side, side), CHECK_LIGHT)
    draw = ImageDraw.Draw(ground)
    for y in range(0, side, CHECK_PX):
        for x in range(y // CHECK_PX % 2 * CHECK_PX, side, 2 * CHECK_PX):
            draw.rectangle((x, y, x + CHECK_PX - 1, y + CHECK_PX - 1), fill=CHECK_DARK)
    return ground


@lru_cache(maxsize=16)
def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask with round corners, smooth at the edge; only the corners are drawn large."""
    mask = Image.new("L", (width, height), 255)
    corner = Image.new("L", (radius * SMOOTH, radius * SMOOTH))
    ImageDraw.Draw(corner).ellipse((0, 0, 2 * radius * SMOOTH - 1, 2 * radius * SMOOTH - 1), fill=255)
    quarter = corner.resize((radius, radius), Image.Resampling.BOX)
    for flip, place in (
        (None, (0, 0)),
        (Image.Transpose.FLIP_LEFT_RIGHT, (width - radius, 0)),
        (Image.Transpose.FLIP_TOP_BOTTOM, (0, height - radius)),
        (Image.Transpose.ROTATE_180, (width - radius, height - radius)),
    ):
        mask.paste(quarter if flip is None else quarter.transpose(flip), place)
    return mask


def _draw_arrow(sheet: Image.Image, middle: tuple[int, int], length: int) -> None:
    """An arrow to the right around ``middle``."""
    height = max(18, length // 2)
    large = Image.new("L", (length * SMOOTH, height * SMOOTH))
    draw = ImageDraw.Draw(large)
    right, centre, thick = large.width - 1, large.height // 2, max(3, length // 12) * SMOOTH
    head = large.height * 2 // 5
    for start in ((right - head, centre - head), (0, centre), (right - head, centre + head)):
        end = (right - thick // 2, centre)
        draw.line((*start, *end), fill=255, width=thick)
        for x, y in (start, end):
            draw.ellipse((x - thick // 2, y - thick // 2, x + thick // 2, y + thick // 2), fill=255)
    small = large.resize((length, height), Image.Resampling.BOX)
    sheet.paste(ACCENT, (middle[0] - length // 2, middle[1] - height // 2), small)
