"""CLIP-score and PickScore: how well a picture and words belong together, where such a model is on this machine.

Owns the table of scorers and their formulas. Downloads nothing: a model that is not here is named. Loads torch and
transformers.

torchmetrics' CLIPScore and PickScore's own example take the features for a tensor, which transformers 5 no longer
returns; so both are written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from PIL import Image
from torch import Tensor
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

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


def lack(name: str) -> str | None:
    """Why a scorer cannot be used here; None where it can."""
    for source in (SOURCES[name].model, SOURCES[name].processor):
        if located(source) is None:
            return f"{source} is not on this machine; `hf download {source}` fetches it"
    return None


class Scorer:
    """A loaded model; only where ``lack`` says None."""

    def __init__(self, name: str, device: torch.device) -> None:
        source = SOURCES[name]
        model, processor = located(source.model), located(source.processor)
        self.name, self.relative = name, source.relative
        loaded = CLIPModel.from_pretrained(model, local_files_only=True, use_safetensors=True)
        self.model = loaded.eval().requires_grad_(False).to(device)
        self.images = CLIPImageProcessorPil.from_pretrained(processor, local_files_only=True)
        self.tokenizer = AutoTokenizer.from_pretrained(processor, local_files_only=True, trust_remote_code=False)

    @torch.no_grad()
    def of_pictures(self, pictures: Sequence[Image.Image]) -> Tensor:
        """(N, D) of unit length."""
        found = []
        for start in range(0, len(pictures), BATCH):
            batch = [picture.convert("RGB") for picture in pictures[start : start + BATCH]]
            pixels = self.images(images=batch, return_tensors="pt").pixel_values.to(self.model.device)
            found.append(F.normalize(self.model.get_image_features(pixel_values=pixels).pooler_output, dim=-1).cpu())
        return torch.cat(found)

    @torch.no_grad()
    def of_words(self, prompts: Sequence[str]) -> Tensor:
        """(P, D) of unit length."""
        found = []
        for start in range(0, len(prompts), BATCH):
            batch = list(prompts[start : start + BATCH])
            tokens = self.tokenizer(batch, padding=True, truncation=True, return_tensors="pt").to(self.model.device)
            given = {"input_ids": tokens.input_ids, "attention_mask": tokens.attention_mask}
            found.append(F.normalize(self.model.get_text_features(**given).pooler_output, dim=-1).cpu())
        return torch.cat(found)

    def scores(self, words: Tensor, pictures: Tensor) -> Array:
        """Every prompt with every picture. Returns (P, N)."""
        cosine = (words @ pictures.T).double()
        if self.relative:
            return (100 * cosine.clamp(min=0)).numpy()
        return (self.model.logit_scale.exp().cpu().double() * cosine).numpy()
