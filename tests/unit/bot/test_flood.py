"""Too much at once is left out, an album never by half, and nobody pays for somebody else."""

import pytest

from bot.flood import ARRIVED, BURST, NOTICE_S, PER_S, SAID, Flood


class Clock:
    def __init__(self):
        self.s = 100.0

    def __call__(self):
        return self.s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def flood(clock):
    return Flood(now_s=clock)


def sent(flood, count, *, person=7, says=True, album=None):
    """How many of so many at once are let in."""
    found = 0
    for _ in range(count):
        if flood.lets_in(person, album):
            found += 1
            if says:
                flood.said(person)
    return found


def test_two_hundred_at_once_lead_to_a_few_messages_and_others_are_not_touched(flood):
    assert sent(flood, 200) == BURST / (ARRIVED + SAID)
    assert sent(flood, 1, person=8) == 1


def test_an_answered_update_a_second_is_always_let_in(flood, clock):
    sent(flood, 200)
    for _ in range(100):
        clock.s += 1 / PER_S
        assert sent(flood, 1) == 1


def test_sixty_pictures_for_one_message_that_counts_them_are_all_let_in(flood):
    """As many as a style is learned from, sent as six albums at once."""
    assert sum(sent(flood, 10, says=False, album=f"a{number}") for number in range(6)) == 60


def test_a_handful_of_forwarded_stickers_is_let_in(flood):
    assert sent(flood, 10) == 10


def test_an_album_is_let_in_as_a_whole_or_not_at_all(flood, clock):
    counts = []
    for number in range(20):
        clock.s += 0.3
        found = 0
        for _ in range(10):
            clock.s += 0.2  # enough comes back meanwhile to let a part in
            if flood.lets_in(7, f"a{number}"):
                found += 1
                flood.said(7)
        counts.append(found)
    assert counts[0] == 10
    assert set(counts) == {0, 10}


def test_what_is_left_out_costs_nothing(flood, clock):
    sent(flood, 1000)
    clock.s += BURST / PER_S
    assert sent(flood, 200) == BURST


def test_one_is_told_once_in_a_while(flood, clock):
    assert [flood.notices(7) for _ in range(5)] == [True, False, False, False, False]
    assert flood.notices(8)
    clock.s += NOTICE_S - 1
    assert not flood.notices(7)
    clock.s += 1
    assert flood.notices(7)


def test_who_was_still_for_long_is_forgotten_and_who_floods_is_not(flood, clock):
    for person in range(3000):
        clock.s += 1
        flood.lets_in(person)
        flood.lets_in(-1)
    assert len(flood._people) < 2000
    assert -1 in flood._people
