"""Every art set, tiny and with a manner of its own, in the layout that the recipe and the evaluation read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import torch

from scripts.embedded.art import HELD_OUT_SET, TRAINING_SETS, is_held_out
from scripts.embedded.pictures import Art

SIDE = 32
NAMES = 14  # things, of which at least one's name is held out


def names() -> list[str]:
    """Some names of things; one of them is held out of every training."""
    held = next(f"thing-{number}" for number in range(1000) if is_held_out(f"thing-{number}"))
    taught = [f"thing-{number}" for number in range(1000, 1200) if not is_held_out(f"thing-{number}")]
    return [held, *taught[: NAMES - 1]]


def write_art(folder: Path) -> Path:
    """``STYLE.json.gz`` and its table of code points for every set; a thing has the same place and colour in all."""
    folder.mkdir(parents=True)
    for number, art in enumerate((*TRAINING_SETS, HELD_OUT_SET)):
        icons = {name: {"body": body(place, number)} for place, name in enumerate(names())}
        write(folder / f"{art.style}.json.gz", {"icons": icons, "width": SIDE, "height": SIDE})
        chars = {f"1f6{place:02x}": name for place, name in enumerate(names())}
        write(folder / f"{art.style}.chars.json.gz", chars)
    return folder


def body(thing: int, style: int) -> str:
    """A round or a square thing; each set has its line."""
    colour = f"hsl({thing * 360 // NAMES} 80% 50%)"
    line = f'stroke="black" stroke-width="{style}"'
    if thing % 2:
        return f'<circle cx="16" cy="16" r="{9 + thing % 5}" fill="{colour}" {line}/>'
    return f'<rect x="5" y="{4 + thing % 5}" width="22" height="{20 - thing % 7}" fill="{colour}" {line}/>'


def write(path: Path, value: object) -> None:
    """Gzipped JSON."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        json.dump(value, file)


def drawings(count: int = 6, side_px: int = 32) -> Art:
    """Red squares of 16 px on transparent ground, 8 px from the frame."""
    rgba = torch.zeros(count, 4, side_px, side_px, dtype=torch.uint8)
    rgba[:, 0, 8:24, 8:24] = 200
    rgba[:, 3, 8:24, 8:24] = 255
    return Art(rgba=rgba, names=["red square"] * count, styles=["plain"] * count, codes=["1f7e5"] * count)
