"""The queue loses nothing and repeats nothing, whoever is killed and when: real processes, SQLite and PostgreSQL."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from pipeline.jobs.words import Kind, Status
from pipeline.worker.life import RESTART, Timing
from tests.postgres import installed, serving
from tests.queue_desk import ROOT, Desk, spec
from tests.soak import soak

POSTGRES = pytest.param(
    "postgresql", marks=pytest.mark.skipif(not installed(), reason="no PostgreSQL is installed that we may start")
)


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture(params=["sqlite", POSTGRES])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/queue.sqlite"
    return request.getfixturevalue("server").database(f"test{time.monotonic_ns()}")


# What a worker does to itself asks no engine: there one is enough.
sqlite_only = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


@pytest.fixture
def desk(url, tmp_path):
    desk = Desk(url, tmp_path)
    yield desk
    desk.close()


def test_a_worker_killed_in_a_stage_and_right_after_one_goes_on_where_it_was(desk):
    """Killed in the first stage, at the end of the second, in the third: every stage is done, none finished twice."""
    desk.jobs.submit(spec("j", seconds={"one": 0.3, "two": 0.2, "three": 0.3}))
    for stage, what in (("one", "begin"), ("two", "end"), ("three", "begin")):
        worker = desk.worker(wait=False)
        desk.until(lambda stage=stage, what=what: desk.noted("j", stage, what))
        desk.kill(worker)
    desk.worker(wait=False)
    desk.until_over("j")
    view = desk.jobs.show("j")
    assert (view.status, view.result, view.deaths) == (Status.DONE, {"stage": "three"}, 0)
    assert desk.repeated() == {}
    assert desk.noted("j", "one") == 2  # not thrice: the second kill did not undo it
    assert desk.noted("j", "three", "end") == 1


def test_a_second_worker_adopts_the_jobs_of_a_dead_one(desk):
    """Both lanes go on elsewhere, a lease after the death; by default within 30 seconds."""
    desk.jobs.submit(spec("draw", seconds={"one": 0.1, "two": 60}))
    desk.jobs.submit(spec("learn", Kind.LEARN, seconds={"train": 60}))
    first = desk.worker("first")
    desk.until(lambda: desk.noted("draw", "two") and desk.noted("learn", "train"))
    desk.worker("second")
    desk.kill(first)
    desk.until(lambda: desk.noted("draw", "two") == 2 and desk.noted("learn", "train") == 2)
    assert {desk.jobs.show(job).worker for job in ("draw", "learn")} == {"second"}
    assert desk.noted("draw", "one") == 1
    assert Timing().lease_s + 2 * Timing().beat_s + 1.0 < 30


def stop_between_transactions(desk, process):
    """Where a process is stopped in the middle of a write, SQLite lets nobody else write until it wakes."""
    while True:
        process.send_signal(signal.SIGSTOP)
        if desk.jobs.engine.dialect.name != "sqlite":
            return
        with closing(sqlite3.connect(desk.jobs.url.database, timeout=0.5, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
                time.sleep(0.05)


def test_a_worker_that_slept_past_its_lease_changes_nothing(desk):
    """Stopped, its job adopted and done elsewhere, woken again: it notices, leaves, and the job stays as it was."""
    desk.jobs.submit(spec("j", seconds={"one": 0.1, "two": 3.0}))
    sleeper = desk.worker("sleeper")
    desk.until(lambda: desk.noted("j", "two"))
    stop_between_transactions(desk, sleeper)
    desk.worker("other")
    desk.until(lambda: desk.noted("j", "two") == 2)
    sleeper.send_signal(signal.SIGCONT)
    assert sleeper.wait(30) == RESTART
    desk.until_over("j")
    view = desk.jobs.show("j")
    assert (view.status, view.worker) == (Status.DONE, "other")
    assert desk.noted("j", "one") == 1


def test_a_name_is_borne_by_one_worker_at_a_time(desk, tmp_path, monkeypatch):
    """The second is refused with exit code 2 and touches nothing; the first goes on. Where the queue is on a server,
    the second is on another machine, which has another data folder."""
    desk.jobs.submit(spec("j", seconds={"one": 3.0}))
    desk.worker("same")
    desk.until(lambda: desk.noted("j", "one"))
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "other"))
    second = desk.worker("same")
    assert second.wait(30) == 2
    where = "already" if desk.jobs.engine.dialect.name == "sqlite" else "on another machine"
    assert f"a worker named 'same' is running {where}" in second.log.read_text()
    desk.until_over("j")
    assert desk.noted("j", "one") == 1


@sqlite_only
def test_a_worker_of_run_waits_for_a_namesake_that_is_still_stopping(desk):
    """As after `run` was killed and begun again: it says so once, and begins when the other has left. Where that does
    not stop, it is refused in words that fit `run`, which has no --name."""
    first = desk.worker("same")
    patient = desk.worker("same", "--with-parent", grace_s=100, wait=False)
    impatient = desk.worker("same", "--with-parent", grace_s=0.1, wait=False)
    assert impatient.wait(60) == 2
    assert "does not stop; another `stickers run` or `stickers worker` has started it" in impatient.log.read_text()
    assert "--name" not in impatient.log.read_text()
    assert patient.poll() is None
    assert desk.kill(first, signal.SIGTERM) == 0
    desk.jobs.submit(spec("j", seconds={"one": 0.1}))
    desk.until_over("j")
    assert desk.jobs.show("j").status is Status.DONE
    assert patient.log.read_text().count("still stopping") == 1


@sqlite_only
def test_a_cancelled_job_stops_at_its_next_step_and_a_deaf_one_takes_only_itself(desk):
    """The listening one stops; for the deaf one the worker leaves after its grace; the other lane's job goes on."""
    desk.jobs.submit(spec("listens", seconds={"one": 60}))
    worker = desk.worker(grace_s=0.5)
    desk.until(lambda: desk.noted("listens", "one"))
    assert desk.jobs.cancel("listens").status is Status.CANCELLED
    desk.until(lambda: desk.noted("listens", "one", "stop"))
    assert worker.poll() is None

    desk.jobs.submit(spec("deaf", seconds={"one": 60}, trouble={"one": "deaf"}))
    desk.jobs.submit(spec("learn", Kind.LEARN, seconds={"first": 0.05, "train": 1.0}))
    desk.until(lambda: desk.noted("deaf", "one") and desk.noted("learn", "first"))
    desk.jobs.cancel("deaf")
    assert worker.wait(30) == RESTART
    assert (desk.jobs.show("learn").status, desk.jobs.show("learn").deaths) == (Status.QUEUED, 0)
    desk.worker()
    desk.until_over("learn")
    assert desk.statuses() == {"listens": "cancelled", "deaf": "cancelled", "learn": "done"}
    assert desk.noted("deaf", "one") == 1


@sqlite_only
def test_a_job_that_kills_its_workers_is_parked_and_takes_no_other_with_it(desk):
    """Three deaths; the training that ran beside it died with it twice, then went alone, and is done."""
    desk.jobs.submit(spec("poison", seconds={"one": 0.1, "two": 0.1}, trouble={"two": "kill"}))
    desk.jobs.submit(spec("learn", Kind.LEARN, seconds={"train": 1.0}))
    while desk.jobs.show("poison").status is not Status.PARKED or desk.jobs.show("learn").status is not Status.DONE:
        worker = desk.worker(wait=False)
        desk.until(lambda worker=worker: worker.poll() is not None or "running" not in desk.statuses().values())
        desk.until(lambda w=worker: w.poll() is not None or not {"queued", "running"} & {*desk.statuses().values()})
        assert len(desk.workers) <= 5
    assert desk.jobs.show("poison").deaths == 3
    assert [view.job_id for view in desk.jobs.dead()] == ["poison"]
    assert desk.noted("poison", "one") == 1
    assert desk.noted("poison", "two") == 3


@sqlite_only
def test_a_worker_that_is_asked_to_leave_puts_its_job_back(desk):
    """SIGTERM: the stage stops at its next step, exit code 0 within seconds, no death is counted, the job is done
    by the next worker."""
    desk.jobs.submit(spec("j", seconds={"one": 0.1, "two": 1.5}))
    worker = desk.worker()
    desk.until(lambda: desk.noted("j", "two"))
    began_s = time.monotonic()
    assert desk.kill(worker, signal.SIGTERM) == 0
    assert time.monotonic() - began_s < 5
    assert (desk.jobs.show("j").status, desk.jobs.show("j").deaths) == (Status.QUEUED, 0)
    assert desk.noted("j", "two", "stop") == 1
    desk.worker("another")
    desk.until_over("j")
    assert desk.jobs.show("j").status is Status.DONE
    assert desk.noted("j", "one") == 1


def test_a_submitter_killed_at_any_time_submits_each_job_once(desk):
    """It notes an id once the queue has taken the job; killed, it begins again from its last note."""
    program = f"""
import sys
from pipeline.jobs.queue import Jobs, Limits
from tests.queue_desk import VAULT, spec
jobs = Jobs({desk.url!r}, limits=Limits(open_jobs=1000), vault=VAULT)
for number in range(int(sys.argv[1]), 60):
    jobs.submit(spec(f"j{{number}}"))
    print(number, flush=True)
"""
    noted = 0
    for stop_at in (noted + 10, noted + 25, 59):
        words = [sys.executable, "-c", program, str(noted)]
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as submitter:
            for line in submitter.stdout:
                noted = int(line)
                if noted >= stop_at:
                    break
            submitter.kill()
    assert sorted(desk.statuses()) == sorted(f"j{number}" for number in range(60))


@pytest.mark.parametrize("url", [POSTGRES], indirect=True)
def test_a_database_that_restarts_mid_job_is_waited_for(desk, server):
    """As after a power cut of the server: the stage goes on meanwhile, is noted afterwards, and not repeated."""
    desk.jobs.submit(spec("j", seconds={"one": 1.0, "two": 0.2}))
    desk.worker()
    desk.until(lambda: desk.noted("j", "one"))
    server.stop()
    time.sleep(1.5)
    server.start()
    desk.jobs.engine.dispose()
    desk.until_over("j")
    assert desk.jobs.show("j").status is Status.DONE
    assert (desk.noted("j", "one"), desk.noted("j", "two")) == (1, 1)


def test_a_short_soak_loses_nothing_and_repeats_nothing(desk):
    """Sixteen jobs, four kills at random; `python -m tests.soak` is the long one."""
    found = soak(desk, jobs=16, kills=4, pause_s=(0.5, 2.0))
    assert found["jobs"] == 16
    assert {name: found[name] for name in ("lost", "unknown", "finished_stages_repeated", "published_twice")} == {
        "lost": 0,
        "unknown": 0,
        "finished_stages_repeated": 0,
        "published_twice": 0,
    }
