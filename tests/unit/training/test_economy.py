"""Ways to save memory: what is learned stays the same, and modules that serve others are left as they were."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from tests.tiny import tiny_parts
from tests.unit.training.runs import train
from training.dreambooth import fingerprint
from training.economy import LAVISH, Economy, economise, economised
from training.objective import dreambooth_loss, shares

EVERYTHING = Economy(vae_sliced=True, one_by_one=True, checkpointed=True, attention_sliced=True)


@pytest.mark.parametrize("method", ["lora", "dreambooth"])
@pytest.mark.parametrize(
    "economy",
    [
        Economy(vae_sliced=True),
        Economy(one_by_one=True),
        Economy(checkpointed=True),
        Economy(attention_sliced=True),
        EVERYTHING,
    ],
    ids=lambda economy: "+".join(name for name, value in vars(economy).items() if value),
)
def test_the_same_is_learned(with_controlnet, short, method, economy):
    """But for rounding: losses and weights after four steps, the prior's pictures and the text encoder among them."""
    config = short(method=method, text_encoder_learning_rate=1e-4, prior_loss_weight=0.7, learning_rate=1e-4)
    usual = train(replace(with_controlnet, checkpoint_dir=with_controlnet.checkpoint_dir / "usual"), config)
    saving = train(with_controlnet, replace(config, economy=economy))
    assert saving.losses == pytest.approx(usual.losses, rel=1e-4)
    far = [(saving.tensors[name] - value).abs().max().item() for name, value in usual.tensors.items()]
    assert max(far) < 2e-4  # AdamW's first steps are of the learning rate's size whatever the gradient's


@pytest.mark.parametrize("economy", [Economy(checkpointed=True), EVERYTHING], ids=["checkpointed", "everything"])
def test_the_same_is_learned_in_bf16_on_a_cpu(inputs, short, economy):
    """Where attention is another one than in the usual run, its products rounded to eight bits."""
    config = short(method="dreambooth", learning_rate=1e-4, precision="bf16")
    usual = train(replace(inputs, checkpoint_dir=inputs.checkpoint_dir / "usual"), config)
    saving = train(inputs, replace(config, economy=economy))
    assert saving.losses == pytest.approx(usual.losses, rel=0.03)


def test_gradient_checkpointing_learns_the_very_same(inputs, short):
    """Bit by bit: the same numbers are computed twice."""
    usual = train(replace(inputs, checkpoint_dir=inputs.checkpoint_dir / "usual"), short())
    twice = train(inputs, short(economy=Economy(checkpointed=True)))
    assert all(torch.equal(twice.tensors[name], value) for name, value in usual.tensors.items())


def test_gradient_checkpointing_keeps_less(inputs, short, monkeypatch):
    """Fewer tensors are saved for the way back."""
    counts = []
    for economy in (LAVISH, Economy(checkpointed=True)):
        saved = [0]

        def pack(tensor, saved=saved):
            saved[0] += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            train(
                replace(inputs, checkpoint_dir=inputs.checkpoint_dir / str(economy.checkpointed)),
                short(method="dreambooth", steps=1, economy=economy),
            )
        counts.append(saved[0])
    assert counts[1] < 0.8 * counts[0]


def test_a_checkpoint_is_gone_on_from_with_another_economy(inputs, short):
    """It is no part of what tells runs apart."""
    assert fingerprint(inputs, short(), "no") == fingerprint(inputs, short(economy=EVERYTHING), "no")


def test_the_shares_of_a_loss_are_those_of_the_whole():
    """Eq. 2 as a sum over pictures, with and without a prior."""
    losses = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0])
    for count, instance_count in ((5, 2), (5, 5)):
        whole = dreambooth_loss(losses, instance_count, 0.7)
        parts = sum(share * loss for share, loss in zip(shares(count, instance_count, 0.7), losses, strict=True))
        assert float(parts) == pytest.approx(float(whole))


def test_resident_modules_are_left_as_they_were(inputs):
    """The VAE's switches and the very processors of the attentions, also after an exception."""
    parts = tiny_parts(controlnet=True)
    processors = {name: dict(parts[name].attn_processors) for name in ("unet", "controlnet")}

    def fail() -> None:
        with economised(parts, EVERYTHING):
            assert (parts["vae"].use_slicing, parts["vae"].use_tiling) == (True, False)
            sliced = {type(one).__name__ for one in parts["unet"].attn_processors.values()}
            assert sliced == {"SlicedAttnProcessor"}
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail()
    assert (parts["vae"].use_slicing, parts["vae"].use_tiling) == (False, False)
    for name, known in processors.items():
        assert all(parts[name].attn_processors[place] is one for place, one in known.items())


def test_parts_that_are_not_there_are_no_matter():
    """And what has no such switches is left as it is."""
    tokenizer = SimpleNamespace(words=2)
    economise({"tokenizer": tokenizer, "controlnet": None}, EVERYTHING)
    with economised({"tokenizer": tokenizer}, EVERYTHING):
        assert vars(tokenizer) == {"words": 2}
    assert vars(tokenizer) == {"words": 2}
