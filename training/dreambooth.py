"""DreamBooth (Ruiz et al. 2023): a few pictures of a style and a rare word, and the model draws in that style.

Owns the loop, its settings and when it stops. Knows no family of models, no file but its checkpoint. Loads torch.

The pack's pictures teach the style; the class pictures, which the untuned model drew itself, keep it able to draw
everything else (prior preservation). Every random number of step k depends on the seed and on k alone, so that a run
that was killed and goes on from its checkpoint ends at the same weights, bit by bit, as one that never was.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from training import checkpoint
from training.curve import LossCurve
from training.data import Batch, Encoding, Example, Latents, Structure, draw, encode, generator, one_of
from training.errors import LossNotFinite, TrainingStopped
from training.learner import METHODS, Learner, LearnerConfig, accelerated, make_learner, resolved_precision
from training.modules import Conditioning, Family, Objective, Parts, Report, ShouldStop
from training.objective import dreambooth_loss, shares, weighted_error

CHECKPOINT_FORM = 1  # raised when a checkpoint of older code must not be resumed
LOOK_EVERY = 10  # steps between looks at the loss on an accelerator, where each look waits for the device


@dataclass(frozen=True, kw_only=True)
class DreamBoothInputs:
    """What is learned from."""

    parts: Parts  # the base model, on its device; left as it is
    family: Family
    pack: Sequence[Example]
    class_pictures: Sequence[Image.Image] = ()  # may be empty: no prior preservation
    class_prompt: str = ""
    structure: Structure | None = None  # needed with parts["controlnet"], which is frozen but takes part
    size_px: int  # side of the square that the model works on
    checkpoint_dir: Path
    base_id: str  # tells base models apart: a checkpoint of another one is not resumed


@dataclass(frozen=True, kw_only=True)
class DreamBoothConfig(LearnerConfig):
    """How it is learned."""

    steps: int = 400
    batch_size: int = 1  # pack pictures a step; as many class pictures come on top
    prior_loss_weight: float = 1.0  # λ of eq. 2
    snr_gamma: float = 5.0  # min-SNR weighting; 0 = off
    ground_loss_weight: float = (
        0.25  # of the loss beside the sticker, where it is 1; > 0, for a plain ground is learned too
    )
    variants: int = 4  # grounds a picture is seen on
    flip: bool = False  # mirror every second variant; off, for stickers bear lettering
    checkpoint_every: int = 25  # steps


@dataclass(frozen=True, kw_only=True)
class LearnedStyle:
    """What came of it."""

    method: str
    tensors: dict[str, Tensor]  # "unet.LAYER.lora_A.weight" (alpha = rank), or "unet.LAYER.weight"; float32, CPU
    losses: tuple[float, ...]  # a number a step
    steps: int
    seconds: float  # of all runs together, resumed ones too
    displaced_step: int | None = None  # where another run had stopped whose checkpoint this one took the place of


def dreambooth(
    inputs: DreamBoothInputs,
    config: DreamBoothConfig,
    *,
    report: Report,
    should_stop: ShouldStop,
    encoded: Report = lambda done, total: None,
) -> LearnedStyle:
    """Learn a style; goes on from the checkpoint in ``inputs.checkpoint_dir`` if it is of this very run.

    Args:
        report: counts the steps.
        encoded: counts the pictures (``encodings``) that go through the VAE before the first of them.

    Raises:
        ValueError: a setting or the data cannot be used.
        LossNotFinite: the loss became NaN or infinite.
        TrainingStopped: ``should_stop`` said so; the checkpoint holds all steps made.
    """
    check(inputs, config)
    device = next(inputs.parts[inputs.family.denoiser].parameters()).device
    with accelerated(device, resolved_precision(config.precision, device)) as accelerator:
        learner = make_learner(inputs.parts, inputs.family, config, accelerator)
        sources = encode_sources(inputs, config, learner, should_stop, encoded)
        return Run(inputs, config, learner, sources).to_end(report, should_stop)


class Run:
    """One run of the loop."""

    def __init__(
        self, inputs: DreamBoothInputs, config: DreamBoothConfig, learner: Learner, sources: list[tuple[str, Latents]]
    ) -> None:
        self.inputs, self.config, self.learner, self.sources = inputs, config, learner, sources
        self.objective = inputs.family.objective(learner.parts, config.snr_gamma)
        self.fingerprint = fingerprint(inputs, config, learner.accelerator.mixed_precision)
        self.text = {} if learner.trains_text else encode_text(inputs.family, learner, sources)
        self.started = time.monotonic()
        self.displaced_step: int | None = None

    def to_end(self, report: Report, should_stop: ShouldStop) -> LearnedStyle:
        """The steps that are left: draw, predict, compare (eq. 2), update."""
        config = self.config
        curve, first = self.resume()
        for step in range(first, config.steps):
            if should_stop():
                self.save(step, curve)
                raise TrainingStopped(step, config.steps)
            batch = draw(self.sources, seed=config.seed, step=step, batch_size=config.batch_size)
            curve.record(self.take(batch, step))
            self.learner.update()
            if (step + 1) % config.checkpoint_every == 0 and step + 1 < config.steps:
                self.save(step + 1, curve)
            report(step + 1, config.steps)
        return self.learned(curve)

    def take(self, batch: Batch, step: int) -> Tensor:
        """The step's loss, its gradients left with the parameters; one picture at a time where memory is short."""
        config, t = self.config, draw_timesteps(self.objective, batch, self.config.seed, step).to(self.learner.device)
        if not config.economy.one_by_one:
            loss = dreambooth_loss(self.picture_losses(batch, t), batch.instance_count, config.prior_loss_weight)
            self.learner.backward(loss)
            return loss.detach()
        losses = []
        for place, share in enumerate(shares(len(t), batch.instance_count, config.prior_loss_weight)):
            loss = share * self.picture_losses(one_of(batch, place), t[place : place + 1]).sum()
            self.learner.backward(loss)
            losses.append(loss.detach())
        return torch.stack(losses).sum()

    def picture_losses(self, batch: Batch, t: Tensor) -> Tensor:
        """The loss of each picture (B,): how wrong it is, by place (alpha) and by its timestep in ``t`` (min-SNR)."""
        family, learner, objective = self.inputs.family, self.learner, self.objective
        noisy = objective.noisy(batch.latents, batch.noise, t)  # (B, C, h, w)
        target = objective.target(batch.latents, batch.noise, t)  # (B, C, h, w)
        with learner.forward(noisy.shape[-2:].numel()):
            text = self.conditioning(batch.prompts)
            prediction = family.predict(learner.parts, noisy, t, text, batch.structure)  # (B, C, h, w)
        return objective.weights(t) * weighted_error(prediction, target, batch.loss_weights)

    def conditioning(self, prompts: Sequence[str]) -> Conditioning:
        """The prompts as tensors: from the cache, or through the text encoders while these are trained."""
        if not self.text:
            return self.inputs.family.encode_prompts(self.learner.parts, prompts)
        return {key: torch.cat([self.text[prompt][key] for prompt in prompts]) for key in self.text[prompts[0]]}

    def resume(self) -> tuple[LossCurve, int]:
        """The curve so far and the step to go on with."""
        look_every = 1 if self.learner.device.type == "cpu" else LOOK_EVERY
        saved = checkpoint.load(self.inputs.checkpoint_dir, self.fingerprint)
        if saved is None:
            self.displaced_step = checkpoint.step_of(self.inputs.checkpoint_dir)
            return LossCurve(torch.empty(0), self.config, look_every), 0
        self.learner.restore(saved)
        self.started -= saved.seconds
        return LossCurve(saved.losses, self.config, look_every), saved.step

    def save(self, step: int, curve: LossCurve) -> None:
        """A checkpoint after ``step`` steps, unless the loss is no number."""
        checkpoint.save(
            self.inputs.checkpoint_dir,
            checkpoint.Checkpoint(
                step=step,
                fingerprint=self.fingerprint,
                seconds=time.monotonic() - self.started,
                losses=torch.tensor(curve.look(), dtype=torch.float32),
                tensors=self.learner.state(),
                extra=self.learner.scaler_state(),
            ),
        )

    def learned(self, curve: LossCurve) -> LearnedStyle:
        """The artefact; raises ``LossNotFinite`` when the last step spoilt a weight."""
        losses, tensors = curve.look(), self.learner.tensors()
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values()):
            config = self.config
            raise LossNotFinite(
                config.steps, float("nan"), learning_rate=config.learning_rate, precision=config.precision
            )
        return LearnedStyle(
            method=self.config.method,
            tensors=tensors,
            losses=tuple(losses),
            steps=self.config.steps,
            seconds=time.monotonic() - self.started,
            displaced_step=self.displaced_step,
        )


def draw_timesteps(objective: Objective, batch: Batch, seed: int, step: int) -> Tensor:
    """The step's timesteps (B,), on the CPU."""
    return objective.timesteps(len(batch.prompts), generator(seed, "timesteps", step))


def check(inputs: DreamBoothInputs, config: DreamBoothConfig) -> None:
    """Refuse what would fail later, or in silence.

    Raises:
        ValueError: with the value and the rule.
    """
    if config.method not in METHODS:
        raise ValueError(f"method {config.method!r} is none of {', '.join(METHODS)}")
    if not inputs.pack:
        raise ValueError("the pack has no pictures; there must be at least one")
    for name in ("steps", "batch_size", "variants", "checkpoint_every", "rank"):
        if getattr(config, name) < 1:
            raise ValueError(f"{name} = {getattr(config, name)!r}: must be 1 or more")
    for name in ("learning_rate", "alpha", "max_grad_norm", "ground_loss_weight"):
        if not getattr(config, name) > 0:
            raise ValueError(f"{name} = {getattr(config, name)!r}: must be more than 0")
    if (inputs.parts.get("controlnet") is None) != (inputs.structure is None):
        raise ValueError("a ControlNet and the `structure` that draws its pictures must be given together")


def encodings(pictures: int, class_pictures: int, config: DreamBoothConfig) -> int:
    """How many pictures go through the VAE before the first step: the pack's variants, and what the prior counts."""
    return pictures * config.variants + (class_pictures if config.prior_loss_weight else 0)


def encode_sources(
    inputs: DreamBoothInputs,
    config: DreamBoothConfig,
    learner: Learner,
    should_stop: ShouldStop,
    encoded: Report = lambda done, total: None,
) -> list[tuple[str, Latents]]:
    """The pack's latents and, where the prior counts, those of the class pictures."""
    how = Encoding(
        family=inputs.family,
        parts=learner.parts,
        structure=inputs.structure,
        size_px=inputs.size_px,
        seed=config.seed,
        ground_loss_weight=config.ground_loss_weight,
        device=learner.device,
    )
    classes = [Example(image=image, prompt=inputs.class_prompt) for image in inputs.class_pictures]
    sources = [("instance", inputs.pack, config.variants, config.flip), ("class", classes, 1, False)]
    found, all_of_them = list[tuple[str, Latents]](), encodings(len(inputs.pack), len(classes), config)
    for role, examples, count, flip in sources if classes and config.prior_loss_weight else sources[:1]:
        before = sum(len(latents.prompts) * latents.variants for _, latents in found)
        tell = partial(lambda before, done: encoded(before + done, all_of_them), before)
        latents = encode(examples, how, count=count, flip=flip, should_stop=should_stop, total=config.steps, tell=tell)
        found.append((role, latents))
    return found


@torch.no_grad()
def encode_text(family: Family, learner: Learner, sources: list[tuple[str, Latents]]) -> dict[str, Conditioning]:
    """Prompt → conditioning (batch of 1, float32), of all prompts there are."""
    prompts = sorted({prompt for _, latents in sources for prompt in latents.prompts})
    encoded = {prompt: family.encode_prompts(learner.parts, [prompt]) for prompt in prompts}
    return {prompt: {key: value.float() for key, value in text.items()} for prompt, text in encoded.items()}


def fingerprint(inputs: DreamBoothInputs, config: DreamBoothConfig, precision: str) -> str:
    """SHA-256 of all that the weights after k steps depend on: settings, pictures, prompts, base model."""
    settings = asdict(config) | {"precision": precision}
    del settings["checkpoint_every"], settings["economy"]  # change nothing that is learned
    facts = [CHECKPOINT_FORM, settings, inputs.base_id, inputs.family.name, inputs.class_prompt, inputs.size_px]
    facts += [[example.prompt for example in inputs.pack], inputs.structure is not None]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for image in [*(example.image for example in inputs.pack), *inputs.class_pictures]:
        digest.update(f"{image.mode}{image.size}".encode() + image.tobytes())
    return digest.hexdigest()
