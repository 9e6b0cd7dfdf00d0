"""The clock: durations only grow, dates may jump, and frozen time moves only when it is pushed."""

import time

import pytest

from scripts.sandbox.emulator.clock import Clock


def test_time_passes_by_itself_and_by_being_pushed():
    clock = Clock()
    before = clock.ticks(), clock.now()
    time.sleep(0.01)
    clock.advance(100)
    assert 100.01 <= clock.ticks() - before[0] < 110
    assert clock.now() - before[1] == pytest.approx(clock.ticks() - before[0], abs=0.1)


def test_a_jump_changes_dates_only():
    clock = Clock()
    clock.freeze()
    ticks, now = clock.ticks(), clock.now()
    clock.jump(-3600)
    assert (clock.ticks(), clock.now()) == (ticks, now - 3600)


def test_a_frozen_clock_stands_and_goes_on_where_it_stood():
    clock = Clock()
    clock.freeze()
    stood = clock.ticks()
    time.sleep(0.02)
    assert clock.ticks() == stood
    clock.advance(5)
    clock.thaw()
    assert stood + 5 <= clock.ticks() < stood + 5.02


def test_time_does_not_go_back():
    with pytest.raises(ValueError, match=r"advance\(-1\)"):
        Clock().advance(-1)


def test_listeners_hear_of_every_push():
    clock, heard = Clock(), []
    clock.on_change(lambda: heard.append(1))
    clock.advance(1)
    clock.jump(1)
    assert heard == [1, 1]
