"""The durable queue as the bot and the operator have it: submit, cancel, look, requeue, forget.

Owns what may be done to a job from outside; what a worker does to one is in ``ledger``. Knows no model, no file and no
chat. Light: loads SQLAlchemy, and DBOS, the engine, through ``dispatch``.

Every call is one short transaction and may be made from any thread; an event loop calls through ``asyncio.to_thread``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa

from pipeline.errors import BadInput, BadJob, StickerError, WrongStatus
from pipeline.jobs import address, fairness
from pipeline.jobs.checks import check
from pipeline.jobs.dispatch import Dispatch, NotOver
from pipeline.jobs.envelope import envelope_of
from pipeline.jobs.looks import Looks, row_of
from pipeline.jobs.tables import JOBS, PROGRESS, engine_status, make_tables
from pipeline.jobs.views import OPEN, OVER, JobView, now_ms, spec_from, spec_of, spec_text, view_of
from pipeline.jobs.words import Gone, JobSpec, Kind, Status
from pipeline.vault import Vault

LOG = logging.getLogger("stickers.jobs")
MOST_DEATHS = 3  # of workers under one job, before it is parked
AGAIN_S, AGAIN_TRIES = 0.2, 15  # until the engine, too, has noted that a job is over
ADRIFT_MS = 10_000  # over for the engine, open for us: for so long it may just be on its way
AT_ONCE = 200  # jobs erased in one transaction


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one person may have."""

    open_jobs: int = 20  # queued and running together


class Jobs(Looks):
    """The queue at one address.

    Raises:
        BadSetting: the address is none, or the queue's words were sealed with another key than this one.
        QueueUnreachable, QueueBroken: its database does not answer, or is damaged.
        NoQueue: there is none, and ``begins`` is false.
    """

    def __init__(
        self, url: str, *, limits: Limits | None = None, begins: bool = True, vault: Vault | None = None
    ) -> None:
        """Opens it.

        Args:
            begins: a queue's file that is not there, and what its key has to be done with; who only looks does neither.
            vault: of what people say; None leaves all in clear, for trials.
        """
        self.url = address.parsed(url)
        self.limits = limits or Limits()
        super().__init__(address.connected(self.url, begins=begins))
        try:
            self.dispatch = Dispatch(self.url)
        except BaseException:
            self.engine.dispose()
            raise
        try:
            make_tables(self.engine)
            self.envelope = envelope_of(self.engine, vault, begins=begins)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connections."""
        self.dispatch.close()
        self.engine.dispose()

    # ── submit, cancel ────────────────────────────────────────────────────────────────────────────────────────────

    def submit(self, spec: JobSpec) -> JobView:
        """Take a job, once: the same one again changes nothing, whatever has become of it since.

        Raises:
            BadJob: its words break a rule, or its id stands for another job.
            TooManyJobs: its person has as many open as one may have.
        """
        check(spec)
        with address.writing(self.engine, one_at_a_time=f"sticker person {spec.person}") as connection:
            text, before = spec_text(spec), row_of(connection, spec.job_id)
            if before is not None:
                if spec_of(before, self.envelope) != spec_from(text):
                    raise BadJob(f"the id {spec.job_id!r} stands for another job; give every job its own")
                return view_of(before, self.envelope)
            fairness.check_open(connection, spec.person, self.limits.open_jobs)
            tag = fairness.next_tag(connection, spec.person, spec.kind)
            sealed = self.envelope.seal(text, person=spec.person, job_id=spec.job_id, part="spec")
            row: dict[str, object] = {"job_id": spec.job_id, "person": spec.person, "kind": spec.kind, "spec": sealed}
            row |= {"status": Status.QUEUED, "tag": tag, "cost": fairness.cost_of(spec), "submitted_ms": now_ms()}
            connection.execute(sa.insert(JOBS).values(**row, deaths=0, forget=False))
            self.dispatch.enqueue(connection, spec.job_id, spec.kind, tag)
            view = row_of(connection, spec.job_id)
            assert view is not None  # inserted above
            return view_of(view, self.envelope)

    def cancel(self, job_id: str) -> JobView:
        """A queued job is over at once; a running one stops at its next step. What is over stays as it is.

        Raises:
            UnknownJob: there is no such job.
        """
        stop = sa.update(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.status.in_(OPEN))
        with address.writing(self.engine) as connection:
            locked = sa.select(JOBS).where(JOBS.c.job_id == job_id).with_for_update()  # against who claims it now
            before = connection.execute(locked).first()
            connection.execute(stop.values(status=Status.CANCELLED, ended_ms=now_ms()))
        if before is not None and before.status == Status.QUEUED:
            self.dispatch.take_off([job_id])  # a worker that was quicker finds the job cancelled, and lets it be
        return self.show(job_id)

    def delivered(self, job_id: str) -> bool:
        """Note that its owner was told; False where that is noted already."""
        note = sa.update(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.delivered_ms.is_(None))
        with address.writing(self.engine) as connection:
            return connection.execute(note.values(delivered_ms=now_ms())).rowcount == 1

    # ── mend, forget ──────────────────────────────────────────────────────────────────────────────────────────────

    def requeue(self, job_id: str) -> JobView:
        """Take up a failed, parked or cancelled job again, from its first unfinished stage; it keeps its turn.

        Raises:
            UnknownJob: there is no such job.
            WrongStatus: it is open or done, or its worker has not let go of it yet.
        """
        view = self.show(job_id)
        anew = sa.update(JOBS).where(JOBS.c.job_id == job_id, JOBS.c.claim.is_(None), ~JOBS.c.forget)
        anew = anew.where(JOBS.c.status.in_((Status.FAILED, Status.PARKED, Status.CANCELLED)))
        blank = {
            "started_ms": None,
            "ended_ms": None,
            "error": None,
            "error_code": None,
            "result": None,
            "delivered_ms": None,
        }
        with address.writing(self.engine) as connection:
            taken = connection.execute(anew.values(status=Status.QUEUED, deaths=0, **blank)).rowcount
        if not taken:
            rule = "only what failed, was parked or cancelled, and has been let go of, can be requeued"
            raise WrongStatus(f"the job {job_id!r} is {view.status}; {rule}")
        self._again(job_id, view.spec.kind)
        return self.show(job_id)

    def mend(self) -> list[str]:
        """Jobs that are open here and over for the engine, by a crash between the two, are run again or parked.

        Returns the ids of those that were found. Any number of processes may do this.
        """
        status = engine_status(self.engine)
        joined = sa.join(JOBS, status, status.c.workflow_uuid == JOBS.c.job_id)
        over = status.c.status.not_in(("ENQUEUED", "PENDING", "DELAYED"))
        query = sa.select(JOBS).select_from(joined).where(JOBS.c.status.in_(OPEN), over)
        with address.reading(self.engine) as connection:
            found = connection.execute(query.where(status.c.updated_at < now_ms() - ADRIFT_MS)).all()
        for row in found:
            parked = row.deaths + 1 >= MOST_DEATHS or row.kind not in {*Kind}
            values = {"status": Status.PARKED, "ended_ms": now_ms()} if parked else {"status": Status.QUEUED}
            mine = sa.update(JOBS).where(JOBS.c.job_id == row.job_id, JOBS.c.deaths == row.deaths)
            mine = mine.where(JOBS.c.status.in_(OPEN)).values(**values, deaths=row.deaths + 1, claim=None)
            with address.writing(self.engine) as connection:
                won = connection.execute(mine).rowcount == 1
            if won and not parked:
                self._again(row.job_id, Kind(row.kind))  # its words are not asked for: they may be damaged
        return [row.job_id for row in found]

    def delete_person(self, person: str, *, only: Collection[str] | None = None) -> tuple[int, int]:
        """Cancel what the person has open, and erase all that the queue knows of them.

        Args:
            only: the ids of those jobs that are meant; None for all.

        Returns how many jobs are erased, and how many will be as soon as their workers have let go of them.
        """
        of_theirs = JOBS.c.person == person
        of_theirs = of_theirs if only is None else of_theirs & JOBS.c.job_id.in_([*only])
        stop = sa.update(JOBS).where(of_theirs, JOBS.c.status.in_(OPEN))
        waiting = sa.select(JOBS.c.job_id).where(of_theirs, JOBS.c.status == Status.QUEUED).with_for_update()
        with address.writing(self.engine, one_at_a_time=f"sticker person {person}") as connection:
            queued = [row.job_id for row in connection.execute(waiting)]
            connection.execute(stop.values(status=Status.CANCELLED, ended_ms=now_ms()))
            connection.execute(sa.update(JOBS).where(of_theirs).values(forget=True))
        if queued:
            self.dispatch.take_off(queued)
        erased = self._erase(of_theirs & JOBS.c.forget & JOBS.c.claim.is_(None))  # not what came in since
        with address.reading(self.engine) as connection:
            left = connection.execute(sa.select(sa.func.count()).where(of_theirs)).scalar() or 0
        return erased, left

    def sweep(self, keep_s: float, forget: Callable[[Gone], None] | None = None) -> int:
        """Erase what has been over for ``keep_s`` seconds, and what is to be forgotten. Returns how many jobs.

        Args:
            forget: deletes a job's files; called before the queue forgets it, more than once where something crashes.

        Raises:
            StickerError: what ``forget`` raised first; that job stays, the others are erased.
        """
        old = JOBS.c.status.in_(OVER) & (JOBS.c.ended_ms < now_ms() - int(keep_s * 1000))
        return self._erase(old | (JOBS.c.forget & JOBS.c.claim.is_(None)), forget)

    def _again(self, job_id: str, kind: Kind) -> None:
        for _ in range(AGAIN_TRIES):
            try:
                return self.dispatch.again(job_id, kind)
            except NotOver:  # not over for the engine, or not yet; what stays so, ``mend`` finds
                time.sleep(AGAIN_S)

    def _erase(self, which: sa.ColumnElement[bool], forget: Callable[[Gone], None] | None = None) -> int:
        count, stay, first = 0, list[str](), list[StickerError]()
        while True:
            some = sa.select(JOBS.c.job_id, JOBS.c.person, JOBS.c.kind).where(which, JOBS.c.job_id.not_in(stay))
            with address.writing(self.engine) as connection:
                rows = connection.execute(some.limit(AT_ONCE).with_for_update()).all()
                found = [Gone(job_id=row.job_id, person=row.person, kind=row.kind) for row in rows]
                # What is marked cannot be requeued any more: a job that was accepted again must not vanish.
                marked = sa.update(JOBS).where(JOBS.c.job_id.in_([job.job_id for job in found]))
                connection.execute(marked.values(forget=True))
            chosen = [job.job_id for job in found if forget is None or _forgotten(job, forget, first)]
            if chosen:
                self.dispatch.erase(chosen)  # ours last: what a crash leaves is found again
                with address.writing(self.engine) as connection:
                    for table in (PROGRESS, JOBS):
                        connection.execute(sa.delete(table).where(table.c.job_id.in_(chosen)))
            count += len(chosen)
            stay += [job.job_id for job in found if job.job_id not in chosen]
            if found and chosen:
                continue
            if first:  # of all that were found, or of the last: the store is away, say
                raise first[0]
            return count


def _forgotten(job: Gone, forget: Callable[[Gone], None], first: list[StickerError]) -> bool:
    """Whether nothing of it is left; one job that cannot be forgotten keeps no other from it."""
    try:
        forget(job)
    except BadInput as error:  # its names are none: nothing can lie under them
        LOG.warning("nothing can be left of it", extra={"job": job.job_id, "error": type(error).__name__})
    except StickerError as error:
        LOG.warning("not forgotten yet", extra={"job": job.job_id, "error": type(error).__name__})
        first.append(error)
        return False
    return True
