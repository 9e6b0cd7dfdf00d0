"""Progress on stderr: a bar a stage with the time that is left, or plain lines now and then where no terminal is.

Owns how work in progress looks. Knows the stages by name only, and nothing of what they do. Light: loads rich.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Protocol, Self

from PIL import Image
from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from pipeline.domain import Report, ShouldStop, Stage
from scripts.stopping import STOPPING, Stop, stoppable

DOING = {
    Stage.INTAKE: "reading the pictures",
    Stage.PREPARE: "getting ready to learn",
    Stage.TRAIN: "learning the style",
    Stage.CAPTION: "describing the photos",
    Stage.GENERATE: "drawing",
    Stage.CUTOUT: "cutting out",
}
UNITS = {
    Stage.INTAKE: "pictures",
    Stage.PREPARE: "steps",  # a caption, or a denoising step of the class pictures
    Stage.TRAIN: "steps",
    Stage.CAPTION: "pictures",
    Stage.GENERATE: "steps",
    Stage.CUTOUT: "pictures",
}
WAKING = "waking the models"
LINE_EVERY_S = 10.0  # between two lines about the same stage
SPEED_OVER_S = 60.0  # the time left is told from the speed over so long
MB = 1_000_000


class Display(Protocol):
    """What shows the progress of one command."""

    paused_s: float  # all pauses together, those that are over

    def pause(self, what: str) -> None:
        """Show that something of unknown length goes on, until the next stage begins."""
        ...

    def bar(self, what: str, *, in_bytes: bool = False, unit: str = "") -> Report:
        """Begin a bar; the same words go on with the same bar. ``unit``: what is counted."""
        ...

    def watch(self, stage: Stage) -> Report:
        """``pipeline.domain.Watch``: begin a stage."""
        ...


@contextmanager
def working(*, resumes: bool = True) -> Iterator[tuple[Display, Stop]]:
    """A display and an ear for Ctrl-C, while a command works. What a library prints goes to stderr meanwhile.

    Args:
        resumes: whether the command, once stopped, goes on where it was.
    """
    console = Console(stderr=True, highlight=False, emoji=False)
    draws = console.is_terminal and not console.is_dumb_terminal
    with stoppable(tells=not draws, resumes=resumes) as stop, redirect_stdout(console.file):
        if draws:
            with Bars(console, stop) as bars:
                yield bars, stop
        else:
            with Lines(lambda line: console.print(line, soft_wrap=True, markup=False)) as lines:
                yield lines, stop


def clock(seconds: float) -> str:
    """``75.2`` → ``1:15``; ``3675`` → ``1:01:15``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(done: float, total: float, *, in_bytes: bool = False, unit: str = "") -> str:
    """``45/150 steps``, or ``12.3/40.0 MB``."""
    return f"{done / MB:.1f}/{total / MB:.1f} MB" if in_bytes else f"{done:.0f}/{total:.0f} {unit}".rstrip()


class Bars:
    """Bars on a terminal."""

    def __init__(self, console: Console, should_stop: ShouldStop) -> None:
        self._live = _Live(console, should_stop)
        self._tasks: dict[str, TaskID] = {}
        self._pause: TaskID | None = None
        self._paused_at_s = 0.0
        self.paused_s = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end_pause()
        self._live.stop()

    def pause(self, what: str) -> None:
        self._end_pause()
        self._pause, self._paused_at_s = self._live.add_task(f"{what}…", total=None, waits=True), time.monotonic()

    def _end_pause(self) -> None:
        if self._pause is not None:
            self._live.remove_task(self._pause)
            self.paused_s += time.monotonic() - self._paused_at_s
            self._pause = None

    def watch(self, stage: Stage) -> Report:
        return self.bar(DOING[stage], unit=UNITS[stage])

    def bar(self, what: str, *, in_bytes: bool = False, unit: str = "") -> Report:
        self._end_pause()
        if what not in self._tasks:
            self._tasks[what] = self._live.add_task(what, total=None, in_bytes=in_bytes, unit=unit)
        task_id = self._tasks[what]

        def report(done: int, total: int, preview: Image.Image | None = None) -> None:
            self._live.update(task_id, completed=done, total=total)

        return report


class _Live(Progress):
    """rich's bars, and below them what Ctrl-C did."""

    def __init__(self, console: Console, should_stop: ShouldStop) -> None:
        self._should_stop = should_stop  # before rich asks for renderables
        columns = (
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=28),
            _Count(),
            _Time(),
        )
        super().__init__(*columns, console=console, speed_estimate_period=SPEED_OVER_S)

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self._should_stop():
            yield Text(STOPPING, style="yellow")


class _Count(ProgressColumn):
    """How much of how much; before the first step nobody knows yet."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text("")
        how = {"in_bytes": task.fields.get("in_bytes", False), "unit": task.fields.get("unit", "")}
        return Text(counted(task.completed, task.total, **how), style="cyan")


class _Time(ProgressColumn):
    """Elapsed, and left."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        left = "" if task.finished or task.time_remaining is None else f", {clock(task.time_remaining)} left"
        return Text(f"{clock(elapsed or 0)}{left}", style="dim")


@dataclass(kw_only=True)
class _Line:
    """A stage as the plain lines know it."""

    what: str
    in_bytes: bool
    unit: str
    pauses: bool = False  # of unknown length, before a stage begins
    began_s: float
    told_s: float
    first: tuple[float, int] | None = None  # when the first step was reported, and which
    latest: tuple[int, int] = (0, 0)  # done, total

    def left(self, now_s: float) -> str:
        """The time left, from the mean speed since the first step that was reported."""
        done, total = self.latest
        if self.first is None or done <= self.first[1]:
            return ""
        speed = (done - self.first[1]) / max(now_s - self.first[0], 1e-9)
        return f", about {clock((total - done) / speed)} left"


@dataclass
class Lines:
    """Plain lines, for a log or a pipe: one when a stage begins, some on the way, one at its end."""

    write: Callable[[str], None]
    now_s: Callable[[], float] = field(default=time.monotonic, kw_only=True)
    every_s: float = field(default=LINE_EVERY_S, kw_only=True)
    paused_s: float = field(default=0.0, init=False)
    _line: _Line | None = field(default=None, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self._finish()

    def pause(self, what: str) -> None:
        self._finish()
        self._begin(what, pauses=True)

    def watch(self, stage: Stage) -> Report:
        return self.bar(DOING[stage], unit=UNITS[stage])

    def bar(self, what: str, *, in_bytes: bool = False, unit: str = "") -> Report:
        if self._line is None or self._line.what != what:
            self._finish()
            self._begin(what, in_bytes=in_bytes, unit=unit)
        line = self._line
        assert line is not None  # begun above, or before

        def report(done: int, total: int, preview: Image.Image | None = None) -> None:
            self._tell(line, done, total)

        return report

    def _begin(self, what: str, *, in_bytes: bool = False, unit: str = "", pauses: bool = False) -> None:
        now_s = self.now_s()
        self._line = _Line(what=what, in_bytes=in_bytes, unit=unit, pauses=pauses, began_s=now_s, told_s=now_s)
        self.write(f"{what}…")

    def _tell(self, line: _Line, done: int, total: int) -> None:
        now_s = self.now_s()
        if line.first is None or total != line.latest[1] or done < line.latest[0]:  # another stretch of the stage
            line.first = (now_s, done)
        line.latest = (done, total)
        if now_s - line.told_s >= self.every_s and done < total:
            line.told_s = now_s
            elapsed = clock(now_s - line.began_s)
            count = counted(done, total, in_bytes=line.in_bytes, unit=line.unit)
            self.write(f"{line.what}: {count}, {elapsed}{line.left(now_s)}")

    def _finish(self) -> None:
        if self._line is not None:
            seconds = self.now_s() - self._line.began_s
            self.paused_s += seconds if self._line.pauses else 0.0
            self.write(f"{self._line.what}: done in {seconds:.1f} s")
            self._line = None
