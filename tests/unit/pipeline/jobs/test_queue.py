"""Submitting, cancelling, requeueing, forgetting: each once, in order, and refused with a reason."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import sqlalchemy as sa

from pipeline.errors import BadJob, BadOutput, TooManyJobs, UnknownJob, WrongStatus
from pipeline.jobs import queue
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.tables import JOBS, PROGRESS
from pipeline.jobs.words import Gone, Kind, Progress, Status
from tests.queue_desk import spec


def test_the_same_job_submitted_again_is_the_same_job(jobs):
    """Whatever has become of it: the words come back as they were, and nothing is queued twice."""
    first = jobs.submit(spec("j", words="a [cat]", seconds={"b": 1, "a": 2}))
    assert first.status is Status.QUEUED
    assert list(first.spec.options["seconds"]) == ["b", "a"]  # the order of stages is kept
    jobs.cancel("j")
    again = jobs.submit(spec("j", words="a [cat]", seconds={"a": 2, "b": 1}))
    assert again.status is Status.CANCELLED
    assert len(jobs.list()) == 1


def test_an_id_that_stands_for_another_job_is_refused(jobs):
    jobs.submit(spec("j"))
    with pytest.raises(BadJob, match="'j' stands for another job"):
        jobs.submit(spec("j", person="eve"))


@pytest.mark.parametrize("bad", ["", "a/b", "a b", "é", "x" * 81])
def test_ids_are_plain_words(jobs, bad):
    with pytest.raises(BadJob, match="letters, digits"):
        jobs.submit(spec(bad))
    with pytest.raises(BadJob, match="person ="):
        jobs.submit(replace(spec("j"), person=bad))
    assert jobs.list() == []


def test_a_person_has_so_many_jobs_open_and_no_more_however_fast_they_come(url):
    """Twelve at once from four connections, three allowed: three are taken; another person's is, too; and room comes
    back with a cancelled one."""
    queues = [Jobs(url, limits=Limits(open_jobs=3)) for _ in range(4)]

    def submit(number):
        try:
            return queues[number % 4].submit(spec(f"j{number}")).status
        except TooManyJobs as error:
            return str(error)

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(submit, range(12)))
    assert outcomes.count(Status.QUEUED) == 3
    assert outcomes.count("3 jobs are open, and one person may have 3; wait until one is done, or cancel one") == 9
    queues[0].submit(spec("bob1", person="bob"))
    queues[0].cancel(next(view.job_id for view in queues[0].list(person="ann")))
    assert queues[0].submit(spec("j99")).status is Status.QUEUED
    for one in queues:
        one.close()


def test_what_is_refused_leaves_nothing_behind(jobs, monkeypatch):
    """The row and the engine's order come in one transaction: where the second fails, the first is not there."""
    monkeypatch.setattr(jobs.dispatch, "enqueue", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        jobs.submit(spec("j"))
    assert jobs.list() == []


def test_cancelling(jobs):
    """A queued job is over at once; one that is over stays as it is; an unknown one is told."""
    jobs.submit(spec("j"))
    assert jobs.cancel("j").status is Status.CANCELLED
    ended_s = jobs.show("j").ended_s
    assert jobs.cancel("j").ended_s == ended_s
    with pytest.raises(UnknownJob, match="no job 'k'"):
        jobs.cancel("k")


def test_a_dead_letter_is_requeued_and_a_done_job_is_not(jobs):
    """Failed → queued without its error; done → refused; running → refused."""
    ledger = Ledger(jobs.engine, "w")
    jobs.submit(spec("j"))
    jobs.submit(spec("d"))
    claim = ledger.claim("j")
    with pytest.raises(WrongStatus, match="'j' is running"):
        jobs.requeue("j")
    assert ledger.fail(claim, "bad_picture", "not a picture")
    assert [(view.job_id, view.error) for view in jobs.dead()] == [("j", "not a picture")]
    jobs.dispatch.take_off(["j"])  # over for the engine, too, as after a worker's end
    view = jobs.requeue("j")
    assert (view.status, view.error, view.ended_s) == (Status.QUEUED, None, None)
    assert jobs.dead() == []
    ledger.finish(ledger.claim("d"), {})
    with pytest.raises(WrongStatus, match="'d' is done"):
        jobs.requeue("d")


def test_the_outbox_gives_each_job_until_it_is_delivered(jobs):
    """Done and failed ones, the oldest first; cancelled ones not: their owner knows."""
    ledger = Ledger(jobs.engine, "w")
    for number in range(3):
        jobs.submit(spec(f"j{number}"))
    jobs.cancel("j0")
    ledger.finish(ledger.claim("j1"), {"stickers": ["a"]})
    ledger.fail(ledger.claim("j2"), "bad", "no")
    assert [view.job_id for view in jobs.undelivered()] == ["j1", "j2"]
    assert jobs.delivered("j1")
    assert not jobs.delivered("j1")
    assert [view.job_id for view in jobs.undelivered()] == ["j2"]
    assert jobs.result("j1") == {"stickers": ["a"]}


def test_a_crash_between_the_two_tables_is_mended_and_in_the_end_parked(jobs, monkeypatch):
    """Open here, over for the engine: run again, but not for ever."""
    monkeypatch.setattr(queue, "ADRIFT_MS", -2000)
    jobs.submit(spec("j"))
    jobs.submit(spec("fine"))
    for round_number in range(1, 4):
        jobs.dispatch.take_off(["j"])
        assert jobs.mend() == ["j"]
        assert jobs.mend() == []
        assert jobs.show("j").deaths == round_number
    assert jobs.show("j").status is Status.PARKED
    assert jobs.show("fine").status is Status.QUEUED


def test_of_a_persons_jobs_those_that_are_named_are_erased(jobs):
    for name in ("old", "new"):
        jobs.submit(spec(name))
    jobs.submit(spec("other", person="bob"))
    assert jobs.delete_person("ann", only=["old", "other"]) == (1, 0)
    assert {view.job_id for view in jobs.list()} == {"new", "other"}


def test_nothing_of_a_person_is_left(jobs):
    """Neither in our tables nor in the engine's; a running job goes once its worker has let go; others' stay."""
    ledger = Ledger(jobs.engine, "w")
    for name in ("queued", "done", "running"):
        jobs.submit(spec(name, words="secret"))
    jobs.submit(spec("other", person="bob"))
    ledger.finish(ledger.claim("done"), {})
    claim = ledger.claim("running")
    ledger.tell(claim, Progress(stage="one", done=1, total=2))
    assert jobs.delete_person("ann") == (2, 1)
    assert ledger.verdicts([claim]) == {"running": "cancelled"}
    ledger.let_go(claim)
    assert jobs.sweep(1e9) == 1
    assert [view.job_id for view in jobs.list()] == ["other"]
    with jobs.engine.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(PROGRESS)).scalar() == 0
        engine = sa.text("SELECT workflow_uuid FROM workflow_status")
        assert connection.execute(engine).scalars().all() == ["other"]


def test_the_sweep_takes_what_is_old_and_over(jobs):
    jobs.submit(spec("old"))
    jobs.submit(spec("new"))
    jobs.submit(spec("open"))
    jobs.cancel("old")
    jobs.cancel("new")
    with jobs.engine.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == "old").values(ended_ms=0))
    assert jobs.sweep(3600.0) == 1
    assert sorted(view.job_id for view in jobs.list()) == ["new", "open"]


def test_the_sweep_forgets_files_first_and_tries_again(jobs):
    """While they cannot be deleted, the queue still knows whose they are; a job that is open loses nothing."""
    old, forgotten = spec("old"), []
    jobs.submit(old)
    jobs.submit(spec("open"))
    jobs.cancel("old")

    def refuse(_spec):
        raise BadOutput("the store is away")

    with pytest.raises(BadOutput):
        jobs.sweep(-1.0, refuse)
    assert sorted(view.job_id for view in jobs.list()) == ["old", "open"]
    assert jobs.sweep(-1.0, forgotten.append) == 1
    assert forgotten == [Gone(job_id="old", person=old.person, kind=old.kind)]
    assert [view.job_id for view in jobs.list()] == ["open"]


def test_lists_are_narrowed(jobs):
    jobs.submit(spec("a", Kind.LEARN))
    jobs.submit(spec("b", person="bob"))
    jobs.submit(spec("c"))
    jobs.cancel("c")
    assert [view.job_id for view in jobs.list(kind=Kind.LEARN)] == ["a"]
    assert [view.job_id for view in jobs.list(person="bob")] == ["b"]
    assert [view.job_id for view in jobs.list(status=[Status.CANCELLED])] == ["c"]
    assert len(jobs.list(most=2)) == 2


def test_what_is_submitted_while_its_person_is_deleted_stays(jobs, monkeypatch):
    """Only what was there when the deletion began is erased: the answer "queued" is a promise."""
    jobs.submit(spec("early"))
    take_off = jobs.dispatch.take_off

    def late(ids):
        jobs.submit(spec("late"))
        take_off(ids)

    monkeypatch.setattr(jobs.dispatch, "take_off", late)
    assert jobs.delete_person(spec("early").person) == (1, 1)
    assert jobs.show("late").status is Status.QUEUED


def test_what_is_being_swept_cannot_be_requeued(jobs, monkeypatch):
    jobs.submit(spec("old"))
    jobs.cancel("old")
    erase, refused = jobs.dispatch.erase, []

    def between(ids):
        with pytest.raises(WrongStatus):
            jobs.requeue("old")
        refused.append(ids)
        erase(ids)

    monkeypatch.setattr(jobs.dispatch, "erase", between)
    assert jobs.sweep(-1) == 1
    assert refused == [["old"]]


@pytest.mark.parametrize("word", [".", "..", "", "a b", None, 5])
def test_a_person_or_a_job_of_another_alphabet_is_refused(jobs, word):
    with pytest.raises(BadJob):
        jobs.submit(replace(spec("j"), person=word))
    with pytest.raises(BadJob):
        jobs.submit(replace(spec("j"), job_id=word))
