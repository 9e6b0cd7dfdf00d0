"""The four sets of the metric study, built by rule: painted, good, bad, trash.

Owns the rules. Knows no metric. Loads torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.domain import Method
from scripts.embedded.art import TRAINING_SETS
from scripts.evaluate.features import Array, VisionTower
from scripts.evaluate.plan import Plan
from scripts.evaluate.restyle import OVERTRAINED_RATE, OVERTRAINED_STEPS, Work, dreambooth, lora, overtrained
from scripts.evaluate.subject import Subject, on_white
from segmentation.learn import texture

PAINTED, GOOD, BAD, TRASH = ORDER = ("painted", "good", "bad", "trash")
METHODS = {Method.LORA: lora, Method.DREAMBOOTH: dreambooth}
TILES = 8  # a side, of a picture that is cut up
SHAPES = 14  # on a heap of junk
CLASSES = 400  # things that stand for the classes of a classifier; more change the score little


@dataclass(frozen=True, kw_only=True)
class Sets:
    """The sets, thing by thing in the same order, and what is drawn by hand besides."""

    pictures: dict[str, list[Image.Image]]
    reference: list[Image.Image]
    note: str


def sets_of(work: Work) -> Sets:
    """Build all four."""
    method = Method(work.subject.models.profile.train.method)
    note = (
        f"painted: OpenMoji's own drawings. good: what {method} drew, as the profile has it. bad: the same at "
        f"{OVERTRAINED_RATE:.0f} times the learning rate for {OVERTRAINED_STEPS} times the steps. "
        "trash: noise, blotches, heaps of shapes and cut-up drawings, in turn."
    )
    return Sets(
        pictures={
            PAINTED: [thing.truth for thing in work.plan.things],
            GOOD: METHODS[method](work),
            BAD: overtrained(work),
            TRASH: trash(work.plan, work.subject.models.profile.drawing_px, work.seed),
        },
        reference=work.plan.others,
        note=note,
    )


def trash(plan: Plan, side_px: int, seed: int) -> list[Image.Image]:
    """As much trash as there are things."""
    dice = np.random.default_rng(seed)
    kinds = list(KINDS.values())
    return [kinds[i % len(kinds)](thing.truth, side_px, dice) for i, thing in enumerate(plan.things)]


def noise(_: Image.Image, side_px: int, dice: np.random.Generator) -> Image.Image:
    """Every pixel by chance."""
    return Image.fromarray(dice.integers(0, 256, (side_px, side_px, 3), dtype=np.uint8))


def blotches(_: Image.Image, side_px: int, dice: np.random.Generator) -> Image.Image:
    """Smooth noise."""
    generator = torch.Generator().manual_seed(int(dice.integers(2**31)))
    array: NDArray[np.uint8] = (texture(1, side_px, generator)[0] * 255).byte().permute(1, 2, 0).numpy()
    return Image.fromarray(array)


def junk(_: Image.Image, side_px: int, dice: np.random.Generator) -> Image.Image:
    """Shapes of all colours over each other."""
    picture = Image.new("RGB", (side_px, side_px), "white")
    draw = ImageDraw.Draw(picture)
    for _number in range(SHAPES):
        left, top = dice.integers(-side_px // 4, side_px, 2).tolist()
        width, height = dice.integers(1, side_px // 2, 2).tolist()
        shape = (draw.ellipse, draw.rectangle)[int(dice.integers(2))]
        shape((left, top, left + width, top + height), fill=tuple(dice.integers(0, 256, 3).tolist()))
    return picture


def cut_up(truth: Image.Image, side_px: int, dice: np.random.Generator) -> Image.Image:
    """A drawing cut into squares that are dealt out anew."""
    step = side_px // TILES
    places = [(x * step, y * step) for y in range(TILES) for x in range(TILES)]
    picture = Image.new("RGB", (side_px, side_px), "white")
    for (left, top), number in zip(places, dice.permutation(len(places)).tolist(), strict=True):
        x, y = places[number]
        picture.paste(truth.crop((x, y, x + step, y + step)), (left, top))
    return picture


KINDS: dict[str, Callable[[Image.Image, int, np.random.Generator], Image.Image]] = {
    "noise": noise,
    "blotches": blotches,
    "junk": junk,
    "cut up": cut_up,
}


def class_embeddings(subject: Subject, network: VisionTower) -> Array:
    """One embedding a thing that the recipe teaches: the mean over its drawings. Returns (K, D)."""
    sets = [art.style for art in TRAINING_SETS]
    codes = [code for code in subject.place(sets[0]) if not subject.is_new(sets[0], code)]
    step = max(1, len(codes) // CLASSES)
    codes, size = codes[::step], subject.models.profile.size_px
    places = [(code, style) for code in codes for style in sets if code in subject.place(style)]
    found = network.embeddings([on_white(subject.drawing(style, code), size) for code, style in places])
    owners = np.array([codes.index(code) for code, _ in places])
    return np.stack([found[owners == number].mean(axis=0) for number in range(len(codes))])
