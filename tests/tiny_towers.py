"""A CLIP and a BLIP with residual eyes and random weights, as the recipe saves them; and a CLIP as the hub has it."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from pipeline.towers import CHANNELS_KEY, ResidualClip
from scripts.embedded.words import clip_tokenizer

CHANNELS = [8, 8, 16, 16]
SIDE_PX = 32
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
WORDS = ["a telegram sticker of a red circle", "a telegram sticker of a blue square", "thing 1000"] * 3


def described(tokenizer: CLIPTokenizer) -> dict[str, int]:
    """The text tower's sizes."""
    marks = {"eos_token_id": tokenizer.eos_token_id, "bos_token_id": tokenizer.bos_token_id}
    length = {"vocab_size": len(tokenizer), "max_position_embeddings": tokenizer.model_max_length}
    return {**SIZES, **length, **marks, "pad_token_id": tokenizer.pad_token_id}


def residual_clip(tokenizer: CLIPTokenizer, seed: int = 6) -> ResidualClip:
    """Random, running means of the norms included, so that a lost one is seen."""
    torch.manual_seed(seed)
    vision = {**SIZES, "hidden_size": CHANNELS[-1], "image_size": SIDE_PX, "patch_size": 16}
    vision[CHANNELS_KEY] = list(CHANNELS)  # type: ignore[assignment]
    model = ResidualClip(CLIPConfig(text_config=described(tokenizer), vision_config=vision, projection_dim=8))
    restless(model)
    return model.eval()


def restless(model: nn.Module) -> None:
    """Running means and variances as after some training."""
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.num_batches_tracked.fill_(7)


def write_clip(folder: Path, *, residual: bool) -> Path:
    """A whole CLIP folder: weights, image processor, tokenizer."""
    tokenizer = clip_tokenizer(WORDS)
    if residual:
        model: CLIPModel = residual_clip(tokenizer)
    else:
        torch.manual_seed(6)
        vision = {**SIZES, "image_size": SIDE_PX, "patch_size": 8}
        model = CLIPModel(CLIPConfig(text_config=described(tokenizer), vision_config=vision, projection_dim=8))
    model.save_pretrained(folder)
    square = {"height": SIDE_PX, "width": SIDE_PX}
    CLIPImageProcessorPil(size=square, crop_size=square, do_center_crop=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
