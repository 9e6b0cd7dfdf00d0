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
IDLE_S = 0.05  # a stage that was found complete takes less than loading its files: it keeps its earlier figures


class Measured:
    """The figures of one job, kept beside its files."""

    def __init__(self, path: Path, device: Device) -> None:
        self.path, self.device = path, device
        try:
            self.stages: Json = store.read_json(path)
        except BadInput:  # the first run
            self.stages = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Measure the block; its seconds add to those of earlier, interrupted runs of this stage."""
        reset_peak_memory(self.device)
        began = time.monotonic()
        known = self.stages.get(stage, {})
        finished = False
        try:
            yield
            finished = True
        finally:
            seconds = time.monotonic() - began
            if known.get("finished"):
                known = {}  # a whole new run of this stage
            self.stages[stage] = {
                "seconds": round(seconds + known.get("seconds", 0.0), 3),
                "peak_memory_mb": round(max(peak_memory_mb(self.device), known.get("peak_memory_mb", 0.0)), 1),
                "finished": finished,
            }
            store.write_json(self.path, self.stages)

    def report(self, options: Options) -> Json:
        """The part of ``report.json`` that all commands share."""
        shown = {name: getattr(options, name) for name in options.__dataclass_fields__ if name != "profile"}
        return {
            "seconds": {stage: figures["seconds"] for stage, figures in self.stages.items()},
            "peak_memory_mb": {stage: figures["peak_memory_mb"] for stage, figures in self.stages.items()},
            "device": self.device.description,
            "machine": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "versions": {library: version(library) for library in LIBRARIES},
            "profile": options.profile.model_dump(mode="json", exclude={"folder"}),
            "options": shown,
        }
