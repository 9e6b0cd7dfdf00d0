"""Bad pictures, packs and styles at the command line: one clear sentence, exit code 2, and nothing is lost."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.card import ADAPTER
from tests.end_to_end.bad_files import BAD_PACKS, BAD_PHOTOS, long_gif, truncated
from tests.end_to_end.desk import assert_refused, kept, refused

ROOT = Path(__file__).resolve().parent.parent.parent
CARD = {
    "profile": "tiny", "base_fingerprint": "0", "method": "lora", "token": "sks", "template": "{caption}",
    "pack": "p", "picture_count": 3, "steps": 1, "seed": 0, "seconds": 1.0, "first_loss": 1.0, "last_loss": 1.0,
}  # fmt: skip


@pytest.fixture
def style(desk):
    """Writes a style: its card, and its weights."""

    def write(card, weights=None):
        folder = desk.tmp / "style"
        folder.mkdir()
        (folder / "style.json").write_text(json.dumps(card))
        if weights is not None:
            (folder / ADAPTER).write_bytes(weights)
        return folder

    return write


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


def test_a_style_of_another_profile(desk, style):
    """Told by both names, and before any model is loaded."""
    sentence = "learned with profile 'sd15'.*'tiny'"
    words = ["--style", style(CARD | {"profile": "sd15"}), "--out", desk.out, *desk.profile]
    refused(desk, "generate", *desk.photos, *words, sentence=sentence)


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (None, "has no weights; learn it again"),
        (b"", rf"{ADAPTER}' is damaged .*; learn the style again"),
        (b"\x40\0\0\0\0\0\0\0{", rf"{ADAPTER}' is damaged \(no safetensors file, or cut short \(9 bytes\)\); learn"),
    ],
)
def test_a_style_whose_weights_are_gone_or_cut(desk, style, weights, sentence):
    words = ["--style", style(CARD, weights), "--out", desk.out, *desk.profile]
    refused(desk, "generate", *desk.photos, *words, sentence=sentence)


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
