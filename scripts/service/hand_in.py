"""Handing a job in: its pictures are read and put into ``Files``, then the queue takes it.

Owns the keys of what is handed in. Knows no worker and no command. Light: Pillow, numpy and the queue.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from pipeline import leftovers
from pipeline.domain import Json, Picture, Report, ShouldStop, Skipped
from pipeline.errors import BadInput, StyleMismatch
from pipeline.files import Files, job_key, style_key
from pipeline.intake import load_pack, load_photos
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import OPEN
from pipeline.jobs.words import JobSpec, Kind
from pipeline.settings import DEFAULT_PROFILE, load_profile
from pipeline.store import STYLE_CARD
from pipeline.workplace import TITLE, options_for

MOST_NAME = 60  # characters of a picture's name that its key keeps


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was typed."""

    kind: Kind
    person: str
    style: str
    profile: str | None  # None: the style's, or the default
    options: Json  # as ``pipeline.workplace`` knows them; None where nothing was typed
    pack: Path | None = None
    photos: Sequence[Path] = ()


def hand_in(
    wish: Wish, jobs: Jobs, files: Files, *, report: Report, should_stop: ShouldStop
) -> tuple[JobSpec, tuple[Skipped, ...]]:
    """Submit a job with its pictures. Where it is refused, nothing of it stays.

    Raises:
        BadInput: pack or photos cannot be used, or there is no such style.
        BadSetting, StyleMismatch: an option is out of range, or the style was learned with another profile.
        TooManyJobs: the person has as many open as one may have.
        Stopped: ``should_stop`` said so.
    """
    options = {name: value for name, value in wish.options.items() if value is not None}
    job_id, profile = f"{wish.kind}-{uuid.uuid4().hex[:12]}", _profile(wish, jobs, files)
    bare = JobSpec(
        job_id=job_id, person=wish.person, kind=wish.kind, profile=profile, style=wish.style, options=options
    )
    options_for(bare, load_profile(profile))
    pictures, skipped = _pictures(wish, report, should_stop)
    root = job_key(wish.person, job_id)
    try:
        leftovers.begin(files, wish.person, job_id)
        keys = tuple(_put(files, f"{root}/given", number, one) for number, one in enumerate(pictures, start=1))
        if wish.kind is Kind.LEARN:
            assert wish.pack is not None  # a learning has one
            title = options | {TITLE: wish.pack.resolve().stem}
            spec = JobSpec(**(vars(bare) | {"pack": keys, "options": title}))
        else:
            spec = JobSpec(**(vars(bare) | {"photos": keys}))
        jobs.submit(spec)
    except BaseException:
        files.delete(root)
        raise
    leftovers.end(files, wish.person, job_id)
    return spec, skipped


def _profile(wish: Wish, jobs: Jobs, files: Files) -> str:
    """The profile; for a drawing that of its style, which must be there: no drawing waits for a learning."""
    key = style_key(wish.person, wish.style)
    if wish.kind is Kind.LEARN:
        return wish.profile or DEFAULT_PROFILE
    if files.manifest(key) is None:
        rule = "learn it first with `stickers submit learn PACK --style NAME --wait`"
        for view in jobs.list(status=OPEN, person=wish.person, kind=Kind.LEARN):
            if view.spec.style == wish.style:
                rule = f"it is being learned; wait for it with `stickers jobs fetch {view.job_id} --out DIR`"
        raise BadInput(f"{wish.person!r} has no style {wish.style!r} yet; {rule}")
    try:
        learned = str(json.loads(files.read(f"{key}/{STYLE_CARD}"))["profile"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        rule = "learn it again with `stickers submit learn PACK --style NAME`"
        raise BadInput(
            f"the style {wish.style!r} of {wish.person!r} is damaged ({type(error).__name__}); {rule}"
        ) from error
    if wish.profile is not None and load_profile(wish.profile).name != learned:
        raise StyleMismatch(f"the style {wish.style!r} was learned with {learned!r}, not {wish.profile!r}")
    return wish.profile or learned


def _pictures(wish: Wish, report: Report, should_stop: ShouldStop) -> tuple[tuple[Picture, ...], tuple[Skipped, ...]]:
    if wish.pack is not None:
        pack = load_pack(wish.pack, report=report, should_stop=should_stop)
        return pack.pictures, pack.skipped
    return load_photos(wish.photos, report=report, should_stop=should_stop)


def _put(files: Files, root: str, number: int, picture: Picture) -> str:
    key = key_of(root, number, picture)
    files.put(key, encoded(picture))
    return key


def key_of(root: str, number: int, picture: Picture) -> str:
    """Where a picture that is handed in lies below ``root``."""
    return f"{root}/{number:03}/{_plain(picture.name)}.png"


def encoded(picture: Picture) -> bytes:
    """As PNG: the pixels that were read, without what a camera writes beside them."""
    file = BytesIO()
    picture.image.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _plain(name: str) -> str:
    """The name in the letters that keys have."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:MOST_NAME] or "picture"
