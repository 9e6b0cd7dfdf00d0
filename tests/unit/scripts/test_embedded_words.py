"""CLIP and BLIP of the recipe: their vocabularies, what they learn, and what stays as it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.embedded import art, blip, clip, eyes, pictures, words
from tests.tiny_art import drawings


def test_the_clip_tokenizer_cuts_any_text_and_ends_where_the_text_model_looks() -> None:
    tokenizer = words.clip_tokenizer(["a telegram sticker of cat face, noto style"] * 3)
    ids = tokenizer("a Žebra 7 – sks").input_ids
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.eos_token_id) == 1
    assert ids[-1] == tokenizer.eos_token_id == len(tokenizer) - 1


@pytest.mark.parametrize(
    ("caption", "name", "named"),
    [("a cat face", "grinning cat face", False), ("grinning dog", "grinning cat", True), ("catfish", "cat", False)],
)
def test_a_caption_names_the_thing_when_it_has_the_names_longest_word(caption: str, name: str, named: bool) -> None:
    assert blip.names_the_thing(caption, name) is named


def gallery_art() -> pictures.Art:
    """Two names, four drawings."""
    return replace(drawings(4, side_px=64), names=["red square", "green disc"] * 2)


def test_a_tokenizer_that_lies_in_the_folder_is_kept(tmp_path: Path) -> None:
    """The UNet and CLIP's weights know its numbers; another list of names makes no other tokenizer."""
    taught = gallery_art()
    first = clip.tokenizer_of(taught, tmp_path)
    first.save_pretrained(tmp_path / "tokenizer")
    blip_first = blip.tokenizer_of(taught, tmp_path)
    blip_first.save_pretrained(tmp_path / "caption")
    other = replace(taught, names=["violet zebra", "yellow xylophone"] * 2)
    assert clip.tokenizer_of(other, tmp_path).get_vocab() == first.get_vocab()
    assert clip.tokenizer_of(other, tmp_path / "empty").get_vocab() != first.get_vocab()
    assert blip.tokenizer_of(other, tmp_path).get_vocab() == blip_first.get_vocab()
    kept = blip.tokens_of(blip.tokenizer_of(other, tmp_path), ["red square"])
    assert torch.equal(kept, blip.tokens_of(blip_first, ["red square"]))


def test_names_are_met_bare_and_in_the_prompts_of_the_unet() -> None:
    """Half of them bare, the others as a sticker, with their style or without."""
    taught = gallery_art()
    prompts = clip.prompts_of(taught, [0] * 400, torch.Generator().manual_seed(0))
    counts = Counter(prompts)
    kinds = ["red square", "a telegram sticker of red square", "a telegram sticker of red square, plain style"]
    assert set(counts) == set(kinds)
    assert counts[kinds[0]] == pytest.approx(200, abs=40)
    assert counts[kinds[2]] == pytest.approx(100, abs=30)


def test_clips_loss_follows_its_formula_and_reaches_the_words_only() -> None:
    """Two drawings of one thing are as right an answer as each other; the eyes stay as they were trained."""
    torch.manual_seed(0)
    tokenizer = words.clip_tokenizer(["red square", "green disc"] * 4)
    seeing = eyes.Eyes(2)
    model = clip.Contrastive(tokenizer, seeing).train()
    assert not model.clip.vision_model.training
    ids = clip.token_ids(tokenizer, ["red square", "green disc", "red square"])
    pictures_in = torch.rand(3, 3, eyes.SIDE_PX, eyes.SIDE_PX, generator=torch.Generator().manual_seed(1)) * 2 - 1
    same = torch.tensor([[True, False, True], [False, True, False], [True, False, True]])
    loss = model(pictures_in, ids, same)
    with torch.no_grad():
        scores = model.clip(pixel_values=pictures_in, input_ids=ids).logits_per_image
        rows, columns = scores.log_softmax(dim=1), scores.log_softmax(dim=0)
        wanted = torch.tensor([[0.5, 0, 0.5], [0, 1, 0], [0.5, 0, 0.5]])
        by_hand = -((wanted * rows).sum() + (wanted * columns).sum()) / 3 / 2
    assert float(loss.detach()) == pytest.approx(float(by_hand), abs=1e-4)
    loss.backward()
    assert all(p.grad is None for p in model.clip.vision_model.parameters())
    own = model.clip.vision_model.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in seeing.vision.state_dict().items())
    taught = model.clip.text_model.embeddings.token_embedding.weight.grad
    assert taught is not None
    assert taught.abs().max() > 0


def test_blip_learns_words_for_what_its_locked_eyes_see() -> None:
    """The captions' loss teaches the decoder; the eyes, their running means too, stay as they were."""
    torch.manual_seed(0)
    tokenizer = words.bert_tokenizer(["red square", "green disc"] * 4)
    seeing = eyes.Eyes(2)
    model = blip.Captioning(tokenizer, seeing).train()
    before = {key: value.clone() for key, value in model.blip.vision_model.state_dict().items()}
    ids = blip.tokens_of(tokenizer, ["red square", "green disc"])
    assert ids[:, 0].tolist() == [tokenizer.bos_token_id] * 2
    seen = torch.rand(2, 3, eyes.SIDE_PX, eyes.SIDE_PX, generator=torch.Generator().manual_seed(1)) * 2 - 1
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    losses = []
    for _ in range(6):
        loss = model(seen, ids, tokenizer.pad_token_id)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.7 * losses[0]
    after = model.blip.vision_model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(torch.equal(before[key], value) for key, value in seeing.vision.state_dict().items())


def test_the_right_name_is_sought_among_all_names_of_the_set() -> None:
    """Drawing by drawing as by hand; learned and new names are counted apart, drawings without a code not at all."""
    tokenizer = words.clip_tokenizer(["red square", "green disc"] * 4)
    torch.manual_seed(0)
    model = clip.build(tokenizer).eval()
    count, new = 12, 4
    rgba = torch.randint(0, 255, (count, 64, 64, 4), generator=torch.Generator().manual_seed(2)).byte()
    rgba[..., 3] = 255
    names = [f"name {chr(97 + i)}" for i in range(count)]
    held_out = art.Gallery(
        style="openmoji",
        names=names,
        codes=[f"1f6{i:02}" for i in range(count - 1)] + [""],
        rgba=rgba.numpy(),
        held_out=np.arange(count) < new,
    )
    figures = clip.found_by_name(model, tokenizer, held_out, known=set(names[new:]))
    seen = eyes.small(pictures.halved(rgba.permute(0, 3, 1, 2))[: count - 1, :3].float() / 255 * 2 - 1)
    with torch.no_grad():
        scores = model(pixel_values=seen, input_ids=clip.token_ids(tokenizer, names[:-1])).logits_per_image
    place = (scores > scores.diagonal()[:, None]).sum(dim=1)  # how many names are nearer than its own
    for kind, part in (("new", place[:new]), ("learned", place[new:])):
        assert figures[f"top_1_{kind}_names"] == pytest.approx(float((part < 1).float().mean()))
        assert figures[f"top_5_{kind}_names"] == pytest.approx(float((part < 5).float().mean()))
