"""What is refused before a model is loaded: in which order, in which words, and that nothing is left behind."""

import json

import pytest
from PIL import Image

from pipeline import request
from pipeline.card import ADAPTER
from pipeline.domain import never_stop, no_report
from pipeline.errors import BadArchive, BadInput, BadOutput, BadSetting, ModelMissing, PackSize, StyleMismatch
from pipeline.options import options_of
from pipeline.request import Given, to_cut, to_describe, to_draw, to_learn, to_make
from pipeline.settings import Settings, load_profile
from pipeline.store import STYLE_CARD
from tests.tiny_profile import COLOURS


@pytest.fixture
def given(tiny, tmp_path):
    """A good pack, a good photo, and a folder that is not there yet, as keywords of ``Given``."""
    photo = picture(tmp_path / "cat.png")
    settings = Settings(cache_dir=tiny.cache, device="cpu")
    options = options_of(tiny.profile)
    return {
        "options": options, "settings": settings, "pack": tiny.folder / "pack", "photos": [photo],
        "out": tmp_path / "new" / "out",
    }  # fmt: skip


def picture(path, colour="red"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (50, 50), colour).save(path)
    return path


def ready(prepare, **given):
    return prepare(Given(**given), report=no_report, should_stop=never_stop)


def everything(folder):
    """All names, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_a_good_request_is_read_and_leaves_no_trace(given, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    before, told = everything(tmp_path), []
    photos = [*given["photos"], tmp_path / "broken.png"]
    made = to_make(
        Given(**given | {"photos": photos}),
        report=lambda done, total, preview=None: told.append((done, total)),
        should_stop=never_stop,
    )
    assert (len(made.pack.pictures), [photo.name for photo in made.photos]) == (3, ["cat"])
    assert [entry.name for entry in made.skipped] == ["broken.png"]
    assert made.reading_s > 0
    assert told == [(1, 3), (2, 3), (3, 3), (1, 2), (2, 2)]  # the pack, then the photos
    assert everything(tmp_path) == before


def zip_of_nothing(tmp_path):
    (tmp_path / "bad.zip").write_bytes(b"PK\x03\x04 and no more")
    return {"pack": tmp_path / "bad.zip"}


def file_as_out(tmp_path):
    (tmp_path / "file").write_text("mine")
    return {"out": tmp_path / "file"}


def folder_as_photo(tmp_path):
    (tmp_path / "folder").mkdir()
    return {"photos": [tmp_path / "folder"]}


def two_pictures(tmp_path):
    for colour in COLOURS[:2]:
        picture(tmp_path / "two" / f"{colour}.png", colour)
    return {"pack": tmp_path / "two"}


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (zip_of_nothing, BadArchive, "bad.zip"),
        (two_pictures, PackSize, "has 2 of the 3"),
        (file_as_out, BadOutput, "a file where a folder should be"),
        (folder_as_photo, BadInput, "is a folder; give the path of a picture"),
        (lambda _: {"settings": Settings(device="tpu")}, BadSetting, "'tpu': unknown; let STICKERS_DEVICE be one of"),
        (lambda _: {"settings": Settings(device="cuda:1")}, BadSetting, "'cuda:1': unknown"),
    ],
)
def test_what_is_wrong_is_told_and_no_folder_is_made(given, tmp_path, change, error, words):
    changed = change(tmp_path)
    before = everything(tmp_path)
    with pytest.raises(error, match=words):
        ready(to_make, **given | changed)
    assert everything(tmp_path) == before


def test_a_model_that_is_not_there_is_told_before_the_pictures_are_read(given, tmp_path, monkeypatch):
    """The last one to be used, too: else it would be missed after hours of training. Others do not matter."""
    monkeypatch.setattr(request, "load_pack", lambda *_, **__: pytest.fail("read"))
    profile = given["options"].profile
    (tmp_path / "empty").mkdir()
    lost = profile.models.segmentation.model_copy(update={"path": str(tmp_path / "empty")})
    profile = profile.model_copy(update={"models": profile.models.model_copy(update={"segmentation": lost})})
    options = options_of(profile)
    with pytest.raises(ModelMissing, match=r"the segmentation model .*lacks config\.json.*copy the whole model to"):
        ready(to_make, **given | {"options": options})
    assert ready(to_describe, options=options, settings=given["settings"], photos=given["photos"]).photos


def test_a_profile_whose_folder_is_not_there_names_key_and_folder(given, tiny, tmp_path):
    """A person's own profile; a list of profiles would still show it."""
    own = tmp_path / "own.toml"
    own.write_text((tiny.folder / "tiny.toml").read_text())
    options = options_of(load_profile(str(own)))
    sentence = rf"own\.toml: models\.base\.path = 'models': there is no folder '{tmp_path}/models'; .* relative"
    with pytest.raises(BadSetting, match=sentence):
        ready(to_make, **given | {"options": options})


@pytest.mark.parametrize("place", ["drafts/cat.png", "stickers/cat.png"])
def test_photos_of_an_earlier_job_are_not_written_over(given, tmp_path, place):
    out = tmp_path / "out"
    inside = picture(out / place)
    with pytest.raises(BadOutput, match="choose another folder"):
        ready(to_make, **given | {"photos": [inside], "out": out})


def test_results_do_not_go_among_the_pictures_they_are_made_of(given, style, tmp_path):
    """`--out .` in the photos' folder: a sticker of cat.png would replace it, and a sheet would join a pack."""
    photos = [picture(tmp_path / "photos" / "cat.png")]
    for colour in COLOURS[:3]:
        picture(tmp_path / "pack" / f"{colour}.png", colour)
    among, pack = given | {"photos": photos, "pack": None}, {"pack": tmp_path / "pack", "out": tmp_path / "pack"}
    with pytest.raises(BadOutput, match="photos"):
        ready(to_draw, **among | {"style": style, "out": tmp_path / "photos"})
    with pytest.raises(BadOutput, match="photos"):
        ready(to_cut, **among | {"out": tmp_path / "photos" / ".." / "photos"})
    with pytest.raises(BadOutput, match="pack"):
        ready(to_make, **given | pack)
    with pytest.raises(BadOutput, match="pack"):
        ready(to_learn, **given | pack | {"photos": ()})


def test_a_style_that_cannot_be_used_is_refused(given, style, tmp_path):
    """Of another profile; none; without weights; with weights that were cut."""
    drawing = given | {"pack": None}
    whole = (style / ADAPTER).read_bytes()
    for card, weights, error, words in (
        ({"profile": "sd15"}, whole, StyleMismatch, "'sd15'"),
        (None, whole, BadInput, "is no style"),
        ({}, None, BadInput, "has no weights"),
        ({}, whole[:-9], BadInput, rf"{ADAPTER}' is damaged .*learn the style again"),
        ({}, b"", BadInput, rf"{ADAPTER}' is damaged"),
    ):
        folder = tmp_path / f"style-{words[:6]}-{len(weights or b'')}"
        folder.mkdir()
        if card is not None:
            (folder / STYLE_CARD).write_text(json.dumps(json.loads((style / STYLE_CARD).read_text()) | card))
        if weights is not None:
            (folder / ADAPTER).write_bytes(weights)
        with pytest.raises(error, match=words):
            ready(to_draw, **drawing | {"style": folder})
    assert not given["out"].parent.exists()
