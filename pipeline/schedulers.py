"""The schedulers by name, built from a base's training facts, and the picture x̂₀ that a step predicts.

Owns the table of schedulers and the formula of previews. Knows no model and no stage. Heavy: loads torch and diffusers.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    DPMSolverSinglestepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LMSDiscreteScheduler,
    PNDMScheduler,
    SchedulerMixin,
    UniPCMultistepScheduler,
)
from torch import Tensor

from pipeline.errors import BadSetting

# What the base was trained with; everything else in its scheduler_config.json belongs to the sampler it was saved
# with, and would change another sampler behind our back.
TRAINING_FACTS = (
    "num_train_timesteps",
    "beta_start",
    "beta_end",
    "beta_schedule",
    "trained_betas",
    "prediction_type",
    "rescale_betas_zero_snr",
)

# Said to every sampler that takes the word, because the defaults of the classes differ and are wrong for latents:
# clip_sample clamps x̂₀ to [-1, 1], where latents go beyond; set_alpha_to_one ends at a noise level that a base with
# steps_offset = 1 never saw. "leading" with offset 1 gives the timesteps 1, 1+T/N, ... that Stable Diffusion means.
ALWAYS: Mapping[str, Any] = MappingProxyType(
    {
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
        "timestep_spacing": "leading",
        "skip_prk_steps": True,
    }
)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A sampler of the table."""

    scheduler: type[SchedulerMixin]
    options: Mapping[str, Any] = field(default_factory=dict)
    noise_is_additive: bool = False  # True: samples are x₀ + σε (Karras); False: √ᾱ x₀ + √(1-ᾱ) ε


SCHEDULERS: Mapping[str, Entry] = MappingProxyType(
    {
        "ddim": Entry(scheduler=DDIMScheduler),
        "ddpm": Entry(scheduler=DDPMScheduler),
        "euler": Entry(scheduler=EulerDiscreteScheduler, noise_is_additive=True),
        "euler_a": Entry(scheduler=EulerAncestralDiscreteScheduler, noise_is_additive=True),
        "dpmpp_2m": Entry(scheduler=DPMSolverMultistepScheduler),
        # lower_order_final: without it the class warns and sets it itself, since it ends at sigma = 0
        "dpmpp_2s": Entry(scheduler=DPMSolverSinglestepScheduler, options={"lower_order_final": True}),
        "lms": Entry(scheduler=LMSDiscreteScheduler, noise_is_additive=True),
        "pndm": Entry(scheduler=PNDMScheduler),
        "unipc": Entry(scheduler=UniPCMultistepScheduler),
    }
)


def make_scheduler(name: str, base_config: Mapping[str, Any]) -> SchedulerMixin:
    """The scheduler ``name``, with the betas and the prediction type of the base whose scheduler config is given.

    Raises:
        BadSetting: no such scheduler, or one that cannot run a base trained with zero terminal SNR.
    """
    entry = SCHEDULERS.get(name)
    if entry is None:
        raise BadSetting(f"scheduler = {name!r}: unknown; choose one of {', '.join(SCHEDULERS)}")
    facts = {key: base_config[key] for key in TRAINING_FACTS if base_config.get(key) is not None}
    words = inspect.signature(entry.scheduler.__init__).parameters
    if facts.get("rescale_betas_zero_snr") and "rescale_betas_zero_snr" not in words:
        raise BadSetting(f"scheduler = {name!r}: cannot run a base trained with zero terminal SNR; use 'ddim'")
    options = {**ALWAYS, **facts, **entry.options}
    return entry.scheduler(**{key: value for key, value in options.items() if key in words})


def predicted_original(scheduler: SchedulerMixin, model_output: Tensor, timestep: Any, sample: Tensor) -> Tensor:
    """x̂₀, the picture that the model sees behind the noise at this step.

    Takes what ``scheduler.step`` takes: the model's output (after guidance) and the latents before the step, both
    (B, C, H, W). Intermediate latents themselves are no picture; a preview decodes this.

    Variance-preserving samplers, x_t = √ᾱ x₀ + √(1-ᾱ) ε: x̂₀ = (x_t - √(1-ᾱ) ε̂) / √ᾱ (DDIM, eq. 12), and for v
    prediction x̂₀ = √ᾱ x_t - √(1-ᾱ) v̂ (Salimans and Ho 2022, eq. 10 ff.). Karras samplers keep x = x_t / √ᾱ and
    σ = √((1-ᾱ)/ᾱ): scaling the sample by 1/√(1+σ²) first brings them to the same formula.
    """
    dtype, sample, output = sample.dtype, sample.float(), model_output.float()
    if _noise_is_additive(scheduler):
        sigma = scheduler.sigmas[scheduler.index_for_timestep(timestep)].to(sample)
        alpha_bar = 1 / (1 + sigma**2)
        sample = sample * alpha_bar.sqrt()
    else:
        alpha_bar = scheduler.alphas_cumprod[int(timestep)].to(sample)
    signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        return ((sample - noise * output) / signal).to(dtype)
    if kind == "v_prediction":
        return (signal * sample - noise * output).to(dtype)
    if kind == "sample":
        return output.to(dtype)
    raise BadSetting(f"prediction_type = {kind!r}: not one of 'epsilon', 'v_prediction', 'sample'")


def _noise_is_additive(scheduler: SchedulerMixin) -> bool:
    return any(entry.noise_is_additive and isinstance(scheduler, entry.scheduler) for entry in SCHEDULERS.values())


def remember_original(scheduler: SchedulerMixin) -> Callable[[], Tensor | None]:
    """Let ``scheduler`` remember what each step was given; the returned function tells x̂₀ of the last one.

    A pipeline's ``callback_on_step_end`` is shown only the noisy latents after the step, so the step itself has to
    be listened to. Returns None before the first step. x̂₀ is computed when asked for, not at every step.
    """
    step = scheduler.step
    last: dict[str, Any] = {}

    @functools.wraps(step)  # pipelines read the signature of ``step`` to see whether it takes eta and generator
    def remembering_step(model_output: Tensor, timestep: Any, sample: Tensor, *args: Any, **kwargs: Any) -> Any:
        last.update(model_output=model_output, timestep=timestep, sample=sample)
        return step(model_output, timestep, sample, *args, **kwargs)

    scheduler.step = remembering_step

    def original() -> Tensor | None:
        with torch.no_grad():
            return predicted_original(scheduler, **last) if last else None

    return original
