"""Seconds and peak memory of every stage, and what else a report needs so that a run can be repeated.

Owns the figures of a job, across interruptions. Knows no stage. Heavy: reads the device's memory through torch.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from pipeline import store
from pipeline.domain import Json, Stage
from pipeline.errors import BadInput
from pipeline.gpu import Device, peak_memory_mb, reset_peak_memory
from pipeline.options import Options

LIBRARIES = ("stickersmith", "torch", "diffusers", "transformers", "peft", "accelerate", "numpy", "pillow")


class Measured:
    """The figures of one job, kept beside its files."""

    def __init__(self, path: Path, device: Device) -> None:
        self.path, self.device = path, device
        try:
            stages = store.read_json(path)
        except BadInput:  # the first run
            stages = {}
        self.stages: Json = stages if isinstance(stages, dict) else {}
        self.done_before: list[str] = []  # the stages that found their work done

    @contextmanager
    def stage(self, stage: Stage, made: Path | None = None, *, of: str | None = None) -> Iterator[None]:
        """Measure the block; its seconds add to those of earlier, interrupted runs of this stage.

        Args:
            made: the file that the stage writes last. Where the block leaves it as it was, the stage found its work
                done, and the figures of the run that did it stay.
            of: what the stage works from; an interrupted run of something else counts for nothing.
        """
        reset_peak_memory(self.device)
        known, before, began = self.stages.get(stage, {}), _written(made), time.monotonic()
        finished = False
        try:
            yield
            finished = True
        finally:
            seconds = time.monotonic() - began
            idle = finished and before is not None and _written(made) == before
            if not known.get("finished"):
                self._note(stage, seconds, finished, known if known.get("of") == of else {}, of)
            elif not idle:  # a whole new run of this stage
                self._note(stage, seconds, finished, {}, of)
            else:
                self.done_before.append(str(stage))

    def note(self, stage: Stage, seconds: float) -> None:
        """Keep the figures of a stage that is over."""
        self._note(stage, seconds, True, {})

    def _note(self, stage: Stage, seconds: float, finished: bool, known: Json, of: str | None = None) -> None:
        """Keep the figures of this run, added to those ``known`` from earlier ones."""
        self.stages[stage] = {
            "seconds": round(seconds + known.get("seconds", 0.0), 3),
            "peak_memory_mb": round(max(peak_memory_mb(self.device), known.get("peak_memory_mb", 0.0)), 1),
            "finished": finished,
        } | ({} if of is None else {"of": of})
        store.write_json(self.path, self.stages)

    def report(self, options: Options) -> Json:
        """The part of ``report.json`` that all commands share."""
        shown = {name: getattr(options, name) for name in options.__dataclass_fields__ if name != "profile"}
        return {
            "seconds": {stage: figures["seconds"] for stage, figures in self.stages.items()},
            "peak_memory_mb": {stage: figures["peak_memory_mb"] for stage, figures in self.stages.items()},
            "done_before": list(self.done_before),
            "device": self.device.description,
            "machine": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "versions": {library: version(library) for library in LIBRARIES},
            "profile": options.profile.model_dump(mode="json", exclude={"folder"}),
            "options": shown,
        }


def _written(path: Path | None) -> int | None:
    """When the file was written, in ns; None where it is not there."""
    return path.stat().st_mtime_ns if path is not None and path.is_file() else None
