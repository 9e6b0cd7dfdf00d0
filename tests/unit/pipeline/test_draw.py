"""The drafts of a job: names, batches that are resumed, and a folder in which nothing else is touched."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipeline import bench, draw
from pipeline.domain import Picture, never_stop, no_report
from pipeline.draw import DRAWN, Drawing, draw_drafts, wanted_drafts
from pipeline.errors import Stopped, StyleMismatch
from pipeline.generate import seed_of
from pipeline.options import options_of
from pipeline.store import STYLE_CARD
from tests.tiny_profile import SIZE_PX, stopping_after


@pytest.fixture
def job(tiny, style, tmp_path):
    """Three photos, in batches of two, two steps each."""
    captions = {photo.name: "a cat" for photo in tiny.photos}
    options = options_of(tiny.profile)
    return Drawing(photos=tiny.photos, captions=captions, style=style, folder=tmp_path / "drafts", options=options)


def draws(job, tiny, *, report=no_report, should_stop=never_stop):
    return draw_drafts(job, tiny.models, report=report, should_stop=should_stop)


def files(folder):
    """Name → time and bytes of the pictures."""
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.glob("*.png")}


def named(*names):
    return [Picture(name=name, image=Image.new("RGBA", (16, 16)), sha256="") for name in names]


def test_variants_are_numbered_from_the_second_on():
    wanted = wanted_drafts(named("cat", "dog"), 3)
    assert [draft.name for draft in wanted] == ["cat", "cat-2", "cat-3", "dog", "dog-2", "dog-3"]
    assert [draft.variant for draft in wanted] == [0, 1, 2, 0, 1, 2]


def test_a_variant_does_not_take_another_photo_s_name():
    """Two photos called cat.png come from the intake as "cat" and "cat-2"; so would the second variant of the first."""
    wanted = wanted_drafts(named("cat", "cat-2"), 2)
    assert [draft.name for draft in wanted] == ["cat", "cat-2-2", "cat-2", "cat-2-2-2"]
    assert [(draft.photo.name, draft.variant) for draft in wanted] == [
        ("cat", 0),
        ("cat", 1),
        ("cat-2", 0),
        ("cat-2", 1),
    ]


def test_a_variant_is_the_same_without_those_before_it():
    """Its name and its number, of which its seed is made."""
    all_of_them = wanted_drafts(named("cat", "dog"), 4)
    third_of_each = wanted_drafts(named("cat", "dog"), 1, first=2)
    assert [(one.name, one.variant) for one in third_of_each] == [("cat-3", 2), ("dog-3", 2)]
    assert {(one.name, one.variant) for one in third_of_each} <= {(one.name, one.variant) for one in all_of_them}


@settings(max_examples=25)
@given(
    st.lists(st.from_regex(r"[aA](-[1-4]){0,2}", fullmatch=True), unique_by=str.casefold, min_size=1), st.integers(1, 4)
)
def test_no_two_drafts_share_a_name(names, count):
    """Whatever the photos are called, upper and lower case being one; the first of each bears the photo's name."""
    wanted = wanted_drafts(named(*names), count)
    assert len({draft.name.casefold() for draft in wanted}) == len(names) * count
    assert [draft.name for draft in wanted if draft.variant == 0] == names


def test_all_drafts_are_drawn_and_kept(tiny, job):
    told = []
    drafts = draws(job, tiny, report=lambda done, total, preview=None: told.append((done, total)))
    assert [draft.name for draft in drafts] == [photo.name for photo in tiny.photos]
    assert {draft.image.size for draft in drafts} == {(SIZE_PX, SIZE_PX)}
    assert all(draft.seed == seed_of(0, draft.photo, 0) for draft in drafts)
    assert {draft.prompt for draft in drafts} == {"a telegram sticker of a cat, sks style"}
    assert set(files(job.folder)) == {f"{photo.name}.png" for photo in tiny.photos}
    assert told == [(2, 6), (4, 6), (5, 6), (6, 6), (6, 6)]


def test_a_profile_may_draw_larger_than_it_learned(tiny, job):
    """The very style, at twice the side; and what was drawn small is not taken for it."""
    draws(job, tiny)
    profile = tiny.profile.model_copy(
        update={"generate": tiny.profile.generate.model_copy(update={"size_px": 2 * SIZE_PX})}
    )
    larger = draws(replace(job, options=options_of(profile)), tiny)
    assert {draft.image.size for draft in larger} == {(2 * SIZE_PX, 2 * SIZE_PX)}
    at_work = {"spec": None, "models": None, "place": None, "report": no_report, "should_stop": never_stop}
    one = bench.Job(options=options_of(profile), **at_work)
    assert [one.need(work, 2).size_px for work in ("generate", "learn lora")] == [2 * SIZE_PX, SIZE_PX]


def test_what_is_drawn_is_not_drawn_again(tiny, job, monkeypatch):
    first = draws(job, tiny)
    written = files(job.folder)
    monkeypatch.setattr(draw, "generate", lambda *_, **__: pytest.fail("drawn again"))
    again = draws(job, tiny)
    assert files(job.folder) == written
    assert [(draft.name, draft.image.tobytes()) for draft in again] == [
        (draft.name, draft.image.tobytes()) for draft in first
    ]


def test_a_stopped_job_goes_on_with_its_next_batch(tiny, job, tmp_path):
    """The first batch stays as it is; the rest is drawn as if nothing had happened."""
    draws(replace(job, folder=tmp_path / "whole"), tiny)
    with pytest.raises(Stopped):
        draws(job, tiny, should_stop=stopping_after(3))  # the first batch has two steps
    kept = files(job.folder)
    assert set(kept) == {"photo0.png", "photo1.png"}
    draws(job, tiny)
    assert kept.items() <= files(job.folder).items()
    assert {name: data for name, (_, data) in files(job.folder).items()} == {
        name: data for name, (_, data) in files(tmp_path / "whole").items()
    }


def test_a_draft_that_was_deleted_is_drawn_again_with_its_batch(tiny, job):
    draws(job, tiny)
    written = files(job.folder)
    (job.folder / "photo2.png").unlink()
    draws(job, tiny)
    assert files(job.folder)["photo0.png"] == written["photo0.png"]
    assert files(job.folder)["photo2.png"][1] == written["photo2.png"][1]


def test_other_options_other_drafts(tiny, job):
    before = draws(job, tiny)
    after = draws(replace(job, options=options_of(tiny.profile, seed=1)), tiny)
    assert all(one.image.tobytes() != other.image.tobytes() for one, other in zip(before, after, strict=True))


def test_a_person_s_own_files_stay(tiny, job):
    """`--out .` is a folder like any other: what is not ours is neither deleted nor counted."""
    job.folder.mkdir()
    own = {"holiday.png": b"not even a picture", ".hidden.tmp": b"secret", "notes.txt": b"..."}
    for name, data in own.items():
        (job.folder / name).write_bytes(data)
    draws(replace(job, photos=tiny.photos[:1]), tiny)
    draws(replace(job, photos=tiny.photos[1:2]), tiny)  # another job in the same folder
    assert {name: (job.folder / name).read_bytes() for name in own} == own
    assert {"photo0.png", "photo1.png"} <= {path.name for path in job.folder.iterdir()}


def test_the_record_says_what_the_drafts_were_made_of(tiny, job):
    draws(replace(job, photos=tiny.photos[:1]), tiny)
    config = json.loads((job.folder / DRAWN).read_text())["config"]
    assert config["generate"]["seed"] == 0
    assert config["photos"] == [[tiny.photos[0].name, tiny.photos[0].sha256, "a cat"]]
    assert config["base"] == tiny.models.fingerprint("base")


def test_the_style_of_another_profile_is_refused_before_any_work(tiny, job, style, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    card = json.loads((style / STYLE_CARD).read_text())
    (foreign / STYLE_CARD).write_text(json.dumps(card | {"profile": "sd15"}))
    with pytest.raises(StyleMismatch, match=r"learned with profile 'sd15'.*'tiny'"):
        draws(replace(job, style=foreign), tiny)
    assert not job.folder.exists()
