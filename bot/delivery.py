"""Delivery: the outbox, emptied within Telegram's limits; what became of each row is written down before the next.

Owns the order of sending, and what follows from Telegram's answers. Knows no sentence but the two that say that
something could not be sent. Loads python-telegram-bot.

A row is marked before it is asked of Telegram and after it has answered. Whoever dies in between cannot know whether it
arrived: a change of a message is simply made again, a message is repeated and says that it is a repeat.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from functools import partial

import sqlalchemy as sa
from telegram import Bot
from telegram.error import TelegramError

from bot import fates
from bot.buttons import ANYBODY, Seals
from bot.effects import AGAIN_HARMLESS, COALESCE, Action, Effect
from bot.outbox import Note, Outbox, Row
from bot.rates import Priority, Rates
from bot.sending import REPEAT, OtherKind, Pictures, send
from bot.texts import Words
from bot.verdicts import Outcome, Verdict, verdict_of
from pipeline.errors import BadInput, JobError, QueueBroken, QueueUnreachable
from pipeline.files import Files

LOG = logging.getLogger("stickers.bot.delivery")
LOOK_S = 1.0  # at least so often, whatever nobody told us of
AT_ONCE = 10  # calls; each may be in doubt after a death
PAST_S = 60.0  # that the limits look back on
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0  # between two tries of a row
MOST_TIMEOUTS = 2  # of a message: the first try and one repeat
MOST_TRIES = 300  # while the server fails; some hours
MOST_RENEWED = 1  # times that progress is sent anew after somebody deleted it
FREE = (Action.NOTICE,)  # not counted by Telegram


class Delivery:
    """Sends until it is told to stop."""

    def __init__(self, bot: Bot, files: Files, rows: Outbox, seals: Seals, rates: Rates) -> None:
        self.bot, self.files, self.outbox, self.rates = bot, files, rows, rates
        self.wake = asyncio.Event()
        self.revoked: Callable[[], None] = lambda: None  # told once the token does not count any more
        self._mark = seals.token(REPEAT, owner=ANYBODY)
        self._pictures = Pictures()
        self._notes: list[tuple[Note, asyncio.Future[None]]] = []
        self._pen = asyncio.Lock()
        self._lanes: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is being sent then, ``leave`` waits for."""
        for chat, priority, ago_s in await asyncio.to_thread(self.outbox.lately, PAST_S):
            self.rates.take(chat, priority, ago_s=ago_s)
        for chat, seconds in (await asyncio.to_thread(self.outbox.holds)).items():
            self.rates.hold(chat, seconds)
        while not stop.is_set():
            self.wake.clear()
            try:
                wait_s = await self._round()
            except QueueBroken:
                raise
            except JobError as error:
                LOG.warning("the outbox cannot be read", extra={"error": type(error).__name__})
                wait_s = LOOK_S
            if wait_s > 0:
                await self._rest(stop, wait_s)

    async def leave(self, grace_s: float) -> None:
        """Let what is being sent arrive."""
        if self._lanes:
            await asyncio.wait([*self._lanes.values()], timeout=grace_s)

    async def _round(self) -> float:
        """Begin what may be sent now. Returns the seconds until there may be more."""
        chosen: list[Row] = []
        wait_s = LOOK_S
        busy = {*self._lanes}  # before the look: what ends during it has been looked at as it was, its message unknown
        for row in await asyncio.to_thread(self.outbox.heads):
            room = AT_ONCE if row.action not in FREE else 2 * AT_ONCE  # uploads must not keep a button spinning
            if row.lane in busy or row.lane in self._lanes or len(self._lanes) + len(chosen) >= room:
                continue
            later_s = 0.0 if row.action in FREE else self.rates.wait_s(row.chat, row.priority, _count(row))
            if later_s > 0:
                wait_s = min(wait_s, later_s)
                continue
            if row.action not in FREE:
                self.rates.take(row.chat, row.priority, _count(row))
            chosen.append(row)
        if chosen:
            mine = await asyncio.to_thread(self.outbox.sending, [row.number for row in chosen])
            for row in chosen:
                if row.number in mine:
                    self._lanes[row.lane] = asyncio.create_task(self._deliver(row), name=f"row {row.number}")
        elif (due_s := await asyncio.to_thread(self.outbox.due_in_s)) is not None:
            wait_s = min(wait_s, due_s + 0.001)
        return wait_s

    async def _rest(self, stop: asyncio.Event, seconds: float) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.wake, stop)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in waits:
            task.cancel()

    # ── one row ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _deliver(self, row: Row) -> None:
        """Send it, and write down what became of it."""
        try:
            await self._write(await self._called(row))
        except Exception as error:
            LOG.error("sending broke", extra={"row": row.number, "error": type(error).__name__})
        finally:
            self._lanes.pop(row.lane, None)
            self.wake.set()

    async def _write(self, note: Note) -> None:
        """Written down, together with whatever else waits for that, however long the database is away.

        Together, because until then a death leaves each of them in doubt.
        """
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._notes.append((note, written))
        async with self._pen:
            notes, self._notes = self._notes, []
            while notes:
                try:
                    await asyncio.to_thread(self.outbox.write, [note for note, _ in notes])
                    break
                except QueueUnreachable:
                    await asyncio.sleep(FIRST_WAIT_S)
            for _, each in notes:
                each.set_result(None)
        await written

    async def _called(self, row: Row) -> Note:
        """What is to be written down of it."""
        if row.action in COALESCE and row.message_id is None and self._silent(row):
            return partial(fates.dropped, row=row, error="its message is gone")
        row = self._pictures.told(row)
        try:
            message_id = await send(self.bot, self.files, row, mark=self._mark)
        except OtherKind as error:
            if self._pictures.mistaken(row):  # once more in its turn: that call counted, and so does the next
                return partial(fates.again, row=row, wait_s=0.0, error=str(error))
            return self._instead(row, "sorry-not-sent", str(error))
        except TelegramError as error:
            return self._after(row, verdict_of(error))
        except BadInput as error:
            LOG.warning("a file to send is gone", extra={"row": row.number})
            return self._instead(row, "sorry-file-gone", type(error).__name__)
        except Exception as error:  # a mistake of ours: that row alone must not stop the others
            LOG.error("a row cannot be sent", extra={"row": row.number, "error": type(error).__name__})
            return self._instead(row, "sorry-not-sent", type(error).__name__)
        self._pictures.met(row, message_id)
        return partial(fates.sent, row=row, message_id=message_id)

    def _silent(self, row: Row) -> bool:
        """Whether a change of a message that is gone goes unsaid."""
        worn = row.priority is Priority.PROGRESS and row.renewed >= MOST_RENEWED
        return row.action is Action.BUTTONS or worn

    def _after(self, row: Row, verdict: Verdict) -> Note:
        """What follows from an error of Telegram's."""
        outcome = verdict.outcome
        if outcome is Outcome.DONE or (outcome is Outcome.GONE and row.action is Action.DELETE):
            return partial(fates.sent, row=row, message_id=None)
        if outcome is Outcome.GONE and row.message_id is not None:
            return partial(fates.lost, row=row)
        if outcome is Outcome.MOVED:
            return partial(fates.moved, row=row, chat=verdict.chat)
        if outcome is Outcome.NOBODY:
            return partial(fates.nobody, row=row)
        if outcome is Outcome.TOO_FAST:
            return self._too_fast(row, verdict)
        if outcome in (Outcome.REFUSED, Outcome.GONE):
            LOG.error("Telegram refused a row", extra={"row": row.number, "why": verdict.words})
            return self._instead(row, "sorry-not-sent", verdict.words)
        if outcome is Outcome.REVOKED:
            self.revoked()
        return self._once_more(row, verdict)

    def _too_fast(self, row: Row, verdict: Verdict) -> Note:
        seconds = verdict.seconds
        LOG.warning("Telegram wants a pause", extra={"chat": row.chat, "seconds": seconds})
        if row.action not in FREE:
            self.rates.hold(row.chat, seconds)

        def write(connection: sa.Connection) -> None:
            if row.action not in FREE:
                fates.hold(connection, row.chat, seconds)
            if row.priority is Priority.PROGRESS:
                fates.dropped(connection, row, verdict.words)  # the next one says more
            else:  # a pressed button, too: unanswered it would spin on
                fates.again(connection, row, wait_s=seconds, error=verdict.words)

        return write

    def _once_more(self, row: Row, verdict: Verdict) -> Note:
        """It may have arrived, or it never left."""
        late = verdict.outcome is Outcome.TIMEOUT
        doubt = late or verdict.outcome is Outcome.TROUBLE
        makes = row.action not in AGAIN_HARMLESS or (row.action in COALESCE and row.message_id is None)
        if makes and ((late and row.timeouts + 1 >= MOST_TIMEOUTS) or (doubt and row.tries + 1 >= MOST_TRIES)):
            LOG.error("given up: repeats, too, got no answer", extra={"row": row.number})
            return partial(fates.unknown, row=row, error=verdict.words)
        wait_s = min(FIRST_WAIT_S * 2 ** min(row.tries, 10), LONGEST_WAIT_S) * random.uniform(0.5, 1.0)
        LOG.warning("a row is tried again", extra={"row": row.number, "why": verdict.outcome.value})
        return partial(fates.again, row=row, wait_s=wait_s, doubt=doubt, timeout=late, error=verdict.words)

    def _instead(self, row: Row, key: str, why: str) -> Note:
        """The row is dropped, and its person told so, unless it was but progress, or that very telling."""
        mute = row.priority is Priority.PROGRESS or ".instead." in row.key or row.action in (*FREE, Action.DELETE)
        language = str(row.payload.get("language"))
        payload = {"text": Words(language)(key), "loud": True, "language": language}
        effect = Effect(action=Action.SAY, chat=row.chat, payload=payload, priority=row.priority)
        return partial(fates.dropped, row=row, error=why, instead=None if mute else (self.outbox.vault, effect))


def _count(row: Row) -> int:
    """Messages that Telegram counts."""
    return len(row.payload["files"]) if row.action is Action.ALBUM else 1
