"""A damaged row costs its own job something, and nobody else anything."""

import pytest
import sqlalchemy as sa

from pipeline.errors import BadInput, BadOutput
from pipeline.jobs import queue
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.jobs.tables import JOBS
from pipeline.jobs.words import Gone, Kind, Progress, Status
from tests.queue_desk import VAULT, spec


@pytest.fixture(params=[None, VAULT], ids=["clear", "sealed"])
def jobs(request, url):
    with Jobs(url, vault=request.param) as jobs:
        for name in ("hurt", "sound"):
            jobs.submit(spec(name))
        yield jobs


def change(jobs, job_id, **values):
    with jobs.engine.begin() as connection:
        connection.execute(sa.update(JOBS).where(JOBS.c.job_id == job_id).values(**values))


def damage(jobs, job_id, by="~"):
    """Another letter in the middle of its words."""
    with jobs.engine.begin() as connection:
        text = connection.execute(sa.select(JOBS.c.spec).where(JOBS.c.job_id == job_id)).scalar()
    place = text.index('"person"') + 1 if "{" in text else len(text) // 2
    change(jobs, job_id, spec=text[:place] + by + text[place + 1 :])


def test_a_damaged_job_is_erased_like_any_other_with_its_files(jobs):
    for name in ("hurt", "sound"):
        jobs.cancel(name)
    damage(jobs, "hurt")
    forgotten = []
    assert jobs.sweep(-1, forgotten.append) == 2
    assert sorted(forgotten, key=str) == [Gone(job_id=name, person="ann", kind="draw") for name in ("hurt", "sound")]
    assert jobs.list() == []


def test_one_job_whose_files_cannot_be_deleted_keeps_no_other_from_it(jobs):
    """It stays, and the next sweep tries again; where its very name is none, nothing can lie under it."""
    for name in ("hurt", "sound"):
        jobs.cancel(name)

    def forget(job, error=BadOutput):
        if job.job_id == "hurt":
            raise error("away")

    with pytest.raises(BadOutput):
        jobs.sweep(-1, forget)
    assert [view.job_id for view in jobs.list()] == ["hurt"]
    assert jobs.sweep(-1, lambda job: forget(job, BadInput)) == 1


def test_a_list_shows_a_damaged_job_and_why_it_cannot_be_read(jobs):
    """With what its row says in clear; asked for alone, it is refused with the reason."""
    damage(jobs, "hurt")
    change(jobs, "sound", status="teleported")
    views = {view.job_id: view for view in jobs.list()}
    for view in (views["hurt"], jobs.several(["hurt", "sound"])["hurt"]):
        assert view.unread.startswith("cannot be read: ")
        assert (view.spec.person, view.spec.kind, view.status) == ("ann", Kind.DRAW, Status.QUEUED)
    assert "teleported" in views["sound"].unread
    with pytest.raises(BadInput, match="hurt"):
        jobs.show("hurt")


def test_a_row_that_seems_sealed_with_another_key_costs_no_other_row_anything(jobs):
    """The queue's own mark says that the key is right: it is the row that is damaged."""
    change(jobs, "hurt", spec="sealed1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    if jobs.envelope.sealer is not None:
        assert {view.job_id: view.unread is None for view in jobs.list()} == {"hurt": False, "sound": True}


def test_letters_that_are_none_cost_no_other_row_anything(jobs):
    """As a disk's fault leaves them: SQLite hands them out as they are."""
    with jobs.engine.begin() as connection:
        broken = sa.text("UPDATE sticker_job SET spec = CAST(x'ff7b' AS TEXT) WHERE job_id = 'hurt'")
        connection.execute(broken)
    assert {view.job_id: view.unread is None for view in jobs.list()} == {"hurt": False, "sound": True}


def test_a_damaged_preview_is_none(jobs):
    ledger = Ledger(jobs.engine, "w", jobs.envelope)
    ledger.tell(ledger.claim("hurt"), Progress(stage="generate", done=1, total=2))
    with jobs.engine.begin() as connection:
        connection.execute(sa.text("UPDATE sticker_progress SET preview = 'sealed1.AAAA'"))
    if jobs.envelope.sealer is not None:
        assert jobs.latest(["hurt"])["hurt"][1] == Progress(stage="generate", done=1, total=2)


def test_a_damaged_job_is_mended_and_in_the_end_parked_and_those_behind_it_are_mended_too(jobs, monkeypatch):
    monkeypatch.setattr(queue, "ADRIFT_MS", -2000)
    damage(jobs, "hurt")
    for _ in range(queue.MOST_DEATHS):
        jobs.dispatch.take_off(["hurt"])
        jobs.mend()
    jobs.dispatch.take_off(["sound"])
    change(jobs, "hurt", status=Status.QUEUED, kind="sing")
    assert sorted(jobs.mend()) == ["hurt", "sound"]
    assert jobs.mend() == []
    statuses = {view.job_id: view.status for view in jobs.list()}
    assert statuses == {"hurt": Status.PARKED, "sound": Status.QUEUED}
