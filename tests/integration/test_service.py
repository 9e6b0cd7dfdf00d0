"""`stickers run` keeps a worker alive; `stickers load` loses nothing, and `stickers plan` foretells it."""

import signal
import subprocess
import sys
import time

import psutil
import pytest
import sqlalchemy as sa

from pipeline.domain import never_stop, no_report
from pipeline.errors import Stopped
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Kind, Status
from scripts.service.figures import Crowd, arrivals, summary
from scripts.service.load import Setup, drive
from scripts.service.plan import Machine, simulate
from tests.queue_desk import KEY, PATIENCE_S, ROOT, VAULT, spec


@pytest.fixture(autouse=True)
def key(monkeypatch):
    """Of all that is started here."""
    monkeypatch.setenv("STICKERS_SECRET_KEY", KEY)


def until(true):
    until_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until_s
        time.sleep(0.05)


def test_run_starts_a_killed_worker_again_and_stops_all_in_order(tmp_path):
    """The worker is killed mid-job: another is there, the job is done; SIGTERM: both are gone, exit code 0."""
    url = f"sqlite:///{tmp_path}/queue.sqlite"
    words = ["run", "--url", url, "--stages", "timed", "--folder", tmp_path, "--grace", 5]
    command = [sys.executable, "-m", "scripts.cli", *map(str, words)]
    program = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    with Jobs(url, vault=VAULT) as jobs, program:
        jobs.submit(spec("j", seconds={"one": 0.1, "two": 1.0}))
        until(lambda: jobs.show("j").status is Status.RUNNING)
        (first,) = psutil.Process(program.pid).children()
        assert not any(url in word for word in first.cmdline())  # which may have a password
        assert first.environ()["STICKERS_QUEUE_URL"] == url
        first.kill()
        until(lambda: jobs.show("j").status is Status.DONE)
        (second,) = psutil.Process(program.pid).children()
        assert second.pid != first.pid
        program.send_signal(signal.SIGTERM)
        assert program.wait(60) == 0
        assert not second.is_running()
        assert "STICKERS_BOT_TOKEN is not set" in program.stderr.read()


@pytest.mark.parametrize("broken_off", [False, True])
def test_nothing_of_a_trial_stays_in_a_queue_that_stays(tmp_path, broken_off):
    """After it, and after Ctrl-C; somebody else's job is as it was. No worker's command line names the queue."""
    url, lines, began_s = f"sqlite:///{tmp_path}/their%20queue.sqlite", [], time.monotonic()

    def should_stop():
        lines.extend(word for child in psutil.Process().children() for word in child.cmdline())
        return broken_off and any("begin" in file.read_text() for file in tmp_path.glob("stages.jsonl"))

    crowd = Crowd(people=3, draws=4, learns=1, draw_s=0.3, learn_s=60.0 if broken_off else 1.0, within_s=0.0)
    setup = Setup(url=url, workers=1, poll_s=0.1)
    with Jobs(url, vault=VAULT) as jobs:
        jobs.submit(spec("theirs", Kind.LEARN))
        jobs.cancel("theirs")
        if broken_off:
            with pytest.raises(Stopped):
                drive(arrivals(crowd, 1), setup, tmp_path, report=no_report, should_stop=should_stop)
            assert time.monotonic() - began_s < 60  # it does not wait for the learning of a minute
        else:
            found = drive(arrivals(crowd, 1), setup, tmp_path, report=no_report, should_stop=should_stop)
            assert (found["jobs"], found["lost"], found["duplicated"]) == (5, 0, 0)
        assert [view.job_id for view in jobs.list()] == ["theirs"]
        with jobs.engine.connect() as connection:
            left = connection.execute(sa.text("SELECT workflow_uuid FROM workflow_status")).scalars().all()
    assert left == ["theirs"]
    assert any("scripts.cli" in line for line in lines)
    assert not any("queue.sqlite" in line for line in lines)


def test_a_real_run_loses_nothing_and_the_plan_foretells_its_waits(tmp_path):
    """Fourteen drawings of about 0.6 s and a learning within five seconds, one worker: the simulation's mean wait and
    its length of the whole are within 40 % or a second of the real ones, on a machine that may be busy."""
    crowd = Crowd(people=4, draws=14, learns=1, draw_s=0.6, learn_s=2.0, within_s=5.0)
    coming = arrivals(crowd, 1)
    real = drive(coming, Setup(url=None, workers=1, poll_s=0.1), tmp_path, report=no_report, should_stop=never_stop)
    assert (real["jobs"], real["lost"], real["failed"], real["duplicated"]) == (15, 0, 0, 0)
    foretold = summary(simulate(coming, Machine(gpus=1)))
    for figure in (lambda found: found["wait_s"]["draw"]["mean"], lambda found: found["seconds"]):
        assert figure(foretold) == pytest.approx(figure(real), rel=0.4, abs=1.0)
