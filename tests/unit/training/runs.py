"""Pictures and short runs for the tests of learning a style."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageDraw

from training.dreambooth import DreamBoothConfig, DreamBoothInputs, LearnedStyle, dreambooth


def sticker(
    colour: str, box: tuple[int, int, int, int] = (2, 2, 13, 13), size: tuple[int, int] = (16, 16)
) -> Image.Image:
    """A disc of one colour on a transparent ground."""
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse(box, fill=colour)
    return image


def mirrored(image: Image.Image) -> Image.Image:
    """A structure map of sorts: something else than the picture, made from it alone."""
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def no_report(done: int, total: int) -> None:
    """Tells nobody."""


def train(inputs: DreamBoothInputs, config: DreamBoothConfig, **calls: Any) -> LearnedStyle:
    """``dreambooth`` that reports to nobody and is never stopped unless ``calls`` say so."""
    return dreambooth(inputs, config, **({"report": no_report, "should_stop": lambda: False} | calls))
