"""The embedded BLIP: a picture in, the name of the thing out.

Owns its architecture and its figure (share of held-out pictures whose caption names the thing). Loads torch and
transformers.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Generator, Tensor, nn
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipProcessor,
    BlipTextConfig,
    BlipVisionConfig,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from pipeline.towers import CHANNELS_KEY, ResidualBlip
from scripts.embedded import eyes
from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.eyes import Eyes
from scripts.embedded.loop import Schedule, Unfinished, device_here, fit, world
from scripts.embedded.photographs import photographs
from scripts.embedded.words import bert_tokenizer

SIDE_PX = eyes.SIDE_PX
WIDTH = 192  # of the text decoder
MAX_TOKENS = 12
SCHEDULE = Schedule(samples=250_000, batch_size=64, learning_rate=1e-3, weight_decay=0.05)
SAVED = {"blip.text_decoder.": "caption/text_decoder."}  # names in the trained module → in the folder
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


class Captioning(nn.Module):
    """BLIP with the eyes that ``eyes`` trained, locked: from captions alone the decoder learns to name without looking.

    Tried, share of learned things named in the unseen style: a vision transformer taught by captions alone, 0.5 % after
    60 000 pictures; with the caption's bag of words as a second task, 5 % after 300 000.
    """

    def __init__(self, tokenizer: BertTokenizer, seeing: Eyes) -> None:
        super().__init__()
        self.blip = build(tokenizer)
        self.blip.vision_model.load_state_dict(seeing.vision.state_dict())
        self.blip.vision_model.requires_grad_(False)

    def train(self, mode: bool = True) -> Captioning:
        """Locked also in its running means."""
        super().train(mode)
        self.blip.vision_model.eval()
        return self

    def forward(self, pictures: Tensor, ids: Tensor, pad: int) -> Tensor:
        """Cross-entropy of the captions. ``pictures`` (B, 3, H, W) in [-1, 1]; ``ids`` (B, L), padded with ``pad``."""
        mask = ids != pad
        loss: Tensor = self.blip(
            pixel_values=pictures, input_ids=ids, attention_mask=mask, labels=ids.masked_fill(~mask, -100)
        ).loss
        return loss


def build(tokenizer: BertTokenizer) -> ResidualBlip:
    """A fresh BLIP."""
    seen = eyes.CHANNELS[-1]
    vision = BlipVisionConfig(
        hidden_size=seen,
        intermediate_size=seen,
        num_hidden_layers=1,
        num_attention_heads=4,
        image_size=SIDE_PX,
        patch_size=16,
    )
    text = BlipTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        encoder_hidden_size=seen,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=6,
        max_position_embeddings=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.sep_token_id,
        sep_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    described = vision.to_dict() | {CHANNELS_KEY: list(eyes.CHANNELS)}
    config = BlipConfig(
        text_config=text.to_dict(), vision_config=described, projection_dim=WIDTH, image_text_hidden_size=WIDTH
    )
    config.text_config.encoder_hidden_size = seen  # BlipConfig overwrites it
    return ResidualBlip(config)


def tokenizer_of(art: P.Art, out: Path) -> BertTokenizer:
    """The tokenizer that lies in ``out`` already, else one whose pieces are learned from the art's names."""
    if (out / "caption" / "tokenizer.json").is_file():
        return BertTokenizer.from_pretrained(out / "caption", local_files_only=True)
    return bert_tokenizer(art.names)


def tokens_of(tokenizer: BertTokenizer, captions: list[str]) -> Tensor:
    """Token ids with BLIP's decoder start in place of [CLS]. Returns (B, L)."""
    ids = tokenizer(captions, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt").input_ids
    ids[:, 0] = tokenizer.bos_token_id
    return ids


def names_the_thing(caption: str, name: str) -> bool:
    """Whether a caption has a word of the name's that says what it is (its longest)."""
    return max(name.split(), key=len) in caption.split()


@torch.no_grad()
def share_named(model: ResidualBlip, tokenizer: BertTokenizer, held_out: Gallery, known: set[str]) -> dict[str, float]:
    """Share of held-out-style pictures named, for names that were learned in other styles and for names never seen."""
    figures = {}
    for label, want_known in (("learned_names", True), ("new_names", False)):
        chosen = [i for i, name in enumerate(held_out.names) if (name in known) is want_known][::4][:200]
        rgba = torch.from_numpy(held_out.rgba[chosen]).permute(0, 3, 1, 2)
        pictures = eyes.small(P.over(P.halved(rgba).float() / 255, torch.ones(1, 3, 1, 1)) * 2 - 1).to(model.device)
        ids = torch.cat([_generated(model, part) for part in pictures.split(32)])
        captions = tokenizer.batch_decode(ids, skip_special_tokens=True)
        hits = [names_the_thing(c, held_out.names[i]) for c, i in zip(captions, chosen, strict=True)]
        figures[f"named_{label}"] = sum(hits) / len(hits)
    return figures


def _generated(model: ResidualBlip, pictures: Tensor) -> Tensor:
    ids = model.generate(pixel_values=pictures, max_length=MAX_TOKENS, num_beams=1)
    return torch.nn.functional.pad(ids, (0, MAX_TOKENS + 1 - ids.shape[1]))


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save to ``out/caption``."""
    seeing, things = eyes.teacher(art, held_out, work, minutes)
    if not eyes.ready(work):
        raise Unfinished("eyes")
    taught, photos = things.art, photographs()
    tokenizer = tokenizer_of(art, out)
    learner = Captioning(tokenizer, seeing).to(device_here())

    def loss_of(model: nn.Module, generator: Generator) -> Tensor:
        index, pictures = eyes.batch(taught, photos, SCHEDULE.batch_size, generator)
        ids = tokens_of(tokenizer, [taught.names[i] for i in index.tolist()]).to(learner.blip.device)
        loss: Tensor = model(eyes.small(pictures).to(learner.blip.device), ids, tokenizer.pad_token_id)
        return loss

    known = set(taught.names)
    figures = fit(
        "blip",
        learner,
        loss_of,
        SCHEDULE,
        work,
        minutes=minutes,
        evaluate=lambda net: share_named(net.blip, tokenizer, held_out, known),  # type: ignore[arg-type]
    )
    if world()[0] > 0:  # one of the processes writes
        return figures
    learner.blip.half().save_pretrained(out / "caption")
    size = {"height": SIDE_PX, "width": SIDE_PX}
    image_processor = BlipImageProcessorPil(size=size, image_mean=MEAN, image_std=STD)
    BlipProcessor(image_processor, tokenizer).save_pretrained(out / "caption")
    return figures
