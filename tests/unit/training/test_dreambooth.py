"""The loop: it learns, repeats, resumes bit by bit, notices NaN, and leaves the base model alone."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
from dataclasses import replace

import pytest
import torch

from tests.tiny import tiny_parts
from tests.unit.training.runs import sticker, train
from training.checkpoint import FILE_NAME
from training.data import Example, draw, generator
from training.dreambooth import DreamBoothConfig, DreamBoothInputs, Run, encode_sources, fingerprint
from training.errors import LossNotFinite, TrainingStopped
from training.learner import accelerated, make_learner
from training.stable_diffusion import StableDiffusion


def same(first, second) -> bool:
    """Two styles are equal bit by bit."""
    return list(first.tensors) == list(second.tensors) and all(
        torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors
    )


def state(parts):
    """All that may change in the modules of a base model: values, flags, gradients, structure."""
    return {
        f"{part}.{name}": (value.clone(), value.requires_grad, value.grad is None, module.training)
        for part, module in parts.items()
        if isinstance(module, torch.nn.Module)
        for name, value in module.named_parameters()
    }


def unchanged(before, after) -> bool:
    """Bit by bit."""
    return list(before) == list(after) and all(
        torch.equal(old[0], after[name][0]) and old[1:] == after[name][1:] for name, old in before.items()
    )


def test_the_loss_falls(inputs, short):
    """30 steps on three pictures: the last ten losses are well below what the untuned model has on the same draws.

    Adapters on the attention of a random UNet can do less than all its weights, hence two bounds.
    """
    settings = {"steps": 30, "prior_loss_weight": 0.0}
    still = train(inputs, short(learning_rate=1e-30, **settings)).losses
    for method, rate, left in (("lora", 2e-2, 0.88), ("dreambooth", 2e-3, 0.6)):
        learned = train(inputs, short(method=method, learning_rate=rate, **settings)).losses
        assert len(learned) == 30
        assert learned[0] == still[0]
        assert sum(learned[-10:]) < left * sum(still[-10:])


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_the_first_loss_by_hand(inputs, short, method):
    """Eq. 2 written out for step 0: before the first update both methods have the base model's own loss."""
    config = short(method=method, steps=1, prior_loss_weight=0.7, snr_gamma=5.0, batch_size=2)
    family, parts = StableDiffusion(), inputs.parts
    with accelerated(torch.device("cpu"), "no") as accelerator:
        learner = make_learner(parts, family, config, accelerator)
        batch = draw(encode_sources(inputs, config, learner, lambda: False), seed=config.seed, step=0, batch_size=2)
    t = torch.randint(1000, (4,), generator=generator(config.seed, "timesteps", 0))
    alphas = parts["scheduler"].alphas_cumprod[t]
    total = 0.0
    with torch.no_grad():
        for i in range(4):
            noisy = alphas[i].sqrt() * batch.latents[i] + (1 - alphas[i]).sqrt() * batch.noise[i]
            states = family.encode_prompts(parts, [batch.prompts[i]])["encoder_hidden_states"]
            predicted = parts["unet"](noisy[None], t[i : i + 1], states).sample[0]
            weight = batch.loss_weights[i].expand(4, -1, -1)
            error = float((weight * (predicted - batch.noise[i]) ** 2).sum() / weight.sum())
            snr = float(alphas[i] / (1 - alphas[i]))
            total += min(snr, 5.0) / snr * error * (1.0 if i < 2 else 0.7) / 2
    assert train(inputs, config).losses[0] == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_what_is_learned(with_controlnet, short, method):
    """The adapter's pairs, or every weight; the text encoder's too when it has a learning rate, and both moved."""
    parts = with_controlnet.parts
    style = train(with_controlnet, short(method=method, text_encoder_learning_rate=1e-3))
    assert {name.split(".")[0] for name in style.tensors} == {"unet", "text_encoder"}
    if method == "lora":
        assert all(name.endswith((".lora_A.weight", ".lora_B.weight")) for name in style.tensors)
        assert all(value.abs().max() > 0 for name, value in style.tensors.items() if "lora_B" in name)
    else:
        whole = {f"{part}.{name}": v for part in ("unet", "text_encoder") for name, v in parts[part].named_parameters()}
        assert set(style.tensors) == set(whole)
        for part in ("unet", "text_encoder"):
            moved = [not torch.equal(style.tensors[name], whole[name]) for name in whole if name.startswith(part)]
            assert sum(moved) > 0.9 * len(moved)


def test_learning_rates_are_two(inputs, short):
    """With rate 0 for the text encoder it is not part of the style; AdamW's first step is the group's rate."""
    assert not any(name.startswith("text_encoder") for name in train(inputs, short()).tensors)
    settings = {"method": "dreambooth", "steps": 1, "weight_decay": 0.0, "max_grad_norm": 1e9}
    style = train(inputs, short(learning_rate=1e-3, text_encoder_learning_rate=1e-4, **settings))
    for part, rate in (("unet", 1e-3), ("text_encoder", 1e-4)):
        base = dict(inputs.parts[part].named_parameters())
        steps = [(style.tensors[f"{part}.{name}"] - value).abs().max().item() for name, value in base.items()]
        assert max(steps) == pytest.approx(rate, rel=0.05)


def test_controlnet_and_prior_take_part(with_controlnet, short):
    """Without the ControlNet, or without the class pictures, the losses are others."""
    full = train(with_controlnet, short()).losses
    plain = replace(with_controlnet, parts={**with_controlnet.parts, "controlnet": None}, structure=None)
    alone = replace(with_controlnet, class_pictures=())
    for changed in (plain, alone):
        assert train(replace(changed, checkpoint_dir=changed.checkpoint_dir / "other"), short()).losses != full


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
@pytest.mark.parametrize("fails", [False, True])
def test_the_base_model_is_left_as_it_was(with_controlnet, short, method, fails):
    """Values, flags, gradients, names and modes of all modules, after a run and after an exception within one."""
    parts = with_controlnet.parts
    parts["unet"].train()
    before = state(parts)

    def report(done, total):
        if fails and done == 2:
            raise RuntimeError("in the middle")

    config = short(method=method, text_encoder_learning_rate=1e-3)
    if fails:
        with pytest.raises(RuntimeError, match="in the middle"):
            train(with_controlnet, config, report=report)
    else:
        train(with_controlnet, config, report=report)
    assert unchanged(before, state(parts))


def test_the_same_seed_is_the_same_style(with_controlnet, short):
    """Bit by bit, whatever the global generator says; another seed is another style."""
    torch.manual_seed(1)
    first = train(with_controlnet, short())
    torch.manual_seed(2)
    assert same(first, train(with_controlnet, short()))
    assert not same(first, train(with_controlnet, short(seed=1)))


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
def test_stopped_and_resumed_is_as_never_stopped(with_controlnet, short, method):
    """Stopped after 2 of 4 steps: what is learned and the loss curve are those of an undisturbed run, bit by bit."""
    config = short(method=method, steps=4, text_encoder_learning_rate=1e-3, checkpoint_every=100)
    whole = train(replace(with_controlnet, checkpoint_dir=with_controlnet.checkpoint_dir / "undisturbed"), config)
    seen: list[int] = []
    with pytest.raises(TrainingStopped) as stopped:
        train(
            with_controlnet,
            config,
            report=lambda done, total: seen.append(done),
            should_stop=lambda: len(seen) == 2,
        )
    assert (stopped.value.step, seen) == (2, [1, 2])
    resumed = train(with_controlnet, config, report=lambda done, total: seen.append(done))
    assert seen == [1, 2, 3, 4]
    assert same(whole, resumed)
    assert resumed.losses == whole.losses


def _train_and_die(folder, steps, die_at):
    """In a process of its own: train, and be killed like by the power cut at a step."""
    torch.set_num_threads(1)
    inputs, config = _small_run(folder, steps)

    def report(done, total):
        if done == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    train(inputs, config, report=report)


def _small_run(folder, steps):
    inputs = DreamBoothInputs(
        parts=tiny_parts(),
        family=StableDiffusion(),
        pack=[Example(image=sticker(colour), prompt=colour) for colour in ("red", "green", "blue")],
        size_px=16,
        checkpoint_dir=folder,
        base_id="tiny",
    )
    return inputs, DreamBoothConfig(steps=steps, rank=2, checkpoint_every=2, learning_rate=1e-3)


def test_killed_and_resumed_is_as_never_killed(tmp_path):
    """SIGKILL at step 5, after the checkpoint of step 4: the next process ends at the same weights, bit by bit."""
    process = multiprocessing.get_context("fork").Process(target=_train_and_die, args=(tmp_path / "killed", 6, 5))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    seen: list[int] = []
    inputs, config = _small_run(tmp_path / "killed", 6)
    resumed = train(inputs, config, report=lambda done, total: seen.append(done))
    assert seen == [5, 6]
    assert same(resumed, train(*_small_run(tmp_path / "whole", 6)))


def test_a_checkpoint_of_other_settings_or_data_is_ignored(inputs, short):
    """The fingerprint tells them apart; how often checkpoints are written does not matter."""
    config = short()
    known = fingerprint(inputs, config, "no")
    others = [
        (replace(inputs, pack=inputs.pack[:2]), config, "no"),
        (replace(inputs, class_pictures=inputs.class_pictures[:1]), config, "no"),
        (replace(inputs, base_id="other"), config, "no"),
        (inputs, replace(config, learning_rate=2e-3), "no"),
        (inputs, replace(config, seed=9), "no"),
        (inputs, config, "bf16"),
    ]
    assert known not in [fingerprint(*other) for other in others]
    assert known == fingerprint(inputs, replace(config, checkpoint_every=1), "no")


def test_nan_is_noticed_at_its_step_and_no_checkpoint_has_it(inputs, short):
    """A learning rate beyond reason: the error names the step and the value and says what to do."""
    with pytest.raises(LossNotFinite, match=r"lower the learning rate \(now 1e\+30\)") as raised:
        train(inputs, short(method="dreambooth", learning_rate=1e30, steps=20, checkpoint_every=1))
    assert 2 <= raised.value.step <= 20
    assert not math.isfinite(raised.value.value)
    seen: list[int] = []
    with pytest.raises(LossNotFinite):  # from the last good checkpoint the same step fails again
        train(
            inputs,
            short(method="dreambooth", learning_rate=1e30, steps=20, checkpoint_every=1),
            report=lambda done, total: seen.append(done),
        )
    assert len(seen) <= 1


def test_nan_in_the_last_step_s_weights_is_noticed(inputs, short):
    """The loss was a number but the update was not."""
    with pytest.raises(LossNotFinite):
        train(inputs, short(method="dreambooth", learning_rate=float("inf"), steps=1))


def test_an_accelerator_is_looked_at_seldom(inputs, short, monkeypatch):
    """Looking every 10 steps changes nothing in what is learned, nor in the curve."""
    straight = train(inputs, short(steps=7))
    original = Run.resume

    def seldom(self):
        curve, first = original(self)
        curve.look_every = 10
        return curve, first

    monkeypatch.setattr(Run, "resume", seldom)
    other = train(replace(inputs, checkpoint_dir=inputs.checkpoint_dir / "other"), short(steps=7, checkpoint_every=3))
    assert same(straight, other)
    assert straight.losses == other.losses
    assert (inputs.checkpoint_dir / "other" / FILE_NAME).is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": "magic"}, "method 'magic' is none of lora, dreambooth"),
        ({"steps": 0}, "steps = 0: must be 1 or more"),
        ({"ground_loss_weight": 0.0}, r"ground_loss_weight = 0\.0: must be more than 0"),
        ({"precision": "fp16"}, "precision 'fp16' needs a CUDA device"),
        ({"precision": "int3"}, "precision 'int3' is none of"),
        ({"snr_gamma": -1.0}, r"snr_gamma = -1\.0"),
    ],
)
def test_wrong_settings_are_refused(inputs, short, changes, message):
    """With the value and the rule."""
    with pytest.raises(ValueError, match=message):
        train(inputs, short(**changes))


def test_wrong_data_is_refused(inputs, with_controlnet, short):
    """An empty pack; a ControlNet that nothing draws for."""
    with pytest.raises(ValueError, match="no pictures"):
        train(replace(inputs, pack=[]), short())
    with pytest.raises(ValueError, match="structure"):
        train(replace(with_controlnet, structure=None), short())
