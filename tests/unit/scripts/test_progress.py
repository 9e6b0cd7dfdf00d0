"""What is shown while a command works: plain lines into a pipe, bars on a terminal."""

import io

import pytest
from rich.console import Console

from pipeline.domain import Stage
from scripts.progress import DOING, UNITS, WAKING, Bars, Lines, clock, counted
from scripts.stopping import STOPPING


class Clock:
    """A clock that a test turns."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def now():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def lines(told, now):
    return Lines(told.append, now_s=now, every_s=10)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (75.2, "1:15"), (59.6, "1:00"), (3675, "1:01:15"), (36000, "10:00:00")]
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_bytes_are_counted_in_megabytes_and_steps_one_by_one():
    assert counted(12_300_000, 40_000_000, in_bytes=True) == "12.3/40.0 MB"
    assert counted(45, 150) == "45/150"
    assert counted(45, 150, unit="steps") == "45/150 steps"


def test_a_stage_is_told_at_its_beginning_and_at_its_end(lines, told, now):
    with lines:
        report = lines.watch(Stage.TRAIN)
        now.now += 2.5
        report(1, 1)
    assert told == ["learning the style…", "learning the style: done in 2.5 s"]


def test_every_stage_has_words_of_its_own():
    assert set(DOING) == set(UNITS) == set(Stage)
    assert len(set(DOING.values())) == len(Stage)


def test_getting_ready_to_learn_is_told_before_the_learning(lines, told, now):
    with lines:
        report = lines.watch(Stage.PREPARE)
        report(0, 10)
        now.now += 12
        report(5, 10)
        lines.watch(Stage.TRAIN)(1, 1)
    assert told == [
        "getting ready to learn…",
        "getting ready to learn: 5/10 steps, 0:12, about 0:12 left",
        "getting ready to learn: done in 12.0 s",
        "learning the style…",
        "learning the style: done in 0.0 s",
    ]


def test_a_pause_ends_with_its_seconds_when_the_next_stage_begins(lines, told, now):
    """Pauses are summed apart from the stages."""
    with lines:
        lines.pause(WAKING)
        now.now += 4.1
        lines.watch(Stage.TRAIN)(1, 1)
        now.now += 3
    assert told[:3] == ["waking the models…", "waking the models: done in 4.1 s", "learning the style…"]
    assert lines.paused_s == pytest.approx(4.1)


def test_lines_come_now_and_then_only_and_tell_the_time_left(lines, told, now):
    """100 steps of a second with a line every 10 s: 9 lines; after 50 of them 50 s are left."""
    report = lines.watch(Stage.TRAIN)
    for done in range(101):
        report(done, 100)
        now.now += 1
    assert len(told) == 1 + 9
    assert "learning the style: 50/100 steps, 0:50, about 0:50 left" in told


def test_the_time_left_starts_anew_when_the_stage_enters_another_stretch(lines, told, now):
    """Class pictures first (fast), then steps (slow): the speed of the first says nothing about the second."""
    report = lines.watch(Stage.TRAIN)
    for done in range(33):
        report(done, 32)
        now.now += 0.1
    for done in range(6):
        report(done, 100)
        now.now += 5
    assert told[-1].endswith("about 8:00 left")  # 96 steps of 5 s


def test_a_stage_that_failed_is_not_told_as_done(lines, told):
    def fail():
        with lines:
            lines.watch(Stage.GENERATE)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert told == ["drawing…"]


def test_the_same_stage_again_goes_on_and_another_one_closes_it(lines, told):
    lines.watch(Stage.CAPTION)
    lines.watch(Stage.CAPTION)
    lines.watch(Stage.CUTOUT)
    assert [line.split(":")[0] for line in told] == ["describing the photos…", "describing the photos", "cutting out…"]


def test_bars_tell_stage_count_and_stop():
    """On a terminal: the stage's words and count, and after Ctrl-C that the step is being finished."""
    stopping = []
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=110, color_system=None)
    with Bars(console, lambda: bool(stopping)) as bars:
        bars.pause(WAKING)
        bars._live.refresh()
        report = bars.watch(Stage.TRAIN)
        report(45, 150)
        bars._live.refresh()
        before = screen.getvalue()
        stopping.append(True)
    shown = screen.getvalue()
    assert "waking the models…" in before
    assert "learning the style" in before
    assert "45/150 steps" in before
    assert bars.paused_s > 0
    assert STOPPING not in before
    assert STOPPING in shown
    assert shown.rstrip().split("\n")[-1].count("waking") == 0


def test_a_finished_bar_that_gets_a_new_total_is_not_finished_any_more():
    """Class pictures 32/32, then steps 0/150 under the same stage."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Bars(console, lambda: False) as bars:
        report = bars.watch(Stage.TRAIN)
        report(32, 32)
        task = bars._live.tasks[0]
        assert task.finished
        report(1, 150)
        assert not task.finished
        assert (task.completed, task.total) == (1, 150)
