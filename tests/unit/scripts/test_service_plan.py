"""The simulation follows the policy; the figures are what they say."""

import json
import statistics

import pytest
from typer.testing import CliRunner

from pipeline.errors import BadSetting
from pipeline.jobs.words import Kind
from scripts.cli import app
from scripts.service.figures import Arrival, Crowd, Served, arrivals, jain, summary
from scripts.service.plan import Machine, simulate

AT_ONCE = Machine(gpus=1, pick_up_s=0.0, overhead_s=0.0)


def come(person, at_s=0.0, seconds=1.0, kind=Kind.DRAW):
    return Arrival(at_s=at_s, person=person, kind=kind, seconds=seconds)


def test_turns_go_round_among_people():
    """One comes with four, two with one each: nobody's second comes before everybody's first."""
    served = simulate([come("ann")] * 4 + [come("bob"), come("eve")], AT_ONCE)
    order = [one.person for one in sorted(served, key=lambda one: one.begun_s)]
    assert order == ["ann", "bob", "eve", "ann", "ann", "ann"]
    assert [one.over_s for one in sorted(served, key=lambda one: one.over_s)] == [1, 2, 3, 4, 5, 6]


def test_a_learning_stands_still_while_somebody_draws_and_loses_nothing():
    """Ten seconds of learning with two drawings of one second on the way take twelve; the drawings wait for nobody."""
    coming = [come("ann", 0.0, 10.0, Kind.LEARN), come("bob", 2.0), come("eve", 5.0)]
    served = {one.person: one for one in simulate(coming, AT_ONCE)}
    assert served["ann"].over_s == pytest.approx(12.0)
    assert [served[name].begun_s - served[name].submitted_s for name in ("bob", "eve")] == [0.0, 0.0]


def test_two_gpus_do_two_jobs_at_a_time():
    served = simulate([come(f"p{number}") for number in range(4)], Machine(gpus=2, pick_up_s=0.0, overhead_s=0.0))
    assert sorted(one.over_s for one in served) == [1.0, 1.0, 2.0, 2.0]


def test_a_lone_queue_waits_as_theory_says():
    """Half load, Poisson arrivals, times uniform in 0.5 to 1.5: W = λE[S²] / 2(1-ρ) = 0.54 s (Pollaczek, Khinchine)."""
    crowd = Crowd(people=10**6, draws=40_000, learns=0, draw_s=1.0, learn_s=1.0, within_s=80_000.0)
    waits = [one.begun_s - one.submitted_s for one in simulate(arrivals(crowd, 0), AT_ONCE)]
    assert statistics.fmean(waits) == pytest.approx(0.5 * (1 + 1 / 12) / (2 * 0.5), rel=0.05)


def test_jains_index():
    assert jain([3, 3, 3]) == pytest.approx(1.0)
    assert jain([1, 0, 0, 0]) == pytest.approx(0.25)
    assert jain([0, 0]) == 1.0


def test_the_summary_tells_waits_by_kind():
    served = [
        Served(person=f"p{number}", kind=Kind.DRAW, submitted_s=0.0, begun_s=float(number), over_s=number + 1.0)
        for number in range(100)
    ]
    found = summary(served)
    assert found["wait_s"]["draw"] == {
        "count": 100,
        "mean": pytest.approx(49.5),
        "p50": 50.0,
        "p95": 95.0,
        "p99": 99.0,
        "to_end_mean": pytest.approx(50.5),
    }
    assert found["wait_s"]["learn"] is None
    assert found["jobs_per_s"] == pytest.approx(1.0)


def test_arrivals_are_the_same_for_the_same_seed_and_as_many_as_asked():
    crowd = Crowd(people=3, draws=50, learns=5, draw_s=2.0, learn_s=9.0, within_s=100.0)
    assert arrivals(crowd, 7) == arrivals(crowd, 7) != arrivals(crowd, 8)
    assert [sum(one.kind is kind for one in arrivals(crowd, 7)) for kind in (Kind.DRAW, Kind.LEARN)] == [50, 5]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"people": 0}, "people = 0"),
        ({"draws": 0, "learns": 0}, "nobody wants"),
        ({"draw_s": 0.0}, "draw seconds = 0.0"),
        ({"within_s": float("nan")}, "nan"),
    ],
)
def test_a_crowd_that_cannot_be_is_refused(wrong, sentence):
    right = {"people": 3, "draws": 5, "learns": 5, "draw_s": 2.0, "learn_s": 9.0, "within_s": 100.0}
    with pytest.raises(BadSetting, match=sentence):
        Crowd(**(right | wrong))


def test_the_command_tells_a_row_for_each_fleet():
    words = ["plan", "--draws-per-hour", "3600", "--learns-per-hour", "20", "--hours", "0.1", "--draw-seconds", "1.2"]
    words += ["--gpus", "2,4", "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.stderr
    found = json.loads(done.stdout)
    waits = {plan["gpus"]: plan["wait_s"]["draw"]["mean"] for plan in found["plans"]}
    assert waits[4] < waits[2]
    assert "fairness" not in CliRunner().invoke(app, words[:-1]).stdout  # a table
    assert CliRunner().invoke(app, ["plan", "--gpus", "0"]).exit_code == 2
    assert CliRunner().invoke(app, ["plan", "--gpus", "many"]).exit_code == 2


def test_no_number_of_the_table_is_cut_where_there_is_little_room(monkeypatch):
    """As through a pipe, where a terminal's width is not known."""
    monkeypatch.setenv("COLUMNS", "40")
    done = CliRunner().invoke(app, ["plan", "--gpus", "1", "--hours", "0.2"])
    assert done.exit_code == 0
    assert "…" not in done.stdout
    assert "Jain" in done.stdout
