"""How far a job is, in a line or two: its place in the queue, a bar, percents, the time that is left.

Owns these words' numbers. Knows no chat. Light.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from bot.texts import Words
from pipeline.jobs.views import JobView
from pipeline.jobs.words import JobSpec, Kind, Position, Progress, Status

BAR = 10  # signs
FULL, EMPTY = "▰", "▱"
SHARES = {  # of the whole that a stage has, from and to, as far as the past of real jobs tells
    "prepare": (0.0, 0.1),
    "pack-captions": (0.0, 0.04),
    "class-pictures": (0.04, 0.05),
    "encode": (0.05, 0.15),
    "learn": (0.15, 1.0),
    "caption": (0.0, 0.1),
    "generate": (0.1, 0.9),
    "cutout": (0.9, 1.0),
}
# Another pace than what follows:
PREPARING = frozenset({"prepare", "pack-captions", "class-pictures", "encode", "caption"})
LONG_S = 90.0  # what is longer is told in minutes
AFTER = 0.02  # of the whole, done before its pace tells anything
WRONG, WRONG_S = 1.5, 10.0  # how far more than what was said has to be left before more is said


@dataclass(kw_only=True)
class Pace:
    """How a running job has gone on since it was first looked at; forgotten with the process."""

    share: float = 0.0  # done; never goes back
    first: tuple[float, float] | None = None  # when, and the share then
    left_s: float | None = field(default=None)
    said_s: float | None = None  # what its person was told is left

    def say(self, left_s: float) -> float:
        """What they are told: it goes up only where it was wrong by half, for what goes up and down tells nobody
        anything."""
        if self.said_s is None or left_s < self.said_s or left_s > WRONG * self.said_s + WRONG_S:
            self.said_s = left_s
        return self.said_s

    def see(self, progress: Progress | None, now_s: float) -> None:
        """It is so far now."""
        self.share = max(self.share, min(1.0, share_of(progress)))
        if progress is None or progress.stage in PREPARING:
            return
        if self.first is None:
            self.first = (now_s, self.share)
        since_s, begun = self.first
        if self.share - begun > AFTER and now_s > since_s:
            self.left_s = (now_s - since_s) / (self.share - begun) * (1.0 - self.share)


def share_of(progress: Progress | None) -> float:
    """How much of the whole is done; a stage that nobody knows counts as the whole."""
    if progress is None or progress.total <= 0:
        return 0.0
    begin, end = SHARES.get(progress.stage, (0.0, 1.0))
    return begin + (end - begin) * min(1.0, progress.done / progress.total)


def bar(share: float) -> str:
    """▰▰▰▱▱ …"""
    full = math.floor(share * BAR)
    return FULL * full + EMPTY * (BAR - full)


def count_of(spec: JobSpec) -> int:
    """Stickers that a drawing makes."""
    return len(spec.photos) * int(spec.options.get("count") or 1)


def queued_text(words: Words, spec: JobSpec, title: str, position: Position | None) -> str:
    """While it waits."""
    ahead = position.ahead if position is not None else 0
    head = words("status-learn-queued", title=title, ahead=ahead)
    if spec.kind is Kind.DRAW:
        head = words("status-draw-queued", ahead=ahead, count=count_of(spec))
    eta = "" if position is None or position.eta_s is None else time_text(words, position.eta_s)
    return f"{head}\n{eta}" if eta else head


def running_text(words: Words, spec: JobSpec, title: str, pace: Pace, position: Position | None) -> str:
    """While it runs."""
    draws = spec.kind is Kind.DRAW
    head = words("status-draw", count=count_of(spec)) if draws else words("status-learn", title=title)
    left_s = pace.left_s
    if left_s is None and position is not None and position.eta_s:
        left_s = position.eta_s
    line = f"{bar(pace.share)} {math.floor(pace.share * 100)} %"
    return f"{head}\n{line}" + (f" · {time_text(words, pace.say(left_s))}" if left_s is not None else "")


def time_text(words: Words, seconds: float) -> str:
    """About how long."""
    if seconds <= LONG_S:
        return words("time-seconds", seconds=max(10, math.ceil(seconds / 10) * 10))
    return words("time-minutes", minutes=math.ceil(seconds / 60))


def text_of(words: Words, view: JobView, title: str, pace: Pace, position: Position | None) -> str:
    """Of an open job."""
    if view.status is Status.RUNNING:
        return running_text(words, view.spec, title, pace, position)
    return queued_text(words, view.spec, title, position)
