"""The training loop that every embedded model shares: samples in, averaged weights out; stops and goes on at any time.

Owns the schedule, the running average of the weights (EMA), checkpoints, the log and the sharing of gradients among
processes (``torchrun``). Knows no architecture and no data. Loads torch.

Several processes of one thread each beat one process of several threads where other work is going on: they wait for
each other once a step, threads at every operation.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor, distributed, nn

EMA_DECAY = 0.999
CHECKPOINT_EVERY_S = 120.0
LOG_EVERY_S = 20.0
WARM_UP = 0.02  # share of the schedule

console = Console()


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How long, in what portions, and how fast a model learns."""

    samples: int  # pictures seen in all
    batch_size: int  # of one process
    learning_rate: float
    final_learning_rate_ratio: float = 0.02
    weight_decay: float = 1e-4

    def steps(self, processes: int = 1) -> int:
        """Optimiser steps in all."""
        return math.ceil(self.samples / self.batch_size / processes)

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of a step: linear warm-up, then a half cosine."""
        warm_up = max(1, int(steps * WARM_UP))
        if step < warm_up:
            return self.learning_rate * (step + 1) / warm_up
        progress = (step - warm_up) / max(1, steps - warm_up)
        low = self.final_learning_rate_ratio
        return self.learning_rate * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


def device_here() -> torch.device:
    """CUDA where it is present, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def world() -> tuple[int, int]:
    """This process's number and how many there are: (0, 1) unless started by ``torchrun``."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return int(os.environ.get("RANK", "0")), count


def generator_of(step: int, rank: int = 0) -> torch.Generator:
    """The randomness of one step, the same whether or not the run was interrupted before it."""
    return torch.Generator().manual_seed(rank * 1_000_003 + step)


@contextmanager
def averaged(model: nn.Module, average: dict[str, Tensor]) -> Iterator[None]:
    """The model with its averaged weights; its own come back afterwards."""
    own = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
    model.load_state_dict(average)
    try:
        yield
    finally:
        model.load_state_dict(own)


def fit(
    name: str,
    model: nn.Module,
    loss_of: Callable[[nn.Module, torch.Generator], Tensor],
    schedule: Schedule,
    folder: Path,
    *,
    minutes: float | None = None,
    evaluate: Callable[[nn.Module], dict[str, float]] | None = None,
) -> dict[str, float]:
    """Train ``model`` in place and leave it with its averaged weights.

    Args:
        loss_of: the loss of one batch, drawn with the given generator; runs under bf16 autocast.
        minutes: stop after so long; calling again goes on from there.
        evaluate: figures of the averaged model, logged at the end of this stretch.

    Returns the last figures: ``samples``, ``loss`` and what ``evaluate`` gives.
    """
    device = next(model.parameters()).device
    optimiser = torch.optim.AdamW(
        [p for p in model.parameters() if p.requires_grad], betas=(0.9, 0.99), weight_decay=schedule.weight_decay
    )
    average = {key: value.detach().clone() for key, value in model.state_dict().items()}
    path = folder / f"{name}.ckpt"
    step = _resume(path, model, optimiser, average, device)
    rank, processes = world()
    steps = schedule.steps(processes)
    began = saved = logged = time.monotonic()
    recent: list[float] = []
    loss_then = math.nan  # mean of the last logged stretch
    late = False
    model.train()
    while step < steps and not late:
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(step, steps)
        with torch.autocast(device.type, torch.bfloat16):
            loss = loss_of(model, generator_of(step, rank))
        loss.backward()
        late = _share(model, late=bool(minutes) and time.monotonic() - began > 60 * minutes, processes=processes)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        _average(average, model, step)
        step += 1
        recent.append(float(loss.detach()))
        if rank == 0 and time.monotonic() - logged > LOG_EVERY_S:
            _log(folder, name, (step, steps), schedule.batch_size * processes, recent, time.monotonic() - logged)
            loss_then, recent, logged = sum(recent) / len(recent), [], time.monotonic()
        if rank == 0 and time.monotonic() - saved > CHECKPOINT_EVERY_S:
            _save(path, model, optimiser, average, step)
            saved = time.monotonic()
    if rank == 0:
        _save(path, model, optimiser, average, step)
    model.load_state_dict(average)
    model.eval()
    samples = float(step * schedule.batch_size * processes)
    figures = {"samples": samples, "loss": sum(recent) / len(recent) if len(recent) > 50 else loss_then}
    figures |= evaluate(model) if evaluate and rank == 0 else {}
    console.print(f"{name}: {figures}")
    return figures


@torch.no_grad()
def _average(average: dict[str, Tensor], model: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (1 + step) / (10 + step))  # a young average forgets its random start quickly
    for key, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[key].lerp_(value, 1 - decay)
        else:
            average[key].copy_(value)


def _save(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, average: dict, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average, "step": step}
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def _resume(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, average: dict, device: torch.device) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    average.update(state["average"])
    return int(state["step"])


def _log(
    folder: Path, name: str, progress: tuple[int, int], batch_size: int, recent: list[float], seconds: float
) -> None:
    step, steps = progress
    row = {
        "step": step,
        "of": steps,
        "loss": round(sum(recent) / len(recent), 5),
        "samples_per_s": round(len(recent) * batch_size / seconds, 1),
    }
    with (folder / f"{name}.log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    left_min = (steps - step) * batch_size / row["samples_per_s"] / 60
    console.print(f"{name}: step {step}/{steps}  loss {row['loss']}  {left_min:.0f} min left")


def _share(model: nn.Module, *, late: bool, processes: int) -> bool:
    """Average the gradients over all processes. Returns whether any of them is late, so that all stop together."""
    if processes == 1:
        return late
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), gradients[0].new_tensor([float(late)])])
    distributed.all_reduce(flat)
    flat /= processes
    for gradient, mean in zip(gradients, flat[:-1].split([g.numel() for g in gradients]), strict=True):
        gradient.copy_(mean.view_as(gradient))
    return bool(flat[-1] > 0)
