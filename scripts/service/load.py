"""``stickers load``: simulated people before the real queue and real worker processes, and what they got.

Owns the run: the jobs it submits, what is counted at the end, and that nothing of it stays in the queue. Knows no
model: what is asked for is ``trial``'s affair, the workers are ``crew``'s. Loads the queue.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from pipeline.domain import Json, Report, ShouldStop
from pipeline.errors import BadSetting, JobError, Stopped
from pipeline.jobs.address import parsed
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.views import OPEN, JobView
from pipeline.jobs.words import Kind, Status
from pipeline.options import check_seed, options_of, within
from pipeline.settings import check_device, check_paths, load_profile
from pipeline.vault import new_vault, vault_of
from scripts import results
from scripts.progress import Display, working
from scripts.service.crew import LOOK_EVERY_S, Trial, worker
from scripts.service.figures import DAY_S, Arrival, Crowd, Served, arrivals, summary, tell
from scripts.service.serve import STAGES, TIMES, settings
from scripts.service.trial import BEFOREHAND, DEMO, RealWork, TimedWork, Work

MOST_WORKERS = 64
LET_GO_S = 10.0  # what other workers may take to let go of a job of ours
FCFS = "in line"
ROWS = (("in turns", False), (FCFS, True))  # name, and whether everybody waits for everybody before them
COMPARED = {
    "mean": "drawings wait so many times shorter than in line, on average",
    "p95": "and so many times at the 95th percentile",
    "learning_slower": "learning took longer, beyond the drawing meanwhile, by this share",
}


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What serves the crowd."""

    url: str | None  # None for a SQLite file of its own, gone afterwards
    workers: int
    poll_s: float


def work_of(stages: str, *, pack: Path | None, train_steps: int | None, profile: str) -> TimedWork | RealWork:
    """What is asked for, as it was typed.

    Raises:
        BadSetting, UnknownProfile: a value is wrong, or says something of models where there are none.
        BadInput: the pack cannot be used.
    """
    if stages not in STAGES:
        raise BadSetting(f"stages = {stages!r}: unknown; choose one of {', '.join(STAGES)}")
    if stages == "timed":
        for name, value in {"pack": pack, "train-steps": train_steps}.items():
            if value is not None:
                raise BadSetting(f"{name} = {str(value)!r}: timed stages learn nothing; add --stages models")
        return TimedWork()
    chosen = load_profile(profile)
    options_of(chosen, train_steps=train_steps)
    check_paths(chosen)
    check_device(settings().device)
    work = RealWork(profile=profile, train_steps=train_steps, pack=DEMO / "pack" if pack is None else pack)
    work.read()
    return work


def load(
    crowd: Crowd, setup: Setup, work: TimedWork | RealWork, *, against_fcfs: bool = False, seed: int, as_json: bool
) -> int:
    """``stickers load``: the exit code, 0 where nothing was lost and nothing done twice."""
    _check(crowd, setup, work, against_fcfs=against_fcfs)
    coming, runs = arrivals(crowd, check_seed(seed)), dict[str, Json]()
    with working(resumes=False) as (display, stop):
        if isinstance(work, RealWork):
            work.tell = display.pause
        for name, in_line in ROWS if against_fcfs else ROWS[:1]:
            display.pause("starting the workers")
            with tempfile.TemporaryDirectory(prefix="stickers-load-") as folder:
                report = _begun_late(display, f"serving {name}")
                runs[name] = drive(
                    coming, setup, Path(folder), work=work, in_line=in_line, report=report, should_stop=stop
                )
    found = runs["in turns"]
    compared = {"fcfs": runs[FCFS], "against_fcfs": _compared(found, runs[FCFS])} if against_fcfs else {}
    if as_json:
        results.print_json(found | compared)
    else:
        tell([*runs.items()], "")
        counts = [sum(run[what] for run in runs.values()) for what in ("lost", "failed", "duplicated")]
        results.say("lost {}, failed {}, done twice {}".format(*counts))
        for name, value in compared.get("against_fcfs", {}).items():
            results.say(f"{COMPARED[name]}: {'-' if value is None else f'{value:.3g}'}")
    return 1 if any(run["lost"] or run["duplicated"] for run in runs.values()) else 0


def _check(crowd: Crowd, setup: Setup, work: Work, *, against_fcfs: bool) -> None:
    """Raises BadSetting: this cannot be tried."""
    within("workers", setup.workers, 1, MOST_WORKERS)
    within("poll", setup.poll_s, *TIMES["poll"])
    within("draws and learns", crowd.draws + crowd.learns, 1, work.most_jobs)
    within("seconds within which all come", crowd.within_s, 0, DAY_S)
    if setup.url is not None:
        parsed(setup.url)
    if against_fcfs and not work.in_line:
        raise BadSetting("against-fcfs: only timed stages can be served in one line; leave it out, or --stages models")


def _begun_late(display: Display, what: str) -> Report:
    """A bar that begins with its first step: before it, the workers start."""

    def report(done: int, total: int, preview: Image.Image | None = None) -> None:
        display.bar(what, unit="jobs")(done, total, preview)

    return report


def _compared(turns: Json, line: Json) -> Json:
    """Times shorter waits of drawings, and how much longer learning took, less the time when somebody drew."""
    ours, theirs = turns["wait_s"]["draw"], line["wait_s"]["draw"]
    shorter = {name: theirs[name] / ours[name] if ours and ours[name] else None for name in ("mean", "p95")}
    alone_s, slower = line["learning"]["took_s"], None
    if alone_s:
        slower = (turns["learning"]["took_s"] - turns["learning"]["drawn_s"]) / alone_s - 1
    return {**shorter, "learning_slower": slower}


def drive(
    coming: Sequence[Arrival],
    setup: Setup,
    folder: Path,
    *,
    work: Work | None = None,
    in_line: bool = False,
    report: Report,
    should_stop: ShouldStop,
) -> Json:
    """Submit everybody's jobs at their times, wait for all of them, and count. Nothing of it stays in the queue.

    Args:
        work: what they ask for; None for timed stages.
        in_line: first come first served: all are one person's jobs of one kind, so that one is done after the other.

    Raises:
        Stopped: ``should_stop`` said so; the workers are stopped.
    """
    asked, place = work or TimedWork(), str(folder / "queue.sqlite").replace("%", "%25").replace("?", "%3F")
    trial = Trial(url=setup.url or f"sqlite:///{place}", mark=f"load{time.time_ns()}", folder=folder, key=_key(setup))
    asked.lay_out(trial, coming)
    limits = Limits(open_jobs=len(coming) + setup.workers + 1)
    with Jobs(trial.url, limits=limits, vault=trial.vault) as jobs, ExitStack() as stack:
        if setup.url is not None:
            stack.callback(
                _clear_up, jobs, trial, {one.person for one in coming}
            )  # after the workers have put back what they had
        words = ["--poll", str(setup.poll_s), *asked.words(trial)]
        workers = [
            stack.enter_context(worker(trial, number, words, asked.environment(trial), should_stop))
            for number in range(setup.workers)
        ]
        asked.warm_up(trial, jobs, setup.workers, should_stop)
        names = _submit_all(jobs, coming, trial, asked, should_stop, in_line=in_line)
        views = _wait(jobs, names, trial, workers, report, should_stop)
    return _counted(trial, asked, coming, dict(zip(names, coming, strict=True)), views)


def _key(setup: Setup) -> str:
    """A key for the trial alone; of a queue that stays, the environment's, which others use there, too."""
    vault = new_vault() if setup.url is None else vault_of(settings())
    assert vault is not None  # begun where there was none
    return vault.text


def _submit_all(
    jobs: Jobs, coming: Sequence[Arrival], trial: Trial, work: Work, should_stop: ShouldStop, *, in_line: bool
) -> list[str]:
    """Everybody's jobs, each at its time. Returns their ids."""
    began_s, names = time.monotonic(), []
    for number, arrival in enumerate(coming):
        while (wait_s := began_s + arrival.at_s - time.monotonic()) > 0:
            if should_stop():
                raise Stopped()
            time.sleep(min(wait_s, LOOK_EVERY_S))
        spec = work.spec(trial, number, arrival)
        if in_line:
            spec = replace(spec, kind=Kind.DRAW, person=trial.mark, photos=("photo",), pack=())
        names.append(jobs.submit(spec).job_id)
    return names


def _ours(jobs: Jobs, trial: Trial, most: int) -> list[JobView]:
    """What the queue has of the crowd's jobs."""
    return [view for view in jobs.list(most=most) if view.job_id.startswith(f"{trial.mark}.")]


def _wait(
    jobs: Jobs,
    names: Sequence[str],
    trial: Trial,
    workers: Sequence[subprocess.Popen[bytes]],
    report: Report,
    should_stop: ShouldStop,
) -> list[JobView]:
    while True:
        ours = _ours(jobs, trial, 10 * len(names))
        waiting = sum(view.status in OPEN for view in ours)
        report(len(names) - waiting, len(names))
        if not waiting:
            return ours
        if all(process.poll() is not None for process in workers):
            raise JobError(f"every worker has ended, and {waiting} of {len(names)} jobs are left; start it again")
        if should_stop():
            raise Stopped()
        time.sleep(LOOK_EVERY_S)


def _clear_up(jobs: Jobs, trial: Trial, persons: set[str]) -> None:
    """Cancel and erase all of this trial in a queue that stays, however it ended."""
    until_s = time.monotonic() + LET_GO_S
    people = {trial.mark, *map(trial.person, persons | {BEFOREHAND})}
    while people:
        people = {person for person in people if jobs.delete_person(person)[1]}
        if people and time.monotonic() > until_s:
            left = f"jobs of {results.counted(len(people), 'person')} of this trial are in another worker's hands"
            results.warn((), [f"{left}: it erases them once it lets go of them"])
            return
        time.sleep(LOOK_EVERY_S if people else 0)


def _counted(
    trial: Trial, work: Work, coming: Sequence[Arrival], came: dict[str, Arrival], views: Sequence[JobView]
) -> Json:
    """The figures."""
    first_s = min((view.submitted_s for view in views), default=0.0)
    served = [_served(view, came[view.job_id], first_s) for view in views if view.status is Status.DONE]
    failed = sum(view.status in (Status.FAILED, Status.PARKED) for view in views)
    took_s = sum(one.over_s - one.begun_s for one in served if one.kind is Kind.LEARN)
    return summary(served) | {
        "lost": len(coming) - len(served) - failed,
        "failed": failed,
        "duplicated": work.twice(trial),
        "learning": {"took_s": took_s, "drawn_s": work.drawn_s(trial, views)},
    }


def _served(view: JobView, came: Arrival, first_s: float) -> Served:
    assert view.started_s is not None and view.ended_s is not None  # noqa: PT018 - it is done
    moments = {"submitted_s": view.submitted_s, "begun_s": view.started_s, "over_s": view.ended_s}
    moments = {name: moment - first_s for name, moment in moments.items()}
    return Served(person=came.person, kind=came.kind, **moments)
