"""A style on disk and on the model."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextModel

from pipeline.card import Export, StyleCard, mean_ends, read_card, weight_files
from pipeline.domain import Method
from pipeline.errors import BadInput, StyleMismatch
from pipeline.style import applied, read_tensors, save_style
from tests.tiny import tiny_parts, tiny_unet
from training.lowrank import export_low_rank
from training.modules import adapter_tensors, add_adapter, shadow
from training.stable_diffusion import attention_layers

CARD = StyleCard(
    profile="tiny",
    base_fingerprint="f00d",
    method=Method.LORA,
    token="sks",
    template="a sticker of {caption}, {token} style",
    pack="discs",
    picture_count=3,
    steps=4,
    seed=0,
    seconds=1.0,
    first_loss=0.5,
    last_loss=0.25,
    versions={"torch": "2"},
)


def base() -> dict:
    """UNet and text encoder."""
    return {name: part for name, part in tiny_parts().items() if name in ("unet", "text_encoder")}


def learned_adapter(modules) -> dict:
    """An adapter with random factors on all attention layers, rank 3, alpha 6."""
    tensors = {}
    for part, targets in attention_layers().items():
        other = shadow(modules[part])
        add_adapter(other, targets, rank=3, alpha=6.0, seed=1)
        for name, value in adapter_tensors(other):
            tensors[f"{part}.{name}"] = torch.randn_like(value) * 0.1
    return tensors


def learned_whole(modules, parts=("unet", "text_encoder")) -> dict:
    """Every weight moved a little."""
    torch.manual_seed(4)
    return {
        f"{part}.{name}": value.detach() + 0.02 * torch.randn_like(value)
        for part in parts
        for name, value in modules[part].named_parameters()
    }


def weights(modules) -> dict:
    """A copy of all parameters."""
    return {f"{p}.{name}": value.detach().clone() for p in modules for name, value in modules[p].named_parameters()}


def answers(modules) -> torch.Tensor:
    """The UNet's answer to a fixed question through the text encoder."""
    torch.manual_seed(0)
    noisy = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        states = modules["text_encoder"](torch.tensor([[0, 40, 50, 1]])).last_hidden_state
        return modules["unet"](noisy, torch.tensor([10]), states).sample


@pytest.mark.parametrize("learned", [learned_adapter, learned_whole])
def test_base_is_exact_again(tmp_path, learned):
    """With the style on, the answer is another; afterwards every parameter is the same object with the same bits."""
    modules = base()
    save_style(tmp_path, learned(modules), CARD, modules)
    before, objects = weights(modules), [p for part in modules.values() for p in part.parameters()]
    plain = answers(modules)
    with applied(modules, tmp_path, "tiny"):
        assert (answers(modules) - plain).abs().max() > 1e-3
    assert all(torch.equal(value, before[name]) for name, value in weights(modules).items())
    assert all(a is b for a, b in zip(objects, (p for m in modules.values() for p in m.parameters()), strict=True))
    with pytest.raises(RuntimeError, match="inside"), applied(modules, tmp_path, "tiny"):
        raise RuntimeError("inside")
    assert torch.equal(answers(modules), plain)


def test_diffusers_reads_the_adapter(tmp_path):
    """``load_lora_weights`` on a pipeline gives the same answers as ``applied``: UNet, text encoder and scale."""
    parts = tiny_parts()
    save_style(tmp_path, learned_adapter(parts), CARD, parts)
    with applied(base(), tmp_path, "tiny"):
        pass
    modules = {name: parts[name] for name in ("unet", "text_encoder")}
    with applied(modules, tmp_path, "tiny"):
        ours = answers(modules)
    scheduler = DDIMScheduler.from_config(parts.pop("scheduler").config)
    pipe = StableDiffusionPipeline(
        **parts, scheduler=scheduler, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
    pipe.load_lora_weights(tmp_path)
    torch.testing.assert_close(answers(modules), ours, atol=1e-5, rtol=1e-4)


def test_diffusers_reads_an_exported_fine_tune(tmp_path):
    """At full rank the adapter made of a fine-tune of linear layers and convolutions is that fine-tune."""
    modules = base()
    whole = learned_whole(modules, ("unet",))
    layers = {name for name in whole if whole[name].ndim > 1}
    original = {f"unet.{name}": value for name, value in modules["unet"].state_dict().items()}
    whole = {name: value if name in layers else original[name] for name, value in whole.items()}
    made = export_low_rank(
        {"unet": modules["unet"]}, whole, 300, report=lambda done, total: None, should_stop=lambda: False
    )
    assert made.distance < 1e-4
    save_style(tmp_path, made.tensors, CARD, modules)
    expected = tiny_unet()
    expected.load_state_dict({name.removeprefix("unet."): value for name, value in whole.items()})
    unet = tiny_unet()
    unet.load_lora_adapter(tmp_path, weight_name="pytorch_lora_weights.safetensors", prefix="unet")
    with applied(modules, tmp_path, "tiny"):
        ours = answers(modules)
    for other in (unet, expected):
        torch.testing.assert_close(answers({**modules, "unet": other}), ours, atol=1e-4, rtol=1e-3)


def test_whole_weights_are_read_by_the_libraries(tmp_path):
    """``from_pretrained`` on the style's folders gives the tuned modules, and ``applied`` exactly their weights: those
    that were learned, in half precision, two bytes each."""
    modules = base()
    whole = learned_whole(modules)
    save_style(tmp_path, whole, CARD, modules)
    kept = {name: value.half().float() for name, value in whole.items()}
    assert all(torch.allclose(kept[name], value, rtol=2**-11, atol=1e-7) for name, value in whole.items())
    for part, kind in (("unet", UNet2DConditionModel), ("text_encoder", CLIPTextModel)):
        read = kind.from_pretrained(tmp_path / part).float()
        assert all(torch.equal(value, kept[f"{part}.{name}"]) for name, value in read.named_parameters())
    with applied(modules, tmp_path, "tiny"):
        assert all(torch.equal(value, kept[name]) for name, value in weights(modules).items())
    files = sum(path.stat().st_size for path in weight_files(tmp_path))
    assert 0 < files - 2 * sum(value.numel() for value in whole.values()) < 0.2 * files  # and the names


def test_a_weight_beyond_half_precision_keeps_its_own(tmp_path):
    modules = base()
    whole = learned_whole(modules, ("unet",))
    whole["unet.conv_in.weight"][0, 0, 0, 0] = 1e6
    save_style(tmp_path, whole, CARD, modules)
    assert torch.equal(read_tensors(tmp_path)["unet.conv_in.weight"], whole["unet.conv_in.weight"])


@pytest.mark.parametrize("learned", [learned_adapter, learned_whole])
def test_scale(tmp_path, learned):
    """0 is the base's answer; a half is half of the change of every weight."""
    modules = base()
    save_style(tmp_path, learned(modules), CARD, modules)
    before = weights(modules)
    with applied(modules, tmp_path, "tiny"):
        full = weights(modules)
    with applied(modules, tmp_path, "tiny", scale=0.0):
        assert all(torch.equal(value, before[name]) for name, value in weights(modules).items())
    with applied(modules, tmp_path, "tiny", scale=0.5):
        for name, value in weights(modules).items():
            torch.testing.assert_close(value, (before[name] + full[name]) / 2, atol=1e-6, rtol=1e-5)


def test_half_precision_base_stays_so(tmp_path):
    """The styled weights have the base's type."""
    modules = {name: module.half() for name, module in base().items()}
    save_style(tmp_path, learned_adapter(modules), CARD, modules)
    with applied(modules, tmp_path, "tiny"):
        assert {value.dtype for value in weights(modules).values()} == {torch.float16}


def test_the_card_comes_back(tmp_path):
    """All fields, with and without an export; the README says what people ask."""
    export = Export(rank=8, distance=0.31, worst_layer="unet.conv_in", worst_distance=0.5, uncovered=0.1)
    for card in (CARD, replace(CARD, method=Method.DREAMBOOTH, export=export)):
        modules = base()
        save_style(tmp_path, learned_adapter(modules), card, modules)
        assert read_card(tmp_path) == card
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for word in ("discs", "`tiny`", "`sks`", "3 pictures", "4 steps", "rank-8", "31.0%", "50.0%", "unet.conv_in"):
        assert word in text


def test_a_style_of_another_profile_is_refused(tmp_path):
    """The message names both profiles; another version of the base is refused as well."""
    modules = base()
    save_style(tmp_path, learned_adapter(modules), CARD, modules)
    with pytest.raises(StyleMismatch, match=r"'tiny'.*'sd15'"), applied(modules, tmp_path, "sd15"):
        pass
    with (
        pytest.raises(StyleMismatch, match="another version"),
        applied(modules, tmp_path, "tiny", base_fingerprint="beef"),
    ):
        pass
    with applied(modules, tmp_path, "tiny", base_fingerprint="f00d") as card:
        assert card == CARD


def test_weights_that_do_not_fit_are_refused(tmp_path):
    """A layer that is not there; a layer of another shape; the base is untouched."""
    modules = base()
    before = weights(modules)
    for tensors in ({"unet.no.such.weight": torch.ones(2)}, {"unet.conv_in.weight": torch.ones(2)}):
        save_style(tmp_path, tensors, CARD, modules)
        with pytest.raises(StyleMismatch, match=next(iter(tensors))), applied(modules, tmp_path, "tiny"):
            pass
    assert all(torch.equal(value, before[name]) for name, value in weights(modules).items())


def test_what_is_no_style_is_refused(tmp_path):
    """No folder; a card that is no JSON, lacks a field or has a foreign method; damaged or missing weights."""
    modules = base()
    with pytest.raises(BadInput, match=r"has no style\.json"):
        read_card(tmp_path / "nothing")
    save_style(tmp_path, learned_adapter(modules), CARD, modules)
    good = (tmp_path / "style.json").read_text(encoding="utf-8")
    for bad in ("{", "[]", json.dumps({"method": "lora"}), good.replace('"lora"', '"magic"')):
        (tmp_path / "style.json").write_text(bad, encoding="utf-8")
        with pytest.raises(BadInput, match="no style's card"):
            read_card(tmp_path)
    (tmp_path / "style.json").write_text(good, encoding="utf-8")
    weights_file = tmp_path / "pytorch_lora_weights.safetensors"
    weights_file.write_bytes(weights_file.read_bytes()[:-9])
    with pytest.raises(BadInput, match="is damaged"), applied(modules, tmp_path, "tiny"):
        pass
    weights_file.unlink()
    with pytest.raises(BadInput, match="has no weights"), applied(modules, tmp_path, "tiny"):
        pass


def test_another_kind_of_style_replaces_the_last(tmp_path):
    """Whole weights over an adapter: the old file does not stay behind to be read instead."""
    modules = base()
    save_style(tmp_path, learned_adapter(modules), CARD, modules)
    whole = learned_whole(modules, ("unet",))
    save_style(tmp_path, whole, CARD, modules)
    with applied(modules, tmp_path, "tiny"):
        assert torch.equal(modules["unet"].conv_in.weight, whole["unet.conv_in.weight"].half().float())


def test_mean_ends_by_hand():
    """Of 20 losses the first two and the last two; of three the first and the last."""
    assert mean_ends((1.0, 3.0, *[9.0] * 16, 4.0, 6.0)) == (2.0, 5.0)
    assert mean_ends((3.0, 2.0, 1.0)) == (3.0, 1.0)
