"""In which precision a style is learned, and with which attention."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.tiny import tiny_parts
from tests.unit.training.runs import train
from training.learner import accelerated, make_learner


def test_bf16_on_a_half_precision_base(inputs, short):
    """Autocast on an fp16 base: float32 adapters come out, the first loss near that of full precision."""
    half = {name: part.half() if isinstance(part, torch.nn.Module) else part for name, part in tiny_parts().items()}
    style = train(replace(inputs, parts=half, base_id="half"), short(precision="bf16"))
    assert {tensor.dtype for tensor in style.tensors.values()} == {torch.float32}
    exact = train(replace(inputs, parts=half, base_id="half"), short(precision="no"))
    assert style.losses[0] == pytest.approx(exact.losses[0], rel=0.05)
    assert half["unet"].dtype == torch.float16


@pytest.mark.parametrize(
    ("precision", "places", "fused"), [("bf16", 256, False), ("bf16", 4096, True), ("no", 256, True)]
)
def test_attention_is_plain_in_bf16_on_a_cpu_while_its_matrix_is_small(inputs, short, precision, places, fused):
    """torch's fused one is slow there; of a large picture the whole matrix would fill the memory."""
    config = short(precision=precision)
    with accelerated(torch.device("cpu"), precision) as accelerator:
        learner = make_learner(inputs.parts, inputs.family, config, accelerator)
        with learner.forward(places):
            assert torch.backends.cuda.flash_sdp_enabled() == fused
        assert torch.backends.cuda.flash_sdp_enabled()
