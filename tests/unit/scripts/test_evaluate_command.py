"""``stickers evaluate``: what is refused before anything is measured, and how a result looks on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("torchmetrics", reason="the extra `evaluate` is not installed")

from pipeline.errors import BadSetting
from scripts.cli import app
from scripts.embedded import baseline
from scripts.embedded import pictures as P
from scripts.embedded.loop import Schedule
from scripts.evaluate import command, page, result
from scripts.evaluate import subject as subjects
from scripts.evaluate.parts import PARTS, chosen_parts, config_of
from scripts.evaluate.statistics import share_row
from tests.tiny_profile import write_profile


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a profile."""
    folder = tmp_path_factory.mktemp("command")
    write_profile(folder)
    return folder


def test_the_baseline_learns_and_is_read_back(tmp_path: Path) -> None:
    """It is of the SegFormer's size, and its weights are safetensors."""
    rgba = torch.zeros(4, 4, 128, 128, dtype=torch.uint8)
    rgba[:, :, 32:96, 32:96] = 220
    art = P.Art(rgba=rgba, names=["x"] * 4, styles=["x"] * 4, codes=[""] * 4)
    weights = tmp_path / "unet.safetensors"
    schedule = Schedule(samples=4, batch_size=2, learning_rate=1e-3)
    baseline.train(art, torch.rand(2, 3, 256, 256), tmp_path, weights, None, schedule)
    net = baseline.load(weights, torch.device("cpu"))
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(1.2e6, rel=0.1)
    with torch.no_grad():
        assert net(torch.zeros(1, 3, 64, 64)).shape == (1, 2, 64, 64)


@pytest.mark.parametrize(("asked", "offending"), [("caption", "caption"), ("", ""), ("captions,x", "x")])
def test_an_unknown_part_is_told_with_those_that_there_are(asked: str, offending: str) -> None:
    with pytest.raises(BadSetting, match=f"only = '{offending}': choose among segmentation, captions"):
        chosen_parts(asked)


def test_parts_keep_the_order_of_the_table_and_a_count_leaves_room_for_an_interval() -> None:
    assert chosen_parts("captions, segmentation") == ["segmentation", "captions"]
    assert config_of(PARTS["captions"], None, 3).count == PARTS["captions"].count
    with pytest.raises(BadSetting, match="count = 1"):
        config_of(PARTS["captions"], 1, 0)


def refused(place: Path, folder: Path) -> str:
    """What the command says on stderr where it exits with 2."""
    words = ["evaluate", "--profile", str(place / "tiny.toml"), "--art", str(folder / "art"), "--work", str(folder)]
    done = CliRunner().invoke(app, [*words, "--out", str(folder / "out")])
    assert done.exit_code == 2
    assert done.stderr.count("error: ") == 1
    return done.stderr


def test_absent_art_is_told_with_what_to_do(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subjects.shutil, "which", lambda name: None)
    assert "npm is not here to fetch it; install npm, or give --art a folder with the art" in refused(place, tmp_path)


def test_an_absent_package_is_told_with_its_extra(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(command.EXTRAS, "no_such_package", "evaluate")
    told = refused(place, tmp_path)
    assert "needs 'no_such_package', not installed; run `make setup`" in told
    assert '`pip install --editable ".[evaluate]"`' in told


def test_the_page_escapes_words_and_marks_what_was_not_measured(tmp_path: Path) -> None:
    found = result.PartResult(
        rows=[share_row("a < b", [True, False], seed=0), result.skipped("LPIPS", "no <weights>")],
        figures=[
            result.Figure(
                title="T", columns=["c"], rows=[result.FigureRow(label='"x"', pictures=[Image.new("RGB", (4, 4))])]
            )
        ],
    )
    result.save(found, tmp_path / "part")
    part = json.loads((tmp_path / "part" / "result.json").read_text()) | {"name": "part", "title": "P", "seconds": 1}
    facts = {"profile": "p", "title": "t", "device": "d", "made": "m", "seed": 0, "versions": {}}
    text = page.page(facts | {"parts": [part]}, tmp_path)
    assert "a &lt; b" in text
    assert "skipped: no &lt;weights&gt;" in text
    assert 'alt="&quot;x&quot;"' in text
    assert "50.0 %" in text
    assert result.shown(None, "") == "–"
    assert result.shown(0.0123, "px") == "0.0123 px"
