"""The eyes of the embedded CLIP and BLIP: a small residual network that tells drawings apart by what they show.

A vision transformer from random initialisation learns little from eleven thousand drawings in the time that a CPU has,
also when a trained network teaches it. It is trained here as a classifier of things; CLIP and BLIP learn words for what
it sees.

Owns the augmentation that makes it indifferent to style, and its figure. Loads torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from pipeline.towers import ResidualVision
from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.loop import Schedule, device_here, finished, fit
from scripts.embedded.photographs import photographs
from segmentation import learn

SIDE_PX = 48  # what it sees at in the end
FIRST_SIDE_PX = 32  # where it learns most: a picture of half the area costs half, and teaches hardly less
WIDTH = 192  # of the embedding
CHANNELS = (32, 48, 96, 192, 256)
SCALE = 16.0  # of the cosines before the softmax
SCHEDULE = Schedule(samples=800_000, batch_size=64, learning_rate=3e-3, weight_decay=0.05)
SHARPER = Schedule(samples=200_000, batch_size=64, learning_rate=1e-3, weight_decay=0.05)  # at the full side
# Names in the trained module → in the folder of the CLIP that sees with them (and may have been taught further by
# ``sight``); the directions of things are not saved.
SAVED = {"vision.": "text_encoder/vision_model.", "projection.": "text_encoder/visual_projection."}


class Eyes(nn.Module):
    """A picture → an embedding; and one direction a thing, which the embeddings of its drawings are drawn to."""

    def __init__(self, things: int) -> None:
        super().__init__()
        self.vision = ResidualVision(CHANNELS)
        self.projection = nn.Linear(CHANNELS[-1], WIDTH, bias=False)  # as CLIP's
        self.things = nn.Parameter(torch.randn(things, WIDTH) * WIDTH**-0.5)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, side, side) in [-1, 1] → (B, WIDTH) of unit length."""
        return F.normalize(self.projection(self.vision(pictures).pooler_output).float(), dim=-1)

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


def small(pictures: Tensor, side_px: int = SIDE_PX) -> Tensor:
    """Pictures at the side that the network sees."""
    return F.interpolate(pictures, size=(side_px, side_px), mode="bilinear", antialias=True)


@torch.no_grad()
def named_by(net: Eyes, held_out: Gallery, codes: list[str], side_px: int = SIDE_PX) -> dict[str, float]:
    """Top-1 and top-5 of the thing, on the held-out style, among all things that were learned."""
    number = {code: i for i, code in enumerate(codes)}
    chosen = [i for i, code in enumerate(held_out.codes) if code in number]
    rgba = P.halved(torch.from_numpy(held_out.rgba[chosen]).permute(0, 3, 1, 2)).float() / 255
    device = net.things.device
    pictures = small(P.over(rgba, torch.ones(1, 3, 1, 1)) * 2 - 1, side_px).to(device)
    best = torch.cat([net.scores(net(part)) for part in pictures.split(128)]).topk(5, dim=1).indices
    hits = best == torch.tensor([number[held_out.codes[i]] for i in chosen], device=device)[:, None]
    return {"top_1": float(hits[:, 0].float().mean()), "top_5": float(hits.any(dim=1).float().mean())}


def teacher(art: P.Art, held_out: Gallery, work: Path, minutes: float | None = None) -> tuple[Eyes, Things]:
    """The trained teacher, and what it was taught; trained once, then read from its checkpoints.

    Args:
        minutes: stop after so long, in whichever phase that is; calling again goes on from there.
    """
    things, photos = things_of(art), photographs()
    net = Eyes(len(things.codes)).to(device_here())

    def loss_at(side_px: int, batch_size: int) -> Callable[[nn.Module, Generator], Tensor]:
        def loss_of(model: nn.Module, generator: Generator) -> Tensor:
            assert isinstance(model, Eyes)
            index, pictures = batch(things.art, photos, batch_size, generator)
            pictures = small(pictures, side_px).to(model.things.device)
            cosines = model.scores(model(pictures))
            return F.cross_entropy(SCALE * cosines, things.labels[index].to(cosines.device), label_smoothing=0.05)

        return loss_of

    began = time.monotonic()
    for name, side_px, schedule in (("eyes", FIRST_SIDE_PX, SCHEDULE), ("eyes-sharper", SIDE_PX, SHARPER)):
        spent = (time.monotonic() - began) / 60
        fit(
            name,
            net,
            loss_at(side_px, schedule.batch_size),
            schedule,
            work,
            minutes=None if minutes is None else max(minutes - spent, 0.0),
            evaluate=lambda model, side_px=side_px: named_by(model, held_out, things.codes, side_px),  # type: ignore[misc]
        )
        if not finished(name, schedule, work):  # stopped by ``minutes``: what follows would start from half a net
            break
    return net, things


def ready(work: Path) -> bool:
    """Whether the teacher has learned all that it is to learn."""
    return finished("eyes", SCHEDULE, work) and finished("eyes-sharper", SHARPER, work)


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train the teacher alone, and measure it. Nothing is written to ``out``: it is a means."""
    net, things = teacher(art, held_out, work, minutes)
    return named_by(net, held_out, things.codes)
