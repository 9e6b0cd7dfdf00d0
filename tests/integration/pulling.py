"""Fetching models in a process of its own, and what the tests of it share."""

import os
import subprocess
import sys
from pathlib import Path

from pipeline.download import Patience

ROOT = Path(__file__).resolve().parents[2]
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"
HASTE = Patience(retries=2, wait_s=0.01)


def command(profile, code):
    """A python of its own that runs ``code`` with ``profile`` loaded."""
    start = (
        f"from pipeline.settings import load_profile\nprofile = load_profile({str(profile.folder / 'sd15.toml')!r})\n"
    )
    return [sys.executable, "-c", start + code]


def environment(endpoint, tmp_path, **more):
    wanted = {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    return {key: value for key, value in os.environ.items() if not key.startswith("HF_")} | wanted | more


def run(profile, code, endpoint, tmp_path, **more):
    env = environment(endpoint, tmp_path, **more)
    return subprocess.run(
        command(profile, code), env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
