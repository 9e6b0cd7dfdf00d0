"""What a network sees in pictures, layer by layer; and the perceptual distances that are made of it.

Owns the table of feature networks and the distances. Knows no part. Loads torch.

The networks were trained on sticker art by the recipe, or come with the profile: a network of photographs would not
know these drawings, and would have to be downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from scripts.evaluate.subject import Subject

Array = NDArray[np.float64]
Distance = Callable[[Sequence[Image.Image], Sequence[Image.Image]], Array]

BATCH = 16
VGG = "vgg16-397923af.pth"  # torchvision's name of the weights that LPIPS stands on


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a network made of some pictures."""

    layers: list[Tensor]  # each (B, C, h, w)
    embedding: Tensor  # (B, D)


@dataclass(frozen=True, kw_only=True)
class VisionTower:
    """The eyes of a model of transformers: a token for the whole, then one a patch."""

    name: str  # of the model that it is part of
    model: Any
    side_px: int
    mean: Sequence[float]
    std: Sequence[float]
    projection: Any = None  # of what the whole was seen as into the model's space; without it, the patches' mean

    @torch.no_grad()
    def see(self, pictures: Sequence[Image.Image]) -> Iterator[Seen]:
        """The pictures (RGB), batch by batch."""
        for start in range(0, len(pictures), BATCH):
            x = resized(as_tensor(pictures[start : start + BATCH]), self.side_px)
            x = (x - torch.tensor(self.mean).view(3, 1, 1)) / torch.tensor(self.std).view(3, 1, 1)
            weight = next(self.model.parameters())
            output = self.model(x.to(weight.device, weight.dtype), output_hidden_states=True)
            layers = [patches(hidden) for hidden in output.hidden_states]
            yield Seen(layers=layers, embedding=self._embedding(output))

    def _embedding(self, output: Any) -> Tensor:
        """(B, D) float32 on the CPU."""
        if self.projection is None:
            return patches(output.last_hidden_state).mean(dim=(2, 3))
        return F.normalize(self.projection(output.pooler_output).float(), dim=-1).cpu()

    def embeddings(self, pictures: Sequence[Image.Image]) -> Array:
        """What the model makes of each picture as a whole. Returns (N, D)."""
        return np.concatenate([seen.embedding.double().numpy() for seen in self.see(pictures)])

    def style(self, pictures: Sequence[Image.Image]) -> Array:
        """Mean and standard deviation of every channel of every layer (Huang & Belongie 2017). Returns (N, D)."""
        return np.concatenate(
            [torch.cat([channel_statistics(layer) for layer in seen.layers], 1).numpy() for seen in self.see(pictures)]
        )

    def distance(self, pictures: Sequence[Image.Image], others: Sequence[Image.Image]) -> Array:
        """As ``layer_distance``, for pairs. Returns (N,)."""
        pairs = zip(self.see(pictures), self.see(others), strict=True)
        return np.concatenate([layer_distance(a.layers, b.layers).numpy() for a, b in pairs])


def patches(hidden: Tensor) -> Tensor:
    """(B, 1 + h·h, C) → (B, C, h, h), float32 on the CPU, the class token left out."""
    tokens = hidden[:, 1:].float().cpu()
    side = round(tokens.shape[1] ** 0.5)
    return tokens.transpose(1, 2).unflatten(2, (side, side))


def layer_distance(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """Zhang et al. 2018 (LPIPS), eq. 1, with all weights 1 and the layers' mean for their sum.

    At every position the features are brought to unit length over the channels; the squared differences are summed over
    the channels and averaged over positions and layers. Each layer (B, C, h, w). Returns (B,), in [0, 4], float64.
    """
    found = [
        (F.normalize(a.double(), dim=1) - F.normalize(b.double(), dim=1)).square().sum(dim=1).mean(dim=(1, 2))
        for a, b in zip(first, second, strict=True)
    ]
    return torch.stack(found).mean(dim=0)


def channel_statistics(layer: Tensor) -> Tensor:
    """Mean and standard deviation over the positions. (B, C, h, w) → (B, 2 C), float64."""
    flat = layer.double().flatten(2)
    return torch.cat([flat.mean(dim=2), flat.std(dim=2, unbiased=False)], dim=1)


def strokes(pictures: Sequence[Image.Image], side_px: int = 64) -> Array:
    """The same statistics of what needs no network: colours, the darkest of them, and how they change to the neighbour.

    Line and fill of a style lie in these (how dark, how sharp, how much); the thing that is drawn hardly does.
    Returns (N, 20).
    """
    x = resized(as_tensor(pictures), side_px)
    here = x[..., 1:, 1:]
    across, down = (here - x[..., 1:, :-1]).abs(), (here - x[..., :-1, 1:]).abs()
    layer = torch.cat([here, here.amin(dim=1, keepdim=True), across, down], dim=1)
    return channel_statistics(layer).numpy()


def as_tensor(pictures: Sequence[Image.Image]) -> Tensor:
    """(B, 3, H, W) in [0, 1]."""
    arrays = [torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1) for picture in pictures]
    return torch.stack(arrays).float() / 255


def as_images(pictures: Tensor) -> list[Image.Image]:
    """The reverse of ``as_tensor``; values outside are cut off."""
    arrays = (pictures.float().clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(array) for array in arrays]


def resized(pictures: Tensor, side_px: int) -> Tensor:
    """Squares of another size."""
    return F.interpolate(pictures, size=(side_px, side_px), mode="bilinear", antialias=True)


def clip_tower(subject: Subject) -> VisionTower | None:
    """The eyes of the profile's CLIP; what it sees, projected to where the words are."""
    clip = subject.models.clip
    if clip is None:
        return None
    return VisionTower(
        name="CLIP",
        model=clip.model.vision_model,
        side_px=clip.processor.size["height"],
        mean=clip.processor.image_mean,
        std=clip.processor.image_std,
        projection=clip.model.visual_projection,
    )


def captioner_tower(subject: Subject) -> VisionTower:
    """The eyes of the profile's BLIP."""
    captioner = subject.models.caption
    processor = captioner.processor.image_processor
    return VisionTower(
        name="BLIP",
        model=captioner.model.vision_model,
        side_px=processor.size["height"],
        mean=processor.image_mean,
        std=processor.image_std,
    )


# The first entry that a profile has is taken. One says None where the profile has no such model.
NETWORKS: dict[str, Callable[[Subject], VisionTower | None]] = {"clip": clip_tower, "blip": captioner_tower}


def feature_network(subject: Subject) -> VisionTower:
    """The network that looks at pictures."""
    return next(found for entry in NETWORKS.values() if (found := entry(subject)) is not None)


def lpips_lack() -> str | None:
    """Why LPIPS cannot be measured here; None where it can."""
    if find_spec("torchvision") is None:
        return "LPIPS needs torchvision and VGG-16's weights"
    if not (Path(torch.hub.get_dir()) / "checkpoints" / VGG).is_file():
        return f"LPIPS needs VGG-16's weights, {VGG}, in torch's hub folder"
    return None


def lpips(pictures: Sequence[Image.Image], others: Sequence[Image.Image]) -> Array:
    """LPIPS with VGG-16, of pairs. Only where ``lpips_lack`` says None: nothing is downloaded. Returns (N,)."""
    from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity

    metric = LearnedPerceptualImagePatchSimilarity("vgg", normalize=True)
    pairs = zip(as_tensor(pictures), as_tensor(others), strict=True)
    return np.array([float(metric(a[None], b[None])) for a, b in pairs])


def distances(subject: Subject) -> dict[str, Distance]:
    """The perceptual distances that can be measured here, the one to be believed first."""
    network = feature_network(subject)
    found: dict[str, Distance] = {} if lpips_lack() else {"LPIPS": lpips}
    return found | {f"{network.name}'s layers": network.distance}
