"""``stickers run``: starts the workers, and the bot where there is one; starts again whichever dies, and stops all of
them in order.

Owns the processes. Knows nothing of what they do. Light.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import BadSetting
from pipeline.options import within
from scripts import results
from scripts.door import WRONG_REQUEST

TOKENS = ("STICKERS_BOT_TOKEN", "STICKERS_BOT_TOKEN_FILE")  # one of them, and there is a bot to start
AGAIN = 75  # a worker that leaves so wants to be begun anew; the same as in pipeline/worker/life
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
SETTLED_S = 60.0  # who lived for so long is started again without delay
QUICK_S = 30.0  # whoever asks to be begun anew so soon, a slow start included, waits like the others
LOOK_EVERY_S = 0.1
MOST_GPU = 1023  # the highest number of one
MOST_DIGITS = 9  # of such a number
MOST_GPUS = 100  # numbers in a list
ENOUGH_S = 30.0  # beyond the workers' own grace, for leaving


@dataclass(kw_only=True)
class Child:
    """A process that is to be there."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ.copy())
    process: subprocess.Popen[bytes] | None = None
    began_s: float = 0.0
    wait_s: float = 0.0  # before it is started again
    next_s: float = 0.0  # when

    def look(self, now_s: float) -> int | None:
        """Start it where it is due; the exit code where it has just died."""
        if self.process is None:
            if now_s >= self.next_s:
                # A session of its own: Ctrl-C reaches us alone, and we ask the children once.
                self.process = subprocess.Popen(
                    self.command, env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True
                )
                self.began_s = now_s
            return None
        code = self.process.poll()
        if code is not None:
            self.process = None
            short = now_s - self.began_s < (QUICK_S if code == AGAIN else SETTLED_S)
            self.wait_s = min(max(2 * self.wait_s, FIRST_WAIT_S), LONGEST_WAIT_S) if short else 0.0
            self.next_s = now_s + self.wait_s
        return code


def with_queue(url: str | None) -> dict[str, str]:
    """The environment of a child that is to use this queue: on its command line a password could be read by all."""
    return os.environ.copy() | ({} if url is None else {"STICKERS_QUEUE_URL": url})


def run(workers: Sequence[Sequence[str]], *, url: str | None, grace_s: float) -> int:
    """Keep everything running until SIGTERM or SIGINT. Returns the exit code.

    Args:
        workers: the words behind ``stickers worker``, one list a worker.
        url: of the queue; None for the environment's.
    """
    program, environment = [sys.executable, "-m", "scripts.cli"], with_queue(url)
    children = [
        Child(
            name=f"worker {number}" if len(workers) > 1 else "worker",
            command=[*program, "worker", *words],
            environment=environment,
        )
        for number, words in enumerate(workers)
    ]
    if any(os.environ.get(name) for name in TOKENS):
        children.append(Child(name="bot", command=[*program, "bot", "--with-parent"], environment=environment))
    else:
        results.warn((), [f"{TOKENS[0]} is not set: only the worker is started, no bot"])
    stop, hurry = _listen()
    code = keep(children, stop, tell=lambda line: results.warn((), [line]))
    end(children, hurry, until_s=time.monotonic() + grace_s + ENOUGH_S)
    return code


def keep(children: Sequence[Child], stop: threading.Event, *, tell: Callable[[str], None]) -> int:
    """Start again whoever dies, until ``stop``; a child that was started wrongly ends it all with its exit code."""
    while not stop.wait(LOOK_EVERY_S):
        for child in children:
            code = child.look(time.monotonic())
            if code == WRONG_REQUEST:
                return code
            if code is not None:
                tell(f"{child.name} ended with exit code {code}; starting it again in {child.wait_s:.0f} s")
    return 0


def end(children: Sequence[Child], hurry: threading.Event, *, until_s: float) -> None:
    """Ask all to leave in order; in a hurry, or when time is up, kill them: nothing is lost by that."""
    alive = [child.process for child in children if child.process is not None]
    for process in alive:
        process.send_signal(signal.SIGTERM)
    while any(process.poll() is None for process in alive) and time.monotonic() < until_s:
        if hurry.wait(LOOK_EVERY_S):
            break
    for process in alive:
        if process.poll() is None:
            process.kill()
        process.wait()


def _listen() -> tuple[threading.Event, threading.Event]:
    stop, hurry = threading.Event(), threading.Event()

    def hear(_number: int, _frame: object) -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hear)
    return stop, hurry


def gpu_numbers(text: str | None, *, most: int = MOST_GPU) -> list[int | None]:
    """``"0,1"`` → those; nothing → one worker that takes what it finds.

    Raises:
        BadSetting: it is no list of numbers, one is above ``most``, or one comes twice.
    """
    if text is None:
        return [None]
    words = text.split(",")
    short = len(words) <= MOST_GPUS and all(len(word) <= MOST_DIGITS for word in words)
    if not short or not all(word.isascii() and word.isdecimal() for word in words):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise BadSetting(f"gpus = {shown!r}: give numbers with commas between, as in 0,1; at most {MOST_GPUS} of them")
    numbers = [int(word) for word in words]
    if len(set(numbers)) < len(numbers):
        raise BadSetting(f"gpus = {text!r}: one comes twice, and a GPU has one worker")
    return [within("gpus", number, 0, most) for number in numbers]
