"""Composites, cached latents and the draws of a step."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch
from PIL import Image

from tests.unit.training.runs import mirrored, sticker
from training import data
from training.data import Encoding, Example, as_tensor, draw, encode, fitted, latent_weights, picks, variants
from training.errors import TrainingStopped
from training.stable_diffusion import StableDiffusion


@pytest.fixture
def how(with_controlnet):
    """An encoding with the tiny parts and a structure map."""
    return Encoding(
        family=StableDiffusion(),
        parts=with_controlnet.parts,
        structure=mirrored,
        size_px=16,
        seed=3,
        ground_loss_weight=0.25,
        device=torch.device("cpu"),
    )


def encoded(inputs, how, count=2):
    """The pack's latents."""
    return encode(inputs.pack, how, count=count, flip=False, should_stop=lambda: False, total=1)


def test_fitted_keeps_the_shape_and_the_middle():
    """A picture of 40 x 20 in a square of 16: 16 x 8, with 4 transparent rows above and below."""
    square = fitted(Image.new("RGBA", (40, 20), "red"), 16)
    assert square.getchannel("A").getbbox() == (0, 4, 16, 12)


def test_variants_are_plain_grounds_behind_the_same_sticker():
    """White first, then another colour; the sticker's own pixels and the alpha stay."""
    first, second = variants(sticker("red"), size_px=16, count=2, flip=False, seed=0, index=0)
    assert first.getpixel((0, 0)) == (255, 255, 255, 0)
    assert second.getpixel((0, 0)) == second.getpixel((15, 15)) != first.getpixel((0, 0))
    assert first.getpixel((8, 8)) == second.getpixel((8, 8)) == (255, 0, 0, 255)


def test_flip_mirrors_every_second_variant():
    """With ``flip`` the second variant is mirrored, alpha and all; without it neither is."""
    left = sticker("red", box=(0, 4, 6, 10))
    for flip, side in ((False, (0, 4, 7, 11)), (True, (9, 4, 16, 11))):
        _, second = variants(left, size_px=16, count=2, flip=flip, seed=0, index=0)
        assert second.getchannel("A").getbbox() == side


def test_latent_weights_are_the_share_covered():
    """A latent half covered lies half-way between the ground's weight and 1."""
    alpha = torch.zeros(1, 1, 2, 4)
    alpha[..., :1], alpha[..., 2:] = 1.0, 1.0  # left latent half covered, right one wholly
    assert latent_weights(alpha, (1, 2), 0.2).flatten().tolist() == pytest.approx([0.2 + 0.8 * 0.5, 1.0])


def test_cached_latents_are_the_vae_s_own(inputs, how):
    """Mean and deviation in the cache are those of encoding the composite alone, times the scaling factor."""
    cache, vae = encoded(inputs, how), how.parts["vae"]
    composite = list(variants(inputs.pack[1].image, size_px=16, count=2, flip=False, seed=3, index=1))[1]
    pixels = as_tensor(composite.convert("RGB")).float()[None] / 127.5 - 1
    posterior = vae.encode(pixels).latent_dist
    row = 1 * 2 + 1  # second picture, second variant
    torch.testing.assert_close(cache.posterior.mean[row], posterior.mean[0] * 0.5, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(cache.posterior.std[row], posterior.std[0] * 0.5, atol=1e-5, rtol=1e-5)
    assert torch.equal(cache.structure[row], as_tensor(mirrored(composite.convert("RGB"))))


def test_a_step_draws_fresh_latents_from_the_posterior(inputs, how):
    """The latents of a batch are mean + std · noise of a variant of the picture that the prompt belongs to."""
    cache = encoded(inputs, how)
    batch = draw([("instance", cache)], seed=0, step=5, batch_size=2)
    for latents, prompt in zip(batch.latents, batch.prompts, strict=True):
        picture = cache.prompts.index(prompt)
        means = cache.posterior.mean[picture * 2 : picture * 2 + 2]
        stds = cache.posterior.std[picture * 2 : picture * 2 + 2]
        drawn = (latents - means) / stds  # (2, C, h, w): standard normal for the variant that was taken
        assert drawn.square().mean(dim=(1, 2, 3)).min().item() == pytest.approx(1.0, abs=0.4)
    assert batch.structure.shape == (2, 3, 16, 16)
    assert 0 <= batch.structure.min() <= batch.structure.max() <= 1


def test_draws_depend_on_seed_and_step_alone(inputs, how):
    """The same step twice is the same bit by bit; another step or seed is another."""
    cache = encoded(inputs, how)
    first, again, later, other = (
        draw([("instance", cache)], seed=seed, step=step, batch_size=2)
        for seed, step in ((0, 5), (0, 5), (0, 6), (1, 5))
    )
    assert torch.equal(first.latents, again.latents)
    assert torch.equal(first.noise, again.noise)
    assert not torch.equal(first.noise, later.noise)
    assert not torch.equal(first.noise, other.noise)
    assert not torch.equal(first.latents[0], first.noise[0])


def test_class_pictures_follow_the_pack(inputs, how):
    """A batch is the pack's pictures, then as many class pictures, whose loss weighs 1 everywhere."""
    classes = [Example(image=image, prompt="a disc") for image in inputs.class_pictures]
    sources = [("instance", encoded(inputs, how)), ("class", encoded(replace(inputs, pack=classes), how, count=1))]
    batch = draw(sources, seed=0, step=0, batch_size=3)
    assert batch.instance_count == 3
    assert batch.prompts[3:] == ("a disc",) * 3
    assert "a disc" not in batch.prompts[:3]
    assert batch.loss_weights[3:].unique().tolist() == [1.0]
    assert batch.loss_weights[:3].min().item() == pytest.approx(0.25)


def test_picks_take_every_picture_equally_often():
    """12 pictures in batches of 5: after 12 steps each came five times, in another order each time round."""
    taken = [picks(0, "instance", step, 5, 12) for step in range(12)]
    order = [picture for step in taken for picture in step]
    assert set(Counter(order).values()) == {5}
    assert order[:12] != order[12:24]


def test_encoding_can_be_stopped(inputs, how):
    """Asked before every batch of pictures."""
    with pytest.raises(TrainingStopped):
        encode(inputs.pack, how, count=1, flip=False, should_stop=lambda: True, total=9)


def test_more_pictures_than_one_batch(inputs, how, monkeypatch):
    """Encoding in batches of 2 gives what encoding in one gives."""
    whole = encoded(inputs, how)
    monkeypatch.setattr(data, "ENCODE_BATCH", 2)
    torch.testing.assert_close(encoded(inputs, how).posterior.mean, whole.posterior.mean, atol=1e-5, rtol=1e-5)
