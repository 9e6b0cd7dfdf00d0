"""Stages of given durations, which do nothing: for trying the queue, its worker and a machine's share of both.

Owns what a job's options may ask of them. Knows no model. Light: the standard library.

``options["seconds"]`` is stage → seconds, in order. They take turns on a device as real stages do: learning gives way
to drawing at every step. Every begin and end is a line of ``stages.jsonl`` in the folder, the end with ``drawn_s``, the
seconds of drawing that went on meanwhile. ``options["trouble"]`` is stage → what goes wrong there: ``deaf`` (never asks
whether to stop), ``kill`` (the process dies), ``refuse`` (fails with a sentence), ``shaky`` (breaks twice, then goes
well).
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.domain import Json, ShouldStop, never_stop
from pipeline.errors import BadInput, Stopped
from pipeline.jobs.words import Gone, JobSpec, Kind, Progress, Tell
from pipeline.turns import Turns

STEP_S = 0.02


class TimedStages:
    """``Stages`` that sleep."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._log = folder / "stages.jsonl"
        self._turns = Turns()
        self._broke: dict[tuple[str, str], int] = {}

    def names(self, spec: JobSpec) -> tuple[str, ...]:
        """The stages that the options give times for."""
        return tuple(spec.options.get("seconds", {"work": 0.0}))

    def run(self, name: str, spec: JobSpec, *, tell: Tell, should_stop: ShouldStop) -> Json:
        """Sleep; see ``Stages``."""
        trouble = spec.options.get("trouble", {}).get(name)
        self._note(spec, name, "begin")
        self._break(trouble, (spec.job_id, name))
        seconds, drawn_s = float(spec.options.get("seconds", {}).get(name, 0.0)), self._turns.figures.draw_s
        steps = max(1, round(seconds / STEP_S))
        try:
            with self._turn(spec.kind, never_stop if trouble == "deaf" else should_stop) as asked:
                for step in range(steps):
                    if asked():
                        raise Stopped()
                    time.sleep(seconds / steps)
                    tell(Progress(stage=name, done=step + 1, total=steps))
        except Stopped:
            self._note(spec, name, "stop")
            raise
        self._note(spec, name, "end", drawn_s=round(self._turns.figures.draw_s - drawn_s, 3))
        return {"stage": name}

    def figures(self) -> dict[str, float]:
        """For metrics: the turns that were taken."""
        return {f"turns_{name}": float(value) for name, value in asdict(self._turns.figures).items()}

    def forget(self, job: Gone) -> None:
        """As ``Stages.forget``; what is noted of a job stays."""

    def _break(self, trouble: Any, where: tuple[str, str]) -> None:
        if trouble == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if trouble == "refuse":
            raise BadInput("this picture is refused, for the sake of trying")
        if trouble == "shaky" and self._broke.setdefault(where, 0) < 2:
            self._broke[where] += 1
            raise ConnectionError("shaken")

    @contextmanager
    def _turn(self, kind: Kind, should_stop: ShouldStop) -> Iterator[ShouldStop]:
        """The device; yields what is to be asked at every step."""
        if kind is Kind.LEARN:
            with self._turns.learning(should_stop) as asked:
                yield asked
        else:
            with self._turns.drawing(should_stop):
                yield should_stop

    def _note(self, spec: JobSpec, stage: str, what: str, **more: float) -> None:
        line = more | {"job": spec.job_id, "kind": spec.kind.value, "stage": stage, "what": what}
        text = json.dumps(line | {"at_ms": int(time.time() * 1000), "pid": os.getpid()}) + "\n"
        with self._log.open("ab", buffering=0) as file:  # one write: lines of two processes do not mix
            file.write(text.encode())
