"""How a worker is made from what was typed, and how the environment's settings are read for it.

Owns the way from options to a running worker. Knows no stage. Loads the queue; the models' stages only when asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError

from pipeline.errors import BadSetting, QueueUnreachable
from pipeline.jobs.address import parsed
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.words import Stages
from pipeline.options import within
from pipeline.settings import Settings, check_device, first_problem
from pipeline.store import check_output
from pipeline.vault import vault_of
from pipeline.worker.life import RESTART, Timing
from pipeline.worker.logs import Form
from pipeline.worker.timed import TimedStages
from pipeline.worker.worker import identity, work
from scripts import results
from scripts.service.supervise import MOST_GPU

STAGES = ("models", "timed")
MOST_PORT = 65_535
DAY_S = 86_400.0
# Seconds, from and to. A worker's heart beats eight times a lease: much below two seconds, a busy disk would look like
# its death, and a day is as long as anybody should wait to learn of one.
TIMES = {"poll": (0.01, DAY_S), "lease": (2.0, DAY_S), "grace": (0.1, DAY_S)}
FOLDER_MB = 1.0  # of free space, for the notes of timed stages


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """Times in seconds, as they were typed."""

    poll_s: float
    lease_s: float
    grace_s: float
    with_parent: bool
    log: str | None = None  # one of ``Form``


@dataclass(frozen=True, kw_only=True)
class WorkerWords:
    """What ``stickers run`` was told that its workers are to know."""

    url: str | None
    stages: str
    folder: Path | None
    metrics_port: int | None
    grace_s: float
    log: str | None = None


def words(wanted: WorkerWords, *, gpu: int | None, number: int) -> list[str]:
    """The words behind ``stickers worker`` for the worker of this number, checked before any is started.

    Not the queue's address, which may have a password: command lines can be read by everybody on the machine.
    """
    if wanted.url is not None:
        parsed(wanted.url)
    if wanted.stages == "timed" and wanted.folder is not None:
        check_output(wanted.folder, FOLDER_MB)
    port = wanted.metrics_port + number if wanted.metrics_port else wanted.metrics_port  # 0 is any free one, for each
    _check(wanted.stages, gpu, port, {"grace": wanted.grace_s})
    log_form(wanted.log)
    given = {"--gpu": gpu, "--folder": wanted.folder, "--metrics-port": port, "--log": wanted.log}
    found = ["--with-parent", "--stages", wanted.stages, "--grace", str(wanted.grace_s)]
    return found + [word for name, value in given.items() if value is not None for word in (name, str(value))]


def settings() -> Settings:
    """What the environment says.

    Raises:
        BadSetting: one of its values is wrong.
    """
    try:
        return Settings()
    except ValidationError as error:
        name, _, rest = first_problem(error).partition(" ")
        raise BadSetting(f"STICKERS_{name.upper()} {rest}") from error


def opened(url: str | None, chosen: Settings, *, begins: bool = False) -> Jobs:
    """The queue that was typed, or the environment's, with the environment's key.

    Args:
        begins: one that is not there, and a key; who only looks makes neither.

    Raises:
        NoQueue: there is none, and none is to be begun.
        BadSetting: its key is another one, or not here.
    """
    limits, vault = Limits(open_jobs=chosen.open_jobs), vault_of(chosen, begins=begins)
    return Jobs(url if url is not None else chosen.queue, limits=limits, begins=begins, vault=vault)


def worker(
    url: str | None,
    *,
    name: str | None,
    gpu: int | None,
    stages: str,
    folder: Path | None,
    metrics_port: int | None,
    tuning: Tuning,
) -> None:
    """``stickers worker``; exit code ``RESTART`` where the queue's database is away."""
    chosen = settings()
    times = {"poll": tuning.poll_s, "lease": tuning.lease_s, "grace": tuning.grace_s}
    _check(stages, gpu, metrics_port, times)
    check_device(chosen.device)
    form = log_form(tuning.log)
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(gpu)  # read when torch wakes, which it has not yet
        if chosen.device == "auto":  # who names a GPU does not want the processor
            chosen = chosen.model_copy(update={"device": "cuda"})
    make = _maker(stages, folder or chosen.data_dir / "timed", chosen)
    timing = Timing(
        poll_s=tuning.poll_s, lease_s=tuning.lease_s, grace_s=tuning.grace_s, keep_s=chosen.keep_days * 86400
    )
    try:
        jobs = opened(url, chosen, begins=True)
        who = identity(name, gpu=gpu, jobs=jobs, data_dir=chosen.data_dir)
        work(jobs, who, make, timing=timing, metrics_port=metrics_port, with_parent=tuning.with_parent, log=form)
    except QueueUnreachable as error:  # passes by itself, other than what is typed wrongly
        results.warn((), [str(error)])
        raise typer.Exit(RESTART) from error


def _maker(stages: str, folder: Path, chosen: Settings) -> Callable[[], Stages]:
    if stages == "timed":
        check_output(folder, FOLDER_MB)
        return lambda: TimedStages(folder)

    def make() -> Stages:
        from scripts.commands import quiet

        quiet()
        from pipeline.stages import model_stages

        return model_stages(chosen)

    return make


def _check(stages: str, gpu: int | None, metrics_port: int | None, times: dict[str, float]) -> None:
    if stages not in STAGES:
        raise BadSetting(f"stages = {stages!r}: unknown; choose one of {', '.join(STAGES)}")
    if gpu is not None:
        within("gpu", gpu, 0, MOST_GPU)
    if metrics_port is not None and not 0 <= metrics_port <= MOST_PORT:
        raise BadSetting(f"metrics port = {metrics_port!r}: it is 0 to {MOST_PORT}; 0 takes any free one")
    for name, seconds in times.items():
        within(name, seconds, *TIMES[name])


def log_form(word: str | None) -> Form | None:
    """The form of a log's lines, as it was typed; raises BadSetting."""
    if word is not None and word not in {*Form}:
        raise BadSetting(f"log = {word!r}: unknown; choose one of {', '.join(Form)}")
    return None if word is None else Form(word)
