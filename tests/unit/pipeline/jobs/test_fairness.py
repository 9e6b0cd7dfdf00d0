"""Whose turn it is, and what a waiting person is told of it."""

from dataclasses import replace

import sqlalchemy as sa

from pipeline.jobs.fairness import MOST_COST, cost_of
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.tables import JOBS
from pipeline.jobs.words import Kind
from tests.queue_desk import spec


def order(jobs):
    """The queue in the order in which it will be begun."""
    query = sa.select(JOBS.c.job_id).where(JOBS.c.status == "queued").order_by(JOBS.c.tag, JOBS.c.submitted_ms)
    with jobs.engine.connect() as connection:
        return connection.execute(query).scalars().all()


def test_who_submits_fifty_waits_behind_those_who_submit_two(jobs):
    """Nobody of the ten waits longer than if turns went round one by one from the moment they came."""
    for number in range(50):
        jobs.submit(spec(f"ann{number}"))
    for number in range(2):
        for person in range(10):
            jobs.submit(spec(f"p{person}-{number}", person=f"p{person}"))
    places = {job_id: place for place, job_id in enumerate(order(jobs))}
    for person in range(10):
        assert places[f"p{person}-0"] <= 10  # everybody's first, in the first round of eleven
        assert places[f"p{person}-1"] <= 21
    assert [places[f"ann{number}"] for number in range(2)] == [0, 11]


def test_who_comes_late_starts_where_the_turns_are_now_with_nothing_saved_up(jobs):
    """Twenty of ann's are done when bob comes with three: they go by turns from there."""
    ledger = Ledger(jobs.engine, "w")
    for number in range(30):
        jobs.submit(spec(f"a{number}"))
    for number in range(20):
        ledger.finish(ledger.claim(f"a{number}"), {})
    for number in range(3):
        jobs.submit(spec(f"b{number}", person="bob"))
    assert order(jobs)[:6] in (
        ["b0", "a20", "b1", "a21", "b2", "a22"],
        ["b0", "b1", "a20", "b2", "a21", "a22"],  # bob's first has the turn that is being begun
    )


def test_the_two_kinds_have_their_own_turns(jobs):
    """Fifty learnings of ann's do not move her first drawing back."""
    for number in range(50):
        jobs.submit(spec(f"l{number}", Kind.LEARN))
    jobs.submit(spec("bob", person="bob"))
    jobs.submit(spec("ann"))
    assert jobs.position("ann").ahead == 1  # bob came before, at the same tag


def test_what_was_cancelled_before_it_began_costs_its_person_nothing(jobs):
    for number in range(9):
        jobs.submit(spec(f"a{number}"))
        jobs.cancel(f"a{number}")
    jobs.submit(spec("bob", person="bob"))
    jobs.submit(spec("bob2", person="bob"))
    jobs.submit(spec("ann"))
    assert order(jobs) == ["bob", "ann", "bob2"]


def test_a_job_costs_its_stickers():
    """Three photos in two variants are six turns; nonsense costs one, and nothing shuts a person out for ever."""
    draw = replace(spec("j", count=2), photos=("a", "b", "c"))
    assert cost_of(draw) == 6
    assert cost_of(replace(draw, options={"count": "many"})) == 3
    assert cost_of(replace(draw, options={"count": 10**9})) == MOST_COST
    assert cost_of(spec("j", Kind.LEARN, count=7)) == 1


def test_the_position_counts_whoever_goes_before_and_the_time_is_told_once_there_is_a_past(jobs):
    """Two that wait and one that runs are ahead, each of which took two seconds in the past: six to eight seconds."""
    ledger = Ledger(jobs.engine, "w")
    ledger.beat()
    for name in ("past", "running", "one", "two", "mine"):
        jobs.submit(spec(name))
    assert jobs.position("mine").eta_s is None
    ledger.finish(ledger.claim("past"), {})
    with jobs.engine.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == "past").values(started_ms=1000, ended_ms=3000))
    assert jobs.position("running").ahead == 0
    ledger.claim("running")
    place = jobs.position("mine")
    assert place.ahead == 3
    assert jobs.position("one").ahead == 1  # the one that runs: it is not simply the next
    assert 6.0 <= place.eta_s <= 8.0
    assert jobs.position("running").ahead == 0
    assert jobs.position("running").eta_s <= 2.0
    Ledger(jobs.engine, "w2").beat()
    assert 4.0 <= jobs.position("mine").eta_s <= 5.0  # two workers
    assert jobs.position("one").ahead == 0  # the other one's hands are free
