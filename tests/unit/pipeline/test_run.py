"""One job's story: what it leaves behind, what it does not do twice, and that it has its folder to itself."""

import json

import pytest
from PIL import Image

from pipeline import draw, emoji, finish, learn, run
from pipeline.domain import never_stop, no_report
from pipeline.errors import BadSetting, FolderBusy, Stopped
from pipeline.locks import locked
from pipeline.options import options_of
from pipeline.request import LOCK, Given, to_cut, to_describe, to_draw, to_learn, to_make
from pipeline.settings import Settings
from pipeline.store import STYLE_CARD
from tests.tiny_profile import watch_nothing

REPORT = {
    "seconds", "peak_memory_mb", "device", "machine", "python", "versions", "profile", "options", "pack", "photos",
    "skipped", "models", "train", "style", "done_before",
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


def ready(prepare, options, settings, **given):
    """A request, read and checked."""
    return prepare(Given(options=options, settings=settings, **given), report=no_report, should_stop=never_stop)


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
    given = {"pack": tiny.folder / "pack", "photos": [photo, tmp_path / "broken.png"], "out": out}
    outcome = run.make(ready(to_make, options, settings, **given), out, **ALONE)
    assert outcome.stickers == (out / "stickers" / "my cat.png",)
    assert [entry.name for entry in outcome.skipped] == ["broken.png"]
    assert opened(outcome.stickers[0]).mode == "RGBA"
    assert opened(out / "sheet.png").width > 500
    report = json.loads((out / "report.json").read_text())
    assert set(report) == REPORT
    assert set(report["seconds"]) == {"intake", "train", "caption", "generate", "cutout"}
    assert report["photos"][0].keys() >= {"name", "photo_sha256", "caption", "prompt", "seed", "draft", "sticker"}
    assert all((out / report["photos"][0][key]).is_file() for key in ("draft", "sticker"))
    assert len({one["emoji"] for one in report["photos"][0]["emoji"]}) == 3
    assert len(report["pack"]["pictures"]) == 3
    assert len(report["train"]["losses"]) == options.train_steps

    written = times(out)
    with monkeypatch.context() as patch:
        work = ((learn, "dreambooth"), (run, "caption"), (emoji, "propose"), (draw, "generate"), (finish, "cut_out"))
        for module, name in work:
            patch.setattr(module, name, lambda *_, **__: pytest.fail("done again"))
        again = run.make(ready(to_make, options, settings, **given), out, **ALONE)
    assert (report["done_before"], again.report["done_before"]) == ([], ["train", "caption", "generate", "cutout"])
    assert (outcome.notes, again.notes) == ((), ())
    changed = {path.name for path, time_ns in times(out).items() if written[path] != time_ns}
    assert changed == {"measured.json", "report.json", "sheet.png"}  # of the measured: intake, which is always new
    assert {k: v for k, v in again.report["seconds"].items() if k != "intake"} == {
        k: v for k, v in report["seconds"].items() if k != "intake"
    }

    monkeypatch.setattr(run, "cut_out_drafts", lambda job, *_, **__: ({}, ()))  # a sticker's look is no matter here
    monkeypatch.setattr(run, "_sheet", lambda *_: None)
    other = tmp_path / "dog.png"
    Image.new("RGB", (50, 60), "gold").save(other)
    run.make(ready(to_make, options, settings, **given | {"photos": [other]}), out, **ALONE)
    style = {path: time_ns for path, time_ns in written.items() if "style" in path.parts}
    assert style.items() <= times(out).items()  # not learned again
    assert (out / "stickers" / "my cat.png").is_file()


@pytest.mark.usefixtures("resident")
def test_the_stages_alone(tiny, tmp_path, settings, photo):
    """`train`, `caption`, `generate` and `cutout`, each from what the one before it left."""
    options = options_of(tiny.profile, train_steps=1)
    style, drafts, cutouts = (tmp_path / name for name in ("style", "drafts", "cut"))
    learned = run.learn(ready(to_learn, options, settings, pack=tiny.folder / "pack", out=style), style, **ALONE)
    assert learned.report["train"]["steps"] == 1
    assert (style / STYLE_CARD).is_file()
    captions = run.describe(ready(to_describe, options, settings, photos=[photo]), **ALONE)
    assert list(captions) == ["my cat"]
    request = ready(to_draw, options, settings, photos=[photo], style=style, out=drafts)
    drawn = run.draw(request, style, drafts, **ALONE)
    assert drawn.stickers == (drafts / "my cat.png",)
    assert drawn.report["photos"][0]["caption"] == captions["my cat"]
    assert drawn.report["photos"][0]["draft"] == "my cat.png"
    card = Image.new("RGBA", (600, 500))
    card.paste("red", (50, 60, 590, 300))
    card.save(tmp_path / "card.png")
    request = ready(to_cut, options, settings, photos=[tmp_path / "card.png"], out=cutouts)
    cut = run.cut(request, cutouts, mask=True, **ALONE)
    assert cut.stickers == (cutouts / "card.png",)
    assert opened(cutouts / "card_mask.png").size == (600, 500)


@pytest.mark.usefixtures("resident")
def test_a_stop_while_learning_keeps_the_seconds_and_goes_on(tiny, tmp_path, settings, photo):
    options, steps = options_of(tiny.profile), []

    def watch(stage):
        return lambda done, total, preview=None: steps.append((stage, done))

    style = tmp_path / "style"
    request = ready(to_learn, options, settings, pack=tiny.folder / "pack", out=style)
    with pytest.raises(Stopped):
        run.learn(request, style, watch=watch, should_stop=lambda: ("train", 3) in steps)
    measured = json.loads((style / ".work" / "measured.json").read_text())
    assert measured["train"]["finished"] is False
    assert list((style / ".work" / "train").iterdir())
    steps.clear()
    outcome = run.learn(request, style, watch=watch, should_stop=never_stop)
    assert [done for stage, done in steps if stage == "train"] == [4, 5]
    assert outcome.report["seconds"]["train"] > measured["train"]["seconds"]


@pytest.mark.usefixtures("resident")
def test_getting_ready_is_measured_as_part_of_the_training_and_not_told_again(tiny, tmp_path, settings):
    """No row of its own in the report; a style that is there is told in one line, as learned."""
    told, style, options = [], tmp_path / "style", options_of(tiny.profile, train_steps=1)
    request = ready(to_learn, options, settings, pack=tiny.folder / "pack", out=style)

    def watch(stage):
        told.append(str(stage))
        return no_report

    first = run.learn(request, style, watch=watch, should_stop=never_stop)
    assert told == ["prepare", "train"]
    assert set(first.report["seconds"]) == {"intake", "train"}
    told.clear()
    run.learn(request, style, watch=watch, should_stop=never_stop)
    assert told == ["train"]


@pytest.mark.usefixtures("resident")
def test_a_training_for_other_settings_is_given_up_with_a_note(tiny, tmp_path, settings):
    """And its seconds count for nothing."""
    style, steps = tmp_path / "style", []

    def watch(stage):
        return lambda done, total, preview=None: steps.append((stage, done))

    def request(seed):
        return ready(
            to_learn, options_of(tiny.profile, seed=seed), settings, pack=tiny.folder / "pack", out=style
        )  # fmt: skip

    with pytest.raises(Stopped):
        run.learn(request(1), style, watch=watch, should_stop=lambda: ("train", 3) in steps)
    path = style / ".work" / "measured.json"
    measured = json.loads(path.read_text())
    measured["train"]["seconds"] = 5000
    path.write_text(json.dumps(measured))
    outcome = run.learn(request(2), style, **ALONE)
    assert outcome.notes == ("a training for other settings had stopped at step 3; this one starts anew",)
    assert outcome.report["seconds"]["train"] < 1000
    assert run.learn(request(2), style, **ALONE).notes == ()


@pytest.mark.usefixtures("resident")
def test_older_stickers_in_the_folder_are_counted_in_a_note(tiny, tmp_path, settings, photo):
    """Masks are this run's own; what another run made, or a person laid there, is not."""
    out, options = tmp_path / "out", options_of(tiny.profile)
    request = ready(to_cut, options, settings, photos=[photo], out=out)
    first = run.cut(request, out, mask=True, **ALONE)
    assert not any("older" in note for note in first.notes)
    other = tmp_path / "dog.png"
    Image.new("RGB", (50, 60), "gold").save(other)
    (out / "notes.txt").touch()
    second = run.cut(ready(to_cut, options, settings, photos=[other], out=out), out, mask=False, **ALONE)
    assert second.notes[-1] == f"2 older pictures in {str(out)!r} are not of this run; remove what you do not want"


def test_a_folder_that_another_run_writes_to_is_refused_and_left_alone(tiny, tmp_path, settings, photo):
    out = tmp_path / "out"
    request = ready(to_make, options_of(tiny.profile), settings, pack=tiny.folder / "pack", photos=[photo], out=out)
    with locked(out, LOCK):
        before = times(out)
        with pytest.raises(FolderBusy, match=r"another `stickers` .*out'; wait for it, or choose another folder"):
            run.make(request, out, **ALONE)
    assert times(out) == before


def test_a_device_that_is_not_here_leaves_no_folder(tiny, tmp_path, photo, monkeypatch):
    """A known name, so that torch alone can tell."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    out, settings = tmp_path / "out", Settings(cache_dir=tiny.cache, device="cuda")
    request = ready(to_make, options_of(tiny.profile), settings, pack=tiny.folder / "pack", photos=[photo], out=out)
    with pytest.raises(BadSetting, match="'cuda'"):
        run.make(request, out, **ALONE)
    assert not out.exists()
