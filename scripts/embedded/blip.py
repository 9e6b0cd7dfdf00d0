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
    BlipForConditionalGeneration,
    BlipProcessor,
    BlipTextConfig,
    BlipVisionConfig,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil

from scripts.embedded import eyes
from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.eyes import Eyes
from scripts.embedded.loop import Schedule, device_here, fit, world
from scripts.embedded.words import bert_tokenizer

SIDE_PX = 48  # emoji are made to be known at this size; 36 patches
PATCH_PX = 8
WIDTH = 192
MAX_TOKENS = 12
SCHEDULE = Schedule(samples=260_000, batch_size=32, learning_rate=1e-3, weight_decay=0.05)
MEAN, STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)
TEACHER_WEIGHT = 4.0  # of the distance from the teacher's embedding, which is in [0, 2], beside the captions' loss


class Captioning(nn.Module):
    """BLIP, and a second task that teaches its eyes: see what the teacher sees.

    From captions alone the text decoder soon writes likely names without looking, and the untrained vision tower gets
    no gradient worth the name (tried, share of learned things named in the unseen style: 0.5 % after 60 000 pictures of
    128 px from captions alone; 5 % after 300 000 of 64 px with the caption's bag of words as the second task).
    The head that speaks to the teacher is not saved.
    """

    def __init__(self, tokenizer: BertTokenizer) -> None:
        super().__init__()
        self.blip = build(tokenizer)
        self.to_teacher = nn.Linear(WIDTH, eyes.WIDTH)

    def forward(self, pictures: Tensor, ids: Tensor, pad: int, taught: Tensor) -> Tensor:
        """The sum of both losses.

        Args:
            pictures: (B, 3, H, W) in [-1, 1].
            ids: (B, L), padded with ``pad``.
            taught: (B, W) of unit length, what the teacher makes of the same pictures.
        """
        mask = ids != pad
        output = self.blip(
            pixel_values=pictures, input_ids=ids, attention_mask=mask, labels=ids.masked_fill(~mask, -100)
        )
        seen = self.to_teacher(output.last_hidden_state[:, 1:].mean(dim=1))  # all patches together
        distance = 1 - nn.functional.cosine_similarity(seen.float(), taught, dim=-1)
        return output.loss + TEACHER_WEIGHT * distance.mean()


def build(tokenizer: BertTokenizer) -> BlipForConditionalGeneration:
    """A fresh BLIP."""
    vision = BlipVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=6,
        num_attention_heads=6,
        image_size=SIDE_PX,
        patch_size=PATCH_PX,
        initializer_range=0.02,  # the published value serves loading, not learning
    )
    text = BlipTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        encoder_hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=3,
        num_attention_heads=6,
        max_position_embeddings=32,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.sep_token_id,
        sep_token_id=tokenizer.sep_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config = BlipConfig(
        text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=WIDTH, image_text_hidden_size=WIDTH
    )
    model = BlipForConditionalGeneration(config)
    torch.nn.init.normal_(model.vision_model.embeddings.class_embedding, std=0.02)
    torch.nn.init.normal_(model.vision_model.embeddings.position_embedding, std=0.02)
    return model


def tokens_of(tokenizer: BertTokenizer, captions: list[str]) -> Tensor:
    """Token ids with BLIP's decoder start in place of [CLS]. Returns (B, L)."""
    ids = tokenizer(captions, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt").input_ids
    ids[:, 0] = tokenizer.bos_token_id
    return ids


def sized(pictures: Tensor) -> Tensor:
    """Pictures at BLIP's side."""
    return nn.functional.interpolate(pictures, size=(SIDE_PX, SIDE_PX), mode="bilinear", antialias=True)


def names_the_thing(caption: str, name: str) -> bool:
    """Whether a caption has a word of the name's that says what it is (its longest)."""
    return max(name.split(), key=len) in caption.split()


@torch.no_grad()
def share_named(
    model: BlipForConditionalGeneration, tokenizer: BertTokenizer, held_out: Gallery, known: set[str]
) -> dict[str, float]:
    """Share of held-out-style pictures named, for names that were learned in other styles and for names never seen."""
    figures = {}
    for label, want_known in (("learned_names", True), ("new_names", False)):
        chosen = [i for i, name in enumerate(held_out.names) if (name in known) is want_known][::4][:200]
        rgba = torch.from_numpy(held_out.rgba[chosen]).permute(0, 3, 1, 2)
        pictures = sized(P.over(P.halved(rgba).float() / 255, torch.ones(1, 3, 1, 1)) * 2 - 1).to(model.device)
        ids = torch.cat([_generated(model, part) for part in pictures.split(32)])
        captions = tokenizer.batch_decode(ids, skip_special_tokens=True)
        hits = [names_the_thing(c, held_out.names[i]) for c, i in zip(captions, chosen, strict=True)]
        figures[f"named_{label}"] = sum(hits) / len(hits)
    return figures


def _generated(model: BlipForConditionalGeneration, pictures: Tensor) -> Tensor:
    ids = model.generate(pixel_values=pictures, max_length=MAX_TOKENS, num_beams=1)
    return torch.nn.functional.pad(ids, (0, MAX_TOKENS + 1 - ids.shape[1]))


@torch.no_grad()
def _seen_by(net: Eyes, pictures: Tensor) -> Tensor:
    return net(eyes.small(pictures).to(memory_format=torch.channels_last))


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save to ``out/caption``."""
    tokenizer = bert_tokenizer(art.names)
    net, things = eyes.teacher(art, held_out, work)
    taught, photos = things.art, P.photographs()
    learner = Captioning(tokenizer).to(device_here())

    def loss_of(model: Captioning, generator: Generator) -> Tensor:
        index, pictures = eyes.batch(taught, photos, SCHEDULE.batch_size, generator)
        ids = tokens_of(tokenizer, [taught.names[i] for i in index.tolist()]).to(model.blip.device)
        pictures = pictures.to(model.blip.device)
        return model(sized(pictures), ids, tokenizer.pad_token_id, _seen_by(net, pictures))

    known = set(taught.names)
    figures = fit(
        "blip",
        learner,
        loss_of,
        SCHEDULE,
        work,
        minutes=minutes,
        evaluate=lambda net: share_named(net.blip, tokenizer, held_out, known),
    )
    if world()[0] > 0:  # one of the processes writes
        return figures
    learner.blip.half().save_pretrained(out / "caption")
    size = {"height": SIDE_PX, "width": SIDE_PX}
    image_processor = BlipImageProcessorPil(size=size, image_mean=MEAN, image_std=STD)
    BlipProcessor(image_processor, tokenizer).save_pretrained(out / "caption")
    return figures
