"""What all jobs on one device share: loaded models, turns, styles in memory, the plan of memory.

Owns who may let go of what. Knows no stage. Heavy: loads torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.domain import Json, Report, ShouldStop
from pipeline.files import Files
from pipeline.gpu import choose_device, free_memory_mb, taken_memory_mb, whole_memory_mb
from pipeline.jobs.words import JobSpec
from pipeline.memory import Attempt, Done, Memory, Need
from pipeline.models import Models
from pipeline.options import Options
from pipeline.residents import Residents
from pipeline.settings import Profile, Settings
from pipeline.turns import Turns
from pipeline.workplace import Workplace
from training.economy import economised

RESIDENT_SHARE = 0.1  # of the device's memory, for styles
ROLES = ("base", "controlnet", "caption", "segmentation", "clip")
AT_WORK = ("base", "controlnet")  # the models that learn and draw


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job at one stage."""

    spec: JobSpec
    options: Options
    models: Models
    place: Workplace
    report: Report
    should_stop: ShouldStop

    def need(self, work: str, batch_size: int) -> Need:
        """What its peak of memory depends on."""
        profile = self.options.profile
        size_px = profile.drawing_px if work == "generate" else profile.size_px
        return Need(profile=profile.name, work=work, size_px=size_px, batch_size=batch_size)


class Bench:
    """One device and what is on it."""

    def __init__(
        self,
        settings: Settings,
        files: Files,
        work: Path,
        *,
        turns: Turns,
        resident_mb: float | None,
    ) -> None:
        """Loads no model yet. ``resident_mb``: for styles; None takes a tenth of the device's."""
        self.settings, self.files, self.work, self.turns = settings, files, work, turns
        self.device = choose_device(settings.device)
        self.memory = Memory(self.device, work / "peaks.json")
        share_mb = RESIDENT_SHARE * whole_memory_mb(self.device)
        self.residents = Residents(share_mb if resident_mb is None else resident_mb)
        self._lock = threading.Lock()
        self._models: dict[str, Models] = {}
        self._learning: Models | None = None
        self.learn_steps = 0  # made since the start

    def figures(self) -> dict[str, float]:
        """For metrics: the device's memory, the highest peak of any stage, the styles in it, the turns on it,
        the steps of training made."""
        return {
            "memory_taken_mb": taken_memory_mb(self.device),
            "memory_free_mb": free_memory_mb(self.device),
            "memory_highest_peak_mb": max(self.memory.peaks_mb.values(), default=0.0),
            "learn_steps": float(self.learn_steps),
            **{f"styles_{name}": float(value) for name, value in asdict(self.residents.figures).items()},
            **{f"turns_{name}": float(value) for name, value in asdict(self.turns.figures).items()},
        }

    def models(self, profile: Profile) -> Models:
        """The profile's models; each of them is loaded when it is first asked for, and stays."""
        with self._lock:
            name = str(profile.file)
            if name not in self._models or self._models[name].profile != profile:
                self._models[name] = Models(profile, self.device)
            return self._models[name]

    @contextmanager
    def learning(self, job: Job, *roles: str) -> Iterator[ShouldStop]:
        """The device for learning, models of ``roles`` loaded; yields what takes the place of ``should_stop``."""
        with self.turns.learning(job.should_stop) as asked:
            self._learning = job.models
            try:
                load(job.models, roles)
                yield asked
            finally:
                self._learning = None

    @contextmanager
    def drawing(self, job: Job, attempt: Attempt, *roles: str) -> Iterator[None]:
        """The device for one batch, models of ``roles`` loaded; what is saved by is taken back afterwards."""
        with self.turns.drawing(job.should_stop):
            load(job.models, roles)
            parts = job.models.parts if "base" in roles else {}
            with attempt.measured(), economised(parts, attempt.economy):
                yield

    def looking(self, job: Job) -> Callable[[], AbstractContextManager[None]]:
        """The device while its memory is looked at, for work that draws."""
        return lambda: self.turns.drawing(job.should_stop)

    def free(self, models: Models, *roles: str) -> None:
        """Let go of what can be had again: styles in memory, other profiles' models, and all of ours but ``roles``.

        The base that somebody is learning on stays: its training holds on to it, and it would only be loaded twice.
        """
        self.residents.clear()
        with self._lock:
            for other in self._models.values():
                kept = (*roles, *AT_WORK) if other is models else AT_WORK if other is self._learning else ()
                other.release(*(role for role in ROLES if role not in kept))


def load(models: Models, roles: tuple[str, ...]) -> None:
    """Load the models of these roles, before anything is measured."""
    for role in roles:
        getattr(models, role)


def memory_facts(done: Done[Any]) -> Json:
    """What a stage tells of its memory."""
    return {"peak_memory_mb": done.peak_mb, "memory": done.rung}
