"""The contact sheet: its size, its sameness, and that every picture and word stays where it belongs."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipeline.sheet import CARD, GROUND, MARGIN_PX, MAX_PACK_SHOWN, ONE_ACROSS, WIDTH_PX, SheetRow, draw_sheet, heading

RED, BLUE, GREEN = (220, 20, 30), (20, 40, 220), (10, 160, 60)
LONG = "a very long caption that goes on and on " * 60
ODD_WORDS = [
    "",
    " ",
    "кот в сапогах",
    "一只狐狸",
    "שלום",
    "na\u00efve caf\u00e9 ő",
    "🐈‍⬛",
    "line\nbreak\ttab",
    "\u0301",
    "\udc80",
    LONG,
]


def disc(colour: tuple[int, int, int], side: int = 64) -> Image.Image:
    """A round thing on a transparent ground."""
    picture = Image.new("RGBA", (side, side))
    ImageDraw.Draw(picture).ellipse((4, 4, side - 5, side - 5), fill=colour)
    return picture


def row(caption: str = "a disc", photo: Image.Image | None = None) -> SheetRow:
    return SheetRow(
        photo=photo or Image.new("RGB", (90, 60), RED),
        draft=Image.new("RGB", (32, 32), BLUE),
        sticker=disc(GREEN),
        caption=caption,
    )


def pixels_of(sheet: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """(N, 2) rows and columns of the pixels that have about this colour."""
    return np.argwhere(np.abs(np.asarray(sheet, dtype=int) - colour).max(axis=2) <= 3)


def margins(sheet: Image.Image) -> np.ndarray:
    """The outermost 30 px on the left and on the right, where nothing may be."""
    array = np.asarray(sheet)
    return np.concatenate([array[:, :30], array[:, -30:]], axis=1)


@pytest.mark.parametrize(("pack", "rows"), [(3, 1), (3, 0), (0, 0), (13, 2), (24, 8), (25, 9), (120, 21)])
def test_any_number_of_pictures_gives_a_sheet_of_the_same_width(pack, rows):
    sheet = draw_sheet("discs", [disc(RED)] * pack, [row()] * rows)
    assert sheet.mode == "RGB"
    assert sheet.width == WIDTH_PX
    assert sheet.getpixel((2, 2)) == sheet.getpixel((WIDTH_PX - 3, sheet.height - 3)) == GROUND


def test_every_row_makes_it_higher_and_many_rows_take_two_columns():
    one, two, most, more = (draw_sheet("x", [], [row()] * rows).height for rows in (1, 2, ONE_ACROSS, ONE_ACROSS + 1))
    assert one < two < most
    assert more < most


def test_the_same_input_gives_the_same_pixels():
    first, second = (draw_sheet("discs", [disc(RED)] * 5, [row(), row("кот")]).tobytes() for _ in range(2))
    assert first == second


def test_a_folder_s_name_is_told_unless_it_says_nothing():
    assert heading("space cats") == "In the style of space cats"
    assert {heading(name) for name in ("pack", "Pack", " stickers ", "")} == {"In the style of this pack"}
    sheets = [draw_sheet(name, [disc(RED)], []).crop((0, 0, WIDTH_PX, 110)).tobytes() for name in ("pack", "", "cats")]
    assert sheets[0] == sheets[1] != sheets[2]


def test_photo_draft_and_sticker_stand_in_this_order_in_one_row():
    sheet = draw_sheet("discs", [], [row()])
    photo, draft, sticker = (pixels_of(sheet, colour) for colour in (RED, BLUE, GREEN))
    assert photo[:, 1].max() < draft[:, 1].min() < draft[:, 1].max() < sticker[:, 1].min()
    middles = [(found[:, 0].min() + found[:, 0].max()) / 2 for found in (photo, draft, sticker)]
    assert max(middles) - min(middles) <= 2


def test_a_photo_keeps_its_shape():
    found = pixels_of(draw_sheet("discs", [], [row()]), RED)
    height, width = np.ptp(found, axis=0) + 1
    assert width / height == pytest.approx(90 / 60, rel=0.02)


def test_the_sticker_lies_on_a_chequered_ground():
    """Light and dark squares alternate around the disc: at least three colours of ground in its tile's corner."""
    sheet = draw_sheet("discs", [], [row()])
    top, left = pixels_of(sheet, GREEN).min(axis=0)
    corner = np.asarray(sheet)[top - 12 : top + 24, left - 12 : left + 24].reshape(-1, 3)
    light_and_dark = {tuple(colour) for colour in corner.tolist()}
    assert {(252, 250, 247), (237, 232, 224)} <= light_and_dark


def test_all_of_a_small_pack_is_shown_and_the_first_ones_of_a_large():
    small = pixels_of(draw_sheet("discs", [disc(RED)] * 6, []), RED)
    assert np.count_nonzero(np.diff(np.unique(small[:, 1])) > 1) == 5  # six discs side by side
    large = draw_sheet("discs", [disc(RED)] * MAX_PACK_SHOWN + [disc(BLUE)] * 9, [])
    assert len(pixels_of(large, RED)) > 0
    assert len(pixels_of(large, BLUE)) == 0


def test_a_larger_pack_than_shown_says_how_many_more():
    shown = [disc(RED)] * MAX_PACK_SHOWN
    assert draw_sheet("", [*shown, disc(RED)], []).height > draw_sheet("", shown, []).height
    one_more, two_more = (np.asarray(draw_sheet("", shown + [disc(RED)] * more, [])) for more in (1, 2))
    changed = np.argwhere((one_more != two_more).any(axis=2))
    assert changed[:, 0].min() < 140  # the count under the title
    assert changed[:, 0].max() > one_more.shape[0] - 160  # "+1 more", "+2 more"


@pytest.mark.parametrize("words", ODD_WORDS)
def test_no_word_leaves_its_card_whatever_it_is(words):
    sheet = draw_sheet(words, [disc(RED)] * 3, [row(words)])
    assert (margins(sheet) == GROUND).mean() > 0.97  # but for the faint shadow
    array = np.asarray(sheet)
    inset = array[sheet.height - MARGIN_PX - 90 : sheet.height - MARGIN_PX - 34, -MARGIN_PX - 28 : -MARGIN_PX - 4]
    assert (inset == CARD).all()


def test_other_letters_than_latin_are_set_or_left_out_but_do_not_fail():
    """Two Cyrillic captions give two different sheets where a font of the system has the letters."""
    plain = draw_sheet("x", [], [row("")])
    assert draw_sheet("x", [], [row("кот")]).tobytes() != plain.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (2000, 1), (1, 2000), (3, 700), (700, 3)])
def test_slivers_and_specks_are_drawn(size):
    sheet = draw_sheet("x", [Image.new("RGBA", size, (*BLUE, 255))] * 3, [row(photo=Image.new("RGB", size, RED))])
    assert len(pixels_of(sheet, RED)) > 0


def test_what_is_hidden_under_alpha_does_not_bleed_into_the_edge():
    """A green disc whose transparent pixels are blue inside shows no blue."""
    sticker = disc(GREEN, 512)
    hidden = Image.new("RGBA", sticker.size, (*BLUE, 0))
    hidden.paste(sticker, mask=sticker.getchannel("A"))
    rows = [SheetRow(photo=disc(RED), draft=Image.new("RGB", (8, 8)), sticker=hidden, caption="")]
    array = np.asarray(draw_sheet("x", [], rows)).astype(int)
    right = array[:, WIDTH_PX * 2 // 3 : WIDTH_PX - MARGIN_PX]
    assert (right[..., 2] - right[..., :2].max(axis=2)).max() < 20


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "CMYK", "I;16", "RGB", "RGBA"])
def test_pictures_of_any_mode_are_taken(mode):
    picture = Image.new(mode, (40, 40))
    assert draw_sheet("x", [picture] * 3, [row(photo=picture)]).width == WIDTH_PX
