"""What was begun counts once, for a day, and is given back where nothing came of it by no fault of theirs."""

import pytest
import sqlalchemy as sa

from bot import limits
from bot.errands import Kind, State, begin, errand, errands, move
from bot.limits import Closed, Spent
from bot.people import Person
from bot.tables import SPENT, writing
from pipeline.jobs.address import reading
from pipeline.jobs.tables import JOBS
from pipeline.jobs.words import JobSpec, Status
from pipeline.jobs.words import Kind as JobKind

HOUR_MS = 3_600_000
MOST = {Kind.LEARN: 1, Kind.DRAW: 2}


@pytest.fixture
def start(desk):
    """Begin a job as an answer does."""

    def begun(key, kind=Kind.DRAW, person=7, most=MOST):
        talk = desk.talk(origin=f"begin {key}", person=Person(id=person), chat=person)
        talk.say(f"begun {key}")
        talk.admits = lambda connection, key, kind, _: limits.spend(connection, person, Kind(kind), key, most)
        begin(talk, key, kind, {})
        desk.settle(talk)

    return begun


@pytest.fixture
def count(desk):
    def counted(kind=Kind.DRAW, person=7):
        with reading(desk.engine) as connection:
            return len(limits.counted(connection, person, kind))

    return counted


def submit(desk, key, kind=JobKind.DRAW, **values):
    """The job of an errand, as the queue and its workers leave it."""
    facts = {"photos": ("p",)} if kind is JobKind.DRAW else {"pack": ("a", "b", "c")}
    desk.jobs.submit(JobSpec(job_id=key, person="tg7", kind=kind, profile="p", style="s", **facts))
    with writing(desk.engine) as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == key).values(**values or {"status": Status.QUEUED}))


def age(desk, key, ms):
    with writing(desk.engine) as connection:
        connection.execute(sa.update(SPENT).where(SPENT.c.key == key).values(made_ms=SPENT.c.made_ms - ms))


def off(desk, key, to=State.OVER):
    talk = desk.talk(origin=f"off {key}", person=Person(id=7), chat=7)
    move(talk, key, (State.OPEN,), to)
    desk.settle(talk)


def test_beyond_the_number_of_a_day_nothing_is_begun_and_nothing_said(desk, outbox, start, count):
    start("a")
    start("b")
    with pytest.raises(Spent) as caught:
        start("c")
    assert (caught.value.kind, caught.value.most) == (Kind.DRAW, 2)
    assert errand(desk, "c", 7) is None
    with reading(desk.engine) as connection:
        keys = connection.exec_driver_sql("SELECT key FROM sticker_bot_outbox").scalars().all()
        assert [key for key in keys if "begin c" in key] == []
    assert count() == 2
    start("d", person=8)
    start("e", Kind.LEARN)  # each kind has its own


def test_a_job_counts_once_whoever_begins_it_again(start, count):
    for _ in range(5):
        start("a")
    assert count() == 1


def test_none_is_no_limit(start, count):
    for number in range(5):
        start(f"j{number}", most={Kind.DRAW: 0})
    start("more", most={})
    assert count() == 6


def test_the_wait_is_until_the_job_is_a_day_old_that_must_go_first(desk, start):
    start("a")
    start("b")
    age(desk, "a", 20 * HOUR_MS)
    age(desk, "b", 5 * HOUR_MS)
    with pytest.raises(Spent) as caught:
        start("c")
    assert caught.value.wait_s == pytest.approx(4 * 3600, abs=60)
    with pytest.raises(Spent) as caught:
        start("c", most={Kind.DRAW: 1})  # the number was made smaller: both have to go
    assert caught.value.wait_s == pytest.approx(19 * 3600, abs=60)
    age(desk, "a", 5 * HOUR_MS)
    start("c")


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({"status": Status.QUEUED}, True),
        ({"status": Status.RUNNING, "started_ms": 5}, True),
        ({"status": Status.DONE, "started_ms": 5}, True),
        ({"status": Status.CANCELLED, "started_ms": None}, False),
        ({"status": Status.CANCELLED, "started_ms": 5}, True),
        ({"status": Status.FAILED, "started_ms": 5, "error_code": "out_of_memory"}, False),
        ({"status": Status.FAILED, "started_ms": 5, "error_code": None}, False),
        ({"status": Status.FAILED, "started_ms": 5, "error_code": "bad_picture"}, True),
        ({"status": Status.PARKED, "started_ms": 5}, False),
    ],
)
def test_what_was_never_begun_and_what_we_spoilt_is_given_back(desk, start, count, values, counts):
    start("a")
    submit(desk, "a", **values)
    assert count() == counts


def test_a_job_that_is_taken_up_again_counts_again(desk, start, count):
    start("a")
    submit(desk, "a", status=Status.FAILED, error_code="out_of_memory")
    assert count() == 0
    with writing(desk.engine) as connection:
        connection.execute(sa.update(JOBS).values(status=Status.QUEUED, error_code=None))
    assert count() == 1


@pytest.mark.parametrize("state", [State.STOPPING, State.OVER])
def test_what_never_came_to_the_queue_is_given_back(desk, start, count, state):
    """Called off while its pictures were fetched; or none of them could be used."""
    start("a", Kind.LEARN)
    assert count(Kind.LEARN) == 1
    off(desk, "a", state)
    assert count(Kind.LEARN) == 0
    start("b", Kind.LEARN)


def test_a_job_of_an_errand_that_is_over_still_counts(desk, start, count):
    start("a")
    submit(desk, "a", status=Status.DONE, started_ms=5)
    off(desk, "a")
    assert count() == 1


def test_to_be_forgotten_is_no_way_around_it(desk, start, count):
    start("a")
    start("b")
    talk = desk.talk(origin="forget", person=Person(id=7), chat=7)
    talk.forget_person()
    desk.settle(talk)
    assert errands(desk, person=7) == []
    assert count() == 2


def test_what_counts_no_more_is_forgotten(desk, start):
    start("a")
    start("b")
    age(desk, "a", limits.DAY_MS)
    with writing(desk.engine) as connection:
        limits.sweep(connection)
        assert connection.execute(sa.select(SPENT.c.key)).scalars().all() == ["b"]


@pytest.mark.parametrize(("wait_s", "minutes"), [(0.0, 1), (59.0, 1), (61.0, 2), (3600.0, 60)])
def test_who_comes_when_they_were_told_is_not_sent_away_again(wait_s, minutes):
    assert limits.minutes_of(wait_s) == minutes


def test_maintenance_is_kept_with_its_words_until_it_is_over(desk):
    with writing(desk.engine) as connection:
        limits.check_open(connection)
        limits.close(connection, "until noon")
    with reading(desk.engine) as connection:
        assert limits.closed(connection) == "until noon"
        with pytest.raises(Closed) as caught:
            limits.check_open(connection)
    assert caught.value.words == "until noon"
    with writing(desk.engine) as connection:
        limits.close(connection, "")
        assert limits.closed(connection) == ""
        limits.reopen(connection)
        limits.reopen(connection)
        assert limits.closed(connection) is None
