"""Telegram's limits are kept to the message, by a clock of our own."""

from collections import Counter
from itertools import pairwise

import pytest

from bot.rates import Limits, Priority, Rates

PRIVATE, GROUP = 7, -100


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def sent(rates, clock, chat, priority, seconds, step_s=0.01):
    """Send as often as may be; the times."""
    times = []
    until_s = clock.now_s + seconds
    while clock.now_s < until_s:
        if rates.wait_s(chat, priority) == 0:
            rates.take(chat, priority)
            times.append(clock.now_s)
        clock.now_s = round(clock.now_s + step_s, 6)
    return times


def test_a_chat_gets_a_small_burst_and_then_one_a_second():
    clock = Clock()
    times = sent(Rates(now_s=clock), clock, PRIVATE, Priority.ANSWER, 20)
    assert sum(at < 0.5 for at in times) == 3
    assert 21 <= len(times) <= 23
    gaps = [later - before for before, later in pairwise(times[3:])]
    assert min(gaps) >= 0.98


def test_a_group_gets_twenty_a_minute():
    clock = Clock()
    times = sent(Rates(now_s=clock), clock, GROUP, Priority.ANSWER, 600, step_s=0.1)
    for begin in range(0, 540, 7):
        assert sum(begin + 60 <= at < begin + 120 for at in times) <= 21
    assert len(times) > 190


def test_all_together_get_25_a_second():
    clock, count = Clock(), Counter()
    rates = Rates(now_s=clock)
    for step in range(300):
        clock.now_s = step / 100
        for chat in range(1, 200):
            if rates.wait_s(chat, Priority.ANSWER) == 0:
                rates.take(chat, Priority.ANSWER)
                count[int(clock.now_s)] += 1
    assert count[0] <= 51
    assert count[1] <= 26
    assert count[2] <= 26
    assert sum(count.values()) > 90


def test_progress_is_three_seconds_apart_six_in_groups_and_leaves_room_for_results():
    for chat, apart_s in ((PRIVATE, 3.0), (GROUP, 6.0)):
        clock = Clock()
        rates = Rates(now_s=clock)
        times = sent(rates, clock, chat, Priority.PROGRESS, 40, step_s=0.05)
        gaps = [later - before for before, later in pairwise(times)]
        assert min(gaps) >= apart_s - 0.001
        assert rates.wait_s(chat, Priority.RESULT) == 0  # at every moment of it a result could go


def test_who_was_told_to_wait_waits_and_nobody_else():
    clock = Clock()
    rates = Rates(now_s=clock)
    rates.hold(PRIVATE, 30)
    rates.hold(PRIVATE, 5)  # the longer one counts
    assert rates.wait_s(PRIVATE, Priority.RESULT) == 30
    assert rates.wait_s(PRIVATE + 1, Priority.RESULT) == 0
    clock.now_s = 30.0
    assert rates.wait_s(PRIVATE, Priority.RESULT) == 0


def test_an_album_counts_as_its_files_and_one_larger_than_the_burst_still_goes():
    clock = Clock()
    rates = Rates(now_s=clock)
    assert rates.wait_s(PRIVATE, Priority.ANSWER, 10) == 0
    rates.take(PRIVATE, Priority.ANSWER, 10)
    assert rates.wait_s(PRIVATE, Priority.ANSWER) == 8.0  # seven too many, and one for itself


def test_what_was_sent_before_our_own_death_counts():
    clock = Clock()
    clock.now_s = 100.0
    rates = Rates(now_s=clock)
    for ago_s in (0.9, 0.6, 0.3):
        rates.take(PRIVATE, Priority.ANSWER, ago_s=ago_s)
    assert 0.05 < rates.wait_s(PRIVATE, Priority.ANSWER) < 0.2
    assert Rates(now_s=clock).wait_s(PRIVATE, Priority.ANSWER) == 0


def test_chats_that_were_still_for_long_are_forgotten():
    clock = Clock()
    rates = Rates(limits=Limits(all_per_s=1e6, all_burst=1e6), now_s=clock)
    rates.hold(PRIVATE, 10_000)
    for chat in range(10_000, 12_500):
        clock.now_s += 1
        rates.take(chat, Priority.ANSWER)
    assert len(rates._chats) < 1700
    assert rates.wait_s(PRIVATE, Priority.ANSWER) > 0  # a hold is not forgotten


def test_a_clock_that_jumps_back_gives_nothing_and_takes_nothing():
    clock = Clock()
    clock.now_s = 100.0
    rates = Rates(now_s=clock)
    rates.take(PRIVATE, Priority.ANSWER)
    clock.now_s = 50.0
    assert rates.wait_s(PRIVATE, Priority.ANSWER) == 0
    rates.take(PRIVATE, Priority.ANSWER)
    rates.take(PRIVATE, Priority.ANSWER)
    assert 0 < rates.wait_s(PRIVATE, Priority.ANSWER) <= 1


def test_another_pace_lets_three_times_as_many_go_at_once():
    rates = Rates(limits=Limits.paced(100.0, 5.0), now_s=lambda: 0.0)
    for _ in range(15):
        assert rates.wait_s(7, Priority.ANSWER) == 0.0
        rates.take(7, Priority.ANSWER)
    assert rates.wait_s(7, Priority.ANSWER) == pytest.approx(0.2)
