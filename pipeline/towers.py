"""BLIP and CLIP with a residual network for eyes, where a model's ``config.json`` asks for one.

From six thousand drawings a small residual network learns to see in minutes on a CPU; a vision transformer does not in
hours. The first CLIP came with either (Radford et al. 2021, section 2.4). A published model, whose vision is a
transformer, is loaded by the library's own class.

Owns the network and the choice. Knows no profile. Heavy: loads torch and transformers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BlipConfig, BlipForConditionalGeneration, CLIPConfig, CLIPModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

CHANNELS_KEY = "residual_channels"  # in ``vision_config``: the widths of ``ResidualVision``


class Residual(nn.Module):
    """Two 3 x 3 convolutions and what goes around them (He et al. 2016)."""

    def __init__(self, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, out_channels, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(out_channels)
        self.second = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(out_channels)
        self.around = nn.Sequential(
            nn.AvgPool2d(stride, ceil_mode=True),
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, out, H / stride, W / stride)."""
        inner = F.relu(self.first_norm(self.first(x)))
        return F.relu(self.second_norm(self.second(inner)) + self.around(x))


class ResidualVision(nn.Module):
    """A picture → tokens, as a vision transformer gives them: one for the whole, then one a position.

    The first convolution and every block from the third on halve the sides; ``channels`` are their widths.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        first, *rest = channels
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(),
        )
        wide = zip(channels, rest, strict=False)
        self.blocks = nn.ModuleList(Residual(a, b, 2 if i else 1) for i, (a, b) in enumerate(wide))
        self.to(memory_format=torch.channels_last)

    def forward(self, pixel_values: Tensor, **_: Any) -> BaseModelOutputWithPooling:
        """(B, 3, H, W) normalised. Every layer as (B, 1 + h·w, C), the mean of its positions first."""
        x = self.stem(pixel_values.to(memory_format=torch.channels_last))
        layers = [_tokens(x)]
        for block in self.blocks:
            x = block(x)
            layers.append(_tokens(x))
        return BaseModelOutputWithPooling(
            last_hidden_state=layers[-1],  # type: ignore[arg-type]
            pooler_output=layers[-1][:, 0],  # type: ignore[arg-type]
            hidden_states=tuple(layers),  # type: ignore[arg-type]
        )


def _tokens(x: Tensor) -> Tensor:
    """(B, C, h, w) → (B, 1 + h·w, C)."""
    positions = x.flatten(2).transpose(1, 2)
    return torch.cat([positions.mean(dim=1, keepdim=True), positions], dim=1)


class ResidualBlip(BlipForConditionalGeneration):
    """BLIP whose vision is a ``ResidualVision``."""

    def __init__(self, config: BlipConfig) -> None:
        super().__init__(config)
        self.vision_model = ResidualVision(getattr(config.vision_config, CHANNELS_KEY))  # type: ignore[assignment]


class ResidualClip(CLIPModel):
    """CLIP whose vision is a ``ResidualVision``."""

    def __init__(self, config: CLIPConfig) -> None:
        super().__init__(config)
        self.vision_model = ResidualVision(getattr(config.vision_config, CHANNELS_KEY))  # type: ignore[assignment]


def _is_residual(folder: Path) -> bool:
    """Whether the model in ``folder`` says that its eyes are a residual network.

    Raises:
        OSError, ValueError: there is no ``config.json``, or it is no JSON.
    """
    vision = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("vision_config")
    return isinstance(vision, dict) and CHANNELS_KEY in vision


def blip_class(folder: Path) -> type[BlipForConditionalGeneration]:
    """What loads the BLIP in ``folder``."""
    return ResidualBlip if _is_residual(folder) else BlipForConditionalGeneration


def clip_class(folder: Path) -> type[CLIPModel]:
    """What loads the CLIP in ``folder``."""
    return ResidualClip if _is_residual(folder) else CLIPModel
