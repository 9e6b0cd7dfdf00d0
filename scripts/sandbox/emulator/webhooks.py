"""Delivery of updates to webhooks, with the secret header, retries, and the faults of delivery.

Owns when an update is sent again. Delivers to loopback only (``methods/receiving.py`` sees to it); loads aiohttp.
"""

from __future__ import annotations

import asyncio
import contextlib
import json

import aiohttp

from scripts.sandbox.emulator.faults import WEBHOOK, FaultKind
from scripts.sandbox.emulator.people import Bot
from scripts.sandbox.emulator.polling import Changes
from scripts.sandbox.emulator.updates import Update, Webhook
from scripts.sandbox.emulator.world import World

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
FIRST_BACKOFF_S, MOST_BACKOFF_S = 1.0, 60.0  # in seconds of the emulator's clock
GONE_SECONDS = 23 * 3600  # of nothing but 410: the webhook is dropped
PATIENCE_S = 60.0


class Deliveries:
    """One bot's deliveries, one at a time and in order, for as long as the emulator runs."""

    def __init__(self, world: World, bot: Bot, changes: Changes) -> None:
        self._world, self._bot, self._changes = world, bot, changes

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            backoff_s = FIRST_BACKOFF_S
            while not self._changes.closing:
                update, webhook = self._next(), self._bot.updates.webhook
                if update is None or webhook is None:
                    backoff_s = FIRST_BACKOFF_S
                    await self._changes.wait(1.0)
                    continue
                wait_s = await self._deliver(session, webhook, update)
                if wait_s is None:
                    backoff_s = FIRST_BACKOFF_S
                else:
                    await self._changes.pause(max(wait_s, backoff_s))
                    backoff_s = min(backoff_s * 2, MOST_BACKOFF_S)

    def _next(self) -> Update | None:
        """The earliest update that waits; a later one first where a fault says so."""
        with self._world.changed:
            if self._bot.updates.webhook is None:
                return None
            batch = self._bot.updates.batch(2)
            if len(batch) == 2 and self._world.faults.next_for(WEBHOOK, {}, only={FaultKind.OUT_OF_ORDER}):
                return batch[1]
            return batch[0] if batch else None

    async def _deliver(self, session: aiohttp.ClientSession, webhook: Webhook, update: Update) -> float | None:
        """Send one update. None when it has arrived, else the seconds that the other side asks to wait."""
        with self._world.changed:
            again = self._world.faults.next_for(WEBHOOK, {}, only={FaultKind.REDELIVER})
            payload = json.dumps(update.to_json())
        headers = {"Content-Type": "application/json"} | ({SECRET_HEADER: webhook.secret} if webhook.secret else {})
        try:
            async with session.post(webhook.url, data=payload, headers=headers) as answer:
                await answer.read()
                status, asked = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as failure:
            status, asked = 0, ""
            self._note(webhook, f"Connection failed: {type(failure).__name__}")
        if 200 <= status < 300:
            webhook.gone_since = None
            if again is None:
                self._done(update)
            return None
        if status:
            self._note(webhook, f"Wrong response from the webhook: {status}")
        self._count_gone(webhook, status)
        return float(asked) if asked.isdigit() else 0.0

    def _done(self, update: Update) -> None:
        with self._world.changed, contextlib.suppress(ValueError):  # a new setWebhook may have dropped it
            self._bot.updates.waiting.remove(update)

    def _note(self, webhook: Webhook, error: str) -> None:
        webhook.last_error, webhook.last_error_date = error, int(self._world.clock.now())

    def _count_gone(self, webhook: Webhook, status: int) -> None:
        """410 for 23 hours and nothing else: the other side is gone for good."""
        now = self._world.clock.ticks()
        if status != 410:
            webhook.gone_since = None
        elif webhook.gone_since is None:
            webhook.gone_since = now
        elif now - webhook.gone_since > GONE_SECONDS and self._bot.updates.webhook is webhook:
            self._bot.updates.webhook = None


def start(world: World, bot: Bot, changes: Changes) -> asyncio.Task[None]:
    """Begin a bot's deliveries on the running loop."""
    return asyncio.get_running_loop().create_task(Deliveries(world, bot, changes).run())
