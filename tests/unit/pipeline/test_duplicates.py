"""Telling copies from different drawings."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from pipeline.duplicates import SAME_BELOW, difference, looks_of, same


def face(mouth: int = 0, skin: str = "#fcea2b", size_px: int = 256, left_eye: bool = True) -> Image.Image:
    """An emoji-like face; ``mouth`` turns its line from flat to tilted."""
    image = Image.new("RGBA", (512, 512), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.ellipse((80, 80, 432, 432), fill=skin, outline="black", width=14)
    for left in (180, 300) if left_eye else (300,):
        draw.ellipse((left, 200, left + 32, 232), fill="black")
    draw.line((180, 330 + mouth, 330, 330 - mouth), fill="black", width=14)
    return image.resize((size_px, size_px), Image.Resampling.LANCZOS)


def reopened(image: Image.Image, picture_format: str, **options: object) -> Image.Image:
    out = BytesIO()
    image.save(out, picture_format, **options)
    return Image.open(out).convert("RGBA")


COPIES = {
    "half": face().resize((128, 128), Image.Resampling.LANCZOS),
    "odd size": face().resize((203, 203), Image.Resampling.BICUBIC),
    "twice": face().resize((512, 512)),
    "webp q50": reopened(face(), "WEBP", quality=50),
    "gif": reopened(face(), "GIF"),
}
OTHERS = {
    "another mouth": face(mouth=24),
    "no left eye": face(left_eye=False),
    "another skin": face(skin="#fadcbc"),
    "mirrored": face(mouth=24).transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.mark.parametrize("case", COPIES)
def test_copies_are_the_same(case: str) -> None:
    """Another size, format or quality is no other picture, with room to the threshold."""
    assert same(looks_of(face()), looks_of(COPIES[case]))
    assert difference(looks_of(face()), looks_of(COPIES[case])) < SAME_BELOW - 4


@pytest.mark.parametrize("case", OTHERS)
def test_similar_drawings_are_different(case: str) -> None:
    """A mouth, an eye, a skin tone make another sticker; each pair is apart, both ways round."""
    one, other = looks_of(face()), looks_of(OTHERS[case])
    assert difference(one, other) == difference(other, one) > SAME_BELOW + 4


def test_alpha_alone_tells_pictures_apart() -> None:
    """Mid grey on nothing is not nothing on mid grey."""
    grey = Image.new("RGBA", (64, 64), (128, 128, 128, 255))
    shape = grey.copy()
    shape.putalpha(face(size_px=64).getchannel("A"))
    assert not same(looks_of(grey), looks_of(shape))


def test_proportions_tell_pictures_apart() -> None:
    """Two plain pictures of one colour but other proportions are different."""
    assert not same(looks_of(Image.new("RGBA", (64, 64), "red")), looks_of(Image.new("RGBA", (64, 32), "red")))
