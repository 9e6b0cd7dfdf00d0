"""What a worker does to a job: claim it, tell how far it is, finish it, let go of it.

Owns the claims. Who claims a job gets a token, and only the holder of the latest token can write: a worker that was
taken for dead and wakes up again changes nothing. Knows no engine and no stage. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

import sqlalchemy as sa

from pipeline.domain import Json
from pipeline.errors import QueueUnreachable
from pipeline.jobs import fairness
from pipeline.jobs.address import reading, writing
from pipeline.jobs.envelope import CLEAR, Envelope
from pipeline.jobs.looks import row_of
from pipeline.jobs.queue import MOST_DEATHS
from pipeline.jobs.tables import JOBS, PROGRESS, WORKERS
from pipeline.jobs.views import OVER, UNREAD, now_ms, spec_of
from pipeline.jobs.words import JobSpec, Progress, Status

T = TypeVar("T")
LOG = logging.getLogger("stickers.jobs")


class Verdict(StrEnum):
    """Why a claim does not hold any more."""

    CANCELLED = "cancelled"
    LOST = "lost"  # another worker has the job, or nobody knows it


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The right to work on a job."""

    spec: JobSpec
    token: str
    waited_s: float | None  # from submitted to begun; None where it was begun before

    @property
    def job_id(self) -> str:
        """The spec's."""
        return self.spec.job_id


class Ledger:
    """The claims of one worker."""

    def __init__(self, engine: sa.Engine, worker: str, envelope: Envelope = CLEAR) -> None:
        self.engine, self.envelope = engine, envelope
        self.worker = worker

    def suspect(self, job_id: str) -> bool:
        """Whether one more death would park it: then it is to run alone, so that no other job dies with it."""
        with reading(self.engine) as connection:
            row = row_of(connection, job_id)
        return row is not None and _deaths(row) == MOST_DEATHS - 1

    def claim(self, job_id: str) -> Claim | None:
        """Take a job; None where it is over, unknown, or has now been parked.

        A job that somebody had claimed and not let go of has seen that somebody's death. One whose words are damaged
        is parked at once.

        Raises:
            OtherKey: the queue was sealed anew; the job is as it was.
        """
        with writing(self.engine, one_at_a_time=f"sticker job {job_id}") as connection:
            locked = sa.select(JOBS).where(JOBS.c.job_id == job_id).with_for_update()  # against who cancels it now
            row = connection.execute(locked).first()
            if row is None:
                return None
            this = sa.update(JOBS).where(JOBS.c.job_id == job_id)
            if row.status not in (Status.QUEUED, Status.RUNNING):
                connection.execute(this.values(claim=None))  # of a worker that died while it was being stopped
                return None
            deaths, now = _deaths(row), now_ms()
            if deaths >= MOST_DEATHS:
                connection.execute(this.values(status=Status.PARKED, ended_ms=now, deaths=deaths, claim=None))
                return None
            try:
                spec = spec_of(row, self.envelope)
            except UNREAD as error:
                self.envelope.prove(connection)  # raises, and nothing is written: it is our key that is wrong
                LOG.warning("parked: cannot be read", extra={"job": job_id, "error": type(error).__name__})
                connection.execute(this.values(status=Status.PARKED, ended_ms=now, deaths=deaths, claim=None))
                return None
            fairness.note_begun(connection, row.kind, row.tag)
            token, started = str(uuid.uuid4()), row.started_ms or now
            values = {"status": Status.RUNNING, "claim": token, "worker": self.worker, "deaths": deaths}
            connection.execute(this.values(**values, started_ms=started))
        waited_s = None if row.started_ms else (now - row.submitted_ms) / 1000
        return Claim(spec=spec, token=token, waited_s=waited_s)

    def prove(self) -> None:
        """See that our key is still the queue's; raises ``OtherKey``."""
        with reading(self.engine) as connection:
            self.envelope.prove(connection)

    def tell(self, claim: Claim, progress: Progress) -> None:
        """Note how far a job is; whoever lost it tells nobody."""
        row = {"job_id": claim.job_id, "stage": progress.stage, "done": progress.done, "total": progress.total}
        preview = None if progress.preview is None else self._sealed(claim, "preview", progress.preview)
        row |= {"preview": preview, "told_ms": now_ms()}
        last = sa.select(sa.func.max(PROGRESS.c.number)).where(PROGRESS.c.job_id == claim.job_id)
        with writing(self.engine) as connection:
            if connection.execute(sa.select(JOBS.c.job_id).where(*_held(claim)).with_for_update()).first():
                number = (connection.execute(last).scalar() or 0) + 1
                connection.execute(sa.insert(PROGRESS).values(**row, number=number))

    def survived(self, claim: Claim) -> None:
        """A stage is finished: earlier deaths were not the job's fault."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(JOBS).where(*_held(claim), JOBS.c.deaths > 0).values(deaths=0))

    def finish(self, claim: Claim, result: Json) -> bool:
        """The job is done; False where it is not ours any more. At most once true for a job."""
        text = json.dumps(result)  # in ASCII, which holds a lone surrogate
        return self._end(claim, status=Status.DONE, result=self._sealed(claim, "result", text))

    def fail(self, claim: Claim, code: str, sentence: str) -> bool:
        """The job failed, and this is what its owner is told; False where it is not ours any more."""
        return self._end(claim, status=Status.FAILED, error_code=code, error=self._sealed(claim, "error", sentence))

    def let_go(self, claim: Claim) -> None:
        """A job that is over is not worked on any more; the claim of one that is not stays."""
        over = sa.update(JOBS).where(JOBS.c.job_id == claim.job_id, _token(claim), JOBS.c.status.in_(OVER))
        with writing(self.engine) as connection:
            connection.execute(over.values(claim=None))

    def release(self, claims: Iterable[Claim]) -> None:
        """Put jobs back, unfinished and through no fault of theirs; who leaves in order does this."""
        with writing(self.engine) as connection:
            for claim in claims:
                back = sa.update(JOBS).where(*_held(claim))
                connection.execute(back.values(status=Status.QUEUED, claim=None, worker=None))

    def verdicts(self, claims: Iterable[Claim]) -> dict[str, Verdict]:
        """Which of these claims do not hold any more, by job."""
        tokens = {claim.job_id: claim.token for claim in claims}
        if not tokens:
            return {}
        query = sa.select(JOBS.c.job_id, JOBS.c.status, JOBS.c.claim).where(JOBS.c.job_id.in_(tokens))
        with reading(self.engine) as connection:
            rows = {row.job_id: row for row in connection.execute(query)}
        found = {}
        for job_id, token in tokens.items():
            row = rows.get(job_id)
            if row is None or row.claim != token:
                found[job_id] = Verdict.LOST
            elif row.status != Status.RUNNING:
                found[job_id] = Verdict.CANCELLED
        return found

    def beat(self) -> None:
        """This worker lives."""
        on = sa.update(WORKERS).where(WORKERS.c.name == self.worker)
        with writing(self.engine) as connection:
            if connection.execute(on.values(beat=WORKERS.c.beat + 1, beat_ms=now_ms())).rowcount == 0:
                connection.execute(sa.insert(WORKERS).values(name=self.worker, beat=1, beat_ms=now_ms()))

    def beats(self) -> dict[str, int]:
        """Every worker's count of beats."""
        with reading(self.engine) as connection:
            return {row.name: row.beat for row in connection.execute(sa.select(WORKERS))}

    def bury(self, name: str) -> None:
        """A worker is gone: dead, or leaving in order. One that was only asleep comes back with its next beat."""
        with writing(self.engine) as connection:
            connection.execute(sa.delete(WORKERS).where(WORKERS.c.name == name))

    def _sealed(self, claim: Claim, part: str, text: str) -> str:
        return self.envelope.seal(text, person=claim.spec.person, job_id=claim.job_id, part=part)

    def _end(self, claim: Claim, **values: Any) -> bool:
        with writing(self.engine) as connection:
            end = sa.update(JOBS).where(*_held(claim)).values(ended_ms=now_ms(), claim=None, deaths=0, **values)
            return connection.execute(end).rowcount == 1


def _deaths(row: sa.Row[Any]) -> int:
    """Those that were counted, and the one that left its claim behind."""
    return int(row.deaths) + (row.claim is not None)


def _token(claim: Claim) -> sa.ColumnElement[bool]:
    return JOBS.c.claim == claim.token


def _held(claim: Claim) -> tuple[sa.ColumnElement[bool], ...]:
    return JOBS.c.job_id == claim.job_id, _token(claim), JOBS.c.status == Status.RUNNING


def patiently(act: Callable[[], T], *, pause: Callable[[float], object]) -> T:
    """Do ``act``, again and again while the database does not answer; ``pause`` waits for so many seconds."""
    wait_s = 0.2
    while True:
        try:
            return act()
        except QueueUnreachable:
            pause(wait_s)
            wait_s = min(2 * wait_s, 5.0)
