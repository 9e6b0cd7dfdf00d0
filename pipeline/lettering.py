"""Words on pictures: one line, in a font that has its letters, cut with an ellipsis where it is too long.

Owns the choice of font. Knows no layout. Light: Pillow.

Pillow's built-in font has little beyond ASCII; other lines are set in the font of the system that has most of their
letters. Letters that it lacks become "…". So the same words look the same on the same machine, if not on every one.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from PIL import Image, ImageDraw, ImageFont

LONGEST = 1000  # letters of a line that are looked at: more never fit
SYSTEM_FONTS = (
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "Arial.ttf",
    "arial.ttf",
    "Arial Unicode.ttf",
    "NotoSansCJK-Regular.ttc",
    "PingFang.ttc",
    "msyh.ttc",
)
Colour = tuple[int, int, int]


def write(
    sheet: Image.Image,
    at: tuple[int, int],
    words: str,
    *,
    size: int,
    colour: Colour,
    width: int | None = None,
    anchor: str = "la",
) -> None:
    """Write a line of words on ``sheet``.

    Args:
        at: px; what of the line lies there is told by ``anchor``, in Pillow's letters.
        size: of the letters, px.
        width: px; a longer line is cut, with an ellipsis. None leaves it as it is.
    """
    line = " ".join(words.split())  # line breaks, too
    font = _font_for(line, size)
    line = _settable(line, font)
    if width is not None:
        line = _fitted(line, font, width)
    ImageDraw.Draw(sheet).text(at, line, font=font, fill=colour, anchor=anchor)


def _fitted(line: str, font: Any, width: int) -> str:
    """The line, or as much of it as fits with an ellipsis."""
    if len(line) <= LONGEST and font.getlength(line) <= width:
        return line
    low, high = 0, min(len(line), LONGEST)  # the longest beginning that fits lies in between
    while low < high:
        middle = (low + high + 1) // 2
        fits = font.getlength(line[:middle] + "…") <= width
        low, high = (middle, high) if fits else (low, middle - 1)
    return line[:low].rstrip(" ,;.") + "…"


def _font_for(line: str, size: int) -> Any:
    """The built-in font, or one of the system's that has more of the letters."""
    fonts = [font for name in (None, *SYSTEM_FONTS) if (font := _font(name, size)) is not None]
    return min(fonts, key=lambda font: sum(not _has(font, letter) for letter in set(line)))  # the first among equals


@lru_cache(maxsize=64)
def _font(name: str | None, size: int) -> Any | None:
    """The built-in font for None, else one of the system's; None where the system lacks it."""
    if name is None:
        return ImageFont.load_default(size=size)
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _has(font: Any, letter: str) -> bool:
    """Whether the font draws this letter, and not its sign for a missing one."""
    if letter.isspace():
        return True
    drawn, missing = font.getmask(letter), font.getmask("\uffff")
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


def _settable(line: str, font: Any) -> str:
    """The line as the font can set it: letters without an accent that it lacks, "…" for what it has nothing for."""
    set_letters: list[str] = []
    for letter in line:
        plain = unicodedata.normalize("NFKD", letter)[:1]
        found = next((form for form in (letter, plain) if _has(font, form)), "…")
        if found != "…" or set_letters[-1:] != ["…"]:
            set_letters.append(found)
    return "".join(set_letters)
