"""Whose turn it is on the GPU: drawing goes first, learning gives way between two of its steps and goes on afterwards.

Owns the order in which jobs of one process use the device. Knows no model, no job and no queue. Light: threads alone.

A sticker takes seconds, a style takes minutes: first come first served would let everybody wait for somebody's
training. So a learner offers the device at every step. Lest it starve where drawing never ends, the time that it gives
way earns it a share: once that suffices for a step, it makes one ahead of those that wait.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from pipeline.domain import ShouldStop, never_stop
from pipeline.errors import BadSetting, Stopped

LEARN_SHARE = 0.1
LOOK_EVERY_S = 0.1  # at ``should_stop``, while waiting
LINGER_S = 0.05  # at most, before a learner goes on: the next batch of the same drawing is asked for in a moment


@dataclass(frozen=True, kw_only=True)
class TurnFigures:
    """What has been, since the start."""

    draws: int = 0  # turns of drawing
    draw_wait_s: float = 0.0  # how long they waited, together
    draw_s: float = 0.0  # how long they took
    learn_s: float = 0.0  # how long learners had the device
    gave_way_s: float = 0.0  # how long learners waited for drawing
    gave_way: int = 0  # how often


class _Ticket:
    """A place in the line."""


class Turns:
    """One device, many threads: one of them has it at a time."""

    def __init__(self, *, learn_share: float = LEARN_SHARE, clock: Callable[[], float] = time.monotonic) -> None:
        """``learn_share``: of the time while both want the device, in [0, 1); 0 lets a learner wait for ever."""
        if not 0 <= learn_share < 1:
            raise BadSetting(f"learn_share = {learn_share!r}: must be 0 or more, and less than 1")
        self._earns, self._clock = learn_share / (1 - learn_share), clock
        self._changed, self._one_learner = threading.Condition(), threading.Lock()
        self._holder: _Ticket | None = None
        self._draws = deque[_Ticket]()
        self._learner: _Ticket | None = None  # while it waits
        self._owed_s = 0.0  # to the learner
        self._step_s = 0.0  # the learner's last step
        self._since = self._released = clock()
        self._figures = TurnFigures()

    @property
    def figures(self) -> TurnFigures:
        """For metrics."""
        with self._changed:
            return self._figures

    @contextmanager
    def drawing(self, should_stop: ShouldStop = never_stop) -> Iterator[None]:
        """The device for the block, as soon as whoever has it makes room; in order among drawings.

        Raises:
            Stopped: ``should_stop`` said so while waiting.
        """
        ticket, began = _Ticket(), self._clock()
        with self._changed:
            self._draws.append(ticket)
        if not self._take(ticket, should_stop):
            raise Stopped()
        self._count(draws=1, draw_wait_s=self._clock() - began)
        try:
            yield
        finally:
            self._drawn()

    @contextmanager
    def learning(self, should_stop: ShouldStop = never_stop) -> Iterator[ShouldStop]:
        """The device for the block, but for the times in between when it is drawn; one learner at a time.

        Yields: what takes the place of ``should_stop``, to be asked at every step: there the device is offered. After
            it said True the device may be somebody else's, and nothing but saving is to be done.

        Raises:
            Stopped: ``should_stop`` said so before the first turn.
        """
        while not self._one_learner.acquire(timeout=LOOK_EVERY_S):
            if should_stop():
                raise Stopped()
        ticket = _Ticket()
        try:
            if not self._wait_to_learn(ticket, should_stop):
                raise Stopped()
            yield lambda: self._offer(ticket, should_stop)
        finally:
            self._learned(ticket)
            self._one_learner.release()

    def _offer(self, ticket: _Ticket, should_stop: ShouldStop) -> bool:
        """Let those draw who wait, if it is not our share's turn; returns whether to stop."""
        if should_stop():
            return True
        with self._changed:
            self._spent()
            self._step_s = self._clock() - self._since
            if not self._draws or self._deserved():
                self._since = self._clock()
                return False
            self._holder = None
        began = self._clock()
        go_on = self._wait_to_learn(ticket, should_stop)
        self._count(gave_way=1, gave_way_s=self._clock() - began)
        return not go_on

    def _wait_to_learn(self, ticket: _Ticket, should_stop: ShouldStop) -> bool:
        with self._changed:
            self._learner = ticket
            self._changed.notify_all()
        return self._take(ticket, should_stop)

    def _take(self, ticket: _Ticket, should_stop: ShouldStop) -> bool:
        """Wait until the device is ours; False where ``should_stop`` was sooner, and the place in the line is left."""
        while True:
            with self._changed:
                if self._next() is ticket:
                    self._leave(ticket)
                    self._holder, self._since = ticket, self._clock()
                    return True
                self._changed.wait(LINGER_S / 2 if self._learner is ticket and not self._draws else LOOK_EVERY_S)
            if should_stop():
                with self._changed:
                    self._leave(ticket)
                    self._changed.notify_all()
                return False

    def _next(self) -> _Ticket | None:
        """Who may have the device now."""
        if self._holder is not None:
            return None
        if self._draws and not (self._learner and self._deserved()):
            return self._draws[0]
        if not self._draws and self._clock() - self._released < min(LINGER_S, self._step_s):
            return None
        return self._learner

    def _deserved(self) -> bool:
        return 0 < self._owed_s >= self._step_s

    def _leave(self, ticket: _Ticket) -> None:
        if self._learner is ticket:
            self._learner = None
        elif ticket in self._draws:
            self._draws.remove(ticket)

    def _drawn(self) -> None:
        """The end of a turn of drawing; a learner that waited for it has earned its share."""
        with self._changed:
            seconds = self._clock() - self._since
            self._owed_s += seconds * self._earns if self._learner else 0.0
            self._figures = replace(self._figures, draw_s=self._figures.draw_s + seconds)
            self._holder, self._released = None, self._clock()
            self._changed.notify_all()

    def _learned(self, ticket: _Ticket) -> None:
        """The end of a learner's block, wherever it stood."""
        with self._changed:
            if self._holder is ticket:
                self._spent()
                self._holder = None
            self._leave(ticket)
            self._owed_s = 0.0
            self._changed.notify_all()

    def _spent(self) -> None:
        """Take what the learner has used off what it is owed; where nobody waits for it, all is settled."""
        seconds = self._clock() - self._since
        self._owed_s = max(0.0, self._owed_s - seconds) if self._draws else 0.0
        self._figures = replace(self._figures, learn_s=self._figures.learn_s + seconds)

    def _count(self, **more: float) -> None:
        with self._changed:
            added = {name: getattr(self._figures, name) + value for name, value in more.items()}
            self._figures = replace(self._figures, **added)
