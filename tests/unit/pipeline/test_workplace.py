"""A job's place on a machine: its inputs by its person's keys only, pictures by their names, nothing left behind."""

from __future__ import annotations

import os
from io import BytesIO

import pytest
from PIL import Image, ImageDraw

from pipeline.domain import never_stop
from pipeline.errors import BadInput, BadSetting
from pipeline.files import Files, job_key, style_key
from pipeline.jobs.words import JobSpec, Kind, Progress
from pipeline.settings import load_profile
from pipeline.workplace import PREVIEW_GROUND, PREVIEW_PX, Workplace, forget_oldest, options_for, shown

COLOURS = ("red", "green", "blue", "teal")


def spec(**changes):
    plain = {"job_id": "j", "person": "ann", "kind": Kind.DRAW, "profile": "embedded", "style": "s"}
    return JobSpec(**(plain | changes))


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


@pytest.fixture
def place(files, tmp_path):
    def placed(tell=lambda _: None, **changes):
        return Workplace(spec(**changes), files, tmp_path / "work", tell)

    return placed


def given(files, *names):
    """A picture of its own colour and shape under each key."""
    keys = []
    for at, name in enumerate(names):
        encoded = BytesIO()
        picture = Image.new("RGB", (20 + 9 * at, 30), "white")
        ImageDraw.Draw(picture).rectangle((2 + 5 * at, 3, 18, 12 + 8 * at), fill=COLOURS[at])
        picture.save(encoded, "PNG")
        keys.append(job_key("ann", "j", *name.split("/")))
        files.put(keys[-1], encoded.getvalue())
    return tuple(keys)


def test_photos_keep_their_names_and_their_order(files, place):
    """Two of one name from two folders are two; one that is none is told."""
    keys = given(files, "b/cat.png", "a/dog.png", "a/cat.png")
    files.put(job_key("ann", "j", "c", "text.png"), b"no picture")
    photos, skipped = place(photos=(*keys, job_key("ann", "j", "c", "text.png"))).photos(never_stop)
    assert [photo.name for photo in photos] == ["cat", "dog", "cat-2"]
    assert [photo.image.width for photo in photos] == [20, 29, 38]
    assert [one.name for one in skipped] == ["text.png"]


def test_a_pack_has_the_title_that_its_person_gave_it(files, place):
    keys = given(files, "a/1.png", "b/1.png", "a/2.png")
    pack = place(pack=keys, options={"title": "My cats"}).pack(never_stop)
    assert (pack.name, [picture.name for picture in pack.pictures]) == ("My cats", ["1-2", "1", "2"])  # by file names
    assert place(pack=keys).pack(never_stop).name == "s"


def test_another_person_s_files_are_refused(files, place):
    """Also those of one whose name begins alike."""
    (key,) = given(files, "cat.png")
    for person in ("bob", "an"):
        with pytest.raises(BadInput, match=f"is not of '{person}'"):
            place(person=person, photos=(key,)).photos(never_stop)
    with pytest.raises(BadInput, match="is no key"):
        place(photos=("people/ann/../bob/jobs/j/cat.png",)).photos(never_stop)


def test_previews_are_small_and_seldom(files, place):
    """Of ten in a moment the first is put; progress is told of all, and each word from then on bears its key."""
    told: list[Progress] = []
    report = place(tell=told.append).report("generate")
    report(0, 10)
    for done in range(1, 10):
        report(done, 10, Image.new("RGB", (512, 512), (done, 0, 0)))
    report(10, 10)
    assert [one.done for one in told] == list(range(11))
    key = job_key("ann", "j", "previews", "generate.png")
    assert [one.preview for one in told] == [None, *[key] * 10]
    seen = Image.open(BytesIO(files.read(key)))
    assert (seen.size, seen.getpixel((9, 9))) == ((PREVIEW_PX, PREVIEW_PX), (1, 0, 0))


@pytest.mark.parametrize("size", [(8, 8), (600, 300), (20, 2000)])
def test_a_preview_of_any_size_and_transparency_is_a_square_on_a_light_ground(size):
    seen = shown(Image.new("RGBA", size, (0, 0, 0, 0)))
    assert (seen.mode, seen.size) == ("RGB", (PREVIEW_PX, PREVIEW_PX))
    assert seen.getcolors() == [(PREVIEW_PX**2, PREVIEW_GROUND)]
    middle = shown(Image.new("RGB", size, (200, 0, 0))).getpixel((PREVIEW_PX // 2, PREVIEW_PX // 2))
    assert middle == (200, 0, 0)


def test_a_style_is_fetched_as_it_is_now(files, place, tmp_path):
    (tmp_path / "learned").mkdir()
    for text in ("first", "second"):
        (tmp_path / "learned" / "style.json").write_text(text)
        files.put_folder(style_key("ann", "s"), tmp_path / "learned")
        assert (place().style() / "style.json").read_text() == text


def test_json_goes_from_one_machine_to_the_next(files, place, tmp_path):
    place().write("captions.json", {"кот": "a cat"})
    assert Workplace(spec(), files, tmp_path / "elsewhere", lambda _: None).read("captions.json") == {"кот": "a cat"}


def test_a_cleared_place_is_empty_and_the_files_stay(files, place):
    (key,) = given(files, "cat.png")
    here = place(photos=(key,))
    here.photos(never_stop)
    assert here.folder.is_dir()
    here.clear()
    here.clear()
    assert not here.folder.exists()
    assert files.exists(key)


def test_styles_fetched_longest_ago_are_forgotten(tmp_path):
    for at, name in enumerate(("ann/a", "bob/b", "ann/c")):
        (tmp_path / name).mkdir(parents=True)
        os.utime(tmp_path / name, (at, at))
    forget_oldest(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["b", "c"]


def test_options_are_those_of_the_command_line():
    """By a person's words for them; None is the profile's default."""
    profile = load_profile("embedded")
    options = options_for(
        spec(options={"count": 2, "strength": 1, "words": "a hat", "seed": None, "title": "x", "outline": 4}), profile
    )
    assert (options.count, options.strength, options.seed, options.outline_px) == (2, 1, 0, 4)
    assert "a hat" in options.template
    for wrong in ({"colour": "red"}, {"strength": "1"}, {"words": 3}, {"count": 1.5}, {"steps": 0}):
        with pytest.raises(BadSetting, match=next(iter(wrong))):
            options_for(spec(options=wrong), profile)
