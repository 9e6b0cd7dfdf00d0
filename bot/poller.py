"""The door where we ask Telegram for updates, for as long as it takes until there are some.

Owns the asking. Knows not what is in an update. Loads python-telegram-bot, for its requests alone: its own ``Updater``
confirms updates before anybody has kept them.

An update counts as received once a later call bears a higher offset. That call is made only after the update and the
offset have been written down in one transaction; so whatever dies, Telegram gives again what we have not.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from telegram import Bot
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError
from telegram.request import BaseRequest

from bot.errors import OtherBot, TokenRevoked
from bot.inbox import NUMBERS, Inbox
from bot.verdicts import seconds_of
from pipeline.domain import Json
from pipeline.errors import QueueBroken

LOG = logging.getLogger("stickers.bot.poller")
LONG_S = 50  # that Telegram may wait for an update; more than this it does not
MARGIN_S = 10.0  # beyond it, for the network
MOST = 100  # updates at once
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
MOST_CONFLICTS = 4  # in a row: the first may be of our own last life, whose question is still open


class Poller:
    """Asks until it is told to stop."""

    def __init__(
        self, bot: Bot, request: BaseRequest, inbox: Inbox, kinds: Sequence[str], arrived: Callable[[], None]
    ) -> None:
        """``request``: for this alone, since it is busy nearly always; ``arrived``: told when something came."""
        self.bot, self.request, self.inbox, self.arrived = bot, request, inbox, arrived
        self._kinds = json.dumps([*kinds])

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``.

        Raises:
            OtherBot: somebody else asks for the same bot's updates, and goes on doing so.
            TokenRevoked: Telegram does not know us.
            QueueBroken: the database is damaged.
        """
        trouble = conflicts = 0
        while not stop.is_set():
            try:
                await self._round(stop)
                trouble = conflicts = 0
                continue
            except InvalidToken as error:
                raise TokenRevoked from error
            except QueueBroken:
                raise
            except Conflict as error:
                conflicts += 1
                if conflicts >= MOST_CONFLICTS:
                    raise OtherBot from error
                wait_s = 2.0 ** (conflicts - 1)
            except RetryAfter as error:
                wait_s = seconds_of(error)
            except Exception as error:  # the network, the database, or a mistake of ours: to die mends none of them
                trouble += 1
                LOG.warning("no updates for now", extra={"error": type(error).__name__, "in_a_row": trouble})
                wait_s = min(FIRST_WAIT_S * 2 ** min(trouble - 1, 10), LONGEST_WAIT_S) * random.uniform(0.5, 1.0)
            await _pause(stop, wait_s)

    async def _round(self, stop: asyncio.Event) -> None:
        """One question, and what comes of it."""
        offset = await asyncio.to_thread(self.inbox.offset)
        asked = asyncio.create_task(self._ask(offset))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((asked, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():  # what is under way is not confirmed, and comes again
                return
            given = asked.result()
            updates = [update for update in given if isinstance(update.get("update_id"), int)]
        finally:
            for task in (asked, stopped):
                task.cancel()
            await asyncio.gather(asked, stopped, return_exceptions=True)
        numbers = [update["update_id"] for update in updates if update["update_id"] in NUMBERS]
        if updates:
            behind = max(numbers) + 1 if numbers else None
            await asyncio.to_thread(self.inbox.accept, updates, offset=behind)
            self.arrived()
        if given and not numbers:  # none can be confirmed, and they come again at once
            raise TelegramError("updates without numbers")

    async def _ask(self, offset: int | None) -> list[Json]:
        """As Telegram sends them: an update that the library cannot read must not hold up the others."""
        words: dict[str, str | int] = {"timeout": LONG_S, "limit": MOST, "allowed_updates": self._kinds}
        words |= {} if offset is None else {"offset": offset}
        found = await self.request.post(
            f"{self.bot.base_url}/getUpdates?{urlencode(words)}", read_timeout=LONG_S + MARGIN_S
        )
        if not isinstance(found, list):
            raise TelegramError("getUpdates gave no list")
        return [update for update in found if isinstance(update, dict)]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
