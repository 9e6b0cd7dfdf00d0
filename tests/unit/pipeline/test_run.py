"""One job's story: what it leaves behind, what it does not do twice, and what it refuses to write over."""

import json

import pytest
from PIL import Image

from pipeline import draw, finish, learn, run
from pipeline.domain import never_stop
from pipeline.errors import BadInput, BadOutput, Stopped, StyleMismatch
from pipeline.options import options_of
from pipeline.settings import Settings
from pipeline.style import CARD
from tests.tiny_profile import COLOURS, watch_nothing

REPORT = {
    "seconds", "peak_memory_mb", "device", "machine", "python", "versions", "profile", "options", "pack", "photos",
    "skipped", "models", "train", "style",
}  # fmt: skip
ALONE = {"watch": watch_nothing, "should_stop": never_stop}


@pytest.fixture
def settings(tiny):
    return Settings(cache_dir=tiny.cache, device="cpu")


@pytest.fixture
def photo(tmp_path):
    """Its name has a space, as a person's files have."""
    path = tmp_path / "my cat.png"
    Image.new("RGB", (60, 50), "teal").save(path)
    return path


@pytest.fixture
def resident(tiny, monkeypatch):
    """The models that are loaded already, in place of loading them for each command."""
    monkeypatch.setattr(run, "Models", lambda profile, device: tiny.models)


def opened(path):
    """The picture, its file closed again."""
    with Image.open(path) as picture:
        return picture.copy()


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("resident")
def test_a_whole_job_and_the_same_again(tiny, tmp_path, settings, photo, monkeypatch):
    """Everything is there; a second run writes nothing but report and sheet, and keeps the figures of the first;
    another photo is drawn with the style that is there."""
    out, options = tmp_path / "out", options_of(tiny.profile)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    photos = [photo, tmp_path / "broken.png"]
    outcome = run.make(tiny.folder / "pack", photos, out, options, settings, **ALONE)
    assert outcome.stickers == (out / "stickers" / "my cat.png",)
    assert [entry.name for entry in outcome.skipped] == ["broken.png"]
    assert opened(outcome.stickers[0]).mode == "RGBA"
    assert opened(out / "sheet.png").width > 500
    report = json.loads((out / "report.json").read_text())
    assert set(report) == REPORT
    assert set(report["seconds"]) == {"intake", "train", "caption", "generate", "cutout"}
    assert report["photos"][0].keys() >= {"name", "photo_sha256", "caption", "prompt", "seed", "draft", "sticker"}
    assert all((out / report["photos"][0][key]).is_file() for key in ("draft", "sticker"))
    assert len(report["pack"]["pictures"]) == 3
    assert len(report["train"]["losses"]) == options.train_steps

    written = times(out)
    with monkeypatch.context() as patch:
        for module, name in ((learn, "dreambooth"), (run, "caption"), (draw, "generate"), (finish, "cut_out")):
            patch.setattr(module, name, lambda *_, **__: pytest.fail("done again"))
        again = run.make(tiny.folder / "pack", photos, out, options, settings, **ALONE)
    changed = {path.name for path, time_ns in times(out).items() if written[path] != time_ns}
    assert changed == {"measured.json", "report.json", "sheet.png"}  # of the measured: intake, which is always new
    assert {k: v for k, v in again.report["seconds"].items() if k != "intake"} == {
        k: v for k, v in report["seconds"].items() if k != "intake"
    }

    monkeypatch.setattr(run, "cut_out_drafts", lambda job, *_, **__: ({}, ()))  # a sticker's look is no matter here
    monkeypatch.setattr(run, "_sheet", lambda *_: None)
    other = tmp_path / "dog.png"
    Image.new("RGB", (50, 60), "gold").save(other)
    run.make(tiny.folder / "pack", [other], out, options, settings, **ALONE)
    style = {path: time_ns for path, time_ns in written.items() if "style" in path.parts}
    assert style.items() <= times(out).items()  # not learned again
    assert (out / "stickers" / "my cat.png").is_file()


@pytest.mark.usefixtures("resident")
def test_the_stages_alone(tiny, tmp_path, settings, photo):
    """`train`, `caption`, `generate` and `cutout`, each from what the one before it left."""
    options = options_of(tiny.profile, train_steps=1)
    learned = run.learn(tiny.folder / "pack", tmp_path / "style", options, settings, **ALONE)
    assert learned.report["train"]["steps"] == 1
    assert (tmp_path / "style" / CARD).is_file()
    captions, _ = run.describe([photo], options, settings, **ALONE)
    assert list(captions) == ["my cat"]
    drawn = run.draw(tmp_path / "style", [photo], tmp_path / "drafts", options, settings, **ALONE)
    assert drawn.stickers == (tmp_path / "drafts" / "my cat.png",)
    assert drawn.report["photos"][0]["caption"] == captions["my cat"]
    assert drawn.report["photos"][0]["draft"] == "my cat.png"
    card = Image.new("RGBA", (600, 500))
    card.paste("red", (50, 60, 590, 300))
    card.save(tmp_path / "card.png")
    cut = run.cut([tmp_path / "card.png"], tmp_path / "cut", options, settings, mask=True, **ALONE)
    assert cut.stickers == (tmp_path / "cut" / "card.png",)
    assert opened(tmp_path / "cut" / "card_mask.png").size == (600, 500)


@pytest.mark.usefixtures("resident")
def test_a_stop_while_learning_keeps_the_seconds_and_goes_on(tiny, tmp_path, settings, photo):
    options, steps = options_of(tiny.profile), []

    def watch(stage):
        return lambda done, total, preview=None: steps.append((stage, done))

    with pytest.raises(Stopped):
        run.learn(
            tiny.folder / "pack",
            tmp_path / "style",
            options,
            settings,
            watch=watch,
            should_stop=lambda: ("train", 3) in steps,
        )
    measured = json.loads((tmp_path / "style" / ".work" / "measured.json").read_text())
    assert measured["train"]["finished"] is False
    assert list((tmp_path / "style" / ".work" / "train").iterdir())
    steps.clear()
    outcome = run.learn(
        tiny.folder / "pack", tmp_path / "style", options, settings, watch=watch, should_stop=never_stop
    )
    assert [done for stage, done in steps if stage == "train"] == [4, 5]
    assert outcome.report["seconds"]["train"] > measured["train"]["seconds"]


def picture(path, colour="red"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (50, 50), colour).save(path)
    return path


@pytest.mark.parametrize("place", ["drafts/cat.png", "stickers/cat.png"])
def test_photos_of_an_earlier_job_are_not_written_over(tiny, tmp_path, settings, place):
    inside = picture(tmp_path / "out" / place)
    before = inside.read_bytes()
    with pytest.raises(BadOutput, match="choose another folder"):
        run.make(tiny.folder / "pack", [inside], tmp_path / "out", options_of(tiny.profile), settings, **ALONE)
    assert inside.read_bytes() == before


def test_results_do_not_go_among_the_pictures_they_are_made_of(tiny, style, tmp_path, settings):
    """`--out .` in the photos' folder: a sticker of cat.png would replace it, and a sheet would join a pack."""
    photos = [picture(tmp_path / "photos" / "cat.png")]
    for colour in COLOURS[:3]:
        picture(tmp_path / "pack" / f"{colour}.png", colour)
    before = times(tmp_path)
    options = options_of(tiny.profile)
    with pytest.raises(BadOutput, match="photos"):
        run.draw(style, photos, tmp_path / "photos", options, settings, **ALONE)
    with pytest.raises(BadOutput, match="photos"):
        run.cut(photos, tmp_path / "photos" / ".." / "photos", options, settings, mask=False, **ALONE)
    for command in (
        lambda: run.make(tmp_path / "pack", photos, tmp_path / "pack", options, settings, **ALONE),
        lambda: run.learn(tmp_path / "pack", tmp_path / "pack", options, settings, **ALONE),
    ):
        with pytest.raises(BadOutput, match="pack"):
            command()
    assert times(tmp_path) == before


def test_a_style_of_another_profile_is_refused_before_loading(tiny, style, tmp_path, settings, monkeypatch):
    monkeypatch.setattr(run, "Models", lambda *_: pytest.fail("loaded"))
    (tmp_path / "foreign").mkdir()
    card = json.loads((style / CARD).read_text()) | {"profile": "sd15"}
    (tmp_path / "foreign" / CARD).write_text(json.dumps(card))
    photo = picture(tmp_path / "cat.png")
    with pytest.raises(StyleMismatch, match="'sd15'"):
        run.draw(tmp_path / "foreign", [photo], tmp_path / "out", options_of(tiny.profile), settings, **ALONE)
    with pytest.raises(BadInput, match="is no style"):
        run.draw(tmp_path, [photo], tmp_path / "out", options_of(tiny.profile), settings, **ALONE)
    assert not (tmp_path / "out").exists()
