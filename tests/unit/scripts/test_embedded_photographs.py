"""The photographs behind drawings: which teach, which are held out, and how one becomes many."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from scripts.embedded import photographs as P


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def art_with_old_photographs(folder: Path) -> Path:
    """Where npm would have put them: wide pictures, each of its own grey."""
    for number, name in enumerate(P.OLD_PHOTOGRAPHS):
        place = folder / "node_modules" / P.OLD_PACKAGE.format(name)
        (place / "data").mkdir(parents=True)
        (place / "package.json").write_text("{}", encoding="utf-8")
        Image.new("RGB", (96, 64), (20 * number,) * 3).save(place / "data" / "image.jpg")
    return folder


def test_the_photographs_of_the_figures_are_none_of_the_grounds() -> None:
    assert not {*P.PHOTOGRAPHS, *P.OLD_PHOTOGRAPHS} & set(P.HELD_OUT_PHOTOGRAPHS)
    taught, held_out = P.photographs(), P.photographs(P.HELD_OUT_PHOTOGRAPHS, side_px=64)
    assert taught.shape == (len(P.PHOTOGRAPHS), 3, P.SIDE_PX, P.SIDE_PX)
    assert held_out.shape == (len(P.HELD_OUT_PHOTOGRAPHS), 3, 64, 64)
    nearest = torch.cdist(held_out.flatten(1), P.photographs(side_px=64).flatten(1)).min()
    assert nearest > 10  # 0 would be the same picture


def test_every_photograph_that_teaches_gives_several_pieces(tmp_path: Path) -> None:
    pieces = P.pieces(art_with_old_photographs(tmp_path), side_px=32)
    assert len(pieces) >= 5 * (len(P.PHOTOGRAPHS) + len(P.OLD_PHOTOGRAPHS))
    assert pieces.shape[1:] == (3, 32, 32)
    assert pieces.min() >= 0
    assert pieces.max() <= 1
    greys = {round(float(piece.mean() * 255)) for piece in pieces if piece.std() < 0.004}
    assert greys >= {20 * number for number in range(len(P.OLD_PHOTOGRAPHS))}  # none is left out


def test_squares_reach_both_ends_and_come_from_near_and_afar() -> None:
    wide = torch.arange(60.0).expand(1, 3, 40, 60)
    found = P.squares(wide)
    assert {one.shape[-1] for one in found} == {40, 20}
    assert min(float(one.min()) for one in found) == 0
    assert max(float(one.max()) for one in found) == 59
    assert all(one.shape[-2] == one.shape[-1] for one in found)


def test_a_tint_changes_colours_and_keeps_what_is_dark_and_light() -> None:
    picture = torch.linspace(0, 1, 24).expand(40, 3, 24, 24)
    tinted = P.tinted(picture, generator(), share=1.0)
    assert tinted.min() >= 0
    assert tinted.max() <= 1
    spread = (tinted.amax(dim=1) - tinted.amin(dim=1)).amax(dim=(1, 2))
    assert (spread > 0.1).float().mean() > 0.6  # grey became coloured
    same = P.tinted(picture, generator(), share=0.0)
    assert torch.equal(same, picture)


def test_a_blend_keeps_one_side_and_takes_the_other_from_another_picture() -> None:
    pictures = torch.stack([torch.zeros(3, 32, 32), torch.ones(3, 32, 32)]).repeat(8, 1, 1, 1)
    blended = P.blended(pictures, generator(), share=1.0)
    both = [(one.min() < 0.1) and (one.max() > 0.9) for one in blended]
    assert sum(map(bool, both)) > 8
    assert torch.equal(P.blended(pictures, generator(), share=0.0), pictures)
