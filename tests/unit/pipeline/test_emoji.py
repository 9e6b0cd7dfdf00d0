"""Emoji proposed for pictures: the nearest names in CLIP's space, the likeliest first; the names are embedded once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from pipeline import emoji as stage
from pipeline.clip_space import embedded_pictures, embedded_words, looked_at, views_of
from pipeline.domain import Picture, never_stop, no_report
from pipeline.emoji import (
    FOLDER,
    EmojiConfig,
    EmojiInputs,
    embedded_names,
    emoji_of_photos,
    propose,
)
from pipeline.emoji_names import candidates
from pipeline.errors import Stopped
from pipeline.framing import on_ground
from pipeline.store import image_sha256

ALONE: dict[str, Any] = {"report": no_report, "should_stop": never_stop}


def picture(colour: str) -> Picture:
    image = Image.new("RGB", (40, 40), colour)
    return Picture(name=colour, image=image, sha256=image_sha256(image))


@pytest.fixture(scope="module")
def names(tiny: Any) -> torch.Tensor:
    return embedded_names(tiny.models, tiny.cache)


def test_proposals_are_the_nearest_names_with_the_softmax_of_all(tiny: Any, names: torch.Tensor) -> None:
    """As by hand: exp(scale) · cosine over every candidate (Radford et al. 2021, figure 3)."""
    clip, photos = tiny.models.clip, [picture("red"), picture("teal")]
    found = propose(EmojiInputs(pictures=photos, clip=clip, names=names), EmojiConfig(count=4, batch_size=1), **ALONE)
    assert list(found) == ["red", "teal"]
    seen = looked_at(clip, [on_ground(photo.image, 384) for photo in photos])
    assert torch.allclose(seen.norm(dim=1), torch.ones(2))
    chances = (clip.model.logit_scale.exp() * seen @ names.T).softmax(dim=1)
    assert chances.shape == (2, len(candidates()))
    for row, proposals in zip(chances, found.values(), strict=True):
        best = row.argsort(descending=True)[:4].tolist()
        assert [one.emoji for one in proposals] == [list(candidates())[place] for place in best]
        assert [one.probability for one in proposals] == pytest.approx(row[best].tolist(), abs=1e-4)
        assert all(candidates()[one.emoji] == one.name for one in proposals)


def test_a_picture_that_lies_where_a_name_lies_is_given_that_emoji(tiny: Any, names: torch.Tensor) -> None:
    """The names are told apart: each is nearest to itself when a picture is put in its place."""
    clip = tiny.models.clip
    seen = embedded_pictures(clip, [on_ground(picture("red").image, 384)])
    moved, fox = names.clone(), list(candidates()).index("🦊")
    moved[fox] = seen[0]
    found = propose(EmojiInputs(pictures=[picture("red")], clip=clip, names=moved), EmojiConfig(count=1), **ALONE)
    assert [(one.emoji, one.name) for one in found["red"]] == [("🦊", "fox")]


def test_a_picture_is_seen_as_the_mean_of_four_views_and_its_mirror_looks_the_same(tiny: Any) -> None:
    left = Image.new("RGB", (40, 40), "white")
    left.paste((200, 30, 60), (4, 6, 18, 30))
    views = views_of(left)
    assert [view.size for view in views] == [(40, 40)] * 4
    assert views[1].getpixel((35, 20)) == views[0].getpixel((4, 20)) == (200, 30, 60)
    assert views[2].getpixel((1, 1)) == (255, 255, 255)
    by_hand = torch.nn.functional.normalize(embedded_pictures(tiny.models.clip, views).mean(dim=0), dim=0)
    seen, mirrored = looked_at(tiny.models.clip, [left, views[1]])
    assert torch.allclose(seen, by_hand, atol=1e-5)
    assert torch.allclose(seen, mirrored, atol=1e-5)


def test_words_do_not_depend_on_their_neighbours_in_the_batch(tiny: Any) -> None:
    """What pads a short name changes nothing."""
    clip, words = tiny.models.clip, ["fox", "a telegram sticker of a man in a motorised wheelchair facing right"]
    together, alone = embedded_words(clip, words), torch.cat([embedded_words(clip, [word]) for word in words])
    assert torch.allclose(together, alone, atol=1e-5)


def test_names_are_embedded_once_for_a_model(tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read where it is whole, and made anew where it is damaged."""
    first = embedded_names(tiny.models, tmp_path)
    (file,) = (tmp_path / FOLDER).iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(stage, "embedded_things", lambda *_: pytest.fail("embedded again"))
        assert torch.equal(embedded_names(tiny.models, tmp_path), first)
    file.write_bytes(file.read_bytes()[:100])
    assert torch.equal(embedded_names(tiny.models, tmp_path), first)
    assert first.shape[0] == len(candidates())
    assert torch.allclose(first.norm(dim=1), torch.ones(len(first)))


def test_a_job_keeps_its_proposals_and_another_photo_asks_anew(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"folder": tmp_path / "emoji", "models": tiny.models, "cache": tiny.cache}
    found = emoji_of_photos([picture("red")], **given, **ALONE)
    assert [row.keys() for row in found["red"]] == [{"emoji", "name", "probability"}] * 3
    chances = [row["probability"] for row in found["red"]]
    assert chances == sorted(chances, reverse=True)
    with monkeypatch.context() as patch:
        patch.setattr(stage, "propose", lambda *_, **__: pytest.fail("proposed again"))
        assert emoji_of_photos([picture("red")], **given, **ALONE) == found
    assert list(emoji_of_photos([picture("teal")], **given, **ALONE)) == ["teal"]


def test_a_profile_without_clip_proposes_nothing(tiny: Any, tmp_path: Path) -> None:
    sources = tiny.profile.models.model_copy(update={"clip": None})
    models = type(tiny.models)(tiny.profile.model_copy(update={"models": sources}), tiny.models.device)
    assert models.clip is None
    given = {"folder": tmp_path / "emoji", "models": models, "cache": tmp_path}
    assert emoji_of_photos([picture("red")], **given, **ALONE) == {"red": []}
    assert list(tmp_path.iterdir()) == []


def test_proposing_stops_when_asked(tiny: Any, names: torch.Tensor) -> None:
    inputs = EmojiInputs(pictures=[picture("red")], clip=tiny.models.clip, names=names)
    with pytest.raises(Stopped):
        propose(inputs, EmojiConfig(), report=no_report, should_stop=lambda: True)
