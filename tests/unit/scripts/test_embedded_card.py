"""The card of the embedded models: what it tells can be read back, and every source is on it."""

from __future__ import annotations

from pathlib import Path

from scripts.embedded import card, glyphs, photographs
from scripts.embedded.art import TRAINING_SETS

FIGURES = {
    "vae": {"samples": 144_000.0, "psnr_db": 23.0},
    "clip": {"samples": 100_000.0, "loss": 0.21, "top_1_learned_names": 0.42},
    "segformer": {"samples": 305_008.0, "loss": 0.158, "iou_plain": 0.951},
    "eyes": {"top_1": 0.51, "top_5": 0.73},
}


def test_figures_are_read_back_from_the_card(tmp_path: Path) -> None:
    card.write_card(tmp_path, FIGURES)
    assert card.figures_on(tmp_path / "README.md") == FIGURES
    assert card.figures_on(tmp_path / "nothing.md") == {}


def test_clip_s_own_figures_give_way_to_those_of_its_eyes_of_today(tmp_path: Path) -> None:
    card.write_card(tmp_path, FIGURES | {"sight": {"samples": 1000.0, "top_1_learned_names": 0.5}})
    found = card.figures_on(tmp_path / "README.md")
    assert found["sight"]["top_1_learned_names"] == 0.5
    assert found["clip"] == {"samples": 100_000.0, "loss": 0.21}


def test_every_source_is_on_the_card_and_in_the_licence(tmp_path: Path) -> None:
    card.write_card(tmp_path, FIGURES)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    packages = [art.package for art in TRAINING_SETS] + [photographs.PANORAMA_PACKAGE, glyphs.PACKAGE]
    names = [*photographs.PHOTOGRAPHS, *photographs.OLD_PHOTOGRAPHS, *photographs.PANORAMAS]
    assert [source for source in [*packages, *names] if source not in text] == []
    licence = Path("configs/embedded/LICENSE.md").read_text(encoding="utf-8")
    assert photographs.PANORAMA_PACKAGE in licence
    assert glyphs.PACKAGE in licence
