"""Turns on the device: one at a time, drawing first, learning never starved, and nobody is stuck after an exception."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from pipeline.domain import never_stop
from pipeline.errors import BadSetting, Stopped
from pipeline.turns import Turns

PATIENCE_S = 20  # for what happens at once unless something is wrong


class Together:
    """Threads that end with the test, and what they raised."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.raised: list[BaseException] = []

    def start(self, work: Callable[[], object]) -> threading.Thread:
        def caught() -> None:
            try:
                work()
            except BaseException as error:
                self.raised.append(error)

        thread = threading.Thread(target=caught, daemon=True)
        thread.start()
        self.threads.append(thread)
        return thread

    def end(self) -> list[BaseException]:
        for thread in self.threads:
            thread.join(PATIENCE_S)
            assert not thread.is_alive(), "a thread is stuck"
        return self.raised


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.fixture
def together():
    return Together()


def drawer(turns: Turns, told: list[str], name: str, seconds: float = 0.0) -> Callable[[], None]:
    def work() -> None:
        with turns.drawing():
            told.append(name)
            time.sleep(seconds)

    return work


def test_one_has_the_device_at_a_time(together):
    """A learner of 300 steps and four threads that draw 25 times each never meet."""
    turns, inside, most, steps = Turns(), [0], [0], []

    def used() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.0002)
        inside[0] -= 1

    def draw() -> None:
        for _ in range(25):
            with turns.drawing():
                used()

    def learn() -> None:
        with turns.learning() as asked:
            for step in range(300):
                assert not asked()
                used()
                steps.append(step)

    for work in (learn, draw, draw, draw, draw):
        together.start(work)
    assert together.end() == []
    assert (most, inside, steps) == ([1], [0], list(range(300)))
    assert turns.figures.draws == 100


def test_drawing_goes_first_at_the_next_step_and_in_order(together):
    """Three that came while a step was made draw after it, in the order in which they came; then learning goes on."""
    turns, told, waiting = Turns(learn_share=0), [], []

    def learn() -> None:
        with turns.learning() as asked:
            told.append("step 1")
            for name in "abc":
                waiting.append(together.start(drawer(turns, told, name)))
                until(lambda: len(turns._draws) == len(waiting))
            assert not asked()
            told.append("step 2")

    together.start(learn).join(PATIENCE_S)
    assert together.end() == []
    assert told == ["step 1", "a", "b", "c", "step 2"]
    assert (turns.figures.draws, turns.figures.gave_way) == (3, 1)


def test_a_learner_alone_waits_for_nobody(together):
    """A thousand offers with nobody there take next to no time."""
    turns, began = Turns(), time.monotonic()
    with turns.learning() as asked:
        assert not any(asked() for _ in range(1000))
    assert time.monotonic() - began < 1
    assert turns.figures.gave_way == 0


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_learning_gets_its_share_where_drawing_never_ends(together, share):
    """Three threads that want to draw all the time: the learner has about its share of it."""
    turns, over = Turns(learn_share=share), threading.Event()

    def draw() -> None:
        while not over.is_set():
            with turns.drawing():
                time.sleep(0.004)

    for _ in range(3):
        together.start(draw)
    until(lambda: turns.figures.draws > 3)
    with turns.learning() as asked:
        before = turns.figures
        for _ in range(120):
            assert not asked()
            time.sleep(0.004)
        after = turns.figures
    over.set()
    assert together.end() == []
    learned, drawn = after.learn_s - before.learn_s, after.draw_s - before.draw_s
    assert learned / (learned + drawn) == pytest.approx(share, abs=0.12)


def test_with_no_share_learning_waits_while_somebody_draws(together):
    """Two threads hand the device to and fro 30 times; the learner makes no step meanwhile."""
    turns, left, steps, seen = Turns(learn_share=0), [60], [], []

    def draw() -> None:
        while left[0] > 0:
            left[0] -= 1
            with turns.drawing():
                seen.append(len(steps))
                until(lambda: bool(turns._draws) or left[0] <= 0)

    def learn() -> None:
        with turns.learning() as asked:
            together.start(draw)
            together.start(draw)
            until(lambda: len(turns._draws) == 2)
            assert not asked()
            steps.append(1)

    together.start(learn).join(PATIENCE_S)
    assert together.end() == []
    assert set(seen[:-2]) == {0}
    assert steps == [1]


def test_an_exception_gives_the_device_back(together):
    """In a drawing, in a learner that has the device, and in one that was just handed it."""
    turns, told = Turns(), []
    with pytest.raises(ZeroDivisionError), turns.drawing():
        raise ZeroDivisionError

    def learn() -> None:
        with turns.learning() as asked:
            waiting = together.start(drawer(turns, told, "a"))
            until(lambda: len(turns._draws) == 1)
            assert not asked()
            waiting.join(PATIENCE_S)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        learn()
    with turns.learning() as asked:
        assert not asked()
    with turns.drawing():
        told.append("b")
    assert together.end() == []
    assert told == ["a", "b"]


def test_who_waits_can_be_stopped(together):
    """A drawing and a learner that wait for a drawing leave the line; who comes after them is not held up."""
    turns, told, over = Turns(), [], threading.Event()

    def learn() -> None:
        with turns.learning(over.is_set):
            told.append("learned")

    with turns.drawing():
        together.start(lambda: turns.drawing(over.is_set).__enter__())
        together.start(learn)
        until(lambda: len(turns._draws) == 1 and turns._learner is not None)
        over.set()
        raised = together.end()
        last = Together()
        last.start(drawer(turns, told, "after"))
    assert last.end() == []
    assert [type(error) for error in raised] == [Stopped, Stopped]
    assert told == ["after"]


def test_a_learner_that_gave_way_stops_without_waiting_for_the_drawing(together):
    """It is told at once, so that it can save while somebody draws; its end takes the device from nobody."""
    turns, over, drawing = Turns(learn_share=0), threading.Event(), threading.Event()

    def draw() -> None:
        with turns.drawing():
            drawing.set()
            until(lambda: saved == ["saved"])
            assert turns._holder is not None

    saved: list[str] = []
    with turns.learning(over.is_set) as asked:
        together.start(draw)
        until(lambda: len(turns._draws) == 1)
        threading.Thread(target=lambda: drawing.wait(PATIENCE_S) and over.set(), daemon=True).start()
        assert asked()
        saved.append("saved")
    assert together.end() == []
    assert turns._holder is None


def test_a_second_learner_waits_for_the_end_of_the_first(together):
    turns, told = Turns(), []

    def second() -> None:
        with turns.learning() as asked:
            asked()
            told.append("second")

    with turns.learning() as asked:
        together.start(second)
        time.sleep(0.05)
        assert not asked()
        told.append("first")
    assert together.end() == []
    assert told == ["first", "second"]


def test_a_share_out_of_range_is_refused():
    for share in (-0.1, 1.0):
        with pytest.raises(BadSetting, match=r"learn_share = .*: must be 0 or more"):
            Turns(learn_share=share)
    assert not never_stop()
