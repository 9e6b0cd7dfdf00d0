"""Pictures and words in the one space of CLIP, where what belongs together lies together (Radford et al. 2021).

Owns how a picture is looked at and how words are put. Knows no file and no stage. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor

from pipeline.models import Clip

TEMPLATES = ("{}", "a telegram sticker of {}")  # words are embedded as the mean over them (Radford et al. 2021, 3.1.4)
SMALLER = 0.9  # of the side: a picture is looked at as it is and a little smaller, each mirrored too


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def embedded_pictures(clip: Clip, pictures: Sequence[Image.Image]) -> Tensor:
    """RGB pictures in CLIP's space: (B, D) float32 on the CPU, of unit length."""
    pixels = clip.processor(images=list(pictures), return_tensors="pt").pixel_values  # (B, 3, H, W)
    seen = clip.model.get_image_features(pixel_values=pixels.to(clip.model.device, clip.model.dtype))
    return F.normalize(seen.pooler_output.float(), dim=-1).cpu()


def looked_at(clip: Clip, pictures: Sequence[Image.Image]) -> Tensor:
    """The same, as the mean over four views of each picture; surer than one look."""
    views = [view for picture in pictures for view in views_of(picture)]
    each = embedded_pictures(clip, views).unflatten(0, (len(pictures), -1))  # (B, 4, D)
    return F.normalize(each.sum(dim=1), dim=-1)


def views_of(picture: Image.Image) -> list[Image.Image]:
    """As it is and a little smaller on its ground, which is the colour of its corner; each mirrored too."""
    side = round(picture.width * SMALLER), round(picture.height * SMALLER)
    smaller = Image.new("RGB", picture.size, picture.convert("RGB").getpixel((0, 0)))
    corner = (picture.width - side[0]) // 2, (picture.height - side[1]) // 2
    smaller.paste(picture.resize(side, Image.Resampling.BICUBIC), corner)
    return [picture, ImageOps.mirror(picture), smaller, ImageOps.mirror(smaller)]


@torch.no_grad()
def embedded_words(clip: Clip, words: Sequence[str], batch_size: int = 64) -> Tensor:
    """Words in CLIP's space: (N, D) float32 on the CPU, of unit length."""
    found = []
    for start in range(0, len(words), batch_size):
        batch = list(words[start : start + batch_size])
        tokens = clip.tokenizer(batch, padding=True, truncation=True, return_tensors="pt").to(clip.model.device)
        read = clip.model.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
        found.append(F.normalize(read.pooler_output.float(), dim=-1).cpu())
    return torch.cat(found)


def embedded_things(clip: Clip, names: Sequence[str]) -> Tensor:
    """Names of things, each put into every template: (N, D) float32 on the CPU, of unit length."""
    by_template = [embedded_words(clip, [template.format(name) for name in names]) for template in TEMPLATES]
    return F.normalize(torch.stack(by_template).mean(dim=0), dim=-1)


def scale_of(clip: Clip) -> float:
    """What cosines are multiplied by before the softmax."""
    return float(clip.model.logit_scale.exp())
