"""The contact sheet shows every sticker in its place, on a light ground, with its number."""

import io

import pytest
from PIL import Image

from bot.sheet import GAP_PX, MARK_PX, TILE_PX, contact_sheet
from pipeline.sheet import GROUND, INK

PITCH = TILE_PX + GAP_PX


@pytest.mark.parametrize(("count", "down"), [(1, 1), (2, 1), (3, 2), (4, 2)])
def test_each_is_in_its_place_and_nothing_of_it_is_transparent(count, down):
    colours = [(200, 0, 0), (0, 160, 0), (0, 0, 220), (120, 0, 120)][:count]
    pictures = [Image.new("RGBA", (512, 512), (*colour, 255)) for colour in colours]
    sheet = Image.open(io.BytesIO(contact_sheet(pictures)))
    assert (sheet.mode, sheet.size) == ("RGB", (2 * PITCH + GAP_PX, down * PITCH + GAP_PX))
    middles = [(GAP_PX + n % 2 * PITCH + TILE_PX // 2, GAP_PX + n // 2 * PITCH + TILE_PX // 2) for n in range(count)]
    assert [sheet.getpixel(at) for at in middles] == colours
    if count == 3:
        assert sheet.getpixel((GAP_PX + PITCH + TILE_PX // 2, GAP_PX + PITCH + TILE_PX // 2)) == GROUND


def test_a_transparent_sticker_shows_the_ground_and_its_number():
    sheet = Image.open(io.BytesIO(contact_sheet([Image.new("RGBA", (512, 200))] * 2)))
    assert sheet.getpixel((GAP_PX + TILE_PX // 2, GAP_PX + TILE_PX // 2)) == GROUND
    marks = [sheet.crop((GAP_PX + n * PITCH, GAP_PX, GAP_PX + n * PITCH + MARK_PX, GAP_PX + MARK_PX)) for n in (0, 1)]
    assert all(INK in [colour for _, colour in mark.getcolors(MARK_PX**2)] for mark in marks)
    assert marks[0].tobytes() != marks[1].tobytes()
