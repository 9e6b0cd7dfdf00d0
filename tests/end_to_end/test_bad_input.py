"""Bad input at the command line: one clear sentence, exit code 2, no traceback, and nothing is lost."""

import errno
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import types
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from pipeline import store
from scripts.cli import app
from tests.tiny_profile import write_pack, write_photos

ROOT = Path(__file__).resolve().parent.parent.parent


def png_header(width, height):
    """A PNG that says it is so large, and has next to no pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(9))),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def sparse(path, size_bytes):
    """A file of that size which takes no room on the disk."""
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(size_bytes)


def truncated(path):
    Image.effect_noise((80, 80), 90).save(path)
    path.write_bytes(path.read_bytes()[:900])


BAD_PHOTOS = {
    "a text named .png": (lambda path: path.write_text("hello"), "not a PNG, WEBP, JPEG or GIF"),
    "a truncated PNG": (truncated, "damaged PNG"),
    "a header of 30000 x 30000": (lambda path: path.write_bytes(png_header(30_000, 30_000)), "30000 x 30000 px"),
    "a file of 200 MB": (lambda path: sparse(path, 200_000_000), r"200\.0 MB; a picture file may have"),
    "1 x 1": (lambda path: Image.new("RGB", (1, 1)).save(path), "1 x 1 px; each side needs"),
    "fully transparent": (lambda path: Image.new("RGBA", (64, 64)).save(path), "fully transparent"),
    "an empty file": (lambda path: path.write_bytes(b""), "bad.png"),
    "a folder": (lambda path: path.mkdir(), "is a folder"),
}


def zip_of(path, entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def folder_of(path, count):
    """A folder of ``count`` pictures."""
    path.mkdir()
    for picture in sorted(write_pack(path.parent / "source", 3).iterdir())[:count]:
        shutil.move(picture, path)
    return path


def texts(path):
    path.mkdir()
    for number in range(4):
        (path / f"{number}.png").write_text("hello")
    return path


BAD_PACKS = {
    "an empty folder": (lambda tmp: folder_of(tmp / "bad", 0), r"has 0 of the 3 to 120 .*; add 3 more"),
    "2 images": (lambda tmp: folder_of(tmp / "bad", 2), r"has 2 of the 3 to 120 .*; add 1 more"),
    "texts named .png": (lambda tmp: texts(tmp / "bad"), r"has 0 of .*'0\.png' is .*not a PNG"),
    "a zip bomb": (lambda tmp: zip_of(tmp / "bad.zip", {"a.png": bytes(60_000_000)}), r"'a\.png' that unpacks from"),
    "a zip with ../": (
        lambda tmp: zip_of(tmp / "bad.zip", {"../../a.png": b"x"}),
        r"'\.\./\.\./a\.png' that points outside",
    ),
    "a photo": (lambda tmp: write_photos(tmp / "bad", 1)[0], "a pack is a folder or a zip"),
    "no such path": (lambda tmp: tmp / "bad", "there is no"),
}


@pytest.fixture
def desk(tmp_path, tiny_toml):
    """A good pack, good photos, results of an earlier job, and the command line in this process."""
    out = tmp_path / "out"
    (out / "stickers").mkdir(parents=True)
    (out / "stickers" / "old.png").write_bytes(b"an earlier sticker")
    (out / "report.json").write_text("{}")
    (out / "mine.txt").write_text("notes")
    profile = ["--profile", tiny_toml]

    def stickers(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    pack, photos = write_pack(tmp_path / "pack"), write_photos(tmp_path / "photos")
    return types.SimpleNamespace(tmp=tmp_path, out=out, pack=pack, photos=photos, profile=profile, stickers=stickers)


def kept(folder):
    """Everything in the folder, but for the large file that is nothing."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000)
    return {path: path.read_bytes() for path in files}


def refused(desk, *words, sentence=""):
    """Run; assert the rules of this file."""
    before = kept(desk.tmp)
    done = desk.stickers(*words)
    assert_refused(done.exit_code, done.stderr, sentence)
    after = kept(desk.tmp)
    assert {path: after.get(path) for path in before} == before  # nothing is lost
    return done


def assert_refused(exit_code, stderr, sentence):
    """Exit code 2; the error is one line, the last; the lines before it tell of progress."""
    lines = stderr.splitlines()
    assert exit_code == 2, stderr
    assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True], stderr
    assert "Traceback" not in stderr
    assert re.search(sentence, lines[-1]), lines[-1]


@pytest.mark.parametrize("case", BAD_PACKS)
def test_a_bad_pack(desk, case):
    make, sentence = BAD_PACKS[case]
    refused(desk, "make", make(desk.tmp), *desk.photos, "--out", desk.out, *desk.profile, sentence=sentence)


@pytest.mark.parametrize("case", BAD_PHOTOS)
def test_a_bad_photo(desk, case):
    """The only one: there is nothing to draw."""
    write, sentence = BAD_PHOTOS[case]
    write(desk.tmp / "bad.png")
    refused(desk, "make", desk.pack, desk.tmp / "bad.png", "--out", desk.out, *desk.profile, sentence=sentence)


def test_one_bad_photo_among_good_ones_is_skipped_and_told(desk):
    """And uncommon but good ones are taken: CMYK, 16 bit, a palette with alpha, an animation of 10 000 frames."""
    mode = desk.tmp / "photos"
    Image.new("CMYK", (40, 40), (0, 200, 200, 0)).save(mode / "cmyk.jpg")
    Image.fromarray(np.full((40, 40), 40_000, dtype=np.uint16)).save(mode / "deep.png")
    palette = Image.new("P", (40, 40))
    palette.putpalette([255, 0, 0, 0, 0, 255])
    palette.paste(1, (5, 5, 30, 30))
    palette.save(mode / "palette.png", transparency=0)
    (mode / "long.gif").write_bytes(long_gif(10_000))
    truncated(mode / "broken.png")
    names = ["cmyk.jpg", "deep.png", "palette.png", "long.gif", "broken.png"]
    done = desk.stickers("caption", *(mode / name for name in names), "--json", *desk.profile)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told["captions"]) == ["cmyk", "deep", "palette", "long"]
    assert [entry["name"] for entry in told["skipped"]] == ["broken.png"]
    assert "skipped broken.png: " in done.stderr


def long_gif(frames):
    """A GIF of 16 x 16 whose every frame is one colour: clear, 2 pixels, clear, 2 pixels ..., end (3 bits each)."""
    codes = "".join(reversed([code for _ in range(128) for code in ("100", "000", "000")]))
    packed = int("101" + codes, 2).to_bytes((len(codes) + 3 + 7) // 8, "little")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 16, 16, 0) + b"\x02" + bytes([len(packed)]) + packed + b"\0"
    return b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + bytes([255, 0, 0, 0, 0, 255]) + frame * frames + b";"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--profile", "sd99"], "unknown profile 'sd99'; there are embedded"),
        (["--method", "magic"], "unknown method 'magic'; choose one of lora, dreambooth"),
        (["--strength", "2"], "strength = 2.0: must be between"),
        (["--prompt", "{hat}"], "'{hat}' may use {caption} and {token}"),
        (["--hat"], "No such option"),
    ],
)
def test_a_wrong_word(desk, words, sentence):
    profile = [] if words[0] == "--profile" else desk.profile
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *profile, *words, sentence=sentence)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("rank = 2", "rank = 2\nstepz = 3", "own.toml: train.stepz = 3: unknown key"),
        ("rank = 2", "rank = 0", r"own.toml: train\.rank = 0: "),
        ("[train]", "[train", "own.toml: not valid TOML"),
        ('family = "sd"', "", "own.toml: family: "),
    ],
)
def test_a_wrong_profile_is_told_by_the_path_of_its_key(desk, tiny_toml, old, new, sentence):
    own = desk.tmp / "own.toml"
    own.write_text(tiny_toml.read_text().replace(old, new, 1))
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, "--profile", own, sentence=sentence)


def test_models_that_are_not_there(desk, tiny_toml):
    """Told before a minute of work; the missing file is named."""
    own = desk.tmp / "own.toml"
    own.write_text(tiny_toml.read_text())
    sentence = "profile 'own': the base model .* lacks .*json"
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, "--profile", own, sentence=sentence)


def test_a_file_in_place_of_the_output_folder(desk):
    for place in (desk.out / "mine.txt", desk.out / "mine.txt" / "below"):
        refused(
            desk,
            "make",
            desk.pack,
            *desk.photos,
            "--out",
            place,
            *desk.profile,
            sentence="a file where a folder should be",
        )


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission(desk):
    desk.out.chmod(0o500)
    try:
        refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="no permission")
    finally:
        desk.out.chmod(0o700)


def test_a_nearly_full_disk_is_told_before_the_work(desk, monkeypatch):
    monkeypatch.setattr(store.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=3_000_000))
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="3 MB free of the 50 MB")


def test_a_disk_that_is_full(desk, monkeypatch):
    """Every write of the disk fails, as the last of them would."""

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(store.os, "fsync", full)
    refused(desk, "make", desk.pack, *desk.photos, "--out", desk.out, *desk.profile, sentence="the disk is full")


def test_results_among_the_inputs(desk):
    """A sticker of cat.png would replace cat.png."""
    place = desk.photos[0].parent
    refused(desk, "cutout", *desk.photos, "--out", place, *desk.profile, sentence="choose another folder")


@pytest.mark.parametrize(
    ("card", "sentence"),
    [
        (None, "is no style"),
        ("{}", "is no style's card"),
        ("[]", "is no style's card"),
        ("{", "is no style's card"),
        ('{"profile": "sd15", "method": "lora"}', "is no style's card"),
    ],
)
def test_what_is_no_style(desk, card, sentence):
    style = desk.tmp / "style"
    style.mkdir()
    if card is not None:
        (style / "style.json").write_text(card)
    refused(desk, "generate", *desk.photos, "--style", style, "--out", desk.out, *desk.profile, sentence=sentence)


def test_a_style_of_another_profile(desk):
    """Told by both names, and before any model is loaded."""
    card = {
        "profile": "sd15", "base_fingerprint": "0", "method": "lora", "token": "sks", "template": "{caption}",
        "pack": "p", "picture_count": 3, "steps": 1, "seed": 0, "seconds": 1.0, "first_loss": 1.0, "last_loss": 1.0,
    }  # fmt: skip
    style = desk.tmp / "style"
    style.mkdir()
    (style / "style.json").write_text(json.dumps(card))
    sentence = "learned with profile 'sd15'.*'tiny'"
    refused(desk, "generate", *desk.photos, "--style", style, "--out", desk.out, *desk.profile, sentence=sentence)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["make", "pack", "photos/photo0.png", "--out", "out", "--profile", "sd99"], "unknown profile 'sd99'"),
        (["make", "empty", "photos/photo0.png", "--out", "out", "--profile", "{toml}"], "has 0 of the 3 to 120"),
    ],
)
def test_a_real_process_says_the_same(desk, tiny_toml, words, sentence):
    (desk.tmp / "empty").mkdir()
    before = kept(desk.tmp)
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cli", *(word.format(toml=tiny_toml) for word in words)],
        cwd=desk.tmp,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert_refused(done.returncode, done.stderr, sentence)
    assert done.stdout == ""
    assert before.items() <= kept(desk.tmp).items()
