"""The eyes of the embedded CLIP and BLIP: they learn to tell things apart, in two phases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from scripts.embedded import art, eyes, pictures
from scripts.embedded.loop import Schedule
from tests.tiny_art import drawings


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def red_and_green() -> torch.Tensor:
    """A red square and a green disc, (2, 4, 64, 64)."""
    rgba = drawings(2, side_px=64).rgba.clone()
    rgba[1] = 0
    disc = (torch.arange(64)[:, None] - 32) ** 2 + (torch.arange(64) - 32) ** 2 < 400
    rgba[1, 1][disc], rgba[1, 3][disc] = 200, 255
    return rgba


def test_the_teacher_learns_to_tell_two_things_apart() -> None:
    """Red squares against green discs, turned and inked at random: of 64 that it has not seen, chance names 48 in none
    of ten thousand runs. (One batch's loss tells nothing: it halves and doubles from step to step.)"""
    torch.manual_seed(0)
    net = eyes.Eyes(2)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3)
    both = pictures.Art(
        rgba=red_and_green(), names=["red square", "green disc"], styles=["plain"] * 2, codes=["1f7e5", "1f7e2"]
    )
    photos = torch.rand(1, 3, 256, 256, generator=generator())
    for step in range(30):
        index, seen = eyes.batch(both, photos, 16, generator(step))
        cosines = net.scores(net(eyes.small(seen)))
        assert cosines.abs().max() <= 1.001
        loss = nn.functional.cross_entropy(eyes.SCALE * cosines, index)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    index, seen = eyes.batch(both, photos, 64, generator(99))
    with torch.no_grad():
        named = net.eval().scores(net(eyes.small(seen))).argmax(dim=1)
    assert (named == index).sum() >= 48


CODES = [f"1f60{number}" for number in range(6)]


def some_things() -> tuple[pictures.Art, art.Gallery]:
    """Two drawings each of six things to learn from, and one each held out; one more has no code."""
    rgba = red_and_green().repeat(6, 1, 1, 1)
    taught = pictures.Art(rgba=rgba, names=CODES * 2, styles=["noto"] * 12, codes=CODES * 2)
    held_out = art.Gallery(
        style="openmoji",
        names=[*CODES, "own"],
        codes=[*CODES, ""],
        rgba=rgba[:7].permute(0, 2, 3, 1).numpy(),
        held_out=np.zeros(7, dtype=bool),
    )
    return taught, held_out


def test_the_second_phase_waits_for_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped in the first phase, ``minutes`` begins no second one; going on, each is trained to its end."""
    monkeypatch.setattr(eyes, "SCHEDULE", Schedule(samples=6, batch_size=2, learning_rate=1e-3))
    monkeypatch.setattr(eyes, "SHARPER", Schedule(samples=4, batch_size=2, learning_rate=1e-3))
    taught, held_out = some_things()
    eyes.teacher(taught, held_out, tmp_path, minutes=1e-9)  # one step
    assert (tmp_path / "eyes.ckpt").is_file()
    assert not (tmp_path / "eyes-sharper.ckpt").exists()
    net, things = eyes.teacher(taught, held_out, tmp_path)
    seen = [torch.load(tmp_path / f"{name}.ckpt", weights_only=True)["samples"] for name in ("eyes", "eyes-sharper")]
    assert seen == [6, 4]
    assert things.codes == CODES
    assert things.labels.tolist() == [*range(6)] * 2
    again, _ = eyes.teacher(taught, held_out, tmp_path)  # read from its checkpoints, not trained anew
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_the_first_phase_sees_small_and_the_second_sees_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sides are told apart by what reaches the network."""
    sides: dict[str, set[int]] = {}

    def fit(name: str, net: nn.Module, loss_of: Any, schedule: Schedule, folder: Path, **_: Any) -> dict[str, float]:
        watch = net.vision.register_forward_pre_hook(
            lambda _, given: sides.setdefault(name, set()).add(given[0].shape[-1])
        )
        loss_of(net, generator())
        watch.remove()
        return {"samples": float(schedule.samples)}

    monkeypatch.setattr(eyes, "fit", fit)
    monkeypatch.setattr(eyes, "finished", lambda *_: True)
    eyes.teacher(*some_things(), tmp_path)
    assert sides == {"eyes": {eyes.FIRST_SIDE_PX}, "eyes-sharper": {eyes.SIDE_PX}}
