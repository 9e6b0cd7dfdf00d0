"""What simulated people ask for: everybody's own pictures and style, and what was done twice."""

import json
from dataclasses import replace

import pytest

from pipeline.errors import BadInput
from pipeline.files import style_key
from pipeline.jobs.ledger import Ledger
from pipeline.jobs.words import Kind
from scripts.service.crew import Trial
from scripts.service.figures import Arrival
from scripts.service.trial import BEFOREHAND, OWN, RealWork, TimedWork
from tests.queue_desk import KEY
from tests.tiny_profile import write_pack, write_photos

COMING = [
    Arrival(at_s=0.0, person="p0", kind=Kind.LEARN, seconds=1.0),
    Arrival(at_s=0.0, person="p0", kind=Kind.DRAW, seconds=1.0),
    Arrival(at_s=0.0, person="p1", kind=Kind.DRAW, seconds=1.0),
]


@pytest.fixture
def trial(url, tmp_path):
    return Trial(url=url, mark="load7", folder=tmp_path, key=KEY)


@pytest.fixture
def work(tmp_path):
    write_photos(tmp_path / "photos")
    return RealWork(pack=write_pack(tmp_path / "pack"), photos=tmp_path / "photos", train_steps=3)


def test_everybody_has_pictures_of_their_own_before_they_come(work, trial):
    """A job's keys are its person's and are there; another drawing takes another photo; the steps are as asked."""
    work.lay_out(trial, COMING)
    files = trial.opened()
    specs = [work.spec(trial, number, arrival) for number, arrival in enumerate(COMING)]
    for spec, arrival in zip(specs, COMING, strict=True):
        assert spec.person == f"load7.{arrival.person}"
        keys = spec.pack + spec.photos
        assert all(key.startswith(f"people/{spec.person}/") and files.exists(key) for key in keys)
    assert [(len(spec.pack), len(spec.photos)) for spec in specs] == [(3, 0), (0, 1), (0, 1)]
    assert specs[0].options["train_steps"] == 3
    assert specs[1].photos[0].rpartition("/")[2] != specs[2].photos[0].rpartition("/")[2]


def test_who_has_learned_a_style_by_now_draws_in_it(work, trial):
    assert [work.spec(trial, at, COMING[at]).style for at in (1, 2)] == [BEFOREHAND, BEFOREHAND]
    trial.opened().put(f"{style_key('load7.p0', OWN)}/.manifest.json", b'{"files": {}}')
    assert [work.spec(trial, at, COMING[at]).style for at in (0, 1, 2)] == [OWN, OWN, BEFOREHAND]


def test_a_result_that_was_published_twice_is_counted_and_no_other_end(work, trial):
    """By whichever workers; not the jobs before the first, nor one that was done once and let go of twice."""
    ends = {"a": [("load7.0", "done"), ("load7.1", "cancelled"), ("load7-learn", "done")]}
    ends["b"] = [("load7.0", "done"), ("load7.1", "done"), ("load7-learn", "done"), ("load7.2", "failed")]
    for name, lines in ends.items():
        text = [json.dumps({"event": "over", "job": job, "outcome": outcome}) for job, outcome in lines]
        (trial.folder / f"{name}.log").write_text("\n".join(["a warning of a library", *text, '{"event": "ready"}']))
    assert work.twice(trial) == 1


def test_a_pack_that_cannot_be_used_is_told_before_anything_is_started(work, tmp_path):
    with pytest.raises(BadInput, match="nowhere"):
        replace(work, pack=tmp_path / "nowhere").read()


def test_drawing_counts_where_somebody_learned_on_the_same_worker(work, trial, jobs):
    """Only the time in which both were at it."""
    for number, arrival in enumerate(COMING):
        jobs.submit(replace(TimedWork().spec(trial, number, arrival), job_id=f"j{number}"))
        ledger = Ledger(jobs.engine, "gpu1" if number == 2 else "gpu0")
        ledger.finish(ledger.claim(f"j{number}"), {})
    views = {view.job_id: view for view in jobs.list()}
    learn = replace(views["j0"], started_s=100.0, ended_s=110.0)
    draws = [replace(views[name], started_s=105.0, ended_s=113.0) for name in ("j1", "j2")]
    assert work.drawn_s(trial, [learn, *draws]) == pytest.approx(5.0)
