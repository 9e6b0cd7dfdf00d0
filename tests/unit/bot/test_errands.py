"""Errands and things are written with their talk or not at all; who called one off is not overruled."""

import pytest

from bot import things
from bot.desk import Settled
from bot.errands import Kind, State, advance, begin, errand, errands, move, note, still, sweep
from bot.people import Person
from bot.things import Has


@pytest.fixture
def talk(desk):
    def made(origin, person=7):
        return desk.talk(origin=origin, person=Person(id=person), chat=person)

    return made


def begun(desk, talk, key="u1-0"):
    one = talk(f"begin {key}")
    begin(one, key, Kind.LEARN, {"title": "a secret"})
    desk.settle(one)
    return errand(desk, key, 7)


def test_an_errand_is_begun_once_and_is_its_persons_alone(desk, talk):
    first = begun(desk, talk)
    again = talk("u2")
    begin(again, first.key, Kind.DRAW, {})
    desk.settle(again)
    assert errand(desk, first.key, 7) == first
    assert (first.kind, first.payload, first.state) == (Kind.LEARN, {"title": "a secret"}, State.OPEN)
    assert errand(desk, first.key, 8) is None


def test_what_is_said_of_an_errand_that_was_called_off_is_not_sent(desk, outbox, talk):
    seen = begun(desk, talk)
    cancel = talk("u3")
    move(cancel, seen.key, (State.OPEN,), State.STOPPING)
    desk.settle(cancel)
    for write in (lambda late: advance(late, seen, State.WAITING), lambda late: still(late, seen)):
        late = talk("late")
        late.say("it is in the queue")
        write(late)
        with pytest.raises(Settled):
            desk.settle(late)
    with pytest.raises(Settled):
        note(desk, seen, {})
    assert outbox.heads() == []
    assert errand(desk, seen.key, 7).state is State.STOPPING


def test_another_persons_errand_cannot_be_moved(desk, talk):
    seen = begun(desk, talk)
    foreign = talk("u4", person=8)
    move(foreign, seen.key, (State.OPEN,), State.STOPPING)
    desk.settle(foreign)
    assert errand(desk, seen.key, 7).state is State.OPEN


def test_errands_that_are_over_are_forgotten_and_open_ones_are_not(desk, talk):
    kept, over = begun(desk, talk, "u1-0"), begun(desk, talk, "u2-0")
    end = talk("end")
    advance(end, over, State.OVER)
    desk.settle(end)
    assert sweep(desk, before_ms=2**50) == 1
    assert [one.key for one in errands(desk)] == [kept.key]


def test_things_are_sealed_kept_in_the_order_of_use_and_go_with_their_person(desk, talk):
    one = talk("u1")
    for number in range(3):
        things.keep(one, Has.STYLE, f"s{number}", {"title": f"secret {number}", "used_ms": number})
    things.keep(talk("unsettled"), Has.STYLE, "never", {})
    desk.settle(one)
    assert [found.id for found in things.things(desk, 7, Has.STYLE)] == ["s2", "s1", "s0"]
    assert things.things(desk, 8, Has.STYLE) == []
    assert things.thing(desk, 8, Has.STYLE, "s0") is None
    used = talk("u2")
    things.use(used, Has.STYLE, things.thing(desk, 7, Has.STYLE, "s0"))
    things.drop(used, Has.STYLE, "s1")
    desk.settle(used)
    assert [found.id for found in things.things(desk, 7, Has.STYLE)] == ["s0", "s2"]
    with desk.engine.connect() as connection:
        raw = connection.exec_driver_sql("SELECT payload FROM sticker_bot_thing").fetchall()
    assert all(b"secret" not in row[0] for row in raw)
    gone = talk("u3")
    gone.forget_person()
    desk.settle(gone)
    assert things.things(desk, 7, Has.STYLE) == []
