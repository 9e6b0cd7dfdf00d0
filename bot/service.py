"""The bot as a process: what runs side by side in it, how it begins, and how it leaves.

Owns that. Knows no sentence and no route. Loads python-telegram-bot.

Nothing that matters is kept in the process: it may be killed at any moment and begun anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from telegram.error import InvalidToken, RetryAfter, TelegramError

from bot.answering import Answering
from bot.api import Api
from bot.delivery import Delivery
from bot.desk import Desk
from bot.erasing import Erasing
from bot.errors import OtherBot, TokenRevoked
from bot.gate import Gate
from bot.inbox import Inbox
from bot.lock import only_bot
from bot.menus import Menus
from bot.outbox import Outbox
from bot.poller import Poller
from bot.rates import Limits, Rates
from bot.routes import Route, Services, kinds
from bot.settings import BotSettings, webhook_secret_of
from bot.verdicts import seconds_of
from bot.webhook import Webhook
from pipeline.errors import BadSetting, JobError
from pipeline.files import Files
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import now_ms

LOG = logging.getLogger("stickers.bot")
GRACE_S = 20.0  # for leaving in order
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
LOOK_S = 3.0  # that a part may take to notice that it is to stop
WATCH_S = 5.0  # between two looks at the lock
ERASE_S, SWEEP_S = 5.0, 3600.0
MENU_S = 30.0  # between two tries to show an admin their menu
DAY_MS = 86_400_000
INBOX_DAYS, OUTBOX_DAYS = 3, 14  # after which what is over is forgotten; Telegram repeats updates for a day


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the service is made of; ``app.build`` puts it together."""

    settings: BotSettings
    api: Api
    desk: Desk
    jobs: Jobs
    files: Files
    routes: Sequence[Route]
    commands: Sequence[str]
    keep_days: float
    companions: Sequence[Callable[[Services], Companion]] = ()


class Companion(Protocol):
    """What runs beside the answering: errands, the watch over jobs."""

    wake: asyncio.Event  # set when something was written down

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; may be cancelled at any moment."""
        ...

    def busy_with(self, person: int) -> bool:
        """Whether something is just being done for them, which may write files."""
        ...


class Service:
    """One bot."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.gate = Gate(parts.desk, parts.settings)
        self.stop, self.hurry = asyncio.Event(), asyncio.Event()
        self.port: int | None = None  # of the webhook's door

    async def run(self) -> None:
        """Until ``stop`` is set. Where the token does not count any more, it keeps still until then.

        Raises:
            OtherBot: there is another one.
            QueueBroken: the database is damaged.
        """
        parts = self.parts
        with only_bot(parts.desk.engine) as still:
            parts.desk.belongs_to(int(parts.api.bot.token.partition(":")[0]))
            try:
                await parts.api.poll.initialize()
                username = await self._known()
                if username is not None:
                    await self._work(username, still)
            except TokenRevoked as error:
                LOG.error(str(error))
                await self.stop.wait()  # to leave would have us begun anew, again and again
            finally:
                with suppress(TelegramError):
                    await parts.api.close()

    async def _known(self) -> str | None:
        """Our own name; None where we are to stop before Telegram has told it."""
        me = await self._patiently(self.parts.api.bot.initialize)
        return self.parts.api.bot.username if me else None

    async def _work(self, username: str, still: Callable[[], bool]) -> None:
        parts, services = self.parts, self._services(username)
        rates = Rates(limits=Limits.paced(parts.settings.bot_per_second, parts.settings.bot_chat_per_second))
        outbox = Outbox(parts.desk.engine, parts.desk.vault)
        delivery = Delivery(parts.api.bot, parts.files, outbox, parts.desk.seals, rates)
        answering = Answering(parts.desk, parts.routes, services, at_once=parts.settings.bot_at_once, gate=self.gate)
        revoked = asyncio.Event()
        companions = [make(services) for make in parts.companions]

        def busy_with(person: int) -> bool:
            return any(one.busy_with(person) for one in companions)

        erasing = Erasing(parts.desk, parts.jobs, parts.files, busy_with)
        parts.desk.settled = _from_any_thread(delivery.wake, *(companion.wake for companion in companions))
        delivery.revoked = revoked.set
        again = await asyncio.to_thread(answering.inbox.recover), await asyncio.to_thread(outbox.recover)
        LOG.info("begun", extra={"bot": username, "answers_again": len(again[0]), "sends_again": len(again[1])})
        acts: list[Coroutine[Any, Any, None]] = [
            self._door(answering.inbox, _from_any_thread(answering.wake, delivery.wake)),
            answering.run(self.stop),
            delivery.run(self.stop),
            self._introduce(),
            self._tidy(erasing),
            self._watch(still),
            self._mind(revoked),
            *(companion.run(self.stop) for companion in companions),
        ]
        try:
            await _together(acts, self.stop)
        finally:
            self.stop.set()
            await self._leave(answering, delivery)

    def _services(self, username: str) -> Services:
        parts = self.parts
        return Services(
            bot=parts.api.bot,
            username=username,
            desk=parts.desk,
            jobs=parts.jobs,
            files=parts.files,
            settings=parts.settings,
            keep_days=parts.keep_days,
        )

    async def _leave(self, answering: Answering, delivery: Delivery) -> None:
        """In order; in a hurry, at once."""
        LOG.info("leaving")
        hurried = asyncio.create_task(self.hurry.wait())
        for leave in (answering.leave, delivery.leave):
            orderly = asyncio.create_task(leave(GRACE_S / 2))
            await asyncio.wait((orderly, hurried), return_when=asyncio.FIRST_COMPLETED)
            if not orderly.done():
                orderly.cancel()
        hurried.cancel()

    # ── what runs side by side ────────────────────────────────────────────────────────────────────────────────────

    async def _door(self, inbox: Inbox, arrived: Callable[[], None]) -> None:
        parts, bot = self.parts, self.parts.api.bot
        wanted = kinds(parts.routes)
        url = parts.settings.bot_webhook_url
        if url is None:
            # A webhook that was set before would keep updates from us; those that wait are not dropped.
            if await self._patiently(lambda: bot.delete_webhook(drop_pending_updates=False)):
                await Poller(bot, parts.api.poll, inbox, wanted, arrived).run(self.stop)
            return
        secret = webhook_secret_of(parts.settings)
        host, port = parts.settings.bot_webhook_host, parts.settings.bot_webhook_port
        try:
            door = Webhook(inbox, secret, arrived, host=host, port=port)
        except OSError as error:
            rule = "let STICKERS_BOT_WEBHOOK_HOST and STICKERS_BOT_WEBHOOK_PORT name a free one"
            raise BadSetting(f"cannot listen on {host!r}, port {port}: {error.strerror or error}; {rule}") from None
        self.port = door.port
        served = asyncio.create_task(door.run(self.stop))
        await self._patiently(lambda: bot.set_webhook(url, allowed_updates=wanted, secret_token=secret))
        await served

    async def _introduce(self) -> None:
        """The menus; an admin who has not written to us yet has one soon after they have."""
        menus = Menus(self.parts.api.bot, self.parts.desk, self.parts.commands, self._patiently)
        await menus.show()
        while await menus.show_to(self.parts.settings.admins) and not self.stop.is_set():
            await self._pause(MENU_S)

    async def _tidy(self, erasing: Erasing) -> None:
        """Forget what is old, and follow up those who asked to be forgotten."""
        swept_ms = 0
        while not self.stop.is_set():
            try:
                await erasing.round()
                if now_ms() - swept_ms > SWEEP_S * 1000:
                    await asyncio.to_thread(self._sweep)
                    swept_ms = now_ms()
            except JobError as error:
                LOG.warning("tidying failed", extra={"error": type(error).__name__})
            await self._pause(ERASE_S)

    def _sweep(self) -> None:
        now, slots_ms = now_ms(), int(max(self.parts.keep_days, OUTBOX_DAYS) * DAY_MS)
        self.parts.desk.sweep(
            inbox_ms=now - INBOX_DAYS * DAY_MS, outbox_ms=now - OUTBOX_DAYS * DAY_MS, slots_ms=now - slots_ms
        )
        self.gate.sweep()

    async def _watch(self, still: Callable[[], bool]) -> None:
        while not self.stop.is_set():
            if not await asyncio.to_thread(still):
                raise OtherBot("the connection that keeps other bots away is lost; begin anew")
            await self._pause(WATCH_S)

    async def _mind(self, revoked: asyncio.Event) -> None:
        """The token may stop to count while nobody asks for updates."""
        stopped = asyncio.create_task(self.stop.wait())
        told = asyncio.create_task(revoked.wait())
        await asyncio.wait((stopped, told), return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, told):
            task.cancel()
        if revoked.is_set():
            raise TokenRevoked

    # ── waiting ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def _patiently(
        self, call: Callable[[], Coroutine[Any, Any, Any]], *, not_for: tuple[type[TelegramError], ...] = ()
    ) -> bool:
        """Make a call that may be made again until Telegram answers; False where we are to stop before that.

        Raises:
            TokenRevoked: Telegram does not know us.
            TelegramError: one of ``not_for``, which another try would not change.
        """
        tries = 0
        while not self.stop.is_set():
            try:
                await call()
                return True
            except InvalidToken as error:
                raise TokenRevoked from error
            except RetryAfter as error:
                wait_s = seconds_of(error)
            except not_for:
                raise
            except TelegramError as error:
                wait_s = min(FIRST_WAIT_S * 2**tries, LONGEST_WAIT_S)
                LOG.warning("Telegram does not answer as it should", extra={"error": type(error).__name__})
            tries = min(tries + 1, 10)
            await self._pause(wait_s)
        return False

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stop.wait()


async def _together(acts: Sequence[Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    """Until ``stop``, or until one of them breaks, which is raised."""
    tasks = [asyncio.create_task(act) for act in acts]
    stopped = asyncio.create_task(stop.wait())
    try:
        waiting: set[asyncio.Task[Any]] = {*tasks, stopped}
        while not stop.is_set():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        stop.set()
        stopped.cancel()
        _, late = await asyncio.wait(tasks, timeout=LOOK_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, stopped, return_exceptions=True)


def _from_any_thread(*events: asyncio.Event) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def tell() -> None:
        for event in events:
            loop.call_soon_threadsafe(event.set)

    return tell
