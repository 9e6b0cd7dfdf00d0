"""A ban ends when it is said to, outlives deletion, and a person's row never overrules it."""

import pytest

from bot import bans
from bot.bans import Why
from bot.people import Person
from bot.tables import BANS, STRIKES, writing
from pipeline.jobs.views import now_ms


@pytest.fixture
def put(desk):
    def put(until_ms=None, person=7):
        with writing(desk.engine) as connection:
            bans.ban(connection, person, until_ms=until_ms, why=Why.OPERATOR)

    return put


def test_a_ban_counts_for_its_person_until_it_ends(desk, put):
    assert not desk.person(7).banned
    put()
    assert desk.person(7).banned  # whom we never met
    assert not desk.person(8).banned
    put(now_ms() + 60_000)
    assert desk.person(7).banned
    put(now_ms() - 1)
    assert not desk.person(7).banned


def test_who_was_seen_before_the_ban_does_not_take_it_away(desk, put):
    """An answer that was gathered meanwhile is written down after it."""
    talk = desk.talk(origin="u1", person=Person(id=7), chat=7)
    talk.put_state(step=1)
    put()
    desk.settle(talk)
    found = desk.person(7)
    assert (found.banned, found.state, found.known) == (True, {"step": 1}, True)


def test_to_be_forgotten_is_no_way_out(desk, put):
    put()
    talk = desk.talk(origin="u1", person=desk.person(7), chat=7)
    talk.forget_person()
    desk.settle(talk)
    assert desk.person(7).banned
    assert not desk.person(7).known


def test_a_lifted_ban_takes_its_strikes_along(desk, put):
    put()
    with writing(desk.engine) as connection:
        bans.strike(connection, "u1", 7, "sexual")
        bans.lift(connection, 7)
        assert bans.strikes(connection, 7) == 0
    assert not desk.person(7).banned


def test_a_strike_counts_once_and_for_a_day(desk):
    with writing(desk.engine) as connection:
        for _ in range(2):
            bans.strike(connection, "u1", 7, "sexual")
        bans.strike(connection, "u2", 7, "hate")
        bans.strike(connection, "u3", 8, "hate")
        assert bans.strikes(connection, 7) == 2
        old = STRIKES.update().where(STRIKES.c.key == "u1").values(at_ms=now_ms() - bans.DAY_MS - 1)
        connection.execute(old)
        assert bans.strikes(connection, 7) == 1
        bans.sweep(connection)
        assert [row.key for row in connection.execute(STRIKES.select())] == ["u2", "u3"]


def test_nothing_but_reason_and_time_is_kept_of_a_strike():
    assert {column.name for column in STRIKES.columns} == {"key", "person", "reason", "at_ms"}


def test_bans_that_ended_are_forgotten_and_others_are_not(desk, put):
    put(now_ms() - 1, 1)
    put(now_ms() + 60_000, 2)
    put(None, 3)
    with writing(desk.engine) as connection:
        bans.sweep(connection)
        assert [row.person for row in connection.execute(BANS.select())] == [2, 3]


def test_people_can_be_told_what_is_kept_of_them(desk, put):
    put(5)
    with writing(desk.engine) as connection:
        bans.strike(connection, "u1", 7, "sexual")
        found = bans.told(connection, 7)
    assert found["ban"] is None  # it ended long ago
    assert [one["reason"] for one in found["strikes"]] == ["sexual"]
    put()
    with writing(desk.engine) as connection:
        assert bans.told(connection, 7)["ban"]["why"] == "operator"
