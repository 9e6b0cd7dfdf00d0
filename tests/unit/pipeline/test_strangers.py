"""Strangers' files are decoded in one limited child that is used on: same pictures, same errors as in this process."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from pipeline.errors import BadInput, BadPicture, PictureTooLarge
from pipeline.images import load_picture
from pipeline.moving import PATIENCE_S
from pipeline.strangers import SIDE_PX, Patience, StrangersDecoder
from tests.unit.pipeline.stickers import greedy, tgs, webm


@pytest.fixture(scope="module")
def decoder() -> Iterator[StrangersDecoder]:
    decoder = StrangersDecoder()
    yield decoder
    decoder.close()


def child() -> psutil.Process:
    (found,) = [one for one in psutil.Process().children() if "pipeline.moving_child" in one.cmdline()]
    return found


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **more)
    return file.getvalue()


def plain(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Four colours, so that turned and mirrored show."""
    image = Image.new("RGB", size, "red")
    image.paste("blue", (0, 0, size[0] // 2, size[1] // 2))
    return image


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(plain(), "JPEG", exif=exif.tobytes(), quality=95)


GOOD = {
    "png": saved(plain(), "PNG"),
    "half transparent": saved(Image.new("RGBA", (30, 30), (10, 200, 30, 128)), "PNG"),
    "palette": saved(plain().convert("P"), "GIF"),
    "lossless": saved(plain(), "WEBP", lossless=True),
    "turned": turned(),
    "wide grey": saved(Image.new("I;16", (40, 40), 30_000), "PNG"),
    "animated": saved(plain(), "WEBP", save_all=True, append_images=[plain().rotate(180)], lossless=True),
    "large": saved(plain((3000, 1500)), "PNG"),
    "tgs": tgs(),
    "webm": webm(),
}
BAD = {
    "nothing": b"",
    "words": b"hello there",
    "cut short": GOOD["png"][:60],
    "a header alone": b"\x89PNG\r\n\x1a\nnothing",
    "tiny": saved(plain((8, 8)), "PNG"),
    "invisible": saved(Image.new("RGBA", (30, 30)), "PNG"),
    "huge": saved(Image.new("1", (9000, 9000)), "PNG"),
    "huge sticker": b"\x1f\x8b" + bytes(70_000),
    "damaged sticker": tgs()[:-9],
}


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_is_to_the_bit_what_it_is_without_the_child(decoder: StrangersDecoder, name: str) -> None:
    there = decoder.picture(GOOD[name], name, Patience())
    here = load_picture(GOOD[name], name=name, max_side_px=SIDE_PX).image
    assert (there.mode, there.size) == ("RGBA", here.size)
    assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_the_same_error_as_without_the_child(decoder: StrangersDecoder, name: str) -> None:
    with pytest.raises(BadInput) as here:
        load_picture(BAD[name], name=name, max_side_px=SIDE_PX)
    with pytest.raises(BadInput) as there:
        decoder.picture(BAD[name], name, Patience())
    assert type(there.value) is type(here.value)
    assert isinstance(there.value, PictureTooLarge) == name.startswith("huge")


def test_one_child_serves_many_files_and_is_replaced_where_it_died_between_two(decoder: StrangersDecoder) -> None:
    decoder.picture(GOOD["png"], "a", Patience())
    first = child()
    decoder.picture(GOOD["webm"], "b", Patience())
    assert child().pid == first.pid
    first.send_signal(signal.SIGKILL)
    assert decoder.picture(GOOD["png"], "c", Patience()).size == (60, 40)
    assert child().pid != first.pid


def test_a_file_that_kills_its_child_is_unreadable_and_the_next_one_works(decoder: StrangersDecoder) -> None:
    """It gets a second chance, alone in a fresh child, and no third; the pack pays with its patience, no other does."""
    patience = Patience()
    for _ in range(2):
        with pytest.raises(BadPicture, match="its decoder ran out of memory"):
            decoder.picture(greedy(), "x", patience)
        assert decoder.picture(GOOD["png"], "y", patience).size == (60, 40)
    assert patience.lost_s > 0
    with pytest.raises(BadPicture, match="is not looked at"):
        decoder.picture(GOOD["png"], "z", Patience(lost_s=PATIENCE_S + 1))
    assert decoder.picture(GOOD["png"], "z", Patience()).size == (60, 40)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_child_can_open_nothing_and_has_bounds(decoder: StrangersDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder.close()
    monkeypatch.setenv("STICKERS_BOT_TOKEN", "123:secret")
    decoder.picture(GOOD["turned"], "a", Patience())
    proc = Path(f"/proc/{child().pid}")
    limits = {line[:26].strip(): line[26:].split()[:2] for line in (proc / "limits").read_text().splitlines()}
    assert limits["Max open files"] == ["3", "3"]
    assert limits["Max file size"] == limits["Max core file size"] == ["0", "0"]
    assert int(limits["Max cpu time"][1]) == 600
    assert 2 << 30 < int(limits["Max address space"][1]) < 4 << 30
    assert b"secret" not in (proc / "environ").read_bytes()
