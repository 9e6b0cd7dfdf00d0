"""Answering: the inbox, emptied in each person's order, people side by side; what cannot be answered is parked.

Owns that order, its limits, and what becomes of a handler that fails. Knows no sentence but the apology. Loads
python-telegram-bot.
"""

from __future__ import annotations

import asyncio
import logging
import random
import traceback
from collections.abc import Sequence
from pathlib import PurePath

from telegram import Update
from telegram.error import BadRequest, NetworkError, RetryAfter

from bot.desk import Desk, Settled
from bot.gate import Gate
from bot.inbox import MOST_DEATHS, MOST_FAILURES, Inbox, Taken, chat_of
from bot.limits import NotBegun
from bot.people import NOBODY
from bot.routes import Event, Route, Services, command_of, route_of
from bot.talk import Talk, job_id
from pipeline.errors import JobError, QueueBroken, QueueUnreachable, UnknownJob

LOG = logging.getLogger("stickers.bot.answering")
LOOK_S = 1.0  # at least so often, whatever nobody told us of
LONGEST_S = 180.0  # of a handler
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # between two tries of one update
MOST_WEATHER = 12  # tries that failed for the network's or the database's sake, before they count as its own
MOST_JOBS = 4  # that one update may have submitted


class Answering:
    """Takes updates and answers them until it is told to stop."""

    def __init__(
        self, desk: Desk, routes: Sequence[Route], services: Services, *, at_once: int, gate: Gate | None = None
    ) -> None:
        self.desk, self.routes, self.services, self.at_once = desk, routes, services, at_once
        self.inbox, self.gate = Inbox(desk.engine, desk.vault), gate or Gate(desk, services.settings)
        self.wake = asyncio.Event()
        self._busy: set[asyncio.Task[None]] = set()
        self._weather: dict[int, int] = {}  # update → tries that were not its fault

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; who is being answered then is put back by ``leave``."""
        while not stop.is_set():
            self.wake.clear()
            try:
                taken = await asyncio.to_thread(self.inbox.take, self.at_once - len(self._busy)) if self._room() else []
            except QueueBroken:
                raise
            except JobError as error:
                LOG.warning("the inbox cannot be read", extra={"error": type(error).__name__})
                taken = []
            for one in taken:
                task = asyncio.create_task(self._answer(one), name=f"update {one.update_id}")
                self._busy.add(task)
                task.add_done_callback(self._done)
            if not taken:
                await self._rest(stop)

    async def leave(self, grace_s: float) -> None:
        """Let those finish that can; the others are put back unharmed."""
        if self._busy:
            await asyncio.wait(self._busy, timeout=grace_s)
        for task in (left := [*self._busy]):
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _room(self) -> bool:
        return len(self._busy) < self.at_once

    def _done(self, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("answering broke", exc_info=error)
        self.wake.set()

    async def _rest(self, stop: asyncio.Event) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.wake, stop)]
        await asyncio.wait(waits, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()

    # ── one update ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _answer(self, taken: Taken) -> None:
        try:
            if taken.failures >= MOST_FAILURES or taken.deaths >= MOST_DEATHS:
                await self._park(taken)
                return
            async with asyncio.timeout(LONGEST_S):
                await self._try(taken)
            self._weather.pop(taken.update_id, None)
        except Settled:
            LOG.warning("an update was answered twice; once is kept", extra={"update": taken.update_id})
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.to_thread(self.inbox.put_back, taken.update_id))
            raise
        except Exception as error:
            await self._failed(taken, error)

    async def _try(self, taken: Taken) -> None:
        let_in = self._is_again(taken) or self.gate.lets_in(taken)
        if not let_in and "callback_query" not in taken.raw and not self.gate.flood.notices(taken.person):
            await asyncio.to_thread(self.inbox.dismiss, taken.update_id)
            return
        update = Update.de_json(taken.raw, self.services.bot)
        if not any(name != "update_id" for name in taken.raw):
            raise ValueError("there is nothing in the update")
        event = self._event(update, taken)
        talk = await self._talk(event, taken)
        if not let_in:
            self.gate.leaves_out(talk)
        elif await self.gate.opens(event, talk):
            chosen = route_of(self.routes, event)
            if chosen is not None:
                await chosen.answer(event, talk)
        talk.answer()  # a pressed button must not spin, whatever its handler forgot
        try:
            await asyncio.to_thread(self.desk.settle, talk)
        except NotBegun as error:
            talk = await self._talk(event, taken)
            self.gate.refuse(event, talk, error)
            await asyncio.to_thread(self.desk.settle, talk)
        self.gate.settled(talk)

    def _is_again(self, taken: Taken) -> bool:
        """What was let in once, and put back, is."""
        return taken.failures > 0 or taken.update_id in self._weather

    async def _talk(self, event: Event, taken: Taken) -> Talk:
        update = event.update
        return self.desk.talk(
            origin=f"u{taken.update_id}",
            person=await asyncio.to_thread(self.desk.person, taken.person),
            chat=event.chat,
            update_id=taken.update_id,
            query=update.callback_query.id if update.callback_query else None,
            tag=update.effective_user.language_code if update.effective_user else None,
        )

    def _event(self, update: Update, taken: Taken) -> Event:
        query, message = update.callback_query, update.message
        pressed = None if query is None else self.desk.seals.read(query.data or "", presser=taken.person)
        name, argument = command_of((message and message.text) or "", self.services.username)
        chat = update.effective_chat.id if update.effective_chat else taken.person
        return Event(update=update, services=self.services, chat=chat, pressed=pressed, command=name, argument=argument)

    async def _failed(self, taken: Taken, error: Exception) -> None:
        """Put it back for another try, later each time."""
        weather = isinstance(error, QueueUnreachable | RetryAfter | NetworkError) and not isinstance(error, BadRequest)
        count = self._weather.get(taken.update_id, 0) + 1 if weather else taken.failures + 1
        if weather:
            self._weather[taken.update_id] = count
        own = not weather or count > MOST_WEATHER
        last = own and taken.failures + 1 >= MOST_FAILURES
        wait_s = 0.0 if last else min(FIRST_WAIT_S * 2 ** (count - 1), LONGEST_WAIT_S) * random.uniform(0.5, 1.0)
        facts = {"update": taken.update_id, "wait_s": round(wait_s, 1), "error": type(error).__name__}
        # Where, not what: an error's words may be a person's. They are kept sealed, with the update.
        LOG.warning("an update could not be answered", extra=facts | {"where": _where(error)})
        what = f"{type(error).__name__}: {error}"
        while True:
            try:
                await asyncio.to_thread(self.inbox.put_back, taken.update_id, wait_s=wait_s, error=what, failed=own)
                return
            except QueueUnreachable:
                await asyncio.sleep(FIRST_WAIT_S)

    async def _park(self, taken: Taken) -> None:
        """Give up on it, and tell its person so; jobs that it handed in and said nothing of are called off."""
        for number in range(MOST_JOBS):
            try:
                await asyncio.to_thread(self.desk.jobs.cancel, job_id(f"u{taken.update_id}", number))
            except UnknownJob:
                break
        person = await asyncio.to_thread(self.desk.person, taken.person)
        chat = chat_of(taken.raw) or taken.person
        origin = f"u{taken.update_id}.parked"
        talk: Talk = self.desk.talk(origin=origin, person=person, chat=chat, update_id=taken.update_id)
        if chat != NOBODY and not person.banned:
            talk.say(talk.words("sorry-parked"))
        await asyncio.to_thread(self.desk.settle, talk, parked=True)
        LOG.error(
            "an update was parked",
            extra={"update": taken.update_id, "failures": taken.failures, "deaths": taken.deaths},
        )


def _where(error: BaseException) -> str:
    """The last lines of code that it came through."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
