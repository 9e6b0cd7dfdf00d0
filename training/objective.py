"""The losses, as the papers write them: noise and target of a diffusion model, min-SNR weights, DreamBooth's sum.

Knows no module and no picture. Loads torch, and diffusers for the noise schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDPMScheduler
from torch import Tensor

PREDICTION_TYPES = ("epsilon", "v_prediction")


@dataclass(frozen=True, kw_only=True)
class DiffusionObjective:
    """Noise prediction (Ho et al. 2020) or v prediction (Salimans & Ho 2022) on a discrete noise schedule."""

    alphas_cumprod: Tensor  # (T,) float32, falling: the share of the picture's variance left at each timestep
    prediction_type: str  # "epsilon" or "v_prediction"
    snr_gamma: float = 0.0  # of min-SNR weighting; 0 = every timestep counts the same

    def __post_init__(self) -> None:
        if self.prediction_type not in PREDICTION_TYPES:
            raise ValueError(f"prediction type {self.prediction_type!r} is none of {', '.join(PREDICTION_TYPES)}")
        if self.snr_gamma < 0:
            raise ValueError(f"snr_gamma = {self.snr_gamma!r}: must be 0 (off) or more")

    def timesteps(self, count: int, generator: torch.Generator) -> Tensor:
        """Uniform timesteps (count,), int64, in [0, T)."""
        return torch.randint(len(self.alphas_cumprod), (count,), generator=generator)

    def noisy(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t = sqrt(ᾱ_t) x_0 + sqrt(1 - ᾱ_t) ε (Ho et al. 2020, eq. 4); all (B, C, h, w), timesteps (B,)."""
        signal, sigma = self._levels(timesteps)
        return signal * latents + sigma * noise

    def target(self, latents: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """ε, or v = sqrt(ᾱ_t) ε - sqrt(1 - ᾱ_t) x_0 (Salimans & Ho 2022, appendix D); (B, C, h, w)."""
        if self.prediction_type == "epsilon":
            return noise
        signal, sigma = self._levels(timesteps)
        return signal * noise - sigma * latents

    def weights(self, timesteps: Tensor) -> Tensor:
        """Min-SNR weights (Hang et al. 2023, section 3.4), (B,) in [0, 1].

        With SNR = ᾱ/(1 - ᾱ) and g = snr_gamma: min(SNR, g)/SNR for ε, min(SNR, g)/(SNR + 1) for v.
        """
        if self.snr_gamma == 0:
            return torch.ones(timesteps.shape, device=timesteps.device)
        alphas_cumprod = self._at(timesteps)
        snr = alphas_cumprod / (1 - alphas_cumprod)
        if self.prediction_type == "epsilon":
            return (self.snr_gamma / snr).clamp(max=1)  # = min(SNR, g)/SNR, and its limit 1 where SNR = 0
        return snr.clamp(max=self.snr_gamma) / (snr + 1)

    def _at(self, timesteps: Tensor) -> Tensor:
        return self.alphas_cumprod.to(timesteps.device)[timesteps]

    def _levels(self, timesteps: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(ᾱ_t) and sqrt(1 - ᾱ_t), each (B, 1, 1, 1)."""
        alphas_cumprod = self._at(timesteps)[:, None, None, None]
        return alphas_cumprod.sqrt(), (1 - alphas_cumprod).sqrt()


def diffusion_objective(scheduler_config: Mapping[str, Any], *, snr_gamma: float = 0.0) -> DiffusionObjective:
    """The objective of the noise schedule that a base model's scheduler configuration describes.

    Any diffusers scheduler's configuration will do: only its betas and its prediction type are read.
    """
    schedule = DDPMScheduler.from_config(dict(scheduler_config))
    return DiffusionObjective(
        alphas_cumprod=schedule.alphas_cumprod.float(),
        prediction_type=schedule.config.prediction_type,
        snr_gamma=snr_gamma,
    )


def weighted_error(prediction: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Squared error of each picture, averaged with ``weights`` over places and plainly over channels.

    Args:
        prediction: (B, C, h, w).
        target: (B, C, h, w).
        weights: (B, 1, h, w), >= 0, not all 0 in a picture: 1 on the sticker, less on the ground.

    Returns:
        (B,): Σ w·e² / Σ w, so that a small sticker counts as much as a large one.
    """
    error = (prediction.float() - target.float()).square().mean(dim=1, keepdim=True)  # (B, 1, h, w)
    return (weights * error).sum(dim=(1, 2, 3)) / weights.sum(dim=(1, 2, 3))


def dreambooth_loss(losses: Tensor, instance_count: int, prior_loss_weight: float) -> Tensor:
    """Instance loss + λ · prior-preservation loss (Ruiz et al. 2023, eq. 2), a scalar.

    Args:
        losses: (B,), of the pack's pictures first, then of the class pictures (there may be none).
        instance_count: how many are the pack's.
        prior_loss_weight: λ.
    """
    instance, prior = losses[:instance_count], losses[instance_count:]
    return instance.mean() + (prior_loss_weight * prior.mean() if len(prior) else 0.0)


def shares(count: int, instance_count: int, prior_loss_weight: float) -> list[float]:
    """The factor of each of ``count`` pictures in ``dreambooth_loss``: the loss is the sum of these times theirs."""
    prior_count = count - instance_count
    return [1 / instance_count] * instance_count + [prior_loss_weight / prior_count for _ in range(prior_count)]
