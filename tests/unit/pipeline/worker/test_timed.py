"""Stages that only take their time do take it, stop when asked, and give way."""

import json
import threading
import time

import pytest

from pipeline.domain import never_stop
from pipeline.errors import BadInput, Stopped
from pipeline.jobs.words import Kind
from pipeline.worker.timed import TimedStages
from tests.queue_desk import spec


def silent(_progress):
    """A ``Tell`` to nobody."""


@pytest.fixture
def stages(tmp_path):
    return TimedStages(tmp_path)


def notes(tmp_path):
    return [json.loads(line) for line in (tmp_path / "stages.jsonl").read_text().splitlines()]


def test_a_stage_takes_its_seconds_and_tells_every_step(stages, tmp_path):
    told, began_s = [], time.monotonic()
    job = spec("j", seconds={"b": 0.2, "a": 0.0})
    assert stages.names(job) == ("b", "a")
    assert stages.run("b", job, tell=told.append, should_stop=never_stop) == {"stage": "b"}
    assert time.monotonic() - began_s >= 0.2
    assert [progress.done for progress in told] == list(range(1, 11))
    assert [note["what"] for note in notes(tmp_path)] == ["begin", "end"]


def test_it_stops_when_asked_unless_it_is_deaf(stages, tmp_path):
    with pytest.raises(Stopped):
        stages.run("a", spec("j", seconds={"a": 60}), tell=silent, should_stop=lambda: True)
    assert [note["what"] for note in notes(tmp_path)] == ["begin", "stop"]
    deaf = spec("k", seconds={"a": 0.05}, trouble={"a": "deaf"})
    assert stages.run("a", deaf, tell=silent, should_stop=lambda: True)


def test_its_troubles_are_those_that_were_asked_for(stages):
    job = spec("j", seconds={"a": 0}, trouble={"a": "refuse"})
    with pytest.raises(BadInput):
        stages.run("a", job, tell=silent, should_stop=never_stop)
    shaky = spec("k", seconds={"a": 0}, trouble={"a": "shaky"})
    for _ in range(2):
        with pytest.raises(ConnectionError):
            stages.run("a", shaky, tell=silent, should_stop=never_stop)
    assert stages.run("a", shaky, tell=silent, should_stop=never_stop)


def test_learning_stands_still_while_somebody_draws(stages, tmp_path):
    """0.3 s of learning around 0.4 s of drawing end after the drawing."""
    learn, draw = spec("l", Kind.LEARN, seconds={"a": 0.3}), spec("d", seconds={"a": 0.4})
    threads = [
        threading.Thread(target=stages.run, args=("a", job), kwargs={"tell": silent, "should_stop": never_stop})
        for job in (draw, learn)
    ]
    began_s = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert time.monotonic() - began_s >= 0.65
    assert [(note["job"], note["what"]) for note in notes(tmp_path)][-2:] == [("d", "end"), ("l", "end")]
