"""Which frame of a moving sticker is chosen, and what a renderer's colours mean."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from PIL import Image, ImageFilter

from pipeline.moving import Refused
from pipeline.moving_child import MORE_FRAMES, choose, good_frame
from tests.unit.pipeline.stickers import layer, lottie, ring, square, starry, tgs, webm


def disc(side_px: int, alpha: int = 255) -> Image.Image:
    image = Image.new("RGBA", (64, 64))
    image.paste((200, 30, 30, alpha), (0, 0, side_px, 64))
    return image


class Film:
    """Frames that note when they are asked for."""

    def __init__(self, frames: list[Image.Image]) -> None:
        self.frames = frames
        self.asked: list[list[int]] = []

    def __call__(self, wanted: list[int]) -> Iterable[Image.Image]:
        self.asked.append(wanted)
        return [self.frames[at] for at in wanted]


def test_three_frames_are_looked_at_and_never_the_first() -> None:
    """Of 60 frames those at a quarter, a half and three quarters, whatever the first one shows."""
    film = Film([disc(64), *(disc(at // 2) for at in range(1, 60))])
    assert choose(60, film) is film.frames[45]
    assert film.asked == [[15, 30, 45]]


@pytest.mark.parametrize(("count", "asked"), [(1, [0]), (2, [0, 1]), (3, [0, 1, 2]), (180, [45, 90, 135])])
def test_few_frames(count: int, asked: list[int]) -> None:
    """A sticker of one frame has that one."""
    film = Film([disc(32)] * count)
    choose(count, film)
    assert film.asked == [asked]


def test_the_largest_area_wins_and_then_the_sharpest() -> None:
    """A tenth more area beats sharpness; of equal areas the sharp one is taken."""
    sharp, blurred = disc(40), disc(46).filter(ImageFilter.GaussianBlur(3))
    assert choose(4, Film([sharp, sharp, blurred, sharp])).tobytes() == blurred.tobytes()
    opaque = Image.new("RGBA", (64, 64), (9, 9, 9, 255))
    drawn = opaque.copy()
    drawn.paste((250, 250, 250, 255), (20, 20, 40, 40))
    assert choose(4, Film([opaque, opaque, drawn, opaque])).tobytes() == drawn.tobytes()


def test_a_sticker_that_shows_up_once_is_found() -> None:
    """Where the three are empty, more are looked at; where all are, it is refused."""
    nothing = disc(64, alpha=1)  # of 255: nobody sees it
    film = Film([nothing] * 48)
    film.frames[4] = disc(20)
    assert choose(48, film) is film.frames[4]
    assert len(film.asked[1]) == MORE_FRAMES + 1
    with pytest.raises(Refused, match="shows next to nothing in any of the frames looked at"):
        choose(48, Film([nothing] * 48))


def test_half_opacity_is_not_darker() -> None:
    """rlottie gives colours multiplied by alpha; orange stays orange."""
    image = good_frame(tgs(lottie([layer(square(), opacity=50)])), "TGS")
    red, green, blue, alpha = image.getpixel((256, 256))
    assert (red, blue) == (255, 0)
    assert abs(green - 127) <= 2
    assert abs(alpha - 128) <= 4
    assert image.getpixel((5, 5)) == (0, 0, 0, 0)
    assert image.getchannel("A").getbbox() == (156, 156, 356, 356)


def test_a_star_has_its_points() -> None:
    """What is allowed is drawn: a star of five reaches above the square."""
    left, top, right, bottom = good_frame(starry(5), "TGS").getchannel("A").getbbox()
    assert top < 100
    assert (right - left, bottom - top) != (200, 200)


def test_a_square_that_appears_late() -> None:
    """A layer that is there from frame 40 to 50 of 60 is at 75 %, and at no other frame that is looked at first."""
    image = good_frame(tgs(lottie([layer(square()) | {"ip": 40, "op": 50}])), "TGS")
    assert image.getpixel((256, 256)) == (255, 127, 0, 255)


def test_a_video_has_its_fullest_frame() -> None:
    """Nothing, then a little, then all of it: frame 6 of 8."""
    nothing, little = Image.new("RGBA", (512, 512)), Image.new("RGBA", (512, 512))
    little.paste((0, 0, 255, 255), (0, 0, 100, 100))
    image = good_frame(webm(lambda number: ring() if number >= 5 else little if number >= 3 else nothing), "WEBM")
    assert image.getpixel((120, 370))[3] == 255
    assert image.getpixel((20, 20))[3] == 0
