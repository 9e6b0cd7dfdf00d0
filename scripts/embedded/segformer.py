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
from scripts.embedded.photographs import HELD_OUT_PHOTOGRAPHS, blended, photographs, pieces, tinted
from segmentation import learn
from segmentation.learn import Ground

SIDE_PX = 128  # of the drawings
TAUGHT_PX = 192  # that most pictures are brought to in training
NETWORK_PX = 256  # that pictures are brought to where it is used: its masks come at half of that
# Sides of training pictures and their shares. The first 186,000 pictures were of 64 (0.55), 96 (0.2) and 128 px (0.25),
# for small ones cost a quarter; the rest teaches what larger ones show. More still is better where it is
# used: of names held out in two of the sets, IoU .914 at 192 px, .921 at 224, .927 at 256, .926 at 288.
SIDES_PX = {96: 0.15, 128: 0.25, TAUGHT_PX: 0.6}
GROUNDS = {Ground.PLAIN: 0.3, Ground.GRADIENT: 0.12, Ground.TEXTURE: 0.18, Ground.PHOTOGRAPH: 0.4}
VARIANTS = 2  # of each piece of a photograph, in other colours or with another one laid over a part of it
COLLAGES = 192  # pictures full of drawings, which stand for photographs that the recipe has not
SCHEDULE = Schedule(samples=96_000, batch_size=16, learning_rate=1e-3)
SAVED = {"": "segmentation"}  # prefix of the names in the trained module → folder
READ_BY = SegformerForSemanticSegmentation  # the files name the weights as of old, the modules do not
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
            drop_path_rate=0.0,  # it is too small to learn its training pictures by heart: IoU .90 on their photographs
            classifier_dropout_prob=0.0,
            id2label={0: "ground", 1: "sticker"},
            label2id={"ground": 0, "sticker": 1},
        )
    )


def batch(art: P.Art, photos: Tensor, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Stickers on all kinds of ground. Returns pictures (size, 3, H, W) in [-1, 1] and alpha (size, 1, H, W)."""
    drawn = torch.multinomial(torch.tensor(list(SIDES_PX.values())), 1, generator=generator)
    side = list(SIDES_PX)[int(drawn)]
    _, rgba = P.drawn(art, size, generator)
    rgba = P.inked(rgba, generator, share=0.35)
    rgba = P.turned(P.flipped(rgba, generator), generator, degrees=15, scale=(0.55, 1.1))
    colour = P.recoloured(rgba[:, :3], generator)
    colour = torch.where(torch.rand(size, 1, 1, 1, generator=generator) < 0.4, P.toned(colour, generator), colour)
    alpha = rgba[:, 3:]
    ground = learn.mixed_grounds(size, SIDE_PX, generator, photos, GROUNDS)
    if torch.rand(1, generator=generator) < 0.5:
        ground = ground.flip(-1)
    ground = torch.rot90(ground, int(torch.randint(0, 4, (1,), generator=generator)), (2, 3))
    composite = learn.worn(colour * alpha + ground * (1 - alpha), generator)
    return at_side(composite, side) * 2 - 1, alpha


def at_side(pictures: Tensor, side_px: int) -> Tensor:
    """(B, C, H, W) → (B, C, side, side), as the processor does it."""
    if pictures.shape[-1] == side_px:
        return pictures
    return F.interpolate(pictures, size=(side_px, side_px), mode="bilinear", antialias=True)


def scenes(art: P.Art, art_dir: Path, generator: Generator) -> Tensor:
    """What lies behind stickers in the place of a photograph: photographs, made into more, and collages.

    Returns (N, 3, side, side).
    """
    taken = pieces(art_dir)
    made = [blended(tinted(taken, generator), generator) for _ in range(VARIANTS)]
    return torch.cat([taken, *made, collages(art, COLLAGES, taken.shape[-1], generator)])


def collages(art: P.Art, count: int, side_px: int, generator: Generator) -> Tensor:
    """Pictures as full of things as photographs are: drawings of all sizes over each other, blurred here and there.

    Returns (count, 3, side, side).
    """
    pictures = learn.texture(count, side_px, generator)
    for _ in range(12):
        _, rgba = P.drawn(art, count, generator)
        rgba = P.turned(P.flipped(rgba, generator), generator, degrees=180, scale=(0.3, 1.6))
        scale = int(torch.randint(side_px // 3, side_px + 1, (1,), generator=generator))
        rgba = F.interpolate(rgba, size=(scale, scale), mode="bilinear", antialias=True)
        colour = P.toned(P.recoloured(rgba[:, :3], generator), generator)
        top, left = torch.randint(0, side_px - scale + 1, (2,), generator=generator).tolist()
        place = pictures[:, :, top : top + scale, left : left + scale]
        place.copy_(colour * rgba[:, 3:] + place * (1 - rgba[:, 3:]))
        small = F.interpolate(pictures, scale_factor=0.5, mode="bilinear", antialias=True)
        blurred = F.interpolate(small, size=(side_px, side_px), mode="bilinear")
        pictures = torch.where(torch.rand(count, 1, 1, 1, generator=generator) < 0.25, blurred, pictures)
    return pictures.clamp(0, 1)


@torch.no_grad()
def figures_of(model: SegformerForSemanticSegmentation, held_out: Gallery, count: int = 128) -> dict[str, float]:
    """Mean IoU on the held-out set, by kind of ground; the recipe takes none of these photographs for a ground."""
    rgba = torch.from_numpy(held_out.rgba[:: max(1, len(held_out.rgba) // count)]).permute(0, 3, 1, 2).float() / 255
    photos = photographs(HELD_OUT_PHOTOGRAPHS)
    found = {}
    for kind in learn.Ground:
        generator = torch.Generator().manual_seed(7)
        ground = learn.grounds(kind, len(rgba), SIDE_PX, generator, photos)
        composite = at_side(P.over(rgba, ground), NETWORK_PX).to(model.device) * 2 - 1
        logits = torch.cat([model(part).logits.float().cpu() for part in composite.split(16)])
        found[f"iou_{kind}"] = float(learn.intersection_over_union(logits, rgba[:, 3:]).mean())
    return found


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save to ``out/segmentation``."""
    art = P.coloured(art)
    model = build().to(device_here())
    photos = scenes(art, work / "photographs", torch.Generator().manual_seed(SCHEDULE.seed))

    def loss_of(net: SegformerForSemanticSegmentation, generator: Generator) -> Tensor:
        composite, alpha = batch(art, photos, SCHEDULE.batch_size, generator)
        return learn.mask_loss(net(composite.to(net.device)).logits, alpha.to(net.device))

    figures = fit(
        "segformer", model, loss_of, SCHEDULE, work, minutes=minutes, evaluate=lambda m: figures_of(m, held_out)
    )
    if world()[0] > 0:  # one of the processes writes
        return figures
    model.half().save_pretrained(out / "segmentation")
    size = {"height": NETWORK_PX, "width": NETWORK_PX}
    SegformerImageProcessorPil(size=size, image_mean=MEAN, image_std=STD).save_pretrained(out / "segmentation")
    return figures
