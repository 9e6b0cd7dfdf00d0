"""A worker whose key is not the queue's any more leaves, and no job is the worse for it."""

import os
import threading
import time
from contextlib import suppress

import pytest
from cryptography.fernet import Fernet

from pipeline.errors import OtherKey
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.words import Status
from pipeline.vault import Vault
from pipeline.worker.lanes import Lanes
from pipeline.worker.life import BROKEN, Life, Timing
from pipeline.worker.metrics import Metrics
from pipeline.worker.timed import TimedStages
from tests.queue_desk import KEY, VAULT, spec


def left_by(life, lanes, job_id, monkeypatch):
    """A job is begun, and the worker looks until it leaves: its exit code."""
    ends = []

    def leave(code):
        ends.append(code)
        raise SystemExit

    monkeypatch.setattr(os, "_exit", leave)
    threading.Thread(target=lanes.job, args=(job_id,), daemon=True).start()
    until_s = time.monotonic() + 30
    while not ends and time.monotonic() < until_s:
        with suppress(SystemExit):
            life.look()
        time.sleep(0.01)
    return ends


def test_a_worker_whose_key_was_changed_meanwhile_leaves_and_takes_no_job(url, tmp_path, monkeypatch):
    """Exit code 2: begun anew, it would have the same key. No death is counted."""
    new = Fernet.generate_key().decode()
    with Jobs(url, vault=VAULT) as jobs:
        jobs.submit(spec("j"))
        lanes = Lanes(
            Ledger(jobs.engine, "w", jobs.envelope), TimedStages(tmp_path), Metrics(), lambda _name, act: act()
        )
        with Jobs(url, vault=Vault([new, KEY])):
            pass
        assert left_by(Life(jobs, lanes, Timing()), lanes, "j", monkeypatch) == [BROKEN]
    with Jobs(url, vault=Vault([new])) as jobs:
        assert (jobs.show("j").status, jobs.show("j").deaths) == (Status.QUEUED, 0)


def test_a_stage_whose_files_are_all_sealed_with_another_key_fails_no_job(jobs, tmp_path, monkeypatch):
    class Locked(TimedStages):
        def run(self, name, spec, *, tell, should_stop):
            raise OtherKey("what lies there was sealed with another key")

    jobs.submit(spec("j"))
    lanes = Lanes(Ledger(jobs.engine, "w"), Locked(tmp_path), Metrics(), lambda _name, act: act())
    assert left_by(Life(jobs, lanes, Timing()), lanes, "j", monkeypatch) == [BROKEN]
    assert (jobs.show("j").status, jobs.show("j").deaths) == (Status.QUEUED, 0)


def test_tidying_under_another_key_ends_the_worker_for_good(jobs, tmp_path, monkeypatch):
    lanes = Lanes(Ledger(jobs.engine, "w"), TimedStages(tmp_path), Metrics(), lambda _name, act: act())
    life, ends = Life(jobs, lanes, Timing()), []
    monkeypatch.setattr(jobs, "mend", lambda: (_ for _ in ()).throw(OtherKey()))
    monkeypatch.setattr(life, "leave", lambda _why, code: ends.append(code) or pytest.exit("left"))
    with pytest.raises(pytest.exit.Exception):
        life._again(life.tidy, 0.0)
    assert ends == [BROKEN]
