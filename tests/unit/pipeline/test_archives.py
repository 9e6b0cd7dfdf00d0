"""What a zip may contain, and what it is refused for."""

from __future__ import annotations

import re
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import archives
from pipeline.archives import Fault, UnusableEntry, open_archive
from pipeline.errors import ArchiveTooLarge, BadArchive


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def test_names_and_bytes(tmp_path: Path) -> None:
    """Entries come sorted, from all folders, without what systems leave behind."""
    entries = {"b.png": b"B", "in/a.png": b"A", "__MACOSX/b.png": b"x", "in/.DS_Store": b"x", "Thumbs.db": b"x"}
    with open_archive(zipped(tmp_path / "p.zip", entries)) as archive:
        assert archive.names() == ["b.png", "in/a.png"]
        assert [archive.read(name) for name in archive.names()] == [b"B", b"A"]
    with open_archive((tmp_path / "p.zip").read_bytes()) as archive:
        assert {name: archive.read(name) for name in archive.names()} == {"b.png": b"B", "in/a.png": b"A"}


def test_utf8_names_without_the_flag(tmp_path: Path) -> None:
    """A name written as UTF-8 without saying so, as macOS does, is read as it was meant."""
    path = zipped(tmp_path / "p.zip", {"Кот.png": b"A"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", struct.unpack("<H", data[at : at + 2])[0] & ~0x800)
    path.write_bytes(data)
    with open_archive(path) as archive:
        assert archive.names() == ["Кот.png"]
        assert archive.read("Кот.png") == b"A"


def bomb(path: Path) -> None:
    zipped(path, {"a.png": bytes(20_000_000)})


def bomb_of_many(path: Path) -> None:
    """Directory of 30 entries that all share one body of 49 MB declared: more than the total together."""
    zipped(path, {"a.png": b"A"})
    data = path.read_bytes()
    start = data.index(b"PK\x01\x02")
    entry = bytearray(data[start : data.index(b"PK\x05\x06")])
    entry[20:28] = struct.pack("<II", 49_000_000, 49_000_000)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 30, 30, 30 * len(entry), start, 0)
    path.write_bytes(data[:start] + bytes(entry) * 30 + end)


def many_entries(path: Path) -> None:
    zipped(path, {f"{index}.png": b"" for index in range(archives.MAX_ENTRIES + 1)})


def huge_directory(path: Path) -> None:
    """A directory of 60 MB, nearly all of it comments."""
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 65_000, 0, 0, 0, 0)
    size = 950 * (len(entry) + 1 + 65_000)
    with path.open("wb") as file:
        file.write(b"PK\x03\x04")
        for _ in range(950):
            file.write(entry + b"a" + bytes(65_000))
        file.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 950, 950, size, 4, 0))


def huge_file(path: Path) -> None:
    zipped(path, {"a.png": b"A"})
    with path.open("r+b") as file:
        file.truncate(600_000_000)


def symlink(path: Path) -> None:
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")


def locked(path: Path) -> None:
    zipped(path, {"a.png": b"A" * 100})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    zipped(path, {"a.png": bytes(range(256)) * 9})
    path.write_bytes(path.read_bytes()[:-30])


def named(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        zipped(path, {"a.png": b"A", name: b"B"})

    return make


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "bomb": (bomb, r"'a\.png' that unpacks from 0\.\d+ MB to 20\.0 MB; at most 100 times"),
    "bomb of many": (bomb_of_many, "unpacks to more than 1000 MB"),
    "many entries": (many_entries, "has 2001 entries; a zip may have 2000 at most"),
    "huge directory": (huge_directory, "its directory is too large"),
    "huge file": (huge_file, r"has 600\.0 MB; a zip may have 500 MB at most"),
    "parent folder": (named("../evil.png"), r"'\.\./evil\.png' that points outside"),
    "parent in the middle": (named("a/../../evil.png"), "points outside"),
    "absolute": (named("/etc/evil.png"), "points outside"),
    "drive": (named("C:/evil.png"), "points outside"),
    "backslashes": (named("..\\evil.png"), "points outside"),
    "symlink": (symlink, "is a symbolic link"),
    "locked": (locked, "is locked with a password"),
    "cut": (cut, "is not a zip that can be read"),
    "not a zip": (lambda path: path.write_bytes(b"PK but no zip") and None, "is not a zip that can be read"),
}


@pytest.mark.parametrize("in_memory", [False, True])
@pytest.mark.parametrize("case", BAD)
def test_refused(case: str, in_memory: bool, tmp_path: Path) -> None:
    """Each bad archive: one sentence with its name and rule, before anything is unpacked or much memory taken."""
    make, words = BAD[case]
    path = tmp_path / "pack.zip"
    make(path)
    source = path.read_bytes() if in_memory else path
    tracemalloc.start()
    try:
        with pytest.raises(BadArchive, match=words) as caught, open_archive(source):
            pytest.fail("opened")
        assert tracemalloc.get_traced_memory()[1] < 15e6
    finally:
        tracemalloc.stop()
    assert repr("the zip" if in_memory else str(path)) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == [path]


def test_a_colon_alone_makes_no_drive(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    named("a: cat.png")(path)
    with open_archive(path) as archive:
        assert sorted(archive.names()) == ["a.png", "a: cat.png"]


@pytest.mark.parametrize("case", ["bomb", "parent folder", "absolute", "drive", "backslashes", "symlink", "locked"])
def test_who_wants_the_rest_has_what_is_unsafe_left_out_by_name(case: str, tmp_path: Path) -> None:
    """None of it can be read any more; what is beside it can."""
    make, _ = BAD[case]
    make(tmp_path / "bad.zip")
    with zipfile.ZipFile(tmp_path / "bad.zip", "a") as archive:
        archive.writestr("good.png", b"good")
    fault, name = {
        "bomb": (Fault.BOMB, "a.png"),
        "symlink": (Fault.LINK, "link.png"),
        "locked": (Fault.LOCKED, "a.png"),
        "absolute": (Fault.OUTSIDE, "/etc/evil.png"),
        "drive": (Fault.OUTSIDE, "C:/evil.png"),
    }.get(case, (Fault.OUTSIDE, "../evil.png"))
    with open_archive(tmp_path / "bad.zip", leave_out=True) as opened:
        assert opened.faults == {name: fault}
        assert name not in opened.names()
        assert opened.read("good.png") == b"good"
        with pytest.raises(KeyError):
            opened.read(name)


@pytest.mark.parametrize("case", ["bomb of many", "many entries", "huge file"])
def test_what_is_too_large_as_a_whole_is_refused_even_so(case: str, tmp_path: Path) -> None:
    make, words = BAD[case]
    make(tmp_path / "bad.zip")
    with pytest.raises(ArchiveTooLarge, match=words), open_archive(tmp_path / "bad.zip", leave_out=True):
        pytest.fail("opened")


def test_a_colon_in_a_name_is_no_drive(tmp_path: Path) -> None:
    with open_archive(zipped(tmp_path / "p.zip", {"1: cat.png": b"A"})) as archive:
        assert archive.read("1: cat.png") == b"A"


def test_a_lying_directory_is_caught_while_unpacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes out is counted: many honest-looking entries cannot add up to more than the total."""
    path = zipped(tmp_path / "p.zip", {f"{index}.png": bytes(400_000) for index in range(5)}, zipfile.ZIP_STORED)
    with open_archive(path) as archive:
        monkeypatch.setattr(archives, "MAX_UNPACKED_MB", 1)
        archive.read("0.png")
        archive.read("1.png")
        with pytest.raises(BadArchive, match="unpacks to more than"):
            archive.read("2.png")


def test_an_entry_over_its_declared_size(tmp_path: Path) -> None:
    """An entry that declares 10 bytes and holds 5 MB is damaged; no more than the declared bytes come out."""
    path = zipped(tmp_path / "p.zip", {"a.png": bytes(5_000_000), "b.png": b"B"})
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    path.write_bytes(data)
    with open_archive(path) as archive:
        with pytest.raises(UnusableEntry, match=r"'a\.png' is damaged inside the zip"):
            archive.read("a.png")
        assert archive.read("b.png") == b"B"


def test_one_damaged_entry_leaves_the_others(tmp_path: Path) -> None:
    """A flipped byte costs its own entry only."""
    path = zipped(tmp_path / "p.zip", {"a.png": b"AAAA", "b.png": b"BBBB"}, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"AAAA", b"AAXA"))
    with open_archive(path) as archive:
        with pytest.raises(UnusableEntry, match=re.escape("'a.png' is damaged inside the zip (Bad CRC-32")):
            archive.read("a.png")
        assert archive.read("b.png") == b"BBBB"


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_uncommon_packing_is_named(method: int, tmp_path: Path) -> None:
    """LZMA could ask for gigabytes before its first byte; it is refused entry by entry."""
    with (
        open_archive(zipped(tmp_path / "p.zip", {"a.png": b"A"}, method)) as archive,
        pytest.raises(UnusableEntry, match=f"'a.png' is packed with method {method}"),
    ):
        archive.read("a.png")


def test_an_entry_larger_than_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry over the limit of one picture is left out before it is unpacked."""
    monkeypatch.setattr(archives, "MAX_ENTRY_MB", 1)
    path = zipped(tmp_path / "p.zip", {"a.png": bytes(1_100_000)}, zipfile.ZIP_STORED)
    words = r"'a\.png' unpacks to 1\.1 MB; at most 1 MB"
    with open_archive(path) as archive, pytest.raises(UnusableEntry, match=words):
        archive.read("a.png")
