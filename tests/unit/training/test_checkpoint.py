"""A checkpoint is whole or not there, and only the very run that wrote it takes it up."""

from __future__ import annotations

import pytest
import torch

from training import checkpoint
from training.checkpoint import FILE_NAME, Checkpoint, save, step_of


def made(step: int = 3, fingerprint: str = "abc") -> Checkpoint:
    """With one tensor that tells the step."""
    return Checkpoint(
        step=step,
        fingerprint=fingerprint,
        seconds=1.5,
        losses=torch.rand(step),
        tensors={"parameter/unet.weight": torch.full((2, 2), float(step))},
        extra={"scale": 2.0},
    )


def test_what_is_saved_is_loaded(tmp_path):
    """All fields, bit by bit."""
    saved = made()
    checkpoint.save(tmp_path / "new", saved)
    loaded = checkpoint.load(tmp_path / "new", "abc")
    assert (loaded.step, loaded.fingerprint, loaded.seconds, loaded.extra) == (3, "abc", 1.5, {"scale": 2.0})
    assert torch.equal(loaded.losses, saved.losses)
    assert torch.equal(loaded.tensors["parameter/unet.weight"], saved.tensors["parameter/unet.weight"])


def test_only_the_latest_is_kept(tmp_path):
    """One file, no remains of the writing."""
    for step in (1, 2):
        checkpoint.save(tmp_path, made(step))
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert checkpoint.load(tmp_path, "abc").step == 2


def test_a_failed_write_keeps_the_last_one(tmp_path, monkeypatch):
    """When the disk fails before the rename, the old checkpoint is still there and nothing else."""
    checkpoint.save(tmp_path, made(1))

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "sync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(tmp_path, made(2))
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert checkpoint.load(tmp_path, "abc").step == 1


def test_others_and_damaged_ones_are_ignored(tmp_path):
    """Another fingerprint, a cut file, a foreign file, none: the run starts anew."""
    assert checkpoint.load(tmp_path, "abc") is None
    checkpoint.save(tmp_path, made())
    assert checkpoint.load(tmp_path, "other") is None
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes()[:-5])
    assert checkpoint.load(tmp_path, "abc") is None
    path.write_text("not tensors")
    assert checkpoint.load(tmp_path, "abc") is None
    checkpoint.remove(tmp_path)
    checkpoint.remove(tmp_path)  # twice is once
    assert not path.exists()


def test_what_a_killed_save_left_is_swept_by_the_next_run_and_at_the_end(tmp_path):
    """Large files that nobody would miss; what else lies in the folder stays."""
    checkpoint.save(tmp_path, made())
    (tmp_path / "mine.tmp").touch()
    left = tmp_path / f"{FILE_NAME}.4711.tmp"
    left.write_bytes(b"half")
    assert checkpoint.load(tmp_path, "abc").step == 3
    assert not left.exists()
    left.write_bytes(b"half")
    checkpoint.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.tmp"]


def test_the_optimiser_goes_on_where_it_was():
    """Two steps, saved and restored into a fresh AdamW, then one more: the same weights as three in a row."""

    def fresh():
        torch.manual_seed(0)
        weights = [torch.nn.Parameter(torch.randn(3)), torch.nn.Parameter(torch.randn(2))]
        return weights, torch.optim.AdamW([{"params": weights[:1], "lr": 0.1}, {"params": weights[1:], "lr": 0.2}])

    def steps(weights, optimizer, count):
        for _ in range(count):
            sum(weight.pow(2).sum() for weight in weights).backward()
            optimizer.step()
            optimizer.zero_grad()

    straight, optimizer = fresh()
    steps(straight, optimizer, 2)
    tensors = {name: value.clone() for name, value in checkpoint.optimizer_tensors(optimizer, ["a", "b"]).items()}
    middle = [weight.detach().clone() for weight in straight]
    steps(straight, optimizer, 1)

    resumed, optimizer = fresh()
    with torch.no_grad():
        for weight, value in zip(resumed, middle, strict=True):
            weight.copy_(value)
    checkpoint.restore_optimizer(optimizer, ["a", "b"], tensors)
    steps(resumed, optimizer, 1)
    assert all(torch.equal(*pair) for pair in zip(straight, resumed, strict=True))


def test_the_step_of_another_run_can_be_told(tmp_path):
    """Of a foreign or damaged file it cannot."""
    assert step_of(tmp_path) is None
    save(
        tmp_path,
        Checkpoint(step=86, fingerprint="a", seconds=1.0, losses=torch.zeros(86), tensors={}, extra={}),
    )  # fmt: skip
    assert step_of(tmp_path) == 86
    (tmp_path / FILE_NAME).write_bytes(b"no checkpoint")
    assert step_of(tmp_path) is None
