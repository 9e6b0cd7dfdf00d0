"""Photos that belong together join one errand until it begins; whoever comes too late is not lost in it."""

import pytest

from bot.albums import Late, closed, join
from bot.desk import Settled
from bot.errands import Kind, State, begin, errand, move
from bot.people import Person


@pytest.fixture
def talk(desk):
    def made(origin):
        return desk.talk(origin=origin, person=Person(id=7), chat=7)

    return made


@pytest.fixture
def first(desk, talk):
    one = talk("u1")
    begin(one, "u1-0", Kind.DRAW, {"sources": [{"uid": "a"}], "options": {}}, in_s=1.5)
    desk.settle(one)
    return errand(desk, "u1-0", 7)


def joins(desk, talk, first, uid):
    one = talk(f"join {uid}")
    join(one, first, {"uid": uid})
    desk.settle(one)


def test_those_that_join_are_there_when_it_begins_however_old_the_look_at_it(desk, talk, first):
    joins(desk, talk, first, "b")
    joins(desk, talk, first, "c")
    begun = closed(desk, first)
    assert [one["uid"] for one in begun.payload["sources"]] == ["a", "b", "c"]
    assert closed(desk, begun) is begun
    assert errand(desk, "u1-0", 7).payload["closed"] is True


def test_one_that_comes_too_late_is_not_written_into_it(desk, talk, first):
    closed(desk, first)
    with pytest.raises(Late):
        joins(desk, talk, first, "b")
    assert len(errand(desk, "u1-0", 7).payload["sources"]) == 1


def test_nobody_joins_or_begins_what_was_called_off(desk, talk, first):
    cancel = talk("u2")
    move(cancel, first.key, (State.OPEN,), State.STOPPING)
    desk.settle(cancel)
    with pytest.raises(Late):
        joins(desk, talk, first, "b")
    with pytest.raises(Settled):
        closed(desk, first)
