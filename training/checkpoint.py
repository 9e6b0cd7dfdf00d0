"""Where a training run stands, in one file that is whole or not there: trained tensors, optimiser state and losses.

Owns the file's form (safetensors, the step and the fingerprint in its header) and the rule when it may be resumed.
Knows no model. Loads torch and safetensors.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

FILE_NAME = "checkpoint.safetensors"


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """A run after ``step`` steps."""

    step: int
    fingerprint: str  # of settings and data: a run with another one starts anew
    seconds: float  # spent so far
    losses: Tensor  # (step,), float32
    tensors: Mapping[str, Tensor]  # trained parameters and the optimiser's state
    extra: Mapping[str, Any]  # JSON: the state of the gradient scaler


def save(folder: Path, checkpoint: Checkpoint) -> None:
    """Put the checkpoint in place of the last one: written beside it, synced, renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    header = {key: getattr(checkpoint, key) for key in ("step", "fingerprint", "seconds", "extra")}
    tensors = {"losses": checkpoint.losses} | {f"tensors/{name}": value for name, value in checkpoint.tensors.items()}
    contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    beside = folder / f"{FILE_NAME}.{os.getpid()}.tmp"
    try:
        with _disk_errors(beside):
            save_file(contiguous, beside, metadata={"checkpoint": json.dumps(header)})
        sync(beside)
        beside.replace(folder / FILE_NAME)
    finally:
        beside.unlink(missing_ok=True)
    sync(folder)


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """A full disk as the ``OSError`` that it is; safetensors tells it by a text that ends in "(os error 28)"."""
    try:
        yield
    except SafetensorError as error:
        number = re.search(r"os error (\d+)", str(error))
        if number is None:
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1])), str(path)) from error


def sync(path: Path) -> None:
    """Make sure that a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(folder: Path, fingerprint: str) -> Checkpoint | None:
    """The checkpoint in ``folder``; None where there is none of a run with this fingerprint or it cannot be read.

    What a run left that was killed while it saved is swept away: nobody else works in this folder.
    """
    path = folder / FILE_NAME
    _sweep(folder)
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            header = _header(file)
            if header.get("fingerprint") != fingerprint:
                return None
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, json.JSONDecodeError):
        return None  # a foreign or damaged file: the run starts anew and replaces it
    return Checkpoint(
        losses=tensors.pop("losses"),
        tensors={name.removeprefix("tensors/"): value for name, value in tensors.items()},
        **header,
    )


def step_of(folder: Path) -> int | None:
    """After how many steps the checkpoint in ``folder`` was written, whichever run's it is; None where there is none
    that can be read."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            step = _header(file).get("step")
    except (SafetensorError, json.JSONDecodeError):
        return None
    return step if isinstance(step, int) else None


def _header(file: Any) -> Any:
    """What ``save`` wrote beside the tensors; empty in a foreign file."""
    return json.loads((file.metadata() or {}).get("checkpoint", "{}"))


def remove(folder: Path) -> None:
    """Delete the checkpoint of a run that is finished and whose style is saved."""
    (folder / FILE_NAME).unlink(missing_ok=True)
    _sweep(folder)


def _sweep(folder: Path) -> None:
    """Delete what ``save`` wrote beside and had no time to rename."""
    for left in folder.glob(f"{FILE_NAME}.*.tmp"):
        left.unlink(missing_ok=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: list[str]) -> dict[str, Tensor]:
    """The state of each parameter as ``optimizer/NAME/KEY``; ``names`` in the order of the optimiser's parameters."""
    state = optimizer.state_dict()["state"]
    return {
        f"optimizer/{names[index]}/{key}": torch.as_tensor(value)
        for index, entries in state.items()
        for key, value in entries.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, names: list[str], tensors: Mapping[str, Tensor]) -> None:
    """Put back what ``optimizer_tensors`` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for index, name in enumerate(names):
        prefix = f"optimizer/{name}/"
        state[index] = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
