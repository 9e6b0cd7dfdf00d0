"""The teacher of the embedded vision towers: a small residual network that tells drawings apart by what they show.

A vision transformer from random initialisation learns little from six thousand drawings in the time that a CPU has; a
convolutional network learns several times faster, and the transformer then learns from it (Touvron et al. 2021,
"Training data-efficient image transformers & distillation through attention"). It is never shipped.

Owns its architecture, the augmentation that makes it indifferent to style, and its figure. Loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.loop import Schedule, device_here, fit
from segmentation import learn

SIDE_PX = 32
WIDTH = 192  # of the embedding
SCALE = 16.0  # of the cosines before the softmax
SCHEDULE = Schedule(samples=600_000, batch_size=64, learning_rate=3e-3, weight_decay=0.05)


class Residual(nn.Module):
    """Two 3 x 3 convolutions and what goes around them (He et al. 2016)."""

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out_channels)
        self.around = nn.Sequential(
            nn.AvgPool2d(stride), nn.Conv2d(channels, out_channels, 1, bias=False), nn.BatchNorm2d(out_channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, out, H / stride, W / stride)."""
        inner = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(inner)) + self.around(x))


class Eyes(nn.Module):
    """A picture → an embedding; and one direction a thing, which the embeddings of its drawings are drawn to."""

    def __init__(self, things: int) -> None:
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(3, 32, 3, 2, 1, bias=False),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            Residual(32, 48, 1),
            Residual(48, 96, 2),
            Residual(96, 192, 2),
            Residual(192, 256, 2),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(256, WIDTH),
        ).to(memory_format=torch.channels_last)
        self.things = nn.Parameter(torch.randn(things, WIDTH) * WIDTH**-0.5)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, side, side) in [-1, 1] → (B, WIDTH) of unit length."""
        return F.normalize(self.tower(pictures).float(), dim=-1)

    def scores(self, embeddings: Tensor) -> Tensor:
        """Cosine of each embedding with each thing. (B, WIDTH) → (B, things)."""
        return embeddings @ F.normalize(self.things, dim=-1).T


@dataclass(frozen=True, kw_only=True)
class Things:
    """Drawings whose thing is known, and which one it is."""

    art: P.Art  # at 64 px
    labels: Tensor  # (N,) int64, into ``codes``
    codes: list[str]


def things_of(art: P.Art) -> Things:
    """The drawings that have a code point, at half their size."""
    keep = [i for i, code in enumerate(art.codes) if code]
    chosen = P.subset(art, keep)
    codes = sorted(set(chosen.codes))
    number = {code: i for i, code in enumerate(codes)}
    labels = torch.tensor([number[code] for code in chosen.codes])
    return Things(art=P.replaced(chosen, P.halved(chosen.rgba)), labels=labels, codes=codes)


def batch(art: P.Art, photos: Tensor, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Drawings in strange colours and lines, on all kinds of ground. Returns indices and (size, 3, H, W) in [-1, 1]."""
    index, rgba = P.drawn(art, size, generator)
    rgba = P.inked(P.flipped(rgba, generator), generator)
    rgba = P.turned(rgba, generator, degrees=15, scale=(0.7, 1.1))
    colour = P.toned(P.recoloured(rgba[:, :3], generator, share=0.15), generator)
    side = rgba.shape[-1]
    ground = torch.where(
        torch.rand(size, 1, 1, 1, generator=generator) < 0.8,
        P.plain_grounds(size, generator).expand(-1, -1, side, side),
        learn.mixed_grounds(size, side, generator, photos),
    )
    return index, (colour * rgba[:, 3:] + ground * (1 - rgba[:, 3:])) * 2 - 1


def small(pictures: Tensor) -> Tensor:
    """Pictures at the side that the teacher sees."""
    return F.adaptive_avg_pool2d(pictures, SIDE_PX)


@torch.no_grad()
def named_by(net: Eyes, held_out: Gallery, codes: list[str]) -> dict[str, float]:
    """Top-1 and top-5 of the thing, on the held-out style, among all things that were learned."""
    number = {code: i for i, code in enumerate(codes)}
    chosen = [i for i, code in enumerate(held_out.codes) if code in number]
    rgba = P.halved(torch.from_numpy(held_out.rgba[chosen]).permute(0, 3, 1, 2)).float() / 255
    device = net.things.device
    pictures = small(P.over(rgba, torch.ones(1, 3, 1, 1)) * 2 - 1).to(device)
    best = torch.cat([net.scores(net(part)) for part in pictures.split(128)]).topk(5, dim=1).indices
    hits = best == torch.tensor([number[held_out.codes[i]] for i in chosen], device=device)[:, None]
    return {"top_1": float(hits[:, 0].float().mean()), "top_5": float(hits.any(dim=1).float().mean())}


def teacher(art: P.Art, held_out: Gallery, work: Path, minutes: float | None = None) -> tuple[Eyes, Things]:
    """The trained teacher, and what it was taught; trained once, then read from its checkpoint."""
    things, photos = things_of(art), P.photographs()
    net = Eyes(len(things.codes)).to(device_here())

    def loss_of(model: Eyes, generator: Generator) -> Tensor:
        index, pictures = batch(things.art, photos, SCHEDULE.batch_size, generator)
        pictures = small(pictures).to(model.things.device, memory_format=torch.channels_last)
        cosines = model.scores(model(pictures))
        return F.cross_entropy(SCALE * cosines, things.labels[index].to(cosines.device), label_smoothing=0.05)

    fit(
        "eyes",
        net,
        loss_of,
        SCHEDULE,
        work,
        minutes=minutes,
        evaluate=lambda model: named_by(model, held_out, things.codes),
    )
    return net, things


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train the teacher alone, and measure it. Nothing is written to ``out``: it is a means."""
    net, things = teacher(art, held_out, work, minutes)
    return named_by(net, held_out, things.codes)
