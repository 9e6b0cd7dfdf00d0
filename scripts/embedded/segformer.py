"""The embedded SegFormer: sticker or ground, for every pixel.

Half the published stride in its first stage: masks come at half the picture's size rather than a quarter, which small
pictures need. Owns its architecture and its figures. Loads torch and transformers.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessorPil

from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.loop import Schedule, device_here, fit, world
from segmentation import learn

SIDE_PX = 128
SIDES_PX = {64: 0.55, 96: 0.2, 128: 0.25}  # of training pictures, and their shares: small ones cost a quarter
SCHEDULE = Schedule(samples=96_000, batch_size=16, learning_rate=1e-3)
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def build() -> SegformerForSemanticSegmentation:
    """A fresh SegFormer with two classes."""
    return SegformerForSemanticSegmentation(
        SegformerConfig(
            hidden_sizes=[16, 32, 96, 160],
            depths=[1, 2, 2, 2],
            patch_sizes=[5, 3, 3, 3],
            strides=[2, 2, 2, 2],
            sr_ratios=[8, 4, 2, 1],
            num_attention_heads=[1, 2, 4, 8],
            decoder_hidden_size=64,
            id2label={0: "ground", 1: "sticker"},
            label2id={"ground": 0, "sticker": 1},
        )
    )


def batch(art: P.Art, photos: Tensor, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Stickers on all kinds of ground. Returns pictures (size, 3, H, W) in [-1, 1] and alpha (size, 1, H, W)."""
    drawn = torch.multinomial(torch.tensor(list(SIDES_PX.values())), 1, generator=generator)
    side = list(SIDES_PX)[int(drawn)]
    _, rgba = P.drawn(art, size, generator)
    rgba = P.inked(rgba, generator, share=0.25)
    rgba = P.turned(P.flipped(rgba, generator), generator, degrees=15, scale=(0.55, 1.1))
    if side != SIDE_PX:
        rgba = F.interpolate(rgba, size=(side, side), mode="bilinear", antialias=True)
    colour = P.recoloured(rgba[:, :3], generator)
    colour = torch.where(torch.rand(size, 1, 1, 1, generator=generator) < 0.4, P.toned(colour, generator), colour)
    alpha = rgba[:, 3:]
    ground = learn.mixed_grounds(size, side, generator, photos)
    composite = learn.worn(colour * alpha + ground * (1 - alpha), generator)
    return composite * 2 - 1, alpha


@torch.no_grad()
def figures_of(model: SegformerForSemanticSegmentation, held_out: Gallery, count: int = 128) -> dict[str, float]:
    """Mean IoU on the held-out set, by kind of ground; the photographs were never grounds in training."""
    rgba = torch.from_numpy(held_out.rgba[:: max(1, len(held_out.rgba) // count)]).permute(0, 3, 1, 2).float() / 255
    photos = P.photographs(P.HELD_OUT_PHOTOGRAPHS)
    found = {}
    for kind in learn.Ground:
        generator = torch.Generator().manual_seed(7)
        ground = learn.grounds(kind, len(rgba), SIDE_PX, generator, photos)
        composite = P.over(rgba, ground).to(model.device) * 2 - 1
        logits = torch.cat([model(part).logits.float().cpu() for part in composite.split(16)])
        found[f"iou_{kind}"] = float(learn.intersection_over_union(logits, rgba[:, 3:]).mean())
    return found


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save to ``out/segmentation``."""
    model = build().to(device_here())
    photos = P.photographs()

    def loss_of(net: SegformerForSemanticSegmentation, generator: Generator) -> Tensor:
        composite, alpha = batch(art, photos, SCHEDULE.batch_size, generator)
        return learn.mask_loss(net(composite.to(net.device)).logits, alpha.to(net.device))

    figures = fit(
        "segformer", model, loss_of, SCHEDULE, work, minutes=minutes, evaluate=lambda m: figures_of(m, held_out)
    )
    if world()[0] > 0:  # one of the processes writes
        return figures
    model.half().save_pretrained(out / "segmentation")
    size = {"height": SIDE_PX, "width": SIDE_PX}
    SegformerImageProcessorPil(size=size, image_mean=MEAN, image_std=STD).save_pretrained(out / "segmentation")
    return figures
