"""The emulator's clock: real time that a test can push forward, stop, or set wrong.

Owns two readings: ``now`` is what dates show and may jump, ``ticks`` is what durations are measured by and only grows.
Knows nothing of what is timed; loads nothing but the standard library.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Real time plus what was advanced; ``freeze`` stops it, so that only ``advance`` moves it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._advanced_s = 0.0
        self._jumped_s = 0.0
        self._frozen_at: float | None = None
        self._started = (time.time(), time.monotonic())
        self._listeners: list[Callable[[], None]] = []

    def _real_s(self) -> float:
        return (time.monotonic() if self._frozen_at is None else self._frozen_at) - self._started[1]

    def ticks(self) -> float:
        """Seconds since the emulator began, never going back."""
        with self._lock:
            return self._real_s() + self._advanced_s

    def now(self) -> float:
        """Seconds since 1970, as dates show it."""
        with self._lock:
            return self._started[0] + self._real_s() + self._advanced_s + self._jumped_s

    def advance(self, seconds: float) -> None:
        """Let time pass: links expire, buckets fill, long polls end."""
        if seconds < 0:
            raise ValueError(f"advance({seconds!r}): time passes forwards only; jump() sets the dates back")
        with self._lock:
            self._advanced_s += seconds
        self._tell()

    def jump(self, seconds: float) -> None:
        """Set the dates forwards or back; no time passes."""
        with self._lock:
            self._jumped_s += seconds
        self._tell()

    def freeze(self) -> None:
        """Stop the clock where it is; ``advance`` still moves it."""
        with self._lock:
            self._frozen_at = time.monotonic() if self._frozen_at is None else self._frozen_at

    def thaw(self) -> None:
        """Let it run again, as if no time had passed meanwhile."""
        with self._lock:
            if self._frozen_at is not None:
                self._advanced_s -= time.monotonic() - self._frozen_at
                self._frozen_at = None

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every advance and jump."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
