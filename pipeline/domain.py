"""The words of the domain, as values: pack, photo, caption, draft, cutout, sticker, style.

Owns the vocabulary and nothing else. Knows no model, no file layout, no queue. Light: the standard library and Pillow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from PIL import Image


class Method(StrEnum):
    """How a style is learned from a pack."""

    LORA = "lora"  # low-rank adapters beside the attention layers; some MB a style
    DREAMBOOTH = "dreambooth"  # every weight of the UNet is tuned; as large as the UNet


class Stage(StrEnum):
    """The stages of one job, in the order in which they run."""

    INTAKE = "intake"  # files → pictures
    PREPARE = "prepare"  # pack + class → captions, class pictures; measured as part of TRAIN
    TRAIN = "train"  # pack → style
    CAPTION = "caption"  # photo → words
    GENERATE = "generate"  # photo + words + style → draft
    CUTOUT = "cutout"  # draft → sticker


class Report(Protocol):
    """Called at every step of a stage: ``done`` of ``total`` steps, and now and then a picture of where it stands."""

    def __call__(self, done: int, total: int, preview: Image.Image | None = None) -> None: ...


Watch = Callable[[Stage], Report]  # begins a stage: a Report for it
ShouldStop = Callable[[], bool]  # asked at every step; True → finish the step, save, raise Stopped


def no_report(done: int, total: int, preview: Image.Image | None = None) -> None:
    """A ``Report`` that tells nobody."""


def part_of(report: Report, before: int, total: int) -> Report:
    """``report`` for one part of a stage, which begins after ``before`` of its ``total`` steps."""
    return lambda done, _total, preview=None: report(before + done, total, preview)


def never_stop() -> bool:
    """A ``ShouldStop`` that lets the stage run to its end."""
    return False


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A decoded picture with the name that it keeps through the whole job."""

    name: str  # a file stem that is safe on every system; unique within a job
    image: Image.Image  # RGBA, turned upright, alpha kept
    sha256: str  # of the file's bytes: what a resumed job compares
    words: str = ""  # what its person says it is; where nothing is said, the caption stage looks


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """An input that was left out, and why, in a sentence."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A person's sticker set: the training material."""

    name: str
    pictures: tuple[Picture, ...]  # 3..120, near-duplicates removed
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A generated picture before it is cut out."""

    name: str  # the photo's, with the variant's number behind it from the second on
    photo: str  # name of the photo that it was drawn from
    image: Image.Image  # RGB, at the profile's size
    caption: str
    prompt: str
    seed: int


@dataclass(frozen=True, kw_only=True)
class Sticker:
    """A finished sticker: an encoded file of a transparent picture, one side exactly 512 px, at most 512 KiB."""

    name: str
    data: bytes
    suffix: str  # ".png", or ".webp" where PNG cannot fit the limit
    width_px: int
    height_px: int


Json = dict[str, Any]
