"""The default profile as it is committed: whole, within its limits, and able to do a whole job."""

import json
from pathlib import Path

import pytest
from PIL import Image

from pipeline import run
from pipeline.domain import never_stop, no_report
from pipeline.hub import status
from pipeline.options import options_of
from pipeline.request import Given, to_make
from pipeline.settings import CONFIGS, Settings, load_profile
from tests.tiny_profile import watch_nothing

MB = 1024 * 1024
EMBEDDED, DEMO = CONFIGS / "embedded", CONFIGS / "demo"
PICKLES = {".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".npy", ".msgpack", ".h5"}
STAGES = {"intake", "train", "caption", "generate", "cutout"}
REPORT = {
    "seconds", "peak_memory_mb", "device", "machine", "python", "versions", "profile", "options", "pack", "photos",
    "skipped", "models", "train", "style", "done_before",
}  # fmt: skip


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """Three pack pictures, a drawing and a photograph, six steps of training, four of drawing."""
    folder = tmp_path_factory.mktemp("embedded")
    pack, out = folder / "pack", folder / "out"
    pack.mkdir()
    for name in ("bear", "crab", "umbrella"):
        (pack / f"{name}.png").write_bytes((DEMO / "pack" / f"{name}.png").read_bytes())
    profile = load_profile()
    short = profile.train.model_copy(update={"class_images": 4, "batch_size": 2})
    profile = profile.model_copy(update={"train": short})
    options = options_of(profile, train_steps=6, steps=5, seed=1)
    photos = [DEMO / "photos" / "orca.png", DEMO / "photos" / "cat.jpg"]
    settings = Settings(cache_dir=folder / "cache", device="cpu")
    given = Given(options=options, settings=settings, pack=pack, photos=photos, words=["a rocket at night"], out=out)
    request = to_make(given, report=no_report, should_stop=never_stop)
    outcome = run.make(request, out, watch=watch_nothing, should_stop=never_stop)
    return out, outcome


def test_every_model_is_there_and_whole():
    lacking = {model.role: (model.missing, model.broken) for model in status(load_profile()) if not model.ready}
    assert lacking == {}


def test_the_weights_keep_their_limits():
    """64 MB together, 16 MB a file, no pickle, a card with licence and credits."""
    files = [path for path in EMBEDDED.rglob("*") if path.is_file()]
    sizes = {str(path.relative_to(EMBEDDED)): path.stat().st_size for path in files}
    assert any(path.suffix == ".safetensors" for path in files)
    assert sum(sizes.values()) <= 64 * MB
    assert {name: size for name, size in sizes.items() if size > 16 * MB} == {}
    assert [path for path in files if path.suffix in PICKLES] == []
    card, licence = ((EMBEDDED / name).read_text(encoding="utf-8") for name in ("README.md", "LICENSE.md"))
    assert "CC BY 4.0" in card
    assert all(words in licence for words in ("CC BY 4.0", "Noto", "Fluent", "Twemoji", "emojitwo", "FxEmojis"))


@pytest.mark.slow
def test_stickers_are_what_telegram_takes(job):
    """RGBA, one side 512 px and the other at most, at most 512 KiB, something to see and something to see through."""
    out, outcome = job
    assert [path.stem for path in outcome.stickers] == ["orca", "cat", "a rocket at night"]
    for path in outcome.stickers:
        assert path.parent == out / "stickers"
        assert path.stat().st_size <= 512 * 1024
        with Image.open(path) as sticker:
            assert sticker.mode == "RGBA"
            assert max(sticker.size) == 512
            alpha = sticker.getchannel("A")
        assert alpha.getextrema()[1] == 255, path
        assert alpha.histogram()[0] > 0, path


@pytest.mark.slow
def test_the_report_can_repeat_the_run(job):
    out, outcome = job
    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert set(report) == REPORT
    assert set(report["seconds"]) == set(report["peak_memory_mb"]) == STAGES
    assert max(report["peak_memory_mb"].values()) < 4096
    assert len(report["train"]["losses"]) == 6
    assert [row["name"] for row in report["photos"]] == ["orca", "cat", "a rocket at night"]
    assert all(row["caption"] and row["caption"] in row["prompt"] for row in report["photos"])
    assert report["photos"][2]["caption"] == "a rocket at night"
    assert all("sks" in row["prompt"] for row in report["photos"])
    assert len({row["seed"] for row in report["photos"]}) == 3
    assert report["options"]["seed"] == 1
    assert report["profile"]["name"] == "embedded"
    assert set(report["models"]) == set(load_profile().models.by_role())
    assert report["versions"]["torch"]
    assert outcome.skipped == ()


@pytest.mark.slow
def test_sheet_and_style_are_there(job):
    out, outcome = job
    with Image.open(out / "sheet.png") as sheet:
        assert sheet.convert("RGB").width > 800
    assert outcome.sheet == out / "sheet.png"
    style = out / "style"
    assert list(style.rglob("*.safetensors"))
    card = json.loads((style / "style.json").read_text(encoding="utf-8"))
    assert (card["profile"], card["picture_count"], card["steps"]) == ("embedded", 3, 6)
    assert (style / "README.md").read_text(encoding="utf-8").startswith("# ")
    assert not [path for path in Path(style).rglob("*") if path.suffix in PICKLES]
