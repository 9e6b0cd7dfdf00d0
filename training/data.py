"""From pictures to batches: plain grounds behind the stickers, latents made once, every draw repeatable.

Owns the composites, the cache of latents and the random numbers of a step. Knows no model (a family encodes) and no
loss. Loads torch and Pillow.

A pack's pictures are transparent, a model's are not: each picture is put on several plain grounds, so that the style
learned is the sticker's and not that of a colour behind it, and so that "one plain ground" is learned as well. The VAE
sees every such variant once; what is kept is its posterior, and each step draws fresh latents from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from training.errors import TrainingStopped
from training.modules import Family, Parts, Posterior, ShouldStop

ENCODE_BATCH = 8  # pictures that the VAE sees at once
WHITE = (255, 255, 255)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A picture and what is to be said of it."""

    image: Image.Image  # RGBA, of any size and shape
    prompt: str


Structure = Callable[[Image.Image], Image.Image]  # RGB square → the ControlNet's RGB picture of the same size


@dataclass(frozen=True, kw_only=True)
class Latents:
    """Pictures as the loop takes them: N pictures in V variants each, picture by picture, all on one device."""

    posterior: Posterior  # (N·V, C, h, w)
    loss_weights: Tensor  # (N·V, 1, h, w), in (0, 1]
    structure: Tensor | None  # (N·V, 3, H, W), uint8, for the ControlNet
    prompts: tuple[str, ...]  # N
    variants: int  # V


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step's random draw: the pack's pictures first, then the class pictures."""

    latents: Tensor  # (B, C, h, w)
    noise: Tensor  # (B, C, h, w), standard normal
    loss_weights: Tensor  # (B, 1, h, w)
    structure: Tensor | None  # (B, 3, H, W), in [0, 1]
    prompts: tuple[str, ...]  # B
    instance_count: int  # how many are the pack's


def one_of(batch: Batch, place: int) -> Batch:
    """The batch's picture ``place`` alone."""
    one = slice(place, place + 1)
    return Batch(
        latents=batch.latents[one],
        noise=batch.noise[one],
        loss_weights=batch.loss_weights[one],
        structure=None if batch.structure is None else batch.structure[one],
        prompts=batch.prompts[one],
        instance_count=1,
    )


def generator(seed: int, purpose: str, index: int = 0) -> torch.Generator:
    """A CPU generator for one purpose at one step, whatever was drawn before: a resumed run repeats its numbers."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{index}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))


def fitted(image: Image.Image, size_px: int) -> Image.Image:
    """The picture, RGBA, scaled to fit a transparent square and put in its middle."""
    scale = size_px / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    square = Image.new("RGBA", (size_px, size_px), (0, 0, 0, 0))
    scaled = image.convert("RGBA").resize((width, height), Image.Resampling.LANCZOS)
    square.paste(scaled, ((size_px - width) // 2, (size_px - height) // 2))
    return square


def variants(
    image: Image.Image, *, size_px: int, count: int, flip: bool, seed: int, index: int
) -> Iterator[Image.Image]:
    """``count`` RGBA squares: on white first, then on random plain colours; every second one mirrored with ``flip``.

    The ground is written into the colours and the alpha stays, for the weights of the loss.
    """
    square = fitted(image, size_px)
    colours = torch.randint(256, (count, 3), generator=generator(seed, "ground", index)).tolist()
    for number in range(count):
        colour = WHITE if number == 0 else tuple(colours[number])
        composite = Image.alpha_composite(Image.new("RGBA", square.size, (*colour, 255)), square)
        composite.putalpha(square.getchannel("A"))
        yield composite.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip and number % 2 else composite


def as_tensor(image: Image.Image) -> Tensor:
    """(channels, H, W), uint8."""
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def latent_weights(alpha: Tensor, size: Sequence[int], ground_loss_weight: float) -> Tensor:
    """The alpha (B, 1, H, W) in [0, 1] as weights of the loss, (B, 1, *size): 1 on the sticker, less beside it."""
    cover = F.adaptive_avg_pool2d(alpha, tuple(size))  # (B, 1, h, w): the share of each latent that the sticker covers
    return ground_loss_weight + (1 - ground_loss_weight) * cover


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How pictures become latents."""

    family: Family
    parts: Parts
    structure: Structure | None  # None = no ControlNet
    size_px: int
    seed: int
    ground_loss_weight: float
    device: torch.device


def encode(
    examples: Sequence[Example],
    how: Encoding,
    *,
    count: int,
    flip: bool,
    should_stop: ShouldStop,
    total: int,
    tell: Callable[[int], None] = lambda done: None,
) -> Latents:
    """Every example in ``count`` variants through the VAE, and through ``structure`` where there is a ControlNet.

    Args:
        tell: how many of the ``len(examples) * count`` pictures are done, after every batch.

    Raises:
        TrainingStopped: ``should_stop`` said so, asked at every batch; ``total`` is for its message.
    """
    squares = [
        square
        for index, example in enumerate(examples)
        for square in variants(example.image, size_px=how.size_px, count=count, flip=flip, seed=how.seed, index=index)
    ]
    pieces = []
    for start in range(0, len(squares), ENCODE_BATCH):
        if should_stop():
            raise TrainingStopped(0, total)
        pieces.append(_encode_batch(squares[start : start + ENCODE_BATCH], how))
        tell(min(start + ENCODE_BATCH, len(squares)))
    means, stds, weights, structures = zip(*pieces, strict=True)
    return Latents(
        posterior=Posterior(mean=torch.cat(means), std=torch.cat(stds)),
        loss_weights=torch.cat(weights),
        structure=torch.cat(structures) if how.structure else None,
        prompts=tuple(example.prompt for example in examples),
        variants=count,
    )


@torch.no_grad()
def _encode_batch(squares: Sequence[Image.Image], how: Encoding) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Mean and deviation of the latents, the loss weights, and the structure pictures."""
    pixels = torch.stack([as_tensor(square) for square in squares]).to(how.device)  # (B, 4, H, W), uint8
    posterior = how.family.encode_pictures(how.parts, pixels[:, :3].float() / 127.5 - 1)
    weights = latent_weights(pixels[:, 3:].float() / 255, posterior.mean.shape[-2:], how.ground_loss_weight)
    structure = None
    if how.structure:
        drawings = [how.structure(square.convert("RGB")).convert("RGB") for square in squares]
        structure = torch.stack([as_tensor(drawing) for drawing in drawings]).to(how.device)
    return posterior.mean, posterior.std, weights, structure


def picks(seed: int, role: str, step: int, batch_size: int, count: int) -> list[int]:
    """Which of ``count`` pictures step ``step`` takes: reshuffled passes over all, so that each comes equally often."""
    chosen = []
    for position in range(step * batch_size, (step + 1) * batch_size):
        turn, place = divmod(position, count)
        chosen.append(int(torch.randperm(count, generator=generator(seed, f"order/{role}", turn))[place]))
    return chosen


def draw(sources: Sequence[tuple[str, Latents]], *, seed: int, step: int, batch_size: int) -> Batch:
    """The batch of a step: ``batch_size`` pictures of each source (role, latents), the pack first.

    Every random number comes from ``seed`` and ``step`` alone and is drawn on the CPU: the same on every device.
    """
    parts = [_draw_from(latents, role, seed=seed, step=step, batch_size=batch_size) for role, latents in sources]
    latents, noise, weights, structures, prompts = zip(*parts, strict=True)
    return Batch(
        latents=torch.cat(latents),
        noise=torch.cat(noise),
        loss_weights=torch.cat(weights),
        structure=None if structures[0] is None else torch.cat(structures),
        prompts=tuple(prompt for some in prompts for prompt in some),
        instance_count=batch_size,
    )


def _draw_from(
    source: Latents, role: str, *, seed: int, step: int, batch_size: int
) -> tuple[Tensor, Tensor, Tensor, Tensor | None, list[str]]:
    """Latents, noise, loss weights, structure and prompts of one source's share of a batch."""
    random = generator(seed, role, step)
    pictures = picks(seed, role, step, batch_size, len(source.prompts))
    which = torch.randint(source.variants, (batch_size,), generator=random)
    mean = source.posterior.mean
    rows = (torch.tensor(pictures) * source.variants + which).to(mean.device)
    shape = (2, batch_size, *mean.shape[1:])
    of_posterior, noise = torch.randn(shape, generator=random).to(mean.device)  # each (batch_size, C, h, w)
    posterior = Posterior(mean=mean[rows], std=source.posterior.std[rows])
    structure = None if source.structure is None else source.structure[rows].float() / 255
    prompts = [source.prompts[picture] for picture in pictures]
    return posterior.sample(of_posterior), noise, source.loss_weights[rows], structure, prompts
