"""Moving stickers at the command line: in a pack, as photos, and bad ones."""

import json

import pytest
from PIL import Image

from tests.end_to_end.bad_files import zip_of
from tests.end_to_end.desk import refused
from tests.unit.pipeline.stickers import greedy, layer, lottie, sound_only, square, starry, tgs, webm

BAD = {
    "a.tgs": (lambda: starry(1e9), r"'.*a\.tgs' is a \.tgs sticker that asks for 1e\+09 points of a star"),
    "b.tgs": (greedy, r"'.*b\.tgs' is a \.tgs sticker that cannot be decoded: its decoder ran out of memory"),
    "c.tgs": (lambda: tgs()[:-9], r"'.*c\.tgs' is a \.tgs sticker that is cut short"),
    "d.webm": (sound_only, r"'.*d\.webm' is a \.webm sticker that holds audio where one video is due"),
    "e.webm": (lambda: webm() + b"PK", r"'.*e\.webm' is a \.webm sticker that has 2 more bytes behind its end"),
    "f.webm": (lambda: b"hello", r"'.*f\.webm' is a text file, not a PNG"),
    "g.tgs": (lambda: bytes([0x1F, 0x8B]) + bytes(70_000), r"'.*g\.tgs' has 68 KB; a \.tgs sticker may have 64 KB"),
}


FEW = ["--train-steps", "1", "--steps", "2"]


@pytest.mark.parametrize("name", BAD)
def test_a_bad_photo(desk, name):
    """The only one: one sentence, and nothing is lost."""
    make, sentence = BAD[name]
    (desk.tmp / name).write_bytes(make())
    refused(desk, "make", desk.pack, desk.tmp / name, "--out", desk.out, *desk.profile, sentence=sentence)


def test_a_pack_of_bad_ones(desk):
    pack = zip_of(desk.tmp / "bad.zip", {name: make() for name, (make, _) in BAD.items()})
    sentence = r"has 0 of the 3 to 120 .*'a\.tgs' is a \.tgs sticker that asks for .*; and 2 more$"
    refused(desk, "make", pack, *desk.photos, "--out", desk.out, *desk.profile, sentence=sentence)


@pytest.mark.slow
def test_a_job_of_moving_stickers(desk):
    """A zip of them teaches a style, two are drawn in it; the bad one is told; the sheet shows the frames."""
    good = {"a.tgs": tgs(), "b.webm": webm(), "c.tgs": tgs(lottie([layer(square(side=450))])), "d.tgs": starry(1e9)}
    pack = zip_of(desk.tmp / "moving.zip", good)
    photos = desk.tmp / "moving"
    photos.mkdir()
    (photos / "star.tgs").write_bytes(starry(5))
    (photos / "film.webm").write_bytes(webm())
    out = desk.tmp / "new"
    done = desk.stickers("make", pack, *sorted(photos.iterdir()), "--out", out, "--json", *FEW, *desk.profile)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert [entry["name"] for entry in told["skipped"]] == ["d.tgs"]
    assert "skipped d.tgs: 'd.tgs' is a .tgs sticker that asks for" in done.stderr
    assert sorted(path.stem for path in (out / "stickers").glob("[!.]*")) == ["film", "star"]
    with Image.open(out / "sheet.png") as sheet:
        colours = sheet.convert("RGB").getcolors(1 << 24)
    shown = {colour for _, colour in colours}
    assert any(abs(red - 255) + abs(green - 127) + blue < 12 for red, green, blue in shown)  # the Lotties' orange
    assert any(abs(red - 200) + abs(green - 29) + abs(blue - 29) < 12 for red, green, blue in shown)  # the video's red
