"""What is written is what is read; fingerprints; when a stage's folder is complete."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest
from PIL import Image

from pipeline import store
from pipeline.errors import BadInput


class Colour(StrEnum):
    RED = "red"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    steps: int = 3
    where: Path = Path("a/b")
    colour: Colour = Colour.RED


def test_bytes_json_and_image(tmp_path: Path) -> None:
    """What is written is what is read, in folders made on the way, and nothing else is left there."""
    store.write_bytes(tmp_path / "new/folder/a.bin", b"abc")
    store.write_json(tmp_path / "b.json", {"caption": "кот", "config": Config(), "raw": "\udc80"})
    picture = Image.effect_noise((20, 30), 60).convert("RGBA")
    for name in ("c.png", "d.webp"):
        store.write_image(tmp_path / name, picture)
        assert Image.open(tmp_path / name).convert("RGBA").tobytes() == picture.tobytes()
    assert (tmp_path / "new/folder/a.bin").read_bytes() == b"abc"
    assert "кот" in (tmp_path / "b.json").read_text("utf-8")
    expected = {"caption": "кот", "config": {"steps": 3, "where": "a/b", "colour": "red"}, "raw": "\udc80"}
    assert store.read_json(tmp_path / "b.json") == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.json", "c.png", "d.webp", "new"]


def test_an_unknown_suffix(tmp_path: Path) -> None:
    """A picture in a format nobody asked for is a mistake of the caller."""
    with pytest.raises(ValueError, match=r"'\.bmp' is none of \.png, \.webp, \.jpg"):
        store.write_image(tmp_path / "a.bmp", Image.new("RGB", (2, 2)))


def test_begin_sweeps_what_our_own_writer_left_and_nothing_else(tmp_path: Path) -> None:
    """A person's hidden files are theirs, whatever they end in; so is a folder."""
    mine = [".notes.tmp", ".0123456789abcdef.tmp.txt", "0123456789abcdef.tmp", ".0123456789ABCDEF.tmp"]
    for name in (*mine, f".{'0a' * 8}.tmp"):
        (tmp_path / name).touch()
    (tmp_path / f".{'1b' * 8}.tmp").mkdir()
    (tmp_path / ".cache.tmp").mkdir()
    store.begin(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*mine, ".cache.tmp", f".{'1b' * 8}.tmp"}


def test_fingerprint() -> None:
    """Stable: order of keys does not matter, any value does; the digits themselves are pinned."""
    assert store.fingerprint({"a": 1, "b": [2.5, "ж"]}) == store.fingerprint({"b": [2.5, "ж"], "a": 1})
    assert store.fingerprint({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert store.fingerprint(Config()) == store.fingerprint({"steps": 3, "where": "a/b", "colour": "red"})
    values = [Config(), Config(steps=4), Config(where=Path("c")), [1], [1.0], ["1"], [None], [True], [[1]]]
    assert len({store.fingerprint(value) for value in values}) == len(values)


@pytest.mark.parametrize(("value", "error"), [(math.nan, ValueError), (object(), TypeError), (Config, TypeError)])
def test_fingerprint_refuses(value: object, error: type[Exception]) -> None:
    """What has no stable JSON has no fingerprint."""
    with pytest.raises(error):
        store.fingerprint({"x": value})


def finished(folder: Path) -> str:
    store.begin(folder)
    store.write_bytes(folder / "deep/weights.bin", b"12345")
    (folder / "by_another_library.txt").write_text("x")
    store.complete(folder, Config())
    return store.fingerprint(Config())


def test_a_stage_is_complete_only_after_complete(tmp_path: Path) -> None:
    """Not before, not with another config, not once begun again; the card carries the config."""
    folder = tmp_path / "style"
    digits = store.fingerprint(Config())
    assert not store.is_complete(folder, digits)
    store.begin(folder)
    store.write_bytes(folder / "checkpoint.bin", b"1")
    assert not store.is_complete(folder, digits)
    store.complete(folder, Config())
    assert store.is_complete(folder, digits)
    assert not store.is_complete(folder, store.fingerprint(Config(steps=4)))
    assert store.read_json(folder / store.ARTEFACT)["config"] == {"steps": 3, "where": "a/b", "colour": "red"}
    store.begin(folder)
    assert not store.is_complete(folder, digits)
    assert (folder / "checkpoint.bin").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "deep/weights.bin").unlink(),
        lambda folder: (folder / "deep/weights.bin").write_bytes(b"123"),
        lambda folder: (folder / store.ARTEFACT).write_text("{"),
        lambda folder: (folder / store.ARTEFACT).write_text("[]"),
        lambda folder: (folder / store.ARTEFACT).write_bytes(b"\xff"),
    ],
    ids=["gone", "cut", "half a card", "a list", "not text"],
)
def test_a_damaged_stage_is_not_complete(damage: Callable[[Path], object], tmp_path: Path) -> None:
    """A file that is gone or cut, or a broken card, makes the stage run again; a file more does not."""
    digits = finished(tmp_path)
    (tmp_path / "extra.txt").write_text("x")
    assert store.is_complete(tmp_path, digits)
    damage(tmp_path)
    assert not store.is_complete(tmp_path, digits)


@pytest.mark.parametrize(
    ("data", "words"), [(None, "there is no file"), (b"{", "is not JSON"), (b"\xff\xfe", "is not JSON")]
)
def test_json_that_cannot_be_read(data: bytes | None, words: str, tmp_path: Path) -> None:
    """Missing and broken are told apart, with the path."""
    path = tmp_path / "a.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=words) as caught:
        store.read_json(path)
    assert repr(str(path)) in str(caught.value)
