"""CLIP's image tower taught further: the font's drawings, harder pictures, words that stay as they were."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ImageFont
from safetensors.torch import load_file
from transformers import CLIPTokenizer

from pipeline.towers import ResidualClip
from scripts.embedded import art, clip, eyes, glyphs, pictures, sight
from scripts.embedded.loop import Schedule
from scripts.embedded.words import clip_tokenizer
from tests.tiny_art import drawings

CODES = {"23": "number sign", "2a": "asterisk", "41": "letter a", "1f600": "grinning face", "1f1e6-1f1ff": "some flag"}


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def font(tmp_path: Path) -> Path:
    """Where npm would have put the font: Pillow's own in its place, which has "#" and "A" and no emoji."""
    package = tmp_path / "font" / "node_modules" / glyphs.PACKAGE
    (package / "files").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": glyphs.VERSION}), encoding="utf-8")
    (package / "unicode.json").write_text(json.dumps({"[2]": "U+23,U+41-42,U+1f600", "latin": "U+2a"}))
    found = ImageFont.load_default(40)
    for weight in glyphs.WEIGHTS:
        (package / "files" / f"noto-emoji-2-{weight}-normal.woff").write_bytes(found.path.getvalue())  # type: ignore
    return tmp_path / "font"


def test_the_font_draws_what_it_has_of_the_things_in_every_weight(font: Path) -> None:
    found = glyphs.glyphs(CODES, font)
    assert sorted(found.codes) == sorted(["23", "41"] * len(glyphs.WEIGHTS))  # no emoji, no flag, no foreign range
    assert set(zip(found.codes, found.names, strict=True)) == {("23", "number sign"), ("41", "letter a")}
    assert found.rgba.shape == (len(found), 4, 64, 64)
    ink = (found.rgba[:, :3].float().mean(dim=1) < 64) & (found.rgba[:, 3] > 200)
    paper = (found.rgba[:, :3].float().mean(dim=1) > 240) & (found.rgba[:, 3] > 200)
    assert (ink.float().mean(dim=(1, 2)) > 0.02).all()
    assert (paper.float().mean(dim=(1, 2)) > 0.005).all()  # lines enclose white
    assert (found.rgba[:, 3, 0] == 0).all()  # a margin


def test_ranges_of_code_points_are_read() -> None:
    assert glyphs.points_of("U+23,U+1f468-1f46a, u+A9") == {"23", "1f468", "1f469", "1f46a", "a9"}


def test_a_sketch_has_light_paper_dark_edges_and_a_line_more() -> None:
    rgba = drawings(32).rgba.float() / 255
    found = pictures.sketched(rgba, generator(), share=1.0)
    middle, rim = found[:, :3, 16, 16].mean(dim=1), found[:, :3, 16, 8].mean(dim=1)
    assert (middle > rim + 0.1).all()
    assert (found[:, 3, 16, 7] > 0.5).all()  # a pixel further out
    assert torch.equal(pictures.sketched(rgba, generator(), share=0.0), rgba)


def test_bending_moves_things_and_keeps_most_of_them() -> None:
    rgba = drawings(64).rgba.float() / 255
    found = pictures.bent(rgba, generator())
    area, before = found[:, 3].sum(dim=(1, 2)), rgba[:, 3].sum(dim=(1, 2))
    assert ((area / before > 0.5) & (area / before < 1.7)).all()
    assert (found - rgba).abs().mean() > 0.01


def test_glass_darkens_and_greys_are_grey() -> None:
    rgb = torch.rand(400, 3, 4, 4, generator=generator())
    found = pictures.tinted(rgb, generator(), share=1.0)
    assert (found <= rgb.amax(dim=1, keepdim=True) + 1e-6).all()
    even = pictures.tinted(rgb, generator(), share=0.0)
    grey = (even.amax(dim=1) - even.amin(dim=1)).amax(dim=(1, 2)) < 1e-6
    assert 0.03 < grey.float().mean() < 0.2
    assert torch.equal(even[~grey], rgb[~grey])


def test_pictures_come_at_every_side() -> None:
    sides = {sight.batch(drawings(), torch.rand(1, 3, 256, 256), 2, generator(i))[1].shape[-1] for i in range(40)}
    assert sides == set(sight.SIDES_PX)


def test_the_eyes_learn_where_the_words_lie_and_the_words_stay(
    tmp_path: Path, font: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few steps bring drawings nearer to their names; the text tower's weights are bit by bit as before."""
    monkeypatch.setattr(sight, "SCHEDULE", Schedule(samples=1600, batch_size=16, learning_rate=2e-3))
    red, other = drawings(4, side_px=128), drawings(4, side_px=128)
    red.rgba[:, :, 8:120, 50:78] = red.rgba[:, :, 9:10, 9:10]  # an upright bar, and a lying one
    other.rgba[:, :, 50:78, 8:120] = other.rgba[:, :, 9:10, 9:10]
    taught = pictures.Art(
        rgba=torch.cat([red.rgba, other.rgba]),
        names=["number sign"] * 4 + ["letter a"] * 4,
        styles=["plain"] * 8,
        codes=["23"] * 4 + ["41"] * 4,
    )
    torch.manual_seed(0)
    tokenizer = clip_tokenizer(list(CODES.values()))
    out = tmp_path / "out"
    tokenizer.save_pretrained(out / "tokenizer")
    fresh = clip.build(tokenizer)
    fresh.text_model.embeddings.token_embedding.weight.data *= 50  # or all words lie in one place, untaught
    fresh.half().save_pretrained(out / clip.FOLDER)
    before, told = load_file(out / clip.FOLDER / "model.safetensors"), told_apart(out, tokenizer, taught)
    held_out = art.Gallery(
        style="openmoji",
        names=["number sign", "letter a", *"bcdef"],
        codes=["23", "41", "42", "43", "44", "45", "46"],
        rgba=taught.rgba[[0, 4, 1, 1, 1, 1, 1]].permute(0, 2, 3, 1).numpy(),
        held_out=np.zeros(7, dtype=bool),
    )
    (tmp_path / "work").mkdir()
    font.rename(tmp_path / "work" / "font")
    figures = sight.train(taught, held_out, tmp_path / "work", out, None)
    assert figures["samples"] == 1600
    after = load_file(out / clip.FOLDER / "model.safetensors")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith(("vision_model.", "visual_projection.")) for name in changed)
    assert told_apart(out, tokenizer, taught) > told + 0.1


def told_apart(out: Path, tokenizer: CLIPTokenizer, taught: pictures.Art) -> float:
    """How much nearer the first drawing of either thing lies to its own name than to the other's."""
    model = ResidualClip.from_pretrained(out / clip.FOLDER).float().eval()
    rgba = taught.rgba[[0, 4]].float() / 255
    seen = eyes.small(pictures.over(rgba, torch.ones(1, 3, 1, 1)) * 2 - 1)
    with torch.no_grad():
        words = sight.directions_of(model, tokenizer, ["number sign", "letter a"])
        cosines = sight.Sight(model).eval()(seen) @ words.T
    return float(cosines.diagonal().mean() - cosines.flip(1).diagonal().mean())
