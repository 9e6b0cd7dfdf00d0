"""Batches of training pictures: drawings on grounds, recoloured, turned, cropped; and photographs.

Owns augmentation. Knows no model. Loads torch, and scikit-image for its public-domain photographs.
Pictures are (B, C, H, W) in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skimage.data
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from scripts.embedded.art import Gallery, galleries

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")  # scikit-image ships these; public domain or CC0


@dataclass(frozen=True, kw_only=True)
class Art:
    """All training drawings, as tensors."""

    rgba: Tensor  # (N, 4, H, W) uint8, straight alpha
    names: list[str]
    styles: list[str]

    def __len__(self) -> int:
        return len(self.names)


def training_art(art_dir: Path, cache_dir: Path) -> Art:
    """Every drawing of the training sets whose name is not held out."""
    return stacked([(gallery, ~gallery.held_out) for gallery in galleries(art_dir, cache_dir)])


def stacked(parts: list[tuple[Gallery, np.ndarray]]) -> Art:
    """The chosen pictures of several galleries, as one."""
    return Art(
        rgba=torch.from_numpy(np.concatenate([gallery.rgba[mask] for gallery, mask in parts])).permute(0, 3, 1, 2),
        names=[name for gallery, mask in parts for name, keep in zip(gallery.names, mask, strict=True) if keep],
        styles=[gallery.style for gallery, mask in parts for _ in range(int(mask.sum()))],
    )


def photographs(side_px: int = 256) -> Tensor:
    """Public-domain photographs. Returns (N, 3, side, side) in [0, 1]."""
    found = []
    for name in PHOTOGRAPHS:
        array = np.asarray(getattr(skimage.data, name)())[..., :3]
        side = min(array.shape[:2])
        top, left = (array.shape[0] - side) // 2, (array.shape[1] - side) // 2
        square = torch.from_numpy(array[top : top + side, left : left + side].copy()).permute(2, 0, 1)[None] / 255
        found.append(F.interpolate(square, size=(side_px, side_px), mode="area"))
    return torch.cat(found)


def over(rgba: Tensor, ground: Tensor) -> Tensor:
    """Drawings on a ground: C = aF + (1 - a)B. ``rgba`` (B, 4, H, W) in [0, 1], ``ground`` (B, 3, H or 1, W or 1)."""
    colour, alpha = rgba[:, :3], rgba[:, 3:]
    return colour * alpha + ground * (1 - alpha)


def halved(rgba: Tensor) -> Tensor:
    """Drawings at half their size; transparent pixels lend no colour. (N, 4, H, W) uint8 → (N, 4, H/2, W/2) uint8."""
    parts = []
    for part in rgba.split(512):
        alpha = part[:, 3:].float() / 255
        cover = F.avg_pool2d(alpha, 2)
        colour = F.avg_pool2d(part[:, :3].float() * alpha, 2) / cover.clamp(min=1e-4)
        parts.append(torch.cat([colour, cover * 255], dim=1).round().clamp(0, 255).byte())
    return torch.cat(parts)


def plain_grounds(count: int, generator: Generator, white_share: float = 0.4) -> Tensor:
    """One colour a picture, often white. Returns (count, 3, 1, 1)."""
    colours = torch.rand(count, 3, 1, 1, generator=generator)
    grey = torch.rand(count, 1, 1, 1, generator=generator)
    mixed = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.3, grey.expand(-1, 3, -1, -1), colours)
    white = torch.rand(count, 1, 1, 1, generator=generator) < white_share
    return torch.where(white, torch.ones_like(mixed), mixed)


def recoloured(rgb: Tensor, generator: Generator, share: float = 0.3) -> Tensor:
    """Some pictures with their colour channels exchanged: new colours, the same drawing."""
    order = torch.stack([torch.randperm(3, generator=generator) for _ in range(len(rgb))])
    same = torch.arange(3).expand_as(order)
    order = torch.where(torch.rand(len(rgb), 1, generator=generator) < share, order, same)
    return rgb.gather(1, order[:, :, None, None].expand_as(rgb))


def flipped(pictures: Tensor, generator: Generator) -> Tensor:
    """Half of the pictures mirrored."""
    mirror = torch.rand(len(pictures), 1, 1, 1, generator=generator) < 0.5
    return torch.where(mirror, pictures.flip(-1), pictures)


def turned(pictures: Tensor, generator: Generator, *, degrees: float, scale: tuple[float, float]) -> Tensor:
    """Each picture turned, scaled and moved a little; what comes in from outside is transparent black."""
    count = len(pictures)
    angle = (torch.rand(count, generator=generator) * 2 - 1) * degrees * torch.pi / 180
    size = scale[0] + torch.rand(count, generator=generator) * (scale[1] - scale[0])
    shift = (torch.rand(count, 2, generator=generator) * 2 - 1) * (1 - size).clamp(min=0)[:, None]
    cos, sin = angle.cos() / size, angle.sin() / size
    theta = torch.stack(
        [torch.stack([cos, -sin, -shift[:, 0] / size], 1), torch.stack([sin, cos, -shift[:, 1] / size], 1)], 1
    )
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)


def crops(pictures: Tensor, side_px: int, generator: Generator) -> Tensor:
    """A random square of each picture. Returns (B, C, side, side)."""
    count, _, height, width = pictures.shape
    tops = torch.randint(0, height - side_px + 1, (count,), generator=generator).tolist()
    lefts = torch.randint(0, width - side_px + 1, (count,), generator=generator).tolist()
    windows = zip(pictures, tops, lefts, strict=True)
    return torch.stack([one[:, top : top + side_px, left : left + side_px] for one, top, left in windows])


def drawn(art: Art, count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """A random handful of drawings. Returns their indices and (count, 4, H, W) in [0, 1]."""
    index = torch.randint(0, len(art), (count,), generator=generator)
    return index, art.rgba[index].float() / 255
