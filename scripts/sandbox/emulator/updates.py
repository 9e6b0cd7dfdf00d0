"""The updates that wait for one bot: numbered, kept a day, confirmed by offset, or delivered by webhook.

Owns the order and the keeping. Knows neither HTTP nor messages; loads the API's table.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.sandbox.emulator.clock import Clock
from scripts.sandbox.emulator.parameters import check_object
from scripts.sandbox.emulator.spec import bot_api

KEPT_SECONDS = 24 * 3600
SILENCE_SECONDS = 7 * 24 * 3600  # after that the next number is a random step further
NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}


@dataclass(kw_only=True)
class Update:
    """One update. ``told`` is called when the bot first gets it."""

    id: int
    kind: str
    payload: dict[str, Any]
    ticks: float
    told: Callable[[], None] | None = None

    def to_json(self) -> dict[str, Any]:
        """The Update object; from now on the bot knows."""
        if self.told is not None:
            self.told()
        return {"update_id": self.id, self.kind: self.payload}


@dataclass(kw_only=True)
class Webhook:
    """What setWebhook has set."""

    url: str
    secret: str = ""
    max_connections: int = 40
    last_error: str = ""
    last_error_date: int = 0
    gone_since: float | None = None  # in ticks: since when the other side has answered 410 only


@dataclass(kw_only=True)
class Updates:
    """A queue of updates. Every method is called under the emulator's lock."""

    clock: Clock
    seed: int
    webhook: Webhook | None = None
    allowed: list[str] | None = None
    waiting: list[Update] = field(default_factory=list)
    confirmed: list[Update] = field(default_factory=list)  # the batch that the last offset confirmed, for redelivery
    all: list[Update] = field(default_factory=list)  # for asserts
    poller: int = 0  # number of the getUpdates that is waiting; an earlier one that still waits is told to stop
    _next_id: int = 0
    _last_ticks: float = 0.0

    def push(self, kind: str, payload: dict[str, Any], told: Callable[[], None] | None = None) -> Update | None:
        """Queue an update, unless the bot does not want its kind. Raises Malformed where the API has no such object."""
        wanted = kind in self.allowed if self.allowed else kind not in NOT_BY_DEFAULT
        if not wanted:
            return None
        check_object(bot_api().types["Update"].fields[kind].kinds[0], payload)
        now = self.clock.ticks()
        if not self._next_id or now - self._last_ticks > SILENCE_SECONDS:
            self._next_id += random.Random(f"{self.seed} {self._next_id}").randrange(10**6, 9 * 10**6)
        update = Update(id=self._next_id, kind=kind, payload=payload, ticks=now, told=told)
        self._next_id, self._last_ticks = self._next_id + 1, now
        self.waiting.append(update)
        self.all.append(update)
        return update

    def forget_old(self) -> None:
        """Drop what has waited for more than a day."""
        oldest = self.clock.ticks() - KEPT_SECONDS
        self.waiting = [update for update in self.waiting if update.ticks >= oldest]

    def confirm(self, offset: int) -> None:
        """An offset above zero confirms all updates below it; one below zero all but the last ones."""
        if offset < 0:
            kept = self.waiting[offset:]
        elif offset > 0:
            kept = [update for update in self.waiting if update.id >= offset]
        else:
            return
        done = [update for update in self.waiting if update not in kept]
        self.confirmed = done or self.confirmed
        self.waiting = kept

    def batch(self, limit: int) -> list[Update]:
        """The earliest updates that wait, at most ``limit``."""
        self.forget_old()
        return self.waiting[:limit]
