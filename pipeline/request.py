"""A command's request, made ready: what can be refused is refused here, before a model is loaded or a folder is made.

Owns the order of these checks and the reading of the pictures (the intake of a job). Knows no later stage. Light: loads
Pillow, numpy and huggingface_hub, so that a wrong request is told in a moment.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import hub
from pipeline.card import check_weights, fitting_card
from pipeline.domain import Method, Pack, Picture, Report, ShouldStop, Skipped
from pipeline.errors import BadOutput
from pipeline.intake import PHOTO_SIDE_PX, load_pack, load_photos, safe_name, unique_name
from pipeline.locks import check_free
from pipeline.motifs import drawn_from_words, named
from pipeline.options import Options
from pipeline.settings import Settings, check_device, check_paths
from pipeline.store import STYLE_CARD, check_output

NEED_MB = 50  # of free space, checked before hours of work
# Times the weights in half precision: 2 for the style in single precision, 6 for a checkpoint with the optimiser's two
# moments, and as much again while it is replaced.
LEARNING_NEEDS = 14
LOCK = ".work/lock"  # in the output folder: one command at a time
WRITTEN = ("sheet.png", "report.json")  # in the output folder itself
NO_PACK = Pack(name="", pictures=())


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a command works on: its pictures are read, and its settings are known to be good."""

    options: Options
    settings: Settings
    pack: Pack = NO_PACK  # where the command takes one
    photos: tuple[Picture, ...] = ()
    skipped: tuple[Skipped, ...] = ()  # what was left out of pack and photos
    notes: tuple[str, ...] = ()  # what a person should know of them
    reading_s: float = 0.0  # how long it took


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a person handed in, unread."""

    options: Options
    settings: Settings
    pack: Path | None = None
    photos: Sequence[Path] = ()
    words: Sequence[str] = ()  # things to draw that there is no photo of
    style: Path | None = None
    out: Path | None = None


def to_make(given: Given, *, report: Report, should_stop: ShouldStop) -> Request:
    """For the whole job. Raises as ``_ready`` does, as do the functions below."""
    return _ready(given, ("drafts", "stickers", "style"), report=report, should_stop=should_stop)


def to_learn(given: Given, *, report: Report, should_stop: ShouldStop) -> Request:
    """For the train stage alone."""
    if given.out is not None and (given.out / "README.md").exists() and not (given.out / STYLE_CARD).exists():
        raise BadOutput(f"{str(given.out)!r} has a README.md that no style wrote; choose another folder")
    roles = ("base", "controlnet", "caption")
    return _ready(given, (), roles=roles, report=report, should_stop=should_stop)


def to_describe(given: Given, *, report: Report, should_stop: ShouldStop) -> Request:
    """For the caption stage alone."""
    return _ready(given, (), roles=("caption",), report=report, should_stop=should_stop)


def to_draw(given: Given, *, report: Report, should_stop: ShouldStop) -> Request:
    """For the generate stage alone, its captions included."""
    roles = ("base", "controlnet", "caption")
    return _ready(given, (".",), roles=roles, report=report, should_stop=should_stop)


def to_cut(given: Given, *, report: Report, should_stop: ShouldStop) -> Request:
    """For the cut-out stage alone; the pictures keep their own size."""
    roles = ("segmentation",)
    return _ready(given, (".",), roles=roles, max_side_px=None, report=report, should_stop=should_stop)


def _ready(
    given: Given,
    made_in: Sequence[str],
    *,
    roles: Sequence[str] | None = None,
    max_side_px: int | None = PHOTO_SIDE_PX,
    report: Report,
    should_stop: ShouldStop,
) -> Request:
    """The checks, those first that take no time; then the pictures are read.

    Args:
        made_in: the folders below the output folder in which files get the photos' names.
        roles: of the models that are needed; None for all.

    Raises:
        BadSetting: an unknown device, or a profile whose folders are not there.
        ModelMissing, ModelBroken: a model is not there, or damaged.
        BadInput, StyleMismatch: the style cannot be used.
        BadOutput: results cannot be written, would lie among the pictures, or another command is writing there.
        BadInput: pack or photos cannot be used.
        Stopped: ``should_stop`` said so.
    """
    check_device(given.settings.device)
    for words in given.words:
        named(words)
    _check_models(given, roles)
    if given.style is not None:
        fitting_card(given.style, given.options.profile.name)
        check_weights(given.style)
    if given.out is not None:
        _keep_apart(given, given.out, made_in)
        check_free(given.out, LOCK)  # again when the work begins; here for an answer before the models are loaded
        check_output(given.out, NEED_MB + (_learning_mb(given) if given.pack is not None else 0))
    return _read(given, max_side_px, report, should_stop)


def _check_models(given: Given, roles: Sequence[str] | None) -> None:
    """Every model that will be needed is there: the last one is asked for after hours of work."""
    profile = given.options.profile
    check_paths(profile)
    for role in profile.models.by_role():
        if roles is None or role in roles:
            hub.local_folder(profile, role)


def _learning_mb(given: Given) -> float:
    """Room for a full fine-tune: the style, and two checkpoints while one replaces the other. An adapter is small."""
    if given.options.method is not Method.DREAMBOOTH:
        return 0
    base = hub.local_folder(given.options.profile, "base")
    parts = [part for part in base.iterdir() if part.is_dir()]
    largest = max((sum(file.stat().st_size for file in part.glob("*.safetensors")) for part in parts), default=0)
    return LEARNING_NEEDS * largest / 1e6


def _keep_apart(given: Given, out: Path, made_in: Sequence[str]) -> None:
    """Refuse inputs in a folder that is written to: what is made of a picture bears its name and would replace it."""
    in_pack = [] if given.pack is None else [given.pack / "any"]
    places = {_real(out / name) for name in (*made_in, *WRITTEN)}
    for path in (*in_pack, *given.photos):
        real = _real(path)
        if real in places or real.parent in places or (path in in_pack and real.parent == _real(out)):
            raise BadOutput(f"the results would lie among the pictures in {str(path.parent)!r}; choose another folder")


def _real(path: Path) -> Path:
    """Where a path leads. ``Path.resolve`` raises at a loop of links; reading it will say what is wrong."""
    return Path(os.path.realpath(path))


def _read(given: Given, max_side_px: int | None, report: Report, should_stop: ShouldStop) -> Request:
    """The intake: pack and photos."""
    began = time.monotonic()
    pack, photos, skipped = NO_PACK, tuple[Picture, ...](), tuple[Skipped, ...]()
    if given.pack is not None:
        pack = load_pack(given.pack, report=report, should_stop=should_stop)
    if given.photos:
        photos, skipped = load_photos(given.photos, max_side_px=max_side_px, report=report, should_stop=should_stop)
    photos += _from_words(given.words, photos)
    return Request(
        options=given.options,
        settings=given.settings,
        pack=pack,
        photos=photos,
        skipped=pack.skipped + skipped,
        notes=_twins(photos),
        reading_s=time.monotonic() - began,
    )


def _from_words(words: Sequence[str], photos: Sequence[Picture]) -> tuple[Picture, ...]:
    """A picture to begin from for each thing that was named, under names of their own."""
    taken, drawn = {photo.name.casefold() for photo in photos}, []
    for said in words:
        name = unique_name(safe_name(" ".join(said.split())), taken)
        drawn.append(drawn_from_words(said, name=name))
        taken.add(name.casefold())
    return tuple(drawn)


def _twins(photos: Sequence[Picture]) -> tuple[str, ...]:
    """A note for each photo that was given before."""
    first, notes = dict[str, str](), list[str]()
    for photo in photos:
        known = first.setdefault(photo.sha256, photo.name)
        if known != photo.name:
            notes.append(f"{photo.name!r} is the same picture as {known!r}; both are worked on")
    return tuple(notes)
