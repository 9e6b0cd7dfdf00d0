"""The embedded AutoencoderKL: 128 px pictures ↔ 16 x 16 latents of 8 channels.

Owns its architecture, its loss and its figure (PSNR on the held-out set). Loads torch and diffusers.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Generator, Tensor

from scripts.embedded import pictures as P
from scripts.embedded.art import Gallery
from scripts.embedded.loop import Schedule, device_here, fit, world
from scripts.embedded.photographs import photographs

CROP_PX = 64
KL_WEIGHT = 1e-6
PHOTO_SHARE = 8  # one crop in so many is of a photograph
CHANNELS = (24, 48, 96, 160)
LATENT_CHANNELS = 8
SCHEDULE = Schedule(samples=112_000, batch_size=8, learning_rate=8e-4)
SAVED = {"": "vae"}  # prefix of the names in the trained module → folder


def build() -> AutoencoderKL:
    """A fresh autoencoder."""
    blocks = len(CHANNELS)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        block_out_channels=CHANNELS,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=128,
    )


def reconstruction_loss(decoded: Tensor, wanted: Tensor) -> Tensor:
    """L1 + 2 MSE + the L1 distance of the gradients, which keeps outlines sharp. Both (B, 3, H, W) in [-1, 1]."""
    edges = sum((decoded.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean() for axis in (-1, -2))
    return F.l1_loss(decoded, wanted) + 2 * F.mse_loss(decoded, wanted) + edges


def batch(art: P.Art, photos: Tensor, size: int, generator: Generator) -> Tensor:
    """Crops of drawings on plain grounds, and some of photographs. Returns (size, 3, CROP_PX, CROP_PX) in [-1, 1]."""
    of_photos = size // PHOTO_SHARE
    _, rgba = P.drawn(art, size - of_photos, generator)
    rgba = P.crops(rgba, CROP_PX, generator)
    drawings = P.over(rgba, P.plain_grounds(len(rgba), generator))
    chosen = photos[torch.randint(0, len(photos), (of_photos,), generator=generator)]
    both = torch.cat([drawings, P.crops(chosen, CROP_PX, generator)])
    return P.flipped(P.recoloured(both, generator), generator) * 2 - 1


@torch.no_grad()
def psnr(vae: AutoencoderKL, held_out: Gallery, count: int = 200) -> float:
    """Mean PSNR in dB of whole 128 px pictures of the held-out set on white."""
    rgba = torch.from_numpy(held_out.rgba[:: max(1, len(held_out.rgba) // count)]).permute(0, 3, 1, 2).float() / 255
    wanted = (P.over(rgba, torch.ones(1, 3, 1, 1)) * 2 - 1).to(vae.device)
    errors = []
    for part in wanted.split(16):
        decoded = vae.decode(vae.encode(part).latent_dist.mode()).sample.float().clamp(-1, 1)
        errors.append(((decoded - part) / 2).square().mean(dim=(1, 2, 3)))
    return float((-10 * torch.cat(errors).clamp(min=1e-10).log10()).mean())


@torch.no_grad()
def latent_scale(vae: AutoencoderKL, art: P.Art, count: int = 256) -> float:
    """1 / standard deviation of the latents, so that they have unit variance (Rombach et al. 2022, appendix G)."""
    generator = torch.Generator().manual_seed(1)
    _, rgba = P.drawn(art, count, generator)
    wanted = (P.over(rgba, P.plain_grounds(count, generator)) * 2 - 1).to(vae.device)
    latents = torch.cat([vae.encode(part).latent_dist.mode() for part in wanted.split(16)])
    return 1 / float(latents.std())


def train(art: P.Art, held_out: Gallery, work: Path, out: Path, minutes: float | None) -> dict[str, float]:
    """Train, measure and save to ``out/vae``."""
    art = P.coloured(art)
    vae = build().to(device_here(), memory_format=torch.channels_last)
    photos = photographs()

    def loss_of(model: AutoencoderKL, generator: Generator) -> Tensor:
        wanted = batch(art, photos, SCHEDULE.batch_size, generator).to(vae.device, memory_format=torch.channels_last)
        latents = model.encode(wanted).latent_dist
        noise = torch.randn(latents.mean.shape, generator=generator).to(vae.device)
        decoded = model.decode(latents.mean + latents.std * noise).sample
        return reconstruction_loss(decoded.float(), wanted) + KL_WEIGHT * latents.kl().mean()

    figures = fit(
        "vae", vae, loss_of, SCHEDULE, work, minutes=minutes, evaluate=lambda m: {"psnr_db": psnr(m, held_out)}
    )
    if world()[0] > 0:  # one of the processes writes
        return figures
    vae.register_to_config(scaling_factor=latent_scale(vae, art))
    vae.half().save_pretrained(out / "vae")
    return figures
