"""The loop that does errands beside the answers, and tells their persons where one cannot be done.

Owns what becomes of an errand that fails. Knows not how any is done. Loads python-telegram-bot, for its errors.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath

import sqlalchemy as sa
from telegram.error import RetryAfter

from bot import held, listed
from bot.desk import Settled
from bot.errands import JOBS, Errand, Kind, State, advance, errands
from bot.rates import Priority
from bot.routes import Services
from bot.tables import ERRANDS, writing
from bot.talk import Talk
from bot.verdicts import seconds_of
from pipeline.errors import JobError, QueueBroken
from pipeline.jobs.views import now_ms

LOG = logging.getLogger("stickers.bot.errands")
LOOK_S = 0.5  # at least so often, whatever nobody told us of
AT_ONCE = 8  # of all people
LONGEST_S = 900.0  # of one; then it is begun again
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # between two tries


class Kit:
    """What an errand is done with."""

    def __init__(self, services: Services) -> None:
        self.services, self.desk = services, services.desk

    async def talk(self, errand: Errand, step: str, *, priority: Priority = Priority.ANSWER) -> Talk:
        """A talk to the errand's person, whose effects happen once for each ``step``."""
        person = await asyncio.to_thread(self.desk.person, errand.person)
        return self.desk.talk(origin=f"{errand.key}:{step}", person=person, chat=errand.chat, priority=priority)

    async def settle(self, talk: Talk) -> None:
        """Write it down.

        Raises:
            Settled: the errand was called off meanwhile; nothing was written.
        """
        await asyncio.to_thread(self.desk.settle, talk)


Act = Callable[[Errand, Kit], Awaitable[None]]


class Errands:
    """Does them until it is told to stop."""

    def __init__(self, services: Services, acts: Mapping[Kind, Act]) -> None:
        self.kit, self.acts = Kit(services), acts
        self.wake = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}  # lane → who is in it

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is under way then is done anew after the next start."""
        while not stop.is_set():
            self.wake.clear()
            busy = {*self._busy}  # before the look: what ends during it was looked at as it was
            try:
                for one in await asyncio.to_thread(self._due):
                    if _lane(one) not in busy:
                        self._start(one)
            except QueueBroken:
                raise
            except JobError as error:
                LOG.warning("the errands cannot be read", extra={"error": type(error).__name__})
            await self._rest(stop)
        for task in (left := [*self._busy.values()]):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def busy_with(self, person: int) -> bool:
        """Whether one of theirs is being done in this process."""
        return any(lane.partition(":")[0] == str(person) for lane in self._busy)

    def _due(self) -> list[Errand]:
        return errands(self.kit.desk, ERRANDS.c.due_ms <= now_ms(), states=[State.OPEN], most=100)

    def _start(self, one: Errand) -> None:
        lane = _lane(one)
        if lane in self._busy or len(self._busy) >= AT_ONCE:
            return
        task = self._busy[lane] = asyncio.create_task(self._do(one), name=f"errand {one.key}")

        def done(_: asyncio.Task[None]) -> None:
            self._busy.pop(lane, None)
            self.wake.set()

        task.add_done_callback(done)

    async def _do(self, one: Errand) -> None:
        try:
            async with asyncio.timeout(LONGEST_S):
                await self.acts[one.kind](one, self.kit)
        except Settled:
            LOG.info("an errand was called off", extra={"errand": one.key})
        except RetryAfter as error:
            await self._later(one, seconds_of(error), counts=False)
        except Exception as error:
            facts = {"errand": one.key, "error": type(error).__name__, "tries": one.tries + 1, "where": _where(error)}
            LOG.warning("an errand failed", extra=facts)
            wait_s = min(FIRST_WAIT_S * 2**one.tries, LONGEST_WAIT_S) * random.uniform(0.5, 1.0)
            if one.last:
                await self._give_up(one)
            else:
                await self._later(one, wait_s, counts=True)

    async def _later(self, one: Errand, wait_s: float, *, counts: bool) -> None:
        def write() -> None:
            mine = sa.update(ERRANDS).where(ERRANDS.c.key == one.key, ERRANDS.c.state == State.OPEN)
            with writing(self.kit.desk.engine) as connection:
                due_ms = now_ms() + int(wait_s * 1000)
                connection.execute(mine.values(due_ms=due_ms, tries=ERRANDS.c.tries + int(counts)))

        try:
            await asyncio.to_thread(write)
        except JobError:  # the database is away: it is simply due again
            await asyncio.sleep(FIRST_WAIT_S)

    async def _give_up(self, one: Errand) -> None:
        talk = await self.kit.talk(one, "sorry", priority=Priority.RESULT)
        said = talk.words("errand-sorry")
        if one.kind is Kind.LEARN:
            waiting = await asyncio.to_thread(held.held, self.kit.desk, one)
            said += f"\n{talk.words('failed-held')}" if waiting else ""
        if one.kind in JOBS:
            talk.edit(f"status:{one.key}", said)
        else:
            talk.say(said)
        advance(talk, one, State.OVER)
        try:
            await listed.over(talk, self.kit.desk, one.key)
            await self.kit.settle(talk)
        except (Settled, JobError) as error:
            LOG.warning("an errand could not be given up", extra={"error": type(error).__name__})

    async def _rest(self, stop: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.wake, stop)]
        await asyncio.wait(waits, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()


def _lane(one: Errand) -> str:
    """One at a time in it: a person's pictures, and their sets."""
    what = "fetch" if one.kind in JOBS else "set"
    return f"{one.person}:{what}"


def _where(error: BaseException) -> str:
    """The line of code it came from; what it says may be a person's words."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{PurePath(frame.filename).name}:{frame.lineno}"
