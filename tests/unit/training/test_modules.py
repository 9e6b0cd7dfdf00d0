"""Shadows and adapters: what is trained stands beside the base model."""

from __future__ import annotations

import pytest
import torch

from tests.tiny import tiny_controlnet, tiny_text_encoder, tiny_tokenizer, tiny_unet
from training.modules import adapter_tensors, add_adapter, shadow, trained_parameters

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


def answer(unet):
    """The UNet's answer to fixed inputs."""
    torch.manual_seed(0)
    with torch.no_grad():
        return unet(torch.randn(1, 4, 8, 8), torch.tensor([10]), torch.randn(1, 16, 16)).sample


def test_a_frozen_shadow_shares_the_weights_memory():
    """No weight is held twice, none takes gradients, and the answer is the base's."""
    unet = tiny_unet()
    other = shadow(unet)
    assert {p.data_ptr() for p in other.parameters()} == {p.data_ptr() for p in unet.parameters()}
    assert not trained_parameters(other)
    assert len(trained_parameters(unet)) == len(list(unet.parameters()))
    assert torch.equal(answer(other), answer(unet))


def test_a_trained_shadow_is_a_float32_copy():
    """Changing it changes nothing in the base, which here is in half precision."""
    unet = tiny_unet().half()
    other = shadow(unet, dtype=torch.float32, trained=True)
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    before = unet.conv_in.weight.clone()
    with torch.no_grad():
        other.conv_in.weight.add_(1.0)
    assert torch.equal(unet.conv_in.weight, before)


def test_an_adapter_starts_as_nothing_and_repeats():
    """With B = 0 the answer is the base's; the same seed gives the same A; the global generator is not advanced."""
    unet = tiny_unet()
    made = []
    for seed in (5, 5, 6):
        other = shadow(unet)
        torch.manual_seed(123)
        add_adapter(other, TARGETS, rank=2, alpha=8.0, seed=seed)
        assert torch.rand(()) == torch.rand((), generator=torch.Generator().manual_seed(123))
        assert torch.equal(answer(other), answer(unet))
        made.append(dict(adapter_tensors(other)))
    name = next(name for name in made[0] if "lora_A" in name)
    assert torch.equal(made[0][name], made[1][name])
    assert not torch.equal(made[0][name], made[2][name])
    assert all("lora_" in name for name in trained_parameters(other))
    assert not any("lora_" in name for name, _ in unet.named_modules())


def test_adapter_tensors_carry_the_scale():
    """B is given times alpha/rank, so that B·A is the change of the weight whatever reads it."""
    other = shadow(tiny_unet())
    add_adapter(other, TARGETS, rank=2, alpha=8.0, seed=0)
    layer = other.get_submodule("down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q")
    torch.nn.init.normal_(layer.lora_B["style"].weight)
    pair = dict(adapter_tensors(other))
    change = (
        pair["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_B.weight"]
        @ (pair["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight"])
    )
    torch.testing.assert_close(change, layer.get_delta_weight("style"))


def test_an_adapter_without_layers_is_refused():
    """peft names the targets that no layer has."""
    with pytest.raises(ValueError, match="no_such_layer"):
        add_adapter(shadow(tiny_unet()), ("no_such_layer",), rank=2, alpha=2.0, seed=0)


def test_tiny_models_fit_together(tmp_path):
    """The builders that many tests share: tokens in the vocabulary, residuals that the UNet takes."""
    tokenizer, encoder = tiny_tokenizer(tmp_path), tiny_text_encoder()
    tokens = tokenizer(["a sks cat"], padding="max_length", truncation=True, return_tensors="pt").input_ids
    assert tokens.shape == (1, 16)
    assert tokenizer.decode(tokens[0], skip_special_tokens=True).replace(" ", "") == "asksc" + "at"
    states = encoder(tokens).last_hidden_state
    noisy, t = torch.randn(1, 4, 8, 8), torch.tensor([3])
    down, middle = tiny_controlnet()(noisy, t, states, controlnet_cond=torch.rand(1, 3, 16, 16), return_dict=False)
    plain = tiny_unet()(noisy, t, states).sample
    steered = tiny_unet()(
        noisy, t, states, down_block_additional_residuals=down, mid_block_additional_residual=middle
    ).sample
    assert (plain - steered).abs().max() > 1e-3
