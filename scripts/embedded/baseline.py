"""A plain U-Net for masks, as the 2023 system had one, to compare the SegFormer with: same data, loss and schedule.

``python -m scripts.embedded.baseline`` trains it; interrupt it at any time and run it again. Its weights are not
shipped: they lie in ``build/``, where ``stickers evaluate`` looks for them.

Owns its architecture. Loads torch.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor, nn

from scripts.embedded import pictures as P
from scripts.embedded import segformer
from scripts.embedded.loop import Schedule, device_here, fit, world
from segmentation import learn

WIDTHS = (24, 48, 96, 196)  # channels at each depth; 1.1 M weights in all; the SegFormer has 1.2 M
WEIGHTS = Path("build/embedded/unet-baseline.safetensors")
COMMAND = "python -m scripts.embedded.baseline"


class Twice(nn.Sequential):
    """Two 3 x 3 convolutions."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
        )


class UNet(nn.Module):
    """Ronneberger et al. 2015, figure 1, with padding, so that the mask is as large as the picture."""

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.down = nn.ModuleList(Twice(*pair) for pair in pairwise((3, *widths)))
        deep_first = widths[::-1]
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairwise(deep_first))
        self.joined = nn.ModuleList(Twice(2 * width, width) for width in deep_first[1:])
        self.head = nn.Conv2d(widths[0], 2, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1], sides divisible by 8 → logits (B, 2, H, W) of ground and sticker."""
        across: list[Tensor] = []
        x = pictures
        for level, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if level else x)
            across.append(x)
        across.pop()
        for up, block in zip(self.up, self.joined, strict=True):
            x = block(torch.cat([up(x), across.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def load(path: Path, device: torch.device) -> UNet:
    """The trained baseline, frozen, in evaluation mode."""
    model = UNet()
    model.load_state_dict(load_file(path))
    return model.requires_grad_(False).eval().to(device)


def train(
    art: P.Art, scenes: Tensor, work: Path, out: Path, minutes: float | None, schedule: Schedule = segformer.SCHEDULE
) -> dict[str, float]:
    """Train on SegFormer's batches with SegFormer's loss, and write the weights to ``out``.

    ``scenes``: (N, 3, H, W), what lies behind stickers in the place of a photograph.
    """
    model = UNet().to(device_here())

    def loss_of(net: nn.Module, generator: Generator) -> Tensor:
        composite, alpha = segformer.batch(art, scenes, schedule.batch_size, generator)
        device = next(net.parameters()).device
        return learn.mask_loss(net(composite.to(device)), alpha.to(device))

    figures = fit("unet-baseline", model, loss_of, schedule, work, minutes=minutes)
    if world()[0] == 0:  # one of the processes writes
        out.parent.mkdir(parents=True, exist_ok=True)
        temporary = out.with_suffix(".tmp")
        save_file({name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}, temporary)
        temporary.replace(out)
    return figures


def main(
    work: Annotated[Path, typer.Option(help="Rendered art, checkpoints and logs.")] = Path("build/embedded"),
    art: Annotated[Path, typer.Option(help="Art packages; fetched with npm when they are not there.")] = Path(
        "build/art"
    ),
    minutes: Annotated[float | None, typer.Option(help="Stop after so long; run again to go on.")] = None,
    samples: Annotated[
        int, typer.Option(min=1, help="Pictures to see in all; the learning rate falls over them.")
    ] = segformer.SCHEDULE.samples,
) -> None:
    """Train the U-Net that the SegFormer is compared with."""
    work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)  # every process starts from the same weights
    taught = P.coloured(P.training_art(art, work / "art"))
    schedule = replace(segformer.SCHEDULE, samples=samples)
    behind = segformer.scenes(taught, work / "photographs", Generator().manual_seed(schedule.seed))
    train(taught, behind, work, WEIGHTS, minutes, schedule)


if __name__ == "__main__":
    typer.run(main)
