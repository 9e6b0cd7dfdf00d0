"""A job's place on this machine: its inputs brought here, its results taken to where every machine reaches them.

Owns the local layout, previews, and what a person's options mean. Knows no model and no stage. Light.

    WORK/jobs/PERSON/JOB/…       one job's, in clear; gone when it is over
    WORK/styles/PERSON/STYLE/…   styles that were drawn with lately, as they lie in ``Files``: sealed
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from pipeline.domain import Json, Pack, Picture, Report, ShouldStop, Skipped
from pipeline.errors import BadInput, BadSetting
from pipeline.files import Files, checked, job_key, style_key
from pipeline.intake import load_pack, load_photos, unique_name
from pipeline.jobs.words import JobSpec, Progress, Tell
from pipeline.options import Options, options_of
from pipeline.settings import Profile
from pipeline.store import fingerprint, writing

PREVIEW_PX, PREVIEW_EVERY_S = 256, 3.0
PREVIEW_GROUND = (246, 242, 235)  # behind what is transparent, and beside what is not square
KEPT_STYLES = 200  # on the disk
ASKED = {  # in a job's options → as ``options_of`` calls it, and of which type
    "method": ("method", str),
    "train_steps": ("train_steps", int),
    "export_rank": ("export_rank", int),
    "steps": ("steps", int),
    "strength": ("strength", float),
    "guidance": ("guidance", float),
    "words": ("prompt", str),
    "count": ("count", int),
    "variant": ("variant", int),
    "seed": ("seed", int),
    "outline": ("outline", int),
}
TITLE = "title"  # of the pack, for its style's card


def options_for(spec: JobSpec, profile: Profile) -> Options:
    """The job's options, the profile's where it has none.

    Raises:
        BadSetting: one is unknown, of another type, or out of range.
    """
    asked: dict[str, Any] = {}
    for name, value in spec.options.items():
        if name == TITLE or value is None:
            continue
        if name not in ASKED:
            raise BadSetting(f"option {name!r} = {value!r}: unknown; there are {', '.join((*ASKED, TITLE))}")
        word, kind = ASKED[name]
        if isinstance(value, bool) or not isinstance(value, (int, float) if kind is float else kind):
            raise BadSetting(f"option {name!r} = {value!r}: must be of type {kind.__name__}")
        asked[word] = value
    return options_of(profile, **asked)


def folder_of(work: Path, person: str, job_id: str) -> Path:
    """Where what lies here of a job lies; raises ``BadInput`` where a name has strange characters."""
    return work / checked(f"jobs/{person}/{job_id}")


class Workplace:
    """One job's place. What it raises is as of ``Files`` and ``pipeline.intake``."""

    def __init__(self, spec: JobSpec, files: Files, work: Path, tell: Tell) -> None:
        self.spec, self.files, self._tell = spec, files, tell
        self.style_mark = ""
        private(work)
        self.folder = folder_of(work, spec.person, spec.job_id)
        self._styles = work / checked(f"styles/{spec.person}")
        self._preview_at = 0.0
        self._preview_key: str | None = None

    def key(self, *rest: str) -> str:
        """Of a file of this job."""
        return job_key(self.spec.person, self.spec.job_id, *rest)

    @property
    def style_key(self) -> str:
        """Of the style that this job learns or draws with."""
        return style_key(self.spec.person, self.spec.style)

    def pack(self, should_stop: ShouldStop) -> Pack:
        """The pack's pictures."""
        folder, taken = self.folder / "pack", set[str]()
        for key in self.spec.pack:
            file = PurePosixPath(key)
            name = unique_name(file.stem, taken)  # two folders may have one of the same name
            taken.add(name.casefold())
            self._bring(key, folder / f"{name}{file.suffix}")
        pack = load_pack(folder, should_stop=should_stop)
        return replace(pack, name=str(self.spec.options.get(TITLE) or self.spec.style))

    def photos(self, should_stop: ShouldStop) -> tuple[tuple[Picture, ...], tuple[Skipped, ...]]:
        """The photos, and those that cannot be used."""
        places = [self.folder / "photos" / str(at) / key.rpartition("/")[2] for at, key in enumerate(self.spec.photos)]
        for key, place in zip(self.spec.photos, places, strict=True):
            self._bring(key, place)
        return load_photos(places, should_stop=should_stop)

    def style(self) -> Path:
        """The style's folder in this job's, as it is in ``Files`` now; ``style_mark`` tells it from every other one."""
        folder, kept = self.folder / "style", self._styles / self.spec.style
        manifest = self.files.get_folder(self.style_key, folder, by=kept)
        if kept.is_dir():
            kept.touch()
        forget_oldest(self._styles.parent, KEPT_STYLES)
        self.style_mark = fingerprint(manifest)
        return folder

    def _bring(self, key: str, place: Path) -> None:
        """A job's inputs never change: what is here is the same. Whose they are is not for the job to say."""
        if not key.startswith(f"people/{self.spec.person}/"):
            raise BadInput(f"{key!r} is not of {self.spec.person!r}, whose job this is")
        if not place.is_file():
            self.files.get(key, place)

    def write(self, name: str, value: Json) -> None:
        """Keep JSON for a later stage, on whichever machine."""
        self.files.put(self.key(name), json.dumps(value, ensure_ascii=False).encode())

    def read(self, name: str) -> Any:
        """What ``write`` kept."""
        return json.loads(self.files.read(self.key(name)))

    def put_folder(self, name: str) -> None:
        """Take the job's folder ``name`` to ``Files``."""
        self.files.put_folder(self.key(name), self.folder / name)

    def get_folder(self, name: str) -> Path:
        """The job's folder ``name``, from wherever it was made."""
        self.files.get_folder(self.key(name), self.folder / name)
        return self.folder / name

    def report(self, stage: str) -> Report:
        """A report that tells the job's owner. The small picture beside it is made anew only now and then; from the
        first one on each word bears it, for whoever looks later sees the last word alone."""

        def told(done: int, total: int, preview: Image.Image | None = None) -> None:
            if preview is not None and time.monotonic() - self._preview_at >= PREVIEW_EVERY_S:
                self._preview_key = self._put_preview(stage, preview)
                self._preview_at = time.monotonic()
            self._tell(Progress(stage=stage, done=done, total=total, preview=self._preview_key))

        return told

    def _put_preview(self, stage: str, picture: Image.Image) -> str:
        encoded = BytesIO()
        shown(picture).save(encoded, "PNG")
        key = self.key("previews", f"{stage}.png")
        self.files.put(key, encoded.getvalue())
        return key

    def clear(self) -> None:
        """Leave nothing of the job on this machine; its results are in ``Files``."""
        shutil.rmtree(self.folder, ignore_errors=True)


def shown(picture: Image.Image) -> Image.Image:
    """A preview as a chat shows it: square, opaque, a small one enlarged."""
    rgba, ground = picture.convert("RGBA"), Image.new("RGB", (PREVIEW_PX, PREVIEW_PX), PREVIEW_GROUND)
    scale = PREVIEW_PX / max(rgba.size)
    size = (max(1, round(rgba.width * scale)), max(1, round(rgba.height * scale)))
    fitted = rgba.resize(size, Image.Resampling.LANCZOS)
    ground.paste(fitted, ((PREVIEW_PX - size[0]) // 2, (PREVIEW_PX - size[1]) // 2), fitted)
    return ground


def skipped_rows(skipped: Sequence[Skipped]) -> list[Json]:
    """As JSON."""
    return [{"name": one.name, "reason": one.reason} for one in skipped]


def private(work: Path) -> None:
    """Make the folder where it is missing; nobody but its owner looks into it, for people's pictures lie there."""
    with writing(work):
        work.mkdir(mode=0o700, parents=True, exist_ok=True)
        if work.stat().st_mode & 0o077:
            work.chmod(0o700)


def forget_oldest(styles: Path, most: int) -> None:
    """Delete the styles (PERSON/STYLE) that were drawn with longest ago, until ``most`` are left."""
    found = sorted((folder for folder in styles.glob("*/*") if folder.is_dir()), key=lambda one: one.stat().st_mtime)
    for folder in found[: max(0, len(found) - most)]:
        shutil.rmtree(folder, ignore_errors=True)
