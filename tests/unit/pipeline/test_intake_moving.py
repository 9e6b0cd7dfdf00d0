"""Packs and photos with moving stickers among them."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from pipeline.errors import PackSize
from pipeline.intake import load_pack, load_photos
from tests.unit.pipeline.stickers import greedy, layer, lottie, sound_only, square, starry, tgs, webm
from tests.unit.pipeline.test_intake import encoded, fill, tile, zipped


def stickers() -> dict[str, bytes]:
    """Good ones of every kind, and bad ones between them, of which one kills the decoder."""
    return {
        "a.tgs": tgs(),
        "b.tgs": starry(1e38),
        "c.webm": webm(),
        "d.tgs": greedy(),
        "e.tgs": tgs(lottie([layer(square(side=400), opacity=60)])),
        "f.webm": sound_only(),
        "g.png": encoded(tile(3)),
        "h.tgs": tgs(lottie([layer(square(), nm="again")])),
    }


def children() -> set[int]:
    return {one.pid for one in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_a_pack_of_moving_stickers(kind: str, tmp_path: Path) -> None:
    """The good ones are kept, a copy is found, each bad one is named with its reason, and no process is left."""
    before = children()
    path = fill(tmp_path / "p", stickers()) if kind == "folder" else zipped(tmp_path / "p.zip", stickers())
    pack = load_pack(path)
    assert [picture.name for picture in pack.pictures] == ["a", "c", "e", "g"]
    assert pack.pictures[0].image.getpixel((256, 256)) == (255, 127, 0, 255)
    assert 140 < pack.pictures[2].image.getpixel((256, 256))[3] < 165  # 60 % of 255
    assert [one.name for one in pack.skipped] == ["b.tgs", "d.tgs", "f.webm", "h.tgs"]
    reasons = [one.reason for one in pack.skipped]
    assert reasons[0].startswith("'b.tgs' is a .tgs sticker that asks for 1e+38 points of a star")
    assert reasons[1].startswith("'d.tgs' is a .tgs sticker that cannot be decoded: its decoder ran out of memory")
    assert reasons[2].startswith("'f.webm' is a .webm sticker that holds audio where one video is due")
    assert reasons[3] == "'h.tgs' looks the same as 'a', which is kept"
    assert children() <= before


def test_a_pack_of_bad_ones(tmp_path: Path) -> None:
    """Too few are left, and the sentence says why."""
    files = {f"{number}.tgs": starry(1e9) for number in range(3)}
    with pytest.raises(
        PackSize, match=r"has 0 of the 3 to 120 .* add 3 more. Left out: '0.tgs' is a .tgs sticker that"
    ):
        load_pack(fill(tmp_path / "p", files))


def test_pictures_alone_start_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends no moving sticker pays nothing for them."""
    monkeypatch.setattr("pipeline.moving.subprocess.Popen", None)
    files = {f"{number}.png": encoded(tile(number)) for number in range(3)}
    assert len(load_pack(fill(tmp_path / "p", files)).pictures) == 3


def test_photos(tmp_path: Path) -> None:
    """A moving sticker is a photo like any other; a bad one beside it is named."""
    folder = fill(tmp_path / "in", stickers())
    photos, skipped = load_photos([folder / "a.tgs", folder / "b.tgs", folder / "c.webm", folder / "g.png"])
    assert [photo.name for photo in photos] == ["a", "c", "g"]
    assert [photo.image.size for photo in photos] == [(512, 512), (512, 512), (32, 32)]
    assert [one.name for one in skipped] == ["b.tgs"]
