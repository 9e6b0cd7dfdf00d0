"""The stickers of a job: files, masks, notes, and a folder in which nothing else is touched."""

from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from pipeline import finish, record
from pipeline.domain import Picture, never_stop, no_report
from pipeline.errors import BadSetting, Stopped
from pipeline.finish import CUT, Finishing, cut_out_drafts, cutout_config
from pipeline.options import options_of


def disc(name, colour="red", size=(600, 400)):
    """A transparent picture, large enough that nothing has to be enlarged; its alpha is its mask."""
    image = Image.new("RGBA", size)
    ImageDraw.Draw(image).ellipse((20, 30, size[0] - 20, size[1] - 10), fill=colour)
    return Picture(name=name, image=image, sha256="")


@pytest.fixture
def job(tiny, tmp_path):
    return Finishing(
        drafts=[disc("sun"), disc("sea", "blue")], folder=tmp_path / "out", options=options_of(tiny.profile)
    )


def cuts(job, tiny, *, report=no_report, should_stop=never_stop):
    return cut_out_drafts(job, tiny.models, report=report, should_stop=should_stop)


def opened(path):
    """The picture, its file closed again."""
    with Image.open(path) as picture:
        return picture.copy()


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != CUT}


def test_stickers_are_written_under_their_pictures_names(tiny, job):
    told = []
    stickers, notes = cuts(job, tiny, report=lambda done, total, preview=None: told.append((done, total)))
    assert list(stickers) == ["sun", "sea"]
    assert notes == ()
    assert told[-1] == (2, 2)
    for path in stickers.values():
        sticker = opened(path)
        assert (sticker.mode, max(sticker.size)) == ("RGBA", 512)
        assert sticker.getchannel("A").getextrema() == (0, 255)


def test_what_is_cut_out_is_not_cut_out_again(tiny, job, monkeypatch):
    first, _ = cuts(job, tiny)
    written = {path: path.stat().st_mtime_ns for path in job.folder.iterdir()}
    monkeypatch.setattr(finish, "cut_out", lambda *_, **__: pytest.fail("cut out again"))
    assert cuts(job, tiny)[0] == first
    assert {path: path.stat().st_mtime_ns for path in job.folder.iterdir()} == written


def test_another_outline_is_cut_out_anew(tiny, job):
    cuts(job, tiny)
    before = contents(job.folder)
    cuts(replace(job, options=options_of(tiny.profile, outline=6)), tiny)
    assert all(data != before[name] for name, data in contents(job.folder).items())


def test_masks_are_as_large_as_the_pictures(tiny, job):
    stickers, _ = cuts(replace(job, masks=True), tiny)
    assert set(contents(job.folder)) == {"sun.png", "sun_mask.png", "sea.png", "sea_mask.png"}
    mask = opened(job.folder / "sun_mask.png")
    assert (mask.mode, mask.size, mask.getextrema()) == ("L", (600, 400), (0, 255))
    assert stickers["sun"].name == "sun.png"


def test_a_mask_does_not_take_another_picture_s_name(tiny, job):
    """`cutout *.png --mask` in a folder with the masks of last time."""
    stickers, _ = cuts(replace(job, drafts=[disc("sun"), disc("sun_mask", "blue")], masks=True), tiny)
    assert set(contents(job.folder)) == {"sun.png", "sun_mask.png", "sun_mask-2.png", "sun_mask_mask.png"}
    assert opened(stickers["sun_mask"]).mode == "RGBA"


def test_a_picture_in_which_nothing_is_found_is_kept_whole_and_told(tiny, job):
    """Also by the next run, which finds the sticker done."""
    nothing = Picture(name="fog", image=Image.new("RGBA", (512, 512)), sha256="")
    for _ in range(2):
        _, notes = cuts(replace(job, drafts=[disc("sun"), nothing]), tiny)
        assert notes == ("fog: nothing stood out from its ground, so the whole picture was kept",)


def test_a_person_s_own_files_stay(tiny, job):
    """A photo cat.webp is not the other format of the sticker cat.png."""
    job.folder.mkdir()
    own = {"sun.webp": b"a photo", "holiday.png": b"another", ".hidden.tmp": b"secret"}
    for name, data in own.items():
        (job.folder / name).write_bytes(data)
    cuts(job, tiny)
    assert own.items() <= contents(job.folder).items()


def test_the_other_format_of_an_earlier_run_goes(tiny, job):
    """Where a sticker was WEBP and is PNG now, one file is left; stickers of other pictures stay."""
    job.folder.mkdir()
    for name in ("sun.webp", "moon.png"):
        (job.folder / name).write_bytes(b"of the last run")
    made = {"sun": record.Made(files=["sun.webp"]), "moon": record.Made(files=["moon.png"])}
    record.write(job.folder / CUT, {"settings": "of the last run"}, made)
    cuts(job, tiny)
    assert set(contents(job.folder)) == {"sun.png", "sea.png", "moon.png"}


def test_a_stopped_stage_leaves_no_sticker(tiny, job):
    with pytest.raises(Stopped):
        cuts(job, tiny, should_stop=lambda: True)
    assert not job.folder.exists()


def test_a_setting_that_leaves_no_room_is_told(tiny, job):
    with pytest.raises(BadSetting, match="outline_px 300"):
        cuts(replace(job, options=replace(job.options, outline_px=300)), tiny)


def test_options_go_over_the_profile(tiny):
    config = cutout_config(options_of(tiny.profile, outline=7))
    assert (config.outline_px, config.outline_colour, config.threshold) == (7, "#ffffff", 0.5)
