"""How often a bot may send: token buckets per chat, per group, in all, and per owner of sticker sets.

Owns the buckets and the waits they ask for. Edits count as messages do; answers to callback queries, deletions and chat
actions do not. Knows nothing of messages; loads nothing but the standard library. Times are in ticks of the emulator's
clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from scripts.sandbox.emulator.clock import Clock
from scripts.sandbox.emulator.errors import too_many_requests

SENDING = {
    "sendMessage",
    "sendPhoto",
    "sendDocument",
    "sendSticker",
    "sendAnimation",
    "sendMediaGroup",
    "forwardMessage",
    "copyMessage",
    "editMessageText",
    "editMessageCaption",
    "editMessageMedia",
    "editMessageReplyMarkup",
}
SET_WRITING = {
    "uploadStickerFile",
    "createNewStickerSet",
    "addStickerToSet",
    "replaceStickerInSet",
    "deleteStickerFromSet",
    "setStickerPositionInSet",
    "setStickerSetThumbnail",
}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """``burst`` at once, then ``per_s`` a second."""

    burst: float
    per_s: float


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Telegram publishes these only roughly (its FAQ for bots); the one for sets is what others have met."""

    chat: Limit = Limit(burst=5, per_s=1)
    group: Limit = Limit(burst=20, per_s=20 / 60)
    overall: Limit = Limit(burst=30, per_s=30)
    set_writes: Limit = Limit(burst=60, per_s=0.5)  # of one owner


UNLIMITED = Limits(**{name: Limit(burst=math.inf, per_s=1) for name in ("chat", "group", "overall", "set_writes")})


@dataclass
class _Bucket:
    limit: Limit
    tokens: float
    at: float

    def fill(self, now: float) -> None:
        self.tokens = min(self.limit.burst, self.tokens + (now - self.at) * self.limit.per_s)
        self.at = now

    def wait_s(self, cost: float) -> float:
        return max(0.0, (min(cost, self.limit.burst) - self.tokens) / self.limit.per_s)


@dataclass
class Rates:
    """All buckets, and the floods that bots have been told to wait out."""

    clock: Clock
    limits: Limits = field(default_factory=Limits)
    _buckets: dict[tuple[str, int, int], _Bucket] = field(default_factory=dict)
    _told: dict[tuple[str, int, int], float] = field(default_factory=dict)  # bucket → until when

    def _bucket(self, key: tuple[str, int, int]) -> _Bucket:
        limit: Limit = getattr(self.limits, key[0])
        bucket = self._buckets.get(key)
        if bucket is None or bucket.limit is not limit:
            bucket = self._buckets[key] = _Bucket(limit, limit.burst, self.clock.ticks())
        bucket.fill(self.clock.ticks())
        return bucket

    def take(self, keys: Iterable[tuple[str, int, int]], cost: float = 1) -> None:
        """Take ``cost`` from each bucket (its limit's name, bot, chat or owner), or from none. Raises Refused (429)."""
        buckets = {key: self._bucket(key) for key in keys}
        wait_s, slowest = max(((one.wait_s(cost), key) for key, one in buckets.items()), default=(0.0, None))
        if wait_s > 0 and slowest is not None:
            retry_after_s = math.ceil(wait_s)
            self._told[slowest] = self.clock.ticks() + retry_after_s
            raise too_many_requests(retry_after_s)
        for bucket in buckets.values():
            bucket.tokens -= cost

    def tell(self, key: tuple[str, int, int], retry_after_s: float) -> None:
        """Remember a wait that a fault has asked for."""
        self._told[key] = self.clock.ticks() + retry_after_s

    def ignored_s(self, keys: Iterable[tuple[str, int, int]]) -> float:
        """How many seconds too early a request comes after a 429; 0 if the bot kept the wait."""
        return max((self._told.get(key, 0.0) - self.clock.ticks() for key in keys), default=0.0)


def keys_for(
    method: str, bot_id: int, chat_id: int | None, is_group: bool, owner: int | None
) -> list[tuple[str, int, int]]:
    """The buckets that a request takes from."""
    if method in SENDING and chat_id is not None:
        return [("group" if is_group else "chat", bot_id, chat_id), ("overall", bot_id, 0)]
    return [("set_writes", bot_id, owner)] if method in SET_WRITING and owner is not None else []
