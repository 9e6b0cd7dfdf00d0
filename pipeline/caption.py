"""The caption stage: BLIP says what is in each photo, and of several things that it could say, CLIP chooses.

Owns batching and the tidying of captions. Knows no file and no queue. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image

from pipeline.clip_space import embedded_things, looked_at, scale_of
from pipeline.domain import Picture, Report, ShouldStop
from pipeline.errors import Stopped
from pipeline.framing import on_ground
from pipeline.models import Captioner, Clip

FALLBACK = "something"  # where the model has no word for it


@dataclass(frozen=True, kw_only=True)
class CaptionInputs:
    """Photos, and the model that looks at them."""

    photos: Sequence[Picture]
    captioner: Captioner
    judge: Clip | None = None  # None: what BLIP finds likeliest is taken


@dataclass(frozen=True, kw_only=True)
class CaptionConfig:
    """How captions are sought."""

    batch_size: int = 8
    beams: int = 6
    # Weight of CLIP's logit beside BLIP's mean log-probability of a token; chosen on 500 drawings not evaluated on.
    agreement: float = 0.4
    max_new_tokens: int = 20
    side_px: int = 384  # of the square that the model's own processor starts from


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def caption(inputs: CaptionInputs, config: CaptionConfig, *, report: Report, should_stop: ShouldStop) -> dict[str, str]:
    """Name of each photo → its caption, a few lower-case words; what its person said of it, where they said something.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    captions = {photo.name: tidied(photo.words) for photo in inputs.photos if photo.words}
    unsaid = [photo for photo in inputs.photos if not photo.words]
    for start in range(0, len(unsaid), config.batch_size):
        if should_stop():
            raise Stopped()
        photos = unsaid[start : start + config.batch_size]
        squares = [on_ground(photo.image, config.side_px) for photo in photos]
        for photo, said in zip(photos, _said(inputs, squares, config), strict=True):
            captions[photo.name] = said
        report(len(captions), len(inputs.photos))
    return captions


def _said(inputs: CaptionInputs, squares: Sequence[Image.Image], config: CaptionConfig) -> list[str]:
    """The caption of each picture."""
    model, processor = inputs.captioner.model, inputs.captioner.processor
    count = config.beams if inputs.judge else 1
    pixels = processor(images=list(squares), return_tensors="pt").pixel_values  # (B, 3, H, W)
    found = model.generate(
        pixel_values=pixels.to(model.device, model.dtype),
        num_beams=config.beams,
        num_return_sequences=count,
        max_new_tokens=config.max_new_tokens,
        output_scores=True,
        return_dict_in_generate=True,
    )
    said = [tidied(text) for text in processor.batch_decode(found.sequences, skip_special_tokens=True)]
    if inputs.judge is None or count == 1:
        return said
    likely = found.sequences_scores.float().cpu().unflatten(0, (len(squares), count))  # (B, N)
    words = embedded_things(inputs.judge, said).unflatten(0, (len(squares), count))  # (B, N, D)
    fitting = scale_of(inputs.judge) * (words @ looked_at(inputs.judge, squares)[..., None])[..., 0]  # (B, N)
    best = (likely + config.agreement * fitting).argmax(dim=1).tolist()
    return [said[number * count + place] for number, place in enumerate(best)]


def tidied(text: str) -> str:
    """A caption in lower case, no word twice in a row, no stray spaces; ``FALLBACK`` where nothing is left."""
    words: list[str] = []
    for word in text.lower().strip().strip(".").split():
        if not words or words[-1] != word:
            words.append(word)
    return " ".join(words) or FALLBACK
