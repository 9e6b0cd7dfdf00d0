"""Random tiny weights in the real file layouts: Stable Diffusion 1.5, ControlNet, BLIP, SegFormer.

``write_*_repo`` lays out what the hub has, weights of every kind and format included, so that a test sees what is left
alone. The text encoder's tensors carry the names of the real file (older than the installed transformers).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    BlipImageProcessorPil,
    SegformerConfig,
    SegformerForSemanticSegmentation,
    SegformerImageProcessorPil,
)

from tests.tiny import tiny_controlnet, tiny_text_encoder, tiny_tokenizer, tiny_unet, tiny_vae

PICKLE = b"\x80\x04N."  # pickles that must never be fetched
SD15_SCHEDULER = {  # as the real file, word for word
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.6.0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}


def write_sd15_repo(folder: Path) -> Path:
    """The layout of stable-diffusion-v1-5/stable-diffusion-v1-5."""
    for part, module in (("unet", tiny_unet()), ("vae", tiny_vae())):
        for variant in ("fp16", None):
            module.half().save_pretrained(folder / part, variant=variant)
        (folder / part / "diffusion_pytorch_model.bin").write_bytes(PICKLE)
    encoder = tiny_text_encoder().half()
    encoder.config.save_pretrained(folder / "text_encoder")
    tensors = {f"text_model.{name}": tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    tensors["text_model.embeddings.position_ids"] = torch.arange(16)[None]
    for name in ("model.fp16.safetensors", "model.safetensors"):
        save_file(tensors, folder / "text_encoder" / name, metadata={"format": "pt"})
    (folder / "text_encoder" / "pytorch_model.bin").write_bytes(PICKLE)
    write_old_clip_tokenizer(folder / "tokenizer")
    write_json(folder / "scheduler" / "scheduler_config.json", SD15_SCHEDULER)
    write_json(
        folder / "feature_extractor" / "preprocessor_config.json", {"feature_extractor_type": "CLIPFeatureExtractor"}
    )
    write_json(folder / "safety_checker" / "config.json", {"model_type": "clip"})
    write_json(
        folder / "model_index.json",
        {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"]},
    )
    for name in ("safety_checker/model.fp16.safetensors", "safety_checker/pytorch_model.bin", "v1-5-pruned.ckpt"):
        (folder / name).write_bytes(PICKLE)
    (folder / "README.md").write_text("# Stable Diffusion v1-5\n", encoding="utf-8")
    return folder


def write_old_clip_tokenizer(folder: Path) -> None:
    """vocab.json and merges.txt, as before tokenizer.json."""
    tokenizer = tiny_tokenizer()
    folder.mkdir(parents=True)
    write_json(folder / "vocab.json", tokenizer.get_vocab())
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    marks = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    write_json(folder / "special_tokens_map.json", {**marks, "pad_token": "<|endoftext|>"})
    config = {**marks, "pad_token": "<|endoftext|>", "model_max_length": tokenizer.model_max_length}
    write_json(folder / "tokenizer_config.json", {**config, "tokenizer_class": "CLIPTokenizer", "do_lower_case": True})


def write_controlnet_repo(folder: Path) -> Path:
    """The layout of lllyasviel/control_v11p_sd15_lineart."""
    for variant in ("fp16", None):
        tiny_controlnet().half().save_pretrained(folder, variant=variant)
    (folder / "diffusion_pytorch_model.bin").write_bytes(PICKLE)
    (folder / "control_net_lineart.py").write_text(
        "raise SystemExit('code of a repository was run')\n", encoding="utf-8"
    )
    return folder


def write_blip_repo(folder: Path) -> Path:
    """The layout of Salesforce/blip-image-captioning-base and -large."""
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "cat", "dog", "on", "the", "mat", "[DEC]", "[ENC]"]
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    BlipImageProcessorPil(size={"height": 16, "width": 16}).save_pretrained(folder)
    torch.manual_seed(4)
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    marks = {"bos_token_id": 11, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = {**sizes, **marks, "vocab_size": len(words), "encoder_hidden_size": 16, "max_position_embeddings": 32}
    config = BlipConfig(text_config=text, vision_config={**sizes, "image_size": 16, "patch_size": 8}, projection_dim=8)
    BlipForConditionalGeneration(config).save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(PICKLE)
    return folder


def write_segformer(folder: Path) -> Path:
    """A folder as transformers saves a SegFormer with two classes."""
    torch.manual_seed(5)
    config = SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 8, 16, 16],
        num_attention_heads=[1, 1, 2, 2],
        decoder_hidden_size=16,
        num_labels=2,
    )
    SegformerForSemanticSegmentation(config).save_pretrained(folder)
    SegformerImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
