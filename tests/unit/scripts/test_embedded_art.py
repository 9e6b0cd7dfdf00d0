"""What the embedded models learn from: the sets, what is held out, and how drawings are varied."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.errors import BadInput
from scripts.embedded import art, npm, pictures
from tests.tiny_art import body, drawings, write, write_art


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_held_out_set_is_not_among_the_teachers() -> None:
    assert art.HELD_OUT_SET.package not in {one.package for one in art.TRAINING_SETS}
    assert all("SA" not in one.licence for one in art.TRAINING_SETS)


def test_a_name_is_held_out_in_every_set_or_in_none_and_one_in_twenty_is() -> None:
    names = [f"thing {number}" for number in range(4000)]
    held = [name for name in names if art.is_held_out(name)]
    assert 0.04 < len(held) / len(names) < 0.06
    assert held == [name for name in names if art.is_held_out(name)]


def test_skin_colour_copies_and_most_flags_are_left_out() -> None:
    flags = [f"flag-{number}" for number in range(600)]
    kept = art.chosen(
        ["waving-hand", "waving-hand-dark-skin-tone", "waving-hand-medium-light", "man-tone3", "light-bulb", *flags]
    )
    assert "waving-hand" in kept
    assert "light-bulb" in kept
    assert not any("tone" in name or "medium" in name for name in kept)
    assert 60 < sum(name.startswith("flag") for name in kept) < 140


def test_a_drawing_is_rendered_with_a_margin_and_its_transparency() -> None:
    collection = {"icons": {"box": {"body": '<rect width="10" height="10" fill="#00f"/>'}}, "width": 10, "height": 10}
    rgba = art.render(art.svg_of(collection, "box"), 100)
    assert rgba.shape == (100, 100, 4)
    assert tuple(rgba[50, 50]) == (0, 0, 255, 255)
    assert rgba[2, 2, 3] == 0
    assert (rgba[..., 3] > 128).mean() == pytest.approx((1 - 2 * art.MARGIN) ** 2, abs=0.02)


def test_a_composite_follows_its_formula() -> None:
    rgba = torch.tensor([0.8, 0.4, 0.0, 0.25]).view(1, 4, 1, 1)
    ground = torch.tensor([0.0, 1.0, 1.0]).view(1, 3, 1, 1)
    assert pictures.over(rgba, ground).flatten().tolist() == pytest.approx([0.2, 0.85, 0.75])


def test_recolouring_exchanges_channels_and_nothing_else() -> None:
    rgb = torch.rand(64, 3, 4, 4, generator=generator())
    changed = pictures.recoloured(rgb, generator(1), share=0.5)
    same = (changed == rgb).flatten(1).all(dim=1)
    assert 0.3 < same.float().mean() < 0.85
    assert torch.equal(changed.sort(dim=1).values, rgb.sort(dim=1).values)


def test_a_name_is_held_out_however_it_is_spelled() -> None:
    assert all(art.is_held_out(f"big thing {i}") == art.is_held_out(f"big-thing-{i}") for i in range(200))


def test_ink_follows_the_edges_and_leaves_the_middle_and_the_far_ground() -> None:
    rgba = drawings(side_px=32).rgba.float() / 255
    inked = pictures.inked(rgba, generator(), share=1.0)
    assert torch.equal(inked[:, :, 12:20, 12:20], rgba[:, :, 12:20, 12:20])
    assert torch.equal(inked[:, 3, :6], rgba[:, 3, :6])
    assert inked[:, :3, 8, 8:24].max() <= 0.3  # dark, along the upper edge
    assert inked[:, 3, 7, 8:24].min() == 1.0  # and one pixel beyond it
    assert torch.equal(pictures.inked(rgba, generator(), share=0.0), rgba)


def test_toning_keeps_the_drawing_and_changes_its_colours() -> None:
    rgb = torch.rand(32, 3, 16, 16, generator=generator())
    toned = pictures.toned(rgb, generator(1))
    assert toned.min() >= 0
    assert toned.max() <= 1
    assert not torch.allclose(toned, rgb, atol=0.05)
    flat = torch.stack([rgb.mean(dim=1).flatten(), toned.mean(dim=1).flatten()])
    assert torch.corrcoef(flat)[0, 1] > 0.7


def test_turning_keeps_a_drawing_inside_its_frame_and_its_area() -> None:
    rgba = drawings().rgba.float() / 255
    still = pictures.turned(rgba, generator(), degrees=0, scale=(1.0, 1.0))
    assert torch.allclose(still, rgba, atol=1e-4)
    half = pictures.turned(rgba, generator(), degrees=20, scale=(0.5, 0.5))
    assert half[:, 3].mean().item() == pytest.approx(rgba[:, 3].mean().item() / 4, rel=0.1)


def test_sets_of_one_colour_teach_what_things_look_like_and_not_how_to_paint() -> None:
    """``coloured`` leaves them out, with all that belongs to their drawings; an unknown style stays."""
    plain = next(one.style for one in art.TRAINING_SETS if not one.coloured)
    mixed = replace(drawings(3), styles=["noto", plain, "mine"], names=["a", "b", "c"], codes=["1", "2", "3"])
    mixed.rgba[2] = 7
    kept = pictures.coloured(mixed)
    assert (kept.styles, kept.names, kept.codes) == (["noto", "mine"], ["a", "c"], ["1", "3"])
    assert torch.equal(kept.rgba, mixed.rgba[[0, 2]])


def test_half_the_size_takes_no_colour_from_transparent_pixels() -> None:
    rgba = torch.zeros(1, 4, 4, 4, dtype=torch.uint8)
    rgba[:, 0] = 200  # red behind all of it, though only the left half is to be seen
    rgba[:, 1, :, 2:] = 90
    rgba[:, 3, :, :2] = 255
    rgba[:, 3, :, 3] = 255
    half = pictures.halved(rgba)
    assert half[0, 3].tolist() == [[255, 128], [255, 128]]
    assert half[0, :3, 0, 0].tolist() == [200, 0, 0]
    assert half[0, :3, 0, 1].tolist() == [200, 90, 0]


@pytest.mark.parametrize(
    "damaged", [b"x\n", gzip.compress(b"{}" * 99, mtime=0)[:-12], gzip.compress(b"not json", mtime=0)]
)
def test_damaged_art_is_named(damaged: bytes, tmp_path: Path) -> None:
    """And what to do with it; a traceback would tell neither."""
    (tmp_path / "noto.json.gz").write_bytes(damaged)
    with pytest.raises(BadInput, match=r"noto\.json\.gz.*cannot be read.*delete it"):
        art.read_icons(tmp_path / "noto.json.gz")


def test_another_version_or_choice_of_the_art_is_drawn_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the card and the evaluation say of the art is so."""
    folder, one = write_art(tmp_path / "art"), art.TRAINING_SETS[0]
    art.gallery(one, folder, tmp_path / "drawn")
    art.gallery(one, folder, tmp_path / "drawn")
    assert len([*(tmp_path / "drawn").iterdir()]) == 1
    art.gallery(replace(one, version="9.9.9"), folder, tmp_path / "drawn")
    monkeypatch.setattr(art, "MARGIN", 0.2)
    art.gallery(one, folder, tmp_path / "drawn")
    assert len([*(tmp_path / "drawn").iterdir()]) == 3


def test_a_drawing_that_nobody_knows_does_not_teach(tmp_path: Path) -> None:
    """It may show something held out under a name of its set's own."""
    folder, one = write_art(tmp_path / "art"), art.TRAINING_SETS[0]
    icons = art.read_icons(folder / f"{one.style}.json.gz")
    icons["icons"]["dragonside"] = {"body": body(1, 1)}
    write(folder / f"{one.style}.json.gz", icons)
    taught = pictures.training_art(folder, tmp_path / "drawn")
    assert "dragonside" in art.gallery(one, folder, tmp_path / "drawn").names
    assert "dragonside" not in taught.names
    assert all(taught.codes)


def test_a_package_of_another_version_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "node_modules" / "some-art"
    place.mkdir(parents=True)
    (place / "package.json").write_text('{"version": "1.0.0"}', encoding="utf-8")
    asked: list[str] = []
    monkeypatch.setattr(npm.subprocess, "run", lambda command, **_: asked.append(command[-1]))
    assert npm.installed("some-art", "1.0.0", tmp_path) == place
    assert asked == []
    npm.installed("some-art", "1.0.1", tmp_path)
    assert asked == ["some-art@1.0.1"]
