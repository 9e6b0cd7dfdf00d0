"""Moving stickers as pictures: told by content, shrunk like others, and their thumbnail as the last resort."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from pipeline.errors import BadPicture, PictureTooLarge
from pipeline.images import load_picture
from pipeline.moving import MovingDecoder
from tests.unit.pipeline.drawings import drawing, encoded
from tests.unit.pipeline.stickers import greedy, starry, tgs, webm


@pytest.mark.parametrize(("data", "suffix"), [(tgs(), ".tgs"), (webm(), ".webm")])
def test_a_path_and_its_bytes_give_the_same_picture(data: bytes, suffix: str, tmp_path: Path) -> None:
    """With a decoder for several files or one of its own; the hash is that of the file."""
    path = tmp_path / f"s{suffix}"
    path.write_bytes(data)
    with MovingDecoder() as decoder:
        from_path = load_picture(path, name="a", decoder=decoder)
    from_bytes = load_picture(data, name="a")
    assert from_path.sha256 == from_bytes.sha256 == hashlib.sha256(data).hexdigest()
    assert from_path.image.tobytes() == from_bytes.image.tobytes()
    assert from_path.image.getchannel("A").getextrema() == (0, 255)


@pytest.mark.parametrize(
    ("data", "name"),
    [(tgs(), "s.png"), (webm(), "s.tgs"), (encoded(drawing((512, 512)), "PNG"), "s.webm")],
)
def test_the_suffix_says_nothing(data: bytes, name: str, tmp_path: Path) -> None:
    """A sticker under a wrong name is what its bytes are."""
    (tmp_path / name).write_bytes(data)
    assert load_picture(tmp_path / name, name="x").image.size == (512, 512)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", r"is a text file, not a PNG, WEBP, JPEG or GIF picture nor a TGS or WEBM sticker"),
        (b"\0\0\0\x18ftypmp42" + bytes(99), r"is an MP4 video, not a PNG"),
        (b"PK\x03\x04" + tgs(), r"is a zip archive, not a PNG"),
        (tgs() + b"PK\x03\x04" + bytes(30), r"is a \.tgs sticker that has 34 more bytes behind its end"),
        (webm() + b"<script>", r"is a \.webm sticker that has 8 more bytes behind its end"),
    ],
)
def test_what_only_calls_itself_a_sticker(data: bytes, words: str, tmp_path: Path) -> None:
    """Other files under a sticker's name, and files that are two things at once."""
    path = tmp_path / "it's.webm"
    path.write_bytes(data)
    with pytest.raises(BadPicture, match=words) as caught:
        load_picture(path, name="x")
    assert str(caught.value).startswith(repr(str(path)))


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """A sparse .webm of 40 MB is refused by its size."""
    path = tmp_path / "x.webm"
    with path.open("wb") as file:
        file.write(b"\x1aE\xdf\xa3")
        file.truncate(40_000_000)
    with pytest.raises(PictureTooLarge, match=r"has 39062 KB; a \.webm sticker may have 1024 KB at most"):
        load_picture(path, name="x")


def test_small_sides_and_shrinking() -> None:
    """The limits of pictures hold for stickers, too."""
    with pytest.raises(BadPicture, match="8 x 8 px; each side needs at least 16 px"):
        load_picture(webm(size=(8, 8), frames=1), name="x")
    assert load_picture(webm(size=(300, 150), frames=1), name="x", max_side_px=100).image.size == (100, 50)


@pytest.mark.parametrize("data", [greedy(), starry(1e9), bytes([0x1F, 0x8B]) + bytes(70_000)])
def test_the_thumbnail_stands_in(data: bytes) -> None:
    """For a sticker that kills its decoder, is refused, or is too large; the hash stays that of the sticker."""
    thumbnail = encoded(drawing((100, 100)), "WEBP", lossless=True)
    picture = load_picture(data, name="x", thumbnail=thumbnail)
    assert picture.image.size == (100, 100)
    assert picture.image.getpixel((50, 50)) == (200, 30, 30, 255)
    assert picture.sha256 == hashlib.sha256(data).hexdigest()


def test_a_thumbnail_is_the_last_resort() -> None:
    """A good sticker never shows it; a bad one does not help; a picture has none."""
    thumbnail = encoded(Image.new("RGBA", (64, 64), (0, 0, 255, 255)), "PNG")
    assert load_picture(tgs(), name="x", thumbnail=thumbnail).image.getpixel((256, 256)) == (255, 127, 0, 255)
    with pytest.raises(BadPicture, match="asks for 1e"):
        load_picture(starry(1e9), name="x", thumbnail=b"nothing")
    with pytest.raises(BadPicture, match="is a text file"):
        load_picture(b"hello", name="x", thumbnail=thumbnail)
