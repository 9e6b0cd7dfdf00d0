"""The choice of a device, and the readings of its memory."""

import sys

import pytest
import torch

from pipeline import gpu
from pipeline.errors import BadSetting
from tests.taken_memory import take


def test_cpu_runs_in_full_precision():
    device = gpu.choose_device("cpu")
    assert (device.name, device.dtype) == ("cpu", torch.float32)
    assert torch.zeros(1, device=device.torch_device).device.type == "cpu"


@pytest.mark.parametrize(
    ("able", "precision"), [({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({"avx512_f": True}, "no")]
)
def test_a_cpu_learns_in_bf16_where_it_multiplies_it(monkeypatch, able, precision):
    """Elsewhere bf16 is emulated, and slower than float32."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    assert gpu.choose_device("cpu").mixed_precision == precision


def test_auto_takes_the_fastest_that_is_there():
    wanted = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert gpu.choose_device("auto").name == wanted


def test_unknown_device_is_refused_with_the_choices():
    with pytest.raises(BadSetting, match=r"device = 'tpu'.*auto, cuda, mps, cpu"):
        gpu.choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what is asked for")
def test_absent_device_is_refused_and_what_is_there_is_named():
    with pytest.raises(BadSetting, match=r"device = 'cuda'.*cpu.*'auto'"):
        gpu.choose_device("cuda")


def test_peak_memory_of_the_process_never_falls_and_sees_a_large_tensor():
    device = gpu.choose_device("cpu")
    before = gpu.peak_memory_mb(device)
    block = torch.ones(256, 1024, 256)  # 256 MB
    during = gpu.peak_memory_mb(device)
    del block
    gpu.empty_caches()
    assert 50 < before <= during
    assert gpu.peak_memory_mb(device) >= during >= 256


def test_what_is_taken_and_free_is_within_what_there_is():
    device = gpu.choose_device("cpu")
    whole = gpu.whole_memory_mb(device)
    assert 50 < gpu.taken_memory_mb(device) < whole
    assert 0 < gpu.free_memory_mb(device) < whole


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lets a process's peak be measured anew")
def test_a_peak_can_be_measured_anew():
    """What was taken counts until the next measurement begins."""
    device = gpu.choose_device("cpu")
    gpu.restart_peak(device)
    before = gpu.taken_memory_mb(device)
    take(256)
    assert gpu.peak_since_mb(device) - before > 200
    gpu.restart_peak(device)
    assert gpu.peak_since_mb(device) - gpu.taken_memory_mb(device) < 50
