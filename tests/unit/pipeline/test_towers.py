"""BLIP and CLIP with residual eyes: saved and loaded to the bit, and told from those that the library loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    BertTokenizer,
    BlipConfig,
    BlipForConditionalGeneration,
    CLIPModel,
    CLIPTextModel,
)

from pipeline.towers import CHANNELS_KEY, ResidualBlip, ResidualClip, ResidualVision, blip_class, clip_class
from scripts.embedded.words import clip_tokenizer
from tests.tiny_models import write_blip_repo
from tests.tiny_towers import CHANNELS, SIDE_PX, SIZES, residual_clip, restless, write_clip


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def residual_blip(folder: Path) -> ResidualBlip:
    """With the words of ``write_blip_repo``."""
    tokenizer = BertTokenizer.from_pretrained(write_blip_repo(folder / "blip"))
    torch.manual_seed(2)
    marks = {"bos_token_id": 11, "eos_token_id": 3, "sep_token_id": 3, "pad_token_id": 0}
    text = {**SIZES, **marks, "vocab_size": len(tokenizer), "encoder_hidden_size": 16, "max_position_embeddings": 32}
    vision = {**SIZES, "image_size": SIDE_PX, "patch_size": 16, CHANNELS_KEY: list(CHANNELS)}
    config = BlipConfig(text_config=text, vision_config=vision, projection_dim=8)
    config.text_config.encoder_hidden_size = 16
    model = ResidualBlip(config)
    restless(model)
    return model.eval()


def same(one: torch.nn.Module, other: torch.nn.Module) -> bool:
    """Every tensor, to the bit."""
    first, second = one.state_dict(), other.state_dict()
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_the_network_gives_a_token_for_the_whole_and_one_a_position() -> None:
    """The first is the mean of the others; each layer has the width that the configuration says."""
    net = ResidualVision(CHANNELS).eval()
    output = net(torch.randn(2, 3, SIDE_PX, SIDE_PX, generator=generator()))
    assert [layer.shape[2] for layer in output.hidden_states] == [8, 8, 16, 16]
    assert [layer.shape[1] - 1 for layer in output.hidden_states] == [16**2, 16**2, 8**2, 4**2]
    tokens = output.last_hidden_state
    assert torch.allclose(tokens[:, 0], tokens[:, 1:].mean(dim=1))
    assert torch.equal(output.pooler_output, tokens[:, 0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_residual_clip_comes_back_to_the_bit(tmp_path: Path, dtype: torch.dtype) -> None:
    """Its weights, its running means, and therefore what it sees and reads."""
    model = residual_clip(clip_tokenizer(["a red circle"] * 3)).to(dtype)
    model.save_pretrained(tmp_path)
    assert clip_class(tmp_path) is ResidualClip
    loaded, report = ResidualClip.from_pretrained(
        tmp_path, dtype=dtype, use_safetensors=True, local_files_only=True, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    assert same(model, loaded.eval())
    pictures = torch.randn(2, 3, SIDE_PX, SIDE_PX, generator=generator())
    given = {"pixel_values": pictures, "input_ids": torch.tensor([[1, 2, 3], [3, 2, 1]])}
    assert torch.equal(model.float()(**given).logits_per_image, loaded.float()(**given).logits_per_image)


def test_a_residual_blip_comes_back_to_the_bit_and_says_the_same(tmp_path: Path) -> None:
    model = residual_blip(tmp_path)
    model.save_pretrained(tmp_path / "saved")
    assert blip_class(tmp_path / "saved") is ResidualBlip
    loaded = ResidualBlip.from_pretrained(tmp_path / "saved", use_safetensors=True, local_files_only=True).eval()
    assert same(model, loaded)
    pictures = torch.randn(2, 3, SIDE_PX, SIDE_PX, generator=generator())
    said = [one.generate(pixel_values=pictures, max_new_tokens=4, num_beams=2) for one in (model, loaded)]
    assert torch.equal(*said)


def test_a_published_model_is_loaded_by_the_librarys_own_class(tmp_path: Path) -> None:
    """A vision transformer stays one."""
    write_blip_repo(tmp_path / "blip")
    write_clip(tmp_path / "clip", residual=False)
    assert blip_class(tmp_path / "blip") is BlipForConditionalGeneration
    assert clip_class(tmp_path / "clip") is CLIPModel
    loaded = blip_class(tmp_path / "blip").from_pretrained(tmp_path / "blip", local_files_only=True)
    assert type(loaded.vision_model).__name__ == "BlipVisionModel"


def test_the_text_tower_is_taken_out_of_a_whole_clip(tmp_path: Path) -> None:
    """As diffusers takes it: the library's text model reads the folder, lacks nothing, and hears what CLIP hears."""
    folder = write_clip(tmp_path / "clip", residual=True)
    clip = ResidualClip.from_pretrained(folder, local_files_only=True).eval()
    words, report = CLIPTextModel.from_pretrained(folder, local_files_only=True, output_loading_info=True)
    assert not report["missing_keys"]
    ids = torch.tensor([[clip.config.text_config.bos_token_id, 5, 9, clip.config.text_config.eos_token_id]])
    assert torch.equal(words.eval()(ids).last_hidden_state, clip.text_model(ids).last_hidden_state)


def test_a_folder_without_a_configuration_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"config\.json"):
        clip_class(tmp_path)
    (tmp_path / "config.json").write_text("no JSON", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        blip_class(tmp_path)
