"""Waiting for a job, with a bar for its stage, and bringing home what it made.

Owns what of a job's result goes where. Knows no worker. Loads the queue.
"""

from __future__ import annotations

import time
from pathlib import Path

from pipeline.domain import Report, Stage
from pipeline.errors import BadInput, WrongStatus
from pipeline.files import Files
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import OPEN, JobView
from pipeline.jobs.words import Kind, Status
from pipeline.store import check_output
from scripts import results
from scripts.progress import Display
from scripts.stopping import Stop

LOOK_EVERY_S = 0.3
NEED_MB = 50.0  # of free space
AS = {"prepare": Stage.PREPARE, "learn": Stage.TRAIN, "caption": Stage.CAPTION, "generate": Stage.GENERATE}
AS |= {"cutout": Stage.CUTOUT}  # the queue's stages, as a person knows them
PARTS = {  # of the stage ``prepare``: each counts something else, so each has its bar; name → words, what is counted
    "pack-captions": ("describing the pack", "pictures"),
    "class-pictures": ("drawing what the model knows", "steps"),
}


def follow(jobs: Jobs, job_id: str, display: Display, stop: Stop) -> JobView:
    """The job once it is over, or as it stands when somebody stops us: the job itself goes on."""
    shown, stage, seen = "", "", 0
    while (view := jobs.show(job_id)).status in OPEN and not stop():
        for number, told in jobs.progress(job_id, after=seen):
            seen, stage = number, told.stage
            _bar(display, stage)(told.done, told.total)
        waiting = "" if stage else _waiting(jobs, view)
        if waiting and waiting != shown:
            display.pause(waiting)
            shown = waiting
        time.sleep(LOOK_EVERY_S)
    return view


def _bar(display: Display, stage: str) -> Report:
    if stage in AS:
        return display.watch(AS[stage])
    what, unit = PARTS.get(stage, (stage, ""))
    return display.bar(what, unit=unit)


def _waiting(jobs: Jobs, view: JobView) -> str:
    if view.status is Status.RUNNING:
        return "a worker has the job"
    try:
        ahead = jobs.position(view.job_id).ahead
    except WrongStatus:  # it has ended this moment
        return ""
    return "in the queue" if not ahead else f"in the queue, {results.counted(ahead, 'job')} ahead"


def check_done(view: JobView) -> None:
    """Nothing, where the job is done.

    Raises:
        WrongStatus: it failed, was cancelled or parked; with its own sentence where there is one.
    """
    if view.status is not Status.DONE:
        why = f": {view.error}" if view.error else f"; see `stickers jobs show {view.job_id}`"
        raise WrongStatus(f"the job {view.job_id!r} is {view.status}{why}")


def bring_home(files: Files, view: JobView, out: Path) -> list[Path]:
    """What a job made, in the folder ``out``: its stickers, or ``style/``. Other files there stay.

    Raises:
        BadInput: it is not in ``Files`` any more.
        BadOutput: it cannot be written.
    """
    check_output(out, NEED_MB)
    assert view.result is not None  # it is done
    if view.spec.kind is Kind.DRAW:
        targets = {row["key"]: out / Path(row["key"]).name for row in view.result["stickers"]}
    else:
        root = str(view.result["style"])
        manifest = files.manifest(root)
        if manifest is None:
            raise BadInput(f"the style {view.spec.style!r} is not there any more; learn it again")
        targets = {f"{root}/{name}": out / "style" / name for name in manifest["files"]}
    for key, target in targets.items():
        files.get(key, target)
    return list(targets.values())
