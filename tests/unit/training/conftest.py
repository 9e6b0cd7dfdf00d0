"""A small pack, tiny models and a short run, for the tests of learning a style."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.tiny import tiny_parts
from tests.unit.training.runs import mirrored, sticker
from training.data import Example
from training.dreambooth import DreamBoothConfig, DreamBoothInputs
from training.stable_diffusion import StableDiffusion


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    """The models are so small that a second thread costs more than it brings."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def inputs(tmp_path: Path) -> DreamBoothInputs:
    """Three stickers, two class pictures, tiny parts without a ControlNet."""
    return DreamBoothInputs(
        parts=tiny_parts(),
        family=StableDiffusion(),
        pack=[Example(image=sticker(colour), prompt=f"a {colour} disc, sks") for colour in ("red", "green", "blue")],
        class_pictures=[sticker("grey").convert("RGB"), sticker("pink").convert("RGB")],
        class_prompt="a disc",
        size_px=16,
        checkpoint_dir=tmp_path / "checkpoint",
        base_id="tiny",
    )


@pytest.fixture
def with_controlnet(inputs: DreamBoothInputs) -> DreamBoothInputs:
    """The same with a ControlNet."""
    return replace(inputs, parts=tiny_parts(controlnet=True), structure=mirrored)


@pytest.fixture
def short() -> Callable[..., DreamBoothConfig]:
    """A configuration of a few steps, with changes."""

    def configured(**changes: Any) -> DreamBoothConfig:
        settings = {"steps": 4, "batch_size": 2, "learning_rate": 1e-3, "rank": 4, "alpha": 4.0, "variants": 2}
        return DreamBoothConfig(**(settings | changes))

    return configured
