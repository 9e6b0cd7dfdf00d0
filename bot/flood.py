"""The flood gate: how much of what one person sends is looked into at all.

Owns the numbers and who has how much left. Knows no update's content but its album. Light: the standard library.

It is asked before anything is read, decoded or fetched. What it keeps is in the process alone: after a restart
everybody has all of it again, which costs nothing and forgets nothing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.rates import FORGET_EVERY, FORGET_S, Bucket

# A message of ours is what an update costs: Telegram lets one a second into a chat, so whoever gets more answers than
# that waits for them ever longer. What only changes a message that is there (one more picture of sixty, a pressed
# button) is cheap. Fifteen at once are a handful of forwarded stickers, or an album with some words before it.
PER_S = 1.0  # that come back
BURST = 15.0
ARRIVED = 0.1  # of every update
SAID = 0.9  # more, where something new was said to it
NOTICE_S = 30.0  # between two words on what was left out


@dataclass(kw_only=True)
class _Person:
    bucket: Bucket
    album: str | None = None  # the last one
    album_in: bool = True  # whether it was let in: an album is answered as a whole, or not at all
    noticed_s: float = -math.inf


@dataclass(kw_only=True)
class Flood:
    """What everybody has left."""

    now_s: Callable[[], float] = time.monotonic
    _people: dict[int, _Person] = field(default_factory=dict)

    def lets_in(self, person: int, album: str | None = None) -> bool:
        """Whether the update is answered; ``album``: the one that it is of."""
        known, now_s = self._known(person), self.now_s()
        same = album is not None and album == known.album
        let_in = known.album_in if same else known.bucket.wait_s(now_s, 1.0) == 0.0
        if album is not None:
            known.album, known.album_in = album, let_in
        if let_in:
            known.bucket.take(now_s, ARRIVED)
        return let_in

    def said(self, person: int) -> None:
        """It led to a message."""
        self._known(person).bucket.take(self.now_s(), SAID)

    def notices(self, person: int) -> bool:
        """Whether they are to be told now that something was left out; True at most once in ``NOTICE_S``."""
        known, now_s = self._known(person), self.now_s()
        due = now_s - known.noticed_s >= NOTICE_S
        if due:
            known.noticed_s = now_s
        return due

    def _known(self, person: int) -> _Person:
        known = self._people.get(person)
        if known is None:
            if len(self._people) % FORGET_EVERY == FORGET_EVERY - 1:
                self._forget()
            full = Bucket(per_s=PER_S, burst=BURST, level=BURST, at_s=self.now_s())
            known = self._people[person] = _Person(bucket=full)
        return known

    def _forget(self) -> None:
        """Who was still for long has everything back anyway."""
        now_s = self.now_s()
        self._people = {id: one for id, one in self._people.items() if now_s - one.bucket.at_s <= FORGET_S}
