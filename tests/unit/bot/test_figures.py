"""The operator's figures are those of the database."""

import pytest
import sqlalchemy as sa

from bot import things
from bot.figures import figures, spread
from bot.operator import _seconds, _whom
from bot.people import Person
from bot.tables import SEEN, put, writing
from bot.texts import Words
from bot.things import Has
from pipeline.jobs.tables import JOBS
from pipeline.jobs.views import now_ms
from pipeline.jobs.words import JobSpec, Kind, Status

DAY_MS = 86_400_000


def test_percentiles_are_those_of_nearest_rank():
    assert spread([]) is None
    assert spread([3.0]) == (3.0, 3.0)
    assert spread([float(value) for value in range(100, 0, -1)]) == (50.0, 95.0)
    assert spread([1.0, -2.0]) == (0.0, 1.0)  # a clock was set back


def test_nobody_and_nothing_is_told_as_such(desk):
    found = figures(desk.jobs)
    assert (found.people, found.today, found.pending, found.workers) == (0, 0, 0, 0)
    assert found.oldest_message_s is None
    assert found.oldest_job_s is None
    assert found.jobs[Kind.DRAW].wait_s is None
    assert found.jobs[Kind.DRAW].by_status == {}


def test_people_things_jobs_and_messages_are_counted(desk):
    now = now_ms()
    for person, ago_ms in ((1, 0), (2, 2 * DAY_MS), (3, 9 * DAY_MS)):
        talk = desk.talk(origin=f"u{person}", person=Person(id=person), chat=person)
        talk.say("hello")
        things.keep(talk, Has.STYLE, "s", {})
        desk.settle(talk)
        with writing(desk.engine) as connection:
            put(connection, SEEN, instead=True, person=person, seen_ms=now - ago_ms)
    for number, values in enumerate(
        (
            {"status": Status.DONE, "started_ms": now - 3000, "ended_ms": now - 1000},
            {"status": Status.DONE, "started_ms": now - 4000, "ended_ms": now},
            {"status": Status.DONE, "started_ms": now - 9 * DAY_MS, "ended_ms": now - 8 * DAY_MS},
            {"status": Status.FAILED, "ended_ms": now},
            {"status": Status.QUEUED},
        )
    ):
        spec = JobSpec(job_id=f"j{number}", person="tg1", kind=Kind.DRAW, profile="p", style="s", photos=("p",))
        desk.jobs.submit(spec)
        with writing(desk.engine) as connection:
            mine = sa.update(JOBS).where(JOBS.c.job_id == spec.job_id)
            connection.execute(mine.values(submitted_ms=now - 5000, **values))
    with writing(desk.engine) as connection:
        connection.exec_driver_sql("UPDATE sticker_bot_outbox SET made_ms = made_ms - 60000 WHERE person = 2")
        connection.exec_driver_sql("UPDATE sticker_bot_outbox SET state = 'unknown' WHERE person = 3")
    found = figures(desk.jobs)
    assert (found.people, found.today, found.week, found.styles, found.packs) == (3, 1, 2, 3, 0)
    assert (found.pending, found.unknown) == (2, 1)
    assert found.oldest_message_s == pytest.approx(60, abs=30)
    assert found.oldest_job_s == pytest.approx(5, abs=30)
    drawn = found.jobs[Kind.DRAW]
    assert drawn.by_status == {Status.DONE: 3, Status.FAILED: 1, Status.QUEUED: 1}
    assert (drawn.wait_s, drawn.run_s) == ((1.0, 2.0), (2.0, 4.0))  # not the one of last week
    assert found.jobs[Kind.LEARN].by_status == {}


def test_messages_for_who_has_blocked_us_are_not_counted_as_waiting(desk):
    talk = desk.talk(origin="u1", person=Person(id=1), chat=1)
    talk.say("hello")
    desk.settle(talk)
    with writing(desk.engine) as connection:
        connection.exec_driver_sql("INSERT INTO sticker_bot_chat (chat, blocked_ms) VALUES (1, 5)")
    assert figures(desk.jobs).pending == 0


@pytest.mark.parametrize(
    ("argument", "found"),
    [
        ("5", (5, None)),
        ("5 7", (5, 7)),
        ("  5   7 ", (5, 7)),
        ("", None),
        ("anna", None),
        ("5 7 9", None),
        ("0", None),
        ("-5", None),
        ("5 0", None),
        ("5 -1", None),
        ("5 3651", None),
        ("5 1.5", None),
        ("٥", None),  # a digit, and no number of ours
        ("9" * 5000, None),
        (str(2**52), (2**52, None)),
        (str(2**52 + 1), None),
    ],
)
def test_an_id_and_days_are_read_and_nothing_else(argument, found):
    assert _whom(argument) == found


def test_seconds_are_told_as_anybody_reads_them():
    words = Words("en")
    told = [_seconds(words, value) for value in (None, 0.0, 1.26, 59.6, 119.0, 600.0)]
    assert told == ["–", "0.0 s", "1.3 s", "60 s", "119 s", "10 min"]
