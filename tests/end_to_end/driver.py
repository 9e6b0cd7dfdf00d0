"""Run `pipeline.run.make` again and again, each run in a process of its own that may be killed at a given step.

    driver.py PLAN.json    PLAN: {"profile", "pack", "photos", "cache", "train_steps",
                           "runs": [{"out", "seed", "photos": COUNT, "kill": [stage, done] or none}]}

One program for all runs, because importing the models' libraries takes longer than a run with tiny models: a run is a
fork. SIGKILL is sent by the run to itself, from its progress report, so that it falls at the same step every time.
Prints a JSON line a run: its exit status as `os.waitstatus_to_exitcode` has it, and the steps that it told.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

import torch

from pipeline import run
from pipeline.domain import Report, Stage, Watch, never_stop
from pipeline.gpu import choose_device
from pipeline.models import Models
from pipeline.options import options_of
from pipeline.request import Given, to_make
from pipeline.settings import Settings, load_profile


def watch_and_kill(told: int, kill: list[Any] | None) -> Watch:
    """A watch that writes each step to the file descriptor ``told``, and kills its process at the step ``kill``."""

    def watch(stage: Stage) -> Report:
        def report(done: int, total: int, preview: object = None) -> None:
            os.write(told, f"{stage} {done}\n".encode())
            if kill is not None and [str(stage), done] == kill:
                os.kill(os.getpid(), signal.SIGKILL)

        return report

    return watch


def one_run(plan: dict[str, Any], this: dict[str, Any]) -> dict[str, Any]:
    """Fork, run, wait."""
    told = Path(f"{this['out']}.steps")
    child = os.fork()
    if child == 0:
        try:
            steps = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            options = options_of(load_profile(plan["profile"]), seed=this["seed"], train_steps=plan["train_steps"])
            photos, out = [Path(photo) for photo in plan["photos"][: this["photos"]]], Path(this["out"])
            settings = Settings(cache_dir=Path(plan["cache"]), device="cpu")
            watch = watch_and_kill(steps, this.get("kill"))
            given = Given(options=options, settings=settings, pack=Path(plan["pack"]), photos=photos, out=out)
            request = to_make(given, report=watch(Stage.INTAKE), should_stop=never_stop)
            run.make(request, out, watch=watch, should_stop=never_stop)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    return {"exit": os.waitstatus_to_exitcode(status), "steps": told.read_text().split("\n")[:-1]}


def main() -> None:
    """Run the plan."""
    torch.set_num_threads(1)  # no pool of threads that a fork would lose
    plan = json.loads(Path(sys.argv[1]).read_text())
    warm = Models(load_profile(plan["profile"]), choose_device("cpu"))
    _ = warm.parts, warm.caption, warm.segmentation  # what the libraries import when a model is loaded, once for all
    for this in plan["runs"]:
        sys.stdout.write(json.dumps(one_run(plan, this)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
