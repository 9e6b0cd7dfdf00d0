"""The watch over jobs in the queue: one status message each, edited while it changes; then what came of it, once.

Owns when a status is told anew. Knows no sentence but through ``status`` and ``results``. Loads python-telegram-bot,
through ``errands``.

Nothing but the pace of a job is kept in the process: what was told is in the outbox, what is open in the errands. What
came of a job is told in one transaction with the end of its errand, under a name that bears the job and when it ended:
so once, whoever dies. ``Jobs.delivered`` is noted after it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from dataclasses import dataclass, field

from bot import held, listed, results, things
from bot.desk import Settled
from bot.doing import Kit
from bot.errands import Errand, Kind, State, advance, errands, still, sweep
from bot.keyboards import cancel_keys
from bot.rates import Priority
from bot.routes import Services
from bot.status import Pace, text_of
from bot.talk import Talk
from pipeline.errors import BadInput, JobError, QueueBroken, WrongStatus
from pipeline.jobs.views import OPEN, JobView, now_ms
from pipeline.jobs.words import Position, Progress, Status

LOG = logging.getLogger("stickers.bot.watch")
LOOK_S = 0.5
EVERY_S = 3.0  # between two tellings of one job
FAR, FAR_EVERY_S = 20, 15.0  # jobs ahead from which a place is told more rarely
SLOW_S = 10.0  # between two looks at jobs that failed: an operator may take them up again
MOST = 20_000  # jobs under way
AT_ONCE = 50  # jobs that are over, told in one round
TIDY_S, DAY_MS = 3600.0, 86_400_000
RETRY_S = 30.0  # after what came of a job could not be told


@dataclass(kw_only=True)
class _Known:
    """What this process knows of a job."""

    pace: Pace = field(default_factory=Pace)
    told: tuple[str, str | None] | None = None  # the words, and a digest of the picture above them
    preview: str | None = None  # the key of the newest
    next_s: float = 0.0


class Watch:
    """Looks until it is told to stop."""

    def __init__(self, services: Services) -> None:
        self.kit, self.jobs = Kit(services), services.jobs
        self.wake = asyncio.Event()
        self._known: dict[str, _Known] = {}
        self._slow_s = self._tidy_s = 0.0
        self._looks_at: int | None = None  # whose job

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        while not stop.is_set():
            try:
                await self._round()
                await self._tidy()
            except QueueBroken:
                raise
            except JobError as error:
                LOG.warning("jobs cannot be looked at", extra={"error": type(error).__name__})
            waiting = asyncio.create_task(stop.wait())
            await asyncio.wait((waiting,), timeout=LOOK_S)
            waiting.cancel()

    def busy_with(self, person: int) -> bool:
        """Whether what came of a job of theirs is just being told."""
        return self._looks_at == person

    async def _round(self) -> None:
        rows = await asyncio.to_thread(errands, self.kit.desk, states=[State.STOPPING, State.WAITING], most=MOST)
        if time.monotonic() >= self._slow_s:
            self._slow_s = time.monotonic() + SLOW_S
            rows += await asyncio.to_thread(errands, self.kit.desk, states=[State.TOLD])
        if not rows:
            self._known.clear()
            return
        ids = [row.key for row in rows]
        views = await asyncio.to_thread(self.jobs.several, ids)
        running = [view.job_id for view in views.values() if view.status is Status.RUNNING]
        told = await asyncio.to_thread(self.jobs.latest, running) if running else {}
        self._known = {id: self._known.get(id, _Known()) for id in ids}
        over = 0
        for row in rows:
            view, latest = views.get(row.key), told.get(row.key)
            over += view is None or view.status not in OPEN
            if over <= AT_ONCE:
                await self._look(row, view, latest[1] if latest else None)

    async def _tidy(self) -> None:
        """Forget errands that are over, and stickers whose files are gone."""
        if time.monotonic() >= self._tidy_s:
            self._tidy_s = time.monotonic() + TIDY_S
            before_ms = now_ms() - int(self.kit.services.keep_days * DAY_MS)
            await asyncio.to_thread(sweep, self.kit.desk, before_ms=before_ms)
            await asyncio.to_thread(things.sweep, self.kit.desk, before_ms=before_ms)

    async def _look(self, row: Errand, view: JobView | None, progress: Progress | None) -> None:
        known = self._known[row.key]
        if view is not None and view.status is Status.RUNNING:
            known.pace.see(progress, time.monotonic())
            known.preview = (progress and progress.preview) or known.preview
        if time.monotonic() < known.next_s and row.state is not State.STOPPING:
            return
        self._looks_at = row.person
        try:
            if row.state is State.STOPPING:
                await self._stop(row, view)
            elif view is None:
                await self._forget(row)
            elif view.status in OPEN:
                await self._tell(row, view, known)
            elif row.state is State.TOLD and row.payload.get("told_ms") == _ended_ms(view):
                await self._note(row, view)
            else:
                await self._end(row, view)
        except Settled:
            return
        except (JobError, WrongStatus):
            raise
        except Exception as error:
            LOG.error("what came of a job could not be told", extra={"job": row.key, "error": type(error).__name__})
            known.next_s = time.monotonic() + RETRY_S
            if isinstance(error, BadInput):
                await self._lost(row)
        finally:
            self._looks_at = None

    # ── while it is open ──────────────────────────────────────────────────────────────────────────────────────────

    async def _tell(self, row: Errand, view: JobView, known: _Known) -> None:
        try:
            position: Position | None = await asyncio.to_thread(self.jobs.position, view.job_id)
        except WrongStatus:
            return  # it was over in this very moment
        known.next_s = time.monotonic() + (FAR_EVERY_S if position and position.ahead > FAR else EVERY_S)
        talk = await self.kit.talk(row, f"p{now_ms()}", priority=Priority.PROGRESS)
        text = text_of(talk.words, view, str(row.payload.get("title", "")), known.pace, position)
        seen = await self._picture(known)
        if row.state is State.TOLD:  # taken up again
            advance(talk, row, State.WAITING)
        elif (text, seen) == known.told:
            return
        else:
            still(talk, row)
        slot, keys = f"status:{row.key}", cancel_keys(talk.words, row.key)
        if known.preview and seen and (known.told is None or known.told[1] != seen):
            talk.rephoto(slot, known.preview, text, buttons=keys)
        else:
            talk.edit(slot, text, buttons=keys, captioned=seen is not None)
        await self.kit.settle(talk)
        known.told = (text, seen)

    async def _picture(self, known: _Known) -> str | None:
        """What tells the newest preview from the one before: it lies under the same key. None where there is none."""
        if known.preview is None:
            return None
        try:
            data = await asyncio.to_thread(self.kit.services.files.read, known.preview)
        except BadInput:
            return None
        return hashlib.sha256(data).hexdigest()

    # ── once it is over ───────────────────────────────────────────────────────────────────────────────────────────

    async def _end(self, row: Errand, view: JobView) -> None:
        if view.unread is not None and view.status is Status.DONE:
            raise BadInput(view.unread)  # its stickers cannot be found: the same as if they were gone
        ended_ms = _ended_ms(view)
        talk = await self.kit.talk(row, f"end{ended_ms}", priority=Priority.RESULT)
        if view.status is Status.DONE:
            await results.done(talk, row, view, self.kit.services)
        elif view.status is Status.CANCELLED:
            talk.edit(f"status:{row.key}", talk.words("cancelled-by-operator"))
            await self._drop_held(talk, row)
        else:
            await results.failed(talk, row, view, self.kit.services)
        advance(talk, row, State.TOLD, row.payload | {"told_ms": ended_ms})
        await listed.over(talk, self.kit.desk, row.key, with_held=view.status is Status.CANCELLED)
        await self.kit.settle(talk)
        await asyncio.to_thread(self.jobs.delivered, view.job_id)

    async def _note(self, row: Errand, view: JobView) -> None:
        """It was told; the queue is to know, whoever died in between. What failed may still be taken up again."""
        if not view.delivered:
            await asyncio.to_thread(self.jobs.delivered, view.job_id)
        if view.status in (Status.DONE, Status.CANCELLED):
            talk = await self.kit.talk(row, "over")
            advance(talk, row, State.OVER)
            await self.kit.settle(talk)

    async def _lost(self, row: Errand) -> None:
        """A file of the result is not there: nothing is gained by looking again."""
        talk = await self.kit.talk(row, "lost", priority=Priority.RESULT)
        talk.edit(f"status:{row.key}", talk.words("sorry-file-gone"))
        advance(talk, row, State.OVER)
        await listed.over(talk, self.kit.desk, row.key)
        await self.kit.settle(talk)
        await asyncio.to_thread(self.jobs.delivered, row.key)

    async def _stop(self, row: Errand, view: JobView | None) -> None:
        """Its person called it off, and was told so."""
        if view is not None:
            await asyncio.to_thread(self.jobs.cancel, row.key)
            await asyncio.to_thread(self.jobs.delivered, row.key)
        talk = await self.kit.talk(row, "stopped")
        advance(talk, row, State.OVER)
        if view is not None and view.status is Status.DONE and row.kind is Kind.LEARN:  # nobody was told of it
            results.unlearned(talk, row)
        await self._drop_held(talk, row)
        await listed.over(talk, self.kit.desk, row.key)  # a style that is deleted calls off several
        await self.kit.settle(talk)

    async def _forget(self, row: Errand) -> None:
        """The queue knows the job no more."""
        talk = await self.kit.talk(row, "gone")
        if row.state is State.WAITING:
            talk.edit(f"status:{row.key}", talk.words("cancelled-by-operator"))
        advance(talk, row, State.OVER)
        await self._drop_held(talk, row)
        await listed.over(talk, self.kit.desk, row.key, with_held=True)
        await self.kit.settle(talk)

    async def _drop_held(self, talk: Talk, row: Errand) -> None:
        """With the talk: what waited for it is not drawn."""
        waiting = await asyncio.to_thread(held.held, self.kit.desk, row)
        held.drop(talk, waiting, str(row.payload.get("title", "")), cancelled=True)


def _ended_ms(view: JobView) -> int:
    return round((view.ended_s or 0.0) * 1000)
