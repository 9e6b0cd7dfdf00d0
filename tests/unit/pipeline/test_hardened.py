"""What somebody who tried to break it found: each case ends in a sentence, or in what was wanted, and loses nothing."""

import errno
import os
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import SafetensorError

from pipeline import request, store
from pipeline.archives import is_clutter
from pipeline.class_pictures import class_pictures
from pipeline.domain import Method, never_stop, no_report
from pipeline.errors import BadOutput, BadSetting
from pipeline.options import options_of
from pipeline.request import Given, to_cut, to_learn, to_make
from pipeline.settings import CONFIGS, Settings, load_profile
from training import checkpoint


def given(tiny, out, photos=(), **more):
    settings = Settings(cache_dir=tiny.cache, device="cpu")
    options = options_of(tiny.profile, **more)
    return Given(options=options, settings=settings, pack=tiny.folder / "pack", photos=photos, out=out)


def ready(prepare, asked):
    return prepare(asked, report=no_report, should_stop=never_stop)


def red(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (50, 50), "red").save(path)
    return path


@pytest.mark.parametrize("name", ["sheet.png", "stickers/cat.png"])
def test_a_photo_that_would_be_written_over_is_refused(tiny, tmp_path, name):
    photo = red(tmp_path / "out" / name)
    with pytest.raises(BadOutput, match="among the pictures"):
        ready(to_make, given(tiny, tmp_path / "out", [photo]))


def test_a_readme_that_no_style_wrote_is_not_written_over(tiny, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(BadOutput, match=r"README\.md that no style wrote"):
        ready(to_learn, given(tiny, tmp_path))
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_loop_of_links_among_good_photos_is_skipped(tiny, tmp_path):
    loop = tmp_path / "loop.png"
    loop.symlink_to(loop)
    made = ready(to_cut, given(tiny, tmp_path / "out", [red(tmp_path / "cat.png"), loop]))
    assert [entry.name for entry in made.skipped] == ["loop.png"]


def test_a_full_fine_tune_asks_for_room_and_an_adapter_for_little(tiny, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(request, "check_output", lambda folder, need_mb: asked.append(need_mb))
    for method in (Method.LORA, Method.DREAMBOOTH):
        ready(to_learn, given(tiny, tmp_path / "out", method=method))
    unet = tiny.profile.source_path(tiny.profile.models.base) / "unet"
    weights = sum(file.stat().st_size for file in unet.glob("*.safetensors"))
    assert asked[0] == request.NEED_MB
    assert asked[1] >= request.NEED_MB + 14 * weights / 1e6


def test_a_full_disk_in_the_middle_of_training_is_told_as_one(tmp_path, monkeypatch):
    def full(*_, **__):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(checkpoint, "save_file", full)
    state = checkpoint.Checkpoint(step=1, fingerprint="a", seconds=1.0, losses=torch.zeros(1), tensors={}, extra={})
    with pytest.raises(OSError, match="No space") as caught:
        checkpoint.save(tmp_path, state)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(BadOutput, match="the disk is full"), store.writing(tmp_path):
        checkpoint.save(tmp_path, state)


def test_a_cut_class_picture_is_drawn_again(tiny, tmp_path):
    whole = [image.tobytes() for image in class_pictures(tiny.models, tmp_path, should_stop=never_stop)]
    first = min(tmp_path.rglob("0000.png"))
    first.write_bytes(first.read_bytes()[:60])
    assert [image.tobytes() for image in class_pictures(tiny.models, tmp_path, should_stop=never_stop)] == whole


@pytest.mark.parametrize(
    ("line", "key"),
    [("[train]\nalpha = inf", "train.alpha"), ("[train]\nmax_grad_norm = nan", "train.max_grad_norm")],
)
def test_a_profile_has_finite_numbers(tmp_path, line, key):
    text = (CONFIGS / "sd15.toml").read_text().split("[train]")[0] + line
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(BadSetting, match=key):
        load_profile(str(tmp_path / "odd.toml"))


def test_a_hub_id_that_is_none_is_refused_with_its_key(tmp_path):
    text = (CONFIGS / "sd15.toml").read_text()
    (tmp_path / "odd.toml").write_text(text.replace("stable-diffusion-v1-5/stable-diffusion-v1-5", "../../etc"))
    with pytest.raises(BadSetting, match=r"models\.base.*no hub id"):
        load_profile(str(tmp_path / "odd.toml"))


def test_without_a_home_the_cache_lies_among_temporary_files(monkeypatch):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.delenv("STICKERS_CACHE_DIR", raising=False)
    assert Settings().cache_dir.name == "stickersmith"


@pytest.mark.parametrize("name", ["", "."])
def test_a_zip_entry_without_a_name_counts_for_nothing(name):
    assert is_clutter(name)


def test_what_a_killed_run_left_is_swept_and_nothing_else(tmp_path):
    kept = [tmp_path / "cat.png", tmp_path / ".mine.tmp", tmp_path / ".drawing.json"]
    for path in (*kept, tmp_path / f".{os.urandom(8).hex()}.tmp"):
        path.write_bytes(b"x")
    store.sweep(tmp_path)
    store.sweep(tmp_path / "not there")
    assert sorted(tmp_path.iterdir()) == sorted(kept)
