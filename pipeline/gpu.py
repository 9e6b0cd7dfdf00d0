"""Which device the models run on, in which precision, and how much memory they took.

Owns the choice of device and the reading of peak memory. Knows no model and no stage. Heavy: loads torch.
"""

from __future__ import annotations

import gc
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from pipeline.errors import BadSetting
from pipeline.settings import check_device

_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Device:
    """A device and the precisions that suit it."""

    name: str  # cuda | mps | cpu
    torch_device: torch.device
    dtype: torch.dtype  # of the weights at inference
    mixed_precision: str  # of training, in accelerate's words: "no" | "fp16" | "bf16"
    description: str  # for a person: "NVIDIA H200, 139 GiB"


def choose_device(setting: str = "auto") -> Device:
    """The device that ``setting`` (auto | cuda | mps | cpu) names; auto takes the first that is there, in that order.

    Raises:
        BadSetting: the setting is unknown, or names a device that this machine (or this build of torch) lacks.
    """
    check_device(setting)
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    name = next(name for name, here in there.items() if here) if setting == "auto" else setting
    if not there[name]:
        found = ", ".join(name for name, here in there.items() if here)
        raise BadSetting(f"device = {setting!r}: torch {torch.__version__} finds none here, only {found}; use 'auto'")
    return {"cuda": _cuda, "mps": _mps, "cpu": _cpu}[name]()


def _cuda() -> Device:
    properties = torch.cuda.get_device_properties(0)
    return Device(
        name="cuda",
        torch_device=torch.device("cuda", 0),
        dtype=torch.float16,
        # bf16 has fp32's exponent: training needs no loss scaling; cards before Ampere only emulate it.
        mixed_precision="bf16" if properties.major >= 8 else "fp16",
        description=f"{properties.name}, {properties.total_memory / 1024**3:.0f} GiB",
    )


def _mps() -> Device:
    # Attention overflows to NaN in fp16 on some Apple chips; fp32 costs memory, not pictures.
    return Device(
        name="mps",
        torch_device=torch.device("mps"),
        dtype=torch.float32,
        mixed_precision="no",
        description="Apple GPU (Metal)",
    )


def _cpu() -> Device:
    threads = torch.get_num_threads()
    return Device(
        name="cpu",
        torch_device=torch.device("cpu"),
        dtype=torch.float32,
        mixed_precision="bf16" if _multiplies_bf16() else "no",
        description=f"CPU, {threads} thread{'s' if threads > 1 else ''}",
    )


def _multiplies_bf16() -> bool:
    """Whether this processor has instructions for bf16 (AVX-512 or AMX); where it has none, bf16 is slower."""
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def peak_memory_mb(device: Device) -> float:
    """The most memory taken so far, in MB of 2**20 bytes: of the GPU by torch, or of this process where there is none.

    On CUDA it counts since the last ``reset_peak_memory``; the peak of a process (RSS) cannot be reset. Metal keeps no
    peak: there it is what is taken now.
    """
    if device.name == "cuda":
        return torch.cuda.max_memory_allocated(device.torch_device) / _MB
    if device.name == "mps":
        return torch.mps.driver_allocated_memory() / _MB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / _MB if sys.platform == "darwin" else peak / 1024  # bytes on macOS, KiB on Linux


def reset_peak_memory(device: Device) -> None:
    """Start a new measurement, where the device can."""
    if device.name == "cuda":
        torch.cuda.reset_peak_memory_stats(device.torch_device)


def whole_memory_mb(device: Device) -> float:
    """All that there is, in MB of 2**20 bytes: of the GPU, or of the machine."""
    if device.name == "cuda":
        return torch.cuda.get_device_properties(device.torch_device).total_memory / _MB
    return psutil.virtual_memory().total / _MB


def taken_memory_mb(device: Device) -> float:
    """What is taken now, in MB of 2**20 bytes: of the GPU by tensors, or of the machine by this process."""
    if device.name == "cuda":
        return torch.cuda.memory_allocated(device.torch_device) / _MB
    if device.name == "mps":
        return torch.mps.driver_allocated_memory() / _MB
    return psutil.Process().memory_info().rss / _MB


def free_memory_mb(device: Device) -> float:
    """What could be taken now, in MB of 2**20 bytes; on CUDA within what torch may take of the GPU."""
    if device.name == "cuda":
        free, total = torch.cuda.mem_get_info(device.torch_device)
        reserved = torch.cuda.memory_reserved(device.torch_device)
        allowed = total * torch.cuda.get_per_process_memory_fraction(device.torch_device)
        return (min(free, allowed - reserved) + reserved) / _MB - taken_memory_mb(device)
    if device.name == "mps":
        return torch.mps.recommended_max_memory() / _MB - taken_memory_mb(device)
    return psutil.virtual_memory().available / _MB


def restart_peak(device: Device) -> None:
    """Start a new measurement for ``peak_since_mb``."""
    if device.name == "cuda":
        torch.cuda.reset_peak_memory_stats(device.torch_device)
    elif device.name == "cpu":
        with suppress(OSError):  # Linux alone has it
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_since_mb(device: Device) -> float:
    """The most that was taken since ``restart_peak``, in MB of 2**20 bytes; what is taken now where nobody counts."""
    if device.name == "cuda":
        return torch.cuda.max_memory_allocated(device.torch_device) / _MB
    with suppress(OSError, StopIteration):
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        if device.name == "cpu":
            return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024  # KiB
    return taken_memory_mb(device)


def empty_caches() -> None:
    """Give memory that no tensor uses any more back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
