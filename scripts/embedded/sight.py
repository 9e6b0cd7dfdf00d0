"""CLIP's image tower, taught further by its own words: the text tower, locked now, says where each thing lies.

``clip`` locks the eyes and teaches the words; here the words are locked and the eyes go on, with harder pictures and
one more artist, who draws in ink alone. What the UNet is told does not change.

Owns what makes these pictures harder, the loss and the figure. Loads torch and transformers.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from transformers import CLIPImageProcessorPil, CLIPTokenizer

from pipeline.clip_space import embedded_things
from pipeline.models import Clip
from pipeline.towers import ResidualClip
from scripts.embedded import eyes
from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.clip import FOLDER, found_by_name, tokenizer_of
from scripts.embedded.glyphs import glyphs
from scripts.embedded.loop import Schedule, device_here, fit, world
from scripts.embedded.photographs import photographs
from segmentation import learn

SIDES_PX = (40, 48, 48, 48, 56)  # pictures at one size only teach lines of one width in pixels
SCHEDULE = Schedule(samples=800_000, batch_size=64, learning_rate=1.5e-3, weight_decay=0.05)
SAVED = {"vision.": f"{FOLDER}/vision_model.", "projection.": f"{FOLDER}/visual_projection."}


class Sight(nn.Module):
    """The image tower; pictures → directions of unit length."""

    def __init__(self, clip: ResidualClip) -> None:
        super().__init__()
        self.vision, self.projection = clip.vision_model, clip.visual_projection

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, side, side) in [-1, 1] → (B, W)."""
        return F.normalize(self.projection(self.vision(pictures).pooler_output).float(), dim=-1)


def batch(art: P.Art, photos: Tensor, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Drawings bent, in strange colours and lines, some as sketches. As ``eyes.batch``."""
    index, rgba = P.drawn(art, size, generator)
    rgba = P.inked(P.sketched(P.flipped(rgba, generator), generator), generator)
    rgba = P.turned(P.bent(rgba, generator), generator, degrees=20, scale=(0.7, 1.1))
    colour = P.toned(P.recoloured(P.tinted(rgba[:, :3], generator), generator, share=0.2), generator)
    side = rgba.shape[-1]
    ground = torch.where(
        torch.rand(size, 1, 1, 1, generator=generator) < 0.85,
        P.plain_grounds(size, generator, white_share=0.5).expand(-1, -1, side, side),
        learn.mixed_grounds(size, side, generator, photos),
    )
    pictures = colour * rgba[:, 3:] + ground * (1 - rgba[:, 3:])
    side = SIDES_PX[int(torch.randint(0, len(SIDES_PX), (1,), generator=generator))]
    return index, eyes.small(pictures, side) * 2 - 1


def directions_of(clip: ResidualClip, tokenizer: CLIPTokenizer, names: list[str]) -> Tensor:
    """Where the words say that each thing lies, as proposals look for it: (N, W) of unit length."""
    return embedded_things(Clip(model=clip, processor=CLIPImageProcessorPil(), tokenizer=tokenizer), names).to(
        clip.device
    )


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save into ``out/text_encoder``, which ``clip`` wrote."""
    taught = with_glyphs(art, work)
    clip = ResidualClip.from_pretrained(out / FOLDER).float().to(device_here())
    tokenizer, photos = tokenizer_of(art, out), photographs()
    names, labels = numbered(taught)
    known = set(taught.names)
    directions = directions_of(clip, tokenizer, names)
    sight = Sight(clip)

    def loss_of(model: nn.Module, generator: Generator) -> Tensor:
        index, pictures = batch(taught, photos, SCHEDULE.batch_size, generator)
        cosines = model(pictures.to(clip.device)) @ directions.T
        return F.cross_entropy(eyes.SCALE * cosines, labels[index].to(clip.device), label_smoothing=0.05)

    figures = fit(
        "sight",
        sight,
        loss_of,
        SCHEDULE,
        work,
        minutes=minutes,
        evaluate=lambda _: found_by_name(clip, tokenizer, held_out, known),  # whose image tower the model is
    )
    if world()[0] == 0:  # one of the processes writes
        clip.half().save_pretrained(out / FOLDER)
    return figures


def with_glyphs(art: P.Art, work: Path) -> P.Art:
    """The drawings whose thing is known, at 64 px, and the font's."""
    things = eyes.things_of(art).art
    more = glyphs(dict(zip(things.codes, things.names, strict=True)), work / "font")
    return P.Art(
        rgba=torch.cat([things.rgba, more.rgba]),
        names=things.names + more.names,
        styles=things.styles + more.styles,
        codes=things.codes + more.codes,
    )


def numbered(art: P.Art) -> tuple[list[str], Tensor]:
    """The name of each thing, and each drawing's place among them (N,)."""
    codes = sorted(set(art.codes))
    place = {code: i for i, code in enumerate(codes)}
    names = dict(zip(reversed(art.codes), reversed(art.names), strict=True))  # the first that bears it names it
    return [names[code] for code in codes], torch.tensor([place[code] for code in art.codes])
