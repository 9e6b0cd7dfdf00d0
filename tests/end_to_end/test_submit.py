"""Jobs handed in at the command line are done by a worker, and what they made comes home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from pipeline.jobs.ledger import Ledger
from pipeline.jobs.queue import Jobs
from pipeline.sealed_files import files_of
from pipeline.settings import Settings
from pipeline.vault import vault_of
from tests.queue_desk import ROOT


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The data folder: the queue in it, and the files."""
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("STICKERS_DEVICE", "cpu")
    return tmp_path / "data"


@pytest.fixture
def files(place):
    return files_of(Settings())


def submit(desk, *words):
    return desk.stickers("submit", words[0], "--style", "mine", "--person", "ann", *desk.profile, *words[1:])


@pytest.mark.slow
@pytest.mark.timeout(900)  # a worker that loads torch on busy cores
def test_a_pack_is_learned_and_photos_come_home_as_stickers(desk, place, files):
    """A real worker process; the pictures lie among the person's files, what lay in the folder stays."""
    command = [sys.executable, "-m", "scripts.cli", "worker", "--with-parent"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ.copy(), stderr=subprocess.DEVNULL) as worker:
        try:
            learned = submit(desk, "learn", desk.pack, "--wait", "--json")
            assert learned.exit_code == 0, learned.stderr
            assert files.manifest("people/ann/styles/mine") is not None
            drawn = submit(desk, "draw", *desk.photos, "--out", desk.out, "--count", "2", "--json")
            assert drawn.exit_code == 0, drawn.stderr
        finally:
            worker.terminate()
    made = [Path(path) for path in json.loads(drawn.stdout)["fetched"]]
    assert len(made) == 2 * len(desk.photos)
    for path in made:
        assert path.parent == desk.out
        with Image.open(path) as sticker:
            assert max(sticker.size) == 512
    assert (desk.out / "mine.txt").read_text() == "notes"
    job = json.loads(learned.stdout)["spec"]
    assert job["pack"] == [f"people/ann/jobs/{job['job_id']}/given/00{n + 1}/{p.stem}.png" for n, p in pack_of(desk)]


def pack_of(desk):
    return enumerate(sorted(desk.pack.iterdir()))


def test_what_is_handed_in_is_what_was_read(desk, place, files):
    """The same pixels, under plain names; without --wait the job is queued, and the command says how to get it."""
    Image.new("RGB", (32, 24), "red").save(desk.tmp / "кот и пёс.jpg", quality=50)
    with Image.open(desk.tmp / "кот и пёс.jpg") as photo:
        pixels = photo.convert("RGBA").tobytes()
    files.put("people/ann/styles/mine/style.json", json.dumps({"profile": "tiny"}).encode())
    files.put("people/ann/styles/mine/.manifest.json", b'{"files": {}}')
    done = submit(desk, "draw", desk.tmp / "кот и пёс.jpg", "--prompt", "a [cat]", "--seed", "3")
    assert done.exit_code == 0, done.stderr
    (view,) = jobs_of(place)
    assert f"{view.job_id} is queued; `stickers jobs fetch {view.job_id} --out DIR`" in done.stdout
    assert view.spec.options == {"words": "a [cat]", "count": 1, "seed": 3}
    assert view.spec.photos == (f"people/ann/jobs/{view.job_id}/given/001/picture.png",)
    files.get(view.spec.photos[0], desk.tmp / "back.png")
    with Image.open(desk.tmp / "back.png") as back:
        assert back.tobytes() == pixels


def jobs_of(place):
    with Jobs(f"sqlite:///{place}/queue.sqlite", vault=vault_of(Settings())) as jobs:
        return jobs.list()


def test_what_is_refused_leaves_nothing(desk, place, files):
    """No job and no file: no style yet, a wrong option, too few pictures, a person's name that is none."""
    for words, sentence in (
        (["draw", desk.photos[0]], "'ann' has no style 'mine' yet; learn it first"),
        (["learn", desk.pack, "--train-steps", "0"], "train-steps = 0: must be between"),
        (["learn", desk.pack, "--seed", "-1"], "seed = -1: must be between 0 and 4294967295"),
        (["learn", desk.tmp / "photos"], ""),
        (["learn", desk.pack, "--person", "a b"], "'a b'"),
    ):
        if words[1] == desk.tmp / "photos":
            for extra in sorted(words[1].iterdir())[2:]:
                extra.unlink()
        done = submit(desk, *words)
        assert (done.exit_code, sentence in done.stderr) == (2, True), done.stderr
    assert jobs_of(place) == []
    assert files.list("people") == []


@pytest.mark.parametrize("option", ["--strength", "--guidance"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_a_number_that_is_none_is_refused_before_anything_is_handed_in(desk, place, files, option, value):
    files.put("people/ann/styles/mine/style.json", json.dumps({"profile": "tiny"}).encode())
    files.put("people/ann/styles/mine/.manifest.json", b'{"files": {}}')
    done = submit(desk, "draw", desk.photos[0], option, value)
    assert (done.exit_code, f"{option[2:]} = {value}: must be between" in done.stderr) == (2, True), done.stderr
    assert files.list("people/ann/jobs") == []


def test_a_job_that_failed_is_told_with_its_sentence(desk, place):
    """``jobs fetch`` waits for a job, and has its exit code."""
    done = submit(desk, "learn", desk.pack)
    assert done.exit_code == 0, done.stderr
    with Jobs(f"sqlite:///{place}/queue.sqlite", vault=vault_of(Settings())) as jobs:
        (view,) = jobs.list()
        ledger = Ledger(jobs.engine, "w", jobs.envelope)
        ledger.fail(ledger.claim(view.job_id), "bad_picture", "this is no picture")
    fetched = desk.stickers("jobs", "fetch", view.job_id, "--out", desk.out)
    assert fetched.exit_code == 2
    assert f"the job {view.job_id!r} is failed: this is no picture" in fetched.stderr
