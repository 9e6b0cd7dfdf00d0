"""``stickers submit`` and ``stickers jobs fetch``: hand in, wait where asked to, bring home, and tell.

Owns what is said of it. Knows no worker. Loads the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from pipeline.domain import Skipped, Stage
from pipeline.files import Files
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import OPEN, JobView
from pipeline.jobs.words import Kind
from pipeline.sealed_files import files_of
from pipeline.store import check_output
from scripts import results
from scripts.door import STOPPED_EARLY
from scripts.progress import working
from scripts.service.desk import view_json
from scripts.service.follow import NEED_MB, bring_home, check_done, follow
from scripts.service.hand_in import Wish, hand_in
from scripts.service.serve import opened, settings


def submit(wish: Wish, url: str | None, *, wait: bool, out: Path | None, as_json: bool) -> None:
    """``stickers submit``."""
    _check_out(out)
    chosen = settings()
    with opened(url, chosen, begins=True) as jobs:
        files = files_of(chosen)
        with working(resumes=False) as (display, stop):
            report = display.watch(Stage.INTAKE)
            spec, skipped = hand_in(wish, jobs, files, report=report, should_stop=stop)
            view = follow(jobs, spec.job_id, display, stop) if wait or out is not None else jobs.show(spec.job_id)
        _finish(jobs, files, view, out, wait=wait or out is not None, as_json=as_json, skipped=skipped)


def fetch(url: str | None, job_id: str, out: Path, *, as_json: bool) -> None:
    """``stickers jobs fetch``."""
    _check_out(out)
    chosen = settings()
    with opened(url, chosen) as jobs:
        with working(resumes=False) as (display, stop):
            view = follow(jobs, job_id, display, stop)
        _finish(jobs, files_of(chosen, begins=False), view, out, wait=True, as_json=as_json)


def _check_out(out: Path | None) -> None:
    """Before anything is handed in or waited for: a job may take hours."""
    if out is not None:
        check_output(out, NEED_MB)


def _finish(
    jobs: Jobs,
    files: Files,
    view: JobView,
    out: Path | None,
    *,
    wait: bool,
    as_json: bool,
    skipped: Sequence[Skipped] = (),
) -> None:
    results.warn(skipped)
    stopped = wait and view.status in OPEN
    if wait and not stopped:
        check_done(view)
    brought = bring_home(files, view, out) if out is not None and not stopped else []
    if as_json:
        found = view_json(view, jobs.latest([view.job_id]).get(view.job_id))
        results.print_json(found | {"fetched": [str(path) for path in brought]})
    elif view.status in OPEN:
        results.say(f"{view.job_id} is {view.status}; `stickers jobs fetch {view.job_id} --out DIR` waits for it")
        if not jobs.workers():
            results.warn((), ["no worker is at work on this queue; start one with `stickers worker`"])
    else:
        results.say(f"✓ {view.job_id} is done: {_made(view)}", style="bold green")
        for path in brought:
            results.say(f"  {path}")
        results.warn((), (view.result or {}).get("notes", ()))
    if stopped:
        raise typer.Exit(STOPPED_EARLY)


def _made(view: JobView) -> str:
    if view.spec.kind is Kind.LEARN:
        return f"the style {view.spec.style!r} is learned"
    return results.counted(len((view.result or {})["stickers"]), "sticker")
