"""Previews and settings of every scheduler, against an exact denoiser: one that knows x₀ and answers with the truth."""

import math

import pytest
import torch

from pipeline import settings
from pipeline.errors import BadSetting
from pipeline.schedulers import SCHEDULERS, make_scheduler, predicted_original, remember_original

SD15 = {  # what stable-diffusion-v1-5/scheduler/scheduler_config.json says
    "_class_name": "PNDMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
    "skip_prk_steps": True,
    "trained_betas": None,
}
DETERMINISTIC = ["ddim", "euler", "dpmpp_2m", "dpmpp_2s", "lms", "pndm", "unipc"]


def test_the_light_table_names_the_same_schedulers():
    """A profile is refused without loading torch."""
    assert tuple(SCHEDULERS) == settings.SCHEDULERS


def truth(x0, x_t, alpha_bar, prediction_type):
    """What a perfect model answers for a variance-preserving x_t."""
    epsilon = (x_t - math.sqrt(alpha_bar) * x0) / math.sqrt(1 - alpha_bar)
    if prediction_type == "epsilon":
        return epsilon
    return math.sqrt(alpha_bar) * epsilon - math.sqrt(1 - alpha_bar) * x0


def sample_with_exact_denoiser(name, prediction_type, steps=12):
    """Run a whole chain; returns x₀, the previews of every step and the end."""
    scheduler = make_scheduler(name, {**SD15, "prediction_type": prediction_type})
    original = remember_original(scheduler)
    assert original() is None
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(0)
    x0 = 1.5 * torch.randn(2, 4, 8, 8, generator=generator)  # beyond [-1, 1], as latents are
    timesteps = scheduler.timesteps[3:]  # img2img starts in the middle
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(3 * scheduler.order)
    noise = torch.randn(x0.shape, generator=generator)
    x = scheduler.add_noise(x0, noise, timesteps[:1])
    previews = []
    for t in timesteps:
        seen = scheduler.scale_model_input(x, t)
        output = truth(x0, seen, scheduler.alphas_cumprod[int(t)].item(), prediction_type)
        extra = {"generator": generator} if name in ("ddpm", "euler_a") else {}
        x = scheduler.step(output, t, x, **extra).prev_sample
        previews.append(original())
    return x0, previews, x


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_preview_of_an_exact_denoiser_is_the_picture_at_every_step(name, prediction_type):
    x0, previews, _ = sample_with_exact_denoiser(name, prediction_type)
    assert len(previews) >= 9
    for preview in previews:
        torch.testing.assert_close(preview, x0, atol=2e-2, rtol=0)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_chain_of_an_exact_denoiser_ends_at_the_picture(name):
    x0, _, end = sample_with_exact_denoiser(name, "epsilon")
    assert (end - x0).abs().mean() < 0.06  # ᾱ of the last level is below 1 for DDIM and PNDM


@pytest.mark.parametrize("name", ["ddim", "ddpm", "euler", "euler_a", "lms"])
def test_preview_equals_what_diffusers_itself_calls_the_original(name):
    scheduler = make_scheduler(name, {**SD15, "prediction_type": "epsilon"})
    scheduler.set_timesteps(10)
    t = scheduler.timesteps[4]
    generator = torch.Generator().manual_seed(1)
    sample, output = torch.randn(2, 1, 4, 8, 8, generator=generator)
    scheduler.scale_model_input(sample, t)
    theirs = scheduler.step(output, t, sample).pred_original_sample
    torch.testing.assert_close(predicted_original(scheduler, output, t, sample), theirs, atol=1e-3, rtol=1e-3)


def test_ddim_is_what_stable_diffusion_means_even_if_the_file_is_silent():
    scheduler = make_scheduler("ddim", SD15)
    config = scheduler.config
    assert (config.clip_sample, config.set_alpha_to_one, config.steps_offset) == (False, False, 1)
    scheduler.set_timesteps(20)
    assert scheduler.timesteps.tolist()[-2:] == [51, 1]


@pytest.mark.parametrize("name", SCHEDULERS)
def test_betas_and_prediction_type_come_from_the_base(name):
    scheduler = make_scheduler(name, {**SD15, "prediction_type": "v_prediction"})
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2  # "scaled_linear"
    torch.testing.assert_close(scheduler.alphas_cumprod, torch.cumprod(1 - betas, 0))
    assert scheduler.config.prediction_type == "v_prediction"


def test_settings_of_another_sampler_are_not_taken_over():
    scheduler = make_scheduler("ddpm", {**SD15, "clip_sample": True, "variance_type": "fixed_large"})
    assert (scheduler.config.clip_sample, scheduler.config.variance_type) == (False, "fixed_small")


def test_unknown_scheduler_is_refused_with_the_names():
    with pytest.raises(BadSetting, match=r"scheduler = 'heun3'.*ddim.*unipc"):
        make_scheduler("heun3", SD15)


def test_zero_terminal_snr_is_refused_where_the_scheduler_cannot_run_it():
    config = {**SD15, "rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}
    assert make_scheduler("ddim", config).alphas_cumprod[-1].item() == pytest.approx(0, abs=1e-7)
    with pytest.raises(BadSetting, match=r"'lms'.*zero terminal SNR"):
        make_scheduler("lms", config)


def test_preview_knows_models_that_answer_with_the_picture():
    scheduler = make_scheduler("ddim", {**SD15, "prediction_type": "sample"})
    picture = torch.full((1, 4, 2, 2), 0.3)
    assert predicted_original(scheduler, picture, 500, torch.zeros_like(picture)) is not None
    torch.testing.assert_close(predicted_original(scheduler, picture, 500, torch.zeros_like(picture)), picture)
