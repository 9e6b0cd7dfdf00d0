"""CLIP in the evaluation: what it sees, how it scores, and which emoji counts as right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pipeline.emoji import Proposal
from pipeline.gpu import choose_device
from pipeline.models import Models
from pipeline.settings import Settings, load_profile
from scripts.embedded.art import Gallery
from scripts.evaluate import clip, emoji
from scripts.evaluate.features import BATCH, as_tensor, feature_network
from scripts.evaluate.subject import HELD_OUT, Subject
from tests.tiny_profile import write_profile
from tests.tiny_towers import SIDE_PX, write_clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with a residual CLIP, and a CLIP as the hub has it."""
    folder = tmp_path_factory.mktemp("clip")
    write_profile(folder)
    write_clip(folder / "published", residual=False)
    return folder


def subject(folder: Path, clip_path: str | None = "models/clip") -> Subject:
    profile = load_profile(str(folder / "tiny.toml"))
    source = None if clip_path is None else profile.models.clip.model_copy(update={"path": clip_path})
    profile = profile.model_copy(update={"models": profile.models.model_copy(update={"clip": source})})
    places: dict[str, Any] = dict.fromkeys(("art", "rendered", "work", "baseline"), folder)
    return Subject(models=Models(profile, choose_device("cpu")), settings=Settings(), **places)


def pictures(count: int, side_px: int = SIDE_PX) -> list[Image.Image]:
    dice = np.random.default_rng(0)
    return [Image.fromarray(dice.integers(0, 256, (side_px, side_px, 3), dtype=np.uint8)) for _ in range(count)]


@pytest.mark.parametrize("path", ["models/clip", "published"])
def test_the_network_sees_as_clip_does(folder: Path, path: str) -> None:
    """Embeddings are CLIP's own, of unit length, batch by batch; every layer is a map."""
    one = subject(folder, path)
    network, model = feature_network(one), one.models.clip.model
    assert network.name == "CLIP"
    shown = pictures(BATCH + 2)
    found = network.embeddings(shown)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (network.mean, network.std))
    with torch.no_grad():
        seen = model.get_image_features(pixel_values=(as_tensor(shown) - mean) / std).pooler_output
    expected = torch.nn.functional.normalize(seen, dim=-1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert network.style(shown).shape[0] == len(shown)
    assert network.distance(shown[:2], shown[:2]) == pytest.approx([0, 0], abs=1e-9)
    assert (network.distance(shown[:2], shown[2:4]) > 0).all()


def test_without_clip_the_captioner_looks(folder: Path) -> None:
    one = subject(folder, None)
    assert feature_network(one).name == "BLIP"
    assert clip.lacks(one.models)["CLIP-score (tiny)"] == "the profile 'tiny' has no CLIP"
    assert clip.scorers(one.models) == []


def test_the_profiles_clip_scores_without_a_download(folder: Path) -> None:
    """CLIP-score is 100 · max(cosine, 0) of what the model gives (Hessel et al. 2021, with their 2.5 as 100)."""
    one = subject(folder)
    lacks = clip.lacks(one.models)
    assert lacks["CLIP-score (tiny)"] is None
    assert "openai/clip-vit-base-patch16 is not on this machine" in str(lacks["CLIP-score"])
    (scorer,) = clip.scorers(one.models)
    words, shown = ["a telegram sticker", "a blue square"], pictures(3)
    scores = scorer.scores(scorer.of_words(words), scorer.of_pictures(shown))
    tower = one.models.clip
    given = {**tower.tokenizer(words, padding=True, return_tensors="pt")}
    given |= {"pixel_values": tower.processor(images=shown, return_tensors="pt").pixel_values}
    with torch.no_grad():
        cosines = tower.model(**given).logits_per_text / tower.model.logit_scale.exp()
    np.testing.assert_allclose(scores, 100 * cosines.clamp(min=0).numpy(), atol=1e-3)


def test_the_right_emoji_counts_at_its_rank_however_its_form_is_written(folder: Path) -> None:
    """``2764`` is the heart that is proposed as ``2764-fe0f``; another heart is another emoji."""
    one = subject(folder)
    drawing = np.zeros((1, 4, 4, 4), dtype=np.uint8)
    held = np.array([False])
    one._galleries[HELD_OUT] = Gallery(style=HELD_OUT, names=["red heart"], codes=["2764"], rgba=drawing, held_out=held)
    proposals = [Proposal(emoji=sign, name="", probability=0.1) for sign in ("💙", "❤️", "🧡")]
    assert emoji.rank(one, 0, proposals) == 2
    assert emoji.rank(one, 0, proposals[2:]) is None
    rows = emoji.rows_of("x", one, [0], {0: proposals}, seed=0)
    assert [row.value for row in rows] == [0, 1]
