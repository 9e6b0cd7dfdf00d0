"""How often something may be sent: to one chat, to a group, to all; and what has to wait for how long.

Owns the limits. Knows no message, and never sleeps: it says how many seconds something has to wait, and its caller does
something else meanwhile. Light: the standard library.

Telegram's limits (Bots FAQ, and what its developers said): about one message a second to a chat, with small bursts; 20
a minute to a group; some 30 a second in all. Edits count like messages, answers to pressed buttons do not. Whoever
oversteps is told how long to keep still, and that holds for that chat alone.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

FORGET_S = 600.0  # a chat that was still for so long has all its allowances back
FORGET_EVERY = 1000  # chats between two rounds of forgetting
SLACK = 1e-9  # of a message: rounding must not ask for another nanosecond


class Priority(IntEnum):
    """Who goes first; smaller is sooner."""

    RESULT = 0  # what a job made, and what came of it
    ANSWER = 1  # to what a person just did
    PROGRESS = 2  # superseded by the next one anyway


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Telegram's, with a margin."""

    chat_per_s: float = 1.0
    chat_burst: float = 3.0
    group_per_s: float = 20 / 60
    group_burst: float = 5.0
    all_per_s: float = 25.0
    all_burst: float = 25.0
    progress_s: float = 3.0  # between two in a chat
    group_progress_s: float = 6.0
    kept_of_chat: float = 1.0  # messages that progress leaves to the others
    kept_of_all: float = 5.0

    @classmethod
    def paced(cls, all_per_s: float, chat_per_s: float) -> Limits:
        """At another pace to all together and to one chat, three times as many at once."""
        return cls(all_per_s=all_per_s, chat_per_s=chat_per_s, chat_burst=3 * chat_per_s)


@dataclass(kw_only=True)
class Bucket:
    """Allowances that come back with time."""

    per_s: float
    burst: float
    level: float
    at_s: float

    def wait_s(self, now_s: float, need: float) -> float:
        """Until ``need`` are there; more than it can ever hold are counted as that."""
        self._fill(now_s)
        lacking = min(need, self.burst) - self.level
        return 0.0 if lacking <= SLACK else lacking / self.per_s

    def take(self, now_s: float, count: float) -> None:
        """They are gone; below nothing where a burst was larger than the bucket."""
        self._fill(now_s)
        self.level -= count

    def _fill(self, now_s: float) -> None:
        gone_s = max(0.0, now_s - self.at_s)
        self.level, self.at_s = min(self.burst, self.level + gone_s * self.per_s), now_s


@dataclass(kw_only=True)
class _Chat:
    buckets: list[Bucket]
    held_until_s: float = -math.inf
    progress_s: float = -math.inf  # when the last was sent
    used_s: float = 0.0


@dataclass(kw_only=True)
class Rates:
    """What was sent lately, and what may be sent now."""

    limits: Limits = field(default_factory=Limits)
    now_s: Callable[[], float] = time.monotonic
    _chats: dict[int, _Chat] = field(default_factory=dict)
    _all: Bucket | None = None

    def wait_s(self, chat: int, priority: Priority, count: int = 1) -> float:
        """Seconds until ``count`` messages may go there; 0 for now."""
        now_s, known, limits = self.now_s(), self._chat(chat), self.limits
        progress = priority is Priority.PROGRESS
        waits = [max(0.0, known.held_until_s - now_s)]
        waits += [bucket.wait_s(now_s, count + limits.kept_of_chat * progress) for bucket in known.buckets]
        waits.append(self._whole().wait_s(now_s, count + limits.kept_of_all * progress))
        if progress:
            apart_s = limits.group_progress_s if chat < 0 else limits.progress_s
            waits.append(max(0.0, known.progress_s + apart_s - now_s))
        return max(waits)

    def take(self, chat: int, priority: Priority, count: int = 1, *, ago_s: float = 0.0) -> None:
        """They are being sent; or were, so long ago: to be told in order, before anything is asked."""
        now_s = self.now_s() - ago_s
        known = self._chat(chat, now_s)
        for bucket in (*known.buckets, self._whole(now_s)):
            bucket.take(now_s, count)
        known.used_s = now_s
        if priority is Priority.PROGRESS:
            known.progress_s = now_s

    def hold(self, chat: int, seconds: float) -> None:
        """Telegram wants nothing there for so long."""
        known = self._chat(chat)
        known.held_until_s = max(known.held_until_s, self.now_s() + seconds)
        known.used_s = self.now_s()

    def _chat(self, chat: int, since_s: float | None = None) -> _Chat:
        known = self._chats.get(chat)
        if known is None:
            if len(self._chats) % FORGET_EVERY == FORGET_EVERY - 1:
                self._forget()
            now_s, limits = self.now_s() if since_s is None else since_s, self.limits
            of = [(limits.chat_per_s, limits.chat_burst)]
            of += [(limits.group_per_s, limits.group_burst)] if chat < 0 else []
            known = _Chat(
                buckets=[Bucket(per_s=per_s, burst=burst, level=burst, at_s=now_s) for per_s, burst in of],
                used_s=now_s,
            )
            self._chats[chat] = known
        return known

    def _whole(self, since_s: float | None = None) -> Bucket:
        if self._all is None:
            limits, now_s = self.limits, self.now_s() if since_s is None else since_s
            self._all = Bucket(per_s=limits.all_per_s, burst=limits.all_burst, level=limits.all_burst, at_s=now_s)
        return self._all

    def _forget(self) -> None:
        now_s = self.now_s()
        still = {
            chat for chat, known in self._chats.items() if now_s - max(known.used_s, known.held_until_s) > FORGET_S
        }
        self._chats = {chat: known for chat, known in self._chats.items() if chat not in still}
