"""The losses, against the papers' formulas by hand and against diffusers."""

from __future__ import annotations

import pytest
import torch
from diffusers import DDPMScheduler

from tests.tiny import tiny_scheduler
from training.objective import DiffusionObjective, diffusion_objective, dreambooth_loss, weighted_error

ALPHAS = torch.tensor([0.9, 0.5, 0.1])  # SNR 9, 1, 1/9


def objective(prediction_type: str = "epsilon", snr_gamma: float = 0.0) -> DiffusionObjective:
    """On a schedule of three steps."""
    return DiffusionObjective(alphas_cumprod=ALPHAS, prediction_type=prediction_type, snr_gamma=snr_gamma)


def test_noise_and_targets_by_hand():
    """x_t = sqrt(.36) x0 + sqrt(.64) e; the target is e, or v = sqrt(.36) e - sqrt(.64) x0."""
    latents, noise = torch.full((1, 1, 1, 1), 2.0), torch.full((1, 1, 1, 1), -1.0)
    t = torch.tensor([0])
    for kind, expected in (("epsilon", -1.0), ("v_prediction", 0.6 * -1.0 - 0.8 * 2.0)):
        made = DiffusionObjective(alphas_cumprod=torch.tensor([0.36]), prediction_type=kind)
        assert made.noisy(latents, noise, t).item() == pytest.approx(0.6 * 2.0 + 0.8 * -1.0)
        assert made.target(latents, noise, t).item() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_agrees_with_diffusers(kind):
    """The schedule read from a scheduler's configuration corrupts latents as diffusers' training scripts do."""
    made = diffusion_objective(tiny_scheduler(prediction_type=kind).config)
    reference = DDPMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=kind, clip_sample=False
    )
    latents, noise = torch.randn(2, 3, 4, 4, 4).unbind()
    t = torch.tensor([0, 500, 999])
    torch.testing.assert_close(made.noisy(latents, noise, t), reference.add_noise(latents, noise, t))
    expected = noise if kind == "epsilon" else reference.get_velocity(latents, noise, t)
    torch.testing.assert_close(made.target(latents, noise, t), expected)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("epsilon", [5 / 9, 1.0, 1.0]), ("v_prediction", [5 / 10, 1 / 2, (1 / 9) / (10 / 9)])],
)
def test_min_snr_by_hand(kind, expected):
    """g = 5 with SNR 9, 1, 1/9: min(SNR, g)/SNR, and min(SNR, g)/(SNR + 1) for v."""
    weights = objective(kind, snr_gamma=5.0).weights(torch.tensor([0, 1, 2]))
    assert weights.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
def test_min_snr_off_and_at_zero_snr(kind):
    """g = 0 weighs all alike, and pure noise (SNR 0) gives a number."""
    t = torch.tensor([0, 1])
    assert objective(kind).weights(t).tolist() == [1.0, 1.0]
    pure = DiffusionObjective(alphas_cumprod=torch.tensor([0.5, 0.0]), prediction_type=kind, snr_gamma=5.0)
    assert pure.weights(t)[1].item() == (1.0 if kind == "epsilon" else 0.0)


def test_timesteps_cover_the_schedule():
    """Every step of the schedule is drawn, none outside it, and the generator alone decides."""
    draw = [objective().timesteps(200, torch.Generator().manual_seed(7)) for _ in range(2)]
    assert sorted(set(draw[0].tolist())) == [0, 1, 2]
    assert torch.equal(*draw)


@pytest.mark.parametrize(("kind", "gamma"), [("sample", 0.0), ("epsilon", -1.0)])
def test_refuses_what_it_cannot_do(kind, gamma):
    """The message shows the value."""
    with pytest.raises(ValueError, match=r"'sample'|-1\.0"):
        objective(kind, gamma)


def test_weighted_error_by_hand():
    """Σ w e² / Σ w over places, the plain mean over channels, for each picture alone."""
    prediction = torch.zeros(2, 2, 1, 2)
    target = torch.tensor([[[[1.0, 3.0]], [[1.0, 1.0]]], [[[2.0, 0.0]], [[0.0, 0.0]]]])
    weights = torch.tensor([[[[1.0, 0.25]]], [[[1.0, 1.0]]]])
    expected = [(1.0 * 1.0 + 0.25 * (9 + 1) / 2) / 1.25, (4 / 2) / 2]
    assert weighted_error(prediction, target, weights).tolist() == pytest.approx(expected)


def test_prior_loss_by_hand():
    """Mean of the instance losses + λ · mean of the class losses; without class pictures the first alone."""
    losses = torch.tensor([1.0, 3.0, 10.0, 20.0])
    assert dreambooth_loss(losses, 2, 0.5).item() == pytest.approx(2.0 + 0.5 * 15.0)
    assert dreambooth_loss(losses[:2], 2, 0.5).item() == pytest.approx(2.0)
