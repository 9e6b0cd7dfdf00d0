"""The stages of a queued job, as the worker runs them: a style learned from a pack, photos drawn in a style.

Owns their order, and how a worker sets them up. Knows no queue; the work itself is that of ``stickers make``, and so
are the pictures, bit by bit. Heavy: loads torch.

Each stage may be run on another machine than the one before: what it takes and leaves goes through ``Files``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path

from pipeline import draw_job, learn_job, leftovers
from pipeline.bench import Bench, Job
from pipeline.copies import EVERY_S
from pipeline.domain import Json, ShouldStop
from pipeline.errors import BadInput, BadSetting, OtherKey, StickerError, Stopped
from pipeline.files import Files, job_key, style_key
from pipeline.jobs.words import Gone, JobSpec, Kind, Tell
from pipeline.sealed_files import check, files_of
from pipeline.settings import Profile, Settings, load_profile
from pipeline.turns import Turns
from pipeline.workplace import Workplace, folder_of, options_for

NAMES = {Kind.LEARN: ("prepare", "learn"), Kind.DRAW: ("caption", "generate", "cutout")}
WORK = "work"  # the folder in the data folder: this machine's own
PREVIEW_EVERY = 5  # steps of a drawing
KEEP_DAYS = 7.0  # what a job that was never finished here left on the disk


class ModelStages:
    """``pipeline.jobs.words.Stages`` on one device; learn in one thread and draw in any number of others."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        *,
        work: Path,
        turns: Turns | None = None,
        resident_mb: float | None = None,
        preview_every: int = PREVIEW_EVERY,
        checkpoint_every_s: float = EVERY_S,
        profile_of: Callable[[str], Profile] = load_profile,
    ) -> None:
        """Loads no model yet.

        Args:
            work: a folder on this machine's disk; what is in it can be made or fetched again, at a cost.
            turns: of the device.
            resident_mb: for styles in memory, in MB of 2**20 bytes; None takes a tenth of the device's.
            preview_every: steps of a drawing; 0 = no previews.
            checkpoint_every_s: between copies of a training's checkpoint to ``files``, at least.
            profile_of: finds a profile by its name.

        Raises:
            BadSetting: the device is unknown or not here.
        """
        self.bench = Bench(settings, files, work, turns=turns or Turns(), resident_mb=resident_mb)
        self._profile_of = profile_of
        self._stages: Mapping[str, Callable[[Job, Bench], Json]] = {
            "prepare": learn_job.prepare,
            "learn": partial(learn_job.learn, checkpoint_every_s=checkpoint_every_s),
            "caption": draw_job.describe,
            "generate": partial(draw_job.generate, preview_every=preview_every),
            "cutout": draw_job.cut_out,
        }
        _sweep(work / "jobs")

    def names(self, spec: JobSpec) -> tuple[str, ...]:
        """As ``Stages.names``."""
        return NAMES[spec.kind]

    def run(self, name: str, spec: JobSpec, *, tell: Tell, should_stop: ShouldStop) -> Json:
        """As ``Stages.run``."""
        if name not in NAMES[spec.kind]:
            raise BadSetting(f"stage {name!r}: a job that is to {spec.kind} has {', '.join(NAMES[spec.kind])}")
        if should_stop():
            raise Stopped()
        began, profile = time.monotonic(), self._profile_of(spec.profile)
        place = Workplace(spec, self.bench.files, self.bench.work, tell)
        job = Job(
            spec=spec,
            options=options_for(spec, profile),
            models=self.bench.models(profile),
            place=place,
            report=place.report(name),
            should_stop=should_stop,
        )
        try:
            made = self._stages[name](job, self.bench)
        except OtherKey as error:
            check(self.bench.files, begins=False)  # raises: it is our key that is wrong
            raise BadInput(f"a file of this job is damaged: {error}") from error
        except StickerError as error:  # its words are for the job's owner, whom our folders do not concern
            if (words := self._discreet(str(error))) == str(error):
                raise
            raise type(error)(words) from error
        return made | {"stage_seconds": round(time.monotonic() - began, 3)}

    def _discreet(self, words: str) -> str:
        store = self.bench.files.depot.shown.rstrip("/")
        for here, instead in ((f"{self.bench.work}/", ""), (f"{store}/", ""), (store, "files")):
            words = words.replace(here, instead) if "/" in here.rstrip("/") else words
        return words

    def figures(self) -> dict[str, float]:
        """For metrics: name → value, since the start where it counts."""
        return self.bench.figures()

    def tidy(self, known: Callable[[Collection[str]], set[str]]) -> None:
        """Delete what lies here of jobs that no worker has or will have, and of styles that are not in ``Files`` any
        more: their person was deleted, from whichever machine."""
        jobs = [folder for folder in (self.bench.work / "jobs").glob("*/*") if folder.is_dir()]
        there = known([folder.name for folder in jobs]) if jobs else set()
        styles = [folder for folder in (self.bench.work / "styles").glob("*/*") if folder.is_dir()]
        gone = [folder for folder in jobs if folder.name not in there]
        gone += [one for one in styles if self.bench.files.manifest(style_key(one.parent.name, one.name)) is None]
        for folder in gone:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep_files(self, known: Callable[[Collection[str]], set[str]]) -> None:
        """Delete the pictures of submitters that died before the queue had their job."""
        leftovers.sweep(self.bench.files, known)

    def clear(self, spec: JobSpec) -> None:
        """Delete what lies here of a job that is over: it is in clear. A style it drew with stays, sealed."""
        Workplace(spec, self.bench.files, self.bench.work, lambda _: None).clear()

    def forget(self, job: Gone) -> None:
        """Delete what a job that will not go on left: its folder here, its inputs, checkpoint and results in ``Files``;
        a style that it learned stays."""
        shutil.rmtree(folder_of(self.bench.work, job.person, job.job_id), ignore_errors=True)
        self.bench.files.delete(job_key(job.person, job.job_id))


def model_stages(settings: Settings) -> ModelStages:
    """The stages as a worker wants them."""
    return ModelStages(
        settings,
        files_of(settings),
        work=settings.work_dir or settings.data_dir / WORK,
        turns=Turns(learn_share=settings.learn_share),
        resident_mb=settings.styles_mb,
    )


def _sweep(jobs: Path) -> None:
    """Delete the folders (PERSON/JOB) in which nothing has happened for long."""
    for folder in jobs.glob("*/*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > KEEP_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)
