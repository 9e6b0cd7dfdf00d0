"""Openly licensed emoji art as training material: fetch the packages, choose the pictures, render them.

Owns which sets teach and which one is held out, and how names are cleaned and split. Knows no model.
Loads numpy, Pillow and (for rendering) resvg-py. The packages come from the npm registry and are never committed.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from PIL import Image

from pipeline.errors import BadInput
from scripts.embedded.names import Identities
from scripts.embedded.npm import installed

RENDER_PX = 128
MARGIN = 0.06  # of the side, left free around the drawing


@dataclass(frozen=True, kw_only=True)
class ArtSet:
    """A complete emoji set by one artist."""

    package: str  # on the npm registry
    version: str
    style: str  # the word that names the set in a caption
    licence: str
    author: str
    coloured: bool = True  # False: one colour for all; it teaches what things look like, not how to paint


TRAINING_SETS = (
    ArtSet(package="@iconify-json/noto", version="1.2.9", style="noto", licence="Apache-2.0", author="Google"),
    ArtSet(
        package="@iconify-json/fluent-emoji-flat", version="1.2.6", style="fluent", licence="MIT", author="Microsoft"
    ),
    ArtSet(package="@iconify-json/twemoji", version="1.2.5", style="twemoji", licence="CC-BY-4.0", author="Twitter"),
    ArtSet(package="@iconify-json/emojione", version="1.2.3", style="emojione", licence="CC-BY-4.0", author="EmojiOne"),
    ArtSet(package="@iconify-json/fxemoji", version="1.2.2", style="fxemoji", licence="Apache-2.0", author="Mozilla"),
    ArtSet(package="@iconify-json/noto-v1", version="1.2.5", style="blob", licence="Apache-2.0", author="Google"),
    ArtSet(
        package="@iconify-json/streamline-emojis",
        version="1.2.4",
        style="streamline",
        licence="CC-BY-4.0",
        author="Streamline",
    ),
    ArtSet(
        package="@iconify-json/fluent-emoji-high-contrast",
        version="1.2.6",
        style="contrast",
        licence="MIT",
        author="Microsoft",
        coloured=False,
    ),
    ArtSet(
        package="@iconify-json/emojione-monotone",
        version="1.2.1",
        style="monotone",
        licence="CC-BY-4.0",
        author="EmojiOne",
        coloured=False,
    ),
)
# Share-alike art: looked at for evaluation and shown in the demo, never learned from.
HELD_OUT_SET = ArtSet(
    package="@iconify-json/openmoji", version="1.2.29", style="openmoji", licence="CC-BY-SA-4.0", author="OpenMoji"
)

# Variants that differ from their base by a skin colour only: thousands of near-copies.
SKIN = re.compile(
    r"-(medium-light|medium-dark|light|medium|dark)(-skin-tone)?\b|-skin-tone|-tone[1-5]\b|-[1-6](-[1-6])?$"
)
FLAG_SHARE = 6  # one flag in so many is kept


@dataclass(frozen=True, kw_only=True)
class Gallery:
    """Rendered pictures of one set."""

    style: str
    names: list[str]  # captions: "cat face"
    codes: list[str]  # code points: "1f431"; the same thing in all sets, "" where unknown
    rgba: np.ndarray  # (N, H, W, 4) uint8, straight alpha
    held_out: np.ndarray  # (N,) bool: names that no model is trained on


def is_held_out(name: str) -> bool:
    """One name in twenty, the same in every set; hyphens or spaces, the answer is the same."""
    return int(hashlib.sha256(name.replace(" ", "-").encode()).hexdigest(), 16) % 20 == 0


def chosen(names: list[str]) -> list[str]:
    """The names worth learning from: no skin-colour copies, few flags."""
    kept = []
    for name in sorted(names):
        if SKIN.search(name):
            continue
        digest = int(hashlib.sha256(name.encode()).hexdigest(), 16)
        if name.startswith("flag") and digest % FLAG_SHARE:
            continue
        kept.append(name)
    return kept


def fetch(art: ArtSet, folder: Path) -> Path:
    """The set's ``icons.json``, fetched with npm unless it lies in ``folder`` already (plain or gzipped).

    A gzipped one is ``STYLE.json.gz``; the set's table of code points lies beside it as ``STYLE.chars.json.gz``.
    """
    zipped = folder / f"{art.style}.json.gz"
    if zipped.is_file():
        return zipped
    return installed(art.package, art.version, folder) / "icons.json"


def read_icons(path: Path) -> dict[str, Any]:
    """The icon collection of a package."""
    return _read(path)


def read_chars(path: Path) -> dict[str, str]:
    """Code point → name, from beside the icon collection ``path``; empty where the set comes without the table."""
    beside = path.with_name("chars.json" if path.suffix == ".json" else path.name.replace(".json", ".chars.json"))
    return _read(beside) if beside.is_file() else {}


def _read(path: Path) -> dict[str, Any]:
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadInput(
            f"the art in {str(path)!r} cannot be read ({error}); delete it to have it fetched anew"
        ) from error
    return found


def render(svg: str, side_px: int) -> np.ndarray:
    """An SVG on transparent ground. Returns (H, W, 4) uint8."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=side_px, height=side_px)
    return np.asarray(Image.open(BytesIO(bytes(png))).convert("RGBA"))


def svg_of(collection: dict, name: str) -> str:
    """A stand-alone SVG of one icon, with the margin around it."""
    icon = collection["icons"][name]
    width, height = (icon.get(key, collection.get(key, 16)) for key in ("width", "height"))
    left, top = (icon.get(key, collection.get(key, 0)) for key in ("left", "top"))
    side = max(width, height) / (1 - 2 * MARGIN)
    x, y = left - (side - width) / 2, top - (side - height) / 2
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    size = 'width="1024" height="1024"'  # the renderer rounds a document's own size to whole pixels
    return f'<svg {spaces} {size} viewBox="{x} {y} {side} {side}">{icon["body"]}</svg>'


def _render_some(task: tuple[Path, list[str], int]) -> list[np.ndarray]:
    path, names, side_px = task
    collection = read_icons(path)
    return [render(svg_of(collection, name), side_px) for name in names]


def gallery(art: ArtSet, art_dir: Path, cache_dir: Path, side_px: int = RENDER_PX) -> Gallery:
    """The rendered pictures of a set; rendered once, then read from ``cache_dir``."""
    path = fetch(art, art_dir)
    names = chosen(list(read_icons(path)["icons"]))
    mark = hashlib.sha256("\n".join([art.version, str(MARGIN), *names]).encode()).hexdigest()[:8]
    cached = cache_dir / f"{art.style}-{side_px}-{mark}.npz"
    if not cached.is_file():
        parts = [names[start : start + 200] for start in range(0, len(names), 200)]
        with ProcessPoolExecutor() as pool:
            rendered = list(pool.map(_render_some, [(path, part, side_px) for part in parts]))
        pictures = np.stack([picture for part in rendered for picture in part])
        drawn = pictures[..., 3].mean(axis=(1, 2)) > 255 * 0.02  # some icons of a set are empty or a hairline
        cache_dir.mkdir(parents=True, exist_ok=True)
        temporary = cached.with_suffix(".tmp.npz")
        np.savez(temporary, names=np.array(names)[drawn], rgba=pictures[drawn])
        temporary.replace(cached)
    with np.load(cached) as stored:
        names = [str(name) for name in stored["names"]]
        rgba = stored["rgba"]
    known = identities(art_dir)
    codes = known.codes(names, read_chars(path))
    captions = known.captions(names, codes)
    return Gallery(
        style=art.style,
        names=captions,
        codes=codes,
        rgba=rgba,
        held_out=np.array([is_held_out(n) or is_held_out(c) for n, c in zip(names, captions, strict=True)]),
    )


@lru_cache(maxsize=4)
def identities(art_dir: Path) -> Identities:
    """What the training sets' names stand for."""
    known = Identities()
    found = [fetch(art, art_dir) for art in TRAINING_SETS]
    for path in found:
        known.learn(read_chars(path), read_icons(path))
    return known


def galleries(art_dir: Path, cache_dir: Path) -> Iterator[Gallery]:
    """All sets that may teach."""
    for art in TRAINING_SETS:
        yield gallery(art, art_dir, cache_dir)
