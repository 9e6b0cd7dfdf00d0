"""What is trained, and with what: shadows of the base model, their parameters, one optimiser, accelerate.

Owns the choice between full fine-tuning and low-rank adapters, and what is handed back at the end. Knows no data and no
loss. Loads torch, accelerate and peft.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from training import checkpoint
from training.data import generator
from training.economy import LAVISH, Economy, economise
from training.modules import Family, Parts, adapter_tensors, add_adapter, shadow, trained_parameters

METHODS = ("lora", "dreambooth")
PRECISIONS = ("auto", "no", "bf16", "fp16")
FUSED = ("cuda", "cpu")  # devices whose AdamW takes all weights at once: a third of the time, the same numbers
PLAIN_ATTENTION = 1024  # places of a picture up to which attention's whole matrix is small


@dataclass(frozen=True, kw_only=True)
class LearnerConfig:
    """How the weights move; part of ``DreamBoothConfig``."""

    method: str = "lora"  # "lora" (adapters) or "dreambooth" (every weight of the denoiser)
    learning_rate: float = 1e-4  # AdamW, constant
    text_encoder_learning_rate: float = 0.0  # 0 keeps the text encoders as they are
    rank: int = 16  # of the adapters
    alpha: float = 16.0  # the adapter's update counts alpha/rank
    weight_decay: float = 1e-2
    max_grad_norm: float = 1.0  # over all trained weights
    precision: str = "auto"  # of the forward pass; auto = bf16 or fp16 on CUDA, full precision elsewhere
    seed: int = 0
    economy: Economy = LAVISH  # of memory; changes nothing that is learned but by rounding


@dataclass(frozen=True, kw_only=True)
class Learner:
    """The modules that are trained, and their optimiser."""

    accelerator: Accelerator
    device: torch.device
    parts: Parts  # shadows of all modules; the trained ones among them
    trained: tuple[str, ...]  # the denoiser's name, and those of the text encoders that are trained
    parameters: Mapping[str, nn.Parameter]  # "PART.NAME" → float32, in the optimiser's order
    optimizer: Any  # AcceleratedOptimizer
    config: LearnerConfig

    @property
    def trains_text(self) -> bool:
        """Whether what a prompt means changes from step to step."""
        return len(self.trained) > 1

    @contextmanager
    def forward(self, places: int) -> Iterator[None]:
        """The precision, and the kind of attention, in which the modules are run for a picture of so many ``places``.

        On a CPU torch's fused attention takes four times as long backwards in bf16 as in float32; plain products do
        not, and cost memory only where there are many places. The choice is the whole process's while the block runs:
        nobody else may run a model meanwhile.
        """
        # Gradient checkpointing runs the modules again outside of this, and must find what it found here.
        short = places <= PLAIN_ATTENTION and not self.config.economy.checkpointed
        plain = short and self.device.type == "cpu" and self.accelerator.mixed_precision == "bf16"
        with self.accelerator.autocast(), sdpa_kernel(SDPBackend.MATH) if plain else nullcontext():
            yield

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of a scalar loss to those that the next update goes by."""
        self.accelerator.backward(loss)

    def update(self) -> None:
        """One update from the gradients: clip, AdamW."""
        self.accelerator.clip_grad_norm_(self.parameters.values(), self.config.max_grad_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def state(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, but for the gradient scaler."""
        moments = checkpoint.optimizer_tensors(self.optimizer.optimizer, list(self.parameters))
        return {f"parameter/{name}": value for name, value in self.parameters.items()} | moments

    def scaler_state(self) -> dict[str, Any]:
        """Of the gradient scaler, which fp16 alone has."""
        return self.accelerator.scaler.state_dict() if self.accelerator.scaler else {}

    @torch.no_grad()
    def restore(self, saved: checkpoint.Checkpoint) -> None:
        """Go back to what ``state`` and ``scaler_state`` gave."""
        for name, parameter in self.parameters.items():
            parameter.copy_(saved.tensors[f"parameter/{name}"])
        checkpoint.restore_optimizer(self.optimizer.optimizer, list(self.parameters), saved.tensors)
        if self.accelerator.scaler:
            self.accelerator.scaler.load_state_dict(saved.extra)

    @torch.no_grad()
    def tensors(self) -> dict[str, Tensor]:
        """What was learned, float32 on the CPU, "PART.NAME": adapters, or all weights."""
        adapters = self.config.method == "lora"
        return {
            f"{part}.{name}": value.detach().to("cpu", copy=True).contiguous()
            for part in self.trained
            for name, value in (adapter_tensors(self.parts[part]) if adapters else self.parts[part].named_parameters())
        }


def resolved_precision(precision: str, device: torch.device) -> str:
    """ "auto" as what the device can do.

    Raises:
        ValueError: unknown, or fp16 on a CPU.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"precision {precision!r} is none of {', '.join(PRECISIONS)}")
    if precision == "fp16" and device.type == "cpu":
        raise ValueError("precision 'fp16' needs a CUDA device; use 'no' or 'bf16' on a CPU")
    if precision != "auto":
        return precision
    if device.type != "cuda":
        return "no"
    return "bf16" if torch.cuda.is_bf16_supported() else "fp16"


@contextmanager
def accelerated(device: torch.device, precision: str) -> Iterator[Accelerator]:
    """An ``Accelerator`` for this run alone: its library keeps one state a process, and refuses another precision."""
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision=precision)
    try:
        yield accelerator
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


def make_learner(parts: Parts, family: Family, config: LearnerConfig, accelerator: Accelerator) -> Learner:
    """Shadows of the parts, those trained made ready for it; the parts themselves are not touched."""
    device = next(parts[family.denoiser].parameters()).device
    rates = {family.denoiser: config.learning_rate}
    if config.text_encoder_learning_rate > 0:
        rates |= dict.fromkeys(family.text_encoders, config.text_encoder_learning_rate)
    precision = accelerator.mixed_precision
    dtypes = {name: frozen_dtype(name, family, device, precision) for name in parts}
    ours = {name: stand_in(part, dtypes[name], name in rates, config) for name, part in parts.items()}
    if config.method == "lora":
        for part in rates:
            seed = generator(config.seed, f"adapter/{part}").initial_seed()
            add_adapter(ours[part], family.lora_targets[part], rank=config.rank, alpha=config.alpha, seed=seed)
    economise(ours, config.economy)
    found = {part: trained_parameters(ours[part]) for part in rates}
    groups = [{"params": list(found[part].values()), "lr": rate} for part, rate in rates.items()]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.weight_decay, fused=device.type in FUSED)
    return Learner(
        accelerator=accelerator,
        device=device,
        parts=ours,
        trained=tuple(rates),
        parameters={f"{part}.{name}": value for part in rates for name, value in found[part].items()},
        optimizer=accelerator.prepare(optimizer),
        config=config,
    )


def stand_in(part: Any, dtype: torch.dtype | None, trained: bool, config: LearnerConfig) -> Any:
    """What takes a part's place in the loop: a shadow of a module, a float32 copy of one that is tuned in full."""
    if not isinstance(part, nn.Module):
        return part
    if trained and config.method == "dreambooth":
        return shadow(part, dtype=torch.float32, trained=True)
    return shadow(part, dtype=dtype)


def frozen_dtype(name: str, family: Family, device: torch.device, precision: str) -> torch.dtype | None:
    """The type of a part's frozen weights; None keeps theirs.

    Without autocast, and on a CPU, whose kernels take no mixture, all must be float32. With it the parts that run at
    every step are cast once here, or autocast would do so at every step; the VAE runs once and keeps its precision.
    """
    if precision == "no" or device.type == "cpu":
        return torch.float32
    if name in (family.denoiser, "controlnet"):
        return {"bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    return None
