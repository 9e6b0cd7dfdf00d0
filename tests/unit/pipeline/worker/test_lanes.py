"""What becomes of a stage's end, and that a suspected job is alone."""

import logging
import threading
import time

import pytest

from pipeline.errors import BadInput, Stopped
from pipeline.jobs.envelope import Envelope
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Progress, Status
from pipeline.worker import lanes
from pipeline.worker.lanes import UNFORESEEN, Lanes, Room, Teller
from pipeline.worker.metrics import Metrics
from tests.queue_desk import VAULT, spec


class Three:
    """Three stages; the second does what it is given."""

    def __init__(self, second=lambda **_: {}):
        self.second, self.ran = second, []

    def names(self, spec):
        return ("one", "two", "three")

    def run(self, name, spec, *, tell, should_stop):
        self.ran.append(name)
        return self.second(tell=tell, should_stop=should_stop) if name == "two" else {"by": name}

    def forget(self, spec):
        """Nothing was left."""


@pytest.fixture
def do(jobs, monkeypatch):
    """Do a job with these stages, without an engine: nothing is noted as finished."""
    monkeypatch.setattr(lanes, "AGAIN_S", 0.001)

    def run(stages, job_id="j"):
        jobs.submit(spec(job_id))
        work = Lanes(Ledger(jobs.engine, "w"), stages, Metrics(), lambda _name, act: act())
        return work, work.job(job_id)

    return run


def test_a_job_goes_through_its_stages_and_its_result_is_the_last_ones(do, jobs):
    stages = Three()
    assert do(stages)[1] == "done"
    assert stages.ran == ["one", "two", "three"]
    assert (jobs.show("j").status, jobs.result("j")) == (Status.DONE, {"by": "three"})


def test_a_refusal_fails_at_once_and_its_sentence_is_kept(do, jobs):
    def refuse(**_):
        raise BadInput("this is no pack")

    stages = Three(refuse)
    assert do(stages)[1] == "failed"
    view = jobs.show("j")
    assert stages.ran == ["one", "two"]
    assert (view.status, view.error_code, view.error) == (Status.FAILED, "bad_input", "this is no pack")


def test_what_breaks_is_tried_three_times_and_its_words_are_not_logged(do, jobs, caplog):
    """A stage that comes round goes on; one that does not fails, its owner is told no internals."""
    left = [OSError("secret words"), OSError("secret words")]

    def shaky(**_):
        if left:
            raise left.pop()
        return {}

    stages = Three(shaky)
    assert do(stages)[1] == "done"
    assert stages.ran == ["one", "two", "two", "two", "three"]
    left[:] = [OSError("secret words")] * 3
    with caplog.at_level(logging.INFO):
        assert do(Three(shaky), "k")[1] == "failed"
    assert (jobs.show("k").error_code, jobs.show("k").error) == ("unforeseen", UNFORESEEN)
    assert "stage broke" in caplog.text
    assert "secret" not in str([record.__dict__ for record in caplog.records])


def test_a_cancelled_job_ends_as_cancelled(do, jobs):
    def until_stopped(*, tell, should_stop):
        jobs.cancel("j")
        (run,) = work[0].runs()
        run.stop.set()
        assert should_stop()
        raise Stopped()

    work = []
    stages = Three(until_stopped)
    jobs.submit(spec("j"))
    work.append(Lanes(Ledger(jobs.engine, "w"), stages, Metrics(), lambda _name, act: act()))
    assert work[0].job("j") == "cancelled"
    assert stages.ran == ["one", "two"]
    assert jobs.show("j").status is Status.CANCELLED
    assert work[0].runs() == []
    jobs.dispatch.take_off(["j"])
    assert jobs.requeue("j").status is Status.QUEUED  # it was let go of


def test_a_stage_that_stops_without_being_asked_has_failed(do, jobs):
    def stop(**_):
        raise Stopped()

    assert do(Three(stop))[1] == "failed"
    assert jobs.show("j").error_code == "stopped"


def test_progress_is_told_once_a_second_and_always_at_a_stages_ends(do, jobs):
    """A thousand quick steps are two rows, the first and the last."""

    def many(*, tell, should_stop):
        for step in range(1000):
            tell(Progress(stage="two", done=step + 1, total=1000))
        return {}

    do(Three(many))
    assert [progress.done for _, progress in jobs.progress("j")] == [1, 1000]


def test_a_step_is_not_lost_because_its_progress_could_not_be_told(jobs, caplog):
    class Away:
        def tell(self, claim, progress):
            raise OSError

    jobs.submit(spec("j"))
    Teller(Away(), Ledger(jobs.engine, "w").claim("j"))(Progress(stage="x", done=1, total=1))
    assert "progress not told" in caplog.text


def test_a_suspected_job_is_alone_and_others_wait_for_it():
    """The suspect waits for the other lane; while it is inside, nobody comes in."""
    room, order = Room(), []
    inside, leave = threading.Event(), threading.Event()

    def stay(name, alone):
        with room.entered(alone=alone):
            order.append(name)
            inside.set()
            leave.wait(10)

    first = threading.Thread(target=stay, args=("learn", False))
    first.start()
    assert inside.wait(10)
    suspect = threading.Thread(target=stay, args=("suspect", True))
    suspect.start()
    time.sleep(0.05)
    assert order == ["learn"]
    leave.set()
    for thread in (first, suspect):
        thread.join(10)
    assert order == ["learn", "suspect"]

    leave.clear()
    inside.clear()
    suspect = threading.Thread(target=stay, args=("suspect again", True))
    suspect.start()
    assert inside.wait(10)
    other = threading.Thread(target=stay, args=("other", False))
    other.start()
    time.sleep(0.05)
    assert order[-1] == "suspect again"
    leave.set()
    for thread in (suspect, other):
        thread.join(10)
    assert order[-1] == "other"


class Keeping(Three):
    """Stages that keep something of a job here; ``cleared`` notes how the queue saw it then."""

    def __init__(self, jobs, second=lambda **_: {}):
        super().__init__(second)
        self.jobs, self.cleared = jobs, []

    def clear(self, spec):
        self.cleared.append(self.jobs.show(spec.job_id).status)


def refused(**_):
    raise BadInput("no")


@pytest.mark.parametrize(("second", "ended"), [(lambda **_: {}, "done"), (refused, "failed")])
def test_what_lies_here_of_a_job_is_deleted_before_anybody_else_may_have_it(do, jobs, second, ended):
    """However it ended, and while it is still ours: whoever takes it up again may do so in the same folder."""
    stages = Keeping(jobs, second)
    assert do(stages)[1] == ended
    assert stages.cleared == [Status.RUNNING]


def test_what_lies_here_of_a_job_that_another_worker_has_stays(do, jobs):
    def lose(**_):
        Ledger(jobs.engine, "other").claim("j")
        return {}

    stages = Keeping(jobs, lose)
    do(stages)
    assert stages.cleared == []


def test_a_worker_that_comes_back_after_its_job_was_taken_over_says_so(do, jobs, caplog):
    """Not that it was cancelled: its operator would look for who did."""

    def sleep(**_):
        other = Ledger(jobs.engine, "other")
        other.finish(other.claim("j"), {"by": "other"})
        return {}

    assert do(Three(sleep))[1] == "lost"
    assert "another worker took it over while this one slept" in caplog.text
    assert jobs.result("j") == {"by": "other"}


def test_a_folder_that_cannot_be_cleared_costs_nobody_the_job(do, jobs, monkeypatch):
    stages = Keeping(jobs)
    monkeypatch.setattr(stages, "clear", lambda spec: 1 / 0)
    assert do(stages)[1] == "done"


def test_what_the_engine_keeps_of_a_stage_is_sealed(jobs, url):
    """And a replay of it, after a crash, is what the stage returned."""
    kept, envelope = [], Envelope(VAULT.sealer("queue"))

    def step(_name, act):
        kept.append(act())
        return kept[-1]

    jobs.submit(spec("j"))
    stages = Three(lambda **_: {"captions": "words of theirs"})
    stages.names = lambda spec: ("one", "two")
    assert Lanes(Ledger(jobs.engine, "w", envelope), stages, Metrics(), step).job("j") == "done"
    assert all(one["result"].startswith("sealed1.") for one in kept)
    with Jobs(url, vault=VAULT) as opened:
        assert opened.result("j") == {"captions": "words of theirs"}
