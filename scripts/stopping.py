"""Ctrl-C and SIGTERM: the first finishes the step and saves, the second leaves at once.

Owns the signals. Knows no stage: a stage asks ``Stop`` at every step and raises ``Stopped``. Light: standard library.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from pipeline.errors import Stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOPPING = "finishing this step and saving; once more leaves at once"
_SHOW_CURSOR = b"\x1b[?25h\n"  # the bars hide it, and nothing else runs after os._exit


class Interrupted(Stopped):
    """stopped; run the same command again to go on"""

    def __init__(self, signal_number: int, *, resumes: bool = True) -> None:
        super().__init__(None if resumes else "stopped; nothing is kept, the same command begins anew")
        self.exit_code = 128 + signal_number  # as shells have it: 130 after Ctrl-C, 143 after SIGTERM


class Stop:
    """A ``ShouldStop`` that says yes once a signal was heard."""

    def __init__(self, *, tells: bool) -> None:
        self.tells = tells  # say so at once on stderr; False where the bars say it
        self.heard: int | None = None  # the first signal

    def __call__(self) -> bool:
        return self.heard is not None

    def hear(self, number: int, _frame: FrameType | None) -> None:
        """The signal handler; it may run between any two lines, so it neither prints through buffers nor locks."""
        if self.heard is not None:
            if sys.__stderr__ is not None and sys.__stderr__.isatty():
                os.write(2, _SHOW_CURSOR)
            os._exit(128 + number)
        self.heard = number
        if self.tells:
            os.write(2, f"{STOPPING}\n".encode())


@contextmanager
def stoppable(*, tells: bool, resumes: bool = True) -> Iterator[Stop]:
    """Listen for the signals while the block runs; where it ``resumes``, a person is told that it does.

    Raises:
        Interrupted: the block raised ``Stopped`` after a signal.
    """
    stop = Stop(tells=tells)
    before = {number: signal.signal(number, stop.hear) for number in SIGNALS}
    try:
        yield stop
    except Stopped as error:
        raise Interrupted(stop.heard or signal.SIGINT, resumes=resumes) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
