"""The training loop of the recipe: it can be interrupted, and begin from weights that are there."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.errors import BadInput
from scripts.embedded import loop, segformer


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


class Two(nn.Module):
    """Two layers, of which the first is saved under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.head = nn.Linear(2, 2), nn.Linear(2, 1)


def test_a_training_begins_from_the_weights_that_were_saved(tmp_path: Path) -> None:
    """Their names are turned back; what was not saved keeps its random start; the schedule begins anew."""
    saved = {"text_model.weight": torch.full((2, 2), 3.0), "text_model.bias": torch.ones(2), "other": torch.ones(1)}
    (tmp_path / "out" / "clip").mkdir(parents=True)
    save_file({key: value.half() for key, value in saved.items()}, tmp_path / "out" / "clip" / "model.safetensors")
    loop.begin_from({"net.": "clip/text_model."}, tmp_path / "out", "two", tmp_path, before=100.0)
    torch.manual_seed(1)
    model = Two()
    before = model.head.weight.detach().clone()
    schedule = loop.Schedule(samples=4, batch_size=4, learning_rate=0.0)
    seen: list[torch.Tensor] = []

    def loss_of(net: nn.Module, random: torch.Generator) -> torch.Tensor:
        assert isinstance(net, Two)
        seen.append(net.net.weight.detach().clone())
        return net.head(net.net(torch.ones(1, 2))).float().square().mean()

    figures = loop.fit("two", model, loss_of, schedule, tmp_path)
    assert torch.equal(seen[0], saved["text_model.weight"])
    assert torch.equal(model.net.bias, saved["text_model.bias"])
    assert torch.equal(model.head.weight, before)
    assert figures["samples"] == 104  # with those that the weights had seen before


def test_a_training_from_weights_that_are_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no weights to start two from"):
        loop.begin_from({"net.": "clip/text_model."}, tmp_path, "two", tmp_path)


def test_a_checkpoint_counts_pictures_so_that_more_processes_may_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight pictures of twelve by one process; two at a time see the other four in one step."""
    steps: list[int] = []
    monkeypatch.setattr(loop, "generator_of", lambda step, *_: steps.append(step) or torch.Generator())
    schedule = loop.Schedule(samples=12, batch_size=2, learning_rate=1e-3)
    act: dict[str, Any] = {"schedule": schedule, "folder": tmp_path}
    loss = lambda net, _: net(torch.ones(1, 3)).float().square().mean()  # noqa: E731
    for _ in range(4):
        loop.fit("line", nn.Linear(3, 1), loss, minutes=1e-9, **act)
    assert not loop.finished("line", schedule, tmp_path)
    monkeypatch.setattr(loop, "world", lambda: (0, 2))
    monkeypatch.setattr(loop, "_share", lambda model, *, late, processes: late)
    monkeypatch.setattr(loop, "together", lambda: None)
    figures = loop.fit("line", nn.Linear(3, 1), loss, **act)
    assert steps == [0, 1, 2, 3, 2]
    assert figures["samples"] == 12
    assert loop.finished("line", schedule, tmp_path)


def test_a_checkpoint_goes_before_the_saved_weights(tmp_path: Path) -> None:
    """A training that has begun is not thrown back."""
    (tmp_path / "line.ckpt").write_bytes(b"where it was")
    loop.begin_from({"net.": "clip"}, tmp_path, "line", tmp_path)
    assert (tmp_path / "line.ckpt").read_bytes() == b"where it was"


def test_segformer_begins_from_its_saved_weights_though_their_file_names_them_otherwise(tmp_path: Path) -> None:
    """Every tensor arrives; a name that the module does not know would leave it at its random start."""
    torch.manual_seed(0)
    taught = segformer.build()
    taught.save_pretrained(tmp_path / "out" / "segmentation")
    loop.begin_from(segformer.SAVED, tmp_path / "out", "segformer", tmp_path, segformer.READ_BY)
    begun = torch.load(tmp_path / "segformer.ckpt", weights_only=True)["model"]
    assert begun.keys() == taught.state_dict().keys()
    assert all(torch.equal(begun[name], tensor.float()) for name, tensor in taught.state_dict().items())


def test_weights_with_strange_names_are_refused_rather_than_left_out(tmp_path: Path) -> None:
    """Or the training would begin anew without a word."""
    (tmp_path / "out").mkdir()
    save_file({"elsewhere.weight": torch.ones(2, 2)}, tmp_path / "out" / "model.safetensors")
    loop.begin_from({"": ""}, tmp_path / "out", "two", tmp_path)
    schedule = loop.Schedule(samples=4, batch_size=4, learning_rate=0.0)
    with pytest.raises(KeyError, match=r"elsewhere\.weight"):
        loop.fit("two", Two(), lambda net, random: torch.zeros(()), schedule, tmp_path)
