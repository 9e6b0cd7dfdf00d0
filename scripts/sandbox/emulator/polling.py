"""The waiting of getUpdates: confirmation by offset, long polls, and who is sent away when a second poller comes.

Owns that waiting, and the one way in which the server's coroutines wait for changes of the world. Loads no heavy
library.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from scripts.sandbox.emulator.errors import conflict
from scripts.sandbox.emulator.faults import FaultKind
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.world import World

MOST_SECONDS = 50
WEBHOOK_ACTIVE = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
SECOND_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"
BY_WEBHOOK = "terminated by setWebhook request"


class Changes:
    """Tells coroutines of one loop when the world has changed; ``ring`` may be called from any thread."""

    def __init__(self, world: World, loop: asyncio.AbstractEventLoop) -> None:
        self._world, self._loop = world, loop
        self._event = asyncio.Event()
        self.closing = False

    def ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            self._loop.call_soon_threadsafe(self._renew)

    def _renew(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, at_most_s: float) -> None:
        """Until the next change, or until the time is over."""
        event = self._event
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), at_most_s)

    async def pause(self, seconds: float) -> None:
        """Until the emulator's clock has moved on by so much."""
        until = self._world.clock.ticks() + seconds
        while not self.closing and (left_s := until - self._world.clock.ticks()) > 0:
            await self.wait(min(left_s, 1.0))


async def get_updates(call: Call, changes: Changes, is_gone: Callable[[], bool]) -> list[dict[str, Any]]:
    """The updates that wait, or those that come in time. Raises Refused (409)."""
    updates, clock = call.bot.updates, call.world.clock
    with call.world.changed:
        mine, again = _begin(call)
    changes.ring()
    if again:
        return again
    until = clock.ticks() + min(call.get("timeout", 0), MOST_SECONDS)
    while True:
        with call.world.changed:
            if updates.webhook is not None:
                raise conflict(BY_WEBHOOK)
            if updates.poller != mine:
                raise conflict(SECOND_POLLER)
            batch = [] if is_gone() else updates.batch(call.get("limit", 100))
            left_s = until - clock.ticks()
            if batch or left_s <= 0 or changes.closing or is_gone():
                return [update.to_json() for update in batch]
        await changes.wait(min(left_s, 1.0))


def _begin(call: Call) -> tuple[int, list[dict[str, Any]]]:
    """Take the poller's place and confirm. Its number, and what a fault delivers once more."""
    updates = call.bot.updates
    if updates.webhook is not None:
        raise conflict(WEBHOOK_ACTIVE)
    updates.poller += 1
    if "allowed_updates" in call.values:
        updates.allowed = call.values["allowed_updates"]
    updates.confirm(call.get("offset", 0))
    if not updates.confirmed or not call.world.faults.next_for("getUpdates", {}, only={FaultKind.REDELIVER}):
        return updates.poller, []
    return updates.poller, [update.to_json() for update in updates.confirmed]
