"""Tiny models of the real architectures with random weights, for tests in which the weights do not matter.

All fit together: latents of 4 channels at 1/2 of the picture's side, hidden states of width 16, a vocabulary of the
256 bytes and two marks. Built from the architecture's own classes, in float32, the same for the same seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, ControlNetModel, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WIDTH = 16  # of the hidden states
TOKENS = 16  # length of a prompt
VOCABULARY = ["<|startoftext|>", "<|endoftext|>"]


def tiny_unet(seed: int = 0) -> UNet2DConditionModel:
    """A UNet with one attention block on each side; latents (B, 4, h, w) with even h, w."""
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=8,
        norm_num_groups=4,
    ).eval()


def tiny_controlnet(seed: int = 1) -> ControlNetModel:
    """A ControlNet for ``tiny_unet``, its zero convolutions made random so that it has an effect."""
    torch.manual_seed(seed)
    controlnet = ControlNetModel(
        in_channels=4,
        block_out_channels=(16, 32),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=8,
        norm_num_groups=4,
        conditioning_embedding_out_channels=(8, 16),
    ).eval()
    for layer in [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]:
        torch.nn.init.normal_(layer.weight, std=0.1)
    return controlnet


def tiny_vae(seed: int = 2) -> AutoencoderKL:
    """A VAE that halves the side: pictures (B, 3, H, W) → latents (B, 4, H/2, W/2)."""
    torch.manual_seed(seed)
    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=16,
        mid_block_add_attention=False,
        scaling_factor=0.5,
    ).eval()


def tiny_text_encoder(seed: int = 3) -> CLIPTextModel:
    """A CLIP text encoder of width 16 with two layers."""
    torch.manual_seed(seed)
    config = CLIPTextConfig(
        vocab_size=600,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config).eval()


def tiny_tokenizer(tmp_path: Path | None = None) -> CLIPTokenizer:
    """A CLIP tokenizer that knows single bytes; saved to and read again from ``tmp_path`` where it is given."""
    letters = [chr(code) for code in [*range(33, 127), *range(161, 173), *range(174, 324)]]  # CLIP's byte alphabet
    words = [*VOCABULARY, *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(
        vocab={word: place for place, word in enumerate(words)}, merges=[], model_max_length=TOKENS
    )
    if tmp_path is None:
        return tokenizer
    tokenizer.save_pretrained(tmp_path)
    return CLIPTokenizer.from_pretrained(tmp_path)


def tiny_scheduler(**changes: Any) -> DDIMScheduler:
    """The noise schedule of Stable Diffusion, with all that its configuration may leave open said."""
    settings: dict[str, Any] = {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "clip_sample": False,
        "set_alpha_to_one": False,
        "steps_offset": 1,
    }
    return DDIMScheduler(**(settings | changes))


def tiny_parts(*, controlnet: bool = False, **scheduler: Any) -> dict[str, Any]:
    """The components of a Stable Diffusion pipeline, by the names that diffusers gives them."""
    parts: dict[str, Any] = {
        "vae": tiny_vae(),
        "unet": tiny_unet(),
        "text_encoder": tiny_text_encoder(),
        "tokenizer": tiny_tokenizer(),
        "scheduler": tiny_scheduler(**scheduler),
    }
    return parts | {"controlnet": tiny_controlnet()} if controlnet else parts
