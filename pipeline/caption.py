"""The caption stage: BLIP says what is in each photo.

Owns batching and the tidying of captions. Knows no file and no queue. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.domain import Picture, Report, ShouldStop
from pipeline.errors import Stopped
from pipeline.framing import on_ground
from pipeline.models import Captioner

FALLBACK = "something"  # where the model has no word for it


@dataclass(frozen=True, kw_only=True)
class CaptionInputs:
    """Photos, and the model that looks at them."""

    photos: Sequence[Picture]
    captioner: Captioner


@dataclass(frozen=True, kw_only=True)
class CaptionConfig:
    """How captions are sought."""

    batch_size: int = 8
    beams: int = 3
    max_new_tokens: int = 20
    side_px: int = 384  # of the square that the model's own processor starts from


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def caption(inputs: CaptionInputs, config: CaptionConfig, *, report: Report, should_stop: ShouldStop) -> dict[str, str]:
    """Name of each photo → its caption, a few lower-case words.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    model, processor = inputs.captioner.model, inputs.captioner.processor
    captions: dict[str, str] = {}
    for start in range(0, len(inputs.photos), config.batch_size):
        if should_stop():
            raise Stopped()
        photos = inputs.photos[start : start + config.batch_size]
        squares = [on_ground(photo.image, config.side_px) for photo in photos]
        pixels = processor(images=squares, return_tensors="pt").pixel_values  # (B, 3, H, W)
        ids = model.generate(
            pixel_values=pixels.to(model.device, model.dtype),
            num_beams=config.beams,
            max_new_tokens=config.max_new_tokens,
        )
        for photo, text in zip(photos, processor.batch_decode(ids, skip_special_tokens=True), strict=True):
            captions[photo.name] = tidied(text)
        report(len(captions), len(inputs.photos))
    return captions


def tidied(text: str) -> str:
    """A caption in lower case, no word twice in a row, no stray spaces; ``FALLBACK`` where nothing is left."""
    words: list[str] = []
    for word in text.lower().strip().strip(".").split():
        if not words or words[-1] != word:
            words.append(word)
    return " ".join(words) or FALLBACK
