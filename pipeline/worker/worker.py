"""A worker from its start to its end: identity, engine, threads, and the signals that end it.

Owns the order of its beginning. Knows no stage: it is given them. Light: loads the queue and its engine.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, Protocol, runtime_checkable

from pipeline.domain import ShouldStop
from pipeline.errors import BadSetting, FolderBusy, Stopped, WorkerRunning
from pipeline.jobs.address import folder_of
from pipeline.jobs.checks import WORD
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Stages
from pipeline.locks import locked
from pipeline.worker import engine, logs
from pipeline.worker.lanes import Lanes
from pipeline.worker.life import Life, Timing
from pipeline.worker.metrics import Metrics

LOG = logging.getLogger("stickers.worker")
SPARE_S = 10.0  # beyond its own grace, for a namesake that is stopping
WATCHED_BEATS = 2.5  # for so long a namesake's heart is listened for


@runtime_checkable
class Counted(Protocol):
    """Stages that count something themselves."""

    def figures(self) -> dict[str, float]:
        """Name → value, now."""
        ...


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who a worker is, and where it keeps others from being the same."""

    name: str
    locks: Path  # folder


def identity(name: str | None, *, gpu: int | None, jobs: Jobs, data_dir: Path) -> Identity:
    """By default host and GPU: after a crash the same worker comes back under the same name, and finds its jobs.

    Raises:
        BadSetting: the name is none.
    """
    chosen = name if name is not None else f"{socket.gethostname()}-{'cpu' if gpu is None else f'gpu{gpu}'}"[-80:]
    if not WORD.fullmatch(chosen):
        raise BadSetting(f"name = {chosen!r}: 1 to 80 of letters, digits, '.', '_' and '-' make one")
    return Identity(name=chosen, locks=folder_of(jobs.url) or data_dir)


def work(
    jobs: Jobs,
    who: Identity,
    stages: Callable[[], Stages],
    *,
    timing: Timing,
    metrics_port: int | None = None,
    with_parent: bool = False,
    log: logs.Form | None = None,
) -> NoReturn:
    """Do jobs until SIGTERM or SIGINT; a second one leaves at once. Ends the process.

    Args:
        stages: makes them, once the name is known to be free; may take its time.
        metrics_port: on the loopback; None for no metrics.
        with_parent: leave, too, once the process that started this one is gone; and wait for a namesake that is
            still leaving because its own is.
        log: the form of its lines; None: as stderr is a terminal or not.

    Raises:
        WorkerRunning: another process has the name, on this machine or another one.
        BadSetting: the port is taken.
    """
    parent = os.getppid() if with_parent else None
    logs.to_stderr(who.name, log)
    wait = None if parent is None else _still_stopping(parent, timing.grace_s + SPARE_S)
    try:
        with locked(who.locks, f".worker-{who.name}.lock", wait=wait):
            life, asked = _born(jobs, who, stages, timing, metrics_port)
            while not asked.wait(1.0) and parent in (None, os.getppid()):
                pass
            life.drain()
    except FolderBusy as error:
        raise WorkerRunning(f"a worker named {who.name!r} is running already; give this one another --name") from error
    except Stopped as error:  # of ``wait`` alone
        rule = "another `stickers run` or `stickers worker` has started it: stop that one first"
        raise WorkerRunning(f"a worker named {who.name!r} is running already, and does not stop; {rule}") from error


def _still_stopping(parent: int, most_s: float) -> ShouldStop:
    """Whether a namesake was waited for long enough; what is waited for is said once."""
    until_s, said = time.monotonic() + most_s, list[str]()

    def enough() -> bool:
        if not said:
            said.append("an earlier worker of this name is still stopping: waiting for it")
            LOG.info(said[0], extra={"at_most_s": round(most_s)})
        return time.monotonic() > until_s or os.getppid() != parent

    return enough


@contextmanager
def alone(ledger: Ledger, timing: Timing, *, shared: bool) -> Iterator[None]:
    """See that nobody on another machine bears the name, while the block gets ready: their heart would beat meanwhile.

    Who died under the name left a beat that stands still; who left in order left none, and nothing is waited for.

    Args:
        shared: by other machines, whose locks are not ours.

    Raises:
        WorkerRunning: somebody does.
    """
    before, began_s = ledger.beats().get(ledger.worker) if shared else None, time.monotonic()
    yield
    if before is None:
        return
    time.sleep(max(0.0, WATCHED_BEATS * timing.beat_s - (time.monotonic() - began_s)))
    if ledger.beats().get(ledger.worker, before) != before:
        raise WorkerRunning(
            f"a worker named {ledger.worker!r} is running on another machine; give every worker its own --name"
        )


def _born(
    jobs: Jobs, who: Identity, stages: Callable[[], Stages], timing: Timing, metrics_port: int | None
) -> tuple[Life, threading.Event]:
    ledger, metrics = Ledger(jobs.engine, who.name, jobs.envelope), Metrics()
    if metrics_port is not None:
        try:
            metrics.serve(jobs.engine, metrics_port)
        except OSError as error:
            raise BadSetting(f"metrics port = {metrics_port!r}: {error.strerror}; choose another") from error
    with alone(ledger, timing, shared=folder_of(jobs.url) is None):
        made = stages()
    if isinstance(made, Counted):
        metrics.add(made.figures)
    lanes = Lanes(ledger, made, metrics, engine.step)
    life = Life(jobs, lanes, timing)
    asked = _listen(life)
    ledger.beat()  # before the engine: whoever holds jobs has a heart
    engine.launch(jobs.url, who.name, lanes.job, poll_s=timing.poll_s)
    life.begin()
    LOG.info("ready")
    return life, asked


def _listen(life: Life) -> threading.Event:
    """Set once somebody asks us to leave; whoever asks again is in a hurry."""
    asked = threading.Event()

    def hear(_number: int, _frame: object) -> None:
        (life.hurry if asked.is_set() else asked).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    return asked
