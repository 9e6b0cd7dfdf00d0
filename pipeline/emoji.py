"""Which emoji a picture could go with: the names of all emoji beside the picture, in CLIP's eyes (zero-shot).

Owns the proposals and the cache of the names' embeddings. Which emoji there are is ``emoji_names``' affair. Knows no
queue. Heavy: loads torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from pipeline import store
from pipeline.clip_space import SMALLER, TEMPLATES, embedded_things, looked_at, scale_of
from pipeline.domain import Json, Picture, Report, ShouldStop
from pipeline.emoji_names import candidates
from pipeline.errors import Stopped
from pipeline.framing import on_ground
from pipeline.models import Clip, Models

FOLDER = "emoji"  # in the cache


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """An emoji that a picture could go with."""

    emoji: str
    name: str
    probability: float  # among all candidates


@dataclass(frozen=True, kw_only=True)
class EmojiInputs:
    """Pictures, and what looks at them."""

    pictures: Sequence[Picture]
    clip: Clip
    names: Tensor  # (N, D), as ``embedded_names`` gives them


@dataclass(frozen=True, kw_only=True)
class EmojiConfig:
    """How many are proposed, and how pictures are looked at."""

    count: int = 3
    batch_size: int = 16
    side_px: int = 384  # of the square that the model's own processor starts from


@torch.no_grad()  # not inference_mode: what is loaded meanwhile could never be trained
def propose(
    inputs: EmojiInputs, config: EmojiConfig, *, report: Report, should_stop: ShouldStop
) -> dict[str, list[Proposal]]:
    """Name of each picture → its emoji, the likeliest first.

    Raises:
        Stopped: ``should_stop`` said so.
    """
    signs, scale = list(candidates().items()), scale_of(inputs.clip)
    found: dict[str, list[Proposal]] = {}
    for start in range(0, len(inputs.pictures), config.batch_size):
        if should_stop():
            raise Stopped()
        pictures = inputs.pictures[start : start + config.batch_size]
        seen = looked_at(inputs.clip, [on_ground(one.image, config.side_px) for one in pictures])  # (B, D)
        chances, places = (scale * seen @ inputs.names.T).softmax(dim=1).topk(config.count, dim=1)
        for picture, row, chosen in zip(pictures, chances.tolist(), places.tolist(), strict=True):
            found[picture.name] = [
                Proposal(emoji=signs[place][0], name=signs[place][1], probability=round(chance, 4))
                for chance, place in zip(row, chosen, strict=True)
            ]
        report(len(found), len(inputs.pictures))
    return found


def embedded_names(models: Models, cache: Path) -> Tensor:
    """All candidates' names in CLIP's space, (N, D) in the candidates' order; computed once for each model.

    Raises:
        BadOutput: the cache cannot be written.
    """
    assert models.clip is not None
    names = list(candidates().values())
    key = store.fingerprint({"model": models.fingerprint("clip"), "names": names, "templates": TEMPLATES})
    path = cache / FOLDER / f"{key[:16]}.safetensors"
    try:
        return load(path.read_bytes())["names"]
    except (FileNotFoundError, SafetensorError, KeyError):  # none yet, or a damaged one: it can be made again
        pass
    embedded = embedded_things(models.clip, names)
    store.write_bytes(path, save({"names": embedded}))
    return embedded


def emoji_of_photos(
    photos: Sequence[Picture], folder: Path, models: Models, cache: Path, *, report: Report, should_stop: ShouldStop
) -> Mapping[str, list[Json]]:
    """Name of each photo → its proposals as JSON, read from ``folder`` where an earlier run found them.

    Empty lists where the profile has no CLIP.
    """
    if models.profile.models.clip is None:
        return {photo.name: [] for photo in photos}
    how = EmojiConfig()
    depends = {
        "model": models.fingerprint("clip"),
        "config": asdict(how),
        "candidates": list(candidates().items()),
        "templates": TEMPLATES,
        "smaller": SMALLER,
        "photos": [[photo.name, photo.sha256] for photo in photos],
    }
    key = store.fingerprint(depends)
    if not store.is_complete(folder, key):
        store.begin(folder)
        assert models.clip is not None
        inputs = EmojiInputs(pictures=photos, clip=models.clip, names=embedded_names(models, cache))
        found = propose(inputs, how, report=report, should_stop=should_stop)
        rows = {name: [asdict(one) for one in proposals] for name, proposals in found.items()}
        store.write_json(folder / "emoji.json", rows)
        store.complete(folder, depends)
    proposals: dict[str, list[Json]] = store.read_json(folder / "emoji.json")
    return proposals
