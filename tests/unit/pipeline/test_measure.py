"""Seconds and memory of the stages, over interruptions and repeated runs, and the report made of them."""

import itertools
import json
from types import SimpleNamespace

import pytest

from pipeline import measure
from pipeline.domain import Stage
from pipeline.gpu import choose_device
from pipeline.measure import LIBRARIES, Measured
from pipeline.options import options_of


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets: each stage takes as many seconds as the test says; the peaks come in turn."""
    now, peaks = SimpleNamespace(s=0.0), SimpleNamespace(mb=itertools.repeat(100.0))
    monkeypatch.setattr(measure, "time", SimpleNamespace(monotonic=lambda: now.s))
    monkeypatch.setattr(measure, "peak_memory_mb", lambda device: next(peaks.mb))
    now.peaks = peaks
    return now


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".work" / "measured.json"


def run(path, clock, seconds, *, made=None, writes=None, fails=False):
    """One run of the train stage in a process of its own."""
    measured = Measured(path, choose_device("cpu"))
    try:
        with measured.stage(Stage.TRAIN, made):
            clock.s += seconds
            if writes is not None:
                made.write_text(writes)
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    return json.loads(path.read_text())["train"]


def test_an_interrupted_stage_goes_on_counting(path, clock):
    """Seconds add up over interruptions, the peak is the highest of all runs."""
    clock.peaks.mb = iter([300.0, 200.0])
    assert run(path, clock, 5, fails=True) == {"seconds": 5, "peak_memory_mb": 300, "finished": False}
    assert run(path, clock, 2) == {"seconds": 7, "peak_memory_mb": 300, "finished": True}


def test_a_new_run_of_a_finished_stage_counts_anew(path, clock, tmp_path):
    """Other settings, other figures: the artefact is written again."""
    made = tmp_path / "card"
    run(path, clock, 5, made=made, writes="one")
    assert run(path, clock, 3, made=made, writes="two")["seconds"] == 3
    assert run(path, clock, 1, made=made, fails=True) == {"seconds": 1, "peak_memory_mb": 100, "finished": False}


def test_a_stage_that_found_its_work_done_keeps_its_figures(path, clock, tmp_path):
    made = tmp_path / "card"
    first = run(path, clock, 50, made=made, writes="one")
    assert run(path, clock, 0.2, made=made) == first


def test_a_stage_that_was_killed_after_its_last_file_is_finished_by_the_next_run(path, clock, tmp_path):
    made = tmp_path / "card"
    run(path, clock, 50, made=made, writes="one", fails=True)
    assert run(path, clock, 0.2, made=made) == {"seconds": 50.2, "peak_memory_mb": 100, "finished": True}


@pytest.mark.parametrize("content", ["[1]", "{torn", ""])
def test_damaged_figures_are_forgotten(path, clock, content):
    path.parent.mkdir()
    path.write_text(content)
    assert run(path, clock, 2)["seconds"] == 2


def test_the_real_clock_and_memory_are_read(path):
    measured = Measured(path, choose_device("cpu"))
    with measured.stage(Stage.INTAKE):
        sum(range(1000))
    figures = measured.stages["intake"]
    assert 0 <= figures["seconds"] < 5
    assert 20 < figures["peak_memory_mb"] < 100_000  # of this process


def test_the_report_has_what_repeating_a_run_needs(path, tiny):
    measured = Measured(path, choose_device("cpu"))
    for stage in (Stage.TRAIN, Stage.GENERATE):
        with measured.stage(stage):
            pass
    report = json.loads(json.dumps(measured.report(options_of(tiny.profile, seed=7, method="dreambooth"))))
    assert set(report["seconds"]) == set(report["peak_memory_mb"]) == {"train", "generate"}
    assert set(report["versions"]) == set(LIBRARIES)
    assert report["options"]["seed"] == 7
    assert report["options"]["method"] == "dreambooth"
    assert report["profile"]["name"] == "tiny"
    assert report["profile"]["train"]["rank"] == 2
    assert str(tiny.folder) not in json.dumps(report)  # where a person's files are is nobody else's business
    assert {"device", "machine", "python"} <= report.keys()


def test_an_interrupted_run_of_something_else_counts_for_nothing(path, clock):
    def once(seconds, of, *, fails=False):
        try:
            with Measured(path, choose_device("cpu")).stage(Stage.TRAIN, of=of):
                clock.s += seconds
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        return json.loads(path.read_text())["train"]["seconds"]

    assert [once(50, "one", fails=True), once(4, "one", fails=True), once(3, "other")] == [50, 54, 3]
