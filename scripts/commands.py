"""What the commands do: show progress while a pipeline function runs, then tell the result.

Owns the way from parsed options to a result on the screen. Knows no model. Light when imported; each command loads the
heavy part while the spinner turns.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.domain import Stage
from pipeline.errors import BadInput
from pipeline.options import Options
from pipeline.settings import Settings, check_paths, load_profile, profile_names
from pipeline.store import STYLE_CARD, read_json
from scripts import results
from scripts.progress import WAKING, Display, working

if TYPE_CHECKING:
    from types import ModuleType

    from pipeline.request import Given

QUIET = {  # libraries' chatter; errors still come as exceptions
    "TRANSFORMERS_VERBOSITY": "error",
    "DIFFUSERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # the bars here are ours
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def quiet() -> None:
    """Ask the libraries for silence, before they are imported; what a person has set stays."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if "PYTHONWARNINGS" not in os.environ:  # deprecations inside libraries are not the reader's business
        for kind in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.simplefilter("ignore", kind)


def _waking(display: Display) -> ModuleType:
    """``pipeline.run``, which takes seconds to load."""
    display.pause(WAKING)
    from pipeline import run

    return run


def warn_if_busy() -> None:
    """A note where threads may have to wait for cores that other programs keep: each operation is as slow as its last.

    The load is the last minute's, of whatever ran; a run just before this one counts, too.
    """
    cores = os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # Windows has none
    if load > 0.75 * cores and "OMP_NUM_THREADS" not in os.environ:
        free = max(1, int(cores - load))
        results.warn(
            (),
            [
                f"the last minute was busy here (load {load:.1f} on {cores} cores); if others go on so and there "
                f"is no GPU, learning is often faster with fewer threads: OMP_NUM_THREADS={free} before the command"
            ],
        )


def _given(
    options: Options, pack: Path | None = None, photos: Sequence[Path] = (), words: Sequence[str] = (), **more: Path
) -> Given:
    """What was handed in; ``pipeline.request`` reads it, and refuses what is wrong while nothing heavy is loaded."""
    quiet()
    _must_exist(pack, photos)
    from pipeline.request import Given

    return Given(options=options, settings=Settings(), pack=pack, photos=photos, words=words, **more)


def make(
    pack: Path, photos: Sequence[Path], words: Sequence[str], out: Path, options: Options, *, as_json: bool
) -> None:
    """``stickers make``."""
    _something(photos, words)
    given = _given(options, pack, photos, words, out=out)
    from pipeline.request import to_make

    warn_if_busy()
    with working() as (display, stop):
        request = to_make(given, report=display.watch(Stage.INTAKE), should_stop=stop)
        outcome = _waking(display).make(request, out, watch=display.watch, should_stop=stop)
    what = results.counted(len(outcome.stickers), "sticker") + f" in the style of {pack.name!r}"
    results.tell(outcome, what, folder=out / "stickers", style=out / "style", as_json=as_json, woke_s=display.paused_s)


def train(pack: Path, out: Path, options: Options, *, as_json: bool) -> None:
    """``stickers train``."""
    given = _given(options, pack, out=out)
    from pipeline.request import to_learn

    warn_if_busy()
    with working() as (display, stop):
        request = to_learn(given, report=display.watch(Stage.INTAKE), should_stop=stop)
        outcome = _waking(display).learn(request, out, watch=display.watch, should_stop=stop)
    results.tell(
        outcome,
        f"the style of {pack.name!r} is learned",
        folder=None,
        style=out,
        as_json=as_json,
        woke_s=display.paused_s,
    )


def caption(photos: Sequence[Path], options: Options, *, as_json: bool) -> None:
    """``stickers caption``."""
    given = _given(options, photos=photos)
    from pipeline.request import to_describe

    with working(resumes=False) as (display, stop):
        request = to_describe(given, report=display.watch(Stage.INTAKE), should_stop=stop)
        captions = _waking(display).describe(request, watch=display.watch, should_stop=stop)
    if as_json:
        results.print_json(
            {
                "captions": captions,
                "skipped": [asdict(entry) for entry in request.skipped],
                "notes": list(request.notes),
            }
        )
    else:
        for name, words in captions.items():
            results.say(f"{name}: {words}")
    results.warn(request.skipped, request.notes)


def generate(
    style: Path, photos: Sequence[Path], words: Sequence[str], out: Path, options: Options, *, as_json: bool
) -> None:
    """``stickers generate``."""
    _something(photos, words)
    given = _given(options, photos=photos, words=words, style=style, out=out)
    from pipeline.request import to_draw

    with working() as (display, stop):
        request = to_draw(given, report=display.watch(Stage.INTAKE), should_stop=stop)
        outcome = _waking(display).draw(request, style, out, watch=display.watch, should_stop=stop)
    what = results.counted(len(outcome.stickers), "draft")
    results.tell(outcome, what, folder=out, style=None, as_json=as_json, woke_s=display.paused_s)


def cutout(images: Sequence[Path], out: Path, options: Options, *, mask: bool, as_json: bool) -> None:
    """``stickers cutout``."""
    given = _given(options, photos=images, out=out)
    from pipeline.request import to_cut

    with working() as (display, stop):
        request = to_cut(given, report=display.watch(Stage.INTAKE), should_stop=stop)
        outcome = _waking(display).cut(request, out, mask=mask, watch=display.watch, should_stop=stop)
    what = results.counted(len(outcome.stickers), "sticker")
    results.tell(outcome, what, folder=out, style=None, as_json=as_json, woke_s=display.paused_s)


def profile_of_style(style: Path) -> str:
    """The name of the profile that a style was learned with.

    Raises:
        BadInput: there is no style.
    """
    if not (style / STYLE_CARD).is_file():
        raise BadInput(f"{str(style)!r} is no style; give a folder that `stickers train` or `stickers make` made")
    card = read_json(style / STYLE_CARD)
    name = card.get("profile") if isinstance(card, dict) else None
    if not isinstance(name, str):
        raise BadInput(f"{str(style / STYLE_CARD)!r} names no profile; learn the style again")
    return name


def list_models(*, as_json: bool) -> None:
    """``stickers models``."""
    quiet()
    from pipeline import hub

    found = [(profile, hub.status(profile)) for profile in map(load_profile, profile_names())]
    results.tell_models(found, as_json=as_json)


def pull(profile_name: str, *, as_json: bool) -> None:
    """``stickers models pull``."""
    profile = load_profile(profile_name)
    quiet()
    check_paths(profile)
    from pipeline import hub

    with working() as (display, stop):
        lacking = [model.role for model in hub.status(profile) if not model.ready and model.on_hub]
        if lacking:
            hub.pull(profile, report=display.bar(f"fetching {', '.join(lacking)}", in_bytes=True), should_stop=stop)
        for role in profile.models.by_role():
            hub.local_folder(profile, role)  # whole, or an error that says what to do
    if as_json:
        results.print_json({"profile": profile.name, "fetched": lacking, "ready": True})
    else:
        results.say(f"{'fetched ' + ', '.join(lacking) if lacking else 'nothing to fetch'}; {profile.name} is ready")


def doctor(*, as_json: bool) -> int:
    """``stickers doctor``: the exit code."""
    quiet()
    from scripts.doctor import examine, healthy, tell

    with working() as (display, _):
        display.pause("looking around")
        checks = examine(Settings())
    tell(checks, as_json=as_json)
    return 0 if healthy(checks) else 1


def _something(photos: Sequence[Path], words: Sequence[str]) -> None:
    """Refuse a drawing of nothing."""
    if not photos and not words:
        raise BadInput('there is nothing to draw; give at least one PHOTO, or --words "a cat in a hat"')


def _must_exist(pack: Path | None, photos: Sequence[Path] = ()) -> None:
    """Tell a mistyped path before the models are loaded; a missing photo among good ones is the intake's to report."""
    if pack is not None and not pack.exists():
        raise BadInput(f"there is no {str(pack)!r}; give a folder or a zip of pictures")
    if photos and not any(photo.exists() for photo in photos):
        raise BadInput(f"there is no {str(photos[0])!r}; check the path")
