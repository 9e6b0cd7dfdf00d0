"""CLIP-score and PickScore: how well a picture and words belong together, by each such model that is on this machine.

The first is the profile's own CLIP. Owns the table of the others and the scores' formulas. Downloads nothing: a model
that is not here is named. Loads torch and transformers.

torchmetrics' CLIPScore and PickScore's own example take the features for a tensor, which transformers 5 no longer
returns; so both are written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

from pipeline.clip_space import embedded_pictures, embedded_words
from pipeline.models import Clip, Models
from scripts.evaluate.features import Array

BATCH = 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """A CLIP: a hub id or a folder; a second one where the tokenizer and the image processor are another's."""

    model: str
    processor: str
    relative: bool  # 100 · max(cosine, 0), as CLIP-score has it; else the cosine times the model's own scale


SOURCES = {
    "CLIP-score": Source(model="openai/clip-vit-base-patch16", processor="openai/clip-vit-base-patch16", relative=True),
    "PickScore": Source(
        model="yuvalkirstain/PickScore_v1", processor="laion/CLIP-ViT-H-14-laion2B-s32B-b79K", relative=False
    ),
}


def located(source: str) -> Path | None:
    """The folder of a model that is on this machine."""
    if Path(source).is_dir():
        return Path(source)
    try:
        return Path(snapshot_download(source, local_files_only=True))
    except (LocalEntryNotFoundError, HfHubHTTPError):
        return None


def lacks(models: Models) -> dict[str, str | None]:
    """Every scorer, and why it cannot be used here; None where it can."""
    own = None if models.clip is not None else f"the profile {models.profile.name!r} has no CLIP"
    return {own_name(models): own} | {name: _lack(source) for name, source in SOURCES.items()}


def own_name(models: Models) -> str:
    """What the scorer is called that stands on the profile's own CLIP."""
    return f"CLIP-score ({models.profile.name})"


def _lack(source: Source) -> str | None:
    for place in (source.model, source.processor):
        if located(place) is None:
            return f"{place} is not on this machine; `hf download {place}` fetches it"
    return None


def scorers(models: Models) -> list[Scorer]:
    """Those that can be used here, the profile's own first."""
    found = [] if models.clip is None else [Scorer(name=own_name(models), clip=models.clip, relative=True)]
    device = models.device.torch_device
    usable = [name for name, source in SOURCES.items() if _lack(source) is None]
    return found + [
        Scorer(name=name, clip=loaded(SOURCES[name], device), relative=SOURCES[name].relative) for name in usable
    ]


def loaded(source: Source, device: torch.device) -> Clip:
    """A model that is on this machine."""
    model, processor = located(source.model), located(source.processor)
    found = CLIPModel.from_pretrained(model, local_files_only=True, use_safetensors=True)
    return Clip(
        model=found.eval().requires_grad_(False).to(device),
        processor=CLIPImageProcessorPil.from_pretrained(processor, local_files_only=True),
        tokenizer=AutoTokenizer.from_pretrained(processor, local_files_only=True, trust_remote_code=False),
    )


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """A model that scores how well a picture and words belong together."""

    name: str
    clip: Clip
    relative: bool  # as in ``Source``

    def of_pictures(self, pictures: Sequence[Image.Image]) -> Tensor:
        """(N, D) of unit length."""
        rgb = [picture.convert("RGB") for picture in pictures]
        parts = [rgb[start : start + BATCH] for start in range(0, len(rgb), BATCH)]
        return torch.cat([embedded_pictures(self.clip, part) for part in parts])

    def of_words(self, prompts: Sequence[str]) -> Tensor:
        """(P, D) of unit length."""
        return embedded_words(self.clip, prompts, BATCH)

    def scores(self, words: Tensor, pictures: Tensor) -> Array:
        """Every prompt with every picture. Returns (P, N)."""
        cosine = (words @ pictures.T).double()
        if self.relative:
            return (100 * cosine.clamp(min=0)).numpy()
        return (self.clip.model.logit_scale.exp().cpu().double() * cosine).numpy()
