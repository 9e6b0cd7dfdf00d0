"""Copies of a checkpoint: seldom enough, whole, the furthest counts, and their failures disturb no training."""

from __future__ import annotations

import time

import pytest
import torch

from pipeline.copies import Copies
from pipeline.errors import BadOutput
from pipeline.files import Files
from training.checkpoint import Checkpoint, save, step_of

KEY = "people/ann/jobs/j/checkpoint"


def saved(folder, step):
    """As a training leaves it after so many steps."""
    losses = torch.zeros(step)
    save(folder, Checkpoint(step=step, fingerprint="f", seconds=1.0, losses=losses, tensors={}, extra={}))


@pytest.fixture
def files(tmp_path):
    return Files(tmp_path / "files")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "train"


def waited(copies):
    copies.look()
    if copies._thread:
        copies._thread.join()


def test_only_the_furthest_copy_is_kept_and_brought(files, folder, tmp_path):
    copies = Copies(files, KEY, folder, every_s=0.0)
    waited(copies)
    assert files.list(KEY) == []
    for step in (2, 4):
        saved(folder, step)
        copies._next_at = 0.0
        waited(copies)
    assert files.list(KEY) == [f"{KEY}/00000004"]
    elsewhere = Copies(files, KEY, tmp_path / "elsewhere")
    elsewhere.fetch()
    assert step_of(tmp_path / "elsewhere") == 4


def test_a_checkpoint_that_is_further_here_stays(files, folder):
    """The copy is some steps old; and one of a worker that was slower does not take the place of a further one."""
    copies = Copies(files, KEY, folder, every_s=0.0)
    saved(folder, 4)
    waited(copies)
    saved(folder, 6)
    copies.fetch()
    assert step_of(folder) == 6
    saved(folder, 2)
    copies.end()
    assert files.list(KEY) == [f"{KEY}/00000002", f"{KEY}/00000004"]
    copies.fetch()
    assert step_of(folder) == 4


def test_copies_are_seldom(files, folder):
    """Not before its time, nor of what is there already, nor more than a tenth of the time."""
    copies = Copies(files, KEY, folder, every_s=3600.0)
    saved(folder, 2)
    waited(copies)
    assert files.list(KEY) == []
    copies.end()
    assert files.list(KEY) == [f"{KEY}/00000002"]
    files.delete(KEY)
    copies.end()
    copies._next_at = 0.0
    waited(copies)
    assert files.list(KEY) == []

    class Slow(Files):
        def put(self, key, source):
            time.sleep(0.2)
            super().put(key, source)

    slow = Copies(Slow(files.depot.url), KEY, folder, every_s=0.0)
    waited(slow)
    assert slow._next_at - time.monotonic() > 1.0


def test_a_copy_that_fails_is_logged_and_tried_again(files, folder, caplog):
    """The training has its checkpoint on its own disk."""

    class Full(Files):
        def put(self, key, source):
            raise BadOutput("the disk is full")

    saved(folder, 2)
    copies = Copies(Full(files.depot.url), KEY, folder, every_s=0.0)
    waited(copies)
    assert f"no copy of the checkpoint in {KEY}: the disk is full" in caplog.text
    copies.files = files
    copies.end()
    assert files.list(KEY) == [f"{KEY}/00000002"]
    copies.remove()
    assert files.list(KEY) == []
    assert step_of(folder) == 2
