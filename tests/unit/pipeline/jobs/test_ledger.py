"""Claims: only the latest holder writes, deaths are counted, whoever leaves in order is not one of them."""

import pytest

from pipeline.errors import QueueUnreachable
from pipeline.jobs.ledger import Ledger, Verdict, patiently
from pipeline.jobs.words import Progress, Status
from tests.queue_desk import spec


@pytest.fixture
def ledger(jobs):
    jobs.submit(spec("j"))
    return Ledger(jobs.engine, "w")


def test_who_lost_a_job_changes_nothing(jobs, ledger):
    """The sleeper's end, failure, progress and farewell leave the adopter's job as it is; the result comes once."""
    sleeper = ledger.claim("j")
    adopter = Ledger(jobs.engine, "other").claim("j")
    ledger.tell(sleeper, Progress(stage="old", done=9, total=9))
    ledger.release([sleeper])
    ledger.let_go(sleeper)
    assert not ledger.finish(sleeper, {"from": "sleeper"})
    assert not ledger.fail(sleeper, "x", "y")
    assert ledger.verdicts([sleeper, adopter]) in ({}, {"j": Verdict.LOST})
    assert ledger.verdicts([sleeper]) == {"j": Verdict.LOST}
    assert jobs.show("j").status is Status.RUNNING
    assert jobs.progress("j") == []
    assert ledger.finish(adopter, {"from": "adopter"})
    assert not ledger.finish(adopter, {"from": "adopter, again"})
    assert jobs.result("j") == {"from": "adopter"}


def test_three_deaths_park_a_job_and_before_the_third_it_is_suspected(jobs, ledger):
    suspected = []
    for _ in range(3):
        suspected.append(ledger.suspect("j"))
        assert ledger.claim("j") is not None
    assert suspected == [False, False, True]
    assert ledger.claim("j") is None
    assert (jobs.show("j").status, jobs.show("j").deaths) == (Status.PARKED, 3)


def test_a_finished_stage_forgives_and_an_orderly_leaving_is_no_death(jobs, ledger):
    ledger.claim("j")
    ledger.claim("j")
    claim = ledger.claim("j")
    assert jobs.show("j").deaths == 2
    ledger.survived(claim)
    for _ in range(5):
        ledger.release([claim])
        assert (jobs.show("j").status, jobs.show("j").deaths) == (Status.QUEUED, 0)
        claim = ledger.claim("j")


def test_what_is_over_is_not_claimed(jobs, ledger):
    claim = ledger.claim("j")
    jobs.cancel("j")
    assert ledger.verdicts([claim]) == {"j": Verdict.CANCELLED}
    assert not ledger.finish(claim, {})
    assert ledger.claim("j") is None
    assert ledger.claim("unknown") is None
    assert jobs.show("j").status is Status.CANCELLED


def test_progress_is_numbered_and_read_from_where_one_was(jobs, ledger):
    """Also on after the worker died; the latest of many jobs in one query."""
    ledger.tell(ledger.claim("j"), Progress(stage="one", done=1, total=2))
    claim = ledger.claim("j")
    for done in (1, 2):
        ledger.tell(claim, Progress(stage="two", done=done, total=2, preview="key"))
    assert [number for number, _ in jobs.progress("j")] == [1, 2, 3]
    assert jobs.progress("j", after=2) == [(3, Progress(stage="two", done=2, total=2, preview="key"))]
    jobs.submit(spec("silent"))
    assert jobs.latest(["j", "silent"]) == {"j": (3, Progress(stage="two", done=2, total=2, preview="key"))}


def test_a_database_that_is_away_is_asked_again_with_growing_pauses():
    pauses, answers = [], [QueueUnreachable()] * 8 + ["here"]

    def act():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert patiently(act, pause=pauses.append) == "here"
    assert pauses[:4] == [0.2, 0.4, 0.8, 1.6]
    assert max(pauses) == 5.0


def test_a_claim_is_let_go_of_once_its_job_is_over_and_not_before(jobs, ledger):
    """Else a job that was cancelled between two steps could neither be requeued nor forgotten."""
    claim = ledger.claim("j")
    ledger.let_go(claim)
    assert ledger.verdicts([claim]) == {}
    jobs.cancel("j")
    ledger.let_go(claim)
    assert jobs.requeue("j").status is Status.QUEUED
