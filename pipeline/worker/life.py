"""The life of a worker process: its heartbeat, the jobs of the dead, who is to stop, and how it leaves.

Owns the threads beside the lanes. Knows no stage. Light: loads the standard library and the queue.

The process keeps nothing that its death would lose, so where it does not know how to go on it leaves (exit code
``RESTART``), and whoever started it starts it again.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, runtime_checkable

from pipeline.errors import JobError, OtherKey, QueueBroken
from pipeline.jobs.address import file_of
from pipeline.jobs.ledger import Ledger, Verdict
from pipeline.jobs.queue import Jobs
from pipeline.worker import engine
from pipeline.worker.lanes import Lanes, Run

LOG = logging.getLogger("stickers.worker")
BROKEN = 2  # nothing is gained by beginning anew: somebody has to look
FOR_GOOD = (QueueBroken, OtherKey)
MOVED_S = 3600.0  # a clock that was moved by more since we began is not asked what is old
SWEEP_EVERY_S = 3600.0  # between two looks through all files
FOR_EVER_S = 1e10
RESTART = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong with the worker, begin it anew


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How often, and for how long."""

    poll_s: float = 0.2  # how often the drawing queue is looked at
    lease_s: float = 16.0  # a worker without a heartbeat for so long is taken for dead
    grace_s: float = 60.0  # for a stage that is to stop; whoever is deaf for longer takes the process with it
    tidy_s: float = 60.0  # between two rounds of mending and sweeping
    keep_s: float = 30 * 86400.0  # what is over is remembered for so long

    @property
    def beat_s(self) -> float:
        """Between two heartbeats."""
        return self.lease_s / 8

    @property
    def look_s(self) -> float:
        """Between two looks at which jobs are to stop."""
        return min(0.5, self.lease_s / 8)


@dataclass(kw_only=True)
class Reaper:
    """Finds dead workers by their beats standing still on our own clock: no two clocks are compared."""

    ledger: Ledger
    lease_s: float
    now_s: Callable[[], float] = time.monotonic
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)  # name → its last beat, and when that was new

    def dead(self, holders: set[str]) -> set[str]:
        """Which of ``holders`` are. One without a row left in order or was buried: it needs no watching."""
        now_s, beats = self.now_s(), self.ledger.beats()
        for name, beat in beats.items():
            if self._seen.get(name, (None, 0.0))[0] != beat:
                self._seen[name] = (beat, now_s)
        self._seen = {name: seen for name, seen in self._seen.items() if name in beats}
        stale = {name for name, (_, since_s) in self._seen.items() if now_s - since_s >= self.lease_s}
        return {name for name in holders - {self.ledger.worker} if name not in beats or name in stale}


@dataclass(kw_only=True)
class Strays:
    """Finds jobs that the engine holds to be running here and that do not: its thread broke on a full disk, say."""

    lease_s: float
    now_s: Callable[[], float] = time.monotonic
    _since_s: dict[str, float] = field(default_factory=dict)

    def found(self, missing: set[str]) -> set[str]:
        """Those of ``missing`` that have been so for a lease; a job's begin and end take a moment, too."""
        now_s = self.now_s()
        self._since_s = {job_id: self._since_s.get(job_id, now_s) for job_id in missing}
        return {job_id for job_id, since_s in self._since_s.items() if now_s - since_s >= self.lease_s}


@runtime_checkable
class Tidy(Protocol):
    """Stages that keep something on this machine."""

    def tidy(self, known: Callable[[Collection[str]], set[str]]) -> None:
        """Delete what nobody needs any more. ``known``: which of these jobs a worker has, or will have."""
        ...


@runtime_checkable
class Swept(Protocol):
    """Stages whose ``Files`` may have what was never handed in."""

    def sweep_files(self, known: Callable[[Collection[str]], set[str]]) -> None:
        """Delete that. ``known``: which of these jobs there are, whatever became of them."""
        ...


class Life:
    """The threads of one worker."""

    def __init__(self, jobs: Jobs, lanes: Lanes, timing: Timing) -> None:
        self.jobs, self.lanes, self.ledger, self.timing = jobs, lanes, lanes.ledger, timing
        self._gone = False
        self._file = file_of(jobs.url)
        self._clock_s = time.time() - time.monotonic()
        self._sweep_at_s = 0.0
        self.hurry = threading.Event()  # whoever asked us to leave asks again
        self._reaper = Reaper(ledger=self.ledger, lease_s=timing.lease_s)
        self._strays = Strays(lease_s=timing.lease_s)

    def begin(self) -> None:
        """Start them; they end with the process."""
        rounds = [(self.beat, self.timing.beat_s), (self.look, self.timing.look_s), (self.tidy, self.timing.tidy_s)]
        for act, every_s in rounds:
            name = act.__name__
            threading.Thread(target=self._again, args=(act, every_s), name=f"stickers-{name}", daemon=True).start()

    def _again(self, act: Callable[[], None], every_s: float) -> None:
        while True:
            time.sleep(every_s)
            try:
                act()
            except FOR_GOOD as error:
                self.leave(str(error), BROKEN)
            except Exception as error:  # the database is away, most likely; the next round comes
                LOG.warning("%s failed", act.__name__, extra={"error": type(error).__name__})

    def beat(self) -> None:
        """Say that we live, and take over from those that do not."""
        if self._gone:
            return
        if self._file != (now := file_of(self.jobs.url)):
            self.leave(f"the queue's file is another one than at the start ({now or 'none'})", RESTART)
        self.ledger.beat()
        if self.lanes.leaving.is_set():  # a stage that still saves keeps its job until then
            return
        pending = engine.pending()
        mine = {job_id for job_id, name in pending.items() if name == self.ledger.worker}
        if stray := self._strays.found(mine - self.lanes.inside()):
            self.leave(f"nobody here works on {', '.join(sorted(stray))}", RESTART)
        for name in self._reaper.dead(set(pending.values())):
            LOG.warning("adopting jobs", extra={"of": name})
            engine.adopt(name)
            self.ledger.bury(name)

    def look(self) -> None:
        """Stop what was cancelled, and leave where a job was lost, its stage does not listen, or our key is not right
        any more."""
        if self.lanes.misfit is not None:
            self.leave(self.lanes.misfit, BROKEN)
        runs = self.lanes.runs()
        verdicts = self.ledger.verdicts(run.claim for run in runs)
        for run in runs:
            verdict = verdicts.get(run.claim.job_id)
            if verdict is Verdict.LOST and run in self.lanes.runs():
                self._check_lost(run)
            if verdict is Verdict.CANCELLED and run.stop_s is None:
                run.stop_s = time.monotonic()
                run.stop.set()
            if run.stop_s is not None and time.monotonic() - run.stop_s > self.timing.grace_s:
                self.leave("a cancelled job's stage does not listen", RESTART, but=run)

    def tidy(self) -> None:
        """Mend what a crash left between two tables, and erase what is old or to be forgotten, with its files."""
        for act in (self._mend, self._sweep, self._tidy_here, self._sweep_files):
            try:  # what one part meets keeps no other from its turn
                act()
            except FOR_GOOD:
                raise
            except Exception as error:
                LOG.warning("%s failed", act.__name__.strip("_"), extra={"error": type(error).__name__})

    def _mend(self) -> None:
        for job_id in self.jobs.mend():
            LOG.warning("mended", extra={"job": job_id})

    def _sweep(self) -> None:
        moved_s = self._moved_s()
        if abs(moved_s) > MOVED_S:
            LOG.warning("the clock was moved: nothing is erased for its age", extra={"seconds": round(moved_s)})
        keep_s = self.timing.keep_s if abs(moved_s) <= MOVED_S else FOR_EVER_S
        self.jobs.sweep(keep_s, self.lanes.stages.forget)

    def _tidy_here(self) -> None:
        if isinstance(self.lanes.stages, Tidy):
            self.lanes.stages.tidy(self.jobs.unfinished)

    def _sweep_files(self) -> None:
        """Now and then: it looks through the whole store."""
        if time.monotonic() < self._sweep_at_s or abs(self._moved_s()) > MOVED_S:
            return
        self._sweep_at_s = time.monotonic() + SWEEP_EVERY_S
        if isinstance(self.lanes.stages, Swept):
            self.lanes.stages.sweep_files(self.jobs.known)

    def _moved_s(self) -> float:
        """How far the clock was moved since we began."""
        return time.time() - time.monotonic() - self._clock_s

    def drain(self) -> NoReturn:
        """Let the stages save and stop at their next step, put the jobs back, and leave."""
        LOG.info("leaving: stages save and stop")
        self.lanes.leaving.set()
        until_s = time.monotonic() + self.timing.grace_s
        while time.monotonic() < until_s and not all(run.frozen for run in self.lanes.runs()):
            if self.hurry.wait(0.02):
                break
        self.leave("left in order", 0)

    def leave(self, why: str, code: int, *, but: Run | None = None) -> NoReturn:
        """End the process; jobs go back unharmed, except that of ``but``."""
        self.lanes.leaving.set()
        LOG.info(why, extra={"exit_code": code, "job": but.claim.job_id if but else None})
        try:
            self.ledger.release(run.claim for run in self.lanes.runs() if run is not but)
            self._gone = True
            self.ledger.bury(self.ledger.worker)
        except JobError as error:  # then they count as left behind, and are adopted a lease later
            LOG.warning("could not put jobs back", extra={"error": type(error).__name__})
        os._exit(code)  # not sys.exit: it would wait for the lanes' threads

    def _check_lost(self, run: Run) -> None:
        """Between our two looks the job may have ended in order: then it is gone from the lanes a moment later."""
        time.sleep(0.2)
        if run in self.lanes.runs() and self.ledger.verdicts([run.claim]).get(run.claim.job_id) is Verdict.LOST:
            self.leave("another worker has a job of ours", RESTART, but=run)
