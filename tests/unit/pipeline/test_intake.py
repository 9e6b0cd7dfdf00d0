"""Packs and photos: what is taken, what is skipped, what is refused."""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.errors import BadArchive, BadInput, PackSize, Stopped
from pipeline.intake import MAX_NAME_BYTES, MAX_PICTURES, PACK_SIDE_PX, load_pack, load_photos, safe_name, unique_name

TEXT = b"not a picture"


def tile(number: int, size_px: int = 32) -> Image.Image:
    """A picture that differs from every other number's: its bits as black and white squares."""
    image = Image.new("RGB", (8, 8), "white")
    for bit in range(16):
        if number >> bit & 1:
            image.paste("black", (bit % 4 * 2, bit // 4 * 2, bit % 4 * 2 + 2, bit // 4 * 2 + 2))
    return image.resize((size_px, size_px), Image.Resampling.NEAREST)


def encoded(image: Image.Image, picture_format: str = "PNG") -> bytes:
    out = BytesIO()
    image.save(out, picture_format)
    return out.getvalue()


def fill(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tiles(count: int) -> dict[str, bytes]:
    return {f"{number:03}.png": encoded(tile(number)) for number in range(count)}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_good_ones_are_kept_and_bad_ones_reported(kind: str, tmp_path: Path) -> None:
    """A text, a copy, a truncated file and a hidden file beside three pictures: a pack of three, three reasons."""
    files = {
        "cat.png": encoded(tile(1)),
        "dog.webp": encoded(tile(2), "WEBP"),
        "emu.jpg": encoded(tile(3), "JPEG"),
        ".hidden.png": encoded(tile(4)),
        "notes.png": TEXT,
        "twin.png": encoded(tile(1, size_px=64)),
        "torn.png": encoded(tile(5))[:-30],
    }
    path = fill(tmp_path / "pets", files) if kind == "folder" else zipped(tmp_path / "pets.zip", files)
    pack = load_pack(path)
    assert pack.name == "pets"
    assert [picture.name for picture in pack.pictures] == ["cat", "dog", "emu"]
    assert [one.name for one in pack.skipped] == ["notes.png", "torn.png", "twin.png"]
    reasons = " ".join(one.reason for one in pack.skipped)
    for words in ("is a text file", "is a damaged PNG", "'twin.png' looks the same as 'cat'"):
        assert words in reasons


def test_subfolders_of_a_folder_are_not_read(tmp_path: Path) -> None:
    """A folder inside a pack is named among the skipped; a zip's folders are read."""
    folder = fill(tmp_path / "pack", tiles(3))
    fill(folder / "more", {"x.png": encoded(tile(9))})
    pack = load_pack(folder)
    assert len(pack.pictures) == 3
    assert "'more' is a folder" in pack.skipped[0].reason
    path = zipped(tmp_path / "p.zip", {f"set/{name}": data for name, data in tiles(3).items()} | {"000.png": TEXT})
    assert [picture.name for picture in load_pack(path).pictures] == ["000", "001", "002"]


def test_more_than_120_keep_the_first(tmp_path: Path) -> None:
    """The 121st different picture and all after it are not even read; one line says so."""
    files = tiles(MAX_PICTURES + 5) | {"999.png": TEXT}
    seen: list[tuple[int, int]] = []
    pack = load_pack(
        zipped(tmp_path / "p.zip", files), report=lambda done, total, preview=None: seen.append((done, total))
    )
    assert [picture.name for picture in pack.pictures] == [f"{number:03}" for number in range(MAX_PICTURES)]
    assert [one.name for one in pack.skipped] == ["6 more"]
    assert "120 different pictures at most" in pack.skipped[0].reason
    assert seen[-1] == (120, 126)


def test_large_pictures_are_shrunk(tmp_path: Path) -> None:
    """A pack never holds more than it can be trained with."""
    files = tiles(3) | {"large.png": encoded(tile(7, size_px=1500))}
    assert max(picture.image.width for picture in load_pack(fill(tmp_path / "p", files)).pictures) == PACK_SIDE_PX


def test_names_that_meet_are_numbered(tmp_path: Path) -> None:
    """Stems that differ in folder, suffix or case only get numbers of their own."""
    files = {"a/Cat.png": encoded(tile(1)), "b/cat.png": encoded(tile(2)), "cat.webp": encoded(tile(3), "WEBP")}
    assert [one.name for one in load_pack(zipped(tmp_path / "p.zip", files)).pictures] == ["Cat", "cat-2", "cat-3"]


def test_stopping(tmp_path: Path) -> None:
    """``should_stop`` is asked before every file."""
    asked: list[bool] = []

    def stop() -> bool:
        asked.append(len(asked) == 2)
        return asked[-1]

    with pytest.raises(Stopped):
        load_pack(fill(tmp_path / "p", tiles(5)), should_stop=stop)
    assert asked == [False, False, True]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "has 0 of the 3 to 120 different pictures that a pack needs; add 3 more"),
        (tiles(2), "has 2 of the 3 to 120 different pictures that a pack needs; add 1 more"),
        (tiles(2) | {"z.png": TEXT}, "add 1 more. Left out: 'z.png' is a text file"),
        (tiles(1) | {"y.png": encoded(tile(0))}, "add 2 more. Left out: 'y.png' looks the same as '000'"),
        ({f"{number}.png": TEXT for number in range(9)}, "; and 4 more"),
    ],
)
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_too_few(files: dict[str, bytes], words: str, kind: str, tmp_path: Path) -> None:
    """What was found, what is needed, and why others do not count."""
    path = fill(tmp_path / "p", files) if kind == "folder" else zipped(tmp_path / "p.zip", files)
    with pytest.raises(PackSize, match=re.escape(words)) as caught:
        load_pack(path)
    assert repr(str(path)) in str(caught.value)


def test_no_pack(tmp_path: Path) -> None:
    """A missing path, a picture and a text are not packs, and are told apart."""
    with pytest.raises(BadInput, match=r"there is no folder or zip '.*none'"):
        load_pack(tmp_path / "none")
    fill(tmp_path, {"a.png": encoded(tile(1)), "b.zip": TEXT})
    with pytest.raises(BadInput, match=r"a\.png' is a PNG picture; a pack is a folder or a zip"):
        load_pack(tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"b\.zip' is a text file; a pack is a folder or a zip"):
        load_pack(tmp_path / "b.zip")


def test_an_unsafe_zip_is_refused_as_a_whole(tmp_path: Path) -> None:
    """Three good pictures do not save an archive that points outside; nothing is written anywhere."""
    path = zipped(tmp_path / "p.zip", tiles(3) | {"../evil.png": encoded(tile(9))})
    with pytest.raises(BadArchive, match="points outside"):
        load_pack(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_nested_zip_and_a_forged_picture_are_skipped(tmp_path: Path) -> None:
    """A zip in a zip is no picture, and a forged header costs its own entry only."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 6, 0, 0, 0)
    forged = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    inner = zipped(tmp_path / "inner.zip", tiles(2)).read_bytes()
    pack = load_pack(zipped(tmp_path / "p.zip", tiles(3) | {"inner.zip": inner, "forged.png": forged}))
    assert len(pack.pictures) == 3
    assert [one.reason.split(";")[0] for one in pack.skipped] == [
        "'forged.png' is 30000 x 30000 px",
        "'inner.zip' is a zip archive, not a PNG, WEBP, JPEG or GIF picture nor a TGS or WEBM sticker",
    ]


def test_photos(tmp_path: Path) -> None:
    """A bad photo among good ones is skipped; the same photo twice is two photos with two names."""
    folder = fill(tmp_path / "in", {"a.png": encoded(tile(1)), "b.png": TEXT})
    photos, skipped = load_photos([folder / "a.png", folder / "b.png", folder / "none.png", str(folder / "a.png")])
    assert [photo.name for photo in photos] == ["a", "a-2"]
    assert photos[0].sha256 == photos[1].sha256
    assert [one.name for one in skipped] == ["b.png", "none.png"]
    assert "there is no file" in skipped[1].reason


def test_photos_keep_their_size_when_asked(tmp_path: Path) -> None:
    """A mask in the photo's own size needs the photo in its own size."""
    path = fill(tmp_path / "in", {"a.png": encoded(Image.new("RGB", (3000, 40)))}) / "a.png"
    assert load_photos([path])[0][0].image.width == 2048
    assert load_photos([path], max_side_px=None)[0][0].image.size == (3000, 40)


def test_no_photo_can_be_used(tmp_path: Path) -> None:
    """All bad: each is named; none given: that is said."""
    fill(tmp_path, {f"{number}.png": TEXT for number in range(7)})
    with pytest.raises(BadInput, match="none of the 7 photos can be used") as caught:
        load_photos([tmp_path / f"{number}.png" for number in range(7)])
    assert all(f"{number}.png' is a text file" in str(caught.value) for number in range(7))
    with pytest.raises(BadInput, match="no photo was given"):
        load_photos([])


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("Кот в сапогах 🐱", "Кот в сапогах 🐱"),
        ("a/b\\c", "a_b_c"),
        ("..", "picture"),
        ("...hidden", "hidden"),
        ("", "picture"),
        ("CON", "CON_"),
        ("nul.tar", "nul.tar_"),
        ("tab\tnew\nline\0", "tab_new_line_"),
        ('what? <yes>: *|"', "what_ _yes__ ___"),
        ("cafe\u0301", "café"),
        ("\udcff", "_"),
        ("trailing. . ", "trailing"),
    ],
)
def test_safe_names(stem: str, name: str) -> None:
    """Alphabets and emoji stay; what any system refuses goes."""
    assert safe_name(stem) == name


@given(st.text(alphabet=st.characters(), max_size=200))
def test_safe_names_of_anything(stem: str) -> None:
    """For any text at all: not empty, no separator, not hidden, short, encodable, stable."""
    name = safe_name(stem)
    assert name
    assert not set(name) & set('/\\<>:"|?*\0\n')
    assert not name.startswith((".", " "))
    assert not name.endswith((".", " "))
    assert len(name.encode("utf-8")) <= MAX_NAME_BYTES + 1
    assert safe_name(name) == name or len(name.encode("utf-8")) > MAX_NAME_BYTES
    assert unicodedata.is_normalized("NFC", name)


def test_unique_name() -> None:
    """The first free number, compared without case."""
    assert unique_name("Cat", set()) == "Cat"
    assert unique_name("Cat", {"cat", "cat-2"}) == "Cat-3"
