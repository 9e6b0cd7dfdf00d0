"""What is evaluated, and on what: a profile's models, and the art sets joined by what they show.

Owns access to the art: which drawings of two sets show the same thing, and how they are laid on a ground. Knows no
part. Loads numpy, Pillow, the renderer and, through the models, torch.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.domain import Json, Picture
from pipeline.errors import BadInput
from pipeline.framing import on_ground
from pipeline.models import Models
from pipeline.settings import Settings
from pipeline.store import file_sha256, image_sha256
from scripts.embedded.art import HELD_OUT_SET, TRAINING_SETS, ArtSet, Gallery, fetch, gallery
from scripts.embedded.names import is_emoji

WHITE = (255, 255, 255)
SETS = {art.style: art for art in (*TRAINING_SETS, HELD_OUT_SET)}
HELD_OUT = HELD_OUT_SET.style
LIBRARIES = ("torch", "diffusers", "transformers", "torchmetrics", "stickersmith")
HERE = Path(__file__).parent
ROOMS = (  # whose code a measure depends on
    HERE,
    HERE.parent / "embedded",
    *(HERE.parents[1] / room for room in ("pipeline", "training", "segmentation")),
)


def made_by() -> Json:
    """The code and the libraries of which every result is: what they change is measured again."""
    return {
        "versions": {library: version(library) for library in LIBRARIES},
        "code": {f"{room.name}/{path.name}": file_sha256(path) for room in ROOMS for path in sorted(room.glob("*.py"))},
    }


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A profile's models, and the drawings that they are measured on."""

    models: Models
    settings: Settings
    art: Path  # the packages
    rendered: Path  # their pictures
    work: Path  # what parts keep between two runs
    baseline: Path  # weights of the U-Net that SegFormer is compared with
    _galleries: dict[str, Gallery] = field(default_factory=dict)
    _places: dict[str, dict[str, int]] = field(default_factory=dict)

    def gallery(self, style: str) -> Gallery:
        """A set's drawings, rendered once."""
        if style not in self._galleries:
            self._galleries[style] = gallery(SETS[style], self.art, self.rendered)
        return self._galleries[style]

    @cached_property
    def held_out(self) -> Gallery:
        """The set that no model was trained on."""
        return self.gallery(HELD_OUT)

    @cached_property
    def taught(self) -> set[str]:
        """The names that the recipe teaches: of what has a code point and is not held out."""
        sets = [self.gallery(art.style) for art in TRAINING_SETS]
        drawings = [row for one in sets for row in zip(one.names, one.codes, one.held_out, strict=True)]
        return {name for name, code, held in drawings if code and not held}

    def place(self, style: str) -> dict[str, int]:
        """Code → number of the drawing, of the things that have an emoji of Unicode; flags are left out."""
        if style not in self._places:
            one = self.gallery(style)
            pairs = enumerate(zip(one.codes, one.names, strict=True))
            found = {code: i for i, (code, name) in pairs if is_emoji(code) and not name.startswith("flag")}
            self._places[style] = found
        return self._places[style]

    def drawing(self, style: str, code: str) -> Image.Image:
        """The drawing of a thing in a set, RGBA."""
        return Image.fromarray(self.gallery(style).rgba[self.place(style)[code]])

    def name(self, style: str, code: str) -> str:
        """What a drawing shows, in words."""
        return self.gallery(style).names[self.place(style)[code]]

    def is_new(self, style: str, code: str) -> bool:
        """Whether a thing's name is held out of the training."""
        return bool(self.gallery(style).held_out[self.place(style)[code]])


def on_white(picture: Image.Image, size_px: int) -> Image.Image:
    """A drawing trimmed, squared and laid on white: the same framing for every set."""
    return on_ground(picture, size_px, WHITE)


def as_picture(name: str, image: Image.Image) -> Picture:
    """A drawing as the pipeline takes it."""
    rgba = image.convert("RGBA")
    return Picture(name=name, image=rgba, sha256=image_sha256(rgba))


def shuffled(items: Sequence[str], seed: int) -> list[str]:
    """The items in an order that depends on the seed alone."""
    order = np.random.default_rng(seed).permutation(len(items))
    return [sorted(items)[place] for place in order]


def check_art(folder: Path) -> None:
    """Make sure that every art set is at hand, fetching what lacks.

    Raises:
        BadInput: it is not, and cannot be fetched.
    """
    for art in SETS.values():
        _check_set(art, folder)


def _check_set(art: ArtSet, folder: Path) -> None:
    remedy = f"give --art a folder with the art, {art.style}.json.gz or node_modules/{art.package}"
    there = folder / "node_modules" / art.package / "icons.json"
    if not (there.is_file() or (folder / f"{art.style}.json.gz").is_file()) and shutil.which("npm") is None:
        lack = f"{str(folder)!r} lacks the art set {art.package!r}, and npm is not here to fetch it"
        raise BadInput(f"{lack}; install npm, or {remedy}")
    try:
        fetch(art, folder)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BadInput(f"npm could not fetch {art.package!r} into {str(folder)!r}; try again, or {remedy}") from error
