"""Batches of training pictures: drawings on grounds, recoloured, turned, cropped.

Owns augmentation. Knows no model and no photograph. Loads torch.
Pictures are (B, C, H, W) in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from scripts.embedded.art import TRAINING_SETS, Gallery, galleries


@dataclass(frozen=True, kw_only=True)
class Art:
    """All training drawings, as tensors."""

    rgba: Tensor  # (N, 4, H, W) uint8, straight alpha
    names: list[str]
    styles: list[str]
    codes: list[str]  # "" where unknown

    def __len__(self) -> int:
        return len(self.names)


def training_art(art_dir: Path, cache_dir: Path) -> Art:
    """Every drawing of the training sets that is known to show nothing held out.

    One without a code point may show it under a name of its set's own, as fxemoji's ``clap`` does.
    """
    sets = galleries(art_dir, cache_dir)
    return stacked([(one, ~one.held_out & np.array([bool(code) for code in one.codes])) for one in sets])


def stacked(parts: list[tuple[Gallery, np.ndarray]]) -> Art:
    """The chosen pictures of several galleries, as one."""
    return Art(
        rgba=torch.from_numpy(np.concatenate([gallery.rgba[mask] for gallery, mask in parts])).permute(0, 3, 1, 2),
        names=[name for gallery, mask in parts for name, keep in zip(gallery.names, mask, strict=True) if keep],
        styles=[gallery.style for gallery, mask in parts for _ in range(int(mask.sum()))],
        codes=[code for gallery, mask in parts for code, keep in zip(gallery.codes, mask, strict=True) if keep],
    )


def subset(art: Art, keep: list[int]) -> Art:
    """The drawings with these numbers."""
    return Art(
        rgba=art.rgba[keep],
        names=[art.names[i] for i in keep],
        styles=[art.styles[i] for i in keep],
        codes=[art.codes[i] for i in keep],
    )


def coloured(art: Art) -> Art:
    """Without the sets that are drawn in one colour."""
    plain = {one.style for one in TRAINING_SETS if not one.coloured}
    return subset(art, [i for i, style in enumerate(art.styles) if style not in plain])


def replaced(art: Art, rgba: Tensor) -> Art:
    """The same drawings at another size."""
    return replace(art, rgba=rgba)


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


def inked(rgba: Tensor, generator: Generator, share: float = 0.4) -> Tensor:
    """Some drawings with dark lines along their edges, as an artist with a pen would have them: another style.

    An edge is where colour or alpha changes within a small window (morphological gradient). The line widens the drawing
    by half the window: 1 px up to a side of 64 px, 1 to 2 px at 128. ``rgba`` (B, 4, H, W) in [0, 1]; returns the same.
    """
    half = 1 + int(torch.randint(0, max(1, rgba.shape[-1] // 64), (1,), generator=generator))
    line = _edges(rgba, half, 0.25) * (torch.rand(len(rgba), 1, 1, 1, generator=generator) < share)
    ink = torch.rand(len(rgba), 3, 1, 1, generator=generator) * 0.3
    alpha = torch.maximum(rgba[:, 3:], line)
    return torch.cat([rgba[:, :3] * (1 - line) + ink * line, alpha], dim=1)


def _edges(rgba: Tensor, half: int, least: float) -> Tensor:
    """How much of an edge there is: where colour or alpha changes by ``least`` within a window. (B, 1, H, W)."""
    laid = torch.cat([rgba[:, :3] * rgba[:, 3:], rgba[:, 3:]], dim=1)  # colour behind transparency is no edge
    change = _spread(laid, half) + _spread(-laid, half)
    return ((change.amax(dim=1, keepdim=True) - least) * 8).clamp(0, 1)


def _spread(x: Tensor, half: int) -> Tensor:
    """The largest value within ``half`` px, along rows and then columns; faster on a CPU than its max_pool2d."""
    for axis in (-1, -2):
        length, found = x.shape[axis], x.clone()
        for by in range(1, half + 1):
            ahead, behind = x.narrow(axis, by, length - by), x.narrow(axis, 0, length - by)
            found.narrow(axis, 0, length - by).copy_(torch.maximum(found.narrow(axis, 0, length - by), ahead))
            found.narrow(axis, by, length - by).copy_(torch.maximum(found.narrow(axis, by, length - by), behind))
        x = found
    return x


def toned(rgb: Tensor, generator: Generator) -> Tensor:
    """Each picture paler, stronger, lighter, darker or greyer by a little. (B, 3, H, W) in [0, 1], the same out."""
    count = len(rgb)
    saturation, contrast, gain = (
        low + (high - low) * torch.rand(count, 1, 1, 1, generator=generator)
        for low, high in ((0.3, 1.3), (0.7, 1.2), (0.75, 1.2))
    )
    tint = 0.85 + 0.3 * torch.rand(count, 3, 1, 1, generator=generator)
    grey = rgb.mean(dim=1, keepdim=True)
    coloured = grey + (rgb - grey) * saturation
    return (((coloured - 0.5) * contrast + 0.5) * gain * tint).clamp(0, 1)


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


def sketched(rgba: Tensor, generator: Generator, share: float = 0.15) -> Tensor:
    """Some drawings as an artist with a pen would begin them: paper inside, its tone nearly even, and dark edges.

    ``rgba`` (B, 4, H, W) in [0, 1]; returns the same, the drawing a pixel wider where there is a line.
    """
    count = len(rgba)
    line, laid = _edges(rgba, 1, 0.15), torch.rand(count, 1, 1, 1, generator=generator) < share
    paper = 1 - 0.4 * torch.rand(count, 3, 1, 1, generator=generator)
    ink = 0.3 * torch.rand(count, 3, 1, 1, generator=generator)
    kept = 0.3 * torch.rand(count, 1, 1, 1, generator=generator)
    colour = torch.lerp(paper.expand_as(rgba[:, :3]), rgba[:, :3], kept) * (1 - line) + ink * line
    return torch.where(laid, torch.cat([colour, torch.maximum(rgba[:, 3:], line)], dim=1), rgba)


def tinted(rgb: Tensor, generator: Generator, share: float = 0.25) -> Tensor:
    """Some pictures through coloured glass, or in greys. (B, 3, H, W) in [0, 1], the same out."""
    count = len(rgb)
    glass = 0.4 + 0.6 * torch.rand(count, 3, 1, 1, generator=generator)
    grey = torch.rand(count, 1, 1, 1, generator=generator) < 0.1
    through = torch.rand(count, 1, 1, 1, generator=generator) < share
    rgb = torch.where(grey, rgb.mean(dim=1, keepdim=True).expand_as(rgb), rgb)
    return torch.where(through, rgb * glass, rgb)


def bent(pictures: Tensor, generator: Generator, reach: float = 0.04, cells: int = 4) -> Tensor:
    """Each picture a little out of shape, as another hand draws it: sheared, stretched, and bent at ``cells`` places.

    Args:
        reach: of the half side, standard deviation of how far a place moves.
    """
    count, _, height, width = pictures.shape
    stretch = torch.exp((torch.rand(count, 2, generator=generator) - 0.5) * 0.4)  # 0.82 to 1.22
    shear = (torch.rand(count, generator=generator) - 0.5) * 0.4
    zero = torch.zeros(count)
    theta = torch.stack([torch.stack([stretch[:, 0], shear, zero], 1), torch.stack([zero, stretch[:, 1], zero], 1)], 1)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    moves = torch.randn(count, 2, cells, cells, generator=generator) * reach
    smooth = F.interpolate(moves, size=(height, width), mode="bicubic").permute(0, 2, 3, 1)
    return F.grid_sample(pictures, grid + smooth, mode="bilinear", align_corners=False)
