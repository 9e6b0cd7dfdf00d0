"""What people say is sealed in the queue's rows and in the engine's, bound to its job, and read as it was said."""

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet

from pipeline.errors import BadInput, BadSetting, OtherKey, WorkerRunning
from pipeline.jobs.envelope import CLEAR, Envelope
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.tables import JOBS, engine_steps
from pipeline.jobs.words import Progress, Status
from pipeline.vault import Vault
from tests.queue_desk import spec

OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
SAID = "marker-of-these-words"
PREVIEW = f"people/ann/jobs/j/previews/{SAID}.png"


def opened(url, *keys, begins=True):
    return Jobs(url, vault=Vault(keys) if keys else None, begins=begins)


def told(jobs, job_id):
    """A job that was worked on under this key: progress and result, or an error."""
    ledger = Ledger(jobs.engine, "w", jobs.envelope)
    claim = ledger.claim(job_id)
    ledger.tell(claim, Progress(stage="generate", done=1, total=2, preview=PREVIEW))
    if job_id.startswith("bad"):
        ledger.fail(claim, "bad_input", f"{SAID!r} is no picture")
    else:
        ledger.finish(claim, {"captions": {"cat": SAID}})


def said(jobs, job_id):
    """All that can be read of a job."""
    view, ((_, progress),) = jobs.show(job_id), jobs.progress(job_id)
    return view.spec.options["words"], view.result, view.error, progress.preview, jobs.latest([job_id])[job_id][1]


def filled(jobs):
    for job_id in ("j", "bad"):
        jobs.submit(spec(job_id, words=SAID))
        told(jobs, job_id)
    return [said(jobs, job_id) for job_id in ("j", "bad")]


def everything(url):
    """Every value of every table, the engine's too."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [value for table in tables for row in connection.execute(f"SELECT * FROM {table}") for value in row]


def test_no_word_of_theirs_is_in_any_table_and_all_can_be_read(url):
    with opened(url, OLD) as jobs:
        found = filled(jobs)
        preview = Progress(stage="generate", done=1, total=2, preview=PREVIEW)
        assert found == [
            (SAID, {"captions": {"cat": SAID}}, None, PREVIEW, preview),
            (SAID, None, f"{SAID!r} is no picture", PREVIEW, preview),
        ]
        assert next(view.spec for view in jobs.list()).options["words"] == SAID
        values = everything(url)
        assert "j" in values  # ids are in clear: rows are found by them
        assert not any(SAID in str(value) for value in values)


def test_the_same_job_again_is_the_same_though_it_is_sealed_anew(url):
    with opened(url, OLD) as jobs:
        first = jobs.submit(spec("j", words=SAID))
        assert jobs.submit(spec("j", words=SAID)) == first


def test_a_spec_of_one_job_does_not_open_as_another_s(url):
    """Who can write to the database cannot have one person's job done for another."""
    with opened(url, OLD) as jobs:
        jobs.submit(spec("mine", words=SAID))
        jobs.submit(spec("theirs", person="bob", words="other"))
        with jobs.engine.begin() as connection:
            mine = connection.execute(sa.select(JOBS.c.spec).where(JOBS.c.job_id == "mine")).scalar()
            connection.execute(sa.update(JOBS).where(JOBS.c.job_id == "theirs").values(spec=mine))
        with pytest.raises(BadInput, match="'theirs/spec' in the queue is not what was sealed there"):
            jobs.show("theirs")


def test_another_key_and_none_are_refused_at_the_start(url):
    with opened(url, OLD):
        for begins in (True, False):
            with pytest.raises(BadSetting, match="was sealed with another key; set STICKERS_SECRET_KEY"):
                opened(url, NEW, begins=begins)
            with pytest.raises(BadSetting, match="are sealed, and there is no key"):
                opened(url, begins=begins)


def in_clear(url):
    """A queue of an older version, with a stage that the engine has noted as finished, and its own words for it."""
    with opened(url) as jobs:
        found = filled(jobs)
        steps = engine_steps(jobs.engine)
        kept = {"output": f'{{"result":{{"captions":{{"cat":"{SAID}"}}}}}}', "function_name": "generate"}
        failed = {"output": f'{{"code":"bad_input","error":"{SAID}"}}', "function_name": "cutout"}
        with jobs.engine.begin() as connection:
            for number, row in enumerate((kept, failed), start=1):
                more = {"workflow_uuid": "j", "function_id": number, "retention_timestamp": 0}
                columns = ", ".join(row | more)
                marks = ", ".join(f":{name}" for name in row | more)
                connection.execute(sa.text(f"INSERT INTO operation_outputs ({columns}) VALUES ({marks})"), row | more)
        assert steps.name == "operation_outputs"
    return found


def outputs(jobs):
    """What the engine has of the stages, as the worker reads it."""
    who = {"person": "ann", "job_id": "j"}
    steps = jobs.dispatch._client.list_workflow_steps("j")
    return [jobs.envelope.open_step(step["output"], **who, stage=step["function_name"]) for step in steps]


def test_a_queue_in_clear_is_sealed_by_the_first_start_with_a_key(url):
    """Rows and the engine's; nobody loses a word; who only looks reads it and changes nothing."""
    before = in_clear(url)
    with opened(url, OLD, begins=False) as jobs:
        assert [said(jobs, job_id) for job_id in ("j", "bad")] == before
    assert any(SAID in str(value) for value in everything(url))
    with opened(url, OLD) as jobs:
        assert [said(jobs, job_id) for job_id in ("j", "bad")] == before
        assert not any(SAID in str(value) for value in everything(url))
        assert outputs(jobs) == [{"result": {"captions": {"cat": SAID}}}, {"code": "bad_input", "error": SAID}]


def test_a_key_is_changed_by_one_start_with_both(url):
    """Then the old one may be left out, and opens nothing; a job that was half done goes on."""
    before = in_clear(url)
    for keys in ((OLD,), (NEW, OLD), (NEW,)):
        with opened(url, *keys) as jobs:
            assert [said(jobs, job_id) for job_id in ("j", "bad")] == before
            assert outputs(jobs)[0] == {"result": {"captions": {"cat": SAID}}}
    with pytest.raises(BadSetting, match="another key"):
        opened(url, OLD)


def test_a_key_is_not_changed_beneath_a_worker_that_has_the_old_one(url):
    """Refused in a sentence while its heart beats; nothing is sealed anew. Once it has left, and for one that comes
    while workers with both keys are at work, nothing stands in the way."""
    before = in_clear(url)
    with opened(url, OLD) as jobs:
        Ledger(jobs.engine, "w2").beat()
        with pytest.raises(WorkerRunning, match=r"while workers are at work with the old one \(w2\); stop all"):
            opened(url, NEW, OLD)
        assert [said(jobs, job_id) for job_id in ("j", "bad")] == before
        Ledger(jobs.engine, "w2").bury("w2")
    with opened(url, NEW, OLD) as jobs:
        Ledger(jobs.engine, "w2").beat()
    with opened(url, NEW, OLD) as jobs:
        assert [said(jobs, job_id) for job_id in ("j", "bad")] == before


def test_a_damaged_row_keeps_no_other_from_being_sealed_anew(url):
    before = in_clear(url)
    with opened(url, OLD) as jobs, jobs.engine.begin() as connection:
        strange = f"sealed1.{'A' * 80}"
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == "bad").values(spec=strange))
        connection.execute(
            sa.text("UPDATE operation_outputs SET output = :text WHERE function_name = 'cutout'"),
            {"text": f'{{"code":"bad_input","error":"{strange}"}}'},
        )
    with opened(url, NEW, OLD):
        pass
    with opened(url, NEW) as jobs:
        assert said(jobs, "j") == before[0]


def test_a_claim_under_a_key_that_was_changed_meanwhile_leaves_the_job_as_it_was(url):
    with opened(url, OLD) as jobs:
        jobs.submit(spec("j", words=SAID))
        outdated = Ledger(jobs.engine, "w", jobs.envelope)
        with opened(url, NEW, OLD):
            pass
        for _ in range(4):
            with pytest.raises(OtherKey, match="was sealed with another key"):
                outdated.claim("j")
    with opened(url, NEW) as jobs:
        view = jobs.show("j")
        assert (view.status, view.deaths, view.started_s, view.worker) == (Status.QUEUED, 0, None, None)
        assert Ledger(jobs.engine, "w", jobs.envelope).claim("j").spec.options["words"] == SAID


@pytest.mark.parametrize("words", ["{~", f"sealed1.{'A' * 80}"])
def test_a_job_whose_words_are_damaged_is_parked_at_once(url, words):
    """The key is right, as the queue's mark tells: no worker has to leave for it."""
    with opened(url, OLD) as jobs:
        jobs.submit(spec("j"))
        with jobs.engine.begin() as connection:
            connection.execute(sa.update(JOBS).values(spec=words))
        assert Ledger(jobs.engine, "w", jobs.envelope).claim("j") is None
        assert [(view.status, view.unread is None) for view in jobs.dead()] == [(Status.PARKED, False)]


def test_a_person_is_erased_and_a_failed_job_requeued_as_ever(url):
    with opened(url, OLD) as jobs:
        filled(jobs)
        assert jobs.requeue("bad").status is Status.QUEUED
        forgotten = []
        jobs.cancel("bad")
        assert jobs.sweep(-1, forgotten.append) == 2
        assert sorted(one.job_id for one in forgotten) == ["bad", "j"]
        assert not any("ann" in str(value) for value in everything(url))


@pytest.mark.parametrize("done", [{"result": {"a": [1, None, "\udcff"]}}, {"code": "x", "error": "words"}, {}])
def test_a_stage_s_end_is_sealed_and_what_it_means_is_not(done):
    """The engine's side asks only whether it was finished."""
    who = {"person": "ann", "job_id": "j", "stage": "learn"}
    envelope = Envelope(Vault([OLD]).sealer("queue"))
    sealed = envelope.seal_step(done, **who)
    assert sealed.keys() == done.keys()
    assert envelope.open_step(sealed, **who) == done
    assert CLEAR.open_step(CLEAR.seal_step(done, **who), **who) == done
    if "result" in done:
        with pytest.raises(BadInput):
            envelope.open_step(sealed, **(who | {"job_id": "k"}))


def test_which_jobs_are_unfinished_is_told_without_a_word_of_them(url):
    """Open ones, and those that a worker has not let go of."""
    with opened(url, OLD) as jobs:
        for job_id in ("queued", "gone", "held"):
            jobs.submit(replace(spec("x"), job_id=job_id))
        Ledger(jobs.engine, "w", jobs.envelope).claim("held")
        jobs.cancel("gone")
        jobs.cancel("held")
        assert jobs.unfinished(["queued", "gone", "held", "unknown"]) == {"queued", "held"}
