"""How SegFormer learns to cut stickers out: stickers on every kind of ground, and the loss of their masks.

Owns the kinds of ground, the composition of training pictures and the loss. Knows no data set and no training loop.
Loads torch. Pictures are (B, C, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


class Ground(StrEnum):
    """What lies behind a sticker."""

    PLAIN = "plain"  # one colour
    GRADIENT = "gradient"  # a linear blend of two colours
    TEXTURE = "texture"  # smooth noise of random coarseness
    PHOTOGRAPH = "photograph"  # a piece of a photograph


SHARES = {Ground.PLAIN: 0.5, Ground.GRADIENT: 0.2, Ground.TEXTURE: 0.15, Ground.PHOTOGRAPH: 0.15}


def plain(count: int, side_px: int, generator: Generator) -> Tensor:
    """One colour a picture, white for every third."""
    colours = torch.rand(count, 3, 1, 1, generator=generator)
    white = torch.rand(count, 1, 1, 1, generator=generator) < 0.33
    return torch.where(white, torch.ones_like(colours), colours).expand(-1, -1, side_px, side_px)


def gradient(count: int, side_px: int, generator: Generator) -> Tensor:
    """Two colours blended along a random direction."""
    first, second = torch.rand(2, count, 3, 1, 1, generator=generator)
    angle = torch.rand(count, 1, 1, 1, generator=generator) * 2 * torch.pi
    ramp = torch.linspace(-0.7, 0.7, side_px)
    along = (angle.cos() * ramp[None, None, None, :] + angle.sin() * ramp[None, None, :, None] + 1) / 2
    return torch.lerp(first, second, along.clamp(0, 1))


def texture(count: int, side_px: int, generator: Generator) -> Tensor:
    """Noise of 2 to 32 cells a side, enlarged smoothly, around a random colour."""
    cells = 2 ** int(torch.randint(1, 6, (1,), generator=generator))
    noise = torch.randn(count, 3, cells, cells, generator=generator) * 0.25
    colour = torch.rand(count, 3, 1, 1, generator=generator)
    return (colour + F.interpolate(noise, size=(side_px, side_px), mode="bicubic")).clamp(0, 1)


def photograph(count: int, side_px: int, generator: Generator, photos: Tensor) -> Tensor:
    """Random pieces of ``photos`` (N, 3, H, W)."""
    pieces = []
    for which in torch.randint(0, len(photos), (count,), generator=generator).tolist():
        side = int(torch.randint(side_px // 2, photos.shape[-1] + 1, (1,), generator=generator))
        top, left = torch.randint(0, photos.shape[-1] - side + 1, (2,), generator=generator).tolist()
        piece = photos[which : which + 1, :, top : top + side, left : left + side]
        pieces.append(F.interpolate(piece, size=(side_px, side_px), mode="bilinear", antialias=True))
    return torch.cat(pieces)


def grounds(kind: Ground, count: int, side_px: int, generator: Generator, photos: Tensor) -> Tensor:
    """Grounds of one kind. Returns (count, 3, side, side)."""
    match kind:
        case Ground.PLAIN:
            return plain(count, side_px, generator)
        case Ground.GRADIENT:
            return gradient(count, side_px, generator)
        case Ground.TEXTURE:
            return texture(count, side_px, generator)
        case Ground.PHOTOGRAPH:
            return photograph(count, side_px, generator, photos)


def mixed_grounds(
    count: int, side_px: int, generator: Generator, photos: Tensor, shares: Mapping[Ground, float] = SHARES
) -> Tensor:
    """Grounds of all kinds in these proportions, in random places of the batch."""
    kinds = list(shares)
    weights = torch.tensor([shares[kind] for kind in kinds])
    drawn = torch.multinomial(weights, count, replacement=True, generator=generator)
    result = torch.empty(count, 3, side_px, side_px)
    for index, kind in enumerate(kinds):
        places = (drawn == index).nonzero().flatten()
        if len(places):
            result[places] = grounds(kind, len(places), side_px, generator, photos)
    return result


def worn(pictures: Tensor, generator: Generator) -> Tensor:
    """Pictures as a generator leaves them: every second one blurred, all with a little noise."""
    blurred = F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    blur = torch.rand(len(pictures), 1, 1, 1, generator=generator) < 0.5
    sigma = torch.rand(len(pictures), 1, 1, 1, generator=generator) * 0.03
    noise = torch.randn(pictures.shape, generator=generator) * sigma
    return (torch.where(blur, blurred, pictures) + noise).clamp(0, 1)


def mask_loss(logits: Tensor, alpha: Tensor) -> Tensor:
    """Binary cross-entropy plus soft dice (Milletari et al. 2016, eq. 3) of the class "sticker".

    Args:
        logits: (B, 2, h, w), as SegFormer gives them; enlarged here to the size of ``alpha``.
        alpha: (B, 1, H, W) in [0, 1], how much of each pixel is sticker.
    """
    full = F.interpolate(logits.float(), size=alpha.shape[-2:], mode="bilinear", align_corners=False)
    score = (full[:, 1] - full[:, 0])[:, None]  # (B, 1, H, W), log-odds of "sticker"
    probability = score.sigmoid()
    overlap = (probability * alpha).sum(dim=(1, 2, 3))
    size = (probability.square() + alpha.square()).sum(dim=(1, 2, 3))
    dice = 1 - (2 * overlap + 1) / (size + 1)
    return F.binary_cross_entropy_with_logits(score, alpha) + dice.mean()


def intersection_over_union(logits: Tensor, alpha: Tensor) -> Tensor:
    """IoU of the mask at threshold one half, a number a picture. Shapes as in ``mask_loss``. Returns (B,)."""
    full = F.interpolate(logits.float(), size=alpha.shape[-2:], mode="bilinear", align_corners=False)
    found, true = full[:, 1] > full[:, 0], alpha[:, 0] > 0.5
    union = (found | true).sum(dim=(1, 2)).clamp(min=1)
    return (found & true).sum(dim=(1, 2)) / union
