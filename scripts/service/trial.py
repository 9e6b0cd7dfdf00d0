"""What simulated people ask for: work that only takes its time, or real learnings and drawings with a profile's models.

Owns the jobs' specs, what lies ready before the first of them comes, and how it is counted what was done twice. Knows
no worker's inside. Light: Pillow and the queue.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from pipeline.domain import Json, Picture, ShouldStop, no_report
from pipeline.errors import JobError, Stopped
from pipeline.files import job_key, style_key
from pipeline.intake import load_pack, load_photos
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import OPEN, JobView
from pipeline.jobs.words import JobSpec, Kind, Status
from pipeline.settings import CONFIGS, DEFAULT_PROFILE
from pipeline.workplace import TITLE
from scripts.service.crew import LOOK_EVERY_S, Trial
from scripts.service.figures import Arrival
from scripts.service.hand_in import encoded, key_of

DEMO = CONFIGS / "demo"
BEFOREHAND, OWN, GIVEN = "beforehand", "own", "given"  # two styles, and the job whose folder has a person's pictures
PARTS = {Kind.DRAW: {"caption": 0.2, "generate": 0.6, "cutout": 0.2}, Kind.LEARN: {"prepare": 0.2, "train": 0.8}}


class Work(Protocol):
    """What is asked for."""

    most_jobs: int
    in_line: bool  # whether it may be asked for first come first served, too

    def words(self, trial: Trial) -> list[str]:
        """For the workers."""
        ...

    def environment(self, trial: Trial) -> dict[str, str]:
        """Of the workers."""
        ...

    def lay_out(self, trial: Trial, coming: Sequence[Arrival]) -> None:
        """Before the workers: everybody's pictures."""
        ...

    def warm_up(self, trial: Trial, jobs: Jobs, workers: int, should_stop: ShouldStop) -> None:
        """Before the first comes, with workers that are ready; what is done here is not counted."""
        ...

    def spec(self, trial: Trial, number: int, arrival: Arrival) -> JobSpec:
        """The job of the arrival of this number, now that it comes."""
        ...

    def twice(self, trial: Trial) -> int:
        """How many were done more than once."""
        ...

    def drawn_s(self, trial: Trial, views: Sequence[JobView]) -> float:
        """For how long somebody drew while somebody learned, on the same worker."""
        ...


class TimedWork:
    """Stages that only take their time, as ``pipeline.worker.timed`` has them."""

    most_jobs = 20_000
    in_line = True

    def words(self, trial: Trial) -> list[str]:
        return ["--stages", "timed", "--folder", str(trial.folder), "--grace", "5"]

    def environment(self, trial: Trial) -> dict[str, str]:
        return {}

    def lay_out(self, trial: Trial, coming: Sequence[Arrival]) -> None:
        """Nothing is read."""

    def warm_up(self, trial: Trial, jobs: Jobs, workers: int, should_stop: ShouldStop) -> None:
        """Nothing is loaded."""

    def spec(self, trial: Trial, number: int, arrival: Arrival) -> JobSpec:
        seconds = {stage: part * arrival.seconds for stage, part in PARTS[arrival.kind].items()}
        keys = {"photos": ("photo",)} if arrival.kind is Kind.DRAW else {"pack": ("a", "b", "c")}
        return JobSpec(
            job_id=f"{trial.mark}.{number}",
            person=trial.person(arrival.person),
            kind=arrival.kind,
            profile="none",
            style="s",
            options={"seconds": seconds},
            **keys,
        )

    def twice(self, trial: Trial) -> int:
        """Stages that ended more than once."""
        ends = Counter((line["job"], line["stage"]) for line in self._noted(trial) if line["what"] == "end")
        return sum(count > 1 for count in ends.values())

    def drawn_s(self, trial: Trial, views: Sequence[JobView]) -> float:
        ends = [line for line in self._noted(trial) if line["what"] == "end" and line["kind"] == Kind.LEARN]
        return float(sum(line["drawn_s"] for line in ends))

    def _noted(self, trial: Trial) -> list[Json]:
        log = trial.folder / "stages.jsonl"
        lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
        return [line for line in lines if line["job"].startswith(f"{trial.mark}.")]


@dataclass(kw_only=True)
class RealWork:
    """A profile's models: every learning learns the pack, every drawing draws one of the photos."""

    profile: str = DEFAULT_PROFILE
    train_steps: int | None = None  # None: the profile's
    pack: Path = DEMO / "pack"
    photos: Path = DEMO / "photos"
    tell: Callable[[str], None] = field(default=lambda _: None, repr=False)  # what goes on before the first comes
    most_jobs = 2000
    in_line = False  # a lane does what its kind says: in one line there would be one kind

    @cached_property
    def _pictures(self) -> Mapping[Kind, tuple[Picture, ...]]:
        photos, _ = load_photos(sorted(self.photos.iterdir()), report=no_report)
        return {Kind.LEARN: load_pack(self.pack).pictures, Kind.DRAW: photos}

    def read(self) -> None:
        """The pictures, before anything is started.

        Raises:
            BadInput: pack or photos cannot be used.
        """
        _ = self._pictures

    def words(self, trial: Trial) -> list[str]:
        return ["--stages", "models", "--grace", "30"]

    def environment(self, trial: Trial) -> dict[str, str]:
        return {"STICKERS_DATA_DIR": str(trial.folder / "data"), "STICKERS_FILES_URL": str(trial.files)}

    def lay_out(self, trial: Trial, coming: Sequence[Arrival]) -> None:
        """Pack and photos of everybody, and of a person who comes first of all."""
        self._put(trial, BEFOREHAND, Kind.LEARN)
        self._put(trial, BEFOREHAND, Kind.DRAW, 0)
        for person in {one.person for one in coming if one.kind is Kind.LEARN}:
            self._put(trial, person, Kind.LEARN)
        for number, one in enumerate(coming):
            if one.kind is Kind.DRAW:
                self._put(trial, one.person, Kind.DRAW, number)
        self._drawers = sorted({one.person for one in coming if one.kind is Kind.DRAW})

    def warm_up(self, trial: Trial, jobs: Jobs, workers: int, should_stop: ShouldStop) -> None:
        """A style is learned, and given to everybody who will draw; every worker draws once, and has its models."""
        self.tell("learning a style beforehand")
        self._done(jobs, [self._learn(trial, f"{trial.mark}-learn", BEFOREHAND, BEFOREHAND)], should_stop)
        self.tell("drawing once beforehand")
        draws = [
            self._draw(trial, f"{trial.mark}-draw{number}", BEFOREHAND, BEFOREHAND, 0) for number in range(workers)
        ]
        self._done(jobs, draws, should_stop)
        files, folder = trial.opened(), trial.folder / BEFOREHAND
        files.get_folder(style_key(trial.person(BEFOREHAND), BEFOREHAND), folder)
        for person in self._drawers:
            files.put_folder(style_key(trial.person(person), BEFOREHAND), folder)

    def spec(self, trial: Trial, number: int, arrival: Arrival) -> JobSpec:
        """Who has learned a style by now draws in it."""
        job_id, person = f"{trial.mark}.{number}", arrival.person
        if arrival.kind is Kind.LEARN:
            return self._learn(trial, job_id, person, OWN, seed=number)
        learned = trial.opened().manifest(style_key(trial.person(person), OWN)) is not None
        return self._draw(trial, job_id, person, OWN if learned else BEFOREHAND, number)

    def twice(self, trial: Trial) -> int:
        """Jobs whose result was published more than once: whoever publishes it says so."""
        ours = [line for line in trial.said() if str(line.get("job")).startswith(f"{trial.mark}.")]
        published = Counter(line["job"] for line in ours if line["event"] == "over" and line["outcome"] == "done")
        return sum(count > 1 for count in published.values())

    def drawn_s(self, trial: Trial, views: Sequence[JobView]) -> float:
        """From the jobs' begins and ends: a little more than the device was drawing for."""
        over = [view for view in views if view.started_s is not None and view.ended_s is not None]
        learns = [view for view in over if view.spec.kind is Kind.LEARN]
        draws = [view for view in over if view.spec.kind is Kind.DRAW]
        return sum(_overlap_s(one, two) for one in learns for two in draws if one.worker == two.worker)

    def _keys(self, trial: Trial, person: str, kind: Kind, number: int = 0) -> dict[str, Picture]:
        """Where a person's pictures lie: the whole pack, or the photo that the arrival of this number takes."""
        root, pictures = job_key(trial.person(person), GIVEN, kind.value), self._pictures[kind]
        chosen = range(len(pictures)) if kind is Kind.LEARN else [number % len(pictures)]
        return {key_of(root, at + 1, pictures[at]): pictures[at] for at in chosen}

    def _put(self, trial: Trial, person: str, kind: Kind, number: int = 0) -> None:
        files = trial.opened()
        for key, picture in self._keys(trial, person, kind, number).items():
            if not files.exists(key):
                files.put(key, encoded(picture))

    def _learn(self, trial: Trial, job_id: str, person: str, style: str, *, seed: int = 0) -> JobSpec:
        options: Json = {"seed": seed, TITLE: self.pack.name}
        options |= {} if self.train_steps is None else {"train_steps": self.train_steps}
        pack, whose = tuple(self._keys(trial, person, Kind.LEARN)), trial.person(person)
        return JobSpec(
            job_id=job_id, person=whose, kind=Kind.LEARN, profile=self.profile, style=style, pack=pack, options=options
        )

    def _draw(self, trial: Trial, job_id: str, person: str, style: str, number: int) -> JobSpec:
        photos, whose = tuple(self._keys(trial, person, Kind.DRAW, number)), trial.person(person)
        options: Json = {"seed": number}
        return JobSpec(
            job_id=job_id, person=whose, kind=Kind.DRAW, profile=self.profile, style=style, photos=photos,
            options=options,
        )  # fmt: skip

    def _done(self, jobs: Jobs, specs: Sequence[JobSpec], should_stop: ShouldStop) -> None:
        """Have these done.

        Raises:
            JobError: one was not.
            Stopped: ``should_stop`` said so.
        """
        names = [jobs.submit(spec).job_id for spec in specs]
        while any((view := jobs.show(name)).status in OPEN for name in names):
            if should_stop():
                raise Stopped()
            time.sleep(LOOK_EVERY_S)
        for view in map(jobs.show, names):
            if view.status is not Status.DONE:
                raise JobError(f"the job {view.job_id!r}, before all others, is {view.status}: {view.error or '?'}")


def _overlap_s(one: JobView, two: JobView) -> float:
    assert one.started_s and one.ended_s and two.started_s and two.ended_s  # noqa: PT018 - both are over
    return max(0.0, min(one.ended_s, two.ended_s) - max(one.started_s, two.started_s))
