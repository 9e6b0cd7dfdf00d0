"""Killed with SIGKILL in every stage and started again, a job ends with the very bytes of one that ran through."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_profile import CHECKPOINT_EVERY, write_pack, write_photos, write_profile

ROOT = Path(__file__).resolve().parent.parent.parent
TRAIN_STEPS = 5
TIMEOUT_S = 1200  # half a minute on an idle core; ten times that beside other work
# Two photos in one batch each: [stage, done] of the step at which the run kills itself.
KILLS = [
    ["intake", 2],
    ["train", 3],  # after the checkpoint of step 2
    ["train", 5],  # after the last step, before the style is written
    ["caption", 2],  # after the words, before they are kept as complete
    ["generate", 3],  # in the second photo, the first being drawn
    ["cutout", 1],  # between two stickers
]

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the driver forks; this system cannot"),
    pytest.mark.timeout(TIMEOUT_S + 60),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """The folder with the results, and for each run its exit status and the steps that it took."""
    folder = tmp_path_factory.mktemp("resume")
    profile = write_profile(folder)
    profile.write_text(profile.read_text().replace("batch_size = 2\n\n[train]", "batch_size = 1\n\n[train]"))
    same = {"seed": 0, "photos": 2}
    runs = [{"out": "whole", **same}, *({"out": "killed", "kill": kill, **same} for kill in KILLS)]
    runs += [{"out": "killed", **same}, {"out": "killed", **same}, {"out": "other", "seed": 1, "photos": 1}]
    plan = {
        "profile": str(profile),
        "pack": str(write_pack(folder / "pack")),
        "photos": [str(path) for path in write_photos(folder / "photos", 2)],
        "cache": str(folder / "cache"),
        "train_steps": TRAIN_STEPS,
        "runs": [one | {"out": str(folder / one["out"])} for one in runs],
    }
    (folder / "plan.json").write_text(json.dumps(plan))
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.driver", str(folder / "plan.json")],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(runs), done.stderr
    return folder, told, done.stderr


def bytes_of(out):
    """What a person gets, without what tells the time that it took."""
    made = [*out.glob("stickers/*.png"), *out.glob("drafts/*.png"), *out.glob("style/*.safetensors"), out / "sheet.png"]
    return {str(path.relative_to(out)): path.read_bytes() for path in made} | {
        "losses": (out / "style" / "losses.json").read_bytes()
    }


def steps_of(told, stage):
    """The steps of a stage in one run, without the last line by which a finished stage says so."""
    return [int(line.split()[1]) for line in told["steps"] if line.startswith(f"{stage} ")]


def test_each_run_was_killed_where_it_should_be(jobs):
    _, told, stderr = jobs
    exits = [one["exit"] for one in told]
    assert exits == [0, *[-signal.SIGKILL] * len(KILLS), 0, 0, 0], stderr
    for kill, one in zip(KILLS, told[1:], strict=False):
        assert one["steps"][-1] == f"{kill[0]} {kill[1]}"


def test_the_bytes_are_those_of_a_job_that_ran_through(jobs):
    """Same seed twice, once through and once killed six times: stickers, drafts, style, losses and sheet."""
    folder, _, _ = jobs
    whole, killed = bytes_of(folder / "whole"), bytes_of(folder / "killed")
    assert {name.split("/")[0] for name in whole} == {"stickers", "drafts", "style", "sheet.png", "losses"}
    assert len(whole) == 2 + 2 + 1 + 1 + 1
    assert killed.keys() == whole.keys()
    assert [name for name in whole if killed[name] != whole[name]] == []


def test_another_seed_gives_another_style_and_other_stickers(jobs):
    folder, _, _ = jobs
    whole, other = bytes_of(folder / "whole"), bytes_of(folder / "other")
    assert {"stickers/photo0.png", "drafts/photo0.png"} <= other.keys()
    assert [name for name in other if other[name] == whole[name]] == []


def test_training_goes_on_from_its_checkpoint(jobs):
    _, told, _ = jobs
    assert steps_of(told[2], "train") == [1, 2, 3]
    assert steps_of(told[3], "train") == list(range(CHECKPOINT_EVERY + 1, TRAIN_STEPS + 1))
    assert steps_of(told[4], "train") == [TRAIN_STEPS]  # the checkpoint of step 4


def test_finished_stages_are_not_repeated(jobs):
    """After the kill in the cut-out, the next run only cuts out; the run after it does nothing."""
    _, told, _ = jobs
    assert steps_of(told[5], "train") == [TRAIN_STEPS]
    assert steps_of(told[6], "caption") == [2]
    assert steps_of(told[6], "generate") == [3, 4, 4]  # the second photo's two steps, then the end
    for one in told[7:9]:
        assert steps_of(one, "train") == [TRAIN_STEPS]
        assert steps_of(one, "caption") == [2]
        assert steps_of(one, "generate") == [4]
    assert steps_of(told[7], "cutout") == [1, 2, 2]
    assert steps_of(told[8], "cutout") == [2]


def test_the_figures_tell_the_work_and_not_the_looking(jobs):
    """A run that found everything done keeps the seconds of the runs that did it."""
    folder, _, _ = jobs
    measured = json.loads((folder / "killed" / ".work" / "measured.json").read_text())
    assert set(measured) == {"intake", "train", "caption", "generate", "cutout"}
    assert all(stage["finished"] and stage["peak_memory_mb"] > 50 for stage in measured.values())
    assert json.loads((folder / "killed" / "report.json").read_text())["seconds"] == {
        name: stage["seconds"] for name, stage in measured.items()
    }


def test_nothing_half_done_is_left(jobs):
    """No temporary file, no checkpoint of a run that is over."""
    folder, _, _ = jobs
    left = [path for path in folder.rglob("*") if ".tmp" in path.name or "checkpoint" in path.name]
    assert left == []
