"""Looking at the queue: jobs, dead letters, the outbox, progress, position. Nothing is changed here.

Owns the questions that may be asked. Knows no engine. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from pipeline.domain import Json
from pipeline.errors import UnknownJob, WrongStatus
from pipeline.jobs.address import reading
from pipeline.jobs.checks import WORD
from pipeline.jobs.envelope import CLEAR, Envelope
from pipeline.jobs.tables import JOBS, LIVE_MS, PROGRESS, WORKERS
from pipeline.jobs.views import DEAD, OPEN, OUTBOX, JobView, now_ms, progress_of, seen_of, view_of
from pipeline.jobs.words import Kind, Position, Progress, Status

PAST = 50  # jobs that the moving average of durations looks back on


_TOLD = sa.select(PROGRESS, JOBS.c.person).join(JOBS, JOBS.c.job_id == PROGRESS.c.job_id)


class Looks:
    """The questions; ``Jobs`` has the deeds, too."""

    def __init__(self, engine: sa.Engine, envelope: Envelope = CLEAR) -> None:
        self.engine, self.envelope = engine, envelope

    def show(self, job_id: str) -> JobView:
        """One job.

        Raises:
            UnknownJob: there is no such job.
        """
        with reading(self.engine) as connection:
            row = row_of(connection, job_id) if WORD.fullmatch(job_id) else None
        if row is None:
            raise UnknownJob(f"there is no job {job_id!r}; `stickers jobs list` shows which there are")
        return view_of(row, self.envelope)

    def list(
        self, *, status: Sequence[Status] = (), person: str | None = None, kind: Kind | None = None, most: int = 100
    ) -> builtins.list[JobView]:
        """Jobs, the latest first; all where nothing is asked for. A damaged one comes with why it cannot be read."""
        query = sa.select(JOBS).order_by(JOBS.c.submitted_ms.desc(), JOBS.c.job_id).limit(most)
        query = query.where(JOBS.c.status.in_(status)) if status else query
        query = query.where(JOBS.c.person == person) if person is not None else query
        query = query.where(JOBS.c.kind == kind) if kind is not None else query
        return self._views(query)

    def several(self, job_ids: Iterable[str]) -> dict[str, JobView]:
        """These jobs, in one query; those that there are not are left out."""
        found = self._views(sa.select(JOBS).where(JOBS.c.job_id.in_([*job_ids])))
        return {view.job_id: view for view in found}

    def unfinished(self, job_ids: Iterable[str]) -> set[str]:
        """Those of these jobs that a worker has, or will have."""
        wanted = JOBS.c.job_id.in_([*job_ids]) & (JOBS.c.status.in_(OPEN) | JOBS.c.claim.is_not(None))
        with reading(self.engine) as connection:
            return set(connection.execute(sa.select(JOBS.c.job_id).where(wanted)).scalars())

    def known(self, job_ids: Iterable[str]) -> set[str]:
        """Those of these jobs that there are, whatever became of them."""
        with reading(self.engine) as connection:
            return set(connection.execute(sa.select(JOBS.c.job_id).where(JOBS.c.job_id.in_([*job_ids]))).scalars())

    def depth(self) -> dict[Status, int]:
        """How many jobs there are, by status; empty where there is no queue's table yet. Makes none."""
        query = sa.select(JOBS.c.status, sa.func.count()).group_by(JOBS.c.status)
        with reading(self.engine) as connection:
            if not sa.inspect(connection).has_table(JOBS.name):
                return {}
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {status: found[status] for status in Status if status in found}

    def dead(self, most: int = 100) -> builtins.list[JobView]:
        """The dead letters: failed and parked jobs, the latest first."""
        return self.list(status=DEAD, most=most)

    def workers(self) -> int:
        """How many workers were heard of lately."""
        query = sa.select(sa.func.count()).where(WORKERS.c.beat_ms > now_ms() - LIVE_MS)
        with reading(self.engine) as connection:
            return connection.execute(query).scalar() or 0

    def undelivered(self, most: int = 100) -> builtins.list[JobView]:
        """Jobs that are over and whose owner was not told yet, the oldest first: the bot's outbox."""
        query = sa.select(JOBS).where(JOBS.c.status.in_(OUTBOX), JOBS.c.delivered_ms.is_(None))
        return self._views(query.order_by(JOBS.c.ended_ms).limit(most))

    def result(self, job_id: str) -> Json | None:
        """What its last stage returned; None while it is not done.

        Raises:
            UnknownJob: there is no such job.
        """
        return self.show(job_id).result

    def progress(self, job_id: str, *, after: int = 0) -> builtins.list[tuple[int, Progress]]:
        """What was told since number ``after``, in order, each with its number. A stage that is begun again tells
        again."""
        query = _TOLD.where(PROGRESS.c.job_id == job_id, PROGRESS.c.number > after)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(PROGRESS.c.number)).all()
        return [(row.number, progress_of(row, self.envelope)) for row in rows]

    def latest(self, job_ids: Iterable[str]) -> dict[str, tuple[int, Progress]]:
        """The last that was told of each job, in one query; jobs of which nothing was told are left out."""
        wanted = PROGRESS.c.job_id.in_([*job_ids])
        last = sa.select(PROGRESS.c.job_id, sa.func.max(PROGRESS.c.number).label("number")).where(wanted)
        ends = last.group_by(PROGRESS.c.job_id).subquery()
        same = (PROGRESS.c.job_id == ends.c.job_id) & (PROGRESS.c.number == ends.c.number)
        with reading(self.engine) as connection:
            rows = connection.execute(_TOLD.join(ends, same)).all()
        return {row.job_id: (row.number, progress_of(row, self.envelope)) for row in rows}

    def position(self, job_id: str) -> Position:
        """How many stand before it, and when it will be done if the past is a guide.

        Those that run count, too, while no worker has a hand free: it has to wait for one of them.

        Raises:
            UnknownJob: there is no such job.
            WrongStatus: it is over.
        """
        view = self.show(job_id)
        if view.status not in OPEN:
            raise WrongStatus(f"the job {job_id!r} is {view.status}: it has no position")
        kind = view.spec.kind
        with reading(self.engine) as connection:
            row = row_of(connection, job_id)
            before = 0 if row is None or row.status != Status.QUEUED else _before(connection, row)
            usual_s = _usual_s(connection, kind)
            left_s = [max(0.0, (usual_s or 0.0) - gone_s) for gone_s in _running_for_s(connection, kind)]
            live = sa.select(sa.func.count()).where(WORKERS.c.beat_ms > now_ms() - LIVE_MS)
            workers = max(1, connection.execute(live).scalar() or 0)
        if view.status is Status.RUNNING:
            begun_s = now_ms() / 1000 - (view.started_s or 0.0)
            return Position(ahead=0, eta_s=None if usual_s is None else max(0.0, usual_s - begun_s))
        ahead = before + (len(left_s) if len(left_s) >= workers else 0)
        if usual_s is None:
            return Position(ahead=ahead, eta_s=None)
        return Position(ahead=ahead, eta_s=(before * usual_s + sum(left_s)) / workers + usual_s)

    def _views(self, query: sa.Select[tuple[object, ...]]) -> builtins.list[JobView]:
        with reading(self.engine) as connection:
            return [seen_of(row, self.envelope) for row in connection.execute(query)]


def row_of(connection: sa.Connection, job_id: str) -> sa.Row[tuple[object, ...]] | None:
    """A job's row, if there is one."""
    return connection.execute(sa.select(JOBS).where(JOBS.c.job_id == job_id)).one_or_none()


def _before(connection: sa.Connection, row: sa.Row[tuple[object, ...]]) -> int:
    earlier = (JOBS.c.tag < row.tag) | ((JOBS.c.tag == row.tag) & (JOBS.c.submitted_ms < row.submitted_ms))
    query = sa.select(sa.func.count()).where(JOBS.c.kind == row.kind, JOBS.c.status == Status.QUEUED, earlier)
    return connection.execute(query).scalar() or 0


def _usual_s(connection: sa.Connection, kind: Kind) -> float | None:
    """The mean time from begin to end of the last ``PAST`` jobs of a kind; None where there is none yet."""
    done = sa.select((JOBS.c.ended_ms - JOBS.c.started_ms).label("took_ms")).where(
        JOBS.c.status == Status.DONE, JOBS.c.kind == kind
    )
    last = done.order_by(JOBS.c.ended_ms.desc()).limit(PAST).subquery()
    mean = connection.execute(sa.select(sa.func.avg(last.c.took_ms))).scalar()
    return None if mean is None else float(mean) / 1000


def _running_for_s(connection: sa.Connection, kind: Kind) -> list[float]:
    query = sa.select(JOBS.c.started_ms).where(JOBS.c.kind == kind, JOBS.c.status == Status.RUNNING)
    return [(now_ms() - row.started_ms) / 1000 for row in connection.execute(query)]
