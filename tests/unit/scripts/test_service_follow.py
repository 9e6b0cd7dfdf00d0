"""Waiting for a job: a bar for each thing that is counted, so that the time left is one."""

import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline.jobs.ledger import Ledger
from pipeline.jobs.words import Kind, Progress
from scripts.cli import app
from scripts.progress import Lines
from scripts.service.follow import follow
from tests.queue_desk import spec


def test_captions_and_class_pictures_have_a_bar_each(jobs):
    """Twenty-four captions and twenty denoising steps are not forty-four of the same."""
    jobs.submit(spec("j", Kind.LEARN))
    ledger, said = Ledger(jobs.engine, "w"), []
    claim = ledger.claim("j")
    for stage, total in (("pack-captions", 24), ("class-pictures", 20), ("learn", 10)):
        for done in (1, total):
            ledger.tell(claim, Progress(stage=stage, done=done, total=total))

    def stop():
        """Asked before each look: the second time everything was told."""
        asked.append(len(said))
        return len(asked) > 1

    asked = []
    with Lines(said.append, every_s=0.0) as lines:
        follow(jobs, "j", lines, stop)
    begun = [line for line in said if line.endswith("…")]
    assert begun == ["describing the pack…", "drawing what the model knows…", "learning the style…"]
    assert any(line.startswith("describing the pack: 1/24 pictures") for line in said)
    assert any(line.startswith("drawing what the model knows: 1/20 steps") for line in said)


@pytest.mark.parametrize("words", [["submit", "learn", "pack", "--style", "s"], ["jobs", "fetch", "j"]])
def test_a_file_where_a_folder_should_be_is_told_before_anything_is_handed_in_or_waited_for(
    jobs, tmp_path, monkeypatch, words
):
    """Nor is anything else looked at: one job more would be too many, and the one that is fetched was cancelled."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STICKERS_QUEUE_URL", str(jobs.url))
    monkeypatch.setenv("STICKERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("STICKERS_OPEN_JOBS", "1")
    for name in ("j", "open"):
        jobs.submit(spec(name, person="me"))
    jobs.cancel("j")
    for number, colour in enumerate(("red", "green", "blue")):
        (tmp_path / "pack").mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), colour).save(tmp_path / "pack" / f"{number}.png")
    (tmp_path / "afile").touch()
    done = CliRunner().invoke(app, [*words, "--out", "afile"])
    assert (done.exit_code, "'afile'" in done.stderr) == (2, True)
    assert sorted(view.job_id for view in jobs.list()) == ["j", "open"]
