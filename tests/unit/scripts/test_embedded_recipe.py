"""The recipe of the embedded models: what is learned from, how it is varied, and a loop that can be interrupted."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

pytest.importorskip("resvg_py", reason="the recipe's extra is not installed")

from scripts.embedded import art, blip, eyes, loop, pictures, words


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawings(count: int = 6, side_px: int = 32) -> pictures.Art:
    rgba = torch.zeros(count, 4, side_px, side_px, dtype=torch.uint8)
    rgba[:, 0, 8:24, 8:24] = 200
    rgba[:, 3, 8:24, 8:24] = 255
    return pictures.Art(rgba=rgba, names=["red square"] * count, styles=["plain"] * count, codes=["1f7e5"] * count)


def test_the_held_out_set_is_not_among_the_teachers() -> None:
    assert art.HELD_OUT_SET.package not in {one.package for one in art.TRAINING_SETS}
    assert all("SA" not in one.licence for one in art.TRAINING_SETS)


def test_a_name_is_held_out_in_every_set_or_in_none_and_one_in_twenty_is() -> None:
    names = [f"thing {number}" for number in range(4000)]
    held = [name for name in names if art.is_held_out(name)]
    assert 0.04 < len(held) / len(names) < 0.06
    assert held == [name for name in names if art.is_held_out(name)]


def test_skin_colour_copies_and_most_flags_are_left_out() -> None:
    flags = [f"flag-{number}" for number in range(600)]
    kept = art.chosen(["waving-hand", "waving-hand-dark-skin-tone", "waving-hand-medium-light", "light-bulb", *flags])
    assert "waving-hand" in kept
    assert "light-bulb" in kept
    assert not any("tone" in name or "medium" in name for name in kept)
    assert 60 < sum(name.startswith("flag") for name in kept) < 140


def test_a_drawing_is_rendered_with_a_margin_and_its_transparency() -> None:
    collection = {"icons": {"box": {"body": '<rect width="10" height="10" fill="#00f"/>'}}, "width": 10, "height": 10}
    rgba = art.render(art.svg_of(collection, "box"), 100)
    assert rgba.shape == (100, 100, 4)
    assert tuple(rgba[50, 50]) == (0, 0, 255, 255)
    assert rgba[2, 2, 3] == 0
    assert (rgba[..., 3] > 128).mean() == pytest.approx((1 - 2 * art.MARGIN) ** 2, abs=0.02)


def test_a_composite_follows_its_formula() -> None:
    rgba = torch.tensor([0.8, 0.4, 0.0, 0.25]).view(1, 4, 1, 1)
    ground = torch.tensor([0.0, 1.0, 1.0]).view(1, 3, 1, 1)
    assert pictures.over(rgba, ground).flatten().tolist() == pytest.approx([0.2, 0.85, 0.75])


def test_recolouring_exchanges_channels_and_nothing_else() -> None:
    rgb = torch.rand(64, 3, 4, 4, generator=generator())
    changed = pictures.recoloured(rgb, generator(1), share=0.5)
    same = (changed == rgb).flatten(1).all(dim=1)
    assert 0.3 < same.float().mean() < 0.85
    assert torch.equal(changed.sort(dim=1).values, rgb.sort(dim=1).values)


def test_a_name_is_held_out_however_it_is_spelled() -> None:
    assert all(art.is_held_out(f"big thing {i}") == art.is_held_out(f"big-thing-{i}") for i in range(200))


def test_ink_follows_the_edges_and_leaves_the_middle_and_the_far_ground() -> None:
    rgba = drawings(side_px=32).rgba.float() / 255
    inked = pictures.inked(rgba, generator(), share=1.0)
    assert torch.equal(inked[:, :, 12:20, 12:20], rgba[:, :, 12:20, 12:20])
    assert torch.equal(inked[:, 3, :6], rgba[:, 3, :6])
    assert inked[:, :3, 8, 8:24].max() <= 0.3  # dark, along the upper edge
    assert inked[:, 3, 7, 8:24].min() == 1.0  # and one pixel beyond it
    assert torch.equal(pictures.inked(rgba, generator(), share=0.0), rgba)


def test_toning_keeps_the_drawing_and_changes_its_colours() -> None:
    rgb = torch.rand(32, 3, 16, 16, generator=generator())
    toned = pictures.toned(rgb, generator(1))
    assert toned.min() >= 0
    assert toned.max() <= 1
    assert not torch.allclose(toned, rgb, atol=0.05)
    flat = torch.stack([rgb.mean(dim=1).flatten(), toned.mean(dim=1).flatten()])
    assert torch.corrcoef(flat)[0, 1] > 0.7


def test_the_photographs_of_the_figures_are_none_of_the_grounds() -> None:
    assert not set(pictures.PHOTOGRAPHS) & set(pictures.HELD_OUT_PHOTOGRAPHS)
    taught, held_out = pictures.photographs(), pictures.photographs(pictures.HELD_OUT_PHOTOGRAPHS, side_px=64)
    assert taught.shape == (len(pictures.PHOTOGRAPHS), 3, 256, 256)
    assert held_out.shape == (len(pictures.HELD_OUT_PHOTOGRAPHS), 3, 64, 64)


def test_the_teacher_learns_to_tell_two_things_apart() -> None:
    """Red squares against green discs: from chance to certainty, in a style that is turned and inked at random."""
    torch.manual_seed(0)
    net = eyes.Eyes(2)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    rgba = drawings(2, side_px=64).rgba.clone()
    rgba[1] = 0
    disc = (torch.arange(64)[:, None] - 32) ** 2 + (torch.arange(64) - 32) ** 2 < 400
    rgba[1, 1][disc], rgba[1, 3][disc] = 200, 255
    both = pictures.Art(rgba=rgba, names=["red square", "green disc"], styles=["plain"] * 2, codes=["1f7e5", "1f7e2"])
    photos = torch.rand(1, 3, 256, 256, generator=generator())
    losses = []
    for step in range(12):
        index, seen = eyes.batch(both, photos, 16, generator(step))
        cosines = net.scores(net(eyes.small(seen)))
        assert cosines.abs().max() <= 1.001
        loss = nn.functional.cross_entropy(eyes.SCALE * cosines, index)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]


def test_turning_keeps_a_drawing_inside_its_frame_and_its_area() -> None:
    rgba = drawings().rgba.float() / 255
    still = pictures.turned(rgba, generator(), degrees=0, scale=(1.0, 1.0))
    assert torch.allclose(still, rgba, atol=1e-4)
    half = pictures.turned(rgba, generator(), degrees=20, scale=(0.5, 0.5))
    assert half[:, 3].mean().item() == pytest.approx(rgba[:, 3].mean().item() / 4, rel=0.1)


def test_the_clip_tokenizer_cuts_any_text_and_ends_where_the_text_model_looks() -> None:
    tokenizer = words.clip_tokenizer(["a telegram sticker of cat face, noto style"] * 3)
    ids = tokenizer("a Žebra 7 – sks").input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.eos_token_id) == 1
    assert ids[-1] == tokenizer.eos_token_id == len(tokenizer) - 1


def test_the_learning_rate_warms_up_and_falls_to_its_floor() -> None:
    schedule = loop.Schedule(samples=1000, batch_size=10, learning_rate=1.0)
    rates = [schedule.rate(step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.5)
    assert max(rates) == pytest.approx(1.0)
    assert rates[-1] == pytest.approx(0.02, abs=0.001)
    assert all(math.isfinite(rate) and rate > 0 for rate in rates)


def fitted(folder: Path, stretches: list[float | None]) -> dict[str, torch.Tensor]:
    """A small regression, run in stretches. ``0.0`` minutes make one step."""
    schedule = loop.Schedule(samples=48, batch_size=4, learning_rate=0.05)
    weight = torch.tensor([[1.0, -2.0, 0.5]])
    for minutes in stretches:
        torch.manual_seed(3)
        model = nn.Linear(3, 1)

        def loss_of(net: nn.Module, random: torch.Generator) -> torch.Tensor:
            x = torch.randn(4, 3, generator=random)
            return (net(x).float() - x @ weight.T).square().mean()

        loop.fit("line", model, loss_of, schedule, folder, minutes=minutes)
    return model.state_dict()


def test_a_run_in_stretches_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = fitted(tmp_path / "whole", [None])
    parts = fitted(tmp_path / "parts", [1e-9, 1e-9, 1e-9, None])
    assert torch.equal(whole["weight"], parts["weight"])
    assert torch.equal(whole["bias"], parts["bias"])


@pytest.mark.parametrize(
    ("caption", "name", "named"),
    [("a cat face", "grinning cat face", False), ("grinning dog", "grinning cat", True), ("catfish", "cat", False)],
)
def test_a_caption_names_the_thing_when_it_has_the_names_longest_word(caption: str, name: str, named: bool) -> None:
    assert blip.names_the_thing(caption, name) is named


def test_blip_learns_from_its_teacher_and_from_the_names() -> None:
    """The loss is the captions' plus the weighted distance from the teacher; both reach the vision tower."""
    torch.manual_seed(0)
    tokenizer = words.bert_tokenizer(["red square", "green disc"] * 4)
    model = blip.Captioning(tokenizer)
    ids = blip.tokens_of(tokenizer, ["red square", "green disc"])
    seen = torch.rand(2, 3, 64, 64, generator=generator()) * 2 - 1
    taught = nn.functional.normalize(torch.randn(2, eyes.WIDTH, generator=generator(1)), dim=-1)
    near = model(blip.sized(seen), ids, tokenizer.pad_token_id, taught)
    far = model(blip.sized(seen), ids, tokenizer.pad_token_id, -taught)
    with torch.no_grad():
        tokens = model.blip.vision_model(blip.sized(seen)).last_hidden_state[:, 1:]
        cosine = nn.functional.cosine_similarity(model.to_teacher(tokens.mean(dim=1)), taught, dim=-1).mean()
    assert float(far.detach() - near.detach()) == pytest.approx(2 * blip.TEACHER_WEIGHT * float(cosine), abs=1e-3)
    near.backward()
    patches = model.blip.vision_model.embeddings.patch_embedding.weight.grad
    assert patches is not None
    assert patches.abs().max() > 0
