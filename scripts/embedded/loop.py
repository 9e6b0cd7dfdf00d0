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
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor, distributed, nn

from pipeline.errors import BadInput

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
    seed: int = 0  # of the pictures' randomness; weights that are taught further see others with another one

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


class Unfinished(Exception):
    """What a model learns from has not learned all that it is to learn; its name."""


def device_here() -> torch.device:
    """CUDA where it is present, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def world() -> tuple[int, int]:
    """This process's number and how many there are: (0, 1) unless started by ``torchrun``."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return int(os.environ.get("RANK", "0")), count


def together() -> None:
    """Wait until all processes are here: what the first one writes, the others read next."""
    if world()[1] > 1:
        distributed.barrier()


def finished(name: str, schedule: Schedule, folder: Path) -> bool:
    """Whether a training has seen all of its schedule's pictures."""
    path = folder / f"{name}.ckpt"
    return path.is_file() and int(torch.load(path, weights_only=True).get("samples", 0)) >= schedule.samples


def begin_from(
    saved: Mapping[str, str], out: Path, name: str, folder: Path, kind: Any = None, *, before: float = 0.0
) -> None:
    """Let a training that has no checkpoint start from the weights in ``out``, its schedule from the beginning.

    Args:
        saved: prefix of the names in the trained module → ``folder`` of ``out`` or ``folder/prefix`` of the names in
            its safetensors.
        kind: a class of transformers whose files name the weights otherwise than its modules do; it reads them.
        before: pictures that those weights have seen.

    Raises:
        BadInput: there are no such weights.
    """
    path = folder / f"{name}.ckpt"
    if path.is_file():
        return
    model: dict[str, Tensor] = {}
    for prefix, source in saved.items():
        where, _, inner = source.partition("/")
        place = out / where
        if not any(place.glob("*.safetensors")):
            raise BadInput(f"no weights to start {name} from in {str(place)!r}; without --from-weights it learns anew")
        files = [] if kind else sorted(place.glob("*.safetensors"))
        read = [load_file(file) for file in files] or [kind.from_pretrained(place).state_dict()]
        for weights in read:
            found = {key: value for key, value in weights.items() if key.startswith(inner)}
            model |= {prefix + key.removeprefix(inner): value.float() for key, value in found.items()}
    temporary = path.with_suffix(f".{os.getpid()}.tmp")  # every process of torchrun writes the same one
    torch.save({"model": model, "before": before}, temporary)
    temporary.replace(path)


def generator_of(step: int, rank: int = 0, seed: int = 0) -> torch.Generator:
    """The randomness of one step, the same whether or not the run was interrupted before it."""
    return torch.Generator().manual_seed((seed * 1_009 + rank) * 1_000_003 + step)


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

    Returns the last figures: ``samples``, those that the weights it began from had seen among them, ``loss`` and what
    ``evaluate`` gives.
    """
    run = _Run(name, model, schedule, folder)
    began = saved = time.monotonic()
    late = False
    model.train()
    while run.step < run.steps and not late:
        loss = run.backward(loss_of)
        late = _share(
            model, late=minutes is not None and time.monotonic() - began > 60 * minutes, processes=run.processes
        )
        run.update(loss)
        if run.rank == 0 and time.monotonic() - saved > CHECKPOINT_EVERY_S:
            run.save()
            saved = time.monotonic()
    run.save()
    model.load_state_dict(run.average)
    model.eval()
    together()
    figures = {"samples": run.before + run.step * run.per_step, "loss": run.log.loss}
    figures |= evaluate(model) if evaluate and run.rank == 0 else {}
    console.print(f"{name}: {figures}")
    return figures


class _Run:
    """Where a training stands: its optimiser, its average and its step."""

    def __init__(self, name: str, model: nn.Module, schedule: Schedule, folder: Path) -> None:
        self.model, self.schedule, self.path = model, schedule, folder / f"{name}.ckpt"
        self.rank, self.processes = world()
        self.per_step = schedule.batch_size * self.processes
        self.steps = schedule.steps(self.processes)
        self.before = 0.0  # pictures seen by the weights that it began from
        self.device = next(model.parameters()).device
        self.optimiser = torch.optim.AdamW(
            [p for p in model.parameters() if p.requires_grad],
            betas=(0.9, 0.99),
            weight_decay=schedule.weight_decay,
            fused=True,
        )
        self.average = {key: value.detach().clone() for key, value in model.state_dict().items()}
        self.step = self._resumed()
        self.log = _Log(folder / f"{name}.log.jsonl", name, self.steps, self.per_step)

    def backward(self, loss_of: Callable[[nn.Module, torch.Generator], Tensor]) -> Tensor:
        """The loss of this step's batch, and its gradients."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.schedule.rate(self.step, self.steps)
        with torch.autocast(self.device.type, torch.bfloat16):
            loss = loss_of(self.model, generator_of(self.step, self.rank, self.schedule.seed))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def update(self, loss: Tensor) -> None:
        """Take the step, and let the average follow."""
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        _average(self.average, self.model, self.step)
        self.step += 1
        if self.rank == 0:
            self.log.note(self.step, float(loss))

    def save(self) -> None:
        """Write the checkpoint, from the first of the processes."""
        if self.rank:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "samples": self.step * self.per_step,  # not steps: another number of processes may go on
            "before": self.before,
        }
        temporary = self.path.with_suffix(".tmp")
        torch.save(state, temporary)
        temporary.replace(self.path)

    def _resumed(self) -> int:
        if not self.path.is_file():
            return 0
        state = torch.load(self.path, map_location=self.device, weights_only=True)
        self.before = float(state["before"])
        if "optimiser" not in state:  # ``begin_from`` wrote it: weights alone, of what is saved of the model
            strange = self.model.load_state_dict(state["model"], strict=False).unexpected_keys
            if strange:  # nothing would have been taken from them, and the training have begun anew unnoticed
                self.path.unlink()
                raise KeyError(f"weights of {self.path.stem} that its module does not know: {strange[:3]!r}")
            self.average.update({key: value.detach().clone() for key, value in self.model.state_dict().items()})
            return 0
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.update(state["average"])
        return int(state["samples"]) // self.per_step


class _Log:
    """The loss now and then, on the screen and as a line of JSON."""

    def __init__(self, path: Path, name: str, steps: int, batch_size: int) -> None:
        self.path, self.name, self.steps, self.batch_size = path, name, steps, batch_size
        self.recent: list[float] = []
        rows = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        self.last: float = json.loads(rows[-1])["loss"] if rows else math.nan  # mean of the last ``LOG_EVERY_S``
        self.then = time.monotonic()

    @property
    def loss(self) -> float:
        """What was told last; of a run too short for that, its mean."""
        return sum(self.recent) / len(self.recent) if math.isnan(self.last) and self.recent else self.last

    def note(self, step: int, loss: float) -> None:
        """Remember a loss, and tell when it is time."""
        self.recent.append(loss)
        seconds = time.monotonic() - self.then
        if seconds < LOG_EVERY_S:
            return
        self.last = sum(self.recent) / len(self.recent)
        rate = len(self.recent) * self.batch_size / seconds
        row = {"step": step, "of": self.steps, "loss": round(self.last, 5), "samples_per_s": round(rate, 1)}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        left_min = (self.steps - step) * self.batch_size / rate / 60
        console.print(f"{self.name}: step {step}/{self.steps}  loss {self.last:.4f}  {left_min:.0f} min left")
        self.recent, self.then = [], time.monotonic()


@torch.no_grad()
def _average(average: dict[str, Tensor], model: nn.Module, step: int) -> None:
    decay = min(EMA_DECAY, (1 + step) / (10 + step))  # a young average forgets its random start quickly
    for key, value in model.state_dict().items():
        if value.dtype.is_floating_point:
            average[key].lerp_(value, 1 - decay)
        else:
            average[key].copy_(value)


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
