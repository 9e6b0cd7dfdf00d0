"""One job on its way through its stages, and the two lanes, learn and draw, in which jobs go beside each other.

Owns what becomes of a stage's end: finished, failed, stopped, tried again. Knows no engine but ``step``, no model.
Light: loads the standard library and the queue.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn, Protocol, runtime_checkable

from pipeline.domain import Json
from pipeline.errors import OtherKey, StickerError, Stopped
from pipeline.jobs.ledger import Claim, Ledger, Verdict, patiently
from pipeline.jobs.words import JobSpec, Progress, Stages
from pipeline.worker.metrics import Metrics

LOG = logging.getLogger("stickers.worker")
TRIES = 3  # of a stage that broke for no reason of its own
AGAIN_S = 0.5  # before the second; twice that before the third
TELL_EVERY_S = 1.0
UNFORESEEN = "something went wrong on our side; your job is kept, and can be tried again"

Step = Callable[[str, Callable[[], Json]], Json]


@runtime_checkable
class Cleared(Protocol):
    """Stages that keep something of a job on this machine."""

    def clear(self, spec: JobSpec) -> None:
        """The job is over: delete that. What is in ``Files`` stays, and is what a job that is requeued goes on with."""
        ...


@dataclass(kw_only=True, eq=False)
class Run:
    """A job that is worked on here."""

    claim: Claim
    stop: threading.Event = field(default_factory=threading.Event)  # its owner wants no more of it
    stop_s: float | None = None  # when that was heard, monotonic
    advanced: bool = False  # a stage was finished under this claim
    frozen: bool = False  # its stage has saved and stopped, and this process is about to leave


class Room:
    """Where jobs run: both lanes at once, but a job that is suspected of killing its workers is alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._alone = False

    @contextmanager
    def entered(self, *, alone: bool) -> Iterator[None]:
        """Wait for room, and take it while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone and (self._inside == 0 or not alone))
            self._inside += 1
            self._alone = alone
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._alone = False
                self._changed.notify_all()


class Lanes:
    """The jobs of this worker."""

    def __init__(self, ledger: Ledger, stages: Stages, metrics: Metrics, step: Step) -> None:
        self.ledger, self.stages, self.metrics = ledger, stages, metrics
        self.leaving = threading.Event()  # set once: stages save and stop, and nothing new begins
        self.misfit: str | None = None  # why our key is not the queue's any more: nothing can be done here
        self._step = step
        self._room = Room()
        self._runs: dict[str, Run] = {}
        self._inside: list[str] = []
        self._lock = threading.Lock()

    def runs(self) -> list[Run]:
        """What is worked on now."""
        with self._lock:
            return list(self._runs.values())

    def inside(self) -> set[str]:
        """The jobs that the engine has handed over and not had back."""
        with self._lock:
            return set(self._inside)

    def job(self, job_id: str) -> str:
        """Do a job from its first unfinished stage on; the engine calls this. Returns a word for its log."""
        if self.leaving.is_set():
            _freeze()
        with self._lock:
            self._inside.append(job_id)
        try:
            return self._in_turn(job_id)
        finally:
            with self._lock:
                self._inside.remove(job_id)

    def _in_turn(self, job_id: str) -> str:
        suspect = patiently(lambda: self.ledger.suspect(job_id), pause=time.sleep)
        with self._room.entered(alone=suspect):
            try:
                claim = patiently(lambda: self.ledger.claim(job_id), pause=time.sleep)
            except OtherKey as error:
                self._give_up(error)
            if claim is None:
                LOG.info("not begun: over, or parked", extra={"job": job_id})
                return "not begun"
            run = Run(claim=claim)
            with self._lock:
                self._runs[job_id] = run
            try:
                return self._through(run)
            except BaseException:
                # The engine raises in a workflow that was cancelled between two steps; who keeps such a job's claim
                # keeps it from being requeued, and its person from being forgotten.
                patiently(lambda: self.ledger.let_go(claim), pause=time.sleep)
                raise
            finally:
                with self._lock:
                    del self._runs[job_id]

    def _through(self, run: Run) -> str:
        claim, spec = run.claim, run.claim.spec
        began_s = time.monotonic()
        LOG.info("begun", extra=_ids(claim))
        if claim.waited_s is not None:
            self.metrics.begun(spec.kind, claim.waited_s)
        done: Json = {"result": {}}
        for name in self.stages.names(spec):
            done = self._kept(run, name)
            if "result" not in done:
                break
            if run.advanced:  # not what a replay gives back
                patiently(lambda: self.ledger.survived(claim), pause=time.sleep)
        self._clear(claim)
        outcome = patiently(lambda: self._end(claim, done), pause=time.sleep)
        took = {"outcome": outcome, "code": done.get("code"), "seconds": round(time.monotonic() - began_s, 3)}
        LOG.info("over", extra=_ids(claim) | took)
        self.metrics.over(spec.kind, outcome)
        return outcome

    def _kept(self, run: Run, name: str) -> Json:
        """How a stage ended, now or before a crash; sealed while the engine has it."""
        envelope, spec = self.ledger.envelope, run.claim.spec
        who = {"person": spec.person, "job_id": spec.job_id, "stage": name}
        kept = self._step(name, lambda: envelope.seal_step(self._stage(run, name), **who))
        try:
            return envelope.open_step(kept, **who)
        except OtherKey:
            try:
                patiently(self.ledger.prove, pause=time.sleep)
            except OtherKey as error:
                self._give_up(error, run)
            raise  # ours is right: it is this row that is damaged

    def _clear(self, claim: Claim) -> None:
        """While the job is still ours: whoever takes it up again may do so in the same folder."""
        if not isinstance(self.stages, Cleared):
            return
        try:
            if self.ledger.verdicts([claim]).get(claim.job_id) is not Verdict.LOST:
                self.stages.clear(claim.spec)
        except Exception as error:  # then it is tidied away later
            LOG.warning("not cleared", extra=_ids(claim) | {"error": type(error).__name__})

    def _end(self, claim: Claim, done: Json) -> str:
        if "result" in done:
            return "done" if self.ledger.finish(claim, done["result"]) else self._let_go(claim)
        if "code" in done:
            return "failed" if self.ledger.fail(claim, done["code"], done["error"]) else self._let_go(claim)
        return self._let_go(claim)

    def _let_go(self, claim: Claim) -> str:
        """Returns what to call it."""
        if self.ledger.verdicts([claim]).get(claim.job_id) is Verdict.LOST:
            LOG.warning("not ours any more: another worker took it over while this one slept", extra=_ids(claim))
            return "lost"
        self.ledger.let_go(claim)
        return "cancelled"

    def _stage(self, run: Run, name: str) -> Json:
        """One stage: ``{"result": …}`` where it was finished, ``{"code": …, "error": …}`` where it failed, else ``{}``.

        Its end is told by a value, never by an exception: an exception would come back from the engine as another.
        """
        claim, wait_s = run.claim, AGAIN_S
        for left in reversed(range(TRIES)):
            if self.leaving.is_set():
                self._freeze(run)
            began_s = time.monotonic()
            try:
                teller = Teller(self.ledger, claim)
                result = self.stages.run(name, claim.spec, tell=teller, should_stop=lambda: self._should_stop(run))
                self.metrics.stage(name, time.monotonic() - began_s)
                run.advanced = True
                return {"result": result}
            except OtherKey as error:
                self._give_up(error, run)
            except StickerError as error:
                if isinstance(error, Stopped) and self._should_stop(run):
                    return self._stopped(run)
                return {"code": error.code, "error": str(error)}
            except Exception as error:  # a full disk, a lost connection, a bug: who can tell
                told = {"stage": name, "error": type(error).__name__, "where": _where(error), "tries_left": left}
                LOG.error("stage broke", extra=_ids(claim) | told)
            if left and run.stop.wait(wait_s):
                return self._stopped(run)
            wait_s *= 2
        return {"code": "unforeseen", "error": UNFORESEEN}

    def _give_up(self, error: OtherKey, run: Run | None = None) -> NoReturn:
        """Have the process leave, and stay here until it has: the job goes back as it was."""
        self.misfit = str(error)
        if run is not None:
            run.frozen = True
        _freeze()

    def _should_stop(self, run: Run) -> bool:
        return self.leaving.is_set() or run.stop.is_set()

    def _stopped(self, run: Run) -> Json:
        if run.stop.is_set():
            return {}
        self._freeze(run)

    def _freeze(self, run: Run) -> NoReturn:
        """Stay here until the process ends: what returned would count as finished, and what raised, as failed."""
        run.frozen = True
        _freeze()


class Teller:
    """A ``Tell`` that writes to the ledger about once a second; the first and the last of a stage always."""

    def __init__(self, ledger: Ledger, claim: Claim) -> None:
        self._ledger, self._claim = ledger, claim
        self._told_s: float | None = None

    def __call__(self, progress: Progress) -> None:
        now_s = time.monotonic()
        if self._told_s is not None and now_s - self._told_s < TELL_EVERY_S and progress.done < progress.total:
            return
        self._told_s = now_s
        try:
            self._ledger.tell(self._claim, progress)
        except Exception as error:  # a word lost is no reason to lose a step
            LOG.warning("progress not told", extra=_ids(self._claim) | {"error": type(error).__name__})


def _where(error: Exception) -> list[str]:
    """The way to where it was raised; not its words, which may be a person's."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]


def _freeze() -> NoReturn:
    threading.Event().wait()
    raise AssertionError("the process has ended")


def _ids(claim: Claim) -> dict[str, object]:
    return {"job": claim.job_id, "person": claim.spec.person, "kind": claim.spec.kind.value}
