"""``python -m scripts.demo_inputs``: draw the demo's pack and photos into ``configs/demo``, and write their credits.

Owns which pictures the demo shows and who made them. Knows no model. A build-time tool: what it writes is committed.
Loads resvg-py and scikit-image through the recipe of the embedded models.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import skimage.data
import typer
from PIL import Image

from scripts.embedded.art import (
    HELD_OUT_SET,
    TRAINING_SETS,
    ArtSet,
    fetch,
    is_held_out,
    read_icons,
    render,
    svg_of,
)

SIDE_PX = 512
MARGIN = 0.04  # of the side, left free around a drawing
JPEG_QUALITY = 90

# One manner, many subjects: animals, food, things, faces. A pack teaches manner best when its subjects differ.
# fmt: off
PACK = (
    "bear", "panda", "tiger-face", "frog", "turtle", "crab", "hatching-chick", "unicorn",
    "strawberry", "watermelon", "doughnut", "hamburger", "avocado", "shortcake",
    "sunflower", "mushroom", "wrapped-gift", "umbrella", "guitar", "automobile",
    "smiling-face-with-sunglasses", "smiling-face-with-heart-eyes", "robot", "ghost",
)
# fmt: on

# Drawings in other manners than the pack's, of things whose names are held out.
DRAWINGS = {
    "dragon": "twemoji",
    "french-fries": "twemoji",
    "lady-beetle": "fluent",
    "orca": "noto",
    "pineapple": "noto",
}

# What the shipped weights saw of them all the same; the recipe leaves such drawings out now.
SEEN = {"dragon": "not this one; fxemoji's, under a name of its own, by VAE, UNet and SegFormer"}

HOMES = {  # where a set's artists publish it
    "openmoji": "https://openmoji.org",
    "noto": "https://github.com/googlefonts/noto-emoji",
    "fluent": "https://github.com/microsoft/fluentui-emoji",
    "twemoji": "https://github.com/jdecked/twemoji",
}


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A photograph that scikit-image carries, and the square of it that the demo shows."""

    sample: str  # function of skimage.data
    box_px: tuple[int, int, int, int]  # left, top, right, bottom
    author: str
    licence: str  # as scikit-image's documentation of the sample states it


PHOTOGRAPHS = {
    "cat": Photograph(sample="chelsea", box_px=(75, 0, 375, 300), author="Stéfan van der Walt", licence="CC0"),
    "coffee": Photograph(sample="coffee", box_px=(100, 0, 500, 400), author="Rachel Michetti", licence="CC0"),
    "launch": Photograph(sample="rocket", box_px=(215, 127, 515, 427), author="SpaceX", licence="public domain"),
}


def main(
    out: Annotated[Path, typer.Option(help="Where the demo inputs go.")] = Path("configs/demo"),
    art: Annotated[Path, typer.Option(help="Art packages; fetched with npm if missing.")] = Path("build/art"),
) -> None:
    """Draw the demo's pack and photos, and write their credits.

    Example:

        python -m scripts.demo_inputs
    """
    sets = {one.style: one for one in (*TRAINING_SETS, HELD_OUT_SET)}
    for folder in (out / "pack", out / "photos"):
        folder.mkdir(parents=True, exist_ok=True)
    for name in PACK:
        drawing(HELD_OUT_SET, name, art).save(out / "pack" / f"{name}.png", optimize=True)
    for name, style in DRAWINGS.items():
        drawing(sets[style], name, art).save(out / "photos" / f"{name}.png", optimize=True)
    for name, photo in PHOTOGRAPHS.items():
        square(photo).save(out / "photos" / f"{name}.jpg", quality=JPEG_QUALITY, optimize=True)
    (out / "CREDITS.md").write_text(credits_page(sets), encoding="utf-8")


def drawing(art: ArtSet, name: str, folder: Path) -> Image.Image:
    """An icon of a set, cropped to what is drawn. Returns RGBA, 512 px square, straight alpha."""
    svg = svg_of(read_icons(fetch(art, folder)), name)
    left, top, right, bottom = _drawn_box(render(svg, SIDE_PX))
    # Drawn again at the size at which the crop fits, rather than resampled: edges stay as the renderer makes them.
    side_px = int(SIDE_PX * (1 - 2 * MARGIN) * SIDE_PX / max(right - left, bottom - top))
    pixels = render(svg, side_px)
    cropped = Image.fromarray(pixels).crop(_drawn_box(pixels))
    canvas = Image.new("RGBA", (SIDE_PX, SIDE_PX))
    canvas.paste(cropped, ((SIDE_PX - cropped.width) // 2, (SIDE_PX - cropped.height) // 2))
    return canvas


def _drawn_box(rgba: np.ndarray) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is not fully transparent."""
    rows, columns = np.nonzero(rgba[..., 3])
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def square(photo: Photograph) -> Image.Image:
    """The chosen square of a photograph. Returns RGB, 512 px."""
    whole = Image.fromarray(getattr(skimage.data, photo.sample)())
    return whole.crop(photo.box_px).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)


def credits_page(sets: dict[str, ArtSet]) -> str:
    """Who made what, under which licence, as Markdown."""
    rows = [_drawing_row(name, sets[style]) for name, style in DRAWINGS.items()]
    rows += [_photograph_row(name, photo) for name, photo in PHOTOGRAPHS.items()]
    return CREDITS.format(count=len(PACK), rows="\n".join(rows), openmoji=HELD_OUT_SET.version)


def _drawing_row(name: str, art: ArtSet) -> str:
    seen = SEEN.get(name) or ("no" if is_held_out(name) else "yes")
    home = f"[{art.package.rpartition('/')[2]} {art.version}]({HOMES[art.style]})"
    return f"| `photos/{name}.png` | {home} | {art.author} | {art.licence} | {seen} |"


def _photograph_row(name: str, photo: Photograph) -> str:
    sample = f"scikit-image's sample `{photo.sample}`"
    return f"| `photos/{name}.jpg` | {sample} | {photo.author} | {photo.licence} | as a ground |"


CREDITS = """\
# Who made the demo's pictures

Written by `python -m scripts.demo_inputs`, which also draws them. All were cropped and brought to 512 px; nothing else
was changed.

## `pack/`

{count} drawings of [OpenMoji](https://openmoji.org), the open-source emoji and icon project, version {openmoji} of the
npm package `@iconify-json/openmoji`. Licence: [CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/).
The embedded models were never trained on any drawing of OpenMoji. Stickers made from this pack, and `sheet.png`, are
adaptations of it and under the same licence.

## `photos/`

The last column says whether the embedded models met this picture in training. One name in twenty is held out in
every set: the drawings show such things. The photographs were there
as grounds behind drawings, and as crops for the autoencoder; never as the thing to draw, to name or to cut out.

| file | from | by | licence | seen in training |
|---|---|---|---|---|
{rows}

- Apache-2.0: the text is in `LICENSE` at the top of the project.
- CC-BY-4.0: <https://creativecommons.org/licenses/by/4.0/>
- CC0: <https://creativecommons.org/publicdomain/zero/1.0/>
- MIT, Fluent Emoji: Copyright (c) Microsoft Corporation; the text is in `configs/embedded/LICENSE.md`.
- The licences of the photographs are those that scikit-image 0.26 states beside each sample.
"""


if __name__ == "__main__":
    typer.run(main)
